"""What a signed descriptor says of a unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.incoming import B
from support.nodes import NOW

from gateway.policy.descriptor_units import recipient_in, roles_in, sender_kind_in
from gateway.policy.gates.gate_table import UnitKind
from keys.documents.descriptor import Unit

SIGNED = replace(
    B.first(),
    country="AL",
    units=(
        Unit(id="onac", name="x", kind=None, roles=("national_focal_point",)),
        Unit(id="police", name="y", kind=None, roles=("police_liaison", "first_responder")),
        Unit(id="ngo", name="z", kind=UnitKind.NGO, roles=("guardian", "police_liaison")),
        Unit(id="hotline", name="w", kind=None, roles=("hotline",)),
    ),
)


def test_a_unit_that_is_listed():
    """Country, roles and what they say of the kind; what is known besides goes before that."""
    found = recipient_in(SIGNED, "police", now=NOW)
    assert found is not None
    assert (found.country, found.roles) == ("AL", {"police_liaison", "first_responder"})
    assert (found.kind, found.current) == (UnitKind.PUBLIC_AUTHORITY, True)
    focal_point = recipient_in(SIGNED, "onac", now=NOW, kind=UnitKind.NGO)
    assert focal_point is not None and focal_point.kind is UnitKind.NGO
    assert recipient_in(SIGNED, "onac", now=NOW) == replace(focal_point, kind=None)


def test_the_kind_that_is_signed_goes_before_all_else():
    """Before what is known besides, and before what the roles say; as a recipient and as a sender."""
    found = recipient_in(SIGNED, "ngo", now=NOW, kind=UnitKind.SERVICE_PROVIDER)
    assert found is not None and found.kind is UnitKind.NGO
    assert sender_kind_in(SIGNED, "ngo", "prosecutor_liaison") is UnitKind.NGO


def test_the_roles_that_are_signed_for_a_unit():
    """With the older ones of which they are parts; of a unit that is not listed there are none to speak of."""
    assert roles_in(SIGNED, "hotline") == {"hotline", "first_responder"}
    assert roles_in(SIGNED, "onac") == {"national_focal_point"}
    assert [roles_in(SIGNED, unit) for unit in ("shelter", None, 7)] == [None, None, None]


@pytest.mark.parametrize("unit", ["shelter", "", None])
def test_a_unit_that_is_not_listed(unit):
    """There is nothing to send to."""
    assert recipient_in(SIGNED, unit, now=NOW) is None


def test_an_expired_descriptor():
    """Its last second is the one before `expires`."""
    assert [recipient_in(SIGNED, "onac", now=SIGNED.expires + n).current for n in (-1, 0)] == [True, False]


@pytest.mark.parametrize(
    ("unit", "role", "kind"),
    [
        ("police", "national_focal_point", UnitKind.PUBLIC_AUTHORITY),
        ("onac", "prosecutor_liaison", UnitKind.PUBLIC_AUTHORITY),
        ("onac", "national_focal_point", None),
        ("shelter", None, None),
    ],
)
def test_the_kind_of_a_sender(unit, role, kind):
    """By the roles that its node signed and the one it speaks in; a focal point may be an NGO."""
    assert sender_kind_in(SIGNED, unit, role) is kind
