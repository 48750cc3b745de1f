"""The trust ceremony in a real browser: two countries, two administrators each, four passkeys, sixty digits."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload
from support.browser import Seat
from support.ceremony import ADMINS, aplay, change
from support.offices import Office, offices
from support.running import agreed, pair, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def administrator(stack: AsyncExitStack, office: Office, browser: Browser, name: str, language: str) -> Seat:
    """Somebody who looks after trust, whose passkey two administrators with key files enrol."""
    seat = await stack.enter_async_context(
        office.worker(browser, name, "trust_admin", locale=language, language=language)
    )
    await seat.open("/trust/offer")
    await seat.submit("main form[data-passkey]")
    (card,) = [one["card"] for one in (await office.ask("admin.list"))["offered"] if one["label"] == name]

    async def ask(operation: str, **arguments: Any) -> Any:
        return await office.ask(operation, **arguments)

    await aplay(change(ADMINS, "admin.enrol", "admins", admin=card), ask)
    return seat


async def digits(seat: Seat, peer: str) -> str:
    """What this person reads out: the groups on their screen."""
    await seat.open(f"/trust/peers/{peer}/compare")
    return " ".join(await seat.page.locator("main .digits span").all_inner_texts())


async def type_in(seat: Seat, peer: str, heard: str) -> None:
    """What was heard, on a telephone number known before."""
    await seat.open(f"/trust/peers/{peer}/compare")
    await seat.page.locator("[name=digits]").fill(heard)
    await seat.page.locator("[name=channel][value=known_phone]").check()
    await seat.submit('main form[action$="/compare"]')


async def sign(seat: Seat) -> None:
    """Touch the passkey, as an emergency."""
    form = "main form:has([name=emergency])"
    await seat.page.locator("main details:has([name=emergency]) summary").click()
    await seat.submit(form)


async def test_two_countries_come_to_trust_each_other(browser: Browser, tmp_path: Path):
    """Wrong digits go no further; one person is not enough, nor twice the same; then messages pass; one stops it."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(offices(tmp_path, ["FR", "AL"]))
        fr, al = there["FR"], there["AL"]
        ana, ben = [await administrator(stack, fr, browser, name, "fr") for name in ("Ana Doe", "Ben Roe")]
        besa, dritan = [await administrator(stack, al, browser, name, "ar") for name in ("Besa K.", "Dritan L.")]
        nodes = {"FR": fr.node.own.node, "AL": al.node.own.node}

        # each side gets the other's file, or its text; Ana types in Besa's digits, one of them wrong
        for seat, other in ((ana, al), (besa, fr)):
            await seat.open("/trust/new")
            chain = (await other.node.desk.call("node.pairing", {})).value
            if seat is ana:
                file = FilePayload(name="AL.pairing", mimeType="text/plain", buffer=json.dumps(chain).encode())
                await seat.page.locator("[name=file]").set_input_files(file)
            else:
                await seat.page.locator("[name=chain]").fill(json.dumps(chain))
            await seat.submit('main form[action="/trust/new"]')
            assert seat.page.url.endswith("/compare"), await seat.text()
        read_out = await digits(besa, nodes["FR"])
        await besa.picture("digits-ar")
        wrong = str((int(read_out[0]) + 1) % 10) + read_out[1:]
        await type_in(ana, nodes["AL"], wrong)
        assert await ana.page.locator(".errors").count() == 1
        assert await ana.page.locator("main form[data-passkey]").count() == 0

        # right; the first person signs, and can not be the second; then the second
        for first, second, seat_of, node in ((ana, ben, besa, nodes["AL"]), (besa, dritan, ana, nodes["FR"])):
            heard = await digits(seat_of, nodes["FR"] if first is ana else nodes["AL"])
            await type_in(first, node, heard)
            assert await first.page.locator("main ul.plain li").count() > 8
            await sign(first)
            pending = first.page.url
            assert await first.page.locator("main form[data-passkey]").count() == 0
            assert not await agreed(fr.node, al.node)
            await second.page.goto(pending)
            await sign(second)
            assert await second.page.locator(".tag-good").count() >= 1
        await until(lambda: agreed(fr.node, al.node))
        found = await ana.violations()

        # at night one person stops it at once, with one touch; to resume takes two
        await dritan.open(f"/trust/peers/{nodes['FR']}")
        found += await dritan.violations()
        await ana.open(f"/trust/peers/{nodes['AL']}")
        await ana.picture("trust-fr")
        assert await dritan.page.locator("main table tbody tr").count() == 1
        await dritan.submit("main section.panel form[data-passkey]")
        shown = await al.ask("peer.show", id=nodes["FR"])
        assert (shown["state"], shown["faults"]) == ("suspended", [])
        assert found == []


async def test_one_person_stops_every_country_from_one_button(browser: Browser, tmp_path: Path):
    """Each country is signed for, one behind the other; behind the last is the overview, and to resume takes two."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(offices(tmp_path, ["MA", "FR", "AL", "IT"]))
        ours, others = there["MA"], [there[name].node for name in ("FR", "AL", "IT")]
        for other in others:
            await pair(ours.node, other)
        amal = await administrator(stack, ours, browser, "Amal D.", "en")

        async def suspended() -> int:
            peers = (await ours.ask("peer.list"))["peers"]
            return sum(peer["state"] == "suspended" for peer in peers)

        await amal.open("/trust")
        await amal.follow("Suspend all countries")
        for signed in range(3):
            assert f"Not suspended yet: {3 - signed}." in await amal.text()
            assert await suspended() == signed
            await amal.submit("main form[data-passkey]")
        assert (amal.page.url, await suspended()) == (f"{ours.origin}/trust", 3)
        assert await amal.page.get_by_role("link", name="Suspend all countries").count() == 0

        peer = f"/trust/peers/{others[0].own.node}"
        await amal.open(peer)
        await amal.submit_by('form:has([name=action][value="peer.resume"]) button')
        await amal.submit("main form[data-passkey]")
        pending = (await ours.ask("change.list", state="pending"))["changes"]
        assert ([one["action"] for one in pending], await suspended()) == (["peer.resume"], 3)
