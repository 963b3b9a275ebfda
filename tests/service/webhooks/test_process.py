"""`tidegate notify` as a process: killed and started again, alone in its home, silent about its secret, beside a trader it cannot stop."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.config.making import CONFIG
from tests.conftest import ROOT
from tests.service.guarding import QUICK, WAIT_S, environment, service, trader, until
from tests.service.webhooks.making import SECRET, Log, Server, fill, server, trip
from tidegate.cli.main import main
from tidegate.config.reading import read_config
from tidegate.control.home import Home
from tidegate.service import key_sources
from tidegate.service.children import ChildSpec
from tidegate.service.health import judge
from tidegate.service.key_pipe import PipeKeys, key_pipe
from tidegate.service.keys import MissingKeyError, WrongKeyError
from tidegate.service.restarts import ChildState, RestartPolicy
from tidegate.service.secrecy import Secret
from tidegate.service.upstart import venue_plan
from tidegate.service.webhooks.secrets import read_secrets, sources
from tidegate.service.webhooks.standing import FOLDER, read_standing
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("I6")

NAME = "TIDEGATE_WEBHOOK_OPS"
PAPER_KEY = {"ALPACA_PAPER_API_KEY": "PKcanaryofthebroker", "ALPACA_PAPER_API_SECRET": "broker-secret-canary"}


def configuration(folder: Path, url: str, more: str = "") -> Path:
    path = folder / "hooks.yaml"
    path.write_text(f"{CONFIG}{more}\nwebhooks:\n  - {{name: ops, url: '{url}', events: [fills, trips, unknown]}}\n")
    return path


def seen_of(pid: int) -> bytes:
    """What other processes see of one."""
    return b"".join(Path("/proc", str(pid), name).read_bytes() for name in ("cmdline", "environ"))


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def has_told(receiver: Server, count: int) -> bool:
    return len(set(receiver.ids)) >= count


class Process:
    """`tidegate notify` in a process of its own."""

    def __init__(self, config: Path, home: Path, *, said: Path, secret: str = SECRET) -> None:
        words = [sys.executable, "-m", "tidegate", "notify", "--config", str(config), "--home", str(home)]
        self.said = said
        with said.open("a") as out:
            self.process = subprocess.Popen(words, env=environment() | PAPER_KEY | {NAME: secret}, stdout=out, stderr=out, cwd=ROOT)

    async def end(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, WAIT_S)


@pytest.fixture
def started() -> Iterator[list[Process]]:
    """Processes that are ended whatever happens."""
    every: list[Process] = []
    yield every
    for one in every:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.mark.asyncio
async def test_killed_in_mid_queue_it_loses_nothing_and_repeats_at_most_what_was_under_way(
    tmp_path: Path, started: list[Process], capsys: pytest.CaptureFixture[str]
) -> None:
    home, said = tmp_path / "home", tmp_path / "said"
    log = Log(home, segment_bytes_max=9_000)
    async with server() as receiver:
        config = configuration(tmp_path, receiver.url)
        started.append(Process(config, home, said=said))
        await until((home / FOLDER / "ops.json").exists, said.read_text)
        ids: list[str] = []
        for killed in range(3):
            ids += log.fills(15)
            await until(partial(has_told, receiver, 15 * killed + 5), said.read_text)
            await started[-1].end()
            started.append(Process(config, home, said=said))
        ids += log.fills(5)
        await until(lambda: set(receiver.ids) == set(ids), said.read_text)
        assert len(receiver.ids) <= len(ids) + 3, "each kill repeats one delivery at the most"
        assert list(dict.fromkeys(receiver.ids)) == ids, "in the order of the log"
        assert await started[-1].end(signal.SIGTERM) == ExitCode.OK
        standing = read_standing(home, "ops")
        assert standing is not None
        assert standing.delivered == len(ids)
        capsys.readouterr()
        assert main(["notify", "--status", "--home", str(home), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"webhooks": [msgspec.to_builtins(standing)]}
        assert main(["notify", "--status", "--home", str(home)]) == 0
        assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["ops", str(len(ids)), "0"]


@pytest.mark.asyncio
async def test_told_to_end_while_a_receiver_hangs_it_ends_in_time(tmp_path: Path, started: list[Process]) -> None:
    home, said = tmp_path / "home", tmp_path / "said"
    log = Log(home)
    async with server() as receiver:
        receiver.always = 60.0
        started.append(Process(configuration(tmp_path, receiver.url), home, said=said))
        await until((home / FOLDER / "ops.json").exists, said.read_text)
        log.fills(3)
        await until(lambda: receiver.got, said.read_text)
        started[-1].process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(started[-1].process.wait, 30) == ExitCode.OK


@pytest.mark.asyncio
async def test_neither_its_secret_nor_a_brokers_key_comes_out_of_it(tmp_path: Path, started: list[Process]) -> None:
    home, said = tmp_path / "home", tmp_path / "said"
    log = Log(home)
    async with server() as receiver:
        await receiver.down()
        config = configuration(tmp_path, receiver.url)
        started.append(Process(config, home, said=said))
        await until((home / FOLDER / "ops.json").exists, said.read_text)
        log.fills(1)
        await until(lambda: "it does not take a delivery" in said.read_text(), said.read_text)
        await receiver.up()
        await until(lambda: receiver.got, said.read_text)
        pid = started[-1].process.pid
        if sys.platform == "linux":
            seen = seen_of(pid)
            assert SECRET.encode() not in seen
            assert b"broker-secret-canary" not in seen
        assert await started[-1].end(signal.SIGTERM) == ExitCode.OK
        lines = [json.loads(line) for line in said.read_text().splitlines()]
        assert lines
        assert {line["name"] for line in lines} == {"ops"}
    assert files_with(SECRET, tmp_path) == []
    assert all(SECRET.encode() not in one.body and SECRET not in str(one.headers) for one in receiver.got)


@pytest.mark.asyncio
async def test_a_second_one_in_a_home_is_refused(tmp_path: Path, started: list[Process]) -> None:
    home, said = tmp_path / "home", tmp_path / "said"
    Log(home)
    config = configuration(tmp_path, "http://127.0.0.1:9/")
    started.append(Process(config, home, said=said))
    await until((home / FOLDER / "ops.json").exists, said.read_text)
    second = Process(config, home, said=tmp_path / "second")
    started.append(second)
    assert await asyncio.to_thread(second.process.wait, WAIT_S) == ExitCode.ENVIRONMENT
    assert "Another `tidegate notify` works in" in second.said.read_text()


@pytest.mark.asyncio
@pytest.mark.parametrize("secret", ["", "too short"])
async def test_without_a_secret_of_its_own_it_does_not_start(secret: str, tmp_path: Path, started: list[Process]) -> None:
    config = configuration(tmp_path, "http://127.0.0.1:9/")
    started.append(Process(config, tmp_path / "home", said=tmp_path / "said", secret=secret))
    code = await asyncio.to_thread(started[-1].process.wait, WAIT_S)
    said = (tmp_path / "said").read_text()
    assert code in {ExitCode.ENVIRONMENT, ExitCode.REFUSED}
    assert NAME in said or "keyring" in said
    assert len(said.splitlines()) == 1
    assert "too short" not in said


def test_a_configuration_without_webhooks_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", "notify", "--config", str(path)], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == ExitCode.USAGE
    assert "has no webhooks" in done.stderr
    assert main(["notify", "--help"]) == 0
    assert "--keys-fd" not in capsys.readouterr().out


# Under the supervisor.


def notifier(config: Path, home: Path, policy: RestartPolicy = RestartPolicy(essential=False)) -> ChildSpec:  # noqa: B008 - frozen
    words = [sys.executable, "-m", "tidegate", "notify", "--config", str(config), "--home", str(home)]
    return ChildSpec("notify", lambda _: words, keys={NAME: Secret(SECRET)}, policy=policy)


@pytest.mark.asyncio
async def test_under_the_supervisor_it_gets_its_secret_by_a_pipe_is_started_again_and_tells_the_last_words(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with server() as receiver:
        config = configuration(tmp_path, receiver.url)
        async with service(tmp_path, notifier(config, tmp_path), trader(tmp_path)) as up:
            await up.until(up.ready)
            await up.until((tmp_path / FOLDER / "ops.json").exists)
            (first,) = log.fills(1)
            await up.until(lambda: receiver.ids == [first])
            pid = next(one.pid for one in up.supervisor.health().children if one.name == "notify")
            if sys.platform == "linux":
                seen = seen_of(pid)
                assert b"--keys-fd" in seen
                assert SECRET.encode() not in seen
            os.kill(pid, signal.SIGKILL)
            closed = log.put(trip())
            await up.until(lambda: receiver.ids == [first, closed])
            last = log.put(fill("last"))
            assert await up.end() == ExitCode.OK
            assert receiver.ids == [first, closed, last]
            assert SECRET not in up.text
            assert up.ready() == up.ready()[:1], "the trader was not touched"


@pytest.mark.asyncio
async def test_trading_goes_on_without_it(tmp_path: Path) -> None:
    bad = RestartPolicy(pause_first_ns=QUICK.pause_first_ns, pause_max_ns=QUICK.pause_max_ns, per_hour_max=2, essential=False)
    dying = ChildSpec("notify", lambda _: [sys.executable, "-c", "import sys; sys.exit(70)"], policy=bad)
    refused = ChildSpec("refused", lambda _: [sys.executable, "-c", "import sys; sys.exit(4)"], policy=bad)
    leaving = ChildSpec("leaving", lambda _: [sys.executable, "-c", "pass"], policy=bad)
    async with service(tmp_path, dying, refused, leaving, trader(tmp_path)) as up:
        await up.until(lambda: [one.state for one in up.supervisor.children[:3]] == [ChildState.OVER] * 3)
        await up.until(lambda: up.supervisor.health().stage == "ready")
        health = up.supervisor.health()
        assert judge(health, health.written_monotonic_ns, ready=True).ok
        assert health.children[0].essential is False
        assert await up.end() == ExitCode.OK
    assert "so does everything else" not in up.text


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own places for secrets are none of a test's business."""
    monkeypatch.setattr(key_sources, "KeyringKeys", lambda: PipeKeys(key_pipe({})))
    monkeypatch.setattr(key_sources, "folders_of_keys", list)


