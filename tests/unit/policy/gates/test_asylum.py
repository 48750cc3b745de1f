"""G5: nothing goes to a State that the person fears."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.gate_facts import GOOD, LISTED, RECORD, SHELTER, SIGNED, gates, refusals

from gateway.cases.history import EVERY
from gateway.consent.rules import read
from gateway.conversations.history import History, Side
from gateway.errors import Code
from gateway.policy.gates.gate_table import UnitKind

G5 = Code.GATE_G5

ASYLUM = replace(GOOD, content={"legal_status": "asylum_pending", "person": {"nationalities": ["AL", "XK"]}})
AT_FR = replace(LISTED, country="FR")
NGO = replace(LISTED, kind=UnitKind.NGO)


PROTECTED = [
    "asylum_not_lodged",
    "asylum_pending",
    "appeal_pending",
    "eu_transfer_pending",
    "protection_granted",
]


@pytest.mark.parametrize("status", PROTECTED)
@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_finding_a9_nothing_goes_to_the_state_of_nationality(status, at_receiver):
    """A claim, a wish for one, an appeal and protection stop the referral itself; to another State it goes."""
    facts = replace(ASYLUM, content=ASYLUM.content | {"legal_status": status})
    (refusal,) = refusals(facts, at_receiver=at_receiver)
    assert (refusal.gate, refusal.place) == (G5, "/header/recipient_unit")
    assert f"nothing goes to {'the State of nationality' if at_receiver else 'a feared State'} while" in refusal.hint
    assert gates(replace(facts, recipient=AT_FR), at_receiver=at_receiver) == []


@pytest.mark.parametrize("body_type", ["info.request/1", "referral.accept/1", "assistance.plan/1", "consent.record/1"])
def test_g5_holds_for_every_later_message(body_type):
    """What was said before counts, and so does a hold that a person here set."""
    facts = replace(GOOD, body_type=body_type, purpose="assistance", categories=frozenset(), content={})
    said = History(legal_status="asylum_pending", nationalities=frozenset({"AL"}))
    assert G5 in gates(replace(facts, history=said))
    assert G5 in gates(replace(facts, asylum_hold=True))
    assert G5 not in gates(replace(facts, history=said, recipient=AT_FR))


def test_g5_unknown_nationality_may_be_that_of_the_recipient():
    """Without nationality the sender is stopped; the receiver judges what it is told."""
    untold = replace(ASYLUM, content={"legal_status": "asylum_pending"})
    assert (gates(untold), gates(untold, at_receiver=True)) == ([G5], [])
    told = History(legal_status="asylum_pending", status_by=Side.THEIRS)  # a policy keeps nationality back at first
    answer = replace(GOOD, body_type="referral.accept/1", content={})
    assert gates(replace(answer, history=told)) == []
    for known in (replace(told, status_by=Side.OURS), replace(told, nationalities=frozenset({"AL"}))):
        assert gates(replace(answer, history=known)) == [G5]
    assert gates(replace(answer, history=told, asylum_hold=True)) == [G5]


@pytest.mark.parametrize("nationalities", [[], ["EH"], ["PS"]])
@pytest.mark.parametrize("hold", [False, True], ids=["told", "hold"])
def test_g5_a_stateless_person_has_a_state_to_fear(nationalities, hold):
    """No nationality, or one that names no State, keeps from every recipient until a person named the feared State."""
    status = "irregular" if hold else "asylum_pending"
    content = {"legal_status": status, "person": {"nationalities": nationalities}}
    facts = replace(ASYLUM, content=content, asylum_hold=hold)
    (refusal,) = refusals(facts)
    assert (refusal.gate, refusal.place) == (G5, "/header/recipient_unit")
    assert "trm asylum hold --state" in refusal.hint
    named = replace(facts, asylum_hold=True, feared_states=frozenset({"MA"}))
    assert gates(named) == []
    assert gates(replace(named, recipient=replace(LISTED, country="MA"))) == [G5]
    assert gates(replace(named, recipient=replace(LISTED, country="EH"))) == ([G5] if nationalities == ["EH"] else [])


def test_g5_a_hold_names_more_states_than_the_nationality():
    """The former residence and other feared States count beside the nationality that was told, not in its place."""
    facts = replace(GOOD, asylum_hold=True, feared_states=frozenset({"TR"}), content=ASYLUM.content)
    for country, closed in (("TR", [G5]), ("AL", [G5]), ("XK", [G5]), ("FR", [])):
        assert gates(replace(facts, recipient=replace(LISTED, country=country))) == closed


def test_g5_the_host_that_told_of_a_stateless_person_is_answered():
    """Who alone told that asylum is sought is not the State feared; a hold here closes the answer all the same."""
    told = History(legal_status="asylum_pending", status_by=Side.THEIRS, nationalities=frozenset())
    answer = replace(GOOD, body_type="referral.accept/1", content={}, history=told)
    assert gates(answer) == []
    assert gates(replace(answer, asylum_hold=True)) == [G5]
    assert gates(replace(answer, recipient=None, asylum_hold=True))[0] is G5


@pytest.mark.parametrize(
    ("changed", "closed"),
    [
        ({}, [G5]),
        ({"personal": False, "categories": frozenset({"identity"})}, [G5]),
        ({"personal": False, "categories": frozenset()}, []),
        ({"recipient": replace(LISTED, kind=UnitKind.NGO)}, []),
        ({"recipient": replace(LISTED, kind=UnitKind.SERVICE_PROVIDER)}, [G5]),
        ({"recipient": replace(LISTED, country="FR")}, []),
        ({"recipient": None}, []),
        ({"history": History(legal_status="irregular", nationalities=frozenset({"AL"}))}, []),
        ({"history": History(legal_status="asylum_pending")}, []),
        ({"history": History(nationalities=frozenset({"AL"}))}, []),
        ({"history": History(legal_status="asylum_pending", nationalities=frozenset({"XK"}))}, []),
    ],
)
def test_g5_at_the_receiver_rests_on_what_it_was_told(changed, closed):
    """Status and nationality of earlier messages together close it for the own country, but not for an NGO there."""
    said = History(legal_status="protection_granted", nationalities=frozenset({"AL"}))
    facts = replace(GOOD, body_type="assistance.plan/1", purpose="referral", content={}, history=said)
    found = gates(replace(facts, **changed), at_receiver=True)
    assert [gate for gate in found if gate is G5] == closed


@pytest.mark.parametrize("name", ["nationality.request", "traveldoc.request", "family.inquiry", "return.proposal"])
def test_g5_what_goes_to_the_origin_needs_a_known_status(name):
    """Who asks the State of origin, or begins a return, knows the legal status first."""
    facts = replace(GOOD, body_type=f"{name}/1", categories=frozenset(), content={})
    told = {refusal.gate: refusal.hint for refusal in refusals(facts)}
    assert told[G5] == "the legal status of the person and the State asked have to be known first"
    known = replace(facts, history=History(legal_status="regular"))
    assert G5 not in gates(known)
    assert G5 in gates(replace(known, recipient=None))


def test_g5_a_partner_ngo_on_the_persons_request():
    """NGO, signed request for that unit and purpose, and a second person: all three, or it stays closed."""
    open_ = replace(ASYLUM, recipient=NGO, consent=read(SIGNED), approver="w-2")
    assert gates(open_) == []
    for changed in (
        {"recipient": LISTED},
        {"consent": read(RECORD)},
        {"consent": read(SIGNED | {"given_by": "guardian"})},
        {"history": History(age_group="child")},
        {"consent": read(SIGNED | {"form": "oral_witnessed"})},
        {"consent": read(SIGNED | {"denials": [{"unit": SHELTER}]})},
        {"consent": read(SIGNED | {"told": {"purpose": True, "recipients": False}})},
        {"approver": None},
        {"approver": "w-1"},
    ):
        assert G5 in gates(replace(open_, **changed))


@pytest.mark.parametrize(
    ("changed", "closed"),
    [
        ({}, [G5]),
        ({"recipient": replace(LISTED, country="FR")}, []),
        ({"recipient": replace(LISTED, country="FR"), "unanswered": frozenset({EVERY})}, [G5]),
        ({"asylum_hold": True, "feared_states": frozenset({"MA"})}, [G5]),
        ({"body_type": "return.cancel/1", "content": {"reason": "other"}, "categories": frozenset()}, []),
        ({"recipient": NGO, "consent": read(SIGNED), "approver": "w-2"}, []),
        ({"recipient": NGO}, [G5]),
        ({"body_type": "safety.alert/1"}, []),
        ({"body_type": "enquiry.capacity/1", "personal": False, "categories": frozenset()}, []),
    ],
)
def test_finding_g8_what_a_linked_person_fears_is_asked_first(changed, closed):
    """Until somebody answers, nothing about this person goes there either; to others, and what passes a hold, does."""
    facts = replace(GOOD, unanswered=frozenset({"AL"}))
    told = refusals(replace(facts, **changed))
    assert [one.gate for one in told if one.gate is G5] == closed
    assert all("linked case" in one.hint for one in told if one.gate is G5)


def test_finding_g8_an_unknown_recipient_may_be_the_state_that_is_asked_about():
    """Its country is not known, so it counts as feared."""
    assert gates(replace(GOOD, recipient=None, unanswered=frozenset({"AL"})))[0] is G5


def test_g5_a_stop_goes_with_a_neutral_reason():
    """A cancelled return protects the person and tells nothing, as long as its reason does not."""
    facts = replace(GOOD, body_type="return.cancel/1", categories=frozenset(), asylum_hold=True)
    assert gates(replace(facts, content={"reason": "other"})) == []
    (refusal,) = refusals(replace(facts, content={"reason": "asylum_claim"}))
    assert (refusal.gate, refusal.place) == (G5, "/content/reason")
    before = replace(facts, asylum_hold=False, content={"reason": "asylum_claim"})
    assert gates(before) == [G5]


def test_g5_a_correction_does_not_open_it():
    """A status that was said to be protected is not corrected towards the State of nationality first."""
    said = History(legal_status="asylum_pending", nationalities=frozenset({"AL"}))
    content = {"path": "/content/legal_status", "data_category": "immigration", "new_value": "regular"}
    facts = replace(GOOD, body_type="data.correction/1", history=said, content=content)
    assert gates(facts)[0] is G5


def test_g5_is_not_about_enquiries():
    """What tells of no person has no State of nationality."""
    facts = replace(GOOD, personal=False, categories=frozenset(), body_type="enquiry.capacity/1", asylum_hold=True)
    assert gates(replace(facts, content={})) == []


@pytest.mark.parametrize(("reason", "closed"), [("person_withdrew", []), ("asylum_claim", [G5])])
@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g5_what_stops_a_return_goes_with_a_neutral_reason(reason, closed, at_receiver):
    """A reception team in the State of nationality need not wait; on both sides, also where both know of the claim."""
    history = History(legal_status="asylum_pending", nationalities=frozenset({"AL"}))
    facts = replace(GOOD, body_type="return.cancel/1", purpose="return", categories=frozenset(), history=history)
    assert gates(replace(facts, content={"reason": reason}), at_receiver=at_receiver) == closed
