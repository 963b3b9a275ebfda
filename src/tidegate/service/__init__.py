"""The always-on trader: state machines over ports, and the stores that make its work durable."""
