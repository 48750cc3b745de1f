"""People of one real node: invited, signed in with real signatures, changed, ended; administrators among them who
approve changes of trust with a passkey (nrm1 13.10; threats 37 to 39).
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.authenticator import ORIGIN, Authenticator
from support.ceremony import ADMINS, aplay, change
from support.enrolled import approving, inviting
from support.nodechild import CHEAP, SteeredClock
from support.pair import PASSPHRASE, START, make_party

from gateway.access.attempts import ATTEMPTS, PAUSE
from gateway.access.rules import IDLE, INVITED, LONGEST
from gateway.administration.put_back import void_credentials
from gateway.app import open_node
from gateway.changes.rules import DAY
from gateway.composition.node import Node
from gateway.errors import Code, RefusedError, TransientError
from gateway.node.rows import ROWS
from gateway.operations.ports import Person, SignIn
from gateway.operations.registry import may
from gateway.operations.roles import OWNER, Caller, Role
from keys.documents.change import Change
from keys.primitives.encoding import b64u, canon, sha256_hex
from keys.primitives.passkey import CHALLENGE_LIFE


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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A node that was made once and knows another country, which it does not trust yet."""
    base, clock = tmp_path_factory.mktemp("people"), SteeredClock(START)

    async def make() -> None:
        parties = [await make_party(base, name, clock) for name in ("AL", "FR")]
        opened = [await open_node(party.folder, PASSPHRASE, at_least=CHEAP, clock=clock) for party in parties]
        chain = (await opened[0][0].desk.call("node.pairing", {})).value
        await opened[1][0].desk.call("peer.add", {"chain": chain})
        for _, stack in opened:
            await stack.aclose()

    asyncio.run(make())
    yield base / "FR"


@pytest_asyncio.fixture
async def house(made: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A copy of it, opened and not served."""
    folder, clock = tmp_path / "FR", SteeredClock(START)
    shutil.copytree(made, folder)
    node, stack = await open_node(folder, PASSPHRASE, at_least=CHEAP, clock=clock)
    async with stack:
        yield House(
            node,
            clock,
            node.people(ORIGIN),
        )


async def refused(act: Any, code: Code = Code.UNAUTHORISED, words: str | None = None) -> None:
    """It is refused with this code."""
    with pytest.raises(RefusedError, match=words) as caught:
        await act
    assert caught.value.code is code


# --- the way in ---------------------------------------------------------------------------------------------------


async def test_from_an_invitation_to_a_session_and_out(house: House):
    """Invited, enrolled, admitted with the person's own roles; signed out, signed in anew."""
    id, code = await house.add("Eva M.", Role.CASE_WORKER, Role.AUDITOR, language="fr")
    assert (await house.one(id))["state"] == "invited"
    whom, ceremony = await house.people.invited(code)
    assert (whom.name, whom.language, whom.admin) == ("Eva M.", "fr", None)
    device = Authenticator()
    first = await house.people.enrol(code, ceremony.id, device.create(ceremony.options))
    found = await house.people.admit(first)
    assert found is not None
    assert found.caller == Caller(roles=frozenset({Role.CASE_WORKER, Role.AUDITOR}), person=id)
    await house.people.sign_out(first)
    await house.people.sign_out(first)
    assert await house.people.admit(first) is None
    second = await house.sign_in(device)
    assert second != first
    assert await house.people.admit(second) == found
    assert (await house.one(id))["sessions"] == 1
    events = ["person.added", "passkey.made", "session.begun", "session.ended"]
    leaves = [leaf for event in events for leaf in await house.leaves(event)]
    assert [leaf["ev"] for leaf in leaves] == [*events[:2], "session.begun", "session.begun", "session.ended"]
    assert {(leaf["id"], leaf["at"]) for leaf in leaves} == {(id, house.clock.now())}
    assert "Eva" not in json.dumps(leaves)


async def test_a_code_is_typed_as_people_type(house: House):
    """Capital letters, spaces and dashes do not matter."""
    _, code = await house.add("Eva", Role.AUDITOR)
    assert (await house.people.invited(f" {code.upper().replace('-', ' ')} "))[0].name == "Eva"


async def test_an_invitation_is_good_once(house: House):
    """Also when two browsers hold its ceremony already."""
    _, code = await house.add("Eva", Role.CASE_WORKER)
    first, second = [(await house.people.invited(code))[1] for _ in range(2)]
    await house.people.enrol(code, first.id, Authenticator().create(first.options))
    await refused(house.people.enrol(code, second.id, Authenticator().create(second.options)))
    await refused(house.people.invited(code))


async def test_two_who_enrol_at_once(house: House):
    """One invitation never becomes two passkeys."""
    id, code = await house.add("Eva", Role.CASE_WORKER)
    held = [(await house.people.invited(code))[1] for _ in range(2)]
    tries = [house.people.enrol(code, one.id, Authenticator().create(one.options)) for one in held]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in done if isinstance(one, Exception)] == [RefusedError]
    assert len((await house.one(id))["passkeys"]) == 1


