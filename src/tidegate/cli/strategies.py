"""`tidegate strategies` and `tidegate new strategy`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.words import Json
from tidegate.values.errors import TidegateError

if TYPE_CHECKING:
    from tidegate.config.reference import StrategyCard


def strategies(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Names or paths; all that are installed if none.", show_default=False),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List strategies and their parameters."""
    from tidegate.config.finding import strategy_names
    from tidegate.config.reference import strategy_card

    cards, faults = [], []
    for name in names or strategy_names():
        try:
            cards.append(strategy_card(name))
        except TidegateError as error:
            if names:
                raise
            faults.append(str(error))  # one broken package hides no other
    if as_json:
        printing.document({"strategies": [_as_dict(card) for card in cards], "broken": faults})
        return
    for card in cards:
        printing.lines(_told(card))
    for fault in faults:
        printing.note(fault)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case, such as my_strategy.", show_default=False)],
    *,
    folder: Annotated[Path, typer.Option("--in", metavar="DIR", help="Where to write it.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a working strategy and its test."""
    from tidegate.config.template import new_strategy

    strategy, test = new_strategy(name, folder)
    if as_json:
        printing.document({"strategy": str(strategy), "test": str(test)})
        return
    shown = strategy if "/" in str(strategy) else f"./{strategy}"
    printing.lines(
        [
            f"{strategy} and {test} are written",
            f"  test it:   pytest {test}",
            f"  replay it: tidegate replay TAPE --strategy {shown}",
        ]
    )


def _as_dict(card: "StrategyCard") -> dict[str, object]:
    return card._asdict() | {"parameters": [parameter._asdict() for parameter in card.parameters]}


def _told(card: "StrategyCard") -> list[str]:
    told = [f"{card.name} {card.version}: {card.signal}"]
    told += [f"  {part.name}={part.default}  {part.remark}".rstrip() for part in card.parameters]
    return told
