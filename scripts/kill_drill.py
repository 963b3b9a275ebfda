"""`python -m scripts.kill_drill`: kills a trader with 200 open orders in an emulated market, and measures from outside what that does.

By the command line: one strategy, one symbol, everything; everything again with the ledger locked by another process; with the trader
stopped (SIGSTOP), where the watchdog acts; and after a restart. What came in late is looked up in the venue's own books. Prints the
figures as JSON; exit 1 where one is worse than promised.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

import msgspec

from scripts.live.killing import Sight, Struck, clocks, filled_up, gate_times_ms, locked, resumed, stopped, strike, tidegate
from scripts.live.many import Size, open_orders, sent_after, write_config
from scripts.live.pair import KEY, SECRET, Account, TraderProcess, Venue, _Process, environment, heed_sigterm, wait_for
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.simulation.generate import Wish, generate

GATE_MS_MAX: Final = 100.0
CANCELS_OUT_MS_MAX: Final = 1_000.0
WATCHDOG_S_MAX: Final = 5.0
SLACK_S: Final = 2.0  # over what is announced for a narrower scope: the venue's own way, and ours through the log
_EVENTS_A_SYMBOL: Final = 100_000
_AFTER_RESTART_S: Final = 10.0


@final
class Drill:
    """One drill: figures as they come about, and what was worse than promised."""

    def __init__(self, size: Size, speed: float, folder: Path) -> None:
        self.size: Final = size
        self.speed: Final = speed
        self.folder: Final = folder
        self.figures: Final[dict[str, Any]] = {"orders": size.orders, "speed": speed}
        self.worse: Final[list[str]] = []
        tape = folder / "market.tape"
        generate(
            tape, Wish(seed=3, events=_EVENTS_A_SYMBOL * size.symbols, symbols=size.market_symbols), progress=lambda _done, _total: None
        )
        make_toolchain(Mode.COMPILED)
        self.venue: Final = Venue(tape, speed=speed)
        self.account: Final = Account(folder / "home", self.venue.origin, self._config())

    def _config(self) -> Path:
        return write_config(self.folder / "many.yaml", self.size, origin=self.venue.origin)

    def say(self, text: str) -> None:
        """Tell how far it is."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def check(self, what: str, *, holds: bool, seen: object) -> None:
        """Note a promise that does not hold."""
        if not holds:
            self.worse.append(f"{what}: {seen}")

    def with_a_trader(self, gates: int) -> None:
        """Narrow kills, the gate's time, everything, everything with the ledger locked; then a restart."""
        with TraderProcess(self.account) as trader:
            self.fill(trader)
            self.narrow("strategy", self.size.strategy_names()[0], self.size.symbols)
            self.narrow("symbol", self.size.symbol_names()[-1], self.size.strategies - 1)
            self.gates(gates)
            resumed(self.account, "--strategy", self.size.strategy_names()[0])
            resumed(self.account, "--symbol", self.size.symbol_names()[-1])
            self.fill(trader)
            self.whole("everything", strike(self.venue, self.account, self.speed))
            resumed(self.account)
            self.fill(trader)
            with locked(self.account.home / "ledger.db"):
                self.whole("ledger_locked", strike(self.venue, self.account, self.speed))
            self.check("the trader outlives its ledger", holds=trader.is_alive, seen=trader.said()[-300:])
            trader.stop()
        self.restarted()

    def fill(self, trader: _Process) -> None:
        """Wait until all orders rest."""
        took_s = filled_up(self.venue, self.size, lambda: trader.is_alive)
        if not trader.is_alive:
            raise RuntimeError(f"the trader ended by itself: {trader.said()}")
        self.say(f"{open_orders(self.venue)} orders rest, after {took_s:.0f} s")

    def narrow(self, kind: str, name: str, orders: int) -> None:
        """Kill one strategy or symbol."""
        struck = strike(self.venue, self.account, self.speed, scope=(kind, name), expected=orders)
        self.note(kind, struck)
        within_ms = (struck.announced_s + SLACK_S) * 1_000
        self.check(f"{kind}: every order ended in the announced time", holds=_within(struck.venue_empty_ms, within_ms), seen=struck)
        self.check(f"{kind}: every order ended", holds=struck.found >= orders and not struck.not_ended, seen=struck)

    def gates(self, kills: int) -> None:
        """Kill and resume again and again."""
        times = sorted(gate_times_ms(self.account, kills))
        told = {"kills": kills, "p50_ms": _share(times, 50), "p99_ms": _share(times, 99), "max_ms": round(times[-1], 2)}
        self.figures["gate_closed_round_trip"] = told
        self.say(f"gate closed, the way through the socket included: {told}")
        self.check("gate closed p99", holds=told["p99_ms"] <= GATE_MS_MAX, seen=told)

    def whole(self, name: str, struck: Struck) -> None:
        """Look at a kill of everything."""
        self.note(name, struck)
        self.check(f"{name}: gate", holds=_within(struck.gate_ms, GATE_MS_MAX), seen=struck.gate_ms)
        self.check(f"{name}: cancels out", holds=_within(struck.cancels_out_ms, CANCELS_OUT_MS_MAX), seen=struck.cancels_out_ms)
        self.check(f"{name}: nothing late", holds=not (struck.late or struck.late_by_report), seen=(struck.late, struck.late_by_report))
        self.check(f"{name}: every order ended", holds=not struck.not_ended and bool(struck.venue_empty_ms), seen=struck)

    def note(self, name: str, struck: Struck) -> None:
        """Keep and tell the figures of a kill."""
        self.figures[name] = msgspec.to_builtins(struck._asdict())
        self.say(f"{name}: {struck}")

    def restarted(self) -> None:
        """Start the trader again: all of it is still closed, and nothing comes in."""
        before = len(self.venue.orders())
        with TraderProcess(self.account) as trader:
            wait_for("an answer", lambda: not trader.is_alive or tidegate("status", "--home", str(self.account.home))[0] == 0)
            time.sleep(_AFTER_RESTART_S)
            _, told, _ = tidegate("status", "--home", str(self.account.home))
            new = len(self.venue.orders()) - before
            trader.stop()
        gates = [(gate["scope"], gate["state"]) for gate in told.get("gates", [])]
        self.figures["after_restart"] = {"gates": gates, "orders_sent": new, "open_orders": open_orders(self.venue)}
        self.say(f"after a restart: {self.figures['after_restart']}")
        self.check("closed after a restart", holds=("global", "halted") in gates and not new, seen=self.figures["after_restart"])

    def hung(self) -> None:
        """Stop the trader of a whole service as one that hangs; the watchdog has to act."""
        home = self.account.home
        words = ["up", "--config", str(self.account.config), "--home", str(home), "--patient"]
        with _Process([sys.executable, "-m", "tidegate", *words], environment(KEY, SECRET)) as service:
            wait_for("an answer", lambda: not service.is_alive or tidegate("status", "--home", str(home))[0] == 0)
            resumed(self.account)
            self.fill(service)
            both, pid = clocks(self.venue, self.speed), next(_traders(service.pid))
            sight = Sight(self.venue, 0)
            stopped_ns = time.time_ns()
            stopped(pid)
            empty_ns = sight.wait(30.0)
            account = self.venue.ask("GET", "/v2/account")
            deeds = [json.loads(line) for line in (home / "watchdog.jsonl").read_text().splitlines()]
            late = sent_after(self.venue.orders(), both.there(empty_ns or stopped_ns))
            service.popen.terminate()
            service.ended()
        told = {
            "acted_s_after_the_stop": round((empty_ns - stopped_ns) / 1e9, 2) if empty_ns else None,
            "silence_ms": deeds[-1]["silence_ms"] if deeds else None,
            "deeds": [deed["deed"] for deed in deeds],
            "suspended": account["trade_suspended_by_user"],
            "open_orders": open_orders(self.venue),
            "orders_after_it_acted": late,
        }
        self.figures["trader_stopped"] = told
        self.say(f"with the trader stopped: {told}")
        self.check("watchdog in time", holds=_within(told["acted_s_after_the_stop"], WATCHDOG_S_MAX), seen=told)
        self.check("watchdog closed", holds=bool(told["suspended"]) and not told["open_orders"] and not late, seen=told)


def _within(value: float | None, most: float) -> bool:
    return value is not None and value <= most


def _share(times: list[float], percent: int) -> float:
    return round(times[min(len(times) - 1, len(times) * percent // 100)], 2)


def _traders(supervisor: int) -> Iterator[int]:
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if b"trader" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            yield int(child)


def main() -> int:
    """Run the drill."""
    heed_sigterm()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", type=int, default=10, metavar="N", help="each has an order in each symbol")
    parser.add_argument("--symbols", type=int, default=20, metavar="N")
    parser.add_argument("--gates", type=int, default=200, metavar="N", help="how often the gate's time is measured")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="seconds of the tape per second")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-drill-") as folder:
        drill = Drill(Size(wish.strategies, wish.symbols), wish.speed, Path(folder))
        try:
            drill.with_a_trader(wish.gates)
            drill.hung()
        finally:
            drill.venue.popen.terminate()
            drill.venue.ended()
    print(msgspec.json.format(msgspec.json.encode(drill.figures), indent=2).decode())
    for line in drill.worse:
        print(f"worse than promised: {line}", file=sys.stderr)
    return 1 if drill.worse else 0


if __name__ == "__main__":
    sys.exit(main())
