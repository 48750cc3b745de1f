"""How people who work here are shown: what they come in with, what waits for an administrator, and their state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from support.ceremony import CARDS

from gateway.access import enrolment, token_store
from gateway.access import people_store as people
from gateway.access.operations.people_shown import show_people, with_code
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow
from gateway.access.rules import IDLE, LONGEST
from gateway.access.sessions import passkey_of
from gateway.access.token_store import TokenRow
from gateway.changes import administrators
from gateway.changes import store as changes
from gateway.changes.rules import NODE, PROPOSAL_LIFE, Action
from gateway.changes.store import ChangeRow
from gateway.foundation import config
from gateway.foundation.ids import NodeId
from gateway.operations.roles import Role
from keys.documents.change import Change

NOW = 1_800_000_000
OWN = NodeId("n1" + "a" * 32)
ANA = PersonRow(id="A" * 22, name="Ana", roles="auditor case_worker", unit="shelter", language="fr", made=1, ended=None)
BEN = PersonRow(id="B" * 22, name="Ben", roles="auditor", unit=None, language=None, made=2, ended=None)


@pytest.fixture
def here(connection: Connection) -> Connection:
    """Ana and Ben work here, and have nothing to come in with."""
    for row in (ANA, BEN):
        people.add(connection, row)
    return connection


def shown(connection: Connection, *rows: PersonRow, now: int = NOW) -> list[dict[str, Any]]:
    """How these people are shown as they are now."""
    known = {row.id: row for row in people.load(connection)}
    found: Any = show_people(connection, [known[row.id] for row in rows], now)
    return list(found)


def passkey(person: PersonRow, id: str, *, synced: bool = False) -> PasskeyRow:
    """A passkey that was never used."""
    return PasskeyRow(id=id * 8, person=person.id, key=b"key", counter=0, synced=synced, made=7, used=None)


def token(person: PersonRow, id: str, expires: int) -> TokenRow:
    """A personal token."""
    return TokenRow(
        id=id, hash=id, role=None, person=person.id, unit=None, label="", made=1, expires=expires, revoked=None
    )


def waits(connection: Connection, person: PersonRow, *, at: int = NOW, state: str = changes.PENDING) -> Change:
    """Something about a person waits for an administrator since then."""
    body = enrolment.body_of(person, frozenset({Role.CASE_WORKER}), None)
    asked = Change(
        node=OWN,
        subject=enrolment.subject_of(person.id),
        prev=None,
        at=at,
        action=str(Action.PERSON_ENROL),
        body=body,
    )
    row = ChangeRow(
        hash=asked.hash, subject=asked.subject, seq=None, payload=asked.encode(), state=state, at=at, effective=None
    )
    changes.add_change(connection, row)
    return asked


def test_a_person_without_anything(here: Connection):
    """Who they are, and that they can not come in."""
    assert shown(here, ANA) == [
        {
            "id": ANA.id,
            "name": "Ana",
            "roles": ["auditor", "case_worker"],
            "unit": "shelter",
            "language": "fr",
            "state": "locked_out",
            "made": 1,
            "ended": None,
            "invited_until": None,
            "passkeys": [],
            "sessions": 0,
            "tokens": 0,
            "vouched": [],
            "waits": None,
        }
    ]


def test_each_person_is_shown_with_what_is_theirs(here: Connection):
    """In the order in which they are asked for; of sessions and tokens those that are good now."""
    hers = [passkey(ANA, "ana1"), passkey(ANA, "ana2", synced=True)]
    for one in (*hers, passkey(BEN, "ben1")):
        people.add_passkey(here, one)
    people.use_passkey(here, hers[0].id, 3, at=9)
    for n, (person, made, seen) in enumerate(
        [(ANA, NOW, NOW), (ANA, NOW - LONGEST, NOW), (ANA, NOW, NOW - IDLE), (BEN, NOW, NOW), (BEN, NOW, NOW)]
    ):
        people.begin(here, SessionRow(hash=f"{n}", person=person.id, made=made, seen=seen))
    for n, (person, expires) in enumerate([(ANA, NOW + 1), (ANA, NOW), (BEN, NOW + 1)]):
        token_store.add(here, token(person, f"{n}", expires))
    bens, anas = shown(here, BEN, ANA)
    assert anas["passkeys"] == [
        {"kid": passkey_of(hers[0]).kid, "synced": False, "made": 7, "used": 9},
        {"kid": passkey_of(hers[1]).kid, "synced": True, "made": 7, "used": None},
    ]
    assert (anas["sessions"], anas["tokens"], anas["state"]) == (1, 1, "active")
    assert (len(bens["passkeys"]), bens["sessions"], bens["tokens"]) == (1, 2, 1)


def test_who_vouches_is_shown_by_name(here: Connection):
    """In the order of their names, also one whose card waits; whom nobody knows any more, by the pseudonym."""
    administrators.begin(here, OWN, CARDS, 1)
    people.add(here, replace(BEN, id="E" * 22, name="Eva", admin="y" * 22))
    people.vouch(here, ANA.id, [*(card.pseudonym for card in CARDS), "y" * 22, "z" * 22])
    assert shown(here, ANA)[0]["vouched"] == ["Ana B.", "Ben C.", "Eva", "z" * 22]


@pytest.mark.parametrize(
    ("has", "state"),
    [
        ("a passkey", "active"),
        ("a token", "active"),
        ("an invitation", "invited"),
        ("a request", "asked"),
        ("an invitation and a request", "invited"),
        ("a passkey and a request", "active"),
        ("a passkey, and has left", "ended"),
    ],
)
def test_the_state_of_a_person(here: Connection, has: str, state: str):
    """What lets them in comes before what may, and what may before what waits; who has left has none of it."""
    if "passkey" in has:
        people.add_passkey(here, passkey(ANA, "ana1"))
    if "token" in has:
        token_store.add(here, token(ANA, "1", NOW + 1))
    if "invitation" in has:
        people.invite(here, "hash", ANA.id, expires=NOW + 1)
    if "request" in has:
        waits(here, ANA)
    if "left" in has:
        people.end(here, ANA.id, at=5)
    anas, bens = shown(here, ANA, BEN)
    assert (anas["state"], anas["ended"]) == (state, 5 if state == "ended" else None)
    assert anas["invited_until"] == (NOW + 1 if "invitation" in has else None)
    assert bens["state"] == "locked_out"


def test_what_waits_is_shown_as_it_is_signed(here: Connection):
    """With its words and its end, under the person whom it is about."""
    asked = waits(here, ANA)
    anas, bens = shown(here, ANA, BEN)
    assert anas["waits"] == {
        "id": asked.hash,
        "action": "person.enrol",
        "change": asked.to_json(),
        "words": anas["waits"]["words"],
        "ends": NOW + PROPOSAL_LIFE,
    }
    assert "name: Ana" in anas["waits"]["words"]
    assert bens["waits"] is None


@pytest.mark.parametrize(
    ("ago", "state", "there"),
    [
        (PROPOSAL_LIFE - 1, changes.PENDING, True),
        (PROPOSAL_LIFE, changes.PENDING, False),
        (0, changes.DONE, False),
    ],
    ids=["its last second", "over", "done"],
)
def test_what_is_over_waits_no_more(here: Connection, ago: int, state: str, there: bool):
    """Nobody signs it any more."""
    waits(here, ANA, at=NOW - ago, state=state)
    assert (shown(here, ANA)[0]["waits"] is not None) is there


def test_a_change_of_the_node_is_nobodys(here: Connection):
    """It waits too, and is about no person."""
    body = {"name": "x"}
    other = Change(node=OWN, subject=NODE, prev=None, at=NOW, action=str(Action.POLICY_NARROW), body=body)
    row = ChangeRow(
        hash=other.hash, subject=NODE, seq=None, payload=b"{}", state=changes.PENDING, at=NOW, effective=None
    )
    changes.add_change(here, row)
    assert [one["waits"] for one in shown(here, ANA, BEN)] == [None, None]


# --- the code of an invitation -------------------------------------------------------------------------------------

NODE_TOML = """
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


@pytest.mark.parametrize(
    ("listens", "code", "address"),
    [
        (True, "aaaa-bbbb", "http://localhost:8080/enrol#aaaa-bbbb"),
        (True, None, None),
        (False, "aaaa-bbbb", None),
    ],
    ids=["a code and a console", "no code", "no console"],
)
def test_a_code_is_shown_with_the_place_where_it_is_used(listens: bool, code: str | None, address: str | None):
    """Where there is a console, and beside all that is shown of the person."""
    settings = NODE_TOML + ('\n[local]\nlisten = "127.0.0.1:8080"\n' if listens else "")
    found = with_code({"id": "x"}, code, config.parse(settings, Path("node.toml")))
    assert found == {"id": "x", "code": code, "address": address}
    with pytest.raises(RuntimeError, match="shown as an object"):
        with_code(["x"], code, config.parse(settings, Path("node.toml")))
