"""Signed webhooks: a process of its own follows the golden log and tells other programs of fills, trips and orders in doubt."""
