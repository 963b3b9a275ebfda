"""What time it is, and waiting: handed in by the roots, so that a test or a demo can have a time of its own."""
