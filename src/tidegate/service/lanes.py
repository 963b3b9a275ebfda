"""What both kinds of requests of people meet when the engine has too much before it."""

from tidegate.values.errors import ExitCode, TidegateError


class LaneFullError(TidegateError):
    """Too many requests wait for the engine already. What a kill latches is latched; ask again."""

    exit_code = ExitCode.ENVIRONMENT
