"""How far something long has come, as lines on standard error: for a person at a terminal, and for nobody else."""

from __future__ import annotations

import sys
import time

import click

EVERY = 2.0
"""Seconds between two lines; what takes less says nothing."""
MIB = 1024 * 1024


class Progress:
    """Tells how much is done, of how much, and the rate since the last line; begins when it is made.

    `unit` names what is counted, and `size` says how much one of it is: MiB of bytes where nothing is said.
    """

    def __init__(self, verb: str, *, unit: str = "MiB", size: int = MIB) -> None:
        self._verb = verb
        self._unit, self._size = unit, size
        self._shown = sys.stderr.isatty()
        self._at, self._done = time.monotonic(), 0

    def tell(self, done: int, total: int) -> None:
        """So much of so much is through; a line if it is time for one."""
        now = time.monotonic()
        if self._shown and now - self._at >= EVERY:
            rate = (done - self._done) / self._size / (now - self._at)
            far = f"{done / self._size:.0f} of {total / self._size:.0f} {self._unit}"
            click.echo(f"trm: {self._verb} {far}, {rate:.0f} {self._unit}/s", err=True)
            self._at, self._done = now, done


def to_mib(size: int) -> float:
    """Convert bytes."""
    return size / MIB
