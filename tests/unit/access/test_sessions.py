"""Invitations, passkeys and sessions without a node: what a browser is asked, what is stored, told and logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support.authenticator import Authenticator
from support.signing_in import ANA, BEN, CODE, Desk, counted, refused

from gateway.access import people_store, sessions
from gateway.access.attempts import NOBODY
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow
from gateway.access.rules import IDLE, LONGEST, SEEN_EACH
from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code
from gateway.foundation.workers import Workers
from gateway.operations.ports import Person
from gateway.operations.roles import OWNER, Caller, Role
from keys.primitives.encoding import b64u, sha256_hex, unb64u


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    """Nobody works here yet."""
    workers = Workers()
    yield Desk(store, workers)
    workers.shutdown()


# --- invitations ---------------------------------------------------------------------------------------------------


async def test_what_a_browser_is_asked_for_a_new_passkey(desk: Desk):
    """For whom and for which service, and that it is none of those that the person has."""
    await desk.add(ANA, "Ana B.")
    device = Authenticator()
    await desk.enrol(ANA, device)
    await desk.invite(ANA)
    whom, ceremony = await desk.people.invited(CODE)
    caller = Caller(roles=frozenset({Role.CASE_WORKER}), unit="focal-point", person=ANA)
    assert whom == Person(id=ANA, name="Ana B.", caller=caller, language="fr", admin=None)
    options: Any = ceremony.options
    assert options["rp"] == {"id": "desk.example.org", "name": "TRM FR"}
    assert options["user"] == {"id": ANA, "name": "Ana B.", "displayName": "Ana B."}
    assert [held["id"] for held in options["excludeCredentials"]] == [b64u(device.id)]


@pytest.mark.parametrize(("roles", "hints"), [("case_worker", []), ("case_worker trust_admin", ["security-key"])])
async def test_who_looks_after_trust_is_asked_for_a_key_that_stays(desk: Desk, roles: str, hints: list[str]):
    """A passkey that is copied between devices is enough for all others."""
    await desk.add(ANA, "Ana", roles)
    await desk.invite(ANA)
    _, ceremony = await desk.people.invited(CODE)
    assert ceremony.options["hints"] == hints


async def test_an_invitation_becomes_a_passkey_and_a_session(desk: Desk):
    """Both of now, in the log by the id of the person and the name of the key; the invitation is over."""
    await desk.add(ANA, "Ana")
    device, now = Authenticator(counter=5), desk.clock.now()
    secret = await desk.enrol(ANA, device)
    (made,) = await desk.passkeys(ANA)
    wanted = PasskeyRow(id=b64u(device.id), person=ANA, key=device.cose(), counter=5, synced=False, made=now, used=None)
    assert made == wanted
    begun = SessionRow(hash=sha256_hex(secret.encode()), person=ANA, made=now, seen=now)
    assert await desk.sessions(ANA) == [begun]
    kid = sessions.passkey_of(made).kid
    assert await desk.leaves() == [
        {"ev": "passkey.made", "id": ANA, "kid": kid},
        {"ev": "session.begun", "id": ANA, "kid": kid},
    ]
    await refused(desk.people.invited(CODE))


async def test_a_passkey_that_does_not_fit_is_counted_for_the_invited(desk: Desk):
    """By their id, in the count and in the log; a code that is none by nobody's. Nothing is made."""
    await desk.add(ANA, "Ana")
    await desk.invite(ANA)
    _, ceremony = await desk.people.invited(CODE)
    wrong = Authenticator(origin="https://desk.example.com").create(ceremony.options)
    await refused(desk.people.enrol(CODE, ceremony.id, wrong))
    await refused(desk.people.enrol("none-such", ceremony.id, wrong))
    assert await desk.leaves() == [
        {"ev": "sign_in.refused", "id": ANA, "code": "misdirected"},
        {"ev": "sign_in.refused", "id": None, "code": "not_found"},
    ]
    assert (await counted(desk, ANA), await counted(desk, NOBODY)) == (1, 1)
    assert await desk.passkeys(ANA) == []


