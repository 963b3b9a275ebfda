"""From where the supervisor's keys come and to whom they go."""

import os
from pathlib import Path

import pytest

from tidegate.service.key_pipe import PipeKeys, key_pipe
from tidegate.service.key_sources import CREDENTIALS_VARIABLE, EnvironmentKeys, FolderKeys, folders_of_keys
from tidegate.service.keys import KeySourceError, MissingKeyError, WrongKeyError, read_paper_key
from tidegate.service.secrecy import Secret
from tidegate.service.up_keys import live_up_keys, paper_up_keys
from tidegate.venues.alpaca.access import LiveAccess, PaperAccess

pytestmark = [pytest.mark.req("E1"), pytest.mark.req("E3")]


def folder(path: Path, **values: str) -> FolderKeys:
    for name, value in values.items():
        (path / name).write_text(value + "\n")
    return FolderKeys(path)


def test_keys_pass_a_pipe_whole_and_leave_nothing_open() -> None:
    handle = key_pipe({"ALPACA_PAPER_API_KEY": Secret("PKa"), "ALPACA_PAPER_API_SECRET": Secret("s")})
    source = PipeKeys(handle)
    assert read_paper_key([source]).secret.reveal() == "s"
    assert source.get("ALPACA_API_KEY") is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


@pytest.mark.parametrize("data", [b"", b'["sinking secret"]', b'{"a": 1'])
def test_a_pipe_of_something_else_is_refused_without_its_content(data: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    with pytest.raises(KeySourceError, match="let `tidegate up` start this process") as caught:
        PipeKeys(reading)
    assert caught.value.__cause__ is None
    with pytest.raises(KeySourceError):
        PipeKeys(10_000)


def test_a_folder_of_files_is_what_systemd_and_containers_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path, ALPACA_PAPER_API_KEY="PKa", ALPACA_PAPER_API_SECRET="s")
    assert read_paper_key([source]).key_id.reveal() == "PKa"
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path))
    assert folders_of_keys()[0].get("ALPACA_PAPER_API_SECRET") is not None
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path / "nowhere"))
    assert all(str(tmp_path) not in one.describe() for one in folders_of_keys())


def test_a_key_file_that_cannot_be_read_is_an_error_not_a_missing_key(tmp_path: Path) -> None:
    (tmp_path / "ALPACA_PAPER_API_KEY").mkdir()
    with pytest.raises(KeySourceError, match="cannot be read"):
        read_paper_key([FolderKeys(tmp_path)])


def test_the_watchdog_has_its_own_credential_where_there_is_one(tmp_path: Path) -> None:
    source = folder(tmp_path, ALPACA_PAPER_API_KEY="PKa", ALPACA_PAPER_API_SECRET="s")
    keys = paper_up_keys([source])
    assert {name: secret.reveal() for name, secret in keys.trader.items()} == {
        "ALPACA_PAPER_API_KEY": "PKa",
        "ALPACA_PAPER_API_SECRET": "s",
    }
    assert isinstance(keys.watchdog, PaperAccess)
    assert keys.watchdog.headers()["APCA-API-KEY-ID"] == "PKa"
    folder(tmp_path, ALPACA_PAPER_WATCHDOG_API_KEY="PKw", ALPACA_PAPER_WATCHDOG_API_SECRET="w")
    keys = paper_up_keys([source])
    assert keys.watchdog.headers() == {"APCA-API-KEY-ID": "PKw", "APCA-API-SECRET-KEY": "w"}
    assert keys.trader["ALPACA_PAPER_API_KEY"].reveal() == "PKa"
    assert [secret.reveal() for secret in keys.secrets] == ["PKa", "s", "PKw", "w"]


@pytest.mark.req("G2")
def test_an_oauth_token_goes_the_way_of_a_key(tmp_path: Path) -> None:
    keys = paper_up_keys([folder(tmp_path, ALPACA_PAPER_API_KEY="oauth", ALPACA_PAPER_API_SECRET="a-token")])
    handed = read_paper_key([PipeKeys(key_pipe(keys.trader))])
    trader = PaperAccess(handed.key_id.reveal(), handed.secret.reveal())
    assert trader.headers() == keys.watchdog.headers() == {"Authorization": "Bearer a-token"}
    assert "a-token" in [secret.reveal() for secret in keys.secrets]


def test_half_a_watchdog_credential_and_one_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    source = folder(tmp_path, ALPACA_PAPER_API_KEY="PKa", ALPACA_PAPER_API_SECRET="s", ALPACA_PAPER_WATCHDOG_API_KEY="PKw")
    with pytest.raises(MissingKeyError, match="ALPACA_PAPER_WATCHDOG_API_SECRET"):
        paper_up_keys([source])
    folder(tmp_path, ALPACA_PAPER_WATCHDOG_API_KEY="AKw", ALPACA_PAPER_WATCHDOG_API_SECRET="w")
    with pytest.raises(WrongKeyError):
        paper_up_keys([source])


def test_live_keys_make_a_live_watchdog(tmp_path: Path) -> None:
    keys = live_up_keys([folder(tmp_path, ALPACA_API_KEY="AKa", ALPACA_API_SECRET="s")])
    assert isinstance(keys.watchdog, LiveAccess)
    assert set(keys.trader) == {"ALPACA_API_KEY", "ALPACA_API_SECRET"}


def test_the_watchdogs_names_are_wiped_from_the_environment_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_WATCHDOG_API_SECRET", "w")
    assert EnvironmentKeys().get("ALPACA_WATCHDOG_API_SECRET") is not None
    assert "ALPACA_WATCHDOG_API_SECRET" not in os.environ
