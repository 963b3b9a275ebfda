"""What the simulated venue takes for granted, line by line: printed in every report and in the manual, held by tests.

Every rule of `display.py`, `fills.py`, `stops.py`, `walk.py` and `act.py` that a real venue might handle otherwise
has a line here.
"""

from typing import Final

from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings

_TEXT: Final = """
- The venue lives on its own time: of each tape the largest event time so far; tapes meet in the order of
  time, rank, place.
- A command arrives after the order latency and never before one sent earlier; it meets the market as it is
  at that moment: after all records of an earlier venue time and those of the same time that the engine had
  taken in.
- A response reaches the engine after the response latency of what caused it and never before one sent
  earlier.
- A latency that is drawn depends on the seed and the command's or response's number alone.
- Only the best bid and ask are known: nothing fills beyond the displayed size at the displayed price; book
  changes, bars and price bands are not read.
- Our orders leave no trace in the recorded market: nobody reacts to them.
- What we took of a displayed price and size is gone until that side's price or size changes; a quote that
  repeats both restores nothing.
- A side without price or size fills nothing; a crossed quote fills nothing on either side; a locked one
  does.
- A quote that the source doubts, or that its venue does not stand by, fills nothing while it stands.
- Feed outages do not touch the venue: they are the engine's trouble.
- A market or marketable limit order fills at the displayed price of the other side, up to the size left
  there, never at a better one.
- What is left of an immediate-or-cancel order is canceled; a fill-or-kill order fills as a whole from the
  display or not at all.
- What is left of a market order takes from the next quotes at their prices.
- What is left of a marketable limit order rests at its limit with nothing before it.
- A resting limit order stands behind the whole size displayed at its price when it comes; ahead of the best
  price nothing stands before it.
- Behind the best price the size before it is not known; it is learned when the market falls back to its
  price: all that is displayed there then stands before it.
- Only regular prints on an exchange at its price move the queue, each by its full size; cancels ahead of it
  never do.
- A print at its price fills it with what the queue leaves; a print through its price fills it, up to the
  print's size, at its own price.
- A new quote whose other side reaches its price fills it at its own price, up to the displayed size.
- Prints reported off exchange, corrections, irregular and doubted prints fill nothing and move no queue.
- One print fills our orders for at most its size in all, buys first, then by price and age; each order's
  queue sees the whole print.
- Our own orders never trade with each other.
- Stops are elected by the last sale: regular prints, on or off exchange, within the quote where both sides
  are known; until the first such print of a symbol, by the side of the quote they would take.
- An elected stop is a market order, a stop-limit a limit order, and meets the quote standing at that
  moment.
- A stop that the market has passed already when it arrives is rejected.
- A trailing stop follows the same price from its arrival on: the highest for a sell, the lowest for a buy,
  less or plus its trail, which is not rounded to ticks; a print that moves it does not elect it.
- A halt stops matching; the quotes from before a halt and before its end are void, so nothing fills until a
  quote after it.
- Orders that wait through a halt or for the open take from the first usable quote at its price, then rest;
  there are no auctions.
- Immediate orders that arrive in a halt or outside trading hours are canceled.
- Day orders expire at the close, before any record of that time; an order from outside the hours belongs to
  the next session.
- A price off the tick, a quantity that is not whole lots, an unknown symbol or a used client order id is
  rejected; an id is used up by the first order sent under it, accepted or not.
- A replacement is a new order at the end of the queue; it keeps symbol, side and type, and is refused when its
  original has ended by then.
- Buying power, borrow, position flips and wash trades are not checked.
"""
ASSUMPTIONS: Final = tuple(" ".join(line.split()) for line in _TEXT.strip().removeprefix("- ").split("\n- "))

_QUEUE: Final = "Orders that arrive outside trading hours wait for the next open."
_REJECT: Final = "Orders that arrive outside trading hours are rejected."
_ALWAYS: Final = "The venue is always open, and day orders do not expire."
_SHORT: Final = "Short selling is allowed without limit."
_NO_SHORT: Final = "A sell order for more than the position less open sells is rejected."
_COLLAR: Final = "A buy stop becomes a stop-limit 4 % above a stop below $50, else 2.5 %, down to the tick, as at Alpaca."


_REST: Final = "A replacement's quantity is its own: a fill of the original that crosses it on the way comes on top."
_TOTAL: Final = "A replacement's quantity is the chain's total: what the original has filled is taken off it."


def assumptions(settings: SimSettings | None = None) -> tuple[str, ...]:
    """Return what is taken for granted, with the lines that follow from a run's settings where these are given."""
    if settings is None:
        return ASSUMPTIONS
    outside = _QUEUE if settings.outside_hours is OutsideHours.QUEUE else _REJECT
    lines = [outside if settings.hours else _ALWAYS, _SHORT if settings.short_selling else _NO_SHORT]
    lines.append(_TOTAL if settings.replace_quantity is ReplaceQuantity.TOTAL else _REST)
    if settings.buy_stop_collar:
        lines.append(_COLLAR)
    return (*ASSUMPTIONS, *lines)
