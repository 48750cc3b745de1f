"""What a draft begins with: what names the thing that it answers, and what was set before; never an answer."""

from __future__ import annotations

import pytest

from gateway.console.forms.prefill import begin_answer, begins_with_answered, carry_terms, header_of, number_items
from gateway.foundation.config import CorridorSection


@pytest.mark.parametrize(
    ("body_type", "answered", "begins"),
    [
        ("return.response/1", {"version": 2, "return_kind": "assisted_voluntary"}, {"version": 2}),
        ("return.response/1", {}, {}),
        ("info.reply/1", {"items": [{"item_id": "q1", "question": "x"}]}, {"answers": [{"item_id": "q1"}]}),
        ("info.reply/1", {"items": "damaged"}, {"answers": []}),
        ("referral.decline/1", {"referral_kind": "return_reception"}, {}),
    ],
)
def test_an_answer_begins_with_what_it_answers(body_type, answered, begins):
    """References and versions, nothing that somebody has to decide."""
    assert begin_answer(body_type, answered) == begins
    assert begins_with_answered(body_type) or begins == {}


def test_only_basis_handling_and_language_go_over():
    """No consent, no urgency and no units; the legal part only to a message about a person."""
    header = {"legal_basis": ["6_1_e"], "handling": {}, "language": "fr", "consent_ref": "x", "priority": "urgent"}
    assert carry_terms(header, personal=True) == {"legal_basis": ["6_1_e"], "handling": {}, "language": "fr"}
    assert carry_terms(header, personal=False) == {"handling": {}, "language": "fr"}


def test_each_question_gets_a_number_of_its_own():
    """What has one keeps it, and none is given twice; other types are left alone."""
    items = [{"question": "a"}, {"item_id": "q1", "question": "b"}, {"question": "c"}]
    numbered = [one | {"item_id": id} for one, id in zip(items, ("q2", "q1", "q3"), strict=True)]
    assert number_items("info.request/1", {"items": items}) == {"items": numbered}
    assert number_items("info.reply/1", {"items": items}) == {"items": items}
    assert number_items("info.request/1", {"items": "damaged"}) == {"items": "damaged"}


def test_a_corridor_is_the_part_of_a_header_that_it_names():
    """Nothing that it does not name; the last day counts from the day on which a draft begins."""
    section = CorridorSection(to="AL", transfer_basis="adequacy_45", onward_sharing="none", retain_days=31)
    handling = {"onward_sharing": "none", "retain_until": "1970-02-01"}
    assert header_of(section, 60, personal=True) == {"transfer_basis": "adequacy_45", "handling": handling}
    assert header_of(section, 60, personal=False) == {"handling": handling}
    assert header_of(CorridorSection(to="AL"), 60, personal=True) == {}
