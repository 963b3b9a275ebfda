"""The right kind of key for a mode, from each place that may hold it, and refused in one sentence where it is wrong."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from copy import copy, deepcopy
from pathlib import Path

import keyring
import keyring.backend
import pyrage
import pytest
from keyring.backends import fail
from keyring.errors import KeyringLocked

from tidegate.service.key_sources import KEYRING_SERVICE, AgeFileKeys, EnvironmentKeys, KeyringKeys
from tidegate.service.keys import (
    ALL_NAMES,
    KeySource,
    KeySourceError,
    LiveKey,
    MissingKeyError,
    PaperKey,
    WrongKeyError,
    read_live_key,
    read_paper_key,
)
from tidegate.service.secrecy import Secret
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("E1")

PAPER = {"ALPACA_PAPER_API_KEY": "PKabcdef", "ALPACA_PAPER_API_SECRET": "paper-secret"}
LIVE = {"ALPACA_API_KEY": "AKabcdef", "ALPACA_API_SECRET": "live-secret"}


class Shelf:
    """A source made of a dictionary."""

    def __init__(self, values: dict[str, str], name: str = "shelf") -> None:
        self.values, self.name = values, name

    def describe(self) -> str:
        return self.name

    def get(self, name: str) -> Secret | None:
        return Secret(self.values[name]) if name in self.values else None


def shown(key: PaperKey | LiveKey) -> tuple[str, str]:
    return key.key_id.reveal(), key.secret.reveal()


def test_each_mode_gets_its_own_key_where_both_are_at_hand() -> None:
    sources = [Shelf(PAPER | LIVE)]
    assert shown(read_paper_key(sources)) == ("PKabcdef", "paper-secret")
    assert shown(read_live_key(sources)) == ("AKabcdef", "live-secret")


def test_the_venues_own_names_serve_both_modes() -> None:
    either = {"APCA_API_KEY_ID": "PKxyz", "APCA_API_SECRET_KEY": "s"}
    assert shown(read_paper_key([Shelf(either)])) == ("PKxyz", "s")
    assert shown(read_live_key([Shelf(either | {"APCA_API_KEY_ID": "AKxyz"})])) == ("AKxyz", "s")


def test_the_name_that_says_its_kind_goes_before_the_one_that_does_not() -> None:
    assert shown(read_paper_key([Shelf(PAPER | {"APCA_API_KEY_ID": "PKxyz", "APCA_API_SECRET_KEY": "s"})]))[0] == "PKabcdef"


def test_the_first_source_that_has_a_key_gives_it() -> None:
    sources: list[KeySource] = [Shelf({}), Shelf(PAPER, "second"), Shelf({"ALPACA_PAPER_API_KEY": "half"}, "third")]
    assert shown(read_paper_key(sources))[0] == "PKabcdef"


def test_a_live_key_in_paper_mode_and_a_paper_key_in_live_mode_are_refused() -> None:
    swapped = {"ALPACA_PAPER_API_KEY": "AKabcdef", "ALPACA_PAPER_API_SECRET": "s", "ALPACA_API_KEY": "PKabcdef", "ALPACA_API_SECRET": "s"}
    with pytest.raises(WrongKeyError, match=r"in shelf \(ALPACA_PAPER_API_KEY\) is a live key .* needs a paper key") as refused:
        read_paper_key([Shelf(swapped)])
    assert refused.value.exit_code is ExitCode.REFUSED
    with pytest.raises(WrongKeyError, match=r"in shelf \(ALPACA_API_KEY\) is a paper key .* needs a live key"):
        read_live_key([Shelf(swapped)])


def test_a_paper_key_alone_starts_no_live_mode_and_the_other_way_round() -> None:
    with pytest.raises(MissingKeyError, match=r"No live key was found \(looked in: shelf\); set ALPACA_API_KEY and ALPACA_API_SECRET"):
        read_live_key([Shelf(PAPER)])
    with pytest.raises(MissingKeyError, match="set ALPACA_PAPER_API_KEY and ALPACA_PAPER_API_SECRET") as refused:
        read_paper_key([Shelf(LIVE)])
    assert refused.value.exit_code is ExitCode.ENVIRONMENT
    with pytest.raises(MissingKeyError, match="no source at all"):
        read_paper_key([])


@pytest.mark.parametrize(("have", "lack"), [tuple(PAPER), tuple(PAPER)[::-1]])
def test_half_a_key_is_named_with_what_is_missing(have: str, lack: str) -> None:
    with pytest.raises(MissingKeyError, match=f"The shelf has {have} but not {lack}; a key needs both"):
        read_paper_key([Shelf({have: PAPER[have]})])


def trade_on_paper(key: PaperKey) -> str:
    return type(key).__name__


def test_a_live_key_is_no_paper_key_to_the_type_checker_either() -> None:
    live = read_live_key([Shelf(LIVE)])
    trade_on_paper(live)  # type: ignore[arg-type] # were it accepted, the linter would call this remark unused
    assert not issubclass(LiveKey, PaperKey)
    assert not issubclass(PaperKey, LiveKey)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ALL_NAMES:
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    for name in ALL_NAMES:
        os.environ.pop(name, None)


def test_the_environment_is_read_once_and_wiped_of_every_key(environment: pytest.MonkeyPatch) -> None:
    for name, value in (PAPER | LIVE | {"ALPACA_PAPER_API_SECRET": "  paper-secret\n"}).items():
        environment.setenv(name, value)
    source = EnvironmentKeys()
    assert [name for name in ALL_NAMES if name in os.environ] == []
    assert shown(read_paper_key([source])) == ("PKabcdef", "paper-secret")
    assert shown(read_live_key([source])) == ("AKabcdef", "live-secret")
    assert subprocess.run(["env"], capture_output=True, text=True, check=True).stdout.count("ALPACA") == 0


def test_an_empty_variable_is_a_missing_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALPACA_PAPER_API_KEY", "")
    environment.setenv("ALPACA_PAPER_API_SECRET", "  ")
    with pytest.raises(MissingKeyError, match="No paper key was found"):
        read_paper_key([EnvironmentKeys()])


class Ring(keyring.backend.KeyringBackend):
    """A keyring of the test's own."""

    priority = 1

    def __init__(self, values: dict[str, str] | None) -> None:
        self.values = values

    def get_password(self, service: str, username: str) -> str | None:
        if self.values is None:
            raise KeyringLocked
        assert service == KEYRING_SERVICE
        return self.values.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_the_keyring_gives_its_keys_a_missing_one_has_none_and_a_locked_one_is_told() -> None:
    keyring.set_keyring(Ring(PAPER))
    assert shown(read_paper_key([KeyringKeys()]))[1] == "paper-secret"
    keyring.set_keyring(fail.Keyring())
    with pytest.raises(MissingKeyError, match="looked in: keyring"):
        read_paper_key([KeyringKeys()])
    keyring.set_keyring(Ring(None))
    with pytest.raises(KeySourceError, match="unlock it"):
        read_paper_key([KeyringKeys()])


