"""What is held, what works and what is reserved, in exact integers.

Changed only by folding decisions, commands and order events.
"""
