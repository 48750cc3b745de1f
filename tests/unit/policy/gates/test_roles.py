"""The newer roles at the gates: signed, meant for the message, and asylum apart from the enforcement of returns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import gate_facts
from support.gate_facts import FR, GOOD, LISTED

from gateway.errors import Code
from gateway.foundation.ids import UnitId
from gateway.policy.descriptor_units import recipient_in
from gateway.policy.gates.gate_table import GateFacts, Permit, received
from keys.documents.descriptor import Descriptor, Unit


def asked(sender: str, recipient: str, *, signed: set[str], listed: set[str], **changes: Any) -> GateFacts:
    """A referral from one role to another, with what both descriptors sign."""
    header = {**GOOD.header, "sender_role": sender, "recipient_role": recipient}
    there = replace(LISTED, roles=frozenset(listed))
    return replace(GOOD, header=header, recipient=there, sender_roles=frozenset(signed), **changes)


def refusals(facts: GateFacts) -> set[tuple[Code, str]]:
    """The gates that are closed, each with the place that it names."""
    return {(one.gate, one.place) for one in gate_facts.refusals(facts)}


DELEGATED = "delegated_focal_point"


def test_finding_c_a_signed_delegation_refers() -> None:
    """From NGO to NGO, where both descriptors sign the role."""
    assert refusals(asked(DELEGATED, DELEGATED, signed={DELEGATED}, listed={DELEGATED})) == set()


@pytest.mark.parametrize(
    ("signed", "listed", "place"),
    [
        ({"case_manager"}, {DELEGATED}, "/header/sender_role"),
        ({DELEGATED}, {"case_manager"}, "/header/recipient_role"),
    ],
    ids=["sender", "recipient"],
)
def test_finding_c_a_delegation_that_no_root_signed_is_refused(signed: set[str], listed: set[str], place: str) -> None:
    """At the sender, and for the sending unit at the receiver too; what is not known is not signed."""
    facts = asked(DELEGATED, DELEGATED, signed=signed, listed=listed)
    assert refusals(facts) == {(Code.GATE_G14, place)}
    assert isinstance(received(facts), tuple)
    assert refusals(replace(facts, sender_roles=None)) >= {(Code.GATE_G14, "/header/sender_role")}


def test_finding_c_a_newer_role_has_no_part_in_what_does_not_name_it() -> None:
    """An asylum authority opens no referral, however it is signed."""
    facts = asked("national_focal_point", "asylum_authority", signed=set(), listed={"asylum_authority"})
    assert (Code.GATE_G14, "/header/recipient_role") in refusals(facts)


@pytest.mark.parametrize(
    ("signed", "body_type", "closed"),
    [
        ({"border_guard"}, "referral.request/1", True),
        ({"border_guard", "first_responder"}, "referral.request/1", True),
        ({DELEGATED, "first_responder"}, "referral.accept/1", True),
        ({"first_responder"}, "referral.request/1", False),
        ({"first_responder", "return_authority"}, "referral.request/1", False),
        ({"border_guard", "first_responder"}, "enquiry.capacity/1", False),
        ({"border_guard", "first_responder"}, "safety.alert/1", False),
    ],
    ids=[
        "a border guard",
        "one that lists the older role too",
        "a delegated focal point",
        "a unit of before",
        "a newer role of another kind",
        "what the older role may ask",
        "what everybody may say",
    ],
)
def test_finding_c_a_border_guard_opens_no_referral_as_a_first_responder(
    signed: set[str], body_type: str, closed: bool
) -> None:
    """The older role stands for its part where the message names it, and hides it nowhere; the receiver looks too."""
    facts = asked("first_responder", "national_focal_point", signed=signed, listed=set(), body_type=body_type)
    assert ((Code.GATE_G14, "/header/sender_role") in refusals(facts)) is closed
    found = received(facts)
    places = [] if isinstance(found, Permit) else [one.place for one in found]
    assert ("/header/sender_role" in places) is closed


@pytest.mark.parametrize(
    ("body_type", "sender", "recipient", "place"),
    [
        ("enquiry.capacity/1", "hotline", "national_focal_point", None),
        ("enquiry.capacity/1", "national_focal_point", "hotline", "/header/recipient_role"),
        ("enquiry.reply/1", "national_focal_point", "hotline", None),
        ("enquiry.reply/1", "hotline", "national_focal_point", "/header/sender_role"),
    ],
)
def test_finding_c_a_newer_role_has_its_part_on_its_own_side(
    body_type: str, sender: str, recipient: str, place: str | None
) -> None:
    """A hotline asks for a place and hears of one; it is not asked, and does not answer."""
    facts = asked(sender, recipient, signed={sender}, listed={recipient}, body_type=body_type)
    assert {found for gate, found in refusals(facts) if gate is Code.GATE_G14} == ({place} - {None})


def test_finding_c_of_a_type_that_nobody_knows_no_role_is_asked() -> None:
    """It is refused for what it is (G11); which roles it names nobody can say."""
    facts = asked(
        "first_responder", DELEGATED, signed={"border_guard"}, listed=set(), body_type="x.unknown/1", personal=None
    )
    known = {gate for gate, place in refusals(facts) if place == "/header/sender_role"}
    assert Code.GATE_G11 in {gate for gate, _ in refusals(facts)}
    assert known == set()


@pytest.mark.parametrize("purpose", ["return", "consular"])
def test_finding_c_asylum_has_no_part_in_a_return(purpose: str) -> None:
    """Whatever the role in the header: the unit is what it is."""
    facts = replace(GOOD, purpose=purpose, recipient=replace(LISTED, roles=frozenset({"asylum_authority"})))
    assert (Code.GATE_G5, "/header/recipient_unit") in refusals(facts)
    assert isinstance(received(facts), tuple)


@pytest.mark.parametrize(
    ("body_type", "purpose", "closed"),
    [("return.cancel/1", "referral", True), ("referral.request/1", "referral", False), ("info.request/1", None, False)],
)
def test_finding_c_asylum_is_told_of_everything_but_returns(body_type: str, purpose: str | None, closed: bool) -> None:
    """A message of a return is one whatever its purpose; a referral to an asylum authority is none."""
    unit = replace(LISTED, roles=frozenset({"asylum_authority"}))
    facts = replace(GOOD, body_type=body_type, purpose=purpose, recipient=unit, content={"reason": "other"})
    assert ((Code.GATE_G5, "/header/recipient_unit") in refusals(facts)) is closed


@pytest.mark.parametrize("status", ["asylum_pending", "protection_granted"])
def test_finding_c_who_enforces_returns_learns_nothing_of_who_is_protected(status: str) -> None:
    """In any country, also where the person fears nothing; one whom nobody protects may be told of."""
    unit = replace(LISTED, country="IT", roles=frozenset({"return_authority", "case_manager"}))
    facts = replace(GOOD, recipient=unit, content={"legal_status": status, "person": {"nationalities": ["AL"]}})
    assert (Code.GATE_G5, "/header/recipient_unit") in refusals(facts)
    assert isinstance(received(facts), tuple)
    other = replace(facts, recipient=replace(unit, roles=frozenset({"case_manager"})))
    assert Code.GATE_G5 not in {gate for gate, _ in refusals(other)}
    assert Code.GATE_G5 not in {gate for gate, _ in refusals(replace(facts, content={"legal_status": "irregular"}))}


def test_finding_b_a_complaint_never_goes_to_the_unit_that_it_is_about() -> None:
    """Neither at the sender nor at the receiver, whichever role the unit has besides."""
    body = {"about_unit": GOOD.recipient_unit, "subject": "respect", "text": "x", "wish": "inquiry"}
    facts = asked(
        "case_manager", "complaints_body", signed=set(), listed={"complaints_body"}, body_type="service.complaint/1"
    )
    assert (Code.GATE_G14, "/header/recipient_unit") in refusals(replace(facts, content=body))
    assert isinstance(received(replace(facts, content=body)), tuple)
    elsewhere = refusals(replace(facts, content={**body, "about_unit": f"{FR}/shelter"}))
    assert Code.GATE_G14 not in {gate for gate, _ in elsewhere}


def test_finding_c_a_unit_of_a_newer_role_is_one_of_the_older_too() -> None:
    """So that a message of before still reaches a border guard, in the older role."""
    unit = Unit(id=UnitId("guard"), name="x", kind=None, roles=("border_guard",))
    signed = Descriptor.__new__(Descriptor)
    for name, value in (("units", (unit,)), ("country", "PL"), ("expires", 10)):
        object.__setattr__(signed, name, value)
    found = recipient_in(signed, unit.id, now=1)
    assert found is not None
    assert found.roles == {"border_guard", "first_responder"}
