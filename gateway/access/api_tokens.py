"""The tokens of the local API: how one is made, and whom a text that claims to be one belongs to.

A token is `trm.ID.SECRET`. The id finds its row and is no secret; the whole text is compared, in constant time, by its
SHA-256. One of a program has a role; a personal one stands for a person and has the rights that they have now. Failed
attempts are counted for each id by itself, so that a program with an old token can not lock out another; attempts with
an id that nobody has are counted together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from gateway.access import people_store, token_store
from gateway.access.attempts import NOBODY, Attempts
from gateway.access.people_store import PersonRow, roles_of
from gateway.access.token_store import TokenRow
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import UnitId
from gateway.operations.roles import Caller, Role
from gateway.ports import Clock
from keys.primitives.encoding import DAY, b64u, same, sha256_hex

ID = 8
SECRET = 32
FIRST_DAYS = 400
"""Life of the token that `trm init` writes: as long as the first descriptor, whose end needs a person anyway."""
_UNKNOWN = sha256_hex(b"")
_PROGRAM, _PERSON = "trm token new makes another", "trm login signs in again, trm logout goes on without"


def make(
    rand: Callable[[int], bytes], *, role: Role, unit: UnitId | None, label: str, now: int, days: int
) -> tuple[str, TokenRow]:
    """A new token of a program and the row that is kept of it."""
    id, text, hash = _new(rand)
    return text, TokenRow(
        id=id,
        hash=hash,
        role=str(role),
        person=None,
        unit=unit,
        label=label,
        made=now,
        expires=now + days * DAY,
        revoked=None,
    )


def make_personal(
    rand: Callable[[int], bytes], *, person: str, label: str, now: int, seconds: int
) -> tuple[str, TokenRow]:
    """A new personal token and the row that is kept of it."""
    id, text, hash = _new(rand)
    return text, TokenRow(
        id=id,
        hash=hash,
        role=None,
        person=person,
        unit=None,
        label=label,
        made=now,
        expires=now + seconds,
        revoked=None,
    )


def _new(rand: Callable[[int], bytes]) -> tuple[str, str, str]:
    """Id, text and hash of a new token."""
    id = rand(ID).hex()
    text = f"trm.{id}.{b64u(rand(SECRET))}"
    return id, text, sha256_hex(text.encode())


class ApiTokens:
    """The tokens as the door sees them, in memory, with the people whose they are: the process that owns the folder is
    the only one to change them.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._reading = asyncio.Lock()
        self._clock = clock
        self._attempts = Attempts(clock)
        self._rows: Mapping[str, TokenRow] = {}
        self._people: Mapping[str, PersonRow] = {}

    async def refresh(self) -> None:
        """Read every token and its person again; after each change of either. One after the other: what was read before
        a token was revoked never replaces what was read after it.
        """

        def load(connection: Connection) -> tuple[list[TokenRow], list[PersonRow]]:
            return token_store.load(connection), people_store.load(connection)

        async with self._reading:
            rows, people = await self._store.read(load)
            self._people = {row.id: row for row in people}
            self._rows = {row.id: row for row in rows}

    def all(self) -> tuple[TokenRow, ...]:
        """Every token of a program there ever was and the personal ones that are kept, oldest first."""
        return tuple(self._rows.values())

    def name_of(self, person: str) -> str:
        """Find what colleagues call the person of a token."""
        return self._people[person].name

    def find(self, id: str) -> TokenRow | None:
        """One token by its id."""
        return self._rows.get(id)

    def admit(self, text: str) -> Caller:
        """Find the holder of this token.

        Raises:
            RefusedError: unauthorised: unknown, expired or revoked; only who has the secret learns which.
            TransientError: unauthorised: too many failed attempts with this id, this one was not looked at.
        """
        parts = text.split(".")
        row = self._rows.get(parts[1]) if len(parts) == 3 else None
        counted = NOBODY if row is None else row.id
        self._attempts.check(counted, hint="use a valid token")
        right = same(sha256_hex(text.encode(errors="replace")), _UNKNOWN if row is None else row.hash)
        if row is None or not right:
            self._attempts.count(counted)
            raise RefusedError(Code.UNAUTHORISED, "no such token", hint="trm token new makes one, trm login a person's")
        hint = _PROGRAM if row.person is None else _PERSON
        if row.revoked is not None:
            raise RefusedError(Code.UNAUTHORISED, "the token was revoked", hint=hint)
        if row.expires <= self._clock.now():
            raise RefusedError(Code.UNAUTHORISED, "the token has expired", hint=hint)
        return self._caller(row)

    def _caller(self, row: TokenRow) -> Caller:
        """A program with its role, or a person with the rights that they have now."""
        if row.role is not None:
            return Caller(roles=frozenset({Role(row.role)}), unit=row.unit, token=row.id)
        whose = self._people[row.person or ""]
        if whose.ended is not None:
            raise RuntimeError("the tokens of a person end with them")
        return Caller(roles=roles_of(whose), unit=whose.unit, token=row.id, person=whose.id)
