"""How fast two nodes are on this machine, beside a peer system: `pair` runs them, `measure` asks, `table` shows."""
