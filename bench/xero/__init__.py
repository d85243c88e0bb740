"""What the benchmarks must know of Xero: its words, its floor, and dlt's way of reading it."""
