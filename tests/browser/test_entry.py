"""The way in, with a real passkey in a real browser at a real node."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.browser import at_page, seat
from support.ceremony import aplay
from support.enrolled import approving
from support.offices import enrol, offices
from support.running import enquiry, pair

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_new_comes_in_and_comes_back(browser: Browser, tmp_path: Path):
    """By an invitation once, by the passkey ever after; the code works once, and an ended person is out at once."""
    async with offices(tmp_path, ["FR"]) as there:
        fr = there["FR"]
        code = await fr.invite("Eva M.", "focal_point", language="fr")
        async with seat(browser, fr.origin) as eva:
            await eva.open(f"/enrol#{code}")
            assert code not in eva.page.url
            await enrol(eva, code)
            assert eva.page.url == f"{fr.origin}/cases"
            assert await eva.page.locator("html").get_attribute("lang") == "fr"
            await eva.submit(".who")
            assert eva.page.url.endswith("/sign-in")
            await eva.submit("form[data-passkey]")
            assert eva.page.url == f"{fr.origin}/cases"
            await eva.scripts(allowed=False)
            await eva.open("/cases")
            assert await eva.page.locator("h1").inner_text()
            (known,) = (await fr.ask("person.list"))["people"]
            await fr.ask("person.end", id=known["id"])
            await eva.open("/cases")
            assert eva.page.url.endswith("/sign-in")
            assert eva.asked == {fr.origin.removeprefix("http://")}
        async with seat(browser, fr.origin) as other:
            await other.open(f"/enrol#{code}")
            await other.submit("form[data-code]")
            assert await other.page.locator(".errors").count() == 1


async def test_a_passkey_of_another_device_is_refused(browser: Browser, tmp_path: Path):
    """Who was never invited comes no further than the door, and is told what to do."""
    async with offices(tmp_path, ["FR"]) as there:
        fr = there["FR"]
        async with seat(browser, fr.origin) as stranger:
            await stranger.open("/sign-in")
            await stranger.page.locator("form[data-passkey] button").click()
            await stranger.page.locator(".failed").wait_for()
            assert stranger.page.url.endswith("/sign-in")


async def test_a_session_that_ends_over_a_form_loses_nothing(browser: Browser, tmp_path: Path):
    """Signed in again beside it, the person finds the form as they left it, and saves it."""
    text = "what was typed\nin two lines"
    async with offices(tmp_path, ["FR", "AL"]) as there:
        fr = there["FR"]
        await pair(fr.node, there["AL"].node)
        draft = (await fr.ask("draft.save", draft=enquiry("AL")))["id"]
        async with fr.worker(browser, "Ana Doe", "case_worker") as ana:
            await ana.open(f"/drafts/{draft}/whole")
            note = ana.page.locator('[name="/content/note"]')
            await note.fill(text)
            (known,) = (await fr.ask("person.list"))["people"]
            await fr.ask("person.sign_out", id=known["id"])
            await ana.press("Save")
            assert await ana.violations() == []
            assert "typed" not in await ana.text()
            async with ana.page.expect_popup() as opened:
                await ana.page.locator('main a[target="_blank"]').click()
            beside = await opened.value
            assert beside.url.endswith("/sign-in")
            new = await at_page(ana.context, beside, fr.origin)
            invited = await aplay(approving(await fr.ask("person.invite", id=known["id"])), fr.ask)
            await enrol(new, invited["code"])
            assert beside.url.endswith("/cases")
            await ana.submit(f'form[action="/drafts/{draft}/whole"]')
            assert await note.input_value() == text
            await ana.press("Save")
            saved = (await fr.ask("draft.show", id=draft))["draft"]["content"]
            assert saved["note"] == text
