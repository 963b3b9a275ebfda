"""Write the pages of the manual that follow from the code, or check them.

python -m scripts.manual_pages           write the pages
python -m scripts.manual_pages --check   exit 1 and name those that are out of date
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import FunctionType, ModuleType
from typing import Final

import tidegate
from scripts.cli_page import exit_codes
from scripts.manual_advice import ADVICE
from scripts.order_states import late_picture, usual_picture
from scripts.path_picture import path_picture
from scripts.plan_page import plan_page
from tidegate.analytics.metrics import metrics_markdown
from tidegate.cli.exits import INTERRUPTED, InterruptedRunError
from tidegate.config.limits import limit_keys
from tidegate.config.reference import reference_markdown
from tidegate.config.yaml_text import read_documents
from tidegate.engine import folding, watching
from tidegate.oms.transitions import NEVER_LIVED, TERMINAL, TRANSITIONS
from tidegate.risk import breakers
from tidegate.risk.checks import APPROVAL_CHECKS, BY_NAME, refusal_catalogue
from tidegate.risk.limits import Bounds
from tidegate.risk.wording import WORDING
from tidegate.values.errors import TidegateError
from tidegate.venues.sim.assumptions import assumptions
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings, TradingHours

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
SHIPPED_LIMITS: Final = ROOT / "src/tidegate/config/limits/2026-02.yaml"
MADE: Final = "Made from the code by `scripts/manual_pages.py`; do not edit."


def refusals_page() -> str:
    """Return the catalogue of refusals, in order of precedence."""
    rows = refusal_catalogue()
    lines = [
        "# Refusals",
        "",
        MADE,
        "",
        (
            "Every intent meets every check that applies to it, in this order. All failures are listed, each with its limit, "
            "what was observed, and a sentence; the first one names the refusal in reports. A check whose input cannot be seen "
            "refuses as `input_missing:` and its name. Exits are asked about few things only, because a position that cannot be "
            "closed is the worse danger; an exit above an order cap is cut into slices, not refused."
        ),
        "",
        "| check | asked of | limit keys |",
        "|---|---|---|",
        *(f"| [{name}](#{name}) | {applies} | {_keys(name)} |" for name, _what, _unit, applies in rows),
    ]
    for name, what, unit, applies in rows:
        lines += ["", f"## {name}", "", *_refusal(name, what, unit, applies)]
    return "\n".join(lines) + "\n"


def _refusal(name: str, what: str, unit: str, applies: str) -> Iterator[str]:
    if name not in BY_NAME:
        yield f"{what.capitalize()}."
    else:
        yield " ".join((inspect.getdoc(BY_NAME[name].function) or "").split())
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| looks at | {_cell(what)} |"
    yield f"| asked of | {applies} |"
    if unit:
        yield f"| unit | {unit} |"
    if _keys(name):
        yield f"| limits | {_keys(name)} |"
    if name in WORDING:
        yield f"| says, when it fails | {_cell(WORDING[name].fails)} |"
        yield f"| says, when it holds | {_cell(WORDING[name].holds)} |"
    yield f"| what to do | {_cell(ADVICE[name])} |"


def _keys(name: str) -> str:
    return ", ".join(f"[`{key}`](limits.md)" for key in limits_of(name))


def limits_of(name: str) -> tuple[str, ...]:
    """Return the keys of the limits that a check reads, from its source."""
    if name not in BY_NAME:
        return ()
    keys = {key.field.name: key.key for key in limit_keys()}
    of_bounds = {short: key for short in Bounds.__slots__ for field, key in keys.items() if field == f"{short}_attos_max"}
    names = {**keys, **of_bounds}
    return tuple(names[read] for read in _attributes(BY_NAME[name].function) if read in names)


def in_trade_limits() -> frozenset[str]:
    """Return the keys of the limits that the in-trade rules read, from their source."""
    keys = {key.field.name: key.key for key in limit_keys()}
    nodes = (node for module in (breakers, watching, folding) for node in ast.walk(ast.parse(inspect.getsource(module))))
    return frozenset(keys[node.attr] for node in nodes if isinstance(node, ast.Attribute) and node.attr in keys)


def _attributes(function: Callable[..., object]) -> list[str]:
    """Attributes that a function reads of `limits` or `bounds`, helpers in its file included, in order."""
    assert isinstance(function, FunctionType)
    found: dict[str, None] = {}
    waiting, seen = [function], set()
    while waiting:
        one = waiting.pop(0)
        seen.add(one)
        for node in ast.walk(ast.parse(inspect.getsource(one))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"view.limits", "view.bounds"}:
                found[node.attr] = None
            elif isinstance(node, ast.Name) and isinstance(helper := one.__globals__.get(node.id), FunctionType):
                waiting += [helper] if helper not in seen and helper.__module__ == one.__module__ else []
    return list(found)


def _page_of(name: str) -> str:
    """Return the page that explains a check: what asks for a person is no refusal."""
    return "approvals.md" if name in {check.name for check in APPROVAL_CHECKS} else "refusals.md"


def limits_page() -> str:
    """Return every limit: unit, meaning, what the shipped file says, which checks read it."""
    shipped = read_documents(SHIPPED_LIMITS.read_bytes(), "2026-02")[0]
    assert isinstance(shipped, dict)
    readers: dict[str, list[str]] = {}
    watched = in_trade_limits()
    for name in BY_NAME:
        for key in limits_of(name):
            readers.setdefault(key, []).append(f"[{name}]({_page_of(name)}#{name})")
    lines = [
        "# Limits",
        "",
        MADE,
        "",
        (
            "A limits file states every key, or nothing starts: a limit that is missing would widen the risk in silence. "
            "Values outside what can be measured are refused as well. Two files ship: `2026-02`, shown here, for a small account "
            "that trades single stocks, and `day-trading`, the same with ten times the spend."
        ),
        "",
        "| key | unit | shipped | meaning | read by |",
        "|---|---|---|---|---|",
    ]
    for key, field in limit_keys():
        unit = {"ns": "duration", "symbols": "list of symbols"}.get(field.unit, field.unit)
        value = {"None": "null", "[]": "none"}.get(str(shipped[key]), str(shipped[key]))
        by = ", ".join((*readers.get(key, ()), *(["[in-trade rules](in-trade.md)"] if key in watched else ())))
        lines.append(f"| `{key}` | {unit} | {value} | {_cell(field.text)} | {by} |")
    return "\n".join(lines) + "\n"


def simulator_page() -> str:
    """Return what the simulated venue takes for granted, line by line."""
    hours = (TradingHours(open_ns=0, close_ns=1),)
    settings = (
        ("`outside_hours: queue`", SimSettings(hours=hours, outside_hours=OutsideHours.QUEUE)),
        ("`outside_hours: reject`", SimSettings(hours=hours, outside_hours=OutsideHours.REJECT)),
        ("a venue of `calendar: always`", SimSettings(hours=())),
        ("`short_selling: true`", SimSettings(short_selling=True)),
        ("`short_selling: false`", SimSettings(short_selling=False)),
        ("`buy_stop_collar: true`", SimSettings(buy_stop_collar=True)),
        ("a replacement's quantity is its rest", SimSettings(replace_quantity=ReplaceQuantity.REST)),
        ("a replacement's quantity is a total", SimSettings(replace_quantity=ReplaceQuantity.TOTAL)),
    )
    lines = [
        "# The simulator's assumptions",
        "",
        MADE,
        "",
        (
            "The simulated venue is not a market. Where a real venue might act otherwise, the rule it follows has a line here; "
            "every report prints the lines of its run. A second, slow implementation of the same rules judges the fast one on "
            "random tapes (`tests/venues/twin.py`). What follows for you: [live versus replay](live-versus-replay.md)."
        ),
        "",
        "## Always",
        "",
        *(f"{place}. {line}" for place, line in enumerate(assumptions(), start=1)),
        "",
        "## By setting",
        "",
        "| setting | then |",
        "|---|---|",
    ]
    common = set(assumptions())
    for words, value in settings:
        own = [line for line in assumptions(value) if line not in common]
        lines.append(f"| {words} | {_one_of(words, own)} |")
    return "\n".join(lines) + "\n"


def _one_of(words: str, lines: list[str]) -> str:
    """Pick the line that a setting is about: hours first, then short selling, replacement, collar."""
    place = 0 if "hours" in words or "calendar" in words else 1 if "short" in words else 3 if "collar" in words else 2
    return _cell(lines[place])


def states_page() -> str:
    """Return the order states, their pictures and the whole table."""
    lines = [
        "# Order states",
        "",
        MADE,
        "",
        "One table moves orders, and nothing else does. The rules behind its rows:",
        "",
        *_rules(import_module("tidegate.oms.transitions")),
        "",
        "## The usual way",
        "",
        "![States of an order while it lives, and how it ends](assets/order-states.svg)",
        "",
        (
            "Rounded states are live, square ones final. An edge is drawn where at least one event leads from one state to the "
            "other; the tables below say which."
        ),
        "",
        "## What comes late",
        "",
        "![What can still move an order after it ended](assets/order-states-late.svg)",
        "",
        (
            "A venue's words arrive late, twice, and in the wrong order. So final states have rows as well: a fill is taken in "
            f"everywhere, and an order that was {_names(NEVER_LIVED)} and yet works is adopted, canceled, and halts its symbol."
        ),
        "",
        "## The table",
        "",
        (
            "*Complete*: the fills add up to the order's quantity; for a missed lookup, enough complete lookups past the venue's "
            "grace have missed. An event that is in no row contradicts the state: nothing moves, and a finding is reported."
        ),
    ]
    for state, row in TRANSITIONS.items():
        lines += ["", f"### {state.name}", "", f"{'Final' if state in TERMINAL else 'Live'}.", ""]
        lines += ["| event | next state | when complete |", "|---|---|---|"]
        for kind, (after, whole) in row.items():
            words = "stays" if after is state else after.name
            lines.append(f"| {kind.value} | {words} | {whole.name if whole is not after else ''} |")
    return "\n".join(lines) + "\n"


def _rules(module: ModuleType) -> list[str]:
    """The rules that the module states of itself."""
    text = inspect.getdoc(module) or ""
    return text[text.index("- ") : text.index("`complete`")].strip().splitlines()


def errors_page() -> str:
    """Return the exit codes, and every error a user can meet with its code."""
    lines = [
        "# Exit codes and errors",
        "",
        MADE,
        "",
        (
            'An error is one sentence that says what to do, on stderr; with `--json` it is `{"error": …, "exit_code": …}` on '
            "stdout. Files appear whole or not at all, so a failed verb leaves nothing half written."
        ),
        "",
        *exit_codes().splitlines(),
        "",
        "## Errors by layer",
        "",
        "From Python each is an exception of this name, derived from `tidegate.TidegateError`, with `exit_code`.",
    ]
    layer = ""
    for error in errors():
        if (own := error.__module__.split(".")[1]) != layer:
            layer = own
            lines += ["", f"### {layer}", "", "| error | exit code | when |", "|---|---|---|"]
        code = INTERRUPTED if error is InterruptedRunError else int(error.exit_code)
        lines.append(f"| `{error.__name__}` | {code} | {_cell(' '.join((error.__doc__ or '').split()))} |")
    return "\n".join(lines) + "\n"


def errors() -> list[type[TidegateError]]:
    """Return every error a user can meet, by layer and name."""
    for found in walk_packages(tidegate.__path__, "tidegate."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
    waiting, seen = [TidegateError], set()
    while waiting:
        for error in waiting.pop().__subclasses__():
            if error not in seen and error.__module__.startswith("tidegate."):
                seen.add(error)
                waiting.append(error)
    return sorted(seen, key=lambda error: (error.__module__.split(".")[1], error.__name__))


def _names(states: frozenset[object]) -> str:
    names = sorted(getattr(state, "name", "") for state in states)
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "refusals.md": refusals_page,
    "limits.md": limits_page,
    "simulator.md": simulator_page,
    "order-states.md": states_page,
    "errors.md": errors_page,
    "plan.md": lambda: plan_page(MADE),
    "configuration.md": reference_markdown,
    "metrics.md": metrics_markdown,
    "assets/order-states.svg": usual_picture,
    "assets/order-states-late.svg": late_picture,
    "assets/path.svg": path_picture,
}


def stale() -> list[str]:
    """Return the pages that do not say what the code says."""
    return [name for name, make in PAGES.items() if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != make()]


def main() -> int:
    """Write or check the pages."""
    if "--check" not in sys.argv[1:]:
        (DOCS / "assets").mkdir(exist_ok=True)
        for name, make in PAGES.items():
            (DOCS / name).write_text(make(), encoding="utf-8")
        return 0
    old = stale()
    for name in old:
        print(f"docs/{name} is out of date; run `python -m scripts.manual_pages` and commit it.", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
