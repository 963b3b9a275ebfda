"""Tapes: recorded or generated market data as mappable files, importers for them, and their merge."""
