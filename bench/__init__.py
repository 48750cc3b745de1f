"""Benchmark of two nodes on this machine beside a peer system: `pair` runs them, `measure` measures, `table` prints."""