async def test_an_invitation_ends(house: House):
    """After 24 hours, and with the next one for the same person."""
    id, code = await house.add("Eva", Role.CASE_WORKER)
    other = (await house.do("person.invite", id=id))["code"]
    await refused(house.people.invited(code))
    await house.people.invited(other)
    house.clock.advance(INVITED)
    await refused(house.people.invited(other))
    assert (await house.one(id))["state"] == "locked_out"


async def test_a_ceremony_is_good_once_and_for_five_minutes(house: House):
    """What was signed for one sign-in opens no other, later or elsewhere."""
    _, device, _ = await house.worker()
    ceremony = await house.people.begin()
    said = device.get(ceremony.options)
    await house.people.sign_in(ceremony.id, said)
    await refused(house.people.sign_in(ceremony.id, said))
    late = await house.people.begin()
    signed = device.get(late.options)
    house.clock.advance(CHALLENGE_LIFE)
    await refused(house.people.sign_in(late.id, signed))
    here, there = (
        await house.people.begin(),
        await house.node.people(ORIGIN).begin(),
    )
    for id, options in ((here.id, there.options), (there.id, there.options), (here.id, late.options)):
        await refused(house.people.sign_in(id, device.get(options)))


@pytest.mark.parametrize(
    "fault",
    [
        {"verified": False},
        {"origin": "https://desk.example.com"},
        {"rp": "example.com"},
        {"counter": 1},
        {"synced": True},
        {"holder": b"somebody else"},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_row_38_a_sign_in_with_one_fault(house: House, fault: dict[str, Any]):
    """Each is refused in the same words, and logged with its code."""
    _, device, _ = await house.worker()
    for name, value in fault.items():
        setattr(device, name, value)
    await refused(house.sign_in(device), words="sign-in was refused")
    (leaf,) = await house.leaves("sign_in.refused")
    assert leaf["code"] != "not_found"


async def test_a_passkey_of_nobody(house: House):
    """One that was never enrolled, and words that are no answer of a browser."""
    await house.worker()
    await refused(house.sign_in(Authenticator()))
    await refused(house.people.sign_in((await house.people.begin()).id, {}))


async def test_a_synced_passkey_does_not_open_trust(house: House):
    """It is enough for a case worker; not to look after trust, also not when that role comes later."""
    _, code = await house.add("Ben", Role.TRUST_ADMIN)
    await refused(house.enrol(code, Authenticator(synced=True)), words="copied to other devices")
    await house.enrol(code, Authenticator())
    id, code = await house.add("Eva", Role.CASE_WORKER)
    device = Authenticator(synced=True)
    await house.enrol(code, device)
    await house.sign_in(device)
    await house.ask("person.change", id=id, roles=["case_worker", "trust_admin"])
    await refused(house.sign_in(device), words="copied to other devices")


# --- sessions -----------------------------------------------------------------------------------------------------


async def test_a_session_rests_for_half_an_hour(house: House):
    """Used it goes on, unused it is over, whoever has its secret; its use is written once a minute."""
    id, _, session = await house.worker()
    for _ in range(3):
        house.clock.advance(IDLE - 1)
        assert await house.people.admit(session) is not None
        await house.node.store.move(lambda c: None)  # what rides along is written before it
    house.clock.advance(IDLE)
    assert await house.people.admit(session) is None
    assert (await house.one(id))["sessions"] == 0
    assert [leaf["reason"] for leaf in await house.leaves("session.ended")] == ["idle"]


async def use_to_the_end(house: House, session: str) -> None:
    """A session is never idle, and lasted too long by now."""
    for _ in range(LONGEST // (IDLE - 60)):
        house.clock.advance(IDLE - 60)
        assert await house.people.admit(session) is not None
        await house.node.store.move(lambda c: None)
    house.clock.advance(IDLE - 60)


async def test_a_session_lasts_ten_hours(house: House):
    """However much it is used."""
    _, _, session = await house.worker()
    await use_to_the_end(house, session)
    assert await house.people.admit(session) is None
    assert [leaf["reason"] for leaf in await house.leaves("session.ended")] == ["too_long"]


async def test_whoever_comes_in_ends_what_is_over(house: House):
    """Each for its own reason, at the time of coming in."""
    _, device, _ = await house.worker()
    house.clock.advance(IDLE)
    used = await house.sign_in(device)
    await use_to_the_end(house, used)
    await house.sign_in(device)
    ended = [(leaf["reason"], leaf["at"]) for leaf in await house.leaves("session.ended")]
    assert ended == [("idle", START + IDLE), ("too_long", house.clock.now())]


@pytest.mark.parametrize("spoil", [lambda s: "", lambda s: s[:-1], lambda s: s + "x", lambda s: "\udcff" * 9_000])
async def test_what_is_no_session(house: House, spoil: Any):
    """Nobody, without a word."""
    _, _, session = await house.worker()
    assert await house.people.admit(spoil(session)) is None
    assert await house.people.admit(session) is not None


async def test_nothing_that_lets_in_is_stored(house: House):
    """Neither a session nor a code stands in the folder; of a session that is over not even the hash."""
    _, device, session = await house.worker()
    _, code = await house.add("Ben", Role.AUDITOR)
    await house.people.sign_out(await house.sign_in(device))
    held = [path.read_bytes() for path in house.node.folder.rglob("*") if path.is_file()]
    for secret in (session, code, code.replace("-", "")):
        assert not any(secret.encode() in data for data in held)
    count = await house.node.store.read(lambda c: c.exec_driver_sql("select hash from session").scalars().all())
    assert count == [sha256_hex(session.encode())]


async def test_the_language_of_a_person(house: House):
    """It stays with the person."""
    id, _, session = await house.worker()
    await house.people.speak(id, "ar")
    found = await house.people.admit(session)
    assert found is not None
    assert found.language == "ar"


# --- wrong attempts -----------------------------------------------------------------------------------------------


async def test_wrong_attempts_lock_nobody_out(house: House):
    """After ten they are told to wait and logged no more; who has the right code or passkey comes in all the same."""
    _, device, _ = await house.worker()
    _, code = await house.add("Ben", Role.AUDITOR)
    for _ in range(ATTEMPTS):
        await refused(house.people.invited("aaaa-bbbb"))
    with pytest.raises(TransientError, match="too many"):
        await house.people.invited("aaaa-bbbb")
    copy = Authenticator(id=device.id)
    for _ in range(ATTEMPTS):
        await refused(house.sign_in(copy))
    with pytest.raises(TransientError, match="too many"):
        await house.sign_in(copy)
    assert len(await house.leaves("sign_in.refused")) == 2 * ATTEMPTS
    await house.enrol(code, Authenticator())
    await house.sign_in(device)
    house.clock.advance(int(PAUSE) + 1)
    await refused(house.people.invited("aaaa-bbbb"))


# --- who does what to whom ----------------------------------------------------------------------------------------


async def test_rights_that_change_end_the_sessions(house: House):
    """The next sign-in has the new rights, and the unit; the same again is no change."""
    id, device, session = await house.worker()
    unit = house.node.config.units[0].id
    shown = await house.do("person.change", id=id, roles=["focal_point"], unit=unit)
    assert (shown["roles"], shown["unit"], shown["sessions"]) == (["focal_point"], unit, 0)
    assert await house.people.admit(session) is None
    caller = await house.caller(await house.sign_in(device))
    assert (caller.roles, caller.unit) == ({Role.FOCAL_POINT}, unit)
    await refused(house.ask("person.change", id=id, roles=["focal_point"]), Code.INVALID)
    assert (await house.do("person.change", id=id, unit=None))["unit"] is None


async def test_who_has_left_is_nobody(house: House):
    """Session, passkey and invitation end at once; the name stays, and is free for somebody else."""
    id, device, session = await house.worker()
    code = (await house.do("person.invite", id=id))["code"]
    shown = await house.ask("person.end", id=id)
    assert (shown["state"], shown["passkeys"], shown["invited_until"]) == ("ended", [], None)
    assert await house.people.admit(session) is None
    await refused(house.sign_in(device))
    await refused(house.people.invited(code))
    for operation in ("person.end", "person.invite", "person.change", "person.sign_out"):
        await refused(house.ask(operation, id=id), Code.NOT_FOUND)
    await house.add("Eva", Role.CASE_WORKER)
    assert len(await house.leaves("person.ended")) == 1


async def test_a_lost_device(house: House):
    """A new invitation leaves the old passkey good, unless it comes instead: then it ends at once."""
    id, device, session = await house.worker()
    second = Authenticator()
    await house.enrol((await house.do("person.invite", id=id))["code"], second)
    await house.sign_in(device)
    assert len((await house.one(id))["passkeys"]) == 2
    code = (await house.do("person.invite", id=id, instead=True))["code"]
    assert await house.people.admit(session) is None
    for lost in (device, second):
        await refused(house.sign_in(lost))
    await house.enrol(code, third := Authenticator())
    assert await house.caller(await house.sign_in(third)) == Caller(roles=frozenset({Role.CASE_WORKER}), person=id)


async def test_a_colleague_ends_the_sessions(house: House):
    """And so does the person themselves; the passkey stays."""
    id, device, session = await house.worker("Eva", Role.FOCAL_POINT)
    await house.ask("person.sign_out", id=id, caller=await house.caller(session))
    assert await house.people.admit(session) is None
    await house.sign_in(device)


async def test_nobody_gives_themselves_rights(house: House):
    """A trust administrator neither changes their own row nor makes, invites or changes somebody who reads content."""
    ben, _, session = await house.worker("Ben", Role.TRUST_ADMIN)
    eva, _, _ = await house.worker("Eva")
    admin = await house.caller(session)
    for operation, asked in (
        ("person.change", {"id": ben, "roles": ["trust_admin", "case_worker"]}),
        ("person.invite", {"id": ben}),
        ("person.end", {"id": ben}),
        ("person.add", {"name": "Mallory", "roles": ["case_worker"]}),
        ("person.invite", {"id": eva, "instead": True}),
        ("person.change", {"id": eva, "roles": ["trust_admin"]}),
    ):
        before = await house.ask_list()
        await refused(house.ask(operation, caller=admin, **asked), Code.FORBIDDEN)
        assert await house.ask_list() == before
    await house.ask("person.add", caller=admin, name="Carla", roles=["operator", "trust_admin"])
    await house.ask("person.end", caller=admin, id=eva)


async def test_a_focal_point_invites_case_workers(house: House):
    """And nobody who looks after trust."""
    _, _, session = await house.worker("Fay", Role.FOCAL_POINT)
    focal = await house.caller(session)
    made = await house.ask("person.add", caller=focal, name="Eva", roles=["case_worker"])
    again = await house.ask("person.invite", caller=focal, id=made["id"])
    assert (made["code"], again["code"], again["state"]) == (None, None, "asked")
    await refused(house.ask("person.add", caller=focal, name="Tom", roles=["trust_admin"]), Code.FORBIDDEN)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"roles": []}, "/roles"),
        ({"roles": ["adapter"]}, "/roles/0"),
        ({"roles": "auditor"}, "/roles"),
        ({"roles": ["data_protection_officer", "case_worker"]}, "/roles"),
        ({"unit": "elsewhere"}, "/unit"),
        ({"language": "../x"}, "/language"),
        ({"x": 1}, ""),
    ],
)
async def test_a_person_that_can_not_be(house: House, asked: dict[str, Any], place: str):
    """The argument is named, and nobody is made."""
    with pytest.raises(RefusedError) as caught:
        await house.ask("person.add", **({"name": "Eva", "roles": ["auditor"]} | asked))
    assert (caught.value.code, caught.value.findings[0].place) == (Code.INVALID, place)
    assert await house.ask_list() == []


