"""Tokens of the local API: those of programs made by the owner of the node, all listed and revoked by who looks after
trust. How people come to theirs is in `logins`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.access import api_tokens
from gateway.access import token_store as token_rows
from gateway.access.api_tokens import ApiTokens
from gateway.access.token_store import TokenRow
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.operations.ids import PersonId, TokenId, UnitId
from gateway.operations.models import DIGITS, ONE_LINE, Answer, Asked, Nothing, OneOf, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import CHECKS, OWNER_ONLY, PROTECTS, TRUST, Caller, Role
from gateway.ports import Clock, Json, OperationResult

USUAL_DAYS = 365
MOST_DAYS = 400

RoleWord = Annotated[str, OneOf(*Role)]


class MakeToken(Asked):
    """For what a token is."""

    role: RoleWord
    unit: UnitId | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS), DIGITS] = USUAL_DAYS
    label: Annotated[str, Field(min_length=1, max_length=64, description="what it is for"), ONE_LINE]


class EndToken(Asked):
    """A token that ends."""

    id: TokenId


class TokenShown(Answer):
    """A token without its secret."""

    id: TokenId
    role: RoleWord | None = Field(description="of a program; null where it is a person's, whose rights it has")
    person: PersonId | None
    name: str | None = Field(description="of the person")
    unit: str | None
    label: str
    state: Annotated[str, OneOf("valid", "expired", "revoked")]
    made: Time
    expires: Time
    revoked: Time | None


class NewToken(TokenShown):
    """A token with its text."""

    token: str = Field(description="shown this once")


class Tokens(Answer):
    """Every token."""

    tokens: list[TokenShown]


class EndedToken(Answer):
    """A token that is over."""

    id: TokenId
    state: Annotated[str, OneOf("revoked")]


class TokenOperations:
    """Operations on API tokens."""

    def __init__(
        self,
        *,
        store: Store,
        tokens: ApiTokens,
        config: Config,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._config = config
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "token.new",
        "make a token for one role; shown once",
        roles=OWNER_ONLY,
        about=About.NODE,
        answer=NewToken,
        creates=True,
        shown_once=True,
        example={"role": "adapter", "label": "case system"},
    )
    async def new(self, asked: MakeToken, caller: Caller) -> OperationResult:
        """Make a token for one role. Its text is in this answer and nowhere else."""
        check_unit(self._config, asked.unit)
        now = self._clock.now()
        secret, row = api_tokens.make(
            self._rand, role=Role(asked.role), unit=asked.unit, label=asked.label, now=now, days=asked.days
        )

        def move(connection: Connection) -> None:
            token_rows.add(connection, row)
            journal.append_leaf(
                connection, leaf(now, "token.made", id=row.id, role=row.role, actor=actor_of(self._actor, caller))
            )

        await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=self._shown(row, now) | {"token": secret}, created=True)

    @operation(
        "token.list",
        "tokens of this API, without their secrets",
        roles=CHECKS | PROTECTS,
        about=About.NODE,
        answer=Tokens,
    )
    async def list_tokens(self, _asked: Nothing) -> OperationResult:
        """Every token with its role or person and its end; no secret. Of people those of the last month."""
        now = self._clock.now()
        return OperationResult(value={"tokens": [self._shown(row, now) for row in self._tokens.all()]})

    @operation(
        "token.revoke",
        "end a token at once",
        roles=TRUST,
        about=About.NODE,
        answer=EndedToken,
    )
    async def revoke(self, asked: EndToken, caller: Caller) -> OperationResult:
        """End a token at once and for ever."""
        id, now = asked.id, self._clock.now()

        def move(connection: Connection) -> None:
            if not token_rows.revoke(connection, id, at=now):
                raise RefusedError(
                    Code.NOT_FOUND,
                    "no such token, or it was revoked before; nothing was changed",
                    hint="trm token list shows the ids",
                )
            journal.append_leaf(connection, leaf(now, "token.revoked", id=id, actor=actor_of(self._actor, caller)))

        await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value={"id": id, "state": "revoked"})

    def _shown(self, row: TokenRow, now: int) -> dict[str, Json]:
        state = "revoked" if row.revoked is not None else "expired" if row.expires <= now else "valid"
        return {
            "id": row.id,
            "role": row.role,
            "person": row.person,
            "name": None if row.person is None else self._tokens.name_of(row.person),
            "unit": row.unit,
            "label": row.label,
            "state": state,
            "made": row.made,
            "expires": row.expires,
            "revoked": row.revoked,
        }


def check_unit(config: Config, unit: UnitId | None) -> None:
    """Return if this is a unit of this node, or none is named. Raises RefusedError invalid."""
    if unit is not None and unit not in {known.id for known in config.units}:
        raise RefusedError(
            Code.INVALID,
            "the argument unit is wrong; nothing was changed",
            findings=[Finding(place="/unit", rule="enum", hint="a unit of this node's node.toml")],
        )


def actor_of(actor: Actor, caller: Caller) -> str:
    """Name who acts in the audit log: a keyed hash, the name stays in the local records (nrm1 13.9)."""
    return actor(caller.actor.encode()).hex()
