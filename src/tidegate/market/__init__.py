"""What the market shows: top of book, data quality, bars, trading sessions. Kernel code over rows; no clock, no calendar."""
