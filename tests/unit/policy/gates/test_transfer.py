"""G6: the basis of a transfer, held against who sends the data and who gets them (domain 3.6, 3.20)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from support.gate_facts import GOOD, LISTED, RECORD, gates, headed, refusals

from gateway.consent.rules import read
from gateway.errors import Code
from gateway.foundation.ids import UnitKind
from gateway.policy.gates.gate_table import Permit
from gateway.policy.gates.transfer import g6_received, g6_transfer_basis

G6, G9 = Code.GATE_G6, Code.GATE_G9
POLICE, DESK = "police_liaison", "national_focal_point"


@pytest.mark.parametrize(
    ("kind", "sender", "receiver"),
    [
        (UnitKind.PUBLIC_AUTHORITY, [G6], [G6]),
        (None, [G6], []),
        (UnitKind.NGO, [], []),
        (UnitKind.INTERNATIONAL_ORGANISATION, [], []),
        (UnitKind.SERVICE_PROVIDER, [], []),
    ],
)
def test_g6_public_authorities_do_not_transfer_on_consent(kind, sender, receiver):
    """GDPR 49(3). At the sender an unknown kind counts as an authority; the receiver refuses what it can see."""
    consent = read(RECORD | {"transfer_risks_told": True})
    facts = headed(replace(GOOD, sender_kind=kind, consent=consent), transfer_basis="consent_49_1_a")
    assert (gates(facts), gates(facts, at_receiver=True)) == (sender, receiver)


@pytest.mark.parametrize(("country", "closed"), [("FR", []), ("NO", []), ("AL", [G6]), ("GB", [G6]), ("CH", [G6])])
def test_g6_data_that_leave_the_eea_are_not_said_to_stay(country, closed):
    """The country is that of the signed directory; whoever sends, and at the receiver too."""
    for kind in (*UnitKind, None):
        facts = replace(GOOD, sender_kind=kind, recipient=replace(LISTED, country=country))
        facts = headed(facts, transfer_basis="intra_eea")
        assert gates(facts) == gates(facts, at_receiver=True) == closed
        assert all("has the recipient outside the EEA:" in one.hint for one in refusals(facts))


def test_g6_says_that_it_is_open():
    """Whoever asks the gate alone hears a yes, at the sender and at the receiver."""
    for kind in (*UnitKind, None):
        facts = replace(GOOD, sender_kind=kind)
        assert (g6_transfer_basis(facts), g6_received(facts)) == (Permit(), Permit())


@pytest.mark.parametrize("basis", ["intra_eea", "adequacy_45"])
def test_finding_a8_an_international_organisation_is_a_transfer_wherever_its_office_is(basis):
    """EDPB 05/2021: its unit in Paris is no recipient in the EEA, and no decision about a country covers it."""
    for country in ("FR", "GB"):
        office = replace(LISTED, country=country, kind=UnitKind.INTERNATIONAL_ORGANISATION)
        facts = headed(replace(GOOD, recipient=office), transfer_basis=basis)
        assert gates(facts) == gates(facts, at_receiver=True) == [G6]
        assert gates(headed(facts, transfer_basis="public_interest_49_1_d")) == []


@pytest.mark.parametrize("basis", ["intra_eea", "adequacy_45", "led_36"])
def test_g6_asks_nothing_of_a_unit_that_is_not_listed(basis):
    """Where it is nobody knows: that it is not in the signed directory is for G14."""
    facts = headed(GOOD, transfer_basis=basis, sender_role=POLICE, recipient_role=POLICE)
    for at_receiver in (False, True):
        assert G6 not in gates(replace(facts, recipient=None), at_receiver=at_receiver)


@pytest.mark.parametrize(
    ("country", "day", "closed"),
    [
        ("AL", date(2026, 6, 1), [G6]),
        ("FR", date(2026, 6, 1), [G6]),
        ("CH", date(2026, 6, 1), []),
        ("BR", date(2026, 6, 1), []),
        ("CA", date(2026, 6, 1), [G6]),
        ("US", date(2026, 6, 1), [G6]),
        ("GB", date(2026, 6, 1), []),
        ("GB", date(2031, 12, 27), []),
        ("GB", date(2031, 12, 28), [G6]),
    ],
)
def test_finding_a8_an_adequacy_decision_covers_its_country_on_its_days(country, day, closed):
    """None is claimed for a country without one, after its last day, or where it is for companies alone."""
    facts = headed(replace(GOOD, recipient=replace(LISTED, country=country)), transfer_basis="adequacy_45")
    kept = read(RECORD | {"grants": [one | {"until": None} for one in RECORD["grants"]]})
    assert gates(replace(facts, consent=kept, today=day)) == closed


@pytest.mark.parametrize(
    ("header", "country", "closed"),
    [
        ({"transfer_basis": "led_37", "sender_role": POLICE, "recipient_role": POLICE}, "AL", []),
        ({"transfer_basis": "led_38", "sender_role": POLICE, "recipient_role": "prosecutor_liaison"}, "AL", []),
        ({"transfer_basis": "led_36", "sender_role": POLICE, "recipient_role": POLICE}, "GB", []),
        ({"transfer_basis": "led_36", "sender_role": POLICE, "recipient_role": POLICE}, "CH", [G6]),
        ({"transfer_basis": "led_37", "sender_role": POLICE, "recipient_role": DESK}, "AL", [G6]),
        ({"transfer_basis": "led_37", "sender_role": DESK, "recipient_role": POLICE}, "AL", [G6]),
        ({"transfer_basis": "led_37", "recipient_role": POLICE}, "AL", [G6]),
        ({"legal_basis": ["led_8", "led_10"], "sender_role": POLICE, "recipient_role": DESK}, "AL", []),
        ({"legal_basis": ["led_8"], "sender_role": DESK}, "AL", [G6]),
        ({"legal_basis": ["led_10"]}, "AL", [G6]),
    ],
)
def test_finding_a8_bases_for_police_and_prosecutors_are_theirs(header, country, closed):
    """Directive (EU) 2016/680, articles 8, 10 and 35 to 38; an unknown role counts as somebody else."""
    facts = headed(replace(GOOD, recipient=replace(LISTED, country=country)), **header)
    assert gates(facts) == gates(facts, at_receiver=True) == closed


def test_the_place_of_a_refusal_is_that_of_the_basis():
    """The legal basis and the basis of the transfer are mended at their own places, with one of the GDPR."""
    for basis, value in (("legal_basis", ["led_8"]), ("transfer_basis", "led_37")):
        (told,) = refusals(headed(GOOD, **{basis: value}))
        assert (told.place, told.hint.endswith(": name one of the GDPR")) == (f"/header/{basis}", True)
