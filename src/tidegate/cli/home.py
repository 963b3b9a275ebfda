"""Options of the verbs that touch a running trader: which home, which scope, who asks."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer

from tidegate.cli.exits import UsageProblemError
from tidegate.cli.words import finite, not_empty

if TYPE_CHECKING:
    from tidegate.control.client import ControlClient
    from tidegate.control.home import Home
    from tidegate.values.enums import GateScope

HomeFolder = Annotated[
    Path | None,
    typer.Option(
        "--home", metavar="DIR", envvar="TIDEGATE_HOME", help="The trader's folder; unset: in the user's data folder.", show_default=False
    ),
]
Strategy = Annotated[str, typer.Option(metavar="NAME", callback=not_empty, help="Only this strategy.", show_default=False)]
Symbol = Annotated[str, typer.Option(metavar="NAME", callback=not_empty, help="Only this symbol.", show_default=False)]
Venue = Annotated[str, typer.Option(metavar="NAME", callback=not_empty, help="Only this venue.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why; it is kept with the request.", show_default=False)]
RequestId = Annotated[
    str,
    typer.Option(metavar="ID", help="Names the request: the same id asks once; unset: a new one.", show_default=False),
]
Account = Annotated[str, typer.Option(metavar="NAME", callback=not_empty, help="Only this account.", show_default=False)]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0.0, callback=finite, help="How long to wait for its end; 0: not at all.")
]
WAIT_S: Final = 10.0
TIMEOUT_S: Final = 5.0


def home_of(named: Path | None) -> "Home":
    """Return the home that a call is about."""
    from tidegate.control.home import Home, default_home

    return Home(named or default_home(os.environ))


def client_of(home: "Home") -> "ControlClient":
    """Return what asks the trader of a home."""
    from tidegate.control.client import ControlClient

    return ControlClient(home.socket, timeout_s=TIMEOUT_S)


def scope_of(strategy: str, symbol: str, venue: str, account: str = "") -> tuple["GateScope", str]:
    """Return the scope that the options name: everything, where they name none.

    Raises:
        UsageProblemError: they name more than one.
    """
    from tidegate.values.enums import GateScope

    asked = ((GateScope.STRATEGY, strategy), (GateScope.SYMBOL, symbol), (GateScope.VENUE, venue), (GateScope.ACCOUNT, account))
    named = [(scope, key) for scope, key in asked if key]
    if len(named) > 1:
        raise UsageProblemError("Name one of --strategy, --symbol, --venue and --account; a scope is one of them, or everything.")
    return named[0] if named else (GateScope.GLOBAL, "")


def new_id(given: str) -> str:
    """Return a request's id: the one given, or a new one."""
    return given or f"cli-{uuid4().hex}"
