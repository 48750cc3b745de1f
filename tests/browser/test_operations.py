"""Who runs and who audits a node, in a real browser: a failed message goes anew, and nothing that axe finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.browser import seat
from support.consoles import served
from support.offices import Office
from support.operated import ALIKE, AUDITED, PATHS, answers
from support.pair import Party, two_nodes
from support.ports import free_port

from gateway.operations.roles import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = 86_400
CANARY = "Tulpe-7391"
SEEN = (
    "/network",
    "/operations",
    "/operations/alarms",
    "/operations/alarms/message.failed",
    "/operations/resend?state=failed",
    "/operations/peers/AL",
    "/operations/messages",
)


async def opened(party: Party) -> Office:
    """The same node with a console."""
    port = free_port()
    await party.stop()
    with (party.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    await party.start()
    return Office(node=party.running, origin=f"http://localhost:{port}")


async def test_a_message_that_failed_is_sent_anew(browser: Browser, tmp_path: Path):
    """The other node is stopped; an operator sees it, sees the failed message, and presses one button; it is delivered.

    No page that the operator opens has anything of what the message says.
    """
    async with two_nodes(tmp_path) as two:
        fr, pages = await opened(two.fr), list[str]()
        await two.al.stop()
        id = await two.fr.submit(CANARY, to="AL")
        async with fr.worker(browser, "Ola", "operator") as ola:
            await ola.scripts(allowed=False)

            async def failing() -> bool:
                await ola.open("/network")
                return "Slow" in await ola.text()

            await two.until(failing, seconds=30)
            assert "1, since" in await ola.text()
            await ola.open("/operations")
            assert "Key of the gateway node in a file that is overwritten" in await ola.text()
            two.clock.advance(15 * DAY)

            async def failed() -> bool:
                return await two.fr.state(id) == "failed"

            await two.until(failed, seconds=90)
            await ola.scripts(allowed=True)
            await ola.open("/sign-in")
            await ola.submit("form[data-passkey]")
            await ola.scripts(allowed=False)
            for path in SEEN:
                await ola.open(path)
                pages.append(await ola.page.content())
            await two.al.start()
            await ola.open("/operations")
            await ola.follow("What to do, One of our messages will not be sent")
            assert id in await ola.text()
            await ola.press("Resend")
            assert "1 messages were tried again." in await ola.text()
            pages.append(await ola.page.content())
            await two.until(lambda: two.al.notes() == [CANARY], seconds=120)
            await ola.open("/operations/alarms/message.failed")
            assert "No alarm of this kind is open." in await ola.text()
            await ola.open("/operations/peers/AL")
            await ola.press("Check the connection step by step")
            assert "The connection works." in await ola.text()
            pages.append(await ola.page.content())
            assert not [page for page in pages if CANARY in page or "enquiry" in page.lower()]
            assert ola.asked == {fr.origin.removeprefix("http://")}


@pytest.mark.parametrize("language", ["en", pytest.param("ar", marks=pytest.mark.deep)])
async def test_these_pages_are_accessible(browser: Browser, language: str):
    """Every one of them, with everything on it that can be on it."""
    async with served(answers()) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.take(there.session(Role.OPERATOR, Role.AUDITOR, Role.FOCAL_POINT))
        found = []
        for path in [path for path in (*PATHS, *AUDITED) if path not in ALIKE]:
            await ana.open(path)
            found += await ana.violations()
        for path, form in (
            ("/audit", "form[action='/audit/verify']"),
            ("/operations/peers/AL", "form[action$='/ping']"),
        ):
            await ana.open(path)
            await ana.submit(form)
            found += await ana.violations()
        await ana.open("/operations/resend?state=failed")
        await ana.submit("main form[method=post]")
        found += await ana.violations()
        assert found == []
        assert ana.asked == {there.host} and ana.said == []
