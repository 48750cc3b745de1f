"""The filled training in a real browser, as everybody who works in a country: what no page may show or do."""

from __future__ import annotations

import os
import re
from collections import Counter, deque

import pytest
from playwright.async_api import Browser
from support.browser import Seat
from support.shown_ids import ALLOWED, find_ids, list_links
from support.trained import Trained

from gateway.console.app import PAGES

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

ROLES = ("case_worker", "focal_point", "trust_admin", "operator", "auditor", "data_protection_officer")
EACH = 4
"""Of pages of one kind, such as those of cases, for one person."""
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
