"""Invitations, sign-ins and sessions of one real node, with real signatures; and what is none (threats 37 to 39)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from support.authenticator import ORIGIN, Authenticator
from support.people import House, refused
from support.tables import table

from gateway.access.attempts import ATTEMPTS, PAUSE
from gateway.access.logins import Logins
from gateway.access.rules import IDLE, INVITED, LONGEST
from gateway.access.sessions import People
from gateway.composition.doors import people_at
from gateway.errors import Code, RefusedError, TransientError
from gateway.operations.ports import SignIn
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import sha256_hex
from keys.primitives.passkey import CHALLENGE_LIFE


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
    assert leaves[-1]["reason"] == "signed_out"
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
        await people_at(house.node, ORIGIN).begin(),
    )
    for id, options in ((here.id, there.options), (there.id, there.options), (here.id, late.options)):
        await refused(house.people.sign_in(id, device.get(options)))


@table(
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
    ((name, value),) = fault.items()
    _, device, _ = await house.worker(f"Eva {name}")
    before = await house.leaves("sign_in.refused")
    setattr(device, name, value)
    await refused(house.sign_in(device), words="sign-in was refused")
    (leaf,) = (await house.leaves("sign_in.refused"))[len(before) :]
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
    (leaf,) = await house.leaves("session.ended")
    assert (leaf["reason"], leaf["at"]) == ("idle", house.clock.now())


async def test_what_the_browser_asks_by_itself_keeps_no_session_alive(house: House):
    """A page that listens for news is left open all night; whoever comes back signs in again."""
    _, _, session = await house.worker()
    for _ in range(3):
        house.clock.advance(IDLE // 3)
        watched = await house.people.watch(session)
        await house.node.store.move(lambda c: None)
    assert watched is None
    (leaf,) = await house.leaves("session.ended")
    assert (leaf["reason"], leaf["at"]) == ("idle", house.clock.now())


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
    began = house.clock.now()
    _, device, _ = await house.worker()
    house.clock.advance(IDLE)
    used = await house.sign_in(device)
    await use_to_the_end(house, used)
    await house.sign_in(device)
    ended = [(leaf["reason"], leaf["at"]) for leaf in await house.leaves("session.ended")]
    assert ended == [("idle", began + IDLE), ("too_long", house.clock.now())]


async def test_what_is_no_session(house: House):
    """Nobody, without a word."""
    _, _, session = await house.worker()
    for wrong in ("", session[:-1], session + "x", "\udcff" * 9_000):
        assert await house.people.admit(wrong) is None
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


# --- shells that wait ---------------------------------------------------------------------------------------------


async def test_a_shell_waits_in_vain_for_who_saw_the_code_of_before(house: House):
    """Who came in as Eva confirms a shell; an administrator meets the real Eva and approves what she may from then on,
    with a new code: the shell gets no token of hers, which would have the new rights.
    """
    id, _, session = await house.worker("Eva", Role.OPERATOR)
    begun = house.node.logins.begin("x", 3_600)
    await confirm(house.people, session, begun.code)
    approved = await house.do("person.change", id=id, roles=["case_worker"])
    assert (approved["roles"], approved["code"] is None) == (["case_worker"], False)
    await refused(house.ask("login.take", secret=begun.secret), Code.NOT_FOUND, "nobody was signed in")
    assert await house.leaves("login.made") == []


@pytest.mark.parametrize(
    ("operation", "more", "ends"),
    [
        ("person.sign_out", {}, True),
        ("person.end", {}, True),
        ("person.change", {"roles": ["operator"]}, True),
        ("person.invite", {"instead": True}, True),
        ("person.invite", {}, False),
    ],
)
async def test_a_shell_waits_at_a_worker_that_heard_nothing(
    house: House, operation: str, more: dict[str, Any], ends: bool
):
    """What ends somebody's access at one worker of a database ends what they confirmed at another one; one more passkey
    ends nothing.
    """
    node = house.node
    logins = Logins(store=node.store, tokens=node.tokens, attempts=node.attempts, clock=node.clock, rand=node.rand)
    there = People(
        store=node.store,
        config=node.config,
        attempts=node.attempts,
        logins=logins,
        workers=node.workers,
        clock=node.clock,
        rand=node.rand,
        origin=ORIGIN,
    )
    id, _, session = await house.worker("Tom", Role.AUDITOR)
    begun = logins.begin("x", 3_600)
    await confirm(there, session, begun.code)
    await house.ask(operation, id=id, **more)
    if ends:
        await refused(logins.take(begun.secret), Code.NOT_FOUND, "nobody was signed in")
    else:
        assert await logins.take(begun.secret) is not None


async def confirm(people: SignIn, session: str, code: str) -> None:
    """Whose session it is says at the console that a shell is theirs."""
    person = await people.admit(session)
    assert person is not None
    await people.sign_shell_in(person, code, session=session)