async def test_who_works_on_cases_does_not_become_their_officer(house: House):
    """Nor the other way round, whoever asks; a change to the role alone is one."""
    officer, _ = await house.add("Dora", Role.DATA_PROTECTION_OFFICER)
    worker, _ = await house.add("Eva", Role.CASE_WORKER)
    before = await house.ask_list()
    for id in (officer, worker):
        await refused(house.ask("person.change", id=id, roles=["case_worker", "data_protection_officer"]), Code.INVALID)
    assert await house.ask_list() == before
    await house.ask("person.change", id=officer, roles=["data_protection_officer", "auditor"])


async def test_nobody_makes_up_an_officer_to_read_cases(house: House):
    """Who looks after trust, and who runs the node, asks for a data protection officer and sees no code, neither of a
    new one nor instead of an old one; one administrator lets them in (threat 155).
    """
    trust = Caller(roles=frozenset({Role.TRUST_ADMIN}), person=b64u(b"person of trust."))
    for n, caller in enumerate((trust, OWNER)):
        asked = await house.ask(
            "person.add", caller=caller, name=f"Dora {n}", roles=["data_protection_officer"], language="fr"
        )
        assert (asked["code"], asked["state"]) == (None, "asked")
        made = await aplay(approving(asked), house.ask)
        await house.enrol(made["code"], Authenticator())
        again = await house.ask("person.invite", caller=caller, id=asked["id"], instead=True)
        assert again["code"] is None
    auditor = await house.ask("person.add", caller=trust, name="Ada", roles=["auditor"])
    assert (await house.ask("person.change", id=auditor["id"], roles=["data_protection_officer"]))["waits"]
    assert (await house.one(auditor["id"]))["roles"] == ["auditor"]


