"""What became of our orders: one transition table, orders as frozen values, timers as data.

It decides nothing about risk.
"""
