"""What an approved change does to a person, what gives a code, and what ends with rights that change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from gateway.access import enrolment, token_store
from gateway.access import people_store as people
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow
from gateway.access.token_store import TokenRow
from gateway.changes import store as changes
from gateway.changes.rules import NODE, Action
from gateway.changes.store import ChangeRow
from gateway.database import journal
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.operations.roles import Role
from keys.documents.change import Change

NOW = 1_000
OWN = NodeId("n1" + "a" * 32)


@pytest.fixture
def ana(connection: Connection) -> PersonRow:
    """Ana releases already, on the word of one administrator; she has a passkey, a session, a token and a code."""
    row = PersonRow(
        id="ana", name="Ana", roles="case_worker", unit="shelter", language=None, made=1, ended=None, vouched="x"
    )
    people.add(connection, row)
    people.add_passkey(
        connection, PasskeyRow(id="1", person="ana", key=b"key", counter=0, synced=False, made=1, used=None)
    )
    people.begin(connection, SessionRow(hash="1", person="ana", made=1, seen=1))
    people.invite(connection, "code", "ana", expires=NOW + 9)
    token = TokenRow(
        id="1", hash="1", role=None, person="ana", unit=None, label="", made=1, expires=NOW + 9, revoked=None
    )
    token_store.add(connection, token)
    return row


def leaves(connection: Connection) -> list[dict[str, Any]]:
    """The log without numbers; all of it is of now."""
    found = [orjson.loads(leaf) for _, leaf in journal.leaves(connection)]
    assert {leaf["at"] for leaf in found} <= {NOW}
    return [{k: v for k, v in leaf.items() if k not in ("seq", "at")} for leaf in found]


def changed(action: Action, row: PersonRow, *roles: Role, unit: str | None = None) -> Change:
    """A change after which the person is this."""
    body = enrolment.body_of(row, frozenset(roles), unit)
    subject = enrolment.subject_of(row.id)
    return Change(node=OWN, subject=subject, prev=None, at=NOW, action=str(action), body=body)


ENDED = [
    {"ev": "session.ended", "id": "ana", "reason": "changed", "count": 1},
    {"ev": "login.ended", "id": "ana", "reason": "changed", "count": 1},
]


@pytest.mark.parametrize("unit", ["office", None])
def test_other_rights_begin_with_a_new_sign_in(connection: Connection, ana: PersonRow, unit: str | None):
    """The log says whether they are bound to a unit, and not to which."""
    enrolment.give_rights(connection, ana, "operator", unit, "eva", NOW)
    assert people.load(connection) == [replace(ana, roles="operator", unit=unit)]
    assert people.sessions(connection, "ana") == []
    assert len(people.passkeys_of(connection, "ana")) == 1
    last = {"ev": "person.changed", "id": "ana", "roles": "operator", "bound": unit is not None, "actor": "eva"}
    assert leaves(connection) == [*ENDED, last]


def test_what_waits_about_a_person_waits_no_more(connection: Connection):
    """Nor is what waits about anything else touched."""
    for n, (subject, state) in enumerate(
        [("person:ana", changes.PENDING), ("person:ana", changes.DONE), ("person:ben", changes.PENDING), (NODE, "x")]
    ):
        if subject.startswith("person:"):
            subject = enrolment.subject_of(subject.removeprefix("person:"))
        row = ChangeRow(hash=f"hash {n}", subject=subject, seq=None, payload=b"", state=state, at=1, effective=None)
        changes.add_change(connection, row)
    enrolment.give_up(connection, "ana", NOW)
    states = {row.hash: row.state for row in changes.all_changes(connection, 9)}
    assert states == {
        "hash 0": changes.WITHDRAWN,
        "hash 1": changes.DONE,
        "hash 2": changes.PENDING,
        "hash 3": "x",
    }
    assert leaves(connection) == [{"ev": "change.withdrawn", "change": "hash 0", "actor": None}]


@pytest.mark.parametrize(
    ("action", "roles", "gives"),
    [
        (Action.PERSON_ENROL, "case_worker", True),
        (Action.PERSON_INVITE, "case_worker", True),
        (Action.PERSON_CHANGE, "case_worker", False),
        (Action.PERSON_CHANGE, "auditor", True),
        (Action.PERSON_VOUCH, "case_worker", False),
        (Action.PERSON_VOUCH, "auditor", False),
    ],
)
def test_a_code_comes_where_no_administrator_approved_the_last_one(
    ana: PersonRow, action: Action, roles: str, gives: bool
):
    """Who released nothing so far came in without one."""
    row = replace(ana, roles=roles)
    assert enrolment.gives_code(row, changed(action, row, Role.CASE_WORKER)) is gives


# --- an approved change --------------------------------------------------------------------------------------------


def test_who_releases_more_keeps_what_they_come_in_with(connection: Connection, ana: PersonRow):
    """The administrator vouches beside those before."""
    change = changed(Action.PERSON_CHANGE, ana, Role.CASE_WORKER, Role.OPERATOR, unit="office")
    enrolment.carry_out(connection, change, "y", "eva", NOW)
    after = replace(ana, roles="case_worker operator", unit="office", vouched="x y")
    assert people.load(connection) == [after]
    assert len(people.passkeys_of(connection, "ana")) == 1
    assert people.open_invitations(connection, NOW) == {"ana": NOW + 9}
    assert [leaf["ev"] for leaf in leaves(connection)] == [
        "session.ended",
        "login.ended",
        "person.changed",
        "person.vouched",
    ]
    assert leaves(connection)[-1] == {"ev": "person.vouched", "id": "ana", "actor": "eva"}


def test_who_releases_for_the_first_time_comes_in_anew(connection: Connection, ana: PersonRow):
    """With a new code, for which this administrator alone vouches; without a unit where none is said."""
    people.change(connection, "ana", roles="auditor", unit="shelter")
    change = changed(Action.PERSON_CHANGE, ana, Role.CASE_WORKER)
    enrolment.carry_out(connection, change, "y", "eva", NOW)
    assert people.load(connection) == [replace(ana, unit=None, vouched="y")]
    assert people.passkeys_of(connection, "ana") == []
    assert people.open_invitations(connection, NOW) == {}


def test_a_new_code_is_in_the_log(connection: Connection, ana: PersonRow):
    """And nobody vouches for who uses it but who approved it; rights and sessions stay."""
    change = changed(Action.PERSON_INVITE, ana, Role.CASE_WORKER, unit="shelter")
    enrolment.carry_out(connection, change, "y", "eva", NOW)
    assert people.load(connection) == [replace(ana, vouched="y")]
    assert len(people.sessions(connection, "ana")) == 1
    assert leaves(connection) == [
        {"ev": "person.invited", "id": "ana", "instead": False, "actor": "eva"},
        {"ev": "person.vouched", "id": "ana", "actor": "eva"},
    ]


def test_nobody_approves_their_own_rights(connection: Connection, ana: PersonRow):
    """Nothing is changed."""
    people.offer(connection, "ana", "y", b"card")
    change = changed(Action.PERSON_VOUCH, ana, Role.CASE_WORKER, unit="shelter")
    with pytest.raises(RefusedError, match="their own rights") as caught:
        enrolment.carry_out(connection, change, "y", "eva", NOW)
    assert (caught.value.code, caught.value.hint) == (Code.FORBIDDEN, "another administrator does")
    assert leaves(connection) == []


@pytest.mark.parametrize(
    ("action", "said", "fits"),
    [
        (Action.PERSON_VOUCH, {}, True),
        (Action.PERSON_VOUCH, {"name": "Eva"}, False),
        (Action.PERSON_VOUCH, {"unit": None}, False),
        (Action.PERSON_VOUCH, {"roles": ["operator"]}, False),
        (Action.PERSON_CHANGE, {"unit": None, "roles": ["case_worker", "operator"]}, True),
        (Action.PERSON_CHANGE, {"name": "Eva"}, False),
        (Action.PERSON_CHANGE, {"roles": ["auditor"]}, False),
    ],
)
def test_a_change_is_about_who_is_here(
    connection: Connection, ana: PersonRow, action: Action, said: dict[str, Any], fits: bool
):
    """As they are, but for a change of rights, which names them alone; and it is about somebody who releases."""
    honest = changed(action, ana, Role.CASE_WORKER, unit="shelter")
    change = replace(honest, body=dict(honest.body) | said)
    if fits:
        enrolment.check_change(connection, change)
        return
    with pytest.raises(RefusedError, match="not as the change says") as caught:
        enrolment.check_change(connection, change)
    assert (caught.value.code, caught.value.hint) == (Code.CONFLICT, "ask for it again")


def test_a_change_about_nobody(connection: Connection, ana: PersonRow):
    """Who has left is nobody."""
    people.end(connection, "ana", at=NOW)
    for row in (ana, replace(ana, id="eva")):
        with pytest.raises(RefusedError, match="nobody who works here") as caught:
            enrolment.check_change(connection, changed(Action.PERSON_VOUCH, row, Role.CASE_WORKER))
        assert (caught.value.code, caught.value.hint) == (Code.NOT_FOUND, "trm person list")