def sealed(folder: Path, values: dict[str, str]) -> tuple[Path, Path]:
    """Write a key file and the identity that opens it, as age-keygen and age do."""
    identity = pyrage.x25519.Identity.generate()
    opener = folder / "identity"
    opener.write_text(f"# made for a test\n{identity}\n")
    opener.chmod(0o600)
    lines = "# all kinds\n" + "\n".join(f"{name} = {value}" for name, value in values.items()) + "\nEMPTY=\nno pair\n"
    path = folder / "keys.age"
    path.write_bytes(pyrage.encrypt(lines.encode(), [identity.to_public()]))
    return path, opener


@pytest.fixture
def age(tmp_path: Path) -> tuple[Path, Path]:
    """Return a key file and the identity that opens it."""
    return sealed(tmp_path, PAPER | LIVE)


def test_an_age_file_gives_its_keys(age: tuple[Path, Path]) -> None:
    source = AgeFileKeys(*age)
    assert shown(read_paper_key([source])) == ("PKabcdef", "paper-secret")
    assert shown(read_live_key([source])) == ("AKabcdef", "live-secret")
    assert source.get("EMPTY") is None
    assert b"secret" not in age[0].read_bytes()


def test_an_age_file_that_cannot_be_opened_says_why_and_shows_nothing(age: tuple[Path, Path], tmp_path: Path) -> None:
    path, opener = age
    other = tmp_path / "other"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    other.chmod(0o600)
    with pytest.raises(KeySourceError, match=r"cannot be opened with .*other; encrypt it for this identity"):
        AgeFileKeys(path, other)
    other.write_text("AGE-SECRET-KEY-NONSENSE")
    with pytest.raises(KeySourceError, match="cannot be opened with") as refused:
        AgeFileKeys(path, other)
    assert refused.value.__cause__ is None
    assert "NONSENSE" not in str(refused.value)
    other.write_text("nothing of use")
    with pytest.raises(KeySourceError, match="no line that begins with AGE-SECRET-KEY"):
        AgeFileKeys(path, other)
    opener.chmod(0o640)
    with pytest.raises(KeySourceError, match="can be read by others; run chmod 600"):
        AgeFileKeys(path, opener)
    with pytest.raises(KeySourceError, match=r"nowhere cannot be read \(No such file or directory"):
        AgeFileKeys(tmp_path / "nowhere", other)


@pytest.mark.parametrize(("module", "says"), [("pyrage", "age file needs its library"), ("keyring", "keyring needs its library")])
def test_a_missing_library_is_told_with_what_to_install(
    module: str, says: str, age: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(KeySourceError, match=rf"{says}; run pip install 'tidegate\[secrets\]'"):
        read_paper_key([AgeFileKeys(*age) if module == "pyrage" else KeyringKeys()])


def test_a_secret_shows_itself_nowhere() -> None:
    key = read_paper_key([Shelf(PAPER)])
    for text in (
        repr(key),
        str(key),
        f"{key}",
        f"{key.secret}",
        f"{key.secret!r:>60}",
        str(key.secret),
        repr([key.secret]),
    ):
        assert "paper-secret" not in text
        assert "PKabcdef" not in text
    assert repr(key) == "PaperKey(PKab…, [secret])"
    for copier in (copy, deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            copier(key.secret)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key.secrets == (key.key_id, key.secret)
