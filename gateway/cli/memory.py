"""How a node treats its memory: how often Python looks for circles, and what malloc gives back to the machine.

As it comes Python looks for objects that only hold one another after each 700 new ones, and under load every few
seconds through everything that lives: a third of a second in which a node does nothing else, to find next to nothing,
since hardly anything here is made in circles.

And as it comes glibc raises the size from which a piece is a mapping of its own to the largest one that was ever freed.
What is smaller lies among what stays, and is not given back for as long as something above it lives: a node that once
held much keeps it.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

YOUNG: Final = 20_000
"""Objects made since the last look after which the youngest are looked through: a message makes thousands, and most of
them are gone by then.
"""
OLDER: Final = 20
"""Looks after which those that were found alive are looked through, too; and so on once more."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc
MAPPED: Final = 256 * 1024
"""Bytes from which a piece is mapped alone, and given back when it is freed; twice what glibc begins with."""
KEPT: Final = 1024 * 1024
"""Free bytes above what lives that are kept for what comes next."""
ARENAS: Final = 2
"""Places in which threads ask for pieces: each holds its own free ones."""


def look_seldom() -> None:
    """Let looks wait until many objects were made."""
    gc.set_threshold(YOUNG, OLDER, OLDER)


def set_apart() -> None:
    """Leave what lives now out of every later look: modules, tables and schemas, which stay as long as the process."""
    gc.freeze()


def give_back() -> bool:
    """Let large pieces go back to the machine when they are freed; False where the C library cannot (musl)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    asked = ((_M_MMAP_THRESHOLD, MAPPED), (_M_TRIM_THRESHOLD, KEPT), (_M_ARENA_MAX, ARENAS))
    return 0 not in [mallopt(*one) for one in asked]
