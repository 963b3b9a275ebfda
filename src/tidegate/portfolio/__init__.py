"""What is held, what works and what is reserved, in exact integers; changed only by folding decisions, commands and order events."""
