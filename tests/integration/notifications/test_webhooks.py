"""A receiver of webhooks over real HTTP: down for a while, then told everything once, signed, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from support.acting import act
from support.ports import free_port
from support.running import enquiry, pair, running, settled, until
from support.shapes import misfit_named

from gateway.errors import Code, RefusedError
from gateway.notifications import webhooks
from keys.primitives.webhook_signature import new_secret

SECRET = new_secret(lambda size: b"\x07" * size)
CANARY = "Tulpe-7391"
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Receiver:
    """Notes what it is told while it is up; `refused` counts what it turned away, to the address `moved` if it has one,
    with each kind of redirect in turn.
    """

    up: bool = False
    moved: str | None = None
    refused: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Verify, then store."""
        body = await request.read()
        if not self.up:
            self.refused += 1
            if self.moved is not None:
                kind = REDIRECTS[self.refused % len(REDIRECTS)]
                return web.Response(status=kind, headers={"Location": self.moved})
            return web.Response(status=503)
        self.told.append(Webhook(SECRET).verify(body, dict(request.headers)))
        self.bodies.append(body)
        return web.Response(status=204)


@asynccontextmanager
async def receiving(port: int) -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/trm", receiver.take)
    async with listening(app, port):
        yield receiver


@asynccontextmanager
async def listening(app: web.Application, port: int) -> AsyncIterator[None]:
    """Serve for so long."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def elsewhere(port: int) -> AsyncIterator[list[str]]:
    """The methods of the requests that come to another address, where everybody is content with them."""
    came, app = list[str](), web.Application()

    async def take(request: web.Request) -> web.Response:
        came.append(request.method)
        return web.Response(status=204)

    app.router.add_route("*", "/elsewhere", take)
    async with listening(app, port):
        yield came


def hooked(port: int) -> Any:
    """Gives a node its receiver."""

    def prepare(folder: Path) -> None:
        (folder / "webhooks").mkdir(mode=0o700)
        (folder / "webhooks" / "cases").write_text(SECRET)
        with (folder / "node.toml").open("a") as settings:
            settings.write(f'\n[[webhooks]]\nname = "cases"\nurl = "http://127.0.0.1:{port}/trm"\n')

    return prepare


async def test_a_receiver_that_was_down_is_told_everything_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What happened meanwhile comes once, each conversation in its order, with a signature and without content."""
    monkeypatch.setattr(webhooks, "WAITS", (0,))
    monkeypatch.setattr(webhooks, "PAUSE", 0.2)
    port = free_port()
    async with receiving(port) as receiver, running(tmp_path, {"FR": None, "AL": None}, prepare=hooked(port)) as nodes:
        fr = nodes["FR"]
        await pair(fr, nodes["AL"])
        ids = []
        for n in range(3):
            draft = enquiry("AL")
            draft["content"]["note"] = CANARY
            ids.append((await act(fr, "message.submit", draft, key=f"k{n}")).value["id"])
        await settled(fr, "awaiting_opening")

        async def refused() -> bool:
            return receiver.refused > 3

        await until(refused)
        assert receiver.told == []
        receiver.up = True

        async def told() -> bool:
            waiting: Any = (await fr.desk.call("webhook.list", {})).value
            return waiting["webhooks"][0]["waiting"] == 0

        await until(told)
    ours = [event for event in receiver.told if event["source"].endswith(fr.own.node)]
    assert len({event["id"] for event in ours}) == len(ours)
    assert [misfit_named("Told", event) for event in ours] == [[]] * len(ours)
    for id in ids:
        states = [event["data"] for event in ours if event["data"].get("id") == id]
        assert [state["seq"] for state in states] == sorted(state["seq"] for state in states)
        assert (states[0]["state"], states[-1]["state"]) == ("queued", "awaiting_opening")
    assert not any(CANARY.encode() in body or b"enquiry" in body for body in receiver.bodies)


async def test_a_receiver_that_names_another_address_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A redirect of any kind is no answer: nothing goes to where it leads, and the call is repeated where it was."""
    monkeypatch.setattr(webhooks, "WAITS", (0,))
    monkeypatch.setattr(webhooks, "PAUSE", 0.2)
    port, other = free_port(), free_port()
    async with receiving(port) as receiver, elsewhere(other) as came:
        receiver.moved = f"http://127.0.0.1:{other}/elsewhere"
        async with running(tmp_path, {"FR": None}, prepare=hooked(port)) as nodes:
            fr = nodes["FR"]
            await fr.desk.call("draft.save", {"draft": enquiry("AL")})

            async def waiting() -> int:
                listed: Any = (await fr.desk.call("webhook.list", {})).value
                return int(listed["webhooks"][0]["waiting"])

            async def refused() -> bool:
                return receiver.refused > len(REDIRECTS) or bool(came)

            async def told() -> bool:
                return await waiting() == 0

            await until(refused)
            assert (came, receiver.told) == ([], [])
            assert await waiting() > 0
            receiver.up = True
            await until(told)
    assert came == []
    assert len(receiver.told) > 0


async def test_a_call_is_given_up_after_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An alarm tells people, and what comes after it goes on."""
    monkeypatch.setattr(webhooks, "PATIENCE", -1)
    port = free_port()
    async with running(tmp_path, {"FR": None}, prepare=hooked(port)) as nodes:
        fr = nodes["FR"]

        async def ready() -> bool:
            return bool((await fr.desk.call("webhook.list", {})).value["webhooks"])

        await until(ready)
        await fr.desk.call("draft.save", {"draft": {"type": "enquiry.capacity/1"}})

        async def alarmed() -> bool:
            alarms: Any = (await fr.desk.call("alarm.list", {})).value["alarms"]
            return "webhook.failed" in {alarm["kind"] for alarm in alarms}

        await until(alarmed)
        standing: Any = (await fr.desk.call("webhook.list", {})).value["webhooks"][0]
        assert standing["waiting"] == 0


async def test_a_receiver_without_a_secret_is_told(tmp_path: Path):
    """The node does not start unsigned."""

    def forgetful(folder: Path) -> None:
        with (folder / "node.toml").open("a") as settings:
            settings.write('\n[[webhooks]]\nname = "cases"\nurl = "http://127.0.0.1:1/trm"\n')

    with pytest.raises(RefusedError) as caught:
        async with running(tmp_path, {"FR": None}, prepare=forgetful):
            pass
    assert caught.value.code is Code.NO_KEY
    assert "trm webhook new cases" in caught.value.hint
