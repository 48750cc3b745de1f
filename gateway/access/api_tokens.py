"""The tokens of the local API: how one is made, and whom a text that claims to be one belongs to.

A token is `trm.ID.SECRET`. The id finds its row and is no secret; the whole text is compared, in constant time, by its
SHA-256. Failed attempts are counted for each id by itself, so that a program with an old token can not lock out
another; attempts with an id that nobody has are counted together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.access import token_store
from gateway.access.token_store import TokenRow
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError
from gateway.operations.roles import Caller, Role
from gateway.ports import Clock
from keys.primitives.encoding import DAY, b64u, same, sha256_hex

ID = 8
SECRET = 32
ATTEMPTS = 10
"""Failed attempts with one id that are answered at once; after them one in `PAUSE` seconds."""
PAUSE = 10.0
FIRST_DAYS = 400
"""Life of the token that `trm init` writes: as long as the first descriptor, whose end needs a person anyway."""
_NOBODY = sha256_hex(b"")


def make(
    rand: Callable[[int], bytes], *, role: Role, unit: str | None, label: str, now: int, days: int
) -> tuple[str, TokenRow]:
    """A new token and the row that is kept of it."""
    id = rand(ID).hex()
    text = f"trm.{id}.{b64u(rand(SECRET))}"
    row = TokenRow(
        id=id,
        hash=sha256_hex(text.encode()),
        role=str(role),
        unit=unit,
        label=label,
        made=now,
        expires=now + days * DAY,
        revoked=None,
    )
    return text, row


class ApiTokens:
    """The tokens as the door sees them, in memory: the process that owns the folder is the only one to change them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows: Mapping[str, TokenRow] = {}
        self._failed: dict[str, tuple[float, float]] = {}

    async def refresh(self) -> None:
        """Read every token again; after each change."""
        self._rows = {row.id: row for row in await self._store.read(token_store.load)}

    def all(self) -> tuple[TokenRow, ...]:
        """Every token there ever was, oldest first."""
        return tuple(self._rows.values())

    def admit(self, text: str) -> Caller:
        """Who holds this token.

        Raises:
            RefusedError: unauthorised: unknown, expired or revoked; only who has the secret learns which.
            TransientError: unauthorised: too many failed attempts with this id, this one was not looked at.
        """
        parts = text.split(".")
        row = self._rows.get(parts[1]) if len(parts) == 3 else None
        counted = "" if row is None else row.id
        if self._attempts_left(counted) < 1:
            raise TransientError(
                Code.UNAUTHORISED, "too many failed attempts", hint=f"wait {PAUSE:.0f} seconds, then use a valid token"
            )
        right = same(sha256_hex(text.encode(errors="replace")), _NOBODY if row is None else row.hash)
        if row is None or not right:
            self._failed[counted] = (self._attempts_left(counted) - 1, self._clock.monotonic())
            raise RefusedError(Code.UNAUTHORISED, "no such token", hint="trm token new makes one")
        if row.revoked is not None:
            raise RefusedError(Code.UNAUTHORISED, "the token was revoked", hint="trm token new makes another")
        if row.expires <= self._clock.now():
            raise RefusedError(Code.UNAUTHORISED, "the token has expired", hint="trm token new makes another")
        return Caller(roles=frozenset({Role(row.role)}), unit=row.unit, token=row.id)

    def _attempts_left(self, counted: str) -> float:
        left, at = self._failed.get(counted, (float(ATTEMPTS), 0.0))
        return min(float(ATTEMPTS), left + (self._clock.monotonic() - at) / PAUSE)
