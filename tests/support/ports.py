"""Ports of the loopback for nodes that name theirs before they listen.

A port that the system gives and takes back may be anybody's by the time the node listens on it: of a connection of
another test, or of another test's node. So a process takes a block of ports that the system does not give to
connections, and keeps the block to itself for as long as it lives.
"""

from __future__ import annotations

import atexit
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

LOWEST, HIGHEST, BLOCK = 10_000, 65_000, 200
MOST = 20
"""Blocks that a process holds; one that needs more ports gives the first ones once more."""
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The first and the last port that the system gives to connections."""

_kept: list[range] = []
_ports: Iterator[int] = iter(())


def free_port() -> int:
    """A port that nobody listens on, and that no other process which runs tests is given."""
    global _ports
    while True:
        for port in _ports:
            with socket.socket() as found:
                if found.connect_ex(("127.0.0.1", port)):
                    return port
        _ports = iter(_claim())


def _claim() -> range:
    """A block that no other process holds: the name of an abstract socket is one process's at a time."""
    blocks = _free_of_connections() if len(_kept) < MOST else []
    random.SystemRandom().shuffle(blocks)
    for block in blocks:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0trm-test-ports-{block.start}")
        except OSError:
            claim.close()
            continue
        atexit.register(claim.close)
        _kept.append(block)
        return block
    if not _kept:
        raise RuntimeError("other processes hold every block of ports")
    _kept.append(_kept.pop(0))
    return _kept[-1]


def _free_of_connections() -> list[range]:
    """Every block that the system gives nothing of to connections; all blocks where it gives of all of them."""
    first, last = map(int, GIVEN.read_text().split())
    every = [range(start, start + BLOCK) for start in range(LOWEST, HIGHEST, BLOCK)]
    return [block for block in every if block.stop <= first or last < block.start] or every


def _begin_anew() -> None:
    """A forked process uses its parent's blocks no longer."""
    global _ports
    _ports = iter(())
    _kept.clear()


os.register_at_fork(after_in_child=_begin_anew)
