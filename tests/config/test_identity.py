from pathlib import Path

import pytest

from tests.config.making import CONFIG, SOUND, strategy_file
from tidegate.config.build import instruments_of, slots_of
from tidegate.config.identity import session_id_of
from tidegate.config.reading import parse_config
from tidegate.values.ids import SessionId
from tidegate.values.instruments import Instrument

pytestmark = pytest.mark.req("B1.3")


def identity(
    text: str = CONFIG, *, tapes: tuple[str, ...] = ("a", "b"), symbols: tuple[str, ...] = ("IBM", "SPY"), folder: Path = Path()
) -> SessionId:
    found = parse_config(text.encode(), name="test.yaml", folder=folder)
    instruments = instruments_of(found.config, [Instrument(index=i, symbol=s, venue="tape") for i, s in enumerate(symbols)])
    slots = slots_of(found, instruments)
    return session_id_of(found.config, limits=found.limits, instruments=instruments, slots=slots, tapes=tapes)


def test_the_same_session_has_the_same_id() -> None:
    assert identity() == identity()
    assert len(identity()) == 16


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("100000.50", "100000.51"),
        ("name: test", "name: other"),
        ("entry_z: 2.25", "entry_z: 2.5"),
        ("strategy: mean_reversion", "strategy: mean_reversion\n    id: other"),
        ("spread_bps_max: 8", "spread_bps_max: 9"),
        ("sector: technology", "sector: other"),
        ("limits_file: 2026-02", "limits_file: 2026-02\nsimulator: {seed: 1}"),
        ("limits_file: 2026-02", "limits_file: 2026-02\nsimulator: {order_latency: 1ms}"),
        ("limits_file: 2026-02", "limits_file: 2026-02\nmarket: {wide_bps: 51}"),
        ("limits_file: 2026-02", "limits_file: 2026-02\nsymbol_cooldown: 1s"),
    ],
)
def test_whatever_decides_is_in_the_id(before: str, after: str) -> None:
    assert before in CONFIG
    assert identity(CONFIG.replace(before, after)) != identity()


def test_tapes_and_their_order_are_in_the_id() -> None:
    assert len({identity(), identity(tapes=("b", "a")), identity(tapes=("a",)), identity(tapes=("ab",))}) == 4


def test_instruments_are_in_the_id() -> None:
    assert identity(symbols=("IBM",)) != identity()


def test_limits_are_in_the_id_and_not_where_they_stand(tmp_path: Path) -> None:
    shipped = (Path(parse_config.__code__.co_filename).parent / "limits" / "2026-02.yaml").read_text()
    (tmp_path / "same.yaml").write_text(shipped)
    (tmp_path / "tight.yaml").write_text(shipped.replace("order_quantity_max: 1000", "order_quantity_max: 999"))
    inline = "limits:\n" + "".join(f"  {line}\n" for line in shipped.splitlines())
    assert identity(CONFIG.replace("limits_file: 2026-02", "limits_file: same.yaml"), folder=tmp_path) == identity()
    assert identity(CONFIG.replace("limits_file: 2026-02", inline)) == identity()
    assert identity(CONFIG.replace("limits_file: 2026-02", "limits_file: tight.yaml"), folder=tmp_path) != identity()


def test_a_strategy_counts_by_its_bytes_and_not_by_its_place(tmp_path: Path) -> None:
    text = CONFIG.replace("strategy: mean_reversion\n    params: {entry_z: 2.25, short: false}", "strategy: ./made_up.py")
    one, two, changed = tmp_path / "one", tmp_path / "two", tmp_path / "changed"
    for folder in (one, two, changed):
        folder.mkdir()
        strategy_file(folder, SOUND + ("# a remark\n" if folder is changed else ""))
    assert identity(text, folder=one) == identity(text, folder=two)
    assert identity(text, folder=one) != identity(text, folder=changed)


def test_where_unlisted_strategies_may_enter_does_not_count_for_listed_ones() -> None:
    other = "other_strategies:\n  - {symbol: [TREND], market: [TREND], spread_bps_max: 3}\n"
    assert identity(CONFIG + other) == identity()
