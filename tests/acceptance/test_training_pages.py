"""The filled training in a real browser, as everybody who works in a country: what no page may show or do."""

from __future__ import annotations

import os
import re
from collections import Counter, deque

import pytest
from playwright.async_api import Browser
from support.browser import Seat
from support.running import enquiry
from support.shown_ids import ALLOWED, find_ids, list_links
from support.trained import Trained

from gateway.console.app import PAGES
from gateway.demo.training.crew import FOCAL

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

ROLES = ("case_worker", "focal_point", "trust_admin", "operator", "auditor", "data_protection_officer")
EACH = 4
"""Of pages of one kind, such as those of cases, for one person."""
TABS = 40
LANGUAGES = ("fr", "el", "ar")
PATTERNS = [(page.path, re.compile(re.sub(r"\{\w+\}", "[^/]+", page.path))) for page in PAGES if page.method == "GET"]


def find_kind(address: str) -> str:
    """Of which row of the table of pages an address is."""
    path = address.partition("?")[0]
    return next((name for name, pattern in PATTERNS if pattern.fullmatch(path)), path)


async def walk(seat: Seat) -> tuple[dict[str, str], list[str]]:
    """Ask for the pages that links lead to, without a script, `EACH` of a kind: their texts, and which ones failed."""
    waiting, kinds = deque(["/", "/menu"]), Counter[str]()
    pages: dict[str, str] = {}
    seen, broken = set[str](), list[str]()
    while waiting:
        address = waiting.popleft()
        if address in seen or address.startswith(("/leave", "/static", "/sign")) or kinds[find_kind(address)] >= EACH:
            continue
        kinds[find_kind(address)] += 1
        answer = await seat.context.request.get(seat.origin + address)
        # what a draft lacks is told as a conflict, with the page
        broken += [f"{address}: {answer.status}"] * (answer.status >= 400 and answer.status != 409)
        html = answer.headers.get("content-type", "").startswith("text/html")
        text = await answer.text() if html else ""
        pages[answer.url.removeprefix(seat.origin)] = text
        seen.add(address)
        waiting += list_links(text)
    return pages, broken


@pytest.mark.parametrize("role", ROLES)
async def test_every_link_leads_somewhere_and_no_page_shows_a_random_id(browser: Browser, there: Trained, role: str):
    """As each role; where a thing has a name, people read the name."""
    async with there.person(browser, "FR", f"Walks {role} {os.getpid()}", role, language="fr") as one:
        pages, broken = await walk(one)
    shown = {address: find_ids(page)[:3] for address, page in pages.items() if not ALLOWED.match(address)}
    assert len(pages) > 20
    assert (broken, {address: ids for address, ids in shown.items() if ids}) == ([], {})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
async def test_every_kind_of_page_is_accessible(browser: Browser, there: Trained, role: str, language: str):
    """On a filled node: axe, contrast in the dark, nothing too wide for a telephone or at 300 %."""
    found: list[str] = []
    async with there.person(browser, "FR", f"Looks {role} {language} {os.getpid()}", role, language=language) as one:
        pages, _ = await walk(one)
        kinds = {find_kind(address): address for address, page in pages.items() if page}
        for address in kinds.values():
            await one.open(address)
            found += [*await one.violations(), *await one.unreadable(), *await one.too_wide()]
        assert one.asked == {one.origin.removeprefix("http://")}
    assert found == []


async def test_forty_open_pages_are_one_stream(browser: Browser, there: Trained):
    """Each of them tells what is new; another person is served beside them."""
    async with there.person(browser, "FR", f"Forty {os.getpid()}", "case_worker", language="en") as one:
        streams: list[str] = []
        one.context.on("request", lambda asked: streams.append(asked.url) if asked.url.endswith("/news") else None)
        tabs = [await one.context.new_page() for _ in range(TABS)]
        for tab in tabs:
            await tab.goto(f"{one.origin}/cases")
        there.crew("AL").ask(FOCAL, "message.submit", **enquiry("FR"))
        for tab in tabs:
            await tab.get_by_text("new since").wait_for()
        assert len(streams) == 1
        async with there.person(browser, "FR", f"Beside {os.getpid()}", "case_worker", language="en") as other:
            assert await other.page.locator("h1").count() == 1
