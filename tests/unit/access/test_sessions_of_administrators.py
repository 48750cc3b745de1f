"""Administrators at the console without a node: the cards that they make, and the changes that they sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support.authenticator import Authenticator
from support.ceremony import CARDS
from support.passkey_cards import card_of
from support.signing_in import ANA, BEN, OWN, Desk, counted, refused

from gateway.access import people_store, sessions
from gateway.access.people_store import PasskeyRow, PersonRow
from gateway.changes import administrators
from gateway.changes import store as changes
from gateway.changes.administrators import ADMINS
from gateway.changes.rules import Action
from gateway.changes.store import DONE, ChangeRow
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.workers import Workers
from gateway.operations.ports import Person
from gateway.operations.roles import OWNER
from keys.documents.approvals import PasskeyApproval
from keys.documents.change import Change
from keys.primitives.encoding import b64u, canon
from keys.primitives.passkey import CHALLENGE_LIFE


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    """Nobody works here yet."""
    workers = Workers()
    yield Desk(store, workers)
    workers.shutdown()


async def admin_person(desk: Desk, device: Authenticator) -> Person:
    """Ana looks after trust, with this passkey."""
    await desk.add(ANA, "Ana B.", "trust_admin")
    found = await desk.people.admit(await desk.enrol(ANA, device))
    assert found is not None
    return found


async def offered(desk: Desk, person: Person, device: Authenticator) -> Any:
    """The card that the person makes with the passkey."""
    ceremony = await desk.people.offer(person)
    return await desk.people.offered(person, ceremony.id, device.get(ceremony.options))


async def enrolled(desk: Desk, card: Any) -> None:
    """Two others have enrolled the card."""
    body: Any = {"admin": dict(card)}
    now = desk.clock.now()
    asked = Change(node=OWN, subject=ADMINS, prev=None, at=now, action=str(Action.ADMIN_ENROL), body=body)

    def move(connection: Connection) -> None:
        administrators.begin(connection, OWN, CARDS, 1)
        payload, state = asked.encode(), DONE
        row = ChangeRow(hash=asked.hash, subject=ADMINS, seq=2, payload=payload, state=state, at=now, effective=now)
        changes.add_change(connection, row)

    await desk.store.move(move)


async def test_a_card_is_kept_with_its_person(desk: Desk):
    """Under their name, with a new pseudonym, by the passkey that they came in with; its use is written and logged."""
    device = Authenticator()
    person = await admin_person(desk, device)
    desk.clock.at += 60
    ceremony = await desk.people.offer(person)
    options: Any = ceremony.options
    assert [one["id"] for one in options["allowCredentials"]] == [b64u(device.id)]
    card: Any = await desk.people.offered(person, ceremony.id, device.get(options))
    pseudonym = ceremony.id.partition(".")[2]
    said = card["card"]
    assert (said["label"], said["pseudonym"], said["at"]) == ("Ana B.", pseudonym, desk.clock.now())
    row = await desk.store.read(lambda c: people_store.find(c, ANA))
    assert row is not None
    assert (row.admin, row.card) == (pseudonym, canon(card))
    (held,) = await desk.passkeys(ANA)
    assert (held.counter, held.used) == (device.counter - 1, desk.clock.now())
    told = {"ev": "admin.offered", "id": ANA, "kid": sessions.passkey_of(held).kid}
    assert (await desk.leaves())[-1] == told
    (listed,) = await desk.store.read(sessions.offered)
    assert listed.to_json() == card


async def test_an_offer_is_good_for_five_minutes(desk: Desk):
    """Up to its last second; what another device signs is refused and counted under the person."""
    device = Authenticator()
    person = await admin_person(desk, device)
    ceremony = await desk.people.offer(person)
    thief = Authenticator(id=device.id, counter=9)
    await refused(desk.people.offered(person, ceremony.id, thief.get(ceremony.options)))
    assert (await desk.leaves())[-1] == {"ev": "sign_in.refused", "id": ANA, "code": "bad_signature"}
    assert await counted(desk, ANA) == 1
    desk.clock.at += CHALLENGE_LIFE - 1
    said = device.get(ceremony.options)
    assert await desk.people.offered(person, ceremony.id, said)
    desk.clock.at += 1
    await refused(desk.people.offered(person, ceremony.id, said))


async def test_who_is_an_administrator_is_one_at_the_console(desk: Desk):
    """Under the pseudonym of the card, once it is enrolled; then nobody offers twice, and it is listed no more."""
    device = Authenticator()
    person = await admin_person(desk, device)
    session = await desk.sign_in(device)
    card = await offered(desk, person, device)
    found = await desk.people.admit(session)
    assert found is not None and found.admin is None
    await enrolled(desk, card)
    found = await desk.people.admit(session)
    assert found is not None and found.admin == card["card"]["pseudonym"]
    assert await desk.store.read(sessions.offered) == []
    assert (await refused(desk.people.offer(found), Code.CONFLICT, "counts once")).hint


async def test_a_change_is_signed_by_its_hash(desk: Desk):
    """With the passkey of the card alone, for the site of the card; an emergency is another challenge."""
    device = Authenticator()
    person = await admin_person(desk, device)
    card = await offered(desk, person, device)
    await enrolled(desk, card)
    asked = Change(node=OWN, subject=ADMINS, prev=None, at=1, action=str(Action.ADMIN_RETIRE), body={"pseudonym": BEN})
    signer = replace(person, admin=card["card"]["pseudonym"])
    for emergency in (False, True):
        options: Any
        ceremony = await desk.people.approval(signer, asked.to_json(), emergency=emergency)
        options = ceremony.options
        assert ceremony.id == asked.hash
        assert options["challenge"] == b64u(PasskeyApproval.challenge(asked, emergency=emergency))
        assert [one["id"] for one in options["allowCredentials"]] == [b64u(device.id)]
        assert options["rpId"] == "desk.example.org"
    plain = await desk.people.approval(signer, asked.to_json())
    assert plain.options["challenge"] == b64u(PasskeyApproval.challenge(asked, emergency=False))
    await refused(desk.people.approval(signer, {"node": "x"}), Code.INVALID)


@pytest.mark.parametrize("admin", [None, "nobody's pseudonym", CARDS[0].pseudonym], ids=["none", "unknown", "a file"])
async def test_who_has_no_passkey_on_a_card_signs_nothing_here(desk: Desk, admin: str | None):
    """An administrator with a key file signs at a shell."""
    await desk.store.move(lambda c: administrators.begin(c, OWN, CARDS, 1))
    person = Person(id=ANA, name="Ana", caller=OWNER, admin=admin)
    told = await refused(desk.people.approval(person, {}), Code.UNAUTHORISED, "no administrator with a passkey")
    assert "trm peer approve" in (told.hint or "")


def test_the_passkey_of_a_card_as_it_is_now(connection: Connection):
    """With its count; once it has ended nothing is signed with it."""
    device = Authenticator()
    card = card_of(device)
    row = PersonRow(id=ANA, name="Ana", roles="trust_admin", unit=None, language=None, made=1, ended=None)
    people_store.add(connection, row)
    held = PasskeyRow(id=b64u(device.id), person=ANA, key=device.cose(), counter=8, synced=False, made=1, used=2)
    with pytest.raises(RefusedError, match="no longer valid") as caught:
        sessions.still_held(connection, card)
    assert caught.value.code is Code.NOT_FOUND
    people_store.add_passkey(connection, held)
    assert sessions.still_held(connection, card) == held
    known = sessions.passkey_of(held)
    assert (known.id, known.key, known.counter, known.synced) == (device.id, device.cose(), 8, False)
