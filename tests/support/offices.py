"""Countries whose people work at the console: real nodes, opened in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from support.acting import ask
from support.browser import Seat, seat
from support.ceremony import aplay
from support.enrolled import inviting
from support.ports import free_port
from support.running import running

from gateway.composition.node import Node


@dataclass
class Office:
    """One node and the address of its console."""

    node: Node
    origin: str

    async def ask(self, operation: str, by: str | None = None, **arguments: Any) -> Any:
        """One operation, by the person of this name or the owner of the node (`support.acting.ask`)."""
        return await ask(self.node, operation, arguments, by=by)

    async def invite(self, name: str, *roles: str, **other: Any) -> str:
        """Somebody new; the code of their invitation."""
        return str((await aplay(inviting(name, *roles, **other), self.ask))["code"])

    @asynccontextmanager
    async def worker(
        self, browser: Browser, name: str, *roles: str, locale: str = "en", **other: Any
    ) -> AsyncIterator[Seat]:
        """Somebody new, invited and signed in at a browser of their own."""
        code = await self.invite(name, *roles, **other)
        async with seat(browser, self.origin, locale=locale) as found:
            await enrol(found, code)
            yield found


async def enrol(person: Seat, code: str) -> None:
    """Make a passkey by an invitation, from its address; the person is signed in afterwards."""
    await person.open(f"/enrol#{code}")
    await person.submit("form[data-code]")
    await person.submit("form[data-passkey]")


@asynccontextmanager
async def offices(base: Path, names: Sequence[str]) -> AsyncIterator[dict[str, Office]]:
    """Nodes without a case system, each with its console on localhost."""
    ports = {name: free_port() for name in names}

    def prepare(folder: Path) -> None:
        with (folder / "node.toml").open("a") as settings:
            settings.write(f'\n[local]\nlisten = "127.0.0.1:{ports[folder.name]}"\n')

    async with running(base, dict.fromkeys(names), desk_only=names, prepare=prepare) as nodes:
        yield {name: Office(node=nodes[name], origin=f"http://localhost:{ports[name]}") for name in names}
