"""Tokens of the local API: made by the owner of the node, listed and revoked by who looks after trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
from gateway.operations.arguments import Arguments, maybe_text, number, only, text
from gateway.operations.roles import Role
from gateway.operations.table import Operation
from gateway.ports import Clock, Json, OperationResult

USUAL_DAYS = 365
MOST_DAYS = 400


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

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "token.new": self.new,
            "token.list": self.list_tokens,
            "token.revoke": self.revoke,
        }

    async def new(self, arguments: Arguments) -> OperationResult:
        """Make a token for one role. Its text is in this answer and nowhere else."""
        only(arguments, "role", "unit", "days", "label", "by")
        role, unit = _role(text(arguments, "role")), maybe_text(arguments, "unit")
        label, by = text(arguments, "label", longest=64), text(arguments, "by", longest=64)
        days = number(arguments, "days", otherwise=USUAL_DAYS, most=MOST_DAYS)
        if days == 0:
            raise _fault("days", f"1 to {MOST_DAYS}")
        if unit is not None and unit not in {known.id for known in self._config.units}:
            raise _fault("unit", "a unit of this node's node.toml")
        now = self._clock.now()
        secret, row = api_tokens.make(self._rand, role=role, unit=unit, label=label, now=now, days=days)

        def move(connection: Connection) -> None:
            token_rows.add(connection, row)
            journal.append_leaf(
                connection, leaf(now, "token.made", id=row.id, role=row.role, actor=_actor(self._actor, by))
            )

        await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=_shown(row, now) | {"token": secret}, created=True)

    async def list_tokens(self, arguments: Arguments) -> OperationResult:
        """Every token with its role and its end; no secret."""
        only(arguments)
        now = self._clock.now()
        return OperationResult(value={"tokens": [_shown(row, now) for row in self._tokens.all()]})

    async def revoke(self, arguments: Arguments) -> OperationResult:
        """End a token at once and for ever."""
        only(arguments, "id", "by")
        id, by = text(arguments, "id"), text(arguments, "by", longest=64)
        now = self._clock.now()

        def move(connection: Connection) -> None:
            if not token_rows.revoke(connection, id, at=now):
                raise RefusedError(
                    Code.NOT_FOUND,
                    "no such token, or it was revoked before; nothing was changed",
                    hint="trm token list shows the ids",
                )
            journal.append_leaf(connection, leaf(now, "token.revoked", id=id, actor=_actor(self._actor, by)))

        await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value={"id": id, "state": "revoked"})


def _shown(row: TokenRow, now: int) -> dict[str, Json]:
    state = "revoked" if row.revoked is not None else "expired" if row.expires <= now else "valid"
    return {
        "id": row.id,
        "role": row.role,
        "unit": row.unit,
        "label": row.label,
        "state": state,
        "made": row.made,
        "expires": row.expires,
        "revoked": row.revoked,
    }


def _role(word: str) -> Role:
    if word not in set(Role):
        raise _fault("role", "one of " + ", ".join(Role))
    return Role(word)


def _fault(name: str, hint: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"the argument {name} is wrong; nothing was made",
        findings=[Finding(place=f"/{name}", rule="enum", hint=hint)],
    )


def _actor(actor: Actor, by: str) -> str:
    """A person in the audit log: a keyed hash, the name stays in the local records (nrm1 13.9)."""
    return actor(by.encode()).hex()
