"""Rolling numbers of a symbol: averages, volatility, range, direction, anomalies of spread and volume. Kernel code over rows."""
