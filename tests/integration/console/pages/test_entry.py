"""The console of a served node, over HTTP, with passkeys in software: from an invitation to an approved change."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from support.authenticator import Authenticator
from support.browsing import read
from support.ceremony import ADMINS, aplay, change
from support.ports import free_port
from support.running import running

from gateway.composition.node import Node
from gateway.console.cookies import SESSION
from keys.documents.change import Change
from keys.primitives.encoding import b64u, canon, h
from schemas.region_pack.policies import canonical_bytes, read_policy

FORM = r'<form method="post" action="([^"]+)"[^>]*data-options="([^"]*)"(.*?)</form>'


@dataclass
class Browser:
    """A browser without JavaScript whose passkey is a device of ours."""

    http: ClientSession
    origin: str
    device: Authenticator
    session: str = ""
    seen: str = field(default="", repr=False)

    async def open(self, path: str) -> str:
        """A page."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, **fields: str) -> str:
        """A form; where it leads to is opened."""
        return await self._ask("POST", path, fields)

    async def _ask(self, method: str, path: str, data: Any) -> str:
        headers = {"Cookie": f"{SESSION}={self.session}", "Sec-Fetch-Site": "same-origin"}
        url = self.origin + path
        async with self.http.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            self.seen = await answer.text()
            assert answer.status < 400, self.seen
            if SESSION in answer.cookies:
                self.session = answer.cookies[SESSION].value
            return await self.open(answer.headers["Location"]) if answer.status == 303 else self.seen

    async def touch(self, *, new: bool = False) -> str:
        """Use the passkey as the page asks for it, and send its form."""
        form = re.search(
            r'<form method="post" action="([^"]+)"[^>]*data-options="([^"]*)"(.*?)</form>', self.seen, re.S
        )
        assert form, self.seen
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[3]))
        options = json.loads(html.unescape(form[2]))
        said = self.device.create(options) if new else self.device.get(options)
        named = {name: html.unescape(value) for name, value in fields.items()}
        return await self.post(html.unescape(form[1]), **{**named, "credential": json.dumps(said)})


@asynccontextmanager
async def at_work(node: Node, origin: str, name: str) -> AsyncIterator[Browser]:
    """Somebody who looks after trust, invited and signed in."""
    asked = {"name": name, "roles": ["trust_admin"]}
    made: Any = (await node.desk.call("person.add", asked)).value
    assert made["address"] == f"{origin}/enrol#{made['code']}"
    async with ClientSession() as http:
        browser = Browser(http, origin, Authenticator(origin=origin))
        await browser.post("/enrol", code=made["code"])
        await browser.touch(new=True)
        yield browser


def signed(number: int, wanted: Any) -> Any:
    """The approval of an administrator with a key file."""
    return ADMINS[number].approve(Change.parse(canon(wanted)), at=wanted["at"]).document.to_json()


async def test_two_people_approve_with_their_passkeys(tmp_path: Path):
    """Both offer at the console; key files enrol Ana, she and a key file enrol Ben, who approves what waits."""
    port = free_port()

    def prepare(folder: Path) -> None:
        with (folder / "node.toml").open("a") as settings:
            settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')

    origin = f"http://localhost:{port}"
    async with running(tmp_path, {"FR": None}, desk_only=["FR"], prepare=prepare) as nodes:
        fr = nodes["FR"]

        async def ask(operation: str, **arguments: Any) -> Any:
            return (await fr.desk.call(operation, arguments)).value

        async with at_work(fr, origin, "Ana") as ana, at_work(fr, origin, "Ben") as ben:
            for one in (ana, ben):
                await one.open("/trust/offer")
                await one.touch()
            offers = {one["label"]: one for one in (await ask("admin.list"))["offered"]}
            assert set(offers) == {"Ana", "Ben"}
            assert offers["Ben"]["kid"] in ben.seen
            await aplay(change(ADMINS, "admin.enrol", "admins", admin=offers["Ana"]["card"]), ask)

            assert offers["Ben"]["kid"] in await ana.open("/trust")
            await ana.post("/trust/enrol", pseudonym=offers["Ben"]["pseudonym"])
            await ana.touch()
            (pending,) = (await ask("change.list", state="pending"))["changes"]
            done = await ask("change.approve", id=pending["id"], approval=signed(0, pending["change"]))
            assert done["state"] == "done"

            in_force = read_policy((await ask("policy.show"))["in_force"]["file"].encode())
            less = replace(in_force, version=in_force.version + 1, rules=in_force.rules[:-1])
            await ben.post("/trust/policy", policy=canonical_bytes(less).decode(), act="narrow")
            (text,) = read(ben.seen).form("/trust/changes/ask").sent()["change"]
            asked = Change.parse(canon(json.loads(text)))
            await ben.post("/trust/changes/ask", change=text)
            for screen in (ben, ana):  # the same object on each screen, and that is what the passkey signs
                page = html.unescape(await screen.open(f"/trust/changes/{asked.hash}"))
                assert asked.digits in page and f"trm change show {asked.hash}" in page
                assert f'"challenge": "{b64u(h("approve", asked.encode()))}"' in page
            await ben.touch()
            assert (await ask("policy.show"))["in_force"]["version"] == less.version
            assert "waits for a second person" not in await ben.open("/trust/history")

            gone = ADMINS[0].card.pseudonym
            retire = await ask("change.prepare", action="admin.retire", subject="admins", pseudonym=gone)
            shown = await ask("change.propose", change=retire["change"], approval=signed(1, retire["change"]))
            await ben.open(f"/trust/changes/{shown['id']}")
            await ben.touch()
            found = await ask("change.show", id=shown["id"])
            assert (found["state"], [one["label"] for one in found["approvals"]]) == ("done", ["Ben C.", "Ben"])
