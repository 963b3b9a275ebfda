"""Which state a symbol and its market are in, with hysteresis, so that strategies trade only where they may. Kernel code."""
