"""Alpaca's values in our words and back. Pure: no clock, no socket; what is not understood is named, never guessed."""
