"""Alpaca on this machine: trading and data REST, market-data and trading streams, fed by a tape; for bots, demos and tests."""
