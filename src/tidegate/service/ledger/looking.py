"""A look at a ledger's file without touching it: which version wrote it. Safe beside a trader that has it open."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from alembic.config import Config
from alembic.script import ScriptDirectory

from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.opening import MIGRATIONS


class Shape(NamedTuple):
    """The version a file has (empty: none), the newest there is, and whether the file's is one of ours."""

    found: str
    newest: str
    known: bool


def shape_of(path: Path) -> Shape:
    """Return the version of a SQLite ledger.

    Raises:
        LedgerUnavailableError: it cannot be read, or is no ledger.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    versions = {script.revision for script in scripts.walk_revisions()}
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise LedgerUnavailableError(
            f"The ledger {path} cannot be read ({error}); look at its disk and rights, or move it away if it is none."
        ) from error
    found = rows[0][0] if rows else ""
    return Shape(found, scripts.get_current_head() or "", not found or found in versions)
