"""tidegate: a safety-first trading platform. Every order is gated, explained, durable and replayable."""
