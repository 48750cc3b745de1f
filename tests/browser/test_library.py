"""The directory and the guidance library in a real browser: nothing that axe finds, in a language of each script."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser
from support.browser import seat
from support.consoles import served
from support.library import PATHS, answers

from gateway.operations.roles import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "language", ["en", pytest.param("el", marks=pytest.mark.deep), pytest.param("ar", marks=pytest.mark.deep)]
)
async def test_the_pages_of_the_library_are_accessible(browser: Browser, language):
    """Every one of them, with everything on it that can be on it."""
    async with served(answers()) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        found = []
        for path in PATHS:
            await ana.open(path)
            found += await ana.violations()
        assert found == []
        assert ana.asked == {there.host} and ana.said == []
