"""The pages about cases in a real browser: nothing that axe finds, in a language of each script, and on paper."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser
from support.browser import PHONE, seat
from support.casework import CASE, PATHS, answers
from support.consoles import served

from gateway.operations.roles import Role

TOP = "e => e.getBoundingClientRect().top"
IN_VIEW = """e => {
  const { left, right } = e.getBoundingClientRect(), line = e.closest("ul").getBoundingClientRect();
  return left >= line.left - 1 && right <= line.right + 1;
}"""
"""Whether all of a link is in the line that it is in."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "language", ["en", pytest.param("el", marks=pytest.mark.deep), pytest.param("ar", marks=pytest.mark.deep)]
)
async def test_the_pages_about_cases_are_accessible(browser: Browser, language):
    """Every one of them, with everything on it that can be on it, also in dark colours and on a telephone."""
    async with served(answers()) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        found = []
        for path in PATHS:
            await ana.open(path)
            found += [*await ana.violations(), *await ana.unreadable(), *await ana.too_wide()]
        assert found == []
        assert ana.asked == {there.host} and ana.said == []


@pytest.mark.parametrize("language", ["ar", pytest.param("fr", marks=pytest.mark.deep)])
async def test_the_parts_of_a_case_are_one_line(browser: Browser, language: str):
    """On the smallest screen, too: it is pushed sideways by itself, by the keyboard as well, and the part that is open
    stays in view. They took three lines, above what is owed.
    """
    async with served(answers()) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.page.set_viewport_size({"width": PHONE, "height": 640})
        for part in ("", "/holds", "/proof"):
            await ana.open(f"/cases/{CASE}{part}")
            links = ana.page.locator(".tabs a")
            assert len({await one.evaluate(TOP) for one in await links.all()}) == 1
            assert await ana.page.locator(".tabs [aria-current]").evaluate(IN_VIEW)
            assert not await links.nth(3).evaluate(IN_VIEW)
            await links.nth(2).focus()
            await ana.page.keyboard.press("Tab")
            assert await links.nth(3).evaluate(IN_VIEW)


async def test_the_sheet_fits_on_paper_without_the_rest_of_the_page(browser: Browser):
    """Printed, neither the navigation nor a button is left."""
    async with served(answers()) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.open(f"/conversations/{CASE}/sheet")
        await ana.page.emulate_media(media="print")
        assert await ana.page.locator("header.bar").is_hidden()
        assert await ana.page.locator("#say").is_visible()
        assert await ana.page.locator("button:visible, .noprint:visible").count() == 0
