"""The audit chain: what happened, who did it and why, each record bound to the one before; and the signed heads that seal it.

A chain alone cannot show that its end was cut off, so its head is signed now and then and kept outside the database as well.
"""
