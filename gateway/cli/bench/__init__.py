"""`trm bench`: how fast two nodes are on this machine. `pair` runs them, `measure` asks, `table` shows."""

from gateway.cli.bench.command import bench

__all__ = ["bench"]
