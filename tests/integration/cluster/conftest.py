"""Workers for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support.joined_workers import Worker, joined_workers


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Worker]]]:
    """Makes workers of one node; each goes in the end."""
    async with joined_workers(tmp_path) as another:
        yield another
