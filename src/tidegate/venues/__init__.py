"""Venues: clients of real ones, each in a folder of its own, and the simulated one. No venue knows another."""
