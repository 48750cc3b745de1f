"""The corridor policy for people: what is in force, what waits, and who approved what (docs/policy.md)."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from gateway.changes import store as rows
from gateway.changes.rules import NODE
from gateway.database.engine import Store
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.ids import ChangeId
from gateway.operations.models import Answer, Count, Fault, Nothing, Object, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY
from gateway.peers.registry import PeerRegistry
from gateway.policy.in_force import Adopted, PoliciesInForce
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import history
from gateway.trust.operations.changes import shown
from gateway.trust.operations.models import ChangeShown
from schemas.region_pack.policies import format_corridor


class Policy(Answer):
    """A corridor policy that administrators adopted."""

    change: ChangeId
    name: str
    version: Count
    digest: str = Field(description="sha256: and 64 digits")
    since: Time
    usable: bool = Field(description="whether it can be applied; where not, nothing leaves")
    faults: list[Fault]


class WholePolicy(Policy):
    """A corridor policy with its file."""

    file: str = Field(description="the file, to the byte")
    ways: list[str] = Field(description="the corridors from the country of this node, such as FR>AL")


class Policies(Answer):
    """What is in force, what waits, and who approved what."""

    in_force: WholePolicy | None
    waiting: list[Policy]
    pending: list[ChangeShown]
    changes: list[Object]
    faults: list[str]


class PolicyOperations:
    """Operations that show corridor policies."""

    def __init__(
        self, *, store: Store, own: OwnIdentity, peers: PeerRegistry, policies: PoliciesInForce, clock: Clock
    ) -> None:
        self._store = store
        self._own = own
        self._peers = peers
        self._policies = policies
        self._clock = clock

    @operation(
        "policy.show",
        "the corridor policy and who adopted it",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Policies,
        units=Units.FREE,
    )
    async def show(self, _asked: Nothing) -> OperationResult:
        """The policy in force with its file and its faults, what waits or is pending, and the verified history."""
        now = self._clock.now()

        def query(c: Connection) -> tuple[list[Json], list[str], list[Json]]:
            changes, faults = history.verified(self._own.node, c, NODE)
            return changes, faults, [shown(self._peers, c, row) for row in rows.in_state(c, rows.PENDING, NODE)]

        changes, faults, pending = await self._store.read(query)
        held = self._policies.in_force(now)
        value: dict[str, Json] = {
            "in_force": None if held is None else _shown(held) | {"file": held.file, "ways": self._ways(held)},
            "waiting": [_shown(one) for one in self._policies.waiting(now)],
            "pending": pending,
            "changes": changes,
            "faults": [*faults],
        }
        return OperationResult(value=value)

    def _ways(self, held: Adopted) -> list[Json]:
        """The corridors from the country of this node on which anything may leave."""
        pairs = () if held.policy is None else held.policy.pairs
        return [format_corridor(pair) for pair in sorted(pairs) if pair[0] == self._own.descriptor.country]


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
