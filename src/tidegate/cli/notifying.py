"""`tidegate notify`: tell other programs of fills, trips and orders in doubt, by signed webhooks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.words import Json

if TYPE_CHECKING:
    from tidegate.service.webhooks.standing import Standing


def notify(
    *,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="The configuration with the webhooks.")] = "us-stocks",
    home: HomeFolder = None,
    status: Annotated[bool, typer.Option("--status", help="Tell nobody; print how each webhook stands.")] = False,
    keys_fd: Annotated[int | None, typer.Option("--keys-fd", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Tell the webhooks of a configuration until Ctrl-C; `tidegate up` starts it by itself.

    It follows the golden log of the home and holds no key of a venue. Each webhook's secret comes from
    TIDEGATE_WEBHOOK_NAME, a credentials folder, the age file TIDEGATE_KEYS_FILE or the keyring. With --json, at
    the end or at once with --status: webhooks, each with what it got and did not get.
    """
    from tidegate.service.webhooks.notifier import notify as run

    if not status:
        run(config, home_of(home), keys_fd)
    if status or as_json:
        _show(home_of(home).root, as_json)


def _show(home: Path, as_json: bool) -> None:
    import msgspec

    from tidegate.service.webhooks.standing import read_standings

    found = read_standings(home)
    if as_json:
        printing.document({"webhooks": [msgspec.to_builtins(standing) for standing in found]})
        return
    columns = ("webhook", "delivered", "failed", "last", "failing since", "why")
    printing.grid(columns, [_cells(standing) for standing in found])


def _cells(standing: "Standing") -> tuple[object, ...]:
    times = (standing.delivered_last or "-", standing.failing_since or "-")
    return (standing.name, standing.delivered, standing.failed, *times, standing.why or "-")
