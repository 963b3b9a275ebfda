"""The simulated venue: matches our orders against recorded markets on the venue's own time.

`venue.SimVenue` is its face. What it takes for granted stands line by line in `assumptions.py`. It knows market records,
order commands and responses; it knows nothing of strategies, risk or the engine that talks to it.
"""
