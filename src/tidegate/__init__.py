"""tidegate: a safety-first trading platform. Every order gated, explained, durable before it is sent, replayable."""
