"""Where a peer is told of a withdrawal by what was signed, when no content of the conversation is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.incoming import STATED, A, B

from gateway.consent import addresses, register
from gateway.consent.addresses import Address
from gateway.consent.register import HeldConsent, Known
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import UnitId, UnitKind
from gateway.messages.store import messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.store.messages import StatementRow
from keys.documents.descriptor import Descriptor, Unit
from keys.primitives.domains import STATEMENT_1
from keys.primitives.encoding import canon, lp_join


def unit(id: str, *roles: str) -> Unit:
    """A unit of a node."""
    return Unit(id=UnitId(id), name=id, kind=UnitKind.NGO, roles=roles)


def node(of: Any, *units: Unit) -> Descriptor:
    """The descriptor of a node with these units."""
    return replace(of.first(), units=units)


DESK, FOCAL = unit("desk", "case_manager"), unit("focal", "shelter_provider", "national_focal_point")
SHELTER, POLICE = unit("shelter", "shelter_provider"), unit("police", "police_liaison")
OURS, THEIRS = node(A, DESK, FOCAL), node(B, SHELTER, POLICE)


def known(*units: str, until: tuple[str | None, ...] = ("2030-12-31",)) -> Known:
    """A consent to tell these units, with a grant for each end."""
    grants = [
        {"purpose": "referral", "recipient_units": [*units], "data_categories": ["needs"], "until": end}
        for end in until
    ]
    record = {
        "consent_id": "A" * 22,
        "given_by": "person",
        "taken_on": "2026-05-20",
        "grants": grants,
        "told": {"purpose": True},
    }
    row = ConsentRow(ref=1, consent=b"index", holder=OWN, state=register.ACTIVE, at=1)
    return Known(
        index=b"index",
        rows=(row,),
        held=(HeldConsent(row=row, record=record),),
        withdrawals=(),
        withdrawn_in=None,
        damaged=frozenset(),
    )


@pytest.fixture
def signed(connection: Connection, vault: ContentSealer) -> Connection:
    """The first message was never signed; of the second two statements are kept, of which the older does not open."""
    messages.add(connection, [rows.message(1), rows.message(2)])
    kept = [StatementRow(hash=f"hash {n}", message=2, evidence=10 + n, created=n) for n in (1, 2)]
    messages.add_statements(connection, kept)
    said = vault.seal(12, lp_join(STATED.encode(), canon({"proof": "of the first form"})))
    content_rows.put(connection, [rows.sealed(11), said])
    return connection


def found(
    connection: Connection,
    vault: ContentSealer,
    *consents: Known,
    own: Descriptor = OURS,
    peer: Descriptor = THEIRS,
    refs: tuple[int, ...] = (1, 2),
) -> Address | None:
    """Where it is told, by these messages."""
    return addresses.find_address(connection, vault, refs, known=consents, own=own, peer=peer, author="w-1")


def units(address: Address | None) -> tuple[Any, ...]:
    """From which unit to which, and in which roles."""
    assert address is not None
    return tuple(address.header[f"{side}_{part}"] for side in ("sender", "recipient") for part in ("unit", "role"))


def test_the_conversation_is_the_one_that_was_signed(signed: Connection, vault: ContentSealer):
    """With its purpose, and all that a header of a withdrawal says."""
    to = (f"{OURS.node}/desk", f"{THEIRS.node}/police")
    assert found(signed, vault, known(*to)) == Address(
        conversation=STATED.conv,
        purpose=STATED.purpose,
        header={
            "sender_unit": "desk",
            "sender_role": "case_manager",
            "recipient_unit": "police",
            "recipient_role": "police_liaison",
            "author_ref": "w-1",
            "priority": "urgent",
            "handling": {"onward_sharing": "none", "retain_until": "2030-12-31", "export_to_local": "full"},
            "language": "en",
        },
    )


def test_a_conversation_that_was_signed_in_the_first_form(signed: Connection, vault: ContentSealer):
    """What 0.1.0 signed says it as well."""
    first = replace(STATED, payload_type=STATEMENT_1)
    content_rows.erase(signed, 12)
    content_rows.put(signed, [vault.seal(12, lp_join(first.encode(), canon({"proof": "of the first form"})))])
    address = found(signed, vault, known(f"{THEIRS.node}/police"))
    assert address is not None and address.conversation == STATED.conv


def test_nobody_knows_where_nothing_that_was_signed_opens(signed: Connection, vault: ContentSealer):
    """Never signed, gone, or damaged: a person telephones."""
    there = known(f"{THEIRS.node}/police")
    assert found(signed, vault, there, refs=(1,)) is None
    content_rows.erase(signed, 12)
    assert found(signed, vault, there) is None
    content_rows.put(signed, [rows.sealed(12)])
    assert found(signed, vault, there) is None


@pytest.mark.parametrize(
    ("peer", "named", "told"),
    [
        (THEIRS, ["police"], ("police", "police_liaison")),
        (THEIRS, ["police", "shelter"], ("shelter", "shelter_provider")),
        (THEIRS, [], None),
        (THEIRS, ["gone"], None),
        (node(B, POLICE), [], ("police", "police_liaison")),
        (node(B, POLICE), ["gone"], ("police", "police_liaison")),
        (node(B), ["gone"], None),
    ],
    ids=["named", "two", "none of two", "gone", "the only one", "the only one since", "no unit"],
)
def test_the_unit_is_one_that_the_consent_names_or_the_only_one(
    signed: Connection, vault: ContentSealer, peer: Descriptor, named: list[str], told: tuple[str, str] | None
):
    """Where neither is so nobody can say who it was: a person telephones."""
    address = found(signed, vault, known(*(f"{peer.node}/{id}" for id in named)), peer=peer)
    assert (None if address is None else units(address)[2:]) == told


def test_a_unit_of_the_same_name_at_another_node_is_another(signed: Connection, vault: ContentSealer):
    """Each country has its shelters."""
    assert found(signed, vault, known(f"{OURS.node}/police")) is None


@pytest.mark.parametrize(
    ("own", "named", "says"),
    [
        (OURS, [], ("focal", "national_focal_point")),
        (OURS, ["desk"], ("desk", "case_manager")),
        (node(A, DESK, SHELTER), [], ("desk", "case_manager")),
        (node(A, SHELTER), [], ("shelter", "shelter_provider")),
        (node(A, unit("guard", "border_guard")), [], ("guard", "first_responder")),
        (node(A, unit("office")), [], ("office", "national_focal_point")),
    ],
    ids=["the focal point", "the unit named", "the first one", "the only one", "a newer role", "no role"],
)
def test_the_focal_point_speaks_for_a_unit_that_nobody_named(
    signed: Connection, vault: ContentSealer, own: Descriptor, named: list[str], says: tuple[str, str]
):
    """In a role that the form of a withdrawal knows (domain 6.16)."""
    there = known(f"{THEIRS.node}/police", *(f"{own.node}/{id}" for id in named))
    assert units(found(signed, vault, there, own=own))[:2] == says


@pytest.mark.parametrize(
    ("until", "last"),
    [
        (("2027-01-31", "2030-12-31", "2028-06-30"), "2030-12-31"),
        (("2027-01-31", None), "2027-01-31"),
        ((None,), "2099-12-31"),
    ],
)
def test_a_withdrawal_is_kept_as_long_as_its_consent(
    signed: Connection, vault: ContentSealer, until: tuple[str | None, ...], last: str
):
    """Until the last of its grants ends, for ever where none does."""
    address = found(signed, vault, known(f"{THEIRS.node}/police", until=until))
    assert address is not None
    assert address.header["handling"] == {
        "onward_sharing": "none",
        "retain_until": last,
        "export_to_local": "full",
    }


def test_every_consent_of_the_conversation_names_units(signed: Connection, vault: ContentSealer):
    """What one of them does not say another may."""
    address = found(signed, vault, known(f"{OURS.node}/desk"), known(f"{THEIRS.node}/police"))
    assert units(address) == ("desk", "case_manager", "police", "police_liaison")
