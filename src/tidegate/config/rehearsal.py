"""The strict rehearsal: a trigger runs on made-up rows as plain Python before it is compiled, so that mistakes have a line.

Rows refuse what compiled code would let in: a misspelt field, a number that is not finite, a cell outside its array. A count
of lines ends what would go on for ever. The market of the rows is a fixed walk that shows what a session may show: nothing
yet, no features yet, quiet and wild, wide spreads, every pair of regimes, flat, long and short.
"""

import sys
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple, Protocol, cast

import msgspec
import numpy as np

from tidegate.config.errors import StrategyFileError, known
from tidegate.engine.layout import SYMBOL
from tidegate.kernel.layout import row
from tidegate.kernel.rows import StrictRowError, load_row
from tidegate.regime.rows import LABELS, REGIME
from tidegate.strategies.rows import EXIT, NONE, OWN
from tidegate.strategies.strategy import Trigger
from tidegate.values.money import NANOS
from tidegate.values.time import MINUTE_NS, SECOND_NS

ROWS = 320
COLD_ROWS = 40
LINES_MAX = 20_000  # of one call; a trigger that needs more would take longer than the records need to come
_START_NS = 1_400_000_000 * SECOND_NS
_STEP_NS = 250_000_000

# What a function of numbers can raise; anything wider would hide a fault of ours.
RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
    StrictRowError,
)


class Row(Protocol):
    """A strict row: fields by name."""

    __slots__: tuple[str, ...]
    scratch: list[float]  # of `own`

    def __getattribute__(self, name: str, /) -> float: ...
    def __setattr__(self, name: str, value: float, /) -> None: ...


class Rows(NamedTuple):
    """What a trigger is called with."""

    symbol: Row
    regime: Row
    own: Row
    params: Row


class _TooLongError(Exception):
    pass


class Tracer(Protocol):
    """What the interpreter calls for every line."""

    def __call__(self, frame: FrameType, event: str, argument: object, /) -> "Tracer":
        """Return who is called for the next line."""


def rehearse(trigger: Trigger, params: msgspec.Struct, path: str) -> None:
    """Run a trigger over the made-up rows.

    Raises:
        StrategyFileError: it raises, stores what a row refuses, runs on, or says what is no answer; with the line.
    """
    code = cast("CodeType", getattr(trigger, "__code__"))  # noqa: B009 - a Callable's type has no code, a checked function has
    for rows in made_up_rows(params):
        try:
            said = _within(LINES_MAX, trigger, rows)
        except _TooLongError:
            raise StrategyFileError(
                f"{path}:{code.co_firstlineno}: trigger runs more than {LINES_MAX} lines for one record; loop over less."
            ) from None
        except RAISED as error:
            line = _line_in(error.__traceback__, code.co_filename) or code.co_firstlineno
            raise StrategyFileError(f"{path}:{line}: trigger fails in the rehearsal: {_in_words(error, rows)}.") from error
        if type(said) is not int or not NONE <= said <= EXIT:
            where = f"{path}:{code.co_firstlineno}"
            raise StrategyFileError(f"{where}: trigger returned {said!r}; it may return NONE, BUY, SELL or EXIT.")


def made_up_rows(params: msgspec.Struct) -> Iterator[Rows]:
    """Yield the rows of the rehearsal; the same objects each time, so that scratch cells carry on as they do in a session."""
    rows = zero_rows(params)
    yield rows  # nothing seen yet: every number is 0
    for step in range(ROWS):
        _show_market(rows.symbol, step)
        _show_features(rows.symbol, step)
        rows.regime.label, rows.regime.market_label = step % LABELS, step // LABELS % LABELS
        rows.regime.direction = float(step % 3 - 1)
        rows.regime.breadth = (step % 21 - 10) / 10
        _show_position(rows.own, rows.symbol.mid, step)
        yield rows


