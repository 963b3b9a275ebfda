"""Alpaca's messages as typed values, nothing else: every field may be missing or null, unknown fields are let be."""
