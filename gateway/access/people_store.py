"""People at the console: who they are, their passkeys, the invitation that is open, their sessions.

Of a code or a session only the SHA-256 is stored, and no challenge: nothing here lets anybody in. What has ended is
taken out, but for the person, whom the audit log and old releases name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.database.rows import as_bytes, values_of
from gateway.database.tables import invitation, passkey, person, session
from gateway.foundation.ids import UnitId
from gateway.operations.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person. `roles` are words with a space between; `ended` is when they left; `admin` and `card` are the
    pseudonym under which they offered to be an administrator, and what they signed for it; `vouched` are the pseudonyms
    of the administrators who vouch for them, with a space between.
    """

    id: str
    name: str
    roles: str
    unit: UnitId | None
    language: str | None
    made: int
    ended: int | None
    admin: str | None = None
    card: bytes | None = None
    vouched: str | None = None


def roles_of(row: PersonRow) -> frozenset[Role]:
    """Read what a person may do."""
    return frozenset(Role(word) for word in row.roles.split())


def vouchers_of(row: PersonRow) -> frozenset[str]:
    """The administrators who vouch for a person, by pseudonym."""
    return frozenset((row.vouched or "").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """One passkey: `id` is base64url, `key` a COSE key."""

    id: str
    person: str
    key: bytes
    counter: int
    synced: bool
    made: int
    used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session by the hash of its secret."""

    hash: str
    person: str
    made: int
    seen: int


# --- people ------------------------------------------------------------------------------------------------------


def _person(row: Row[Any]) -> PersonRow:
    return PersonRow(**{**row._mapping, "card": None if row.card is None else as_bytes(row.card)})


def add(connection: Connection, row: PersonRow) -> None:
    """Insert a new person."""
    connection.execute(insert(person).values(**values_of(row)))


def find(connection: Connection, id: str) -> PersonRow | None:
    """One person."""
    row = connection.execute(select(person).where(person.c.id == id)).first()
    return None if row is None else _person(row)


def load(connection: Connection) -> list[PersonRow]:
    """Everybody there ever was, oldest first."""
    query = select(person).order_by(person.c.made, person.c.id)
    return [_person(row) for row in connection.execute(query)]


def change(connection: Connection, id: str, *, roles: str, unit: UnitId | None) -> None:
    """Change what a person may do from now on."""
    connection.execute(update(person).where(person.c.id == id).values(roles=roles, unit=unit))


def speak(connection: Connection, id: str, language: str) -> None:
    """The language a person reads."""
    connection.execute(update(person).where(person.c.id == id).values(language=language))


def offer(connection: Connection, id: str, admin: str, card: bytes) -> None:
    """A person offers to be an administrator; an earlier offer is none any more. Whom they vouched for under the
    pseudonym of before they vouch for under this one: under two they would count as two.
    """
    before = connection.scalar(select(person.c.admin).where(person.c.id == id))
    connection.execute(update(person).where(person.c.id == id).values(admin=admin, card=card))
    for row in load(connection):
        if before in (known := vouchers_of(row)):
            vouch(connection, row.id, known - {before} | {admin})


def vouch(connection: Connection, id: str, admins: Iterable[str]) -> None:
    """Exactly these administrators vouch for a person from now on."""
    connection.execute(update(person).where(person.c.id == id).values(vouched=" ".join(sorted(admins)) or None))


def end(connection: Connection, id: str, *, at: int) -> None:
    """A person has left."""
    connection.execute(update(person).where(person.c.id == id).values(ended=at))


# --- passkeys ----------------------------------------------------------------------------------------------------


def _passkeys(connection: Connection, *conditions: object) -> list[PasskeyRow]:
    query = select(passkey).where(*conditions).order_by(passkey.c.made, passkey.c.id)  # type: ignore[arg-type]
    return [PasskeyRow(**{**row._mapping, "key": as_bytes(row.key)}) for row in connection.execute(query)]


def add_passkey(connection: Connection, row: PasskeyRow) -> None:
    """Insert a new passkey."""
    connection.execute(insert(passkey).values(**values_of(row)))


def find_passkey(connection: Connection, id: str) -> PasskeyRow | None:
    """One passkey by its id."""
    return next(iter(_passkeys(connection, passkey.c.id == id)), None)


def passkeys_of(connection: Connection, person: str | None = None) -> list[PasskeyRow]:
    """The passkeys of a person, or of all, oldest first."""
    return _passkeys(connection, *([] if person is None else [passkey.c.person == person]))


def use_passkey(connection: Connection, id: str, counter: int, *, at: int) -> None:
    """It was shown, and counts from here."""
    connection.execute(update(passkey).where(passkey.c.id == id).values(counter=counter, used=at))


def drop_passkeys(connection: Connection, person: str) -> int:
    """Every passkey of a person is none any more; how many there were."""
    return connection.execute(delete(passkey).where(passkey.c.person == person)).rowcount


# --- invitations -------------------------------------------------------------------------------------------------


def invite(connection: Connection, hash: str, person: str, *, expires: int) -> None:
    """Open the one invitation that a person may have; an earlier one is none any more."""
    uninvite(connection, person)
    connection.execute(insert(invitation).values(hash=hash, person=person, expires=expires))


def invited(connection: Connection, hash: str, now: int) -> PersonRow | None:
    """Find whom an open invitation is for."""
    query = (
        select(person)
        .join(invitation, invitation.c.person == person.c.id)
        .where(invitation.c.hash == hash, invitation.c.expires > now, person.c.ended.is_(None))
    )
    row = connection.execute(query).first()
    return None if row is None else _person(row)


def uninvite(connection: Connection, person: str) -> None:
    """Close the invitation of a person."""
    connection.execute(delete(invitation).where(invitation.c.person == person))


def open_invitations(connection: Connection, now: int) -> dict[str, int]:
    """When the open invitation of a person ends, by person."""
    query = select(invitation.c.person, invitation.c.expires).where(invitation.c.expires > now)
    return {row.person: row.expires for row in connection.execute(query)}


# --- sessions ----------------------------------------------------------------------------------------------------


def begin(connection: Connection, row: SessionRow) -> None:
    """Insert a new session."""
    connection.execute(insert(session).values(**values_of(row)))


def find_session(connection: Connection, hash: str) -> tuple[SessionRow, PersonRow] | None:
    """A session and whose it is."""
    row = connection.execute(select(session).where(session.c.hash == hash)).first()
    if row is None:
        return None
    found, whose = SessionRow(**row._mapping), find(connection, row.person)
    return None if whose is None else (found, whose)


def sessions(connection: Connection, person: str) -> list[SessionRow]:
    """The sessions of a person."""
    query = select(session).where(session.c.person == person)
    return [SessionRow(**row._mapping) for row in connection.execute(query)]


def count_sessions(connection: Connection, *, made: int, seen: int) -> dict[str, int]:
    """Count the sessions that began after `made` and were used after `seen`, by person."""
    query = (
        select(session.c.person, func.count().label("n"))
        .where(session.c.made > made, session.c.seen > seen)
        .group_by(session.c.person)
    )
    return {row.person: row.n for row in connection.execute(query)}


def touch(connection: Connection, hash: str, *, at: int) -> None:
    """A session was used."""
    connection.execute(update(session).where(session.c.hash == hash, session.c.seen < at).values(seen=at))


def drop_sessions(connection: Connection, hashes: Sequence[str]) -> int:
    """Delete these sessions; how many there were."""
    return connection.execute(delete(session).where(session.c.hash.in_(hashes))).rowcount


def over(connection: Connection, *, made: int, seen: int) -> list[SessionRow]:
    """Sessions that began by `made` or were last used by `seen`."""
    query = select(session).where((session.c.made <= made) | (session.c.seen <= seen))
    return [SessionRow(**row._mapping) for row in connection.execute(query)]


def void_all(connection: Connection, *, but: Iterable[str]) -> None:
    """No session, no invitation, nobody vouched for, and no passkey `but` these: for a database that was put back."""
    connection.execute(delete(session))
    connection.execute(delete(invitation))
    connection.execute(delete(passkey).where(passkey.c.id.not_in(list(but))))
    connection.execute(update(person).values(vouched=None))
