"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, gone when they end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg

BINARIES = "/usr/lib/postgresql"
USER = "postgres"


def missing() -> str:
    """Return why no server can be started here; empty: it can."""
    if not _folders():
        return f"no PostgreSQL server under {BINARIES}; install the package postgresql to run these"
    return ""


@contextmanager
def server() -> Iterator["Server"]:
    """Start a server as a user that is not root, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="tg-pg-", dir="/tmp"))  # a socket's path must be short
    made = Server(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


TABLES = "lease, outbox, executions, kills, users, approvals, config_versions, config_stages, audit, audit_heads"


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user = USER if os.getuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, USER, USER)

    def start(self) -> None:
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale", "-D", str(self.data))
        self.go_on()
        self.make("ledger")

    def go_on(self) -> None:
        options = f"-c listen_addresses='' -c fsync=off -k {self.folder}"  # it is clients that these tests kill
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def make(self, name: str) -> str:
        """Return the URL of a new database without any table."""
        self._run("createdb", "-h", str(self.folder), "-U", USER, name)
        return self.url(name)

    def emptied(self) -> str:
        """Return the URL of the one database that has the ledger's tables, empty again."""
        self.tell("ledger", "SET session_replication_role = replica; TRUNCATE " + TABLES + " RESTART IDENTITY")
        return self.url("ledger")

    def tell(self, name: str, statement: LiteralString) -> None:
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(statement)

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, tool: str, *arguments: str) -> None:
        path = _folders()[-1] / tool
        done = subprocess.run([path, *arguments], user=self._user, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"


def _folders() -> list[Path]:
    return sorted(path.parent for path in Path(BINARIES).glob("*/bin/initdb"))
