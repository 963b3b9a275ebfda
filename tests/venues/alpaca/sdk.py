"""The venue's own client, whose import warns about a library of its own."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.trading import enums, models

__all__ = ["enums", "models"]
