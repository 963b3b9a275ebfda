"""From a path or a URL to an engine whose database has the newest shape."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.failures import store_errors

MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK_WAIT_MS: Final = 2_000  # less than what a lease leaves before sending must stop
_STATEMENT_MS: Final = 5_000
_CONNECT_S: Final = 5
_MIGRATION_LOCK: Final = 0x71DE6A7E  # an arbitrary number: two starts at once change the shape one after the other

BEGIN_SQLITE: Final = "BEGIN IMMEDIATE"
READING: Final = {"tidegate_reading": True}  # execution options of an engine that only reads
_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {LOCK_WAIT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: through the disk's own cache
    "PRAGMA trusted_schema = OFF",
)


def open_engine(location: str | Path) -> tuple[Engine, str]:
    """Return an engine of one connection and the ledger's name for sentences (never with a password).

    location: a path (SQLite; the file is made if it is missing, for this user alone) or a `postgresql://` URL.

    Raises:
        LedgerUnavailableError: it cannot be opened, or a newer version of tidegate wrote it.
    """
    text = str(location)
    if "://" in text:
        engine, name = server_engine(text)
    else:
        engine, name = _file(Path(text))
    try:
        with store_errors(name):
            _bring_up_to_date(engine, name)
    except LedgerUnavailableError:
        engine.dispose()
        raise
    return engine, name


def _file(path: Path) -> tuple[Engine, str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise LedgerUnavailableError(
            f"The ledger {path} cannot be opened for writing ({error.strerror}); give this user the right, or name another file."
        ) from error
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, paramstyle="named")
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine, str(path)


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Let us, not the driver, begin transactions, and set what makes a commit durable."""
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_immediate(connection: Connection) -> None:
    """Begin as a writer, so that no transaction that has read fails later because another one wrote; readers wait for nobody."""
    reads = READING.items() <= connection.get_execution_options().items()
    connection.exec_driver_sql("BEGIN" if reads else BEGIN_SQLITE)


def server_engine(text: str) -> tuple[Engine, str]:
    """Return an engine of one connection to a server's URL, as `open_engine` does, whose database is left as it is.

    Raises:
        LedgerUnavailableError: the URL is none of PostgreSQL, or its driver is missing.
    """
    try:
        url = make_url(text)
        if url.get_backend_name() != "postgresql":
            raise LedgerUnavailableError(f"{url.drivername} is no ledger; name a file, or a URL that begins with postgresql://.")
        options = f"-c lock_timeout={LOCK_WAIT_MS} -c statement_timeout={_STATEMENT_MS} -c synchronous_commit=on"
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"connect_timeout": _CONNECT_S, "options": options, "tcp_user_timeout": _STATEMENT_MS},
        )
    except ArgumentError as error:
        raise LedgerUnavailableError("The ledger's URL cannot be read; write postgresql://USER@HOST/DATABASE.") from error
    except ModuleNotFoundError as error:
        raise LedgerUnavailableError("A ledger on PostgreSQL needs its driver; run pip install 'tidegate[postgres]'.") from error
    return engine, url.render_as_string(hide_password=True)


def _bring_up_to_date(engine: Engine, name: str) -> None:
    """Run the migrations that are missing, all in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    with engine.begin() as connection:
        _lock_shape(connection)
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise LedgerUnavailableError(f"The ledger {name} was written by a newer version of tidegate; upgrade, or name another.")
        if found != scripts.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _lock_shape(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