async def test_no_two_people_have_one_name(house: House):
    """However it is spaced, and with whatever is not seen: colleagues tell a second person from the first by it."""
    await house.add("Eva M.", Role.AUDITOR)
    for unseen in ("\u3164", "\uffa0", "\u034f", "\u2800", "\ufe0f", "\u180b", "\u115f", "\u17b4"):
        await refused(house.add(f"Eva M.{unseen}", Role.AUDITOR), Code.EXISTS)
    await refused(house.add("eva  m.", Role.AUDITOR), Code.EXISTS)
    assert len(await house.ask_list()) == 1


# --- administrators by passkey ------------------------------------------------------------------------------------


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


async def enrolled(house: House, name: str, device: Authenticator | None = None) -> Signer:
    """A person with a passkey whom the two administrators with key files have enrolled."""
    id, code = await house.add(name, Role.TRUST_ADMIN)
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


async def test_of_a_node_that_was_put_back_only_administrators_come_in(house: House):
    """Their passkeys stay, so that somebody can let people in; all others end, with every session, and what one person
    had begun is given up (threat 144).
    """
    ana = await enrolled(house, "Ana")
    _, device, session = await house.worker("Eva")
    said = await ana.propose(await wanted(house))
    now = house.clock.now()
    await house.node.store.move(lambda c: void_credentials(c, at=now))
    assert await house.people.admit(session) is None and await house.people.admit(ana.session) is None
    with pytest.raises(RefusedError):
        await house.sign_in(device)
    ana.session = await house.sign_in(ana.device)
    assert await ana.person()
    assert (await ask(house, "change.show", id=said["id"]))["state"] == "withdrawn"


