"""The filled training in a real browser, as everybody who works in a country: what no page may show or do."""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping

import pytest
from playwright.async_api import Browser, Request
from support.browser import WIDTHS, Seat
from support.reach import find_missed, find_scripted
from support.running import enquiry
from support.shown_ids import ALLOWED, find_ids, list_links
from support.trained import Trained

from gateway.console.app import PAGES
from gateway.demo.training.crew import FOCAL

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

EACH = 4
"""Of pages of one kind, such as those of cases, for one person."""
LOOKS = {
    "focal_point": "ar",
    "case_worker": "el",
    "trust_admin": "fr",
    "operator": "fr",
    "auditor": "el",
    "data_protection_officer": "ar",
}
"""In which language the pages of a role are looked at: from right to left, or with long words."""
Check = Callable[[Seat], Awaitable[list[str]]]
CHECKS: dict[str, Check] = {
    "axe": Seat.violations,
    "contrast in the dark": Seat.unreadable,
    "320 to 768 wide": lambda seat: seat.too_wide(WIDTHS),
    "keyboard": find_missed,
    "without a script": find_scripted,
}
"""What is asked of each page; each says what is wrong with it."""
TABS = 40
"""Pages that one person has open at once."""
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


@pytest.mark.parametrize("role", LOOKS)
async def test_every_link_leads_somewhere_and_no_page_shows_a_random_id(browser: Browser, there: Trained, role: str):
    """As each role; where a thing has a name, people read the name."""
    async with there.person(browser, "FR", f"Walks {role} {os.getpid()}", role, language="fr") as one:
        pages, broken = await walk(one)
    shown = {address: find_ids(page)[:3] for address, page in pages.items() if not ALLOWED.match(address)}
    assert len(pages) > 20
    assert (broken, {address: ids for address, ids in shown.items() if ids}) == ([], {})


async def look(seat: Seat) -> dict[str, dict[str, list[str]]]:
    """Check the fullest page of each kind that somebody comes to: what is wrong with it, by kind and check."""
    pages, _ = await walk(seat)
    fullest = {find_kind(one): one for one in sorted(filter(pages.get, pages), key=lambda one: len(pages[one]))}
    found = {}
    for kind, address in fullest.items():
        await seat.open(address)
        found[kind] = {name: await check(seat) for name, check in CHECKS.items()}
    return found


def render_table(found: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    """Write how much each check found in each kind of page, as lines of Markdown."""
    yield f"| page | {' | '.join(CHECKS)} |"
    yield "|---|" + "---|" * len(CHECKS)
    for kind, checks in found.items():
        yield f"| {kind} | {' | '.join(str(len(faults) or '–') for faults in checks.values())} |"


@pytest.mark.parametrize(("role", "language"), LOOKS.items())
async def test_every_kind_of_page_is_for_everybody(browser: Browser, there: Trained, role: str, language: str):
    """By axe, in dark colours, on a telephone and at 400 %, by the keyboard alone, without a script."""
    async with there.person(browser, "FR", f"Looks {role} {os.getpid()}", role, language=language) as one:
        found = await look(one)
        assert one.asked == {one.origin.removeprefix("http://")}
    print("\n".join([f"\n{role}, {language}", *render_table(found)]), flush=True)
    assert len(found) > 5
    assert [fault for checks in found.values() for faults in checks.values() for fault in faults] == []


async def test_forty_open_pages_are_one_stream(browser: Browser, there: Trained):
    """Each of them tells what is new, by the stream of one; another person is served beside them."""
    async with there.person(browser, "FR", f"Forty {os.getpid()}", "case_worker", language="en") as one:
        streams = set[Request]()

        def end(stream: Request) -> None:
            streams.discard(stream)

        one.context.on("request", lambda asked: streams.add(asked) if asked.url.endswith("/news") else None)
        one.context.on("requestfailed", end)
        one.context.on("requestfinished", end)
        tabs = [one.page, *[await one.context.new_page() for _ in range(TABS - 1)]]
        for tab in tabs:
            await tab.goto(f"{one.origin}/cases")
        there.crew("AL").ask(FOCAL, "message.submit", **enquiry("FR"))
        for tab in tabs:
            await tab.get_by_text("new since").wait_for()
        assert len(streams) == 1
        async with there.person(browser, "FR", f"Beside {os.getpid()}", "case_worker", language="en") as other:
            assert await other.page.locator("h1").count() == 1
