"""Logging in and managing users from the command line: secrets come by stdin alone, the proof stays in a file of one's own."""

import io
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest

from tests.cli.conftest import Said, Tidegate
from tests.control.asking import serving
from tests.service.living import Living, setting
from tests.service.people import OWNER, password_of
from tidegate.authority.actions import TradingStage
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import GateScope, GateState, Role

pytestmark = pytest.mark.req("E2", "D2.1")

Typed = Callable[..., Said]


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's programs keep what they remember."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("TIDEGATE_PROOF", raising=False)
    return tmp_path / "state" / "tidegate" / "logins"


def served(shared: Setting, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: TradingStage) -> Iterator[Living]:
    living = Living(shared, folder, mode=mode)
    monkeypatch.setenv("TIDEGATE_HOME", str(living.home.root))
    with serving(living.home, living.answering):
        yield living


@pytest.fixture
def trader(shared: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: Path) -> Iterator[Living]:
    assert states
    yield from served(shared, tmp_path / "home", monkeypatch, TradingStage.PAPER)


@pytest.fixture
def live(shared: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: Path) -> Iterator[Living]:
    assert states
    yield from served(shared, tmp_path / "home", monkeypatch, TradingStage.LIVE)


@pytest.fixture
def typed(tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """The command with lines on stdin."""

    def call(*arguments: object, lines: tuple[str, ...] = ()) -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return tidegate(*arguments)

    return call


def first(living: Living, typed: Typed, name: str = "ann") -> None:
    """Make the first admin and log him in."""
    token = living.identity.first_token()
    assert token is not None
    said = typed("users", "first-admin", name, "--password-stdin", "--json", lines=(token, password_of(name)))
    assert said.code == 0, said.err
    living.people.secrets[name] = said.document["secret"]
    assert login(living, typed, name).code == 0


def login(living: Living, typed: Typed, name: str, *more: str) -> Said:
    living.people.pass_s(30)
    return typed("login", name, "--password-stdin", *more, lines=(password_of(name), living.people.code(name)))


def add(living: Living, typed: Typed, name: str, role: Role) -> None:
    said = typed("users", "add", name, "--role", role.value, "--password-stdin", "--json", lines=(password_of(name),))
    assert said.code == 0, said.err
    living.people.secrets[name] = said.document["secret"]


def test_from_nobody_to_an_admin_who_is_logged_in(trader: Living, typed: Typed, states: Path) -> None:
    assert typed("whoami").out.splitlines()[0] == f"{OWNER}, without a login"
    assert "acts as operator, and may resume" in typed("whoami").out
    token = trader.identity.first_token()
    assert token is not None
    said = typed("users", "first-admin", "ann", "--password-stdin", lines=(token, password_of("ann")))
    assert said.code == 0
    assert said.out.splitlines()[0] == "ann is admin."
    assert "shown this once" in said.out
    (uri,) = [line.strip() for line in said.out.splitlines() if "otpauth://" in line]
    read = pyotp.parse_uri(uri)
    trader.people.secrets["ann"] = read.secret
    logged = login(trader, typed, "ann")
    assert logged.out.startswith("ann is logged in as admin, until 20")
    (file,) = states.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("tgp_")
    assert file.read_text().strip() not in logged.out + logged.err
    assert typed("whoami", "--json").document == {
        "name": "ann",
        "role": "admin",
        "rule": "what changes something needs a login; a kill needs none",
    }


def test_the_proof_goes_with_every_verb_and_is_gone_after_logout(trader: Living, typed: Typed, states: Path) -> None:
    first(trader, typed)
    assert typed("pause", "--json").document["requester"] == "ann"
    said = typed("resume", "--reason", "all is well")
    assert said.code == 4
    assert said.sentence == "Only a risk officer may resume; ann is an admin."
    assert typed("logout").out == "Logged out.\n"
    assert list(states.iterdir()) == []
    said = typed("pause")
    assert (said.code, said.out) == (4, "")
    assert said.sentence == "Only an operator, a risk officer or an admin may pause; run `tidegate login NAME`, then ask again."
    assert typed("logout").out == "There was no login.\n"
    assert typed("kill", "--json", "--wait", "0").document["answer"]["requester"] == OWNER


def test_the_environment_goes_before_the_file(trader: Living, typed: Typed, states: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first(trader, typed)
    (file,) = states.iterdir()
    monkeypatch.setenv("TIDEGATE_PROOF", "tgp_of_nobody")
    assert typed("pause").code == 4
    monkeypatch.setenv("TIDEGATE_PROOF", file.read_text().strip())
    file.unlink()
    assert typed("pause").code == 0


@pytest.mark.parametrize("wrong", ["no proof at all", "x" * 300, "\udcff"])
def test_a_kill_goes_out_whatever_is_in_the_place_of_the_proof(
    trader: Living, typed: Typed, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TIDEGATE_PROOF", wrong)
    assert typed("pause").code == 3
    said = typed("kill", "--json", "--wait", "0")
    assert said.code == 0
    assert said.document["confirmed"]
    trader.pass_s(1)
    assert trader.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


@pytest.mark.usefixtures("trader")
def test_a_proof_that_others_can_read_is_not_used(trader: Living, typed: Typed, states: Path) -> None:
    first(trader, typed)
    (file,) = states.iterdir()
    file.chmod(0o644)
    said = typed("pause")
    assert said.code == 3
    assert "is not this user's alone" in said.sentence
    file.unlink()
    file.symlink_to("/etc/hostname")
    assert typed("pause").code == 3


def test_users_are_made_changed_and_listed(trader: Living, typed: Typed) -> None:
    first(trader, typed)
    add(trader, typed, "bob", Role.OPERATOR)
    assert typed("users", "role", "bob", "approver").out == "bob is approver.\n"
    assert typed("users", "disable", "bob").out == "bob is approver, disabled.\n"
    listed = typed("users", "list", "--json").document["users"]
    assert [(user["name"], user["role"], user["disabled"], user["has_logged_in"]) for user in listed] == [
        ("ann", "admin", False, True),
        ("bob", "approver", True, False),
    ]
    lines = typed("users", "list").out.splitlines()
    assert lines[0].split() == ["name", "role", "logged", "in", "changed"]
    assert lines[2].startswith("bob   approver  disabled  never")
    assert typed("users", "enable", "bob").out == "bob is approver.\n"
    said = typed("users", "password", "bob", "--second-factor", "--password-stdin", "--json", lines=("quite another password",))
    assert said.document["secret"]
    assert said.document["otpauth"].startswith("otpauth://totp/tidegate:bob?")
    said = typed("users", "password", "bob", "--password-stdin", "--json", lines=("yet another password",))
    assert said.document["secret"] == ""


def test_what_is_wrong_is_one_sentence_and_its_code(trader: Living, typed: Typed) -> None:
    first(trader, typed)
    for arguments, lines, code, says in (
        (("login", "ann", "--password-stdin"), ("wrong", "000000"), 4, "Name, password or code is wrong"),
        (("login", "ann", "--password-stdin"), ("wrong",), 2, "There is no line with the code on stdin"),
        (("login", "ann"), (), 2, "Nobody is here to be asked for the password; add --password-stdin"),
        (("users", "add", "bob", "--role", "king"), (), 2, "Invalid value for '--role'"),
        (("users", "add", "bob", "--role", "agent", "--password-stdin"), ("short",), 2, "Choose a password of 12"),
        (("users", "role", "carl", "agent"), (), 2, "There is no user carl"),
        (("users", "first-admin", "eve", "--password-stdin"), ("tgf_x", "a long enough password"), 4, "This one-time token"),
        (("users", "disable", "ann"), (), 2, "ann is the last admin"),
        (("users", "role", "ann", "viewer"), (), 4, "Nobody changes his own role"),
    ):
        said = typed(*arguments, lines=lines)
        assert said.code == code, arguments
        assert said.sentence.startswith(says)
        for line in lines:
            assert line == "wrong" or line not in said.err


def test_without_users_real_money_is_only_stopped(live: Living, typed: Typed) -> None:
    assert typed("status").code == 0
    assert typed("pause").code == 0
    for verb in (("resume", "--reason", "x"), ("flatten", "--yes"), ("disable", "AAA")):
        said = typed(*verb)
        assert said.code == 4
        assert "this trader has no user yet; make the first admin with `tidegate users first-admin NAME`" in said.sentence
    assert typed("kill", "--wait", "0").code == 0
    assert live


def test_a_resume_with_real_money_waits_for_another_person(live: Living, typed: Typed) -> None:
    first(live, typed)
    for name in ("bob", "cat"):
        add(live, typed, name, Role.RISK_OFFICER)
    live.pass_s(3)
    assert typed("kill", "--wait", "0").code == 0
    live.pass_s(3)
    login(live, typed, "bob")
    said = typed("resume", "--reason", "fed again")
    assert said.code == 1
    assert said.out.splitlines()[0] == "resume everything: waits for a second person"
    assert "waits for a second person: bob asked to resume: fed again" in typed("status").out
    assert typed("resume", "--reason", "fed again").code == 1
    login(live, typed, "cat")
    said = typed("resume", "--reason", "fed again", "--json")
    assert said.code == 0, said.err
    assert said.document["requester"] == "bob, confirmed by cat"
    live.pass_s(1)
    assert live.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE


def test_secrets_are_asked_for_unseen_where_somebody_is(trader: Living, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    first(trader, typed)
    trader.people.pass_s(30)
    answers = iter([password_of("ann"), trader.people.code("ann")])
    asked: list[tuple[str, object]] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def prompt(what: str, *, hide_input: bool, confirmation_prompt: bool, err: bool) -> str:
        asked.append((what, (hide_input, confirmation_prompt, err)))
        return next(answers)

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin", Terminal())
    from tidegate.cli.main import main

    assert main(["login", "ann"]) == 0
    assert asked == [("Password", (True, False, True)), ("Code", (True, False, True))]