def _show_market(symbol: Row, step: int) -> None:
    """A price that walks up, down and jumps; every seventh spread is wide; sizes from one share to thousands."""
    cents = 1390 + step % 60 - step % 37 + 400 * (step // 200)
    spread = 40 if step % 7 == 0 else 1 + step % 3
    now_ns = _START_NS + step * _STEP_NS
    symbol.bid_nanos, symbol.ask_nanos = cents * NANOS // 100, (cents + spread) * NANOS // 100
    symbol.bid, symbol.ask = cents / 100, (cents + spread) / 100
    symbol.mid = 0.5 * (symbol.bid + symbol.ask)
    symbol.spread_bps = 10_000.0 * (symbol.ask - symbol.bid) / symbol.mid
    symbol.bid_size, symbol.ask_size = float(1 + step * 37 % 5_000), float(1 + step * 91 % 5_000)
    symbol.bid_size_nanos, symbol.ask_size_nanos = int(symbol.bid_size) * NANOS, int(symbol.ask_size) * NANOS
    symbol.last_trade_nanos, symbol.last_trade = symbol.bid_nanos, symbol.bid
    symbol.quote_ns = symbol.trade_ns = symbol.seen_ns = now_ns
    symbol.quotes, symbol.trades = step + 1, step // 3


def _show_features(symbol: Row, step: int) -> None:
    """Cold for the first forty rows, then moving; volatility is 0 now and then, as on a day without a move."""
    if step < COLD_ROWS:
        return
    wave = (step % 50 - 25) / 25
    symbol.valid, symbol.warm_seconds, symbol.warm_minutes = 1, step, step // 4
    symbol.ema_fast, symbol.ema_slow = symbol.mid * (1 + 0.002 * wave), symbol.mid * (1 - 0.001 * wave)
    symbol.volatility_short = 0.0 if step % 11 == 0 else 0.0003 * abs(wave)
    symbol.volatility_long = 0.0 if step % 33 == 0 else 0.0002
    symbol.atr = 0.001 * symbol.mid * abs(wave)
    symbol.trend_strength, symbol.trend_direction = abs(wave), float(step % 3 - 1)
    symbol.spread_mean, symbol.spread_deviation, symbol.spread_anomaly = 5.0, 1.0, symbol.spread_bps - 5.0
    symbol.volume_short, symbol.volume_long, symbol.volume_anomaly = 900.0, 600.0, 1.5 + wave
    symbol.range_high, symbol.range_low = symbol.mid * (1 + 0.002 * wave), symbol.mid * (1 - 0.003)
    symbol.vwap = symbol.mid


def _show_position(own: Row, mid: float, step: int) -> None:
    """Flat, long, short by turns of sixteen, so that each meets every pair of regimes."""
    sign = step // 16 % 3 - 1
    held = sign != 0
    own.active = 1
    own.position, own.position_nanos = 100.0 * sign, 100 * sign * NANOS
    own.entry_price = mid * 1.001 if held else 0.0
    own.age_events = step % 16 if held else 0
    own.age_ns = step % 16 * MINUTE_NS if held else 0


def zero_rows(params: msgspec.Struct) -> Rows:
    """Return the rows of a symbol that nothing was seen of yet, with these parameters."""
    return Rows(_zero_row(SYMBOL), _zero_row(REGIME), _zero_row(OWN), _params_row(params))


def _zero_row(dtype: np.dtype[np.void]) -> Row:
    return cast("Row", load_row(dtype, np.zeros(1, dtype)[0].tolist(), strict=True))


def _params_row(params: msgspec.Struct) -> Row:
    """The parameters as a trigger reads them: whole numbers and flags as integers."""
    fields = msgspec.structs.fields(params)
    values = tuple(getattr(params, field.name) for field in fields)
    dtype = row([(field.name, "<f8" if field.type is float else "<i8") for field in fields])
    return cast("Row", load_row(dtype, values, strict=True))


def _within(lines_max: int, trigger: Trigger, rows: Rows) -> object:
    """Call the trigger, counting lines; a debugger's or a coverage tool's own tracing is put back afterwards."""
    left = lines_max

    def count(_frame: FrameType, _event: str, _argument: object) -> Tracer:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooLongError
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return trigger(*rows)
    finally:
        sys.settrace(before)


def _line_in(traceback: TracebackType | None, filename: str) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _in_words(error: Exception, rows: Rows) -> str:
    if isinstance(error, AttributeError):
        parts: dict[str, Row] = rows._asdict()
        for name, given in parts.items():
            if error.obj is given:
                return f"{name} has no field {error.name!r}; {known(str(error.name), given.__slots__)}"
    return str(error).rstrip(".") if isinstance(error, StrictRowError) else f"{type(error).__name__}: {error}"
