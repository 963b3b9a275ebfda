"""What can be wrong with a wish for a generated market."""

from tidegate.values.errors import TidegateError


class BadMarketError(TidegateError):
    """The market that was asked for cannot be made. Ask for another size or day."""
