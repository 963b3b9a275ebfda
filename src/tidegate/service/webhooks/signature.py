"""How a delivery is signed, and how its receiver proves it: HMAC-SHA256 over the time of sending and the exact bytes of the body.

    tidegate-signature: t=1772461800,v1=5257a869e7…     v1 = hex of HMAC-SHA256(secret, "1772461800." + body)

A receiver that gets this right knows that the sender has the secret, that not one byte was changed, and that it was sent within the
tolerance. What was sent before and is played again within the tolerance carries an id that the receiver has seen.
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from tidegate.values.errors import ExitCode, TidegateError

SIGNATURE: Final = "tidegate-signature"
DELIVERY: Final = "tidegate-delivery"  # id of what is told: the same at each try
TOPIC: Final = "tidegate-topic"
TOLERANCE_S: Final = 300
_HEADER_LENGTH_MAX: Final = 1_024
_SIGNATURES_MAX: Final = 8


class WebhookRefusedError(TidegateError):
    """A delivery is not proved to come from whoever has the secret, or is not of now. Answer 400 and do nothing."""

    exit_code = ExitCode.REFUSED


def signature_of(secret: str, body: bytes, at_s: int) -> str:
    """Return the value of the signature's header."""
    return f"t={at_s},v1={_digest(secret, body, at_s)}"


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance_s: int = TOLERANCE_S, now_s: float | None = None
) -> dict[str, Any]:
    """Return what a delivery tells, once its signature is proved; act on each `id` once, it may come again.

    Args:
        secret: the webhook's secret, as the trader has it.
        headers: of the request; names in any case.
        body: the request's bytes as they came, not decoded and encoded again.
        tolerance_s: how far the time of sending may lie from now.
        now_s: seconds since 1970; the machine's clock if not said.

    Raises:
        WebhookRefusedError: no signature, a wrong one, too old, or not JSON.
    """
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    at_s, signatures = _read(given)
    expected = _digest(secret, body, at_s)
    found = [hmac.compare_digest(expected, one) for one in signatures]  # each is compared, in constant time
    if not any(found):
        raise WebhookRefusedError("The signature is not of this body and secret; compare the secret with the trader's.")
    if abs((time.time() if now_s is None else now_s) - at_s) > tolerance_s:
        raise WebhookRefusedError(f"The delivery was sent more than {tolerance_s} s from now; set the clock, or it is an old one again.")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise WebhookRefusedError("The body is signed and no JSON object; it comes from something else that has the secret.") from None


def _read(header: str) -> tuple[int, list[str]]:
    parts = [part.strip().partition("=") for part in header[:_HEADER_LENGTH_MAX].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1" and value.isascii()][:_SIGNATURES_MAX]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or not signatures:
        raise WebhookRefusedError(f"The header {SIGNATURE} is missing or has no t= and v1=; only tidegate's deliveries are taken.")
    return int(times[0]), signatures


def _digest(secret: str, body: bytes, at_s: int) -> str:
    return hmac.new(secret.encode(), b"%d." % at_s + body, sha256).hexdigest()
