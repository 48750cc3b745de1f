"""The way in, with a real passkey in a real browser at a real node."""

from __future__ import annotations

from pathlib import Path

from support.browser import chromium, seat
from support.offices import enrol, offices


async def test_somebody_new_comes_in_and_comes_back(tmp_path: Path):
    """By an invitation once, by the passkey ever after; the code works once, and an ended person is out at once."""
    async with offices(tmp_path, ["FR"]) as there, chromium() as browser:
        fr = there["FR"]
        code = await fr.invite("Eva M.", "focal_point", language="fr")
        async with seat(browser, fr.origin) as eva:
            await eva.open(f"/enrol#{code}")
            assert code not in eva.page.url
            await enrol(eva, code)
            assert eva.page.url == f"{fr.origin}/desk"
            assert await eva.page.locator("html").get_attribute("lang") == "fr"
            await eva.submit(".who")
            assert eva.page.url.endswith("/sign-in")
            await eva.submit("form[data-passkey]")
            assert eva.page.url == f"{fr.origin}/desk"
            await eva.scripts(allowed=False)
            await eva.open("/desk")
            assert await eva.page.locator("h1").inner_text()
            (known,) = (await fr.ask("person.list"))["people"]
            await fr.ask("person.end", id=known["id"], by="owner")
            await eva.open("/desk")
            assert eva.page.url.endswith("/sign-in")
            assert eva.asked == {fr.origin.removeprefix("http://")}
        async with seat(browser, fr.origin) as other:
            await other.open(f"/enrol#{code}")
            await other.submit("form[data-code]")
            assert await other.page.locator(".errors").count() == 1


async def test_a_passkey_of_another_device_is_refused(tmp_path: Path):
    """Who was never invited comes no further than the door, and is told what to do."""
    async with offices(tmp_path, ["FR"]) as there, chromium() as browser:
        fr = there["FR"]
        async with seat(browser, fr.origin) as stranger:
            await stranger.open("/sign-in")
            await stranger.page.locator("form[data-passkey] button").click()
            await stranger.page.locator(".failed").wait_for()
            assert stranger.page.url.endswith("/sign-in")
