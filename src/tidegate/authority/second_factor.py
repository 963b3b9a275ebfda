"""The second factor: codes of an authenticator (TOTP, six digits, 30 s), each good for one login.

A code is one of a *step*, the number of half minutes since 1970. The step that was used last is kept with the user: a code that
somebody has seen over a shoulder is worth nothing, also after a restart.
"""

from hmac import compare_digest
from typing import Final

import pyotp

from tidegate.values.time import SECOND_NS

STEP_S: Final = 30
STEPS_ASIDE: Final = 1  # a clock may be half a minute off, either way
DIGITS: Final = 6
ISSUER: Final = "tidegate"
DECOY: Final = "A" * 32  # the secret of nobody: a code for an unknown name takes as long to check


def new_secret() -> str:
    """Return a secret for an authenticator: 160 random bits in base32."""
    return pyotp.random_base32()


def enrolment(name: str, secret: str) -> str:
    """Return what an authenticator takes in: an otpauth URI. It holds the secret; show it once, to its user."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(now_ns: int) -> int:
    """Return the step of a time, ns UTC."""
    return now_ns // (STEP_S * SECOND_NS)


def used_step(secret: str, code: str, now_ns: int, last_step: int) -> int | None:
    """Return the step that a code is good for; None: it is wrong, too old, or was used.

    All steps are looked at, whatever comes of it, so that the time taken says nothing.
    """
    given = code.replace(" ", "").encode()
    now = step_of(now_ns)
    codes = pyotp.HOTP(secret, digits=DIGITS)
    matching = [step for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1) if compare_digest(codes.at(step).encode(), given)]
    unused = [step for step in matching if step > last_step]
    return unused[0] if unused else None