async def test_the_passkey_that_was_shown_last_goes_on_a_card(house: House):
    """Of several that a person has; one that was never shown counts from when it was made."""
    id, first, session = await house.worker("Ben", Role.TRUST_ADMIN)
    second = Authenticator()
    house.clock.advance(60)
    await house.enrol((await house.do("person.invite", id=id))["code"], second)
    for device in (None, first):
        house.clock.advance(60)
        if device is not None:
            session = await house.sign_in(device)
        person = await Signer(house, id, first, session).person()
        (allowed,) = (await house.people.offer(person)).options["allowCredentials"]  # type: ignore[misc, union-attr]
        assert allowed["id"] == b64u((device or second).id)  # type: ignore[index, call-overload]


async def test_a_code_of_no_shell_is_counted_under_who_typed_it(house: House):
    """And logged with their id."""
    id, _, session = await house.worker()
    person = await Signer(house, id, Authenticator(), session).person()
    await refused(house.people.shell(person, "aaaa-bbbb"))
    await refused(house.people.sign_shell_in(person, "aaaa-bbbb"))
    assert [leaf["id"] for leaf in await house.leaves("sign_in.refused")] == [id, id]


async def test_an_administrator_with_a_passkey(house: House):
    """Offered, enrolled by two key files, listed; then two of them trust a country, after a day; history verifies."""
    ana = await enrolled(house, "Ana")
    ben = Signer(house, *(await house.worker("Ben", Role.TRUST_ADMIN)))
    await ben.offer()
    listed = await ask(house, "admin.list")
    assert [one["kind"] for one in listed["admins"]] == ["file", "file", "passkey"]
    assert [(one["label"], one["card"]) for one in listed["offered"]] == [("Ben", ben.card)]
    prepared = await ask(house, "change.prepare", action="admin.enrol", subject="admins", admin=ben.card)
    assert any(line.startswith("administrator: Ben, pseudonym ") for line in prepared["words"])
    enrol = prepared["change"]
    pending = await ana.propose(enrol)
    assert (await ben.person()).admin is None
    by_file = ADMINS[0].approve(Change.parse(canon(enrol)), at=house.clock.now()).document.to_json()
    assert (await ask(house, "change.approve", id=pending["id"], approval=by_file))["state"] == "done"
    assert (await ben.person()).admin == ben.card["card"]["pseudonym"]
    trust = await wanted(house)
    shown = await ana.propose(trust)
    assert (shown["state"], shown["peer"]["state"]) == ("pending", "verified")
    done = await ben.approve(shown["id"], trust)
    assert (done["state"], done["effective"]) == ("waiting", house.clock.now() + DAY)
    assert [one["label"] for one in done["approvals"]] == ["Ana", "Ben"]
    peer = await ask(house, "peer.show", id="AL")
    assert (peer["faults"], len(peer["history"])) == ([], 1)


