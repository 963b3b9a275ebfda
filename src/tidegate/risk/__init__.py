"""May this order leave? Limits, gate states, small named checks, one verdict with its reasons.

It sends nothing and keeps no orders.
"""