async def test_a_passkey_is_of_one_person(desk: Desk):
    """A device that makes the same one again makes none."""
    await desk.add(ANA, "Ana")
    await desk.add(BEN, "Ben")
    device = Authenticator()
    await desk.enrol(ANA, device)
    await refused(desk.enrol(BEN, device))
    assert (len(await desk.passkeys(ANA)), await desk.passkeys(BEN)) == (1, [])


# --- signing in ----------------------------------------------------------------------------------------------------


async def test_a_passkey_that_was_shown_counts_on(desk: Desk):
    """It was used now, at the count that it said; the session is a new one."""
    await desk.add(ANA, "Ana")
    device = Authenticator(counter=5)
    first = await desk.enrol(ANA, device)
    desk.clock.at += 60
    device.counter = 9
    ceremony = await desk.people.begin()
    assert ceremony.options["allowCredentials"] == []
    assert await desk.people.sign_in(ceremony.id, device.get(ceremony.options)) != first
    (held,) = await desk.passkeys(ANA)
    assert (held.counter, held.used) == (9, desk.clock.now())
    assert [(one.made, one.seen) for one in await desk.sessions(ANA)][-1] == (desk.clock.now(), desk.clock.now())
    assert (await desk.leaves())[-1] == {"ev": "session.begun", "id": ANA, "kid": sessions.passkey_of(held).kid}


async def test_attempts_are_counted_under_the_passkey(desk: Desk):
    """One that is known under its id, in the log under the person; all else under nobody."""
    await desk.add(ANA, "Ana")
    device = Authenticator()
    await desk.enrol(ANA, device)
    device.verified = False
    await refused(desk.sign_in(device))
    await refused(desk.sign_in(Authenticator()))
    await refused(desk.people.sign_in((await desk.people.begin()).id, {}))
    told = [{"id": leaf["id"], "code": leaf["code"]} for leaf in (await desk.leaves())[2:]]
    assert told == [
        {"id": ANA, "code": "unauthorised"},
        {"id": None, "code": "not_found"},
        {"id": None, "code": "malformed"},
    ]
    assert (await counted(desk, b64u(device.id)), await counted(desk, NOBODY)) == (1, 2)


async def test_a_passkey_whose_browser_names_nobody_is_the_persons(desk: Desk):
    """A security key need not say whose it is; one that names somebody else is refused."""
    await desk.add(ANA, "Ana")
    device = Authenticator()
    await desk.enrol(ANA, device)
    device.holder, device.counter = None, 2
    assert await desk.sign_in(device)
    device.holder, device.counter = unb64u(BEN), 3
    await refused(desk.sign_in(device))
    assert (await desk.leaves())[-1]["code"] == "misdirected"


async def test_who_has_left_does_not_sign_in(desk: Desk):
    """Though the passkey is still there."""
    await desk.add(ANA, "Ana")
    device = Authenticator()
    await desk.enrol(ANA, device)
    await desk.store.move(lambda c: people_store.end(c, ANA, at=2))
    await refused(desk.sign_in(device))


# --- sessions ------------------------------------------------------------------------------------------------------


async def test_a_session_is_the_person_as_they_are_now(desk: Desk):
    """With the rights, the unit and the language that they have when they ask."""
    await desk.add(ANA, "Ana")
    session = await desk.enrol(ANA, Authenticator())
    await desk.store.move(lambda c: people_store.change(c, ANA, roles="auditor operator", unit=None))
    await desk.people.speak(ANA, "sq")
    found = await desk.people.admit(session)
    caller = Caller(roles=frozenset({Role.AUDITOR, Role.OPERATOR}), unit=None, person=ANA)
    assert found == Person(id=ANA, name="Ana", caller=caller, language="sq", admin=None)
    await refused(desk.people.speak(ANA, "../sq"), Code.INVALID)


