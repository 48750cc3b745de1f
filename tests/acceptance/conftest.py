"""A browser, and one training that is filled once, for all tests here that look at its pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from support.browser import chromium
from support.trained import Trained, trained

from gateway.demo.training.script import CASES


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, begun at the first test that opens a page."""
    async with chromium() as begun:
        yield begun


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """The whole training, with its nodes up."""
    with trained(tmp_path_factory.mktemp("t") / "t", len(CASES)) as found:
        yield found
