"""Condition bits of LEAN equity ticks, in our words; the masks are from LEAN's Data/equity/readme.md.

Which conditions may set high, low and last follows the consolidated tape plans: prices of another settlement,
of another time, averaged, derived or printed outside the session do not.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout

# Trades.
CASH: Final = 0x2
NEXT_DAY: Final = 0x4
SELLER: Final = 0x8
OPENING_PRINT: Final = 0x40
CLOSING_PRINT: Final = 0x80
REOPENING_PRINT: Final = 0x100
DERIVATIVELY_PRICED: Final = 0x200
FORM_T: Final = 0x400
SOLD_LAST: Final = 0x800
EXTENDED_HOURS: Final = 0x2000
OUT_OF_SEQUENCE: Final = 0x4000
STOCK_OPTION: Final = 0x40000
AVERAGE_PRICE: Final = 0x100000
PRICE_VARIATION: Final = 0x400000
OFFICIAL_CLOSE: Final = 0x1000000
PRIOR_REFERENCE: Final = 0x2000000
OFFICIAL_OPEN: Final = 0x4000000
ODD_LOT: Final = 0x80000000

NOT_REGULAR: Final = (
    CASH | NEXT_DAY | SELLER | DERIVATIVELY_PRICED | FORM_T | EXTENDED_HOURS | OUT_OF_SEQUENCE | STOCK_OPTION
    | AVERAGE_PRICE | PRICE_VARIATION | OFFICIAL_CLOSE | PRIOR_REFERENCE | OFFICIAL_OPEN | ODD_LOT
)  # fmt: skip
OPENING: Final = OPENING_PRINT | REOPENING_PRINT | OFFICIAL_OPEN
CLOSING: Final = CLOSING_PRINT | OFFICIAL_CLOSE

# Quotes.
SLOW: Final = 0x2
MANUAL: Final = 0x4
RANGE_INDICATION: Final = 0x40
NOT_FIRM: Final = 0x400
HALTS: Final = 0x10 | 0x20 | 0x80 | 0x200 | 0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x20000

SLOW_QUOTE: Final = SLOW | MANUAL | RANGE_INDICATION | NOT_FIRM | HALTS  # nobody may count on being filled at it


def trade_flags(conditions: NDArray[np.int64], *, off_exchange: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return our flags of trades from their condition bits; off_exchange: printed to a reporting facility."""
    flags = np.where(conditions & NOT_REGULAR, 0, layout.REGULAR)
    flags |= np.where(off_exchange, layout.OFF_EXCHANGE, 0)
    flags |= np.where(conditions & OPENING, layout.OPENING, 0)
    flags |= np.where(conditions & CLOSING, layout.CLOSING, 0)
    return flags.astype(np.int16)
