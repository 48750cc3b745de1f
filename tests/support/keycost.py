"""What it costs to open a file of keys where nobody names the cost: as much as a person waits for, or as a test does.

The cost that the product takes by default is one object, so it can be another one for a while in this process. It is
another one in whole processes that begin with `environment()`: Python imports `cheap/sitecustomize.py` as it starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keys.keystore.keystore import DEFAULT_COST, Cost

CHEAP = Cost(t=1, m=8192)
"""A key derivation that costs a test nothing."""


SUPPORT = Path(__file__).resolve().parent
PATH = [str(SUPPORT.parents[1]), str(SUPPORT.parent)]


def environment(*, dear: bool = False) -> dict[str, str]:
    """The environment of a `trm` of its own whose keys, and those of all that it starts, cost nothing unless `dear`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([PATH[0]] if dear else [str(SUPPORT / "cheap"), *PATH])}


def make(cost: Cost) -> None:
    """From now on keys cost this, here."""
    for name in ("t", "m"):
        object.__setattr__(DEFAULT_COST, name, getattr(cost, name))


@contextmanager
def cheap() -> Iterator[None]:
    """For so long keys cost nothing, here."""
    make(CHEAP)
    try:
        yield
    finally:
        make(Cost.default())
