"""Two processes, with two orders of hashing, write the same log."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.contract.kit import DRAWN, PLAIN_MILL, TRIGGER_MILL, configuration, strategy, tape_on_disk
from tests.contract.markets import Market, make_tape

pytestmark = pytest.mark.req("C1.1", "B1.3")

ROOT = Path(__file__).resolve().parents[2]
ANOTHER = """
import sys
from pathlib import Path
from tidegate.config.reading import parse_config
from tidegate.kernel.mode import Mode
from tidegate.replay.run import Options, run_replay

folder = Path(sys.argv[1])
loaded = parse_config((folder / "config").read_bytes(), name="test", folder=folder)
options = Options(log=folder / sys.argv[2], mode=Mode(sys.argv[3]))
print(run_replay([folder / "0.tape", folder / "1.tape"], config=loaded, options=options).summary.orders)
"""


def test_the_log_is_the_same_bytes_in_every_process_and_order_of_hashing(tmp_path: Path) -> None:
    for place, market in enumerate((Market(seed=2, records=250), Market(seed=4, records=150, symbols=3))):
        tape_on_disk(make_tape(market), tmp_path / f"{place}.tape")
    mills = [
        strategy(TRIGGER_MILL, "one", every=4, hold_s=2.0, policy=2, style=1, life=1, live_for_s=1.0),
        strategy(PLAIN_MILL, "two", seconds=True, hold_s=1.0, fault_at=40),
    ]
    (tmp_path / "config").write_bytes(configuration(mills, latencies=DRAWN, symbols_shared=True).source)
    logs = {}
    for seed, mode in (("0", "pure"), ("1", "pure"), ("4242", "compiled")):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", ANOTHER, str(tmp_path), f"log{seed}", mode]
        answer = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
        assert int(answer.stdout) > 5
        parts = sorted((tmp_path / f"log{seed}").glob("*.seg"))
        logs[seed] = sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    assert len(set(logs.values())) == 1
