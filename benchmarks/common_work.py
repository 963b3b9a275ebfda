"""The common job of the rivals through tidegate's public strategy API, with the full pipeline on.

    python benchmarks/common_work.py --n 1000000 [--data FILE.npz] [--symbols S] [--orders-per-million M] [--log] [--json]

Timed is the replay alone (data mapped, kernels compiled), second pass over the map. The result must equal the plain reference loop.
"""

import argparse
import json
import resource
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import msgspec

from benchmarks import market, reference
from tidegate.config.model import Config, EligibleSection
from tidegate.config.reading import read_config
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.run import Options, Replay, run_replay

HERE = Path(__file__).parent


def anonymous_kib() -> int:
    """Return the private memory of this process (RssAnon), KiB; 0 where it is not told."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")))


def main() -> None:
    """Run the benchmark and print the figures."""
    arguments = _arguments()
    made = market.from_file(arguments.data) if arguments.data else market.columns(arguments.n)
    made = {name: values[: arguments.n] for name, values in made.items()}
    rule = reference.Rule()
    if arguments.orders_per_million:
        rule = reference.rule_for(made, arguments.orders_per_million, symbols=arguments.symbols)
    expected = reference.outcome(made, rule, symbols=arguments.symbols)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        tape = market.tape(Path(folder) / "common.tape", made, symbols=arguments.symbols)
        del made
        figures = _measure(tape.path, rule, Path(folder), arguments)
    figures |= {
        "symbols": arguments.symbols,
        "z_in": rule.z_in,
        "hold_quotes": rule.hold_quotes,
        "expected_orders": expected.orders,
        "expected_cash": expected.pnl,
        "agrees": figures["orders"] == figures["fills"] == expected.orders
        and (expected.position != 0 or Decimal(str(figures["pnl"])) == Decimal(str(expected.pnl))),
    }
    print(json.dumps(figures) if arguments.json else _text(figures))
    sys.exit(0 if figures["agrees"] else 1)


def _measure(tape: Path, rule: reference.Rule, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    toolchain = make_toolchain(Mode.COMPILED)
    loaded = read_config(str(HERE / "common_work.yaml"))
    loaded = loaded._replace(config=_unbound(loaded.config))
    request = f"{HERE / 'zscore.py'}:z_in={rule.z_in},hold_quotes={rule.hold_quotes}"
    runs: list[Replay] = []
    memory = []
    for number in range(arguments.repeat + 1):
        log = folder / f"log{number}" if arguments.log else None
        options = Options(log=log, collect=False, toolchain=toolchain)
        runs.append(run_replay(tape, strategies=request, config=loaded, options=options))
        memory.append(anonymous_kib())
    timed = sorted(run.summary.seconds for run in runs[1:])
    last = runs[-1].summary
    return {
        "engine": "tidegate",
        "log": bool(arguments.log),
        "n": last.events,
        "seconds": timed[0],
        "seconds_median": timed[len(timed) // 2],
        "events_per_second": last.events / timed[0],
        "ns_per_event": timed[0] / last.events * 1e9,
        "orders": last.orders,
        "fills": last.fills,
        "rejected": last.rejected,
        "pnl": last.pnl,
        "commands_sha256": last.commands_sha256,
        "anonymous_mib": memory[-1] // 1024,
        "anonymous_growth_mib": (memory[-1] - memory[0]) // 1024,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _unbound(config: Config) -> Config:
    """Every check runs and none binds: eligible in every regime, no wait for warm features. No file may ask for that."""
    regimes = ("UNTRADEABLE", "CHOP", "TREND", "VOL_EXPANSION")
    everywhere = (EligibleSection(symbol=regimes, market=regimes, spread_bps_max=1e6),)  # type: ignore[arg-type]  # see above
    features = msgspec.structs.replace(config.features, warm_seconds=0, warm_minutes=0)
    return msgspec.structs.replace(config, other_strategies=everywhere, features=features)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--symbols", type=int, default=1)
    parser.add_argument("--orders-per-million", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=None, help="folder for the tape; default: the system's temporary one")
    parser.add_argument("--log", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _text(figures: dict[str, Any]) -> str:
    return "\n".join(f"{name:>20}  {value}" for name, value in figures.items())


if __name__ == "__main__":
    main()
