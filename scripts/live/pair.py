"""An emulated venue and a trader as two real processes that talk over real sockets: for tests, kills and soaks."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, final

import msgspec

FOLDER: Final = Path(__file__).resolve().parent
SRC: Final = FOLDER.parents[1] / "src"
CONFIG: Final = FOLDER / "mill.yaml"
_PAGE: Final = 500
WAIT_S: Final = 300.0  # a process may have to compile its kernels first, on a busy machine
POLL_S: Final = 0.2
KEY: Final = "PKEMULATOR"
LIVE_KEY: Final = "AKEMULATOR"
SECRET: Final = "emulator-secret"  # noqa: S105 - of a toy that listens on this machine alone

Json = dict[str, Any]
Fault = Mapping[str, object]


def wait_for(what: str, met: Callable[[], bool], timeout_s: float = WAIT_S) -> float:
    """Return after how many seconds a condition was met.

    Raises:
        TimeoutError: it never was.
    """
    began = time.monotonic()
    while not met():
        if time.monotonic() - began > timeout_s:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(POLL_S)
    return time.monotonic() - began


def environment(key: str = KEY, secret: str = SECRET, *, live: bool = False) -> dict[str, str]:
    """Return the environment of a process of ours, with a paper or a live key; an empty one is left out."""
    kind = "ALPACA" if live else "ALPACA_PAPER"
    names = {f"{kind}_API_KEY": key, f"{kind}_API_SECRET": secret}
    others = {name: text for name, text in os.environ.items() if not name.startswith(("ALPACA_", "APCA_"))}
    return others | {"PYTHONPATH": str(SRC)} | {name: text for name, text in names.items() if text}


def heed_sigterm() -> None:
    """Have SIGTERM end a script as Ctrl-C does, so that no process that it started is left."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class _Process:
    """A process whose words are collected as they come."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.popen: Final = subprocess.Popen(  # noqa: S603 - our own programs
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(env)
        )
        self.out: Final[list[str]] = []
        self.err: Final[list[str]] = []
        pipes = ((self.popen.stdout, self.out), (self.popen.stderr, self.err))
        self._readers: Final = [threading.Thread(target=_collect, args=pipe, daemon=True) for pipe in pipes]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def ended(self, timeout_s: float = WAIT_S) -> int:
        """Wait for its end and return its exit code."""
        code = self.popen.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        for pipe in (self.popen.stdout, self.popen.stderr):
            assert pipe is not None
            pipe.close()
        return code

    def said(self) -> str:
        """Return everything that it has said."""
        return "".join([*self.out, *self.err])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_alive:
            self.signal(signal.SIGKILL)
        self.ended()


def _collect(pipe: Any, into: list[str]) -> None:
    into.extend(iter(pipe.readline, ""))


@final
class Venue(_Process):
    """An emulator that plays a tape."""

    def __init__(self, tape: Path, *, speed: float, seed: int = 1, live: bool = False, begin: str = "open") -> None:
        """Start it and wait until it listens. live: it plays the live side. begin: where on the tape."""
        self.key: Final = LIVE_KEY if live else KEY
        words = ["emulate", "alpaca", "--tape", str(tape), "--speed", f"{speed:g}", "--port", "0", "--json", "--seed", str(seed)]
        words += ["--from", begin, *(["--live"] if live else [])]
        super().__init__([sys.executable, "-m", "tidegate", *words], environment("", ""))
        try:
            self.origin: Final[str] = self._listening()
        except BaseException:
            self.__exit__()
            raise

    def _listening(self) -> str:
        wait_for("the emulator to listen", lambda: bool(self.out) or not self.is_alive)
        if not self.out:
            raise RuntimeError(f"the emulator ended: {self.said()}")
        origin: str = msgspec.json.decode(self.out[0])["rest"]
        return origin

    def state(self) -> Json:
        """Return its own account of itself."""
        told: Json = self.ask("GET", "/emulator/state")
        return told

    def arm(self, faults: Sequence[Fault]) -> None:
        """Put faults in force, instead of those before."""
        self.ask("PUT", "/emulator/faults", list(faults))

    def orders(self) -> list[Json]:
        """Return every order of the account, oldest first."""
        found: list[Json] = []
        after = "2000-01-01T00:00:00Z"
        while page := self.ask("GET", f"/v2/orders?status=all&limit={_PAGE}&direction=asc&after={after}"):
            found += [order for order in page if order["id"] not in {known["id"] for known in found[-1_000:]}]
            if page[-1]["submitted_at"] == after or len(page) < _PAGE:
                break
            after = page[-1]["submitted_at"]
        return found

    def fills(self) -> list[Json]:
        """Return every fill of the account, oldest first."""
        found: list[Json] = []
        token = ""
        while page := self.ask("GET", f"/v2/account/activities/FILL?direction=asc&page_size=100{token}"):
            found += page
            token = f"&page_token={page[-1]['id']}"
        return found

    def positions(self) -> dict[str, str]:
        """Return the account's positions by symbol."""
        held: dict[str, str] = self.state()["accounts"][self.key]["positions"]
        return {symbol: quantity for symbol, quantity in held.items() if float(quantity)}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer to a request, made again while the account's budget is spent."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": SECRET, "Content-Type": "application/json"}
        request = urllib.request.Request(self.origin + path, data, headers, method=method)  # noqa: S310 - an address of ours
        until = time.monotonic() + WAIT_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310 - likewise
                    return msgspec.json.decode(answer.read())
            except (urllib.error.URLError, OSError, msgspec.DecodeError):
                if time.monotonic() > until or not self.is_alive:
                    raise
            time.sleep(POLL_S)


class Account:
    """Where a trader runs: its folder, its key, its configuration."""

    def __init__(self, home: Path, origin: str, config: Path | str = CONFIG) -> None:
        self.home: Final = home
        self.origin: Final = origin
        self.config: Final = config

    def arguments(self, *more: str) -> list[str]:
        """Return the words after `tidegate`."""
        return ["trader", "--config", str(self.config), "--home", str(self.home), "--origin", self.origin, *more]


@final
class TraderProcess(_Process):
    """A trader. `program`: what runs it instead of `-m tidegate`, such as a wrapper that kills it at a chosen moment."""

    def __init__(
        self,
        account: Account,
        *more: str,
        key: str = KEY,
        secret: str = SECRET,
        program: Sequence[str] = ("-m", "tidegate"),
        live: bool = False,
    ) -> None:
        """Args: live: its key is a live one."""
        super().__init__([sys.executable, *program, *account.arguments(*more)], environment(key, secret, live=live))

    def stop(self) -> int:
        """Press Ctrl-C and return its exit code."""
        self.signal(signal.SIGINT)
        return self.ended()

    def kill(self) -> None:
        """Kill it as a lost machine would."""
        self.signal(signal.SIGKILL)
        self.ended()
