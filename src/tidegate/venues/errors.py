"""What can go wrong with a venue, sorted by what the caller must do next. Each leaf's docstring is its handling rule."""

from tidegate.values.errors import ExitCode, TidegateError


class VenueError(TidegateError):
    """Root of venue errors; never raised itself."""

    exit_code = ExitCode.ENVIRONMENT


class Unreachable(VenueError):  # noqa: N818 - named after what is known, as `Declined` and `OutcomeUnsure` are
    """Nothing was sent. Trying again is safe."""


class Declined(VenueError):  # noqa: N818 - likewise
    """Understood and refused. Trying again gives the same no."""

    exit_code = ExitCode.ANSWER_IS_NO


class OutcomeUnsure(VenueError):  # noqa: N818 - likewise
    """Sent, no answer. Never resend: ask the venue about our order id first."""