@pytest.mark.parametrize(("after", "seen"), [(SEEN_EACH - 1, 0), (SEEN_EACH, SEEN_EACH)])
async def test_the_use_of_a_session_is_written_once_a_minute(desk: Desk, after: int, seen: int):
    """Of what a person asks; what the browser asks by itself is no use."""
    await desk.add(ANA, "Ana")
    session, began = await desk.enrol(ANA, Authenticator()), desk.clock.now()
    desk.clock.at += after
    assert await desk.people.watch(session)
    await desk.store.move(lambda c: None)  # what rides along is written before it
    assert [one.seen for one in await desk.sessions(ANA)] == [began]
    assert await desk.people.admit(session)
    await desk.store.move(lambda c: None)
    assert [one.seen for one in await desk.sessions(ANA)] == [began + seen]


@pytest.mark.parametrize("left", [False, True], ids=["idle", "left"])
async def test_a_session_that_is_over_is_taken_out(desk: Desk, left: bool):
    """When it is used next, for the reason that it has; those of others stay."""
    await desk.add(ANA, "Ana")
    await desk.add(BEN, "Ben")
    hers = await desk.enrol(ANA, Authenticator())
    if left:
        await desk.store.move(lambda c: people_store.end(c, ANA, at=2))
    else:
        desk.clock.at += IDLE
    his = await desk.enrol(BEN, Authenticator()) if left else None
    assert await desk.people.admit(hers) is None
    ended = {"ev": "session.ended", "id": ANA, "reason": "ended" if left else "idle", "count": 1}
    assert (await desk.leaves())[-1] == ended
    assert await desk.sessions(ANA) == []
    assert his is None or await desk.people.admit(his)


def test_sessions_of_several_people_end_together(connection: Connection):
    """A leaf for each person, in the order of their ids, with how many of theirs there were."""
    for id in (ANA, BEN):
        row = PersonRow(id=id, name=id, roles="auditor", unit=None, language=None, made=1, ended=None)
        people_store.add(connection, row)
    rows = [SessionRow(hash=f"{n}", person=id, made=1, seen=1) for n, id in enumerate((BEN, ANA, BEN, ANA, BEN))]
    for row in rows:
        people_store.begin(connection, row)
    sessions.end_sessions(connection, rows[:4], "signed_out", 7)
    told = [orjson.loads(leaf) for _, leaf in journal.leaves(connection)]
    assert [(one["at"], one["ev"], one["id"], one["reason"], one["count"]) for one in told] == [
        (7, "session.ended", ANA, "signed_out", 2),
        (7, "session.ended", BEN, "signed_out", 2),
    ]
    assert people_store.sessions(connection, BEN) == [rows[4]]
    assert people_store.sessions(connection, ANA) == []


async def test_whoever_comes_in_ends_the_sessions_that_are_over(desk: Desk):
    """Each for its own reason; those that last are left."""
    now = desk.clock.now()
    await desk.add(ANA, "Ana")
    old = [("idle", now - IDLE, now - IDLE), ("too_long", now - LONGEST, now), ("good", now - LONGEST + 1, now)]
    for hash, made, seen in old:
        row = SessionRow(hash=hash, person=ANA, made=made, seen=seen)
        await desk.store.move(lambda c, row=row: people_store.begin(c, row))
    await desk.enrol(ANA, Authenticator())
    ended = [leaf for leaf in await desk.leaves() if leaf["ev"] == "session.ended"]
    assert sorted((leaf["reason"], leaf["count"]) for leaf in ended) == [("idle", 1), ("too_long", 1)]
    assert "good" in {one.hash for one in await desk.sessions(ANA)}


# --- shells --------------------------------------------------------------------------------------------------------


async def test_a_shell_is_shown_and_signed_in(desk: Desk):
    """What it calls itself, for how long it asks, and until when it waits; then it is the person's."""
    await desk.add(ANA, "Ana")
    session = await desk.enrol(ANA, Authenticator())
    begun = desk.logins.begin("ana at desk-3", 3_600)
    person = Person(id=ANA, name="Ana", caller=OWNER)
    shell = await desk.people.shell(person, begun.code)
    assert (shell.label, shell.seconds, shell.ends) == ("ana at desk-3", 3_600, begun.ends)
    await desk.people.sign_shell_in(person, begun.code, session=session)
    made = await desk.logins.take(begun.secret)
    assert made is not None and made.person.id == ANA
