"""How often Python looks for objects that only hold one another; all others go by themselves.

As it comes it looks after each 700 new objects, and under load every few seconds through everything that lives: a third
of a second in which a node does nothing else, to find next to nothing, since hardly anything here is made in circles.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 20_000
"""Objects made since the last look after which the youngest are looked through: a message makes thousands, and most of
them are gone by then.
"""
OLDER: Final = 20
"""Looks after which those that were found alive are looked through, too; and so on once more."""


def look_seldom() -> None:
    """Let looks wait until many objects were made."""
    gc.set_threshold(YOUNG, OLDER, OLDER)


def set_apart() -> None:
    """Leave what lives now out of every later look: modules, tables and schemas, which stay as long as the process."""
    gc.freeze()
