"""People of one real node: invited, signed in with real signatures, and administrators among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.ceremony import ADMINS, aplay, change
from support.enrolled import approving, inviting
from support.nodechild import SteeredClock

from gateway.composition.node import Node
from gateway.errors import Code, RefusedError
from gateway.operations.ports import Person, SignIn
from gateway.operations.roles import OWNER, Caller, Role


@dataclass
class House:
    """One opened node, and its people."""

    node: Node
    clock: SteeredClock
    people: SignIn

    async def ask(self, operation: str, *, caller: Caller = OWNER, **arguments: Any) -> Any:
        """One operation of the desk."""
        return (await self.node.desk.call(operation, arguments, caller=caller)).value

    async def add(self, name: str, *roles: Role, **more: Any) -> tuple[str, str]:
        """A new person: their id, and the code of their invitation."""
        made = await aplay(inviting(name, *roles, **more), self.ask)
        return made["id"], made["code"]

    async def do(self, operation: str, *, caller: Caller = OWNER, **arguments: Any) -> Any:
        """One operation about a person, and the word of an administrator where it needs one."""
        return await aplay(approving(await self.ask(operation, caller=caller, **arguments)), self.ask)

    async def enrol(self, code: str, device: Authenticator) -> str:
        """Make a passkey with an invitation; the session that begins with it."""
        _, ceremony = await self.people.invited(code)
        return await self.people.enrol(code, ceremony.id, device.create(ceremony.options))

    async def sign_in(self, device: Authenticator) -> str:
        """Show a passkey."""
        ceremony = await self.people.begin()
        return await self.people.sign_in(ceremony.id, device.get(ceremony.options))

    async def worker(self, name: str = "Eva", *roles: Role) -> tuple[str, Authenticator, str]:
        """A person at work: their id, their device, their session."""
        id, code = await self.add(name, *(roles or (Role.CASE_WORKER,)))
        device = Authenticator()
        return id, device, await self.enrol(code, device)

    async def caller(self, session: str) -> Caller:
        """With which rights a session speaks."""
        found = await self.people.admit(session)
        assert found is not None
        return found.caller

    async def one(self, id: str) -> Any:
        """How the list shows a person."""
        (found,) = [item for item in (await self.ask_list()) if item["id"] == id]
        return found

    async def ask_list(self) -> Any:
        """Everybody."""
        return (await self.node.desk.call("person.list", {})).value["people"]  # type: ignore[index, call-overload]

    async def leaves(self, event: str) -> list[dict[str, Any]]:
        """The leaves of one event."""
        read = await self.node.store.read(
            lambda c: c.exec_driver_sql("select leaf from audit order by seq").scalars().all()
        )
        return [one for one in map(json.loads, read) if one["ev"] == event]


async def refused(act: Any, code: Code = Code.UNAUTHORISED, words: str | None = None) -> None:
    """It is refused with this code."""
    with pytest.raises(RefusedError, match=words) as caught:
        await act
    assert caught.value.code is code


@dataclass
class Signer:
    """A person who looks after trust, with their device and the card they made."""

    house: House
    id: str
    device: Authenticator
    session: str
    card: Any = None

    async def person(self) -> Person:
        """As they are now."""
        found = await self.house.people.admit(self.session)
        assert found is not None
        return found

    async def offer(self, device: Authenticator | None = None) -> Any:
        """Put a passkey on a card."""
        person = await self.person()
        ceremony = await self.house.people.offer(person)
        said = (device or self.device).get(ceremony.options)
        self.card = await self.house.people.offered(person, ceremony.id, said)
        return self.card

    async def sign(self, wanted: Any, *, emergency: bool = False, device: Authenticator | None = None) -> Any:
        """What the browser gives for a change."""
        ceremony = await self.house.people.approval(await self.person(), wanted, emergency=emergency)
        return (device or self.device).get(ceremony.options)

    async def propose(self, wanted: Any, **more: Any) -> Any:
        """Approve first."""
        flags = {"emergency": True} if more.get("emergency") else {}
        said = await self.sign(wanted, **more)
        done = await self.house.node.desk.call("change.propose", {"change": wanted, "assertion": said, **flags})
        return done.value

    async def approve(self, id: str, wanted: Any, **more: Any) -> Any:
        """Approve what somebody else proposed."""
        flags = {"emergency": True} if more.get("emergency") else {}
        said = await self.sign(wanted, **more)
        return (await self.house.node.desk.call("change.approve", {"id": id, "assertion": said, **flags})).value


async def ask(house: House, operation: str, **arguments: Any) -> Any:
    """An operation that takes nobody's name."""
    return (await house.node.desk.call(operation, arguments)).value


async def enrolled(
    house: House, name: str, device: Authenticator | None = None, *, roles: Sequence[Role] = (Role.TRUST_ADMIN,)
) -> Signer:
    """A person with a passkey whom the two administrators with key files have enrolled."""
    id, code = await house.add(name, *roles)
    own = device or Authenticator()
    signer = Signer(house, id, own, await house.enrol(code, own))
    card = await signer.offer()

    async def call(operation: str, **arguments: Any) -> Any:
        return await ask(house, operation, **arguments)

    await aplay(change(ADMINS, "admin.enrol", "admins", admin=card), call)
    return signer


async def wanted(house: House, **more: Any) -> Any:
    """The change that trusts Albania, prepared."""
    code = (await ask(house, "peer.code", id="AL"))["code"]
    prepared = await ask(
        house, "change.prepare", action="peer.activate", subject="AL", digits=code, channel="video", **more
    )
    return prepared["change"]
