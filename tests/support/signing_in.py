"""People at a console without a node: what lets them in, with a clock and a log, and passkeys of software."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.authenticator import ORIGIN, Authenticator
from support.federation import Rand, SteeredClock

from gateway.access import people_store
from gateway.access.api_tokens import ApiTokens
from gateway.access.attempts import ATTEMPTS, SignInAttempts
from gateway.access.codes import code_hash
from gateway.access.logins import Logins
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow
from gateway.access.sessions import People
from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation import config
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from keys.primitives.encoding import b64u

SETTINGS = """
[node]
name = "FR"
country = "FR"

[federation]
listen = "127.0.0.1:8443"

[[units]]
id = "focal-point"
name = "Focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""
OWN = NodeId("n1" + "a" * 32)
ANA, BEN = b64u(b"the id of ana..."), b64u(b"the id of ben...")
CODE = "aaaa-bbbb"


class Desk:
    """People who work here, what lets them in, and a clock."""

    def __init__(self, store: Store, workers: Workers) -> None:
        self.store, self.clock = store, SteeredClock()
        self.tokens = ApiTokens(store, self.clock)
        self.config = config.parse(SETTINGS, Path("node.toml"))
        self.attempts = SignInAttempts(store, self.clock)
        self.logins = Logins(
            store=store, tokens=self.tokens, attempts=self.attempts, clock=self.clock, rand=Rand("logins")
        )
        self.people = People(
            store=store,
            config=self.config,
            attempts=self.attempts,
            logins=self.logins,
            workers=workers,
            clock=self.clock,
            rand=Rand("sessions"),
            origin=ORIGIN,
        )

    async def add(self, id: str, name: str, roles: str = "case_worker", **more: Any) -> PersonRow:
        """Somebody who works here."""
        row = PersonRow(id=id, name=name, roles=roles, unit="focal-point", language="fr", made=1, ended=None, **more)
        await self.store.move(lambda c: people_store.add(c, row))
        return row

    async def invite(self, id: str, code: str = CODE) -> None:
        """An open invitation for them."""
        ends = self.clock.now() + 60
        await self.store.move(lambda c: people_store.invite(c, code_hash(code), id, expires=ends))

    async def enrol(self, id: str, device: Authenticator) -> str:
        """Make a passkey of theirs with an invitation; their session."""
        await self.invite(id)
        _, ceremony = await self.people.invited(CODE)
        return await self.people.enrol(CODE, ceremony.id, device.create(ceremony.options))

    async def sign_in(self, device: Authenticator) -> str:
        """Show a passkey; the session that begins."""
        ceremony = await self.people.begin()
        return await self.people.sign_in(ceremony.id, device.get(ceremony.options))

    async def passkeys(self, id: str) -> list[PasskeyRow]:
        """The passkeys of a person."""
        return await self.store.read(lambda c: people_store.passkeys_of(c, id))

    async def sessions(self, id: str) -> list[SessionRow]:
        """Their sessions."""
        return await self.store.read(lambda c: people_store.sessions(c, id))

    async def leaves(self) -> list[dict[str, Any]]:
        """The log without numbers and times."""
        found = [orjson.loads(leaf) for _, leaf in await self.store.read(journal.leaves)]
        return [{k: v for k, v in leaf.items() if k not in ("seq", "at")} for leaf in found]


async def refused(act: Any, code: Code = Code.UNAUTHORISED, words: str | None = None) -> RefusedError:
    """It is refused with this code."""
    with pytest.raises(RefusedError, match=words) as caught:
        await act
    assert caught.value.code is code
    return caught.value


async def counted(desk: Desk, under: str) -> int:
    """How many failed attempts count under this name."""
    for left in range(ATTEMPTS + 1):
        try:
            desk.attempts.check(under, hint="begin again")
        except TransientError:
            return ATTEMPTS - left
        desk.attempts.count(under)
    raise AssertionError("attempts are counted")
