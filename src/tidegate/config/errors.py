"""What can be wrong with a configuration or a strategy file. Each message is one sentence that says what to do."""

from collections.abc import Iterable
from difflib import get_close_matches

from tidegate.values.errors import ExitCode, TidegateError


class ConfigError(TidegateError):
    """A configuration holds an unknown or bad key, or lacks one."""


class UnknownStrategyError(TidegateError):
    """No strategy of this name is shipped or installed, and no file has this path."""


class BadParameterError(TidegateError):
    """A strategy has no parameter of this name, or the value does not fit it."""


class StrategyFileError(TidegateError):
    """A strategy file breaks a rule of the contract in `docs/strategies.md`, so it is not loaded."""

    exit_code = ExitCode.REFUSED


def ended(sentence: str) -> str:
    """Return a sentence with its full stop, unless it asks something."""
    return sentence if sentence.endswith("?") else f"{sentence}."


LISTED_MAX = 16  # more names than this are not read by anybody


def known(word: str, names: Iterable[str]) -> str:
    """Return the second half of a sentence about an unknown word: the closest names, and all that are known if they are few."""
    listed = list(names)
    if not listed:
        return "there are none"
    close = get_close_matches(word, listed, n=1 if len(listed) <= LISTED_MAX else 5, cutoff=0.5)
    guess = f"did you mean {' or '.join(close)}?" if close else ""
    every = f"known: {', '.join(listed)}" if len(listed) <= LISTED_MAX or not close else ""
    return " ".join(part for part in (guess, every) if part)
