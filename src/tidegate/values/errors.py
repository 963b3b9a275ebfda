"""The root of every error a user can meet. Leaves live in the layer that raises them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller; the same for every verb of the command line."""

    OK = 0
    ANSWER_IS_NO = 1  # verify found a difference, a check failed
    USAGE = 2  # the call, a file or a configuration is wrong
    ENVIRONMENT = 3  # missing key, port taken, disk full, newer format
    REFUSED = 4  # a safety rule said no


class TidegateError(Exception):
    """One sentence that says what happened and what to do; never a traceback for the user."""

    exit_code = ExitCode.USAGE
