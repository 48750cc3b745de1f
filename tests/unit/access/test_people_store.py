"""People, passkeys, invitations and sessions in the database: who is found by what, and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from gateway.access import people_store as people
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow, roles_of, vouchers_of
from gateway.operations.roles import Role

NOW = 1_000


def person(connection: Connection, id: str, **changed: Any) -> PersonRow:
    """A case worker of the shelter, but for what `changed` says."""
    usual = PersonRow(
        id=id, name=f"{id} of the shelter", roles="case_worker", unit="shelter", language=None, made=100, ended=None
    )
    row = replace(usual, **changed)
    people.add(connection, row)
    return row


def everybody(connection: Connection) -> dict[str, PersonRow]:
    """All that are stored."""
    return {row.id: row for row in people.load(connection)}


# --- people ------------------------------------------------------------------------------------------------------


def test_people_come_back_oldest_first(connection: Connection):
    """Those of one second by their id; who is not there is None."""
    rows = [
        person(connection, "a", made=300, ended=400, admin="pseudonym", card=b"card", vouched="x y"),
        person(connection, "c"),
        person(connection, "b", unit=None, language="fr"),
    ]
    assert people.load(connection) == [rows[2], rows[1], rows[0]]
    assert people.find(connection, "a") == rows[0]
    assert people.find(connection, "nobody") is None


def test_what_a_person_may_do_and_who_vouches():
    """Words with a space between them."""
    row = PersonRow(id="a", name="a", roles="case_worker operator", unit=None, language=None, made=1, ended=None)
    assert (roles_of(row), vouchers_of(row)) == ({Role.CASE_WORKER, Role.OPERATOR}, frozenset())
    assert vouchers_of(replace(row, vouched="x y")) == {"x", "y"}


def test_one_person_is_changed(connection: Connection):
    """Each act changes what it names, of the one it names."""
    one, other = person(connection, "a"), person(connection, "b")
    people.change(connection, "a", roles="operator", unit=None)
    one = replace(one, roles="operator", unit=None)
    assert everybody(connection) == {"a": one, "b": other}
    people.speak(connection, "a", "sq")
    people.offer(connection, "a", "first", b"first card")
    people.offer(connection, "a", "second", b"second card")
    people.vouch(connection, "a", {"y", "x"})
    people.end(connection, "a", at=NOW)
    one = replace(one, language="sq", admin="second", card=b"second card", vouched="x y", ended=NOW)
    assert everybody(connection) == {"a": one, "b": other}
    people.vouch(connection, "a", set())
    assert everybody(connection) == {"a": replace(one, vouched=None), "b": other}


def test_whom_an_administrator_vouched_for_they_vouch_for_after_the_next_offer(connection: Connection):
    """Once, under the pseudonym of now, beside the others who do; what somebody else offers changes nothing of it."""
    for id in ("pia", "eva", "tom", "ada"):
        person(connection, id)
    people.offer(connection, "pia", "first", b"card")
    people.vouch(connection, "eva", {"first"})
    people.vouch(connection, "tom", {"first", "other"})
    people.offer(connection, "ada", "hers", b"card")
    for pseudonym in ("second", "third"):
        people.offer(connection, "pia", pseudonym, b"card")
        vouched = {id: vouchers_of(row) for id, row in everybody(connection).items()}
        assert vouched == {"pia": set(), "eva": {pseudonym}, "tom": {pseudonym, "other"}, "ada": set()}


# --- passkeys ----------------------------------------------------------------------------------------------------


def passkey(connection: Connection, id: str, **changed: Any) -> PasskeyRow:
    """A passkey of Ana."""
    row = replace(
        PasskeyRow(id=id, person="ana", key=b"key of " + id.encode(), counter=1, synced=False, made=100, used=None),
        **changed,
    )
    people.add_passkey(connection, row)
    return row


def test_passkeys_of_a_person(connection: Connection):
    """Oldest first; those of one second by their id; of all where nobody is named."""
    person(connection, "ana"), person(connection, "ben")
    late, two, one = passkey(connection, "3", made=300), passkey(connection, "2", synced=True), passkey(connection, "1")
    bens = passkey(connection, "4", person="ben", made=50)
    assert people.passkeys_of(connection, "ana") == [one, two, late]
    assert people.passkeys_of(connection) == [bens, one, two, late]
    assert [people.find_passkey(connection, id) for id in ("2", "5")] == [two, None]


def test_a_passkey_counts_and_ends(connection: Connection):
    """The one that was shown counts; when a person loses theirs, all of that person end."""
    person(connection, "ana"), person(connection, "ben")
    one, _, bens = passkey(connection, "1"), passkey(connection, "2"), passkey(connection, "3", person="ben")
    people.use_passkey(connection, "1", 7, at=NOW)
    assert people.find_passkey(connection, "1") == replace(one, counter=7, used=NOW)
    assert people.find_passkey(connection, "3") == bens
    assert people.drop_passkeys(connection, "ana") == 2
    assert people.passkeys_of(connection) == [bens]


# --- invitations -------------------------------------------------------------------------------------------------


def test_an_invitation_is_for_one_person_and_a_while(connection: Connection):
    """Until its last second; a later one takes its place, and who has left is not invited any more."""
    ana, ben = person(connection, "ana"), person(connection, "ben")
    people.invite(connection, "lost code", "ana", expires=NOW + 9)
    people.invite(connection, "code", "ana", expires=NOW + 1)
    people.invite(connection, "ben's", "ben", expires=NOW + 5)
    assert [people.invited(connection, code, NOW) for code in ("code", "ben's", "lost code")] == [ana, ben, None]
    assert people.open_invitations(connection, NOW) == {"ana": NOW + 1, "ben": NOW + 5}
    assert people.invited(connection, "code", NOW + 1) is None
    assert people.open_invitations(connection, NOW + 1) == {"ben": NOW + 5}
    people.end(connection, "ben", at=NOW)
    assert people.invited(connection, "ben's", NOW) is None


def test_an_invitation_is_closed(connection: Connection):
    """That of one person."""
    person(connection, "ana"), person(connection, "ben")
    for id in ("ana", "ben"):
        people.invite(connection, f"code of {id}", id, expires=NOW)
    people.uninvite(connection, "ana")
    assert people.open_invitations(connection, 0) == {"ben": NOW}


# --- sessions ----------------------------------------------------------------------------------------------------


def session(connection: Connection, hash: str, **changed: Any) -> SessionRow:
    """A session of Ana that began at 100 and was used at 500."""
    row = replace(SessionRow(hash=hash, person="ana", made=100, seen=500), **changed)
    people.begin(connection, row)
    return row


def test_a_session_and_whose_it_is(connection: Connection):
    """Found by the hash of its secret alone."""
    ana = person(connection, "ana")
    person(connection, "ben")
    mine, bens = session(connection, "1"), session(connection, "2", person="ben")
    assert people.find_session(connection, "1") == (mine, ana)
    assert people.find_session(connection, "3") is None
    assert (people.sessions(connection, "ana"), people.sessions(connection, "ben")) == ([mine], [bens])


def test_a_session_is_used(connection: Connection):
    """Time does not go back, and others are not touched."""
    person(connection, "ana")
    mine, other = session(connection, "1"), session(connection, "2")
    people.touch(connection, "1", at=600)
    people.touch(connection, "1", at=400)
    assert people.sessions(connection, "ana") == [replace(mine, seen=600), other]


def test_sessions_that_last_and_that_are_over(connection: Connection):
    """One is over by its age or by silence, and is not counted from that second on."""
    person(connection, "ana"), person(connection, "ben")
    session(connection, "1"), session(connection, "2"), session(connection, "3", person="ben")
    old, silent = session(connection, "4", made=99), session(connection, "5", seen=499)
    assert people.count_sessions(connection, made=99, seen=499) == {"ana": 2, "ben": 1}
    assert people.over(connection, made=99, seen=499) == [old, silent]
    assert people.drop_sessions(connection, ["4", "5", "6"]) == 2
    assert people.over(connection, made=99, seen=499) == []
    assert [row.hash for row in people.sessions(connection, "ana")] == ["1", "2"]


def test_a_restored_database_lets_nobody_in(connection: Connection):
    """Whatever was ended since the backup is there again: people and the passkeys that are named stay."""
    ana = person(connection, "ana", vouched="x y")
    kept = passkey(connection, "1")
    passkey(connection, "2"), session(connection, "1")
    people.invite(connection, "code", "ana", expires=NOW)
    people.void_all(connection, but=["1", "3"])
    assert (people.sessions(connection, "ana"), people.open_invitations(connection, 0)) == ([], {})
    assert people.passkeys_of(connection) == [kept]
    assert people.load(connection) == [replace(ana, vouched=None)]
