"""The corridor policy for people: what is in force, what waits, and who approved what (docs/policy.md)."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.changes import store as rows
from gateway.changes.rules import NODE
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, only
from gateway.policy.in_force import Adopted
from gateway.ports import Json, OperationResult
from gateway.trust import history
from gateway.trust.operations.changes import shown
from schemas.region_pack.policies import spell


async def show(parts: Parts, arguments: Arguments) -> OperationResult:
    """The policy in force with its file and its faults, what waits or is pending, and the verified history."""
    only(arguments)
    now = parts.clock.now()

    def query(c: Connection) -> tuple[list[Json], list[str], list[Json]]:
        changes, faults = history.verified(parts.own, c, NODE)
        return changes, faults, [shown(parts, c, row) for row in rows.in_state(c, rows.PENDING, NODE)]

    changes, faults, pending = await parts.store.read(query)
    held = parts.policies.in_force(now)
    value: dict[str, Json] = {
        "in_force": None if held is None else _shown(held) | {"file": held.file, "ways": _ways(parts, held)},
        "waiting": [_shown(one) for one in parts.policies.waiting(now)],
        "pending": pending,
        "changes": changes,
        "faults": [*faults],
    }
    return OperationResult(value=value)


def _ways(parts: Parts, held: Adopted) -> list[Json]:
    """The corridors from the country of this node on which anything may leave."""
    pairs = () if held.policy is None else held.policy.pairs
    return [spell(pair) for pair in sorted(pairs) if pair[0] == parts.own.descriptor.country]


def _shown(one: Adopted) -> dict[str, Json]:
    return {
        "change": one.change,
        "name": one.name,
        "version": one.version,
        "digest": one.digest,
        "since": one.since,
        "usable": one.policy is not None,
        "faults": [f.to_json() for f in one.faults],
    }
