"""Who may release or be shown content, by the word of an administrator: what an approved change does to a person, and
whether two people are two (nrm1 13.10).

A change about a person says all of what they then are: name, roles and unit. `gateway.trust.changes` stores and
approves it, and asks here whether it fits and what follows. A code that comes with it is made by whoever shows it.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.access import people_store, rules
from gateway.access.logins import end_logins
from gateway.access.people_store import PersonRow, roles_of, vouchers_of
from gateway.access.sessions import end_sessions
from gateway.changes import store as change_rows
from gateway.changes.rules import Action
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import UnitId
from gateway.foundation.json import Json
from gateway.operations.roles import Role
from keys.documents.change import PERSON, Change


def subject_of(person: str) -> str:
    """The subject of the changes about a person."""
    return PERSON + person


def body_of(row: PersonRow, roles: frozenset[Role], unit: UnitId | None) -> dict[str, Json]:
    """Write down as a change says it what this person then is."""
    return {"name": row.name, "roles": [*sorted(roles)], "unit": unit}


def person_of(connection: Connection, change: Change) -> PersonRow:
    """The person whom a change is about. Raises RefusedError(not_found) for nobody who works here."""
    row = people_store.find(connection, change.subject.removeprefix(PERSON))
    if row is None or row.ended is not None:
        raise RefusedError(
            Code.NOT_FOUND, "nobody who works here has this id; nothing was changed", hint="trm person list"
        )
    return row


def gives_code(row: PersonRow, change: Change) -> bool:
    """Whether a code comes with a change of this person as they are before it. It does where no administrator has
    approved the codes that they had: who vouched before does not vouch for who uses a new one.
    """
    action = Action(change.action)
    first = action is Action.PERSON_CHANGE and not rules.needs_word(roles_of(row))
    return first or action in (Action.PERSON_ENROL, Action.PERSON_INVITE)


def give_up(connection: Connection, person: str, now: int) -> None:
    """End what waits for an administrator about this person."""
    for row in change_rows.in_state(connection, change_rows.PENDING, subject_of(person)):
        change_rows.set_state(connection, row.hash, change_rows.WITHDRAWN)
        journal.append_leaf(connection, leaf(now, "change.withdrawn", change=row.hash, actor=None))


def check_change(connection: Connection, change: Change) -> None:
    """Return if a change is about somebody who is here as it says; only `person.change` says what they are not yet.

    Raises:
        RefusedError: not_found, conflict.
    """
    row = person_of(connection, change)
    says = change.body["roles"]
    asked = frozenset(Role(str(word)) for word in says) if isinstance(says, list) else frozenset[Role]()
    if change.action != Action.PERSON_CHANGE:
        fits = change.body == body_of(row, roles_of(row), row.unit)
    else:
        fits = change.body["name"] == row.name
    if not (fits and rules.needs_word(asked)):
        raise RefusedError(
            Code.CONFLICT,
            "this person is not as the change says any more; nothing was changed",
            hint="ask for it again",
        )


def carry_out(connection: Connection, change: Change, admin: str, actor: str, now: int) -> None:
    """An administrator has approved a change: the person is what it says, and the administrator vouches for them.

    Raises:
        RefusedError: forbidden; it is the administrator's own row.
    """
    row, action = person_of(connection, change), Action(change.action)
    if row.admin == admin:
        raise RefusedError(
            Code.FORBIDDEN,
            "nobody may approve their own rights; nothing was changed",
            hint="another administrator does",
        )
    coded = gives_code(row, change)
    if action is Action.PERSON_CHANGE:
        if coded:  # what they came in with so far was given without an administrator
            people_store.drop_passkeys(connection, row.id)
            people_store.uninvite(connection, row.id)
        unit, roles = change.body["unit"], change.body["roles"]
        words = " ".join(str(word) for word in roles) if isinstance(roles, list) else ""
        give_rights(connection, row, words, None if unit is None else UnitId(str(unit)), actor, now)
    elif action is Action.PERSON_INVITE:
        journal.append_leaf(connection, leaf(now, "person.invited", id=row.id, instead=False, actor=actor))
    before = frozenset[str]() if coded else vouchers_of(row)
    people_store.vouch(connection, row.id, before | {admin})
    journal.append_leaf(connection, leaf(now, "person.vouched", id=row.id, actor=actor))


def give_rights(connection: Connection, row: PersonRow, roles: str, unit: UnitId | None, actor: str, now: int) -> None:
    """A person has other roles or another unit from now on; they sign in anew with them."""
    people_store.change(connection, row.id, roles=roles, unit=unit)
    end_access(connection, row.id, "changed", now)
    bound = unit is not None
    journal.append_leaf(connection, leaf(now, "person.changed", id=row.id, roles=roles, bound=bound, actor=actor))


def end_access(connection: Connection, person: str, reason: str, now: int) -> None:
    """End the sessions and the personal tokens of a person; their passkeys stay."""
    end_sessions(connection, people_store.sessions(connection, person), reason, now)
    end_logins(connection, person, reason, now)


def check_two_people(connection: Connection, first: str, second: str) -> None:
    """Return if these two, by id, may release together; to be asked in the transaction in which the second one acts. An
    administrator vouches neither for themselves nor for whom they would release with, as far as the node knows who an
    administrator is. Raises RefusedError(conflict).
    """
    rows = [people_store.find(connection, one) for one in (first, second)]
    own = {row.admin for row in rows if row is not None and row.admin is not None}
    one, other = (frozenset[str]() if row is None else vouchers_of(row) - own for row in rows)
    rules.check_two_people(one, other)
