"""The documentation site in a browser, opened from its folder as somebody without a network opens it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from support.browser import PHONE, violations
from support.house import ROOT
from support.patience import PATIENCE
from support.shared import lacking

LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "srcset", "object": "data"}
"""What a browser fetches by itself, and from where."""
LOOKED_AT = ("index.html", "docs/gates.html", "docs/state-machines.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew in strict mode."""
    if importlib.util.find_spec("mkdocs") is None:
        lacking("mkdocs is not installed, ./dev test installs it")
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return place


class Loads(HTMLParser):
    """Collects what a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a resource."""
        address = dict(attrs).get(LOADED.get(tag, ""))
        if address:
            self.found.append(address)


def loads(text: str) -> list[str]:
    """The addresses of another machine that a page fetches."""
    parser = Loads()
    parser.feed(text)
    return [address for address in parser.found if "//" in address]


@asynccontextmanager
async def reader(browser: Browser, asked: list[str]) -> AsyncIterator[Page]:
    """A person without a network; `asked` gets each address that a page wants from elsewhere."""
    async with await browser.new_context(offline=True, viewport={"width": 1280, "height": 900}) as context:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE * 1_000)
        page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else asked.append(one.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        yield page


def test_no_page_fetches_from_elsewhere(site: Path):
    """Styles, scripts, pictures and frames of every page are in the folder."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 150
    assert {page.name: found for page in pages if (found := loads(page.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize("text", ['<script src="https://a.example/x.js">', '<link href="//a.example/x.css">'])
def test_a_planted_resource_is_found(text):
    """The scan sees an address of another machine, with and without a scheme."""
    assert loads(text) != []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_newcomer_looks_around_and_finds_a_gate(browser: Browser, site: Path):
    """The first page shows both pictures, the search finds gate G5, and nothing is asked of another machine."""
    asked: list[str] = []
    async with reader(browser, asked) as page:
        await page.goto((site / "index.html").as_uri())
        assert (await page.locator("h1").inner_text()).startswith("TRM Gateway")
        widths = await page.locator("article img").evaluate_all("all => all.map(one => one.naturalWidth)")
        assert len(widths) == 2 and all(widths)
        await page.locator(".md-search__input").press_sequentially("gate G5")
        found = page.locator(".md-search-result__link[href*='docs/gates.html']").first
        await found.click()
        await page.wait_for_url("**/docs/gates.html*")
        assert "G5" in await page.locator("article").inner_text()
    assert asked == []


@pytest.mark.asyncio(loop_scope="session")
async def test_pages_are_for_everybody(browser: Browser, site: Path):
    """By day and by night axe finds nothing on pages with pictures, tables and folded text; all fit a telephone."""
    asked: list[str] = []
    problems: list[str] = []
    async with reader(browser, asked) as page:
        for name in LOOKED_AT:
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                await page.goto((site / name).as_uri())
                problems += [f"{scheme}: {found}" for found in await violations(page)]
            await page.set_viewport_size({"width": PHONE, "height": 640})
            width = await page.evaluate("document.documentElement.scrollWidth")
            await page.set_viewport_size({"width": 1280, "height": 900})
            problems += [f"{name}: {width} pixels wide"] if width > PHONE else []
    assert problems == []
    assert asked == []