async def test_an_emergency_is_signed(house: House):
    """Both have to ask the browser for it; nobody makes an approval one afterwards."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    shown = await ana.propose(trust, emergency=True)
    plain = await ben.sign(trust)
    await refused(
        ask(house, "change.approve", id=shown["id"], assertion=plain, emergency=True), Code.CONFLICT, "something else"
    )
    done = await ben.approve(shown["id"], trust, emergency=True)
    assert (done["state"], done["effective"]) == ("done", house.clock.now())


async def test_row_37_a_scope_changed_after_the_approval(house: House):
    """What Ben signed for the narrow scope approves no wider one."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    everything = await ask(house, "peer.scope", id="AL")
    narrow = await wanted(house, scope=everything | {"types": ["enquiry.capacity"]})
    said = await ben.sign(narrow)
    wide = await wanted(house)
    shown = await ana.propose(wide)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.CONFLICT, "something else")
    await refused(ask(house, "change.propose", change=wide | {"at": wide["at"] - 1}, assertion=said), Code.CONFLICT)
    assert len((await ask(house, "change.show", id=shown["id"]))["approvals"]) == 1


async def test_row_37_the_same_person_twice(house: House):
    """Neither again, nor by the same bytes, nor with a second passkey, nor on a second card."""
    ana = await enrolled(house, "Ana")
    trust = await wanted(house)
    said = await ana.sign(trust)
    shown = await ask(house, "change.propose", change=trust, assertion=said)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.ROLLBACK)
    await refused(ana.approve(shown["id"], trust), Code.CONFLICT, "same person")
    second = Authenticator()
    ana.session = await house.enrol((await house.ask("person.invite", id=ana.id))["code"], second)
    await refused(ana.approve(shown["id"], trust, device=second), Code.NOT_FOUND, "no administrator")
    await refused(ana.offer(second), Code.CONFLICT, "counts once")
    assert (await ask(house, "change.show", id=shown["id"]))["state"] == "pending"


