"""Each gate on its own, and all of them together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.core.consent import read, withdraw
from gateway.core.gates import GATES, GateFacts, Permit, Refuse, UnitKind, evaluate
from gateway.core.scope import NEVER_BLOCKED
from gateway.errors import Code, Finding

AL = "n1al/shelter"
ID = "AAAAAAAAAAAAAAAAAAAAAA"
RECORD = {
    "consent_id": ID,
    "taken_on": "2026-05-20",
    "grants": [
        {"purpose": "referral", "recipient_units": [AL], "data_categories": categories, "until": "2026-12-31"}
        for categories in (["identity", "needs"], ["exploitation"])
    ],
    "told": {"purpose": True},
    "onward_sharing": False,
}  # fmt: skip
CONSENT = read(RECORD)
GOOD = GateFacts(
    body_type="referral.request/1",
    personal=True,
    categories=frozenset({"identity", "exploitation"}),
    purpose="referral",
    recipient_unit=AL,
    sender_kind=UnitKind.PUBLIC_AUTHORITY,
    transfer_basis="public_interest_49_1_d",
    consent_ref=ID,
    consent=CONSENT,
    conversation_withdrawn=False,
    content={},
    findings=(),
    today=date(2026, 6, 1),
)
ENQUIRY = replace(
    GOOD,
    body_type="enquiry.capacity/1",
    personal=False,
    categories=frozenset(),
    purpose=None,
    transfer_basis=None,
    consent_ref=None,
    consent=None,
)
TAKEN_BACK = {"consent_id": ID, "scope": "all"}
PARTLY = {"consent_id": ID, "scope": "grants", "grants": [1]}


def gates(facts: GateFacts) -> list[Code]:
    """The gates that refuse, in the order in which they are told."""
    found = evaluate(facts)
    return [] if isinstance(found, Permit) else [refusal.gate for refusal in found]


@pytest.mark.parametrize("facts", [GOOD, ENQUIRY], ids=["referral", "enquiry"])
def test_what_is_right_passes(facts):
    """A covered referral and an enquiry without personal data meet no closed gate."""
    assert evaluate(facts) == Permit()


@pytest.mark.parametrize(
    ("changed", "place", "words"),
    [
        ({"purpose": None}, "/purpose", "need a purpose"),
        ({"consent_ref": None}, "/header/consent_ref", "need the id"),
        ({"consent": None}, "/header/consent_ref", "no such consent"),
        ({"consent_ref": "BBBBBBBBBBBBBBBBBBBBBB"}, "/header/consent_ref", "no such consent"),
        ({"categories": frozenset({"health_mental", "identity"})}, "/header/consent_ref", "cover health_mental for"),
        ({"recipient_unit": "n1ua/desk"}, "/header/consent_ref", "cover exploitation, identity for"),
        ({"purpose": "return"}, "/header/consent_ref", "does not cover"),
        ({"today": date(2027, 1, 1)}, "/header/consent_ref", "does not cover"),
        ({"personal": False, "consent_ref": None}, "/header/consent_ref", "need the id"),
    ],
)
def test_g2_names_what_is_missing(changed, place, words):
    """Personal data pass only with a known consent that covers purpose, unit and every category."""
    found = evaluate(replace(GOOD, **changed))
    assert isinstance(found, tuple)
    assert [refusal.gate for refusal in found] == [Code.GATE_G2]
    assert place == found[0].place
    assert words in found[0].hint


def test_g2_lets_references_pass_on_a_named_consent():
    """A decline for want of consent carries references only and must be possible."""
    facts = replace(GOOD, body_type="referral.decline/1", categories=frozenset(), consent=None, content={"reason": "x"})
    assert evaluate(facts) == Permit()
    assert gates(replace(facts, consent_ref=None)) == [Code.GATE_G2]


def test_g2_sends_a_record_only_to_units_it_names():
    """A consent record relies on itself."""
    facts = replace(GOOD, body_type="consent.record/1", categories=frozenset(), consent_ref=None, consent=None)
    assert gates(replace(facts, content=RECORD)) == []
    assert gates(replace(facts, content=RECORD, recipient_unit="n1ua/desk")) == [Code.GATE_G2]
    assert gates(replace(facts, content={"consent_id": ID})) == [Code.GATE_G2]


def test_g2_wants_the_risks_told_for_a_transfer_on_consent():
    """An explicit consent to the transfer needs a person who knew its risks."""
    facts = replace(GOOD, sender_kind=UnitKind.NGO, transfer_basis="consent_49_1_a")
    assert gates(facts) == [Code.GATE_G2]
    assert gates(replace(facts, consent=read(RECORD | {"transfer_risks_told": True}))) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (UnitKind.PUBLIC_AUTHORITY, [Code.GATE_G6]),
        (None, [Code.GATE_G6]),
        (UnitKind.NGO, []),
        (UnitKind.INTERNATIONAL_ORGANISATION, []),
        (UnitKind.SERVICE_PROVIDER, []),
    ],
)
def test_g6_public_authorities_do_not_transfer_on_consent(kind, expected):
    """GDPR 49(3), and an unknown kind counts as an authority."""
    consent = read(RECORD | {"transfer_risks_told": True})
    assert expected == gates(replace(GOOD, sender_kind=kind, transfer_basis="consent_49_1_a", consent=consent))


def test_g7_after_a_full_withdrawal():
    """A message that cites a withdrawn consent is refused by both gates that look at it."""
    assert gates(replace(GOOD, consent=withdraw(CONSENT, TAKEN_BACK))) == [Code.GATE_G7, Code.GATE_G2]


def test_g7_in_a_conversation_whose_consent_is_gone():
    """Also what carries no personal data stays here, except a new record."""
    assert gates(replace(ENQUIRY, body_type="info.request/1", conversation_withdrawn=True)) == [Code.GATE_G7]
    record = replace(GOOD, body_type="consent.record/1", content=RECORD, conversation_withdrawn=True)
    assert gates(record) == []


def test_g7_after_a_partial_withdrawal():
    """Only the categories that were taken back are refused, and the gate names them."""
    consent = withdraw(CONSENT, PARTLY)
    found = evaluate(replace(GOOD, consent=consent))
    assert isinstance(found, tuple)
    assert [refusal.gate for refusal in found] == [Code.GATE_G7, Code.GATE_G2]
    assert "exploitation" in found[0].hint
    assert "identity" not in found[0].hint
    assert gates(replace(GOOD, consent=consent, categories=frozenset({"identity"}))) == []


@pytest.mark.parametrize("name", sorted(NEVER_BLOCKED))
def test_g10_is_stronger_than_everything(name):
    """Withdrawal, erasure and safety alert pass facts that close every other gate."""
    worst = replace(
        GOOD,
        body_type=f"{name}/1",
        personal=None,
        purpose=None,
        transfer_basis="consent_49_1_a",
        consent=withdraw(CONSENT, TAKEN_BACK),
        conversation_withdrawn=True,
        findings=(Finding(place="/content", rule="unknown_code"),),
    )
    assert evaluate(worst) == Permit()


@pytest.mark.parametrize("rule", ["unknown_code", "unmapped_code"])
def test_g11_refuses_unknown_codes_at_their_place(rule):
    """The first code without meaning is named by its place."""
    findings = (Finding(place="/content/a", rule="required"), Finding(place="/content/b", rule=rule))
    found = evaluate(replace(GOOD, findings=findings))
    assert isinstance(found, tuple)
    assert (found[0].gate, found[0].place) == (Code.GATE_G11, "/content/b")


def test_g11_refuses_a_type_the_catalogue_does_not_know():
    """Whether an unknown type is personal nobody can say."""
    assert gates(replace(GOOD, personal=None)) == [Code.GATE_G11]


@pytest.mark.parametrize(
    ("body_type", "content", "expected"),
    [
        ("referral.decline/1", {"reason": "no_capacity"}, []),
        ("referral.decline/1", {}, [Code.GATE_G13]),
        ("referral.decline/1", {"reason": ""}, [Code.GATE_G13]),
        ("enquiry.reply/1", {"answer": "no"}, [Code.GATE_G13]),
        ("enquiry.reply/1", {"answer": "no", "decline_reason": "no_capacity"}, []),
        ("enquiry.reply/1", {"answer": "yes"}, []),
    ],
)
def test_g13_who_declines_says_why(body_type, content, expected):
    """A decline without a reason code is refused."""
    assert expected == gates(replace(GOOD, body_type=body_type, content=content))


def test_facts_that_know_nothing_pass_nothing():
    """An empty policy refuses."""
    nothing = GateFacts(
        body_type="",
        personal=None,
        categories=frozenset(),
        purpose=None,
        recipient_unit="",
        sender_kind=None,
        transfer_basis=None,
        consent_ref=None,
        consent=None,
        conversation_withdrawn=False,
        content={},
        findings=(),
        today=date(2026, 6, 1),
    )
    assert gates(nothing) == [Code.GATE_G2, Code.GATE_G11]


def test_every_refusal_names_gate_place_and_hint():
    """All refusals of one message are told at once, each complete."""
    found = evaluate(
        replace(
            GOOD,
            body_type="referral.decline/1",
            transfer_basis="consent_49_1_a",
            conversation_withdrawn=True,
            findings=(Finding(place="/content/reason", rule="unknown_code"),),
        )
    )
    assert isinstance(found, tuple)
    assert len(GATES) == len(found)
    assert all(isinstance(refusal, Refuse) and refusal.place and refusal.hint for refusal in found)


def test_each_gate_states_its_source():
    """The docstring of a gate starts with its number and names where the rule comes from."""
    for gate in GATES:
        number = gate.__name__.split("_")[0].upper()
        assert (gate.__doc__ or "").startswith(f"{number}: ")
        assert any(source in (gate.__doc__ or "") for source in ("GDPR", "DOMAIN"))