@pytest.mark.usefixtures("no_keyring")
def test_up_starts_it_before_the_trader_and_gives_its_secret_to_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.service.upstart.close_memory", lambda: None)
    for name, value in {**PAPER_KEY, NAME: SECRET}.items():
        monkeypatch.setenv(name, value)
    config = configuration(tmp_path, "https://example.com/", "live: {origin: 'http://127.0.0.1:1'}")
    up = venue_plan(str(config), Home(tmp_path / "home"), argv=["tidegate"], mode="paper", patient=False)
    up.speaker.close()
    notify, trading = up.plan.children
    assert (notify.name, trading.name) == ("notify", "trader")
    assert list(notify.argv({}))[:2] == ["tidegate", "notify"]
    assert {name: secret.reveal() for name, secret in notify.keys.items()} == {NAME: SECRET}
    assert not set(notify.keys) & set(trading.keys)
    assert (notify.policy.essential, trading.policy.essential) == (False, True)
    assert not {NAME, *PAPER_KEY} & set(up.plan.environment)


@pytest.mark.usefixtures("no_keyring")
def test_up_without_the_secret_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    sections = read_config(str(configuration(tmp_path, "https://example.com/"))).config.webhooks
    assert isinstance(sections, tuple)
    with pytest.raises(MissingKeyError, match=f"set {NAME}"):
        read_secrets(sections, sources([NAME], None))
    monkeypatch.setenv(NAME, "short")
    with pytest.raises(WrongKeyError, match="shorter than 32") as caught:
        read_secrets(sections, sources([NAME], None))
    assert "short'" not in str(caught.value)