async def test_row_37_a_device_that_does_not_count_is_not_played_again(house: House):
    """Without a counter the same bytes verify again; the person is there already."""
    ana = await enrolled(house, "Ana", Authenticator(counter=0))
    trust = await wanted(house)
    said = await ana.sign(trust)
    shown = await ask(house, "change.propose", change=trust, assertion=said)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.CONFLICT, "same person")


APPROVING: dict[str, tuple[dict[str, Any], Code]] = {
    "nobody verified": ({"verified": False}, Code.UNAUTHORISED),
    "a page that imitates ours": ({"origin": "https://desk.example.com"}, Code.MISDIRECTED),
    "another site": ({"rp": "example.com"}, Code.MISDIRECTED),
    "the counter went back": ({"counter": 1}, Code.ROLLBACK),
    "synced": ({"synced": True}, Code.BAD_KEY),
    "signed for a sign-in": ({"challenge": bytes(32)}, Code.CONFLICT),
    "another passkey": ({"id": b"other"}, Code.NOT_FOUND),
}


@pytest.mark.parametrize(("fault", "code"), APPROVING.values(), ids=APPROVING)
async def test_row_38_an_approval_with_one_fault(house: House, fault: dict[str, Any], code: Code):
    """Each is refused with its code, and nothing is stored."""
    ana = await enrolled(house, "Ana")
    trust = await wanted(house)
    for name, value in fault.items():
        setattr(ana.device, name, value)
    await refused(ana.propose(trust), code)
    assert (await ask(house, "change.list", state="pending"))["changes"] == []


