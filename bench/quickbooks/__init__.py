"""What the benchmarks must know of QuickBooks: its words, its floor, and dlt's way of reading it."""
