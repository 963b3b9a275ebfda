"""What is said no to whoever may not, in one sentence. None of them tells whether a name exists."""

from tidegate.values.errors import ExitCode, TidegateError


class AuthorityError(TidegateError):
    """Root of the errors of roles and logins; never raised itself."""

    exit_code = ExitCode.REFUSED


class DeniedError(AuthorityError):
    """The table of permissions, or the four-eyes rule, does not let this person do this. Nothing was done."""


class LoginNeededError(AuthorityError):
    """This needs a login, and no valid proof of one came with it. Nothing was done; log in, and ask again."""


class LoginFailedError(AuthorityError):
    """Name, password or code was wrong, or the user is disabled: which of them is not said."""


class TooManyFailedError(AuthorityError):
    """Logins under this name failed too often; the pause grows with each failure. Wait, then try again."""


class BadTokenError(AuthorityError):
    """The one-time token of the first admin is wrong, used, or of an earlier start."""


class BadUserError(AuthorityError):
    """A user cannot be made or changed so: a bad name, a short password, a name that is taken or unknown, the last admin."""

    exit_code = ExitCode.USAGE


class DoorBusyError(AuthorityError):
    """Too many logins are being checked at once. Nothing was counted against anybody; try again."""

    exit_code = ExitCode.ENVIRONMENT
