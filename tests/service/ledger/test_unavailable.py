"""A store that refuses says one sentence, and nothing of what was to be written is there."""

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text

from tests.conftest import ROOT
from tests.service.ledger import postgres
from tests.service.ledger.making import ACCOUNT, batch, claim, row
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OPEN
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("F3")


@pytest.fixture
def file(tmp_path: Path, empty_file: Path) -> Path:
    return Path(shutil.copy(empty_file, tmp_path / "ledger.db"))


def numbers(ledger: SqlLedger) -> list[int]:
    return [found.n for found in ledger.outbox(ACCOUNT, OPEN)]


def is_sentence(error: pytest.ExceptionInfo[LedgerUnavailableError]) -> bool:
    said = str(error.value)
    return said.endswith(".") and "\n" not in said and "sqlalche.me" not in said and error.value.exit_code is ExitCode.ENVIRONMENT


def test_a_new_ledger_is_made_with_its_folders_and_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "data" / "ledger.db"
    ledger = SqlLedger(path)
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ledger.close()


def test_a_ledger_that_others_could_read_is_closed_to_them(file: Path) -> None:
    file.chmod(0o666)
    SqlLedger(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_connection_waits_for_the_disk(file: Path) -> None:
    ledger = SqlLedger(file)
    with ledger._transaction() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "fullfsync")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1}
    ledger.close()


def test_what_was_written_is_there_when_it_is_opened_again(location: str) -> None:
    ledger = SqlLedger(location)
    lease = ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    ledger.close()
    again = SqlLedger(location)
    assert again.lease(ACCOUNT) == lease
    assert again.outbox(ACCOUNT, OPEN) == [row(1)]
    again.close()


def test_a_ledger_of_a_newer_version_is_not_touched(location: str) -> None:
    ledger = SqlLedger(location)
    with ledger._transaction() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    try:
        with pytest.raises(LedgerUnavailableError, match="written by a newer version of tidegate; upgrade") as refused:
            SqlLedger(location)
        assert is_sentence(refused)
    finally:
        if location.startswith("postgresql"):
            restore_version(location, newest)


def restore_version(location: str, version: str) -> None:
    with psycopg.connect(location, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("this is a letter to a friend, and long enough to be taken for a page of a database" * 20)
    with pytest.raises(LedgerUnavailableError, match="is not a database") as refused:
        SqlLedger(path)
    assert is_sentence(refused)
    assert path.read_text().startswith("this is a letter")


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_place_that_cannot_be_a_ledger_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerUnavailableError, match="cannot be opened for writing") as refused:
        SqlLedger(tmp_path / "file" / "ledger.db" if where == "file" else tmp_path)
    assert is_sentence(refused)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/x", "begins with postgresql://"),
        ("://", "write postgresql://USER@HOST/DATABASE"),
        ("postgresql://ada:hunter2@/nowhere?host=/nonexistent", "cannot be reached"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_its_password(url: str, says: str) -> None:
    with pytest.raises(LedgerUnavailableError, match=says) as refused:
        SqlLedger(url)
    assert is_sentence(refused)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in str(refused.value.__cause__)


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerUnavailableError, match=r"pip install 'tidegate\[postgres\]'"):
        SqlLedger("postgresql://host/x")


def test_a_locked_ledger_is_told_and_works_again_when_it_is_free(file: Path) -> None:
    ledger = SqlLedger(file)
    ledger.take_lease(claim())
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailableError, match="is locked by another program; stop that program") as refused:
        ledger.write(batch(rows=(row(1),)))
    assert is_sentence(refused)
    other.execute("ROLLBACK")
    other.close()
    ledger.write(batch(rows=(row(2),)))
    assert numbers(ledger) == [2]
    ledger.close()


def test_a_full_disk_is_told_leaves_nothing_half_and_ends_when_there_is_room(file: Path) -> None:
    ledger = SqlLedger(file)
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    pages_max = ["PRAGMA max_page_count = 1"]  # SQLite's own way to run out of room
    event.listen(ledger._engine, "checkout", lambda connection, *_: connection.execute(pages_max[0]))
    with pytest.raises(LedgerUnavailableError, match="has no room left on its disk; make room") as refused:
        ledger.write(batch(rows=tuple(row(number) for number in range(2, 400))))
    assert is_sentence(refused)
    before = numbers(ledger)
    assert before == [1]
    with pytest.raises(LedgerUnavailableError):
        ledger.write_all([batch(rows=(row(900 + part),)) for part in range(300)])
    assert numbers(ledger) == before
    pages_max[0] = "PRAGMA max_page_count = 100000"
    ledger.write(batch(rows=(row(1_000),)))
    assert numbers(ledger) == [*before, 1_000]
    ledger.close()


FILE_MAY_NOT_GROW = """
    import resource, signal, sys
    from tests.service.ledger.making import batch, claim, row
    from tidegate.service.ledger.errors import LedgerUnavailableError
    from tidegate.service.ledger.sql import SqlLedger

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger = SqlLedger(sys.argv[1])
    ledger.take_lease(claim())
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    number = 0
    try:
        while True:
            ledger.write(batch(rows=tuple(row(10 * number + part) for part in range(10))))
            number += 1
    except LedgerUnavailableError as error:
        print(number, error)
    try:
        ledger.lease("paper")
    except LedgerUnavailableError as error:
        print(error)
        sys.exit(error.exit_code)
"""


