"""Tokens of the local API: made by the owner of the node, listed and revoked by who looks after trust."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.access import api_tokens
from gateway.access import token_store as token_rows
from gateway.access.token_store import TokenRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.errors import Code, Finding, RefusedError
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, maybe_text, number, only, text
from gateway.operations.roles import Role
from gateway.ports import Json, OperationResult

USUAL_DAYS = 365
MOST_DAYS = 400


async def new(parts: Parts, arguments: Arguments) -> OperationResult:
    """Make a token for one role. Its text is in this answer and nowhere else."""
    only(arguments, "role", "unit", "days", "label", "by")
    role, unit = _role(text(arguments, "role")), maybe_text(arguments, "unit")
    label, by = text(arguments, "label", longest=64), text(arguments, "by", longest=64)
    days = number(arguments, "days", otherwise=USUAL_DAYS, most=MOST_DAYS)
    if days == 0:
        raise _fault("days", f"1 to {MOST_DAYS}")
    if unit is not None and unit not in {known.id for known in parts.config.units}:
        raise _fault("unit", "a unit of this node's node.toml")
    now = parts.clock.now()
    secret, row = api_tokens.make(parts.rand, role=role, unit=unit, label=label, now=now, days=days)

    def move(connection: Connection) -> None:
        token_rows.add(connection, row)
        journal.append_leaf(connection, leaf(now, "token.made", id=row.id, role=row.role, actor=_actor(parts, by)))

    await parts.store.move(move)
    await parts.tokens.refresh()
    return OperationResult(value=_shown(row, now) | {"token": secret}, created=True)


async def list_tokens(parts: Parts, arguments: Arguments) -> OperationResult:
    """Every token with its role and its end; no secret."""
    only(arguments)
    now = parts.clock.now()
    return OperationResult(value={"tokens": [_shown(row, now) for row in parts.tokens.all()]})


async def revoke(parts: Parts, arguments: Arguments) -> OperationResult:
    """End a token at once and for ever."""
    only(arguments, "id", "by")
    id, by = text(arguments, "id"), text(arguments, "by", longest=64)
    now = parts.clock.now()

    def move(connection: Connection) -> None:
        if not token_rows.revoke(connection, id, at=now):
            raise RefusedError(
                Code.NOT_FOUND,
                "no such token, or it was revoked before; nothing was changed",
                hint="trm token list shows the ids",
            )
        journal.append_leaf(connection, leaf(now, "token.revoked", id=id, actor=_actor(parts, by)))

    await parts.store.move(move)
    await parts.tokens.refresh()
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


def _actor(parts: Parts, by: str) -> str:
    """A person in the audit log: a keyed hash, the name stays in the local records (PROTOCOL B10)."""
    return parts.keys.actor(by.encode()).hex()
