"""What can go wrong between a client and the trader's socket, sorted by what the caller must do."""

from tidegate.values.errors import ExitCode, TidegateError


class ControlError(TidegateError):
    """Root of the errors of the socket; never raised itself."""

    exit_code = ExitCode.ENVIRONMENT


class NoTraderError(ControlError):
    """Nobody listens there: the trader is not running, or runs in another home."""


class TraderSilentError(ControlError):
    """Somebody listens and gives no answer in time, or breaks off: whether it acted is not known."""


class SocketDeniedError(ControlError):
    """This user may not talk to that trader."""

    exit_code = ExitCode.REFUSED


class SocketTakenError(ControlError):
    """Another trader listens in this home."""


class SocketUnusableError(ControlError):
    """The socket cannot be made where it belongs."""


class BadFrameError(ControlError):
    """What came over the socket is no frame of ours: too long, cut off, or another program's words."""


class UnknownRequestError(ControlError):
    """A frame holds no request that this trader knows. Nothing was done."""

    exit_code = ExitCode.USAGE


class TraderRefusedError(ControlError):
    """The trader said no, with its sentence and the exit code that it gave."""

    exit_code = ExitCode.REFUSED

    def __init__(self, sentence: str, exit_code: int) -> None:
        """Take over the trader's words."""
        super().__init__(sentence)
        self.exit_code = ExitCode(exit_code) if exit_code in set(ExitCode) else ExitCode.REFUSED
