"""One browser for all that a process runs of these tests; each person has an empty context of their own in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser
from support.browser import chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, begun at the first test that opens a page; tests that use it run in the loop of the session."""
    async with chromium() as begun:
        yield begun
