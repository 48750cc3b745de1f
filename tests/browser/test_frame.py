"""The frame of every page in a real browser: nothing from elsewhere, nothing that axe finds, leaving at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.async_api import Browser
from support.browser import seat
from support.consoles import NOW, OWN_UNITS, READY, served
from support.played_cases import FOUND

from gateway.operations.roles import Role
from gateway.ports import Json, OperationResult
from schemas.labels import load_languages

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORNING = {
    "alert.list": {"alerts": []},
    "conversation.due": {"due": [], "next": None, "unsettled": False},
    "peer.list": {"peers": []},
    "inbox.list": {"messages": [], "next": None},
    "consent.unconfirmed": {"cases": [], "consents": 0},
    "draft.list": {"drafts": [], "next": None},
    "directory.list": OWN_UNITS,
    "node.ready": READY,
    "case.find": FOUND,
}


@pytest.mark.parametrize("language", ["en", "el", "ar"])
async def test_the_frame_is_accessible_and_asks_nobody_else(browser: Browser, language):
    """Signed out and signed in, from left to right and from right to left."""
    async with served(MORNING) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.open("/sign-in")
        assert await ana.page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        found = await ana.violations()
        await ana.take(there.session(Role.FOCAL_POINT))
        for path in ("/cases", "/enrol", "/nowhere"):
            await ana.open(path)
            found += await ana.violations()
        assert found == []
        assert ana.asked == {there.host} and [line for line in ana.said if "404" not in line] == []


async def test_the_frame_fits_the_smallest_screen_in_every_language(browser: Browser):
    """Nothing of it is cut off, however long the words are."""
    found = {}
    async with served(MORNING) as there:
        for language in load_languages():
            async with seat(browser, there.origin, locale=language) as ana:
                await ana.take(there.session(Role.FOCAL_POINT))
                await ana.open("/cases")
                found[language] = await ana.too_wide()
    assert {language: wide for language, wide in found.items() if wide} == {}


async def test_three_escapes_lead_away_and_back_shows_nothing(browser: Browser):
    """The page that was open is not in the history, and the session has ended."""
    async with served(MORNING) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.page.clock.set_fixed_time(NOW * 1_000)  # what is pressed slowly does not count
        await ana.open("/cases")
        for _ in range(2):
            await ana.page.keyboard.press("Escape")
        assert ana.page.url.endswith("/cases")
        async with ana.page.expect_navigation(wait_until="commit"):
            await ana.page.keyboard.press("Escape")
        assert ana.page.url.endswith("/away")
        await ana.page.wait_for_load_state()  # before that the browser has no history to go back in
        await ana.page.go_back()
        assert "/cases" not in ana.page.url


async def test_what_is_new_is_a_line_that_waits_for_a_click(browser: Browser):
    """On every open page, by one stream for all of them; nothing moves, and what was typed stays where it is."""
    async with served(MORNING) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        there.desk.begins, there.desk.stream = asyncio.Event(), [(1, {"id": "a"}), (2, {"id": "b"})]
        streams: list[str] = []
        ana.context.on(
            "request", lambda request: streams.append(request.url) if request.url.endswith("/news") else None
        )
        await ana.open("/cases")
        before = await ana.page.locator("main").bounding_box()
        assert await ana.page.locator(".news").is_hidden()
        second = await ana.context.new_page()
        await second.goto(f"{there.origin}/cases")
        there.desk.begins.set()
        for page in (ana.page, second):
            await page.get_by_text("2 new since").wait_for()
        assert await ana.page.locator("main").bounding_box() == before
        assert len(streams) == 1
        assert await ana.violations() == [] and await ana.too_wide() == []
        await ana.page.locator("main input[type=search], #find").first.fill("Tulip")
        await ana.page.evaluate("document.querySelector('main').append(document.querySelector('#find'))")
        async with ana.context.expect_page():
            await ana.page.locator(".news a").click()
        assert await ana.page.locator("#find").input_value() == "Tulip"


async def test_a_press_too_many_sends_nothing_twice(browser: Browser, monkeypatch: pytest.MonkeyPatch):
    """Whose code is shown once would be lost with the first answer."""
    made = {"id": "p2", "name": "Eva", "code": "ab", "address": None, "invited_until": NOW}
    async with served(MORNING | {"person.add": made}) as there:
        call = there.desk.call

        async def slowly(operation: str, arguments: Mapping[str, Json], **about: Any) -> OperationResult:
            done = await call(operation, arguments, **about)
            await asyncio.sleep(0.5 if operation == "person.add" else 0)
            return done

        monkeypatch.setattr(there.desk, "call", slowly)
        async with seat(browser, there.origin) as ana:
            await ana.take(there.session(Role.FOCAL_POINT))
            await ana.open("/people/new")
            await ana.page.locator("#name").fill("Eva")
            await ana.page.get_by_role("button", name="Invite", exact=True).dblclick(delay=100)
            await ana.page.wait_for_selector("dl.facts")
            assert [name for name, *_ in there.desk.calls].count("person.add") == 1


async def test_the_current_section_is_told_in_any_colours(browser: Browser):
    """With colours of the system, only its entry has a frame; and the way out has an edge."""
    async with served(MORNING) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.page.emulate_media(forced_colors="active")
        await ana.open("/cases")
        frames = await ana.page.eval_on_selector_all(
            ".rail li a", "all => all.map((a) => getComputedStyle(a).outlineStyle)"
        )
        assert frames[0] == "solid" and set(frames[1:]) == {"none"}
        assert await ana.page.evaluate("getComputedStyle(document.querySelector('.leave')).borderStyle") == "solid"


async def test_the_keyboard_alone_reaches_everything(browser: Browser):
    """The first stop leads past the navigation; each stop is seen."""
    async with served(MORNING) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.open("/cases")
        await ana.page.keyboard.press("Tab")
        assert await ana.page.evaluate("document.activeElement.textContent") == "Skip to main content"
        await ana.page.keyboard.press("Enter")
        assert await ana.page.evaluate("document.activeElement.id") == "main"
