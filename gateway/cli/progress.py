"""How far a file has come, as lines on standard error: for a person at a terminal, and for nobody else."""

from __future__ import annotations

import sys
import time

import click

EVERY = 2.0
"""Seconds between two lines; what takes less says nothing."""
MIB = 1024 * 1024


class Progress:
    """Tells how much is done, of how much, and the rate since the last line; begins when it is made."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shown = sys.stderr.isatty()
        self._at, self._done = time.monotonic(), 0

    def tell(self, done: int, total: int) -> None:
        """So many bytes of so many are through; a line if it is time for one."""
        now = time.monotonic()
        if self._shown and now - self._at >= EVERY:
            rate = to_mib(done - self._done) / (now - self._at)
            click.echo(f"trm: {self._verb} {to_mib(done):.0f} of {to_mib(total):.0f} MiB, {rate:.0f} MiB/s", err=True)
            self._at, self._done = now, done


def to_mib(size: int) -> float:
    """Convert bytes."""
    return size / MIB
