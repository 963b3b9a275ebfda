"""Portfolio history: the account's equity as it was sampled at the end of each minute."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tidegate.emulators.alpaca import money
from tidegate.emulators.alpaca.accounts import percent
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import malformed, unprocessable
from tidegate.emulators.alpaca.wire import Body, midnight_ns, moment, new_york
from tidegate.values.money import ATTOS
from tidegate.values.time import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

_FRAMES: Final = {"1Min": MINUTE_NS, "5Min": 5 * MINUTE_NS, "15Min": 15 * MINUTE_NS, "1H": HOUR_NS, "1D": DAY_NS}
_PERIOD: Final = re.compile(r"(\d{1,4})([DWMA])")
_DAYS: Final = {"D": 1, "W": 7, "M": 30, "A": 365}
_INTRADAY_DAYS_MAX: Final = 30
_CENTS: Final = 2
_RATIO: Final = 4


def portfolio_history(desk: Desk, query: Mapping[str, str]) -> Body:
    """Return equity and profit by window, each stamped with its left edge.

    Raises:
        WireRefusal: a period, timeframe or time that cannot be, or all three of start, end and period.
    """
    account, floor = desk.account, desk.floor
    now_ns = floor.now_ns()
    start_ns, end_ns = _span(query, now_ns)
    days = (end_ns - start_ns) / DAY_NS
    frame = query.get("timeframe") or ("1D" if days > 1 else "5Min")
    if frame not in _FRAMES:
        raise malformed(f"invalid timeframe: {frame}")
    if frame != "1D" and days > _INTRADAY_DAYS_MAX:
        raise unprocessable("intraday portfolio history reaches back 30 days at most")
    samples = [*account.samples, (now_ns, money.equity_attos(account, floor))]
    windows: dict[int, int] = {}
    base = samples[0][1]
    for ns, equity in samples:
        if ns < start_ns:
            base = equity
        elif ns <= end_ns:
            windows[_edge(ns, frame)] = equity
    gains = [equity - base for equity in windows.values()]
    return {
        "timestamp": [edge // SECOND_NS for edge in windows],
        "equity": [_dollars(equity) for equity in windows.values()],
        "profit_loss": [_dollars(gain) for gain in gains],
        "profit_loss_pct": [round(float(percent(gain, base)), _RATIO) for gain in gains],
        "base_value": _dollars(base),
        "base_value_asof": new_york(account.created_ns).date().isoformat(),
        "timeframe": frame,
    }


def _span(query: Mapping[str, str], now_ns: int) -> tuple[int, int]:
    given = [name for name in ("start", "end", "period") if query.get(name)]
    if len(given) > 2:  # noqa: PLR2004 - two of them settle the third
        raise unprocessable("only two of start, end and period are accepted")
    end_ns = moment(query["end"], "end", end_of_day=True) if query.get("end") else now_ns
    if query.get("start"):
        return moment(query["start"], "start"), end_ns
    period = query.get("period") or "1M"
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise malformed(f"invalid period: {period}")
    return end_ns - int(found[1]) * _DAYS[found[2]] * DAY_NS, end_ns


def _edge(ns: int, frame: str) -> int:
    return midnight_ns(new_york(ns).date()) if frame == "1D" else ns - ns % _FRAMES[frame]


def _dollars(attos: int) -> float:
    return round(float(Decimal(attos) / ATTOS), _CENTS)
