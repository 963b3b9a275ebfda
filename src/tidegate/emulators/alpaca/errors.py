"""What can be wrong before the emulator runs, and what it answers on the wire when it refuses a request."""

from collections.abc import Mapping
from typing import Final

from tidegate.values.errors import ExitCode, TidegateError

BAD_INPUT: Final = 40010001  # a field is missing or malformed
BAD_ORDER: Final = 42210000  # understood, and against a rule
FORBIDDEN: Final = 40310000
NOT_FOUND: Final = 40410000
TOO_MANY: Final = 42910000


class EmulatorError(TidegateError):
    """Root of what keeps an emulator from starting; never raised itself."""


class PortTakenError(EmulatorError):
    """Something listens on the port already. Choose another one."""

    exit_code = ExitCode.ENVIRONMENT


class WrongTapeError(EmulatorError):
    """The tape holds nothing that Alpaca trades, or days no calendar knows."""


class BadFaultsError(EmulatorError):
    """A list of faults cannot be read."""


class BadReferenceError(EmulatorError):
    """A file of assets, option contracts and corporate actions cannot be read."""


class BadSettingsError(EmulatorError):
    """Two accounts share a key, or a number makes no sense."""


class NotSteppedError(EmulatorError):
    """Somebody steps an emulator whose time runs by itself."""


class WireRefusal(TidegateError):  # noqa: N818 - it is no error of ours: it is the venue's answer
    """A refusal as the venue words it: HTTP status and JSON body."""

    def __init__(self, http: int, code: int | None, message: str, extra: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.http: Final = http
        self.body: Final[dict[str, object]] = ({} if code is None else {"code": code}) | {"message": message} | dict(extra or {})


def malformed(message: str) -> WireRefusal:
    """Return the refusal of a missing or malformed field."""
    return WireRefusal(422, BAD_INPUT, message)


def unprocessable(message: str, extra: Mapping[str, object] | None = None) -> WireRefusal:
    """Return the refusal of a request that is well formed and against a rule."""
    return WireRefusal(422, BAD_ORDER, message, extra)


def forbidden(message: str, extra: Mapping[str, object] | None = None) -> WireRefusal:
    """Return the refusal for want of money, shares or permission."""
    return WireRefusal(403, FORBIDDEN, message, extra)


def not_found(message: str) -> WireRefusal:
    """Return the answer about something that is not there."""
    return WireRefusal(404, NOT_FOUND, message)
