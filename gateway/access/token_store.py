"""Tokens of the local API: of what role or person each is and until when. A token itself is stored nowhere, only its
SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.database.rows import values_of
from gateway.database.tables import token
from gateway.foundation.ids import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One token. `hash` is the SHA-256 of its text in hexadecimal; times are Unix seconds. One of a program has a
    `role` and perhaps a `unit`; a personal one has a `person`, whose rights it has.
    """

    id: str
    hash: str
    role: str | None
    person: str | None
    unit: UnitId | None
    label: str
    made: int
    expires: int
    revoked: int | None


def add(connection: Connection, row: TokenRow) -> None:
    """Insert a new token."""
    connection.execute(insert(token).values(**values_of(row)))


def load(connection: Connection) -> list[TokenRow]:
    """Every token that is kept, oldest first."""
    query = select(*(token.c[name] for name in TokenRow.__slots__)).order_by(token.c.made, token.c.id)
    return [TokenRow(**row._mapping) for row in connection.execute(query)]


def revoke(connection: Connection, id: str, *, at: int) -> bool:
    """End a token for ever; False when there is none with this id that was not revoked."""
    query = update(token).where(token.c.id == id, token.c.revoked.is_(None)).values(revoked=at)
    return bool(connection.execute(query).rowcount)


def revoke_all(connection: Connection, *, at: int) -> None:
    """End every token, of programs and of people: for a database that was put back."""
    connection.execute(update(token).where(token.c.revoked.is_(None)).values(revoked=at))


# --- personal tokens ---------------------------------------------------------------------------------------------


def revoke_personal(connection: Connection, person: str, *, at: int) -> int:
    """End every token of a person; how many were valid until now."""
    valid = (token.c.person == person, token.c.revoked.is_(None), token.c.expires > at)
    return connection.execute(update(token).where(*valid).values(revoked=at)).rowcount


def count_personal(connection: Connection, now: int) -> dict[str, int]:
    """Count the valid tokens, by person."""
    query = (
        select(token.c.person, func.count().label("n"))
        .where(token.c.person.is_not(None), token.c.revoked.is_(None), token.c.expires > now)
        .group_by(token.c.person)
    )
    return {row.person: row.n for row in connection.execute(query)}


def drop_personal(connection: Connection, *, before: int) -> None:
    """Take out personal tokens that expired before this time: the audit log and what was read name the person."""
    connection.execute(delete(token).where(token.c.person.is_not(None), token.c.expires < before))
