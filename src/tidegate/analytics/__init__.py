"""From the messages of a session to tables, metrics, stories and reports; reads, and never decides."""
