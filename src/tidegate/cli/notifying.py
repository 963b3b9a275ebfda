"""`tidegate notify`: tell other programs of fills, trips and orders in doubt, by signed webhooks."""

from typing import Annotated

import typer

from tidegate.cli.home import HomeFolder, home_of


def notify(
    *,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="The configuration with the webhooks.")] = "us-stocks",
    home: HomeFolder = None,
    keys_fd: Annotated[int | None, typer.Option("--keys-fd", hidden=True)] = None,
) -> None:
    """Tell the webhooks of a configuration until Ctrl-C; `tidegate up` starts it by itself.

    It follows the golden log of the home and holds no key of a venue. Each webhook's secret comes from
    TIDEGATE_WEBHOOK_NAME, a credentials folder or the keyring.
    """
    from tidegate.service.webhooks.notifier import notify as run

    run(config, home_of(home), keys_fd)
