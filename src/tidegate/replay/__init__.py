"""Recorded events through the engine: the composition root of replay, verification and recovery of a log."""
