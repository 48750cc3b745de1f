"""Which completed changes of a subject still count: a later one may leave nothing of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.changes.rules import Action

_SAYS: Mapping[Action, frozenset[str]] = {
    Action.PEER_ACTIVATE: frozenset({"scope", "expiry"}),
    Action.PEER_RENEW: frozenset({"expiry"}),
    Action.PEER_WIDEN: frozenset({"scope"}),
    Action.PEER_NARROW: frozenset({"scope"}),
    Action.PEER_SUSPEND: frozenset({"stop"}),
    Action.PEER_RESUME: frozenset({"stop"}),
    Action.PEER_REVOKE: frozenset({"scope", "expiry", "stop"}),
    Action.POLICY_BEGIN: frozenset({"policy"}),
    Action.POLICY_WIDEN: frozenset({"policy"}),
    Action.POLICY_NARROW: frozenset({"policy"}),
}
"""What each action decides; one that decides none of these is not superseded."""


def superseded(actions: Sequence[Action | None]) -> list[int | None]:
    """For each completed change of a subject, in their order, the place of the later one that left nothing of it; None
    where something of it still counts.
    """
    says = [frozenset[str]() if action is None else _SAYS.get(action, frozenset()) for action in actions]
    found: list[int | None] = []
    for place, own in enumerate(says):
        ends = (
            later for later in range(place + 1, len(says)) if own <= frozenset().union(*says[place + 1 : later + 1])
        )
        found.append(next(ends, None) if own else None)
    return found