def test_a_disk_that_fails_in_the_middle_of_a_commit_ends_the_ledger_and_loses_nothing(file: Path) -> None:
    script = [sys.executable, "-c", textwrap.dedent(FILE_MAY_NOT_GROW), str(file)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.ENVIRONMENT, done.stderr
    first, last = done.stdout.strip().splitlines()
    count, _, said = first.partition(" ")
    assert "could not be read or written by its disk" in said
    assert "was lost to its disk before; look at the disk and start again" in last
    ledger = SqlLedger(file)
    assert numbers(ledger) == list(range(10 * int(count)))
    ledger.close()


Lose = Callable[[Path], None]


def remove(path: Path) -> None:
    path.unlink()


def replace_by_a_copy(path: Path) -> None:
    Path(shutil.copy(path, path.with_name("copy"))).replace(path)


def move_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("ending", ["", "-wal"])
@pytest.mark.parametrize("lose", [remove, replace_by_a_copy, move_the_folder])
def test_a_ledger_whose_files_are_removed_or_replaced_keeps_nothing_and_says_so(
    tmp_path: Path, empty_file: Path, lose: Lose, ending: str
) -> None:
    (tmp_path / "home").mkdir()
    path = Path(shutil.copy(empty_file, tmp_path / "home" / "ledger.db"))
    ledger = SqlLedger(path)
    lease = ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    lose(path.with_name(path.name + ending))
    says = "was removed or replaced while it was in use"
    with pytest.raises(LedgerUnavailableError, match=says) as refused:
        ledger.write(batch(rows=(row(2),)))
    assert is_sentence(refused)
    with pytest.raises(LedgerUnavailableError, match=says):
        ledger.renew(lease, lease.expires_ns)
    ledger.close()


def test_a_lease_is_not_renewed_in_a_ledger_that_was_removed(file: Path) -> None:
    ledger = SqlLedger(file)
    lease = ledger.take_lease(claim())
    file.unlink()
    with pytest.raises(LedgerUnavailableError, match="was removed or replaced"):
        ledger.renew(lease, lease.expires_ns)
    ledger.close()


def test_a_connection_that_is_made_anew_finds_the_ledger_in_its_place(file: Path) -> None:
    ledger = SqlLedger(file)
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    ledger._engine.dispose()
    assert not file.with_name(file.name + "-wal").exists()
    ledger.write(batch(rows=(row(2),)))
    assert numbers(ledger) == [1, 2]
    ledger.close()


READ_ONLY = """
    import os, sys
    from tidegate.service.ledger.errors import LedgerUnavailableError
    from tidegate.service.ledger.sql import SqlLedger

    if os.getuid() == 0:
        os.setuid(65534)  # root may write everything
    try:
        SqlLedger(sys.argv[1])
    except LedgerUnavailableError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are for its user alone."""
    folder = Path(tempfile.mkdtemp(prefix="tg-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_read_only_file_is_told(open_folder: Path, empty_file: Path) -> None:
    path = Path(shutil.copy(empty_file, open_folder / "ledger.db"))
    path.chmod(0o444)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READ_ONLY), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.ENVIRONMENT, done.stderr
    assert (
        done.stdout
        == f"The ledger {path} cannot be opened for writing (Permission denied); give this user the right, or name another file.\n"
    )


def test_a_database_that_became_read_only_is_told(file: Path) -> None:
    ledger = SqlLedger(file)
    ledger.take_lease(claim())
    mode = ["ON"]
    event.listen(ledger._engine, "checkout", lambda connection, *_: connection.execute(f"PRAGMA query_only = {mode[0]}"))
    with pytest.raises(LedgerUnavailableError, match="may not be written; give this user the right to write it") as refused:
        ledger.write(batch(rows=(row(1),)))
    assert is_sentence(refused)
    assert numbers(ledger) == []  # reading goes on
    mode[0] = "OFF"
    ledger.write(batch(rows=(row(2),)))
    ledger.close()


def test_a_server_that_goes_away_is_told_and_used_again_when_it_is_back(postgresql: postgres.Server) -> None:
    ledger = SqlLedger(postgresql.emptied())
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    postgresql.stop()
    try:
        for _ in range(2):
            with pytest.raises(LedgerUnavailableError, match="cannot be reached") as refused:
                ledger.write(batch(rows=(row(2),)))
            assert is_sentence(refused)
        with pytest.raises(LedgerUnavailableError):
            ledger.lease(ACCOUNT)
    finally:
        postgresql.go_on()
    ledger.write(batch(rows=(row(3),)))
    assert numbers(ledger) == [1, 3]
    ledger.close()


def test_a_read_only_server_is_told(postgresql: postgres.Server) -> None:
    location = postgresql.emptied()
    ledger = SqlLedger(location)
    ledger.take_lease(claim())
    ledger.close()
    postgresql.tell("ledger", "ALTER DATABASE ledger SET default_transaction_read_only = on")
    try:
        ledger = SqlLedger(location)
        with pytest.raises(LedgerUnavailableError, match="is read-only, a replica perhaps"):
            ledger.write(batch(rows=(row(1),)))
        ledger.close()
    finally:
        with psycopg.connect(location, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute("ALTER DATABASE ledger RESET default_transaction_read_only")
