"""The ledger: what must be unique, fenced and durable before anything leaves the process. Start at `port`."""
