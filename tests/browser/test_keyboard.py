"""The main flows by the keyboard alone: come in, ask another country, take a consent back.

What no Tab leads to is not there, and each stop can be seen. Leaving by the keyboard is in `test_frame`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.browser import Seat, seat
from support.offices import Office, offices
from support.running import consent, pair
from support.writing import arrived

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNIT = "focal-point"
MOST = 400
"""Stops from one end of a page to the other."""


async def reach(person: Seat, selector: str) -> None:
    """Press Tab until this has the focus, and see that it shows."""
    for _ in range(MOST):
        await person.page.keyboard.press("Tab")
        if await person.page.evaluate("(s) => document.activeElement.matches(s)", selector):
            shown = await person.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert shown != "none", f"the focus on {selector} can not be seen"
            return
    raise AssertionError(f"no Tab leads to {selector} on {person.page.url}")


async def press(person: Seat, selector: str) -> None:
    """Reach a link or button and press Enter."""
    await reach(person, selector)
    async with person.page.expect_navigation():
        await person.page.keyboard.press("Enter")


async def come_to(person: Seat, field: str) -> None:
    """Reach a field; what it is folded into is opened first, with Enter."""
    folded = f"details:not([open]):has({field}) > summary"
    while await person.page.locator(folded).count():
        await reach(person, folded)
        await person.page.keyboard.press("Enter")
    await reach(person, field)


async def choose(person: Seat, name: str, value: str) -> None:
    """Reach a choice and go down to a value with the arrow."""
    await come_to(person, f'[name="{name}"]')
    if await person.page.evaluate("() => document.activeElement.type === 'radio'"):
        await person.page.keyboard.press("Space")
    for _ in range(MOST):
        if await person.page.evaluate("() => document.activeElement.value") == value:
            return
        await person.page.keyboard.press("ArrowDown")
    raise AssertionError(f"{name} does not offer {value}")


async def come_in(stack: AsyncExitStack, office: Office, browser: Browser) -> Seat:
    """An invitation, a passkey, the list of cases."""
    code = await office.invite("Ana Doe", "focal_point")
    person = await stack.enter_async_context(seat(browser, office.origin))
    await person.open(f"/enrol#{code}")
    await press(person, "form[data-code] button")
    await press(person, "form[data-passkey] button")
    assert person.page.url.endswith("/cases")
    return person


async def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path):
    """An enquiry is written, seen and released, and it arrives; a consent is withdrawn."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(offices(tmp_path, ["FR", "AL"]))
        fr, al = there["FR"], there["AL"]
        await pair(fr.node, al.node)
        ana = await come_in(stack, fr, browser)

        await press(ana, 'nav a[href="/drafts"]')
        await press(ana, 'main a[href="/drafts/new"]')
        await choose(ana, "type", "enquiry.capacity/1")
        await choose(ana, "to", f"AL/{UNIT}")
        await press(ana, 'form[action="/drafts/new"] button')
        await press(ana, 'main a[href$="/whole"]')
        await choose(ana, "/content/age_group", "adult")
        await choose(ana, "/content/referral_kind", "return_reception")
        await come_to(ana, '[name="/content/services"][value="safe_accommodation"]')
        await ana.page.keyboard.press("Space")
        for name, value in (
            ("priority", "normal"),
            ("language", "fr"),
            ("handling/onward_sharing", "none"),
            ("handling/export_to_local", "full"),
        ):
            await choose(ana, f"/header/{name}", value)
        await come_to(ana, '[name="/header/handling/retain_until"]')
        await ana.page.keyboard.type("01012099")
        await press(ana, 'button[name=act][value="check"]')
        assert ana.page.url.endswith("/preview"), await ana.text()
        await press(ana, 'form[action$="/release"] button')
        await arrived(al, "enquiry.capacity/1")

        agreed = await fr.ask("consent.record", by="Ana Doe", number="fr-7f3a", content=consent(f"AL/{UNIT}"))
        await press(ana, 'nav a[href="/menu"]')
        await press(ana, 'main a[href="/consents"]')
        await press(ana, f'main a[href="/consents/{agreed["id"]}"]')
        await press(ana, f'a[href="/consents/{agreed["id"]}/withdraw"]')
        await press(ana, 'button[name=act][value="all"]')
        assert (await fr.ask("consent.show", id=agreed["id"]))["state"] == "withdrawn"
