"""People at the console of a node that really runs: they enrol with a passkey and use its pages without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, FormData
from support.authenticator import Authenticator
from support.browsing import Page, read
from support.ceremony import ADMINS, aplay
from support.enrolled import inviting
from support.ports import free_port
from support.running import asked

from gateway.composition.node import Node
from gateway.console.cookies import SESSION
from gateway.operations.roles import Role
from keys.offline.administrator_key import Admin

Filled = Mapping[str, str | Sequence[str]]


def console_at(folder: Path) -> None:
    """Give a node folder a port for its console."""
    with (folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n')


@dataclass
class Visitor:
    """One person with a session; ``page`` is what is on the screen, ``path`` where it is."""

    http: ClientSession
    origin: str
    name: str
    session: str = ""
    page: Page = field(default_factory=lambda: Page(""))
    path: str = ""
    status: int = 0
    text: str = ""

    async def open(self, path: str) -> Page:
        """Open a page."""
        return await self._go("GET", path, None)

    async def press(self, action: str, values: Filled | None = None, *, act: str | None = None) -> Page:
        """Fill in the form that goes to `action` and send it, by its button with the value `act`."""
        form = self.page.form(action)
        return await self._go("POST", action, form.filled(values or {}, act=act))

    async def upload(self, action: str, data: bytes, name: str) -> Page:
        """Send a file by the form that goes to `action`, as a browser does."""
        self.page.form(action)
        form = FormData()
        form.add_field("file", data, filename=name, content_type="application/octet-stream")
        return await self._go("POST", action, form)

    async def _go(self, method: str, path: str, data: Any) -> Page:
        """One request, and those to which it leads."""
        headers = {"Host": self.origin.removeprefix("http://"), "Sec-Fetch-Site": "same-origin"}
        if self.session:
            headers["Cookie"] = f"{SESSION}={self.session}"
        port = self.origin.rpartition(":")[2]
        url = f"http://127.0.0.1:{port}{path}"
        async with self.http.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            self.status, self.text, self.path = answer.status, await answer.text(), path
            if SESSION in answer.cookies:
                self.session = answer.cookies[SESSION].value
        if answer.status == 303:
            return await self._go("GET", answer.headers["Location"], None)
        self.page = read(self.text)
        return self.page


class _Options(HTMLParser):
    """What a page asks a passkey for."""

    found: str = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of the form that has it."""
        self.found = dict(attrs).get("data-options") or self.found


async def enrol_by(person: Visitor, code: str) -> None:
    """Make a passkey by an invitation; the person is signed in afterwards."""
    key = Authenticator(origin=person.origin)
    await person.open("/enrol")
    await person.press("/enrol", {"code": code})
    options = _Options()
    options.feed(person.text)
    credential = json.dumps(key.create(json.loads(options.found)))
    await person.press("/enrol/passkey", {"credential": credential})
    assert person.session and person.status == 200, person.text


async def visitor(node: Node, http: ClientSession, name: str, *roles: Role, admin: Admin = ADMINS[0]) -> Visitor:
    """Somebody who was invited, and has made a passkey."""

    async def ask(operation: str, **arguments: Any) -> Any:
        return await asked(node, operation, arguments)

    made = await aplay(inviting(name, *roles, admin=admin), ask)
    origin = node.config.console_origin
    assert origin is not None
    found = Visitor(http=http, origin=origin, name=name)
    await enrol_by(found, made["code"])
    return found
