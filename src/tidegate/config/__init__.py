"""One YAML becomes one frozen value, strategy files become strategies, calendars become sessions; all checked at this door."""
