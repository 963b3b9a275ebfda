"""Write the tables of the manual's live pages from the code, or check them.

python -m scripts.live_pages           write the tables
python -m scripts.live_pages --check   exit 1 and name the pages that are out of date
"""

import sys
from collections.abc import Callable, Collection
from enum import StrEnum
from pathlib import Path
from typing import Final

from tidegate.authority.actions import Action, TradingStage
from tidegate.authority.permissions import TABLE as PERMISSIONS
from tidegate.authority.permissions import WITHOUT_USERS
from tidegate.engine.differences import TABLE
from tidegate.service.recovery import MEANING
from tidegate.simulation.campaign.faults import FAULTS
from tidegate.values.enums import GateScope, Role

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"


def differences_table() -> str:
    """Return every difference between books and report, with its resolution."""
    rows = ["| finding | what it is | resolution | what becomes of it | closes |", "|---|---|---|---|---|"]
    for kind, rule in TABLE.items():
        closes = "" if rule.scope is None else f"{rule.scope.value}: {rule.state.value}"
        rows.append(f"| `{kind.value}` | {rule.what} | {rule.resolution.value} | {rule.words} | {closes} |")
    return "\n".join(rows)


def evidence_table() -> str:
    """Return what the ledger's word on an order without an answer means at the start."""
    rows = ["| the ledger says | so the order is told |", "|---|---|"]
    rows += [f"| `{evidence.value}` | `{kind.value}` |" for evidence, kind in MEANING.items()]
    rows.append("| a row, and the log does not know the order | it was never let go: the row is abandoned |")
    return "\n".join(rows)


def faults_table() -> str:
    """Return the faults of a campaign."""
    rows = ["| fault | what happens |", "|---|---|"]
    rows += [f"| {name} | {words} |" for name, words in FAULTS.items()]
    return "\n".join(rows)


def permissions_table() -> str:
    """Return who may do what, rule by rule."""
    rows = ["| action | scopes | modes | roles | a second person | a login of the last 5 minutes |", "|---|---|---|---|---|---|"]
    for rule in PERMISSIONS:
        cells = (
            ", ".join(f"`{action.value}`" for action in rule.actions),
            _words(rule.scopes, GateScope),
            _words(rule.stages, TradingStage),
            _words(rule.roles, Role),
            _words(rule.second, Role) if rule.second else "",
            "yes" if rule.fresh else "",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def without_users_table() -> str:
    """Return what the trader's own system user may do while there is no user."""
    rows = ["| mode | what needs no login while there is no user |", "|---|---|"]
    for stage, actions in WITHOUT_USERS.items():
        rows.append(f"| {stage.value} | {', '.join(f'`{action.value}`' for action in Action if action in actions)} |")
    return "\n".join(rows)


def _words(some: Collection[StrEnum], kind: type[StrEnum]) -> str:
    """Return members of an enum in its order; `any` for all of them."""
    members = [member.value.replace("_", " ") for member in kind if member in some]
    return "any" if len(members) == len(kind) else ", ".join(members)


TABLES: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "reconciliation.md": {"differences": differences_table, "evidence": evidence_table},
    "fault-campaign.md": {"faults": faults_table},
    "roles.md": {"permissions": permissions_table, "without users": without_users_table},
}


def page(name: str) -> str:
    """Return a page with its tables as they follow from the code."""
    text = (DOCS / name).read_text()
    for mark, table in TABLES[name].items():
        before, _, rest = text.partition(f"<!-- {mark} -->\n")
        _, _, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {mark} -->\n\n{table()}\n\n<!-- end -->{after}"
    return text


def main(arguments: list[str]) -> int:
    """Write or check the pages."""
    stale = [name for name in TABLES if page(name) != (DOCS / name).read_text()]
    if "--check" in arguments:
        for name in stale:
            print(f"docs/{name} is out of date; run python -m scripts.live_pages")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(page(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
