"""Generated markets: seeded tapes for machines without recordings, with known anomalies to be caught."""
