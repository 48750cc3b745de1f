"""The administrators of a node of `support.trust_homes`, and what they propose, approve and complete."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from support.ceremony import ADMINS
from support.nodes import NOW
from support.trust_homes import SCOPE, Home

from gateway.changes import administrators
from gateway.changes import store as rows
from gateway.changes.rules import DAY, Action
from gateway.database.audit_entries import Actor
from gateway.policy.in_force import PoliciesInForce
from gateway.trust.changes import TrustChanges
from gateway.trust.effects import TrustEffects
from keys.documents.change import Change
from keys.documents.descriptor import Descriptor
from keys.offline.administrator_key import Admin


class Council:
    """Two people who decide about the trust of a node; `lowest` are versions that nodes are known to have reached."""

    def __init__(self, home: Home, lowest: dict[str, int] | None = None) -> None:
        clock: Any = home.clock
        config: Any = SimpleNamespace(units=[SimpleNamespace(id="desk")])
        actor: Actor = home.keys.actor
        self.home, self.connection = home, home.connection
        self.policies = PoliciesInForce(home.store)
        self.effects = TrustEffects(
            store=home.store,
            identity=home.identity,
            peers=home.registry,
            policies=self.policies,
            time=home.time,
            wakeups=home.wakeups,
            clock=clock,
        )
        self.changes = TrustChanges(
            own=home.own, trust_effects=self.effects, time=home.time, config=config, lowest=lowest or {}, actor=actor
        )
        administrators.begin(self.connection, home.node, [admin.card for admin in ADMINS], NOW - 1)

    def prepare(self, action: Action, of: Descriptor, **body: Any) -> Change:
        """A change as the node writes it down now."""
        return self.changes.prepare(self.connection, of.node, action, body, self.home.clock.at)

    def propose(self, change: Change, by: Admin = ADMINS[0], *, emergency: bool = False, late: int = 0) -> None:
        """One of them proposes it, with an approval of so many seconds later by their clock."""
        word = by.approve(change, at=self.home.clock.at + late, emergency=emergency)
        self.changes.propose(self.connection, change, word, self.home.clock.at)

    def approve(self, change: Change, by: Admin = ADMINS[1], *, emergency: bool = False, late: int = 0) -> None:
        """Another one approves it."""
        word = by.approve(change, at=self.home.clock.at + late, emergency=emergency)
        self.changes.approve(self.connection, change.hash, word, self.home.clock.at)

    def decide(
        self, action: Action, of: Descriptor, by: Sequence[Admin] = ADMINS, *, emergency: bool = True, **body: Any
    ) -> Change:
        """All of them decide it now."""
        change = self.prepare(action, of, **body)
        self.propose(change, by[0], emergency=emergency)
        for other in by[1:]:
            self.approve(change, other, emergency=emergency)
        return change

    def activate(self, of: Descriptor, *, emergency: bool = True, **body: Any) -> Change:
        """Both compare digits and trust a peer."""
        return self.decide(Action.PEER_ACTIVATE, of, emergency=emergency, **activation(of, self.home.clock.at) | body)

    def state(self, change: Change) -> str:
        """Where a change stands."""
        found = rows.find_change(self.connection, change.hash)
        assert found is not None
        return found.state

    def position(self, of: Descriptor) -> tuple[str, str | None]:
        """Where a peer stands, and for which cause."""
        found = self.connection.exec_driver_sql("select state, cause from peer where node = ?", (of.node,)).one()
        return found.state, found.cause


def compared(of: Descriptor) -> dict[str, Any]:
    """What two people have compared."""
    held = {"version": of.version, "hash": of.hash}
    return {"descriptor": held, "fingerprint": of.fingerprint, "channel": "video"}


def activation(of: Descriptor, now: int = NOW) -> dict[str, Any]:
    """The body of an activation."""
    return {**compared(of), "scope": SCOPE.to_json(), "not_before": None, "expires": now + 300 * DAY}
