"""What a signed descriptor says of a unit, in the form in which the gates ask for it (gates G5, G6, G9 and G14)."""

from __future__ import annotations

from gateway.foundation.ids import UnitId
from gateway.policy.gates.gate_table import Recipient, UnitKind, kind_by_roles
from keys.documents.descriptor import Descriptor, Unit
from schemas.roles import with_older


def recipient_in(
    descriptor: Descriptor, unit: UnitId | None, *, now: int, kind: UnitKind | None = None
) -> Recipient | None:
    """The unit as the newest descriptor of its node lists it, None where it does not.

    `kind` is what is known where its descriptor names none: for a unit of this node from the settings.
    """
    listed = _unit(descriptor, unit)
    if listed is None:
        return None
    roles = with_older(listed.roles)
    return Recipient(
        country=descriptor.country,
        roles=roles,
        kind=listed.kind or kind or kind_by_roles(roles),
        current=now < descriptor.expires,
    )


def sender_kind_in(descriptor: Descriptor, unit: UnitId | None, role: str | None) -> UnitKind | None:
    """The kind of a peer's unit as its node signed it; where it named none, by its roles and the one it speaks in; None
    where that is open.
    """
    listed = _unit(descriptor, unit)
    if listed is not None and listed.kind is not None:
        return listed.kind
    roles = frozenset(() if listed is None else listed.roles)
    return kind_by_roles(roles | ({role} if role is not None else set()))


def roles_in(descriptor: Descriptor, unit: object) -> frozenset[str] | None:
    """The roles that the node signed for a unit, and the older ones of which they are parts; None where it lists none
    such.
    """
    listed = _unit(descriptor, unit)
    return None if listed is None else with_older(listed.roles)


def _unit(descriptor: Descriptor, unit: object) -> Unit | None:
    return next((listed for listed in descriptor.units if listed.id == unit), None)
