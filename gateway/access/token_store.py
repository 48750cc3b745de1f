"""Tokens of the local API: what each may do and until when. A token itself is stored nowhere, only its SHA-256."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from gateway.database.rows import values_of
from gateway.database.tables import token


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One token. `hash` is the SHA-256 of its text in hexadecimal; times are Unix seconds."""

    id: str
    hash: str
    role: str
    unit: str | None
    label: str
    made: int
    expires: int
    revoked: int | None


def add(connection: Connection, row: TokenRow) -> None:
    """Insert a new token."""
    connection.execute(insert(token).values(**values_of(row)))


def load(connection: Connection) -> list[TokenRow]:
    """Every token there ever was, oldest first."""
    return [TokenRow(**row._mapping) for row in connection.execute(select(token).order_by(token.c.made, token.c.id))]


def revoke(connection: Connection, id: str, *, at: int) -> bool:
    """End a token for ever; False when there is none with this id that was not revoked."""
    query = update(token).where(token.c.id == id, token.c.revoked.is_(None)).values(revoked=at)
    return bool(connection.execute(query).rowcount)
