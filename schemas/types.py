"""Body types by name, and those that nothing may block."""

from __future__ import annotations

#: What nrm1 4.20 names `consent.withdrawal(.ack)`, `erasure.*` and `safety.alert*` (domain 3.10).
NEVER_BLOCKED: frozenset[str] = frozenset(
    {
        "consent.withdrawal",
        "consent.withdrawal.ack",
        "erasure.request",
        "erasure.confirmation",
        "safety.alert",
        "safety.alert.ack",
        "safety.alert.update",
    }
)


def type_name(body_type: str) -> str:
    """Return the name of a body type without its version: `referral.request/1` gives `referral.request`."""
    return body_type.partition("/")[0]


def never_blocked(body_type: str) -> bool:
    """Whether no scope, no gate and no suspension by a person stops this type (domain 3.10, nrm1 4.20)."""
    return type_name(body_type) in NEVER_BLOCKED
