"""From a golden log back to an engine: facts are folded, nothing is decided again. Shared by the trader and by replays."""
