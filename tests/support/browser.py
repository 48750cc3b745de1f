"""People in front of a real browser: Chromium, one context for each person, a passkey in a virtual device."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright
from support.patience import PATIENCE

from gateway.console.cookies import SESSION

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first draws no window at all, which takes a third less of the processor."""
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A passkey that lives in this device and is not synced; it verifies its user each time."""

PHONE = 320
"""Pixels across the smallest screen that a page is read on; also a desk of 1280 at 400 %."""
WIDTHS = (PHONE, 390, 640, 768)
"""Pixels across the screens on which nothing may be too wide: that one, a usual telephone, a desk of 1280 at 200 %, and
the smallest beside whose page the sections stand.
"""
LEFT = "The provided callback is no longer runnable."
"""What a browser says where a page is left while a callback waits for its turn: no fault of this page."""
PICTURES = "TRM_PICTURES"
"""Names the folder for pictures."""
UNFOLD = "(e) => { for (let d = e.closest('details'); d; d = d.parentElement.closest('details')) d.open = true; }"
"""Opens everything that an element is folded into."""
FIND_VIOLATIONS = """async (only) => {
  const found = await axe.run({ resultTypes: ["violations"], ...(only && { runOnly: only }) });
  return found.violations.map((one) => [one.id, one.nodes.slice(0, 5).map((node) => String(node.target))]);
}"""
"""Of all that axe says of a page the rules that it breaks, each with up to five places: the rest is long."""
FIND_WIDE = """() => {
  const { clientWidth: edge, scrollWidth } = document.documentElement;
  const apart = ".unseen, .skip, thead, :is(.unseen, thead, .scroll, svg, pre) *";
  const wide = [...document.querySelectorAll("body *")].filter((e) => {
    const { left, right, width } = e.getBoundingClientRect();
    return width && (left < -1 || right > edge + 1) && e.checkVisibility() && !e.matches(apart);
  });
  return scrollWidth > edge || wide.length ? [`${scrollWidth}`, ...wide.map((e) => e.outerHTML.slice(0, 60))] : [];
}"""
"""How wide a page is that is wider than the screen, or has something that goes beyond an edge of it, and what that is.
A table may be pushed sideways in a frame of its own.
"""


def installed() -> str:
    """The path of Chromium; where there is none the test is left out, or fails under TRM_TESTS_COMPLETE."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return found
    if os.environ.get("TRM_TESTS_COMPLETE"):
        pytest.fail("no Chromium here; .ci/run installs it")
    pytest.skip("no Chromium here: apt-get install chromium-headless-shell")


@dataclass
class Seat:
    """One person at one browser. `asked` are the hosts that any page of it asked for something."""

    context: BrowserContext
    page: Page
    devices: CDPSession
    origin: str
    asked: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to a page of the console."""
        await self.page.goto(self.origin + path)

    async def take(self, session: str) -> None:
        """Somebody signed in before: the browser has their session."""
        where = self.origin.replace("http:", "https:")  # a cookie with this prefix is only taken from a safe address
        cookie = {"name": SESSION, "value": session, "url": where, "secure": True, "httpOnly": True, "sameSite": "Lax"}
        await self.context.add_cookies([cookie])  # type: ignore[list-item]

    async def press(self, name: str) -> None:
        """Press the button of that name, and wait for the page behind it."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def submit(self, form: str) -> None:
        """Press the first button of a form, whatever the language calls it."""
        async with self.page.expect_navigation():
            await self.page.locator(f"{form} button").first.click()

    async def submit_by(self, button: str) -> None:
        """Press the first button that a selector finds; what it is folded into opens first."""
        found = self.page.locator(f"main {button}").first
        await found.evaluate(UNFOLD)
        async with self.page.expect_navigation():
            await found.click()

    async def follow(self, name: str) -> None:
        """Follow the link of that name."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def scripts(self, *, allowed: bool) -> None:
        """Switch JavaScript off for this page, or on again: who has signed in needs none."""
        await self.devices.send("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    async def text(self) -> str:
        """What the main part of the page says."""
        return await self.page.locator("main").inner_text()

    async def picture(self, name: str) -> None:
        """Keep a picture of this page for the documentation, where `./dev pictures` asks for some."""
        folder = os.environ.get(PICTURES)
        if folder is not None:
            await self.page.screenshot(path=Path(folder) / f"{name}.png", scale="css")

    async def violations(self) -> list[str]:
        """What axe finds on this page: the rule and the places."""
        return await violations(self.page)

    async def unreadable(self) -> list[str]:
        """What axe finds in the dark colours: text without contrast."""
        await self.page.emulate_media(color_scheme="dark")
        found = await violations(self.page, "color-contrast")
        await self.page.emulate_media(color_scheme="light")
        return found

    async def too_wide(self, widths: Sequence[int] = (PHONE,)) -> list[str]:
        """This page at each width at which it has to be pushed sideways, or something is cut off."""
        usual, found = self.page.viewport_size, list[str]()
        assert usual is not None
        for width in widths:
            await self.page.set_viewport_size({"width": width, "height": 640})
            wide = await self.page.evaluate(FIND_WIDE)
            found += [f"{self.page.url}: {width}: {wide[:4]}"] if wide else []
        await self.page.set_viewport_size(usual)
        return found


async def violations(page: Page, only: str | None = None) -> list[str]:
    """What axe finds on a page, by one rule or all: its address, the rule and the places."""
    await page.evaluate(Axe().axe_script)
    return [f"{page.url}: {rule}: {places}" for rule, places in await page.evaluate(FIND_VIOLATIONS, only)]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    path = installed()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def at_page(context: BrowserContext, page: Page, origin: str) -> Seat:
    """Somebody at this page, with a device that can hold a passkey: each page has its own."""
    devices = await context.new_cdp_session(page)
    await devices.send("WebAuthn.enable")
    await devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return Seat(context=context, page=page, devices=devices, origin=origin)


@asynccontextmanager
async def seat(browser: Browser, origin: str, *, locale: str = "en") -> AsyncIterator[Seat]:
    """A person sits down: an empty browser in their language, with a device that can hold a passkey."""
    context = await browser.new_context(locale=locale, viewport={"width": 1100, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE * 1_000)
    found = await at_page(context, page, origin)
    context.on("request", lambda request: found.asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.extend({str(error)} - {LEFT}))
    try:
        yield found
    finally:
        await context.close()
