"""The page of what a strategy file declares, is shown and answers, field by field, from the classes that hold it."""

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Final

import msgspec

from tidegate.config.remarks import field_remarks
from tidegate.events.acts import FeatureSnapshot
from tidegate.events.base import Act
from tidegate.risk.sentences import duration
from tidegate.strategies import plan, strategy
from tidegate.strategies.plan import Distance
from tidegate.values import enums

DECLARED: Final = (
    *("Plan", "EntryRule", "EntryStyle", "ExitRule", "ExitAt", "SizingRule", "SizingMethod"),
    *("ReentryRule", "PartialFillRule", "Subscription"),
)
SHOWN: Final = ("View", "Bar", "Attention")
ANSWERED: Final = ("Intent", "Nothing")
LOWER: Final = ("PartialFillPolicy", "TimeInForce")  # from `tidegate.values.enums`
INTRODUCTION: Final = """\
Every field of what a [strategy file](strategies.md) declares, is shown and answers. The words are imported from `tidegate`, those of the
last section from `tidegate.values.enums`.

A distance is `atr(2.0)` (average true ranges of a minute), `bps(30)` (of the price) or `dollars(0.25)`. Fields that end in `_ns` are
whole nanoseconds (`SECOND_NS` and others are in `tidegate.values.time`), in `_nanos` units of 1e-9. Numbers of a plan are finite and not
negative; a plan that breaks this, or lacks what it needs, is refused when the file is loaded.

`Side` is `BUY` or `SELL`, `Purpose` is `ENTRY` or `EXIT`; `NoState` is the state of a file that remembers nothing."""
_TYPES: Final = {"bool": "true/false", "str": "text", "tuple[str, ...]": "texts", "tuple[float, ...]": "numbers", "Any": "struct"}


def plan_page(made: str) -> str:
    """Return the page. made: who made it."""
    lines = [f"# Plan, view and intent\n\n{made}\n\n{INTRODUCTION}"]
    for title, module, names in (
        ("What a file declares", plan, DECLARED),
        ("What `decide` is shown", strategy, SHOWN),
        ("What `decide` answers", strategy, ANSWERED),
        ("Words of enums", enums, LOWER),
    ):
        lines += ["", f"## {title}"]
        for name in names:
            lines += _section(module, name)
    return "\n".join(lines) + "\n"


def _section(module: ModuleType, name: str) -> Iterator[str]:
    kind = getattr(module, name)
    source = inspect.getsource(module).encode()
    yield from ("", f"### {name}", "", _cell(" ".join((inspect.getdoc(kind) or "").split())), "")
    if issubclass(kind, Enum):
        said = _member_remarks(inspect.getsource(kind))
        yield from ("| word | meaning |", "|---|---|", *(f"| `{name}.{one.name}` | {_cell(said.get(one.name, ''))} |" for one in kind))
        return
    remarks = field_remarks(source, name)
    given = name in SHOWN  # by the engine, whole
    yield from (
        ("| field | type | meaning |", "|---|---|---|") if given else ("| field | type | unless given | meaning |", "|---|---|---|---|")
    )
    for field in msgspec.structs.fields(kind):
        default = "" if given else f" {_default(field.default)} |"
        yield f"| `{field.name}` | {_type(kind.__annotations__[field.name])} |{default} {_cell(remarks[field.name])} |"
    if name == "View":
        own = [field.name for field in msgspec.structs.fields(FeatureSnapshot) if field.name not in Act.__struct_fields__]
        yield from (
            "",
            f"`features` has {', '.join(f'`{word}`' for word in own)}; [the senses](senses.md#features) says what most of them are.",
        )


def _type(annotation: object) -> str:
    text = getattr(annotation, "__name__", "") if isinstance(annotation, type) and "[" not in str(annotation) else str(annotation)
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text).removesuffix(" | None")
    text = _TYPES.get(text, text)
    return f"{text} or none" if str(annotation).endswith("None") else text


def _default(value: object) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    if isinstance(value, Distance):
        return f"`{value.unit.name.lower()}({value.value:g})`"
    if isinstance(value, Enum):
        return f"`{type(value).__name__}.{value.name}`"
    if isinstance(value, msgspec.Struct):
        return f"`{type(value).__name__}()`"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10**6:
        return duration(value)
    return "none" if value is None or value == () else f"{value:g}" if isinstance(value, float) else str(value).lower()


def _member_remarks(source: str) -> dict[str, str]:
    return dict(re.findall(r"^    (\w+) = .*?  # (.*)$", source, re.MULTILINE))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