async def test_row_38_the_other_administrators_key(house: House):
    """Ben's signature under the id of Ana's passkey."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    ana.device.key = ben.device.key
    await refused(ana.propose(trust), Code.BAD_SIGNATURE)


async def test_row_39_a_session_alone_changes_no_trust(house: House):
    """Whoever has the session and not the passkey: no approval, no card, and the words of a browser are not enough."""
    ana = await enrolled(house, "Ana")
    trust = await wanted(house)
    assert may((await ana.person()).caller, ROWS["change.propose"])
    for words in ({}, {"assertion": {}}, {"assertion": (await house.people.begin()).options}):
        await refused(ask(house, "change.propose", change=trust, **words), Code.INVALID)
    signed = ADMINS[0].approve(Change.parse(canon(trust)), at=house.clock.now()).document.to_json()
    both = {"approval": signed, "assertion": await ana.sign(trust)}
    await refused(ask(house, "change.propose", change=trust, **both), Code.INVALID)
    eva = Signer(house, *(await house.worker("Eva", Role.TRUST_ADMIN)))
    await refused(eva.sign(trust), words="no administrator")
    thief = Authenticator(id=eva.device.id)
    await refused(eva.offer(thief))
    assert (await ask(house, "admin.list"))["offered"] == []


async def test_who_can_not_offer(house: House):
    """Without the role, with a synced passkey, with a ceremony that is old or made up."""
    eva = Signer(house, *(await house.worker("Eva")))
    await refused(eva.offer(), Code.FORBIDDEN)
    ben = Signer(house, *(await house.worker("Ben", Role.TRUST_ADMIN)))
    person = await ben.person()
    ceremony = await house.people.offer(person)
    said = ben.device.get(ceremony.options)
    for id in ("", "x", ceremony.id[:-1], f"0{ceremony.id}x", f"{house.clock.now() + 9}{ceremony.id[10:]}"):
        await refused(house.people.offered(person, id, said))
    house.clock.advance(CHALLENGE_LIFE)
    await refused(house.people.offered(person, ceremony.id, said))
    id, code = await house.add("Sam", Role.AUDITOR)
    synced = Authenticator(synced=True)
    sam = Signer(house, id, synced, await house.enrol(code, synced))
    await house.ask("person.change", id=id, roles=["trust_admin"])
    with pytest.raises(RefusedError, match="stays on its device"):
        await house.people.offer(Person(id=sam.id, name="Sam", caller=OWNER))


async def test_an_administrator_who_has_left(house: House):
    """Their passkey approves nothing from that moment; what it approved before still verifies."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    said = await ben.sign(trust)
    shown = await ana.propose(trust)
    await house.ask("person.end", id=ben.id)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.NOT_FOUND, "is no longer valid")
    signed = ADMINS[0].approve(Change.parse(canon(trust)), at=house.clock.now()).document.to_json()
    await ask(house, "change.approve", id=shown["id"], approval=signed)
    await house.ask("person.end", id=ana.id)
    assert (await ask(house, "peer.show", id="AL"))["faults"] == []


ALTERED = {
    "signature": lambda d: {
        **d,
        "assertion": {**d["assertion"], "signature": d["assertion"]["signature"][:-6] + "AAAAAA"},
    },
    "emergency": lambda d: {**d, "emergency": True},
    "person": lambda d: {**d, "admin": "AAAAAAAAAAAAAAAAAAAAAA"},
    "another change": lambda d: {**d, "change": "A" * 43},
    "a member more": lambda d: {**d, "more": 1},
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
async def test_row_37_an_altered_approval_is_named(house: House, alter: Any):
    """`trm peer show` verifies what was signed anew, from the bytes on the disk."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    await ben.approve((await ana.propose(trust))["id"], trust)
    assert (await ask(house, "peer.show", id="AL"))["faults"] == []
    store = house.node.store
    query = f"select rowid, document from approval where admin = '{ana.card['card']['pseudonym']}'"
    place, document = (await store.read(lambda c: c.exec_driver_sql(query).all()))[0]
    spoilt = canon(alter(json.loads(document)))
    update = "update approval set document = ? where rowid = ?"
    await store.move(lambda c: c.exec_driver_sql(update, (spoilt, place)) and None)
    assert (await ask(house, "peer.show", id="AL"))["faults"] != []
