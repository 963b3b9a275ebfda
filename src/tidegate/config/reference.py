"""Every key with its meaning, unit and default, made from the classes that read them: the manual cannot drift from the code."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
from msgspec import inspect

from tidegate.config.finding import SHIPPED
from tidegate.config.keys import keys_of
from tidegate.config.limits import limit_keys
from tidegate.config.loading import ParameterCard, load_strategy, parameter_cards
from tidegate.config.model import Config

REQUIRED: Final = "required"
_UNITS: Final = {"ns": "duration", "symbols": "list of symbols"}
_HEAD: Final = (
    "A configuration is one YAML file, and says what is traded, by which strategies, within which limits. An unknown key is an error. Four",
    "ship and are meant by name: `us-stocks` and `generated` for replays, `demo-recorded` and `demo-generated` for `tidegate up --demo`.",
    "A whole one for a paper account is on the page [Live trading](live-trading.md#a-configuration).",
    "",
    "```text",
    "tidegate config validate my.yaml    # is it sound, and which version is it",
    "tidegate config show my.yaml        # all of it, defaults and limits included",
    "```",
    "",
    "A key within a section is named behind a dot. `[]` marks a list: each of its entries has the keys named behind it.",
    "",
    "| unit | is written as |",
    "|---|---|",
    '| duration | a number and `ns`, `us`, `ms`, `s`, `m`, `h` or `d`, such as `250ms`; `"0"` in quotes |',
    "| latency | a duration, or `lognormal:5ms,0.3`: median, and deviation of the logarithm |",
    "| time | ISO 8601 with its zone, such as `2026-10-07T14:00:00Z` |",
    "| bps | a hundredth of a percent: `25` is 0.25 % |",
    "| share | `0.6` is 60 % |",
    "| usd | dollars, exact: `10000` or `0.25` |",
    "| quantity | shares or contracts, exact |",
    "| text, words, names | as the meaning says; what takes certain words only names all of them |",
)


class KeyRow(NamedTuple):
    """One key as the manual shows it. The path of a key in a list has [] behind the list's name."""

    path: str
    unit: str
    default: str
    meaning: str


class StrategyCard(NamedTuple):
    """A strategy in words."""

    name: str
    version: int
    signal: str
    do_nothing: tuple[str, ...]
    parameters: tuple[ParameterCard, ...]


def reference_rows() -> tuple[KeyRow, ...]:
    """Return every key of a configuration, in the order of its classes."""
    return tuple(_rows(Config, ""))


def limit_rows() -> tuple[KeyRow, ...]:
    """Return every key of a limits file; each is required."""
    return tuple(KeyRow(key, _UNITS.get(field.unit, field.unit), REQUIRED, field.text) for key, field in limit_keys())


def strategy_card(name_or_path: str) -> StrategyCard:
    """Return what people want to know of a strategy with its default parameters.

    Raises:
        UnknownStrategyError, StrategyFileError, BadPlanError: see `load_strategy`.
    """
    strategy = load_strategy(name_or_path, {})
    return StrategyCard(strategy.name, strategy.version, strategy.plan.signal, strategy.plan.do_nothing, parameter_cards(strategy))


def reference_markdown() -> str:
    """Return the manual's page of keys."""
    parts = ["# Configuration keys", "", "Made from the classes that read them (`tidegate.config`); do not edit.", "", *_HEAD, ""]
    parts += ["## Configuration", "", *_table(reference_rows()), "", "## Limits", ""]
    parts += ["Every limit must be given: a missing one is an error at the start. Values to begin with are under [Limits](limits.md).", ""]
    parts += _table(limit_rows())
    for name in SHIPPED:
        parts += ["", *_strategy_lines(strategy_card(name))]
    return "\n".join(parts) + "\n"


def _rows(cls: type[msgspec.Struct], prefix: str) -> Iterator[KeyRow]:
    for name, key in keys_of(cls).items():
        inner, is_list = _section_of(key.kind)
        path = f"{prefix}{name}{'[]' if is_list else ''}"
        yield KeyRow(path, key.unit, REQUIRED if key.required else _default(key.default), _with_words(key.meaning, key.kind))
        if inner is not None:
            yield from _rows(inner, f"{path}.")


def _with_words(meaning: str, kind: inspect.Type) -> str:
    """Return what a key means, with the words it takes where it takes no others and they are not told there."""
    words = [word for word in _words_of(kind) if word]
    told = re.findall(r"\w+", meaning)
    return meaning if all(word in told for word in words) else f"{meaning} ({', '.join(words)})"


def _words_of(kind: inspect.Type) -> tuple[str, ...]:
    match kind:
        case inspect.Metadata(type=inner):
            return _words_of(inner)
        case inspect.VarTupleType(item_type=item):
            return _words_of(item)
        case inspect.LiteralType(values=values):
            return tuple(map(str, values))
        case _:
            return ()


def _section_of(kind: inspect.Type) -> tuple[type[msgspec.Struct] | None, bool]:
    """Return the section that a key holds, if it holds one, and whether it is a list of them."""
    match kind:
        case inspect.Metadata(type=inner):
            return _section_of(inner)
        case inspect.StructType(cls=cls):
            return cls, False
        case inspect.VarTupleType(item_type=item):
            return _section_of(item)[0], True
        case inspect.UnionType(types=types):
            found = [_section_of(part) for part in types if isinstance(part, inspect.StructType | inspect.VarTupleType)]
            return found[0] if found else (None, False)
        case _:
            return None, False


def _default(value: object) -> str:
    match value:
        case None | msgspec.UNSET:
            return "none"
        case bool():
            return str(value).lower()
        case msgspec.Struct():
            return "its keys' defaults"
        case tuple() | dict():
            return ", ".join(map(str, value)) if value else "empty"
        case float() | Decimal():
            return f"{value:g}"
        case _:
            return str(value) or "empty"


def _table(rows: tuple[KeyRow, ...]) -> list[str]:
    lines = ["| key | unit | default | meaning |", "|---|---|---|---|"]
    return lines + [f"| `{row.path}` | {row.unit} | {_breakable(row.default)} | {_cell(row.meaning)} |" for row in rows]


def _breakable(default: str) -> str:
    """Return a default that may go over several lines: an address would leave no room for what it means."""
    return re.sub(r"(?<=\w)/(?=\w)", "/<wbr>", default)


def _strategy_lines(card: StrategyCard) -> list[str]:
    lines = [f"## Strategy {card.name}", "", f"Enters on: {card.signal}. Does nothing when {'; '.join(card.do_nothing)}.", ""]
    lines += ["| parameter | kind | default | meaning |", "|---|---|---|---|"]
    return lines + [f"| `{part.name}` | {part.kind} | {_default(part.default)} | {_cell(part.remark)} |" for part in card.parameters]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
