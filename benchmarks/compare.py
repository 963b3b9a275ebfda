"""Rivals and tidegate on the common work: the same run, the same core, ratios printed.

    python benchmarks/compare.py [--peers DIR] [--venvs DIR] [--core 0] [--repeat 3] [--json FILE] [--long]

The rivals' own scripts are run as they are from --peers, each in its own environment under --venvs (their README says how to make
them); a rival that is not there is listed as missing, not left out silently. Without --long the matrix is 1 M events; with it also
5 M and 50 M, 50 and 1,000 symbols.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import market, reference  # noqa: E402 - found by the line above

SPARSE, DENSE = 972, 10_000  # orders per million events: the published rule, and one order per 100 events


class Rival(NamedTuple):
    """One engine of the published comparison."""

    name: str
    venv: str
    script: str
    target: float  # at least so many times as fast, on the sparse work; 0: no target


RIVALS = (
    Rival("hftbacktest", "hbt", "peer_hftbacktest.py", 3.0),
    Rival("nautilus_trader (Rust engine)", "nautilus312", "peer_nautilus_v2.py", 40.0),
)


def main() -> None:
    """Run the matrix and print it."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        rows = _sparse(arguments, Path(scratch)) + _dense(arguments, Path(scratch))
        if arguments.long:
            rows += _growth(arguments)
    _print(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def _sparse(arguments: argparse.Namespace, scratch: Path) -> list[dict[str, Any]]:
    count = 1_000_000
    made = market.columns(count)
    market.to_file(scratch / f"quotes_{count}.npz", made)
    ours = _ours(arguments, "--n", str(count))
    rows = [ours, _ours(arguments, "--n", str(count), "--log")]
    rule = reference.Rule()
    return rows + [_against(ours, _rival(arguments, rival, count, scratch, rule), rival) for rival in RIVALS]


def _dense(arguments: argparse.Namespace, scratch: Path) -> list[dict[str, Any]]:
    count = 1_000_000
    made = market.columns(count)
    rule = reference.rule_for(made, DENSE)
    ours = _ours(arguments, "--n", str(count), "--orders-per-million", str(DENSE))
    rival = RIVALS[0]._replace(target=0.5)
    return [ours, _against(ours, _rival(arguments, rival, count, scratch, rule), rival)]


def _growth(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    rows = [_ours(arguments, "--n", str(count), "--repeat", "1") for count in (5_000_000, 50_000_000)]
    return rows + [_ours(arguments, "--n", "1000000", "--symbols", str(symbols)) for symbols in (50, 1_000)]


def _ours(arguments: argparse.Namespace, *words: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "common_work.py"), "--json", *words]
    if arguments.scratch:
        command += ["--scratch", str(arguments.scratch)]
    done = subprocess.run(_pinned(arguments, command), capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise SystemExit(f"tidegate's own run failed: {done.stderr.strip()[-400:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    figures["what"] = " ".join(words)
    return figures


def _rival(arguments: argparse.Namespace, rival: Rival, count: int, data: Path, rule: reference.Rule) -> dict[str, Any]:
    """Run a rival's script with its parameters set to the rule; its best of some runs."""
    python = arguments.venvs / rival.venv / "bin" / "python"
    script = arguments.peers / rival.script
    row: dict[str, Any] = {"engine": rival.name, "n": count, "what": f"z_in={rule.z_in} hold={rule.hold_quotes}"}
    if not python.exists() or not script.exists():
        return row | {"missing": f"{script if python.exists() else python} is not there"}
    code = (
        f"import sys, runpy; sys.path.insert(0, {str(arguments.peers)!r}); sys.argv = [{str(script)!r}, '{count}', 'strategy']; "
        f"import common; common.Z_IN = {rule.z_in}; common.HOLD = {rule.hold_quotes}; runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    environment = os.environ | {"BENCH_DATA": str(data), "NUMBA_CACHE_DIR": str(data / "numba"), "PYTHONDONTWRITEBYTECODE": "1"}
    results = []
    for _ in range(arguments.repeat):
        command = _pinned(arguments, [str(python), "-W", "ignore", "-c", code])
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not lines:
            return row | {"missing": f"its run failed: {done.stderr.strip()[-200:]}"}
        results.append(json.loads(lines[-1].removeprefix("RESULT ")))
    best = min(results, key=lambda found: found["wall_s"])
    return row | {"seconds": best["wall_s"], "orders": best["orders"], "fills": best["fills"], "pnl": best.get("pnl")}


def _against(ours: dict[str, Any], row: dict[str, Any], rival: Rival) -> dict[str, Any]:
    if "missing" in row:
        return row
    ratio = row["seconds"] / ours["seconds"]
    same = row["orders"] == ours["orders"] and row["fills"] == ours["fills"]
    return row | {"times_as_fast": ratio, "target": rival.target, "met": ratio >= rival.target, "same_work": same}


def _pinned(arguments: argparse.Namespace, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(arguments.core), *command] if sys.platform == "linux" else command


def _print(rows: list[dict[str, Any]]) -> None:
    print(f"{'engine':<32}{'work':<44}{'seconds':>10}{'M events/s':>12}{'orders':>9}{'ours is':>12}{'target':>9}")
    for row in rows:
        if "missing" in row:
            print(f"{row['engine']:<32}{row['what']:<44}MISSING: {row['missing']}")
            continue
        speed = row["n"] / row["seconds"] / 1e6
        ratio = f"{row['times_as_fast']:.2f} x" if "times_as_fast" in row else ""
        target = f"{row['target']:g} x{'' if row['met'] else ' NO'}" if "target" in row else ""
        print(f"{row['engine']:<32}{row['what']:<44}{row['seconds']:>10.4f}{speed:>12.2f}{row['orders']:>9}{ratio:>12}{target:>9}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=HERE.parent.parent / "shared" / "bench" / "peers")
    parser.add_argument("--venvs", type=Path, default=Path(os.environ.get("BENCH_VENVS", Path(tempfile.gettempdir()) / "bench-venvs")))
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=None)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--long", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
