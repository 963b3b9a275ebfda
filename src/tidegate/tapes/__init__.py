"""Tape files: recorded or generated market data as mappable records, importers for them, and their merge into one session."""
