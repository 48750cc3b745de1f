"""A process whose machine does not keep its time in UTC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def standing_in(zone: str) -> Iterator[None]:
    """The local time of a zone, such as "America/Anchorage", for the whole process until the block ends."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", zone)
            time.tzset()
            yield
    finally:
        time.tzset()
