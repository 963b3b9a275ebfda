"""Results of the gate's checks in words, with limit and observed value in the check's unit."""

from tidegate.events.acts import CheckResult
from tidegate.market.rows import QUALITY_NAMES
from tidegate.risk.checks import BY_NAME, INPUT_MISSING, Unit
from tidegate.risk.sentences import number, sentence_of

_CODED = frozenset((Unit.FLAG, Unit.GATE, Unit.QUALITY, Unit.REGIME))  # their sentences say all there is


def check_words(check: CheckResult) -> str:
    """Return a result as a sentence, with the numbers the sentence leaves out in brackets after it.

    A check this version does not know is shown with its bare numbers.
    """
    name, _, limit, observed = check
    row = BY_NAME.get(name)
    if row is None:
        return f"observed {_bare(observed)}, limit {_bare(limit)}"
    sentence = sentence_of(check)
    if row.unit in _CODED:
        return sentence
    told = (("observed", observed), ("limit", limit))
    known = [(label, value) for label, value in told if value or (value == 0 and row.unit is not Unit.TIME)]
    numbers = [(label, number(value, row.unit)) for label, value in known]
    missing = [f"{label} {text}" for label, text in numbers if text not in sentence]
    return f"{sentence} ({', '.join(missing)})" if missing else sentence


def check_of(refusal: str) -> str:
    """Return the check behind a refusal; what could not be seen is named `input_missing:check`."""
    return refusal.removeprefix(f"{INPUT_MISSING}:")


def quality_words(flags: int) -> str:
    """Return the names of a quote's quality flags."""
    return ", ".join([word for bit, word in QUALITY_NAMES.items() if flags & bit])


def _bare(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"
