"""All gates together: their numbers and sources, who asks them, what stops none, and what tells all."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support.gate_facts import ENQUIRY, GOOD, NOTHING, RECORD, gates, headed, refusals
from support.tables import table

from gateway.consent.rules import read, withdraw
from gateway.errors import Code, Finding
from gateway.policy.gates.gate_table import (
    AT_RECEIVER,
    GATES,
    LEFT_TO_SENDER,
    Permit,
    Recipient,
    evaluate,
)
from schemas.types import NEVER_BLOCKED

NUMBERED = [*GATES, *(item.gate for item in AT_RECEIVER)]
TAKEN_BACK = {"consent_id": RECORD["consent_id"], "scope": "all"}


def number(gate) -> Code:
    """The code of a gate by its name."""
    return Code(f"gate_{gate.__name__.partition('_')[0]}")


@pytest.mark.parametrize("facts", [GOOD, ENQUIRY], ids=["referral", "enquiry"])
@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_what_is_right_passes(facts, at_receiver):
    """A covered referral and an enquiry without personal data meet no closed gate on either side."""
    assert gates(facts, at_receiver=at_receiver) == []


@table("name", sorted(NEVER_BLOCKED))
@table("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g10_is_stronger_than_everything(name, at_receiver):
    """Withdrawal, erasure and safety alert pass facts that close every other gate."""
    worst = replace(
        headed(GOOD, transfer_basis="consent_49_1_a", vital_interest={}),
        body_type=f"{name}/1",
        personal=None,
        categories=frozenset({"criminal"}),
        purpose=None,
        recipient=None,
        consent=withdraw(read(RECORD), TAKEN_BACK),
        conversation_withdrawn=True,
        asylum_hold=True,
        findings=(Finding(place="/content", rule="unknown_code"),),
    )
    assert gates(worst, at_receiver=at_receiver) == []


def test_facts_that_know_nothing_pass_nothing():
    """An empty policy refuses."""
    assert set(gates(NOTHING)) >= {Code.GATE_G2, Code.GATE_G11, Code.GATE_G14}


#: What each gate governs, so that it has something to refuse.
GOVERNED = {
    Code.GATE_G1: {"body_type": "enquiry.capacity/1", "content": {"note": "write to a@example.org"}},
    Code.GATE_G2: {"body_type": "referral.request/1"},
    Code.GATE_G3: {"body_type": "return.response/1", "content": {"answer": "confirm"}},
    Code.GATE_G4: {"body_type": "return.proposal/1"},
    Code.GATE_G5: {"body_type": "traveldoc.request/1"},
    Code.GATE_G6: {"body_type": "referral.request/1", "header": {"transfer_basis": "consent_49_1_a"}},
    Code.GATE_G7: {"body_type": "referral.request/1", "conversation_withdrawn": True},
    Code.GATE_G8: {"body_type": "return.proposal/1"},
    Code.GATE_G9: {"body_type": "info.reply/1", "categories": frozenset({"criminal"})},
    Code.GATE_G11: {"body_type": "x.unknown/1"},
    Code.GATE_G12: {"body_type": "stats.submission/1"},
    Code.GATE_G13: {"body_type": "referral.decline/1"},
    Code.GATE_G14: {"body_type": "enquiry.capacity/1"},
    Code.GATE_G15: {"body_type": "nationality.request/1"},
}


@table("code", sorted(GOVERNED, key=lambda code: int(code.removeprefix("gate_g"))))
def test_each_gate_is_closed_to_empty_facts(code):
    """What a gate governs and is told nothing about, it refuses."""
    assert code in gates(replace(NOTHING, **GOVERNED[code]))


def test_no_number_is_left_out():
    """G1 to G15 are there: each is a function but G10, which is asked before all of them."""
    wanted = {Code(f"gate_g{n}") for n in range(1, 16)}
    assert {number(gate) for gate in GATES} == wanted - {Code.GATE_G10} == set(GOVERNED)


def test_the_receiver_asks_or_says_why_not():
    """Each number is either asked by the receiver or left to the sender with a reason, never both."""
    asked, left = {number(item.gate) for item in AT_RECEIVER}, set(LEFT_TO_SENDER)
    assert asked | left == {Code(f"gate_g{n}") for n in range(1, 16)}
    assert not asked & left
    assert all(item.why for item in AT_RECEIVER) and all(LEFT_TO_SENDER.values())


@table("gate", NUMBERED, ids=lambda gate: gate.__name__)
def test_each_gate_states_its_source(gate):
    """The docstring of a gate begins with its number and names where the rule comes from."""
    text = gate.__doc__ or ""
    assert re.match(rf"{number(gate).removeprefix('gate_').upper()}(:| at the receiver)", text)
    assert any(source in text for source in ("GDPR", "domain", "ECAT", "Directive"))


def test_every_refusal_names_gate_place_and_hint():
    """All refusals of one message are told at once, each complete, and none with a value of the case."""
    found = refusals(
        replace(
            headed(GOOD, transfer_basis="consent_49_1_a"),
            body_type="referral.decline/1",
            categories=frozenset({"criminal"}),
            recipient=None,
            conversation_withdrawn=True,
            content={"note": "Testina"},
            findings=(Finding(place="/content/reason", rule="unknown_code"),),
        )
    )
    told = [Code.GATE_G7, Code.GATE_G2, Code.GATE_G6, Code.GATE_G9, Code.GATE_G14, Code.GATE_G11, Code.GATE_G13]
    assert [refusal.gate for refusal in found] == told
    assert all(refusal.place.startswith("/") and refusal.hint for refusal in found)
    assert "Testina" not in repr(found)


def test_a_permit_is_one():
    """An enquiry to a listed unit is answered with the value that lets it go on."""
    assert evaluate(
        replace(ENQUIRY, recipient=Recipient(country="AL", roles=frozenset(), kind=None, current=True))
    ) == (Permit())
