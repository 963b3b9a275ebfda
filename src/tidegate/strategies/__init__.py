"""What a strategy is: its plan as data, its trigger for the kernel, its `decide` in plain Python; sizing and pricing of its intents."""