SUPERVISOR: Final = """
import subprocess, sys
from tidegate.service.key_pipe import key_pipe
from tidegate.service.secrecy import Secret
name, secret, *words = sys.argv[1:]
pipe = key_pipe({name: Secret(secret)})
child = subprocess.Popen([sys.executable, "-m", "tidegate", "notify", *words, "--keys-fd", str(pipe)], pass_fds=[pipe])
print(child.pid, flush=True)
child.wait()
"""


def supervised(config: Path, home: Path) -> "tuple[subprocess.Popen[bytes], int]":
    """Start a notifier as a supervisor does; return the supervisor, and the notifier's process id."""
    words = [sys.executable, "-c", SUPERVISOR, NAME, SECRET, "--config", str(config), "--home", str(home)]
    supervisor = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(), cwd=ROOT)
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    supervisor.stdout.close()
    return supervisor, pid


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.asyncio
async def test_a_notifier_whose_supervisor_was_killed_ends_by_itself(tmp_path: Path) -> None:
    async with server() as receiver:
        config, home = configuration(tmp_path, receiver.url), tmp_path / "home"
        supervisor, pid = await asyncio.to_thread(supervised, config, home)
        await until((home / FOLDER / "ops.json").exists, lambda: "")
        supervisor.kill()
        await asyncio.to_thread(supervisor.wait)
        await until(lambda: not lives(pid), lambda: "")
