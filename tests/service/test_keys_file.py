"""An age file of keys, named by two variables: reached by everything that needs a key, in its place among the others, and never shown."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pyrage
import pytest

from tests.config.making import CONFIG
from tests.conftest import ROOT
from tests.service.guarding import WAIT_S, environment, until
from tests.service.test_keys import LIVE, PAPER, Ring, sealed
from tests.service.webhooks.making import SECRET as WEBHOOK_SECRET
from tests.service.webhooks.making import Log, server
from tidegate.cli.main import main
from tidegate.control.home import Home
from tidegate.service import key_sources
from tidegate.service.key_pipe import key_pipe
from tidegate.service.key_sources import CREDENTIALS_VARIABLE, KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE, sources_of
from tidegate.service.keys import ALL_NAMES, KeySourceError, MissingKeyError, read_live_key, read_paper_key
from tidegate.service.secrecy import Secret
from tidegate.service.starting import Start, _sources
from tidegate.service.up_keys import live_up_keys, paper_up_keys
from tidegate.service.upstart import venue_plan
from tidegate.service.webhooks.standing import FOLDER
from tidegate.values.errors import ExitCode
from tidegate.venues.alpaca.access import LiveAccess

pytestmark = pytest.mark.req("E1", "E3")

WEBHOOK = "TIDEGATE_WEBHOOK_OPS"
CANARY, KEY_CANARY = "c4n4ry-of-the-sealed-mine", "PKC4N4RYSEALED"
ID, SECRET = PAPER
WATCHDOG = {"ALPACA_PAPER_WATCHDOG_API_KEY": "PKwatch", "ALPACA_PAPER_WATCHDOG_API_SECRET": "watchdog-secret"}


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    """A machine without keys, whose keyring is the test's; the test's own process stays open to its debugger."""
    for name in (*ALL_NAMES, WEBHOOK, KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE, CREDENTIALS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(key_sources, "CONTAINER_SECRETS", tmp_path / "no-container")
    monkeypatch.setattr("tidegate.service.upstart.close_memory", lambda: None)
    before, ring = keyring.get_keyring(), Ring({})
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], tuple[Path, Path]]:
    """Seal keys in a file and name it as a user does."""

    def made(values: dict[str, str]) -> tuple[Path, Path]:
        path, identity = sealed(tmp_path, values)
        monkeypatch.setenv(KEYS_FILE_VARIABLE, str(path))
        monkeypatch.setenv(KEYS_IDENTITY_VARIABLE, str(identity))
        return path, identity

    return made


Naming = Callable[[dict[str, str]], tuple[Path, Path]]


def config(folder: Path, more: str = "") -> str:
    path = folder / "config.yaml"
    path.write_text(f"{CONFIG}{more}\n")
    return str(path)


def test_its_keys_reach_the_trader_and_the_watchdog_and_no_child_hears_of_it(name: Naming, tmp_path: Path) -> None:
    path, identity = name(PAPER | LIVE | WATCHDOG)
    up = venue_plan(config(tmp_path), Home(tmp_path / "home"), argv=["tidegate"], mode="paper", patient=False)
    up.speaker.close()
    (trader,) = up.plan.children
    assert {key: secret.reveal() for key, secret in trader.keys.items()} == PAPER
    assert not {KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE} & set(up.plan.environment)
    assert not {str(path), str(identity)} & {*trader.argv({}), *up.plan.environment.values()}
    live = live_up_keys(sources_of())
    assert {key: secret.reveal() for key, secret in live.trader.items()} == LIVE
    assert isinstance(live.watchdog, LiveAccess)


def test_its_watchdogs_credential_is_the_watchdogs(name: Naming) -> None:
    name(PAPER | WATCHDOG)
    keys = paper_up_keys(sources_of())
    assert keys.trader[ID].reveal() == PAPER[ID]
    assert keys.watchdog.headers() == dict(zip(("APCA-API-KEY-ID", "APCA-API-SECRET-KEY"), WATCHDOG.values(), strict=True))


def test_a_trader_by_itself_looks_into_it_and_one_with_a_pipe_into_the_pipe_alone(name: Naming, tmp_path: Path) -> None:
    path, _ = name(PAPER)
    start = Start("paper", "us-stocks", tmp_path)
    assert read_paper_key(_sources(start, "")).origin == f"file {path} ({ID})"
    path.write_bytes(b"damaged")
    with pytest.raises(KeySourceError):
        _sources(start, "")
    piped = _sources(start._replace(keys_fd=key_pipe({ID: Secret("PKpiped"), SECRET: Secret("s")})), "")
    assert read_paper_key(piped).key_id.reveal() == "PKpiped"


def test_places_are_asked_in_one_order(name: Naming, nowhere_else: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nowhere_else.values is not None
    nowhere_else.values.update({ID: "PKring", SECRET: "s"})
    assert read_paper_key(sources_of()).origin == f"keyring ({ID})"
    path, _ = name(PAPER)
    assert read_paper_key(sources_of()).origin == f"file {path} ({ID})"
    folder = tmp_path / "credentials"
    folder.mkdir()
    for key in PAPER:
        (folder / key).write_text("PKfolder")
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(folder))
    assert read_paper_key(sources_of()).origin == f"folder {folder} ({ID})"
    for key in PAPER:
        monkeypatch.setenv(key, "PKenvironment")
    assert read_paper_key(sources_of()).origin == f"environment ({ID})"


def test_what_it_lacks_is_looked_for_in_the_keyring(name: Naming, nowhere_else: Ring) -> None:
    assert nowhere_else.values is not None
    nowhere_else.values.update(LIVE)
    path, _ = name(PAPER)
    assert read_live_key(sources_of()).origin == "keyring (ALPACA_API_KEY)"
    nowhere_else.values.clear()
    with pytest.raises(MissingKeyError, match=rf"looked in: environment, file {path}, keyring"):
        read_live_key(sources_of())


def test_an_emulator_takes_the_environment_alone_and_the_file_is_not_opened(
    name: Naming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name(PAPER)[0].write_bytes(b"damaged")
    placed = config(tmp_path, "live: {origin: 'http://127.0.0.1:1'}")
    with pytest.raises(MissingKeyError, match=r"looked in: environment\)"):
        venue_plan(placed, Home(tmp_path / "home"), argv=["tidegate"], mode="paper", patient=False)
    for key, value in PAPER.items():
        monkeypatch.setenv(key, value)
    up = venue_plan(placed, Home(tmp_path / "home"), argv=["tidegate"], mode="paper", patient=False)
    up.speaker.close()
    assert set(up.plan.children[0].keys) == set(PAPER)


def test_paths_begin_with_the_users_folder_where_they_say_so(name: Naming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name(PAPER)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(KEYS_FILE_VARIABLE, "~/keys.age")
    monkeypatch.setenv(KEYS_IDENTITY_VARIABLE, "~/identity")
    assert read_paper_key(sources_of()).secret.reveal() == PAPER[SECRET]
    monkeypatch.setenv(KEYS_FILE_VARIABLE, "~nobody-of-this-name/keys.age")
    with pytest.raises(KeySourceError, match=r"~nobody-of-this-name/keys\.age cannot be read"):
        sources_of()


def test_a_place_that_cannot_be_read_leaves_the_environment_as_it_was(name: Naming, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = name(PAPER)
    monkeypatch.setenv(ID, "PKenvironment")
    path.unlink()
    with pytest.raises(KeySourceError):
        sources_of()
    assert os.environ[ID] == "PKenvironment"


def spoil_identity(_path: Path, identity: Path) -> None:
    identity.write_text(f"{pyrage.x25519.Identity.generate()}\n")


def open_identity(_path: Path, identity: Path) -> None:
    identity.chmod(0o644)


def swap(path: Path, identity: Path) -> None:
    path.chmod(0o600)
    identity.rename(identity.parent / "aside")
    path.rename(identity)
    (identity.parent / "aside").rename(path)


FAULTS = {
    "cannot be opened with": spoil_identity,
    "can be read by others; run chmod 600": open_identity,
    "no line that begins with AGE-SECRET-KEY": swap,
    "identity cannot be read (No such file": lambda _path, identity: identity.unlink(),
    "keys.age cannot be read (Is a directory": lambda path, _identity: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("said", FAULTS)
def test_what_is_wrong_with_it_is_one_sentence_and_ends_with_3(
    said: str, name: Naming, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FAULTS[said](*name({ID: KEY_CANARY, SECRET: CANARY}))
    home = tmp_path / "home"
    assert main(["up", "--config", config(tmp_path), "--home", str(home)]) == ExitCode.ENVIRONMENT
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not home.exists(), "nothing was made"
    for word in (CANARY, KEY_CANARY, "AGE-SECRET-KEY-1"):
        assert word not in told.out + told.err


@pytest.mark.parametrize(("have", "lack"), [(KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE), (KEYS_IDENTITY_VARIABLE, KEYS_FILE_VARIABLE)])
def test_one_of_the_two_names_is_refused(
    have: str, lack: str, name: Naming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name(PAPER)
    monkeypatch.setenv(lack, "")
    assert main(["up", "--config", config(tmp_path), "--home", str(tmp_path / "home")]) == ExitCode.ENVIRONMENT
    assert f"{have} is set and {lack} is not" in capsys.readouterr().err


def test_without_its_library_the_sentence_says_what_to_install(
    name: Naming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name(PAPER)
    monkeypatch.setitem(sys.modules, "pyrage", None)
    assert main(["up", "--config", config(tmp_path), "--home", str(tmp_path / "home")]) == ExitCode.ENVIRONMENT
    assert "pip install 'tidegate[secrets]'" in capsys.readouterr().err


def alone(**more: str) -> dict[str, str]:
    """Return the environment of a real process that finds no keyring."""
    return environment() | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"} | more


def tidegate(*words: str) -> "subprocess.CompletedProcess[str]":
    done = [sys.executable, "-m", "tidegate", *words]
    return subprocess.run(done, capture_output=True, text=True, check=False, env=alone(), cwd=ROOT, timeout=WAIT_S)


def test_real_processes_find_a_key_in_it_or_say_why_not_and_never_show_it(name: Naming, tmp_path: Path) -> None:
    path, identity = name({ID: KEY_CANARY, SECRET: CANARY})
    home, placed = str(tmp_path / "home"), config(tmp_path)
    fine = tidegate("doctor", "--mode", "paper", "--json", "--home", home)
    found = {check["name"]: check for check in json.loads(fine.stdout)["checks"]}
    assert (found["keys"]["grade"], found["keys"]["seen"]) == ("ok", f"a paper key is in file {path} ({ID})")
    live = tidegate("doctor", "--mode", "live", "--home", home)
    assert f"looked in: environment, file {path}, keyring" in live.stdout
    identity.chmod(0o640)
    doctor = tidegate("doctor", "--home", home)
    assert "run chmod 600 on it" in doctor.stdout
    assert live.returncode == doctor.returncode == ExitCode.ANSWER_IS_NO
    refused = [tidegate(verb, "--config", placed, "--home", home) for verb in ("up", "trader")]
    for done in refused:
        assert done.returncode == ExitCode.ENVIRONMENT
        assert done.stderr.splitlines()[-1].endswith(f"The identity {identity} can be read by others; run chmod 600 on it.")
        assert "Traceback" not in done.stderr
    everything = "".join(done.stdout + done.stderr for done in (fine, live, doctor, *refused))
    assert not [word for word in (CANARY, KEY_CANARY, "AGE-SECRET-KEY-1") if word in everything]


@pytest.mark.asyncio
async def test_a_notifier_signs_with_the_secret_that_lies_in_it(name: Naming, tmp_path: Path) -> None:
    name({WEBHOOK: WEBHOOK_SECRET, ID: KEY_CANARY, SECRET: CANARY})
    home, said = tmp_path / "home", tmp_path / "said"
    log = Log(home)
    async with server() as receiver:
        placed = config(tmp_path, f"webhooks:\n  - {{name: ops, url: '{receiver.url}', events: [fills]}}")
        words = [sys.executable, "-m", "tidegate", "notify", "--config", placed, "--home", str(home)]
        with said.open("w") as out:
            running = await asyncio.create_subprocess_exec(*words, stdout=out, stderr=out, env=alone(), cwd=ROOT)
        try:
            await until((home / FOLDER / "ops.json").exists, said.read_text)
            log.fills(1)
            await until(lambda: receiver.got, said.read_text)
            assert receiver.got[0].told["event"] == "fill"
        finally:
            running.terminate()
            await running.wait()
    hidden = (CANARY, KEY_CANARY, WEBHOOK_SECRET)
    files = [path.read_bytes() for path in (said, *home.rglob("*")) if path.is_file()]
    assert not [word for word in hidden for data in files if word.encode() in data]
