"""`tidegate config`: what a configuration says once it is read and checked, and which keys there are."""

from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder
from tidegate.cli.versions import bytes_of, known_version
from tidegate.cli.words import Json


def show(
    name: Annotated[
        str, typer.Argument(metavar="FILE|NAME|VERSION", help="A YAML file, a shipped name, or a version's hash.", show_default=False)
    ] = "us-stocks",
    *,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Check a configuration and print all of it.

    Its limits and every default are included. A version, named by at least seven letters of its hash, is
    printed as it was added.
    """
    import msgspec

    from tidegate.config.reading import read_config

    if known_version(name):
        text = bytes_of(name, home)
        if as_json:
            printing.document({"version": name, "text": text})
        else:
            printing.lines([text.rstrip()])
        return

    loaded = read_config(name)
    found = {"config": loaded.config, "limits": loaded.limits}
    if as_json:
        printing.document(found)
        return
    printing.lines([msgspec.yaml.encode(found, enc_hook=str).decode().rstrip()])


def keys(*, as_json: Json = False) -> None:
    """Print every key with unit, default and meaning."""
    from tidegate.config.reference import limit_rows, reference_rows

    tables = {"config": reference_rows(), "limits": limit_rows()}
    if as_json:
        printing.document({name: [row._asdict() for row in rows] for name, rows in tables.items()})
        return
    for name, rows in tables.items():
        printing.lines([f"{name}:"])
        printing.grid(("key", "unit", "default", "meaning"), rows)
