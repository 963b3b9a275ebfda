"""Market records: 64 bytes each, one numpy dtype, one documented payload layout per kind.

A tape is an array of these, a golden log maps them straight into the kernel, and the kernel reads them without
decoding. The input number n is implied by place. Prices and sizes are int64 nanos (1e-9).

| kind      | a               | b              | c                    | d                        |
|-----------|-----------------|----------------|----------------------|--------------------------|
| QUOTE     | bid price       | ask price      | bid size             | ask size                 |
| TRADE     | price           | size           | trade id             | venue's condition bits   |
| BOOK      | price           | new size       | side (0 bid, 1 ask)  | 0                        |
| STATUS    | status code     | lower band     | upper band           | reason code              |
| BAR_OPEN  | open            | high           | low                  | close                    |
| BAR_CLOSE | volume          | bar start ns   | bar length ns        | number of trades         |

A bar takes two records, one n each; the second completes it. 0 means "none" for a price or size of a quote side.
"""

from typing import Final

import numpy as np

QUOTE: Final = 1
TRADE: Final = 2
BOOK: Final = 3
STATUS: Final = 4
BAR_OPEN: Final = 5
BAR_CLOSE: Final = 6

# Flags of any record.
MADE_RECV: Final = 1  # the source had no receive time: ts_recv was made by the importer
SUSPICIOUS: Final = 2  # the source itself doubts this record
# Flags of a quote.
ONE_SIDED: Final = 4  # a side has no price or no size
LOCKED: Final = 8  # bid = ask
CROSSED: Final = 16  # bid > ask
SLOW_QUOTE: Final = 32  # the venue marks a side as not firm
# Flags of a trade.
REGULAR: Final = 64  # may set high, low and last, and fill resting orders
OFF_EXCHANGE: Final = 128  # printed to a reporting facility: no queue stood before it
OPENING: Final = 256
CLOSING: Final = 512
CORRECTION: Final = 1024  # a later report that changes or withdraws an earlier print

# Status codes.
STATUS_HALT: Final = 1
STATUS_RESUME: Final = 2
STATUS_FEED_DOWN: Final = 3
STATUS_FEED_UP: Final = 4
STATUS_LIMIT_BANDS: Final = 5
STATUS_NEWS: Final = 6

RECORD_BYTES: Final = 64
RECORD: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # when it happened, by the venue's clock, ns UTC
        ("ts_recv", "<i8"),  # when we had it, ns UTC; the engine's only "now"
        ("venue_seq", "<i8"),  # the venue's own number; 0 where it has none
        ("instrument", "<i4"),  # row of the instrument in this session
        ("kind", "<i2"),
        ("flags", "<i2"),
        ("a", "<i8"),
        ("b", "<i8"),
        ("c", "<i8"),
        ("d", "<i8"),
    ]
)
assert RECORD.itemsize == RECORD_BYTES

KIND_NAMES: Final = {
    QUOTE: "quote",
    TRADE: "trade",
    BOOK: "book",
    STATUS: "status",
    BAR_OPEN: "bar_open",
    BAR_CLOSE: "bar_close",
}
