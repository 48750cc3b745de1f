"""What a message discloses: categories for consent, classes for handling, fields for mappings."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import (
    SENSITIVITY,
    code_list,
    find_categories,
    find_classes,
    highest_class,
    list_fields,
    list_parts,
    load_catalogue,
)

MINIMAL: dict[str, Any] = {
    "referral_kind": "service",
    "person": {
        "pseudonym": "Mali",
        "age_group": "adult",
        "unknown": {"languages": "refused", "safe_contact_rule": "not_yet"},
    },
    "thb_status": "presumed",
    "services_requested": [{"service": "food"}],
    "legal_status": "unknown",
    "expected_next_step": "service_start",
    "unknown": {"immediate_risk": "not_yet"},
}


def test_only_what_is_present_counts() -> None:
    """A category is there when one of its fields is; saying that a value is unknown or refused discloses none."""
    assert {"exploitation", "identity", "immigration", "needs"} == find_categories("referral.request/1", MINIMAL)


@pytest.mark.parametrize(
    ("more", "category"),
    [
        ({"health_flags": ["pregnant"]}, {"health_physical"}),
        ({"health_flags": ["mental_health_acute"]}, {"health_mental"}),
        ({"health_flags": ["chronic", "mental_health_acute"]}, {"health_physical", "health_mental"}),
        ({"proceedings": [{"proceeding": "criminal_witness"}]}, {"criminal"}),
        ({"proceedings": [{"proceeding": "family_court", "stage": "open", "presence_needed": True}]}, {"family"}),
        ({"immediate_risk": {"level": "low"}}, {"risk"}),
        ({"summary": "x"}, set()),
    ],
)
def test_each_part_asks_for_its_own_category(more: dict[str, Any], category: set[str]) -> None:
    """Nothing asks for a wider consent than what it discloses."""
    base = find_categories("referral.request/1", MINIMAL)
    assert category == find_categories("referral.request/1", MINIMAL | more) - base


def test_person_parts_have_own_categories() -> None:
    """Documents and the rule for safe contact are not identity."""
    person = MINIMAL["person"] | {
        "safe_contact_rule": {"may_call": False},
        "identity_documents": [{"kind": "passport"}],
    }
    found = find_categories("referral.request/1", MINIMAL | {"person": person})
    assert {"contact", "documents"} <= found


def test_answer_has_the_category_that_was_asked_for() -> None:
    """An answer's category stands beside it; a refusal discloses nothing."""
    answers = [
        {"item_id": "a", "status": "given", "data_category": "health_mental", "value": "x"},
        {"item_id": "b", "status": "refused_by_person", "data_category": "criminal"},
    ]
    assert {"health_mental"} == find_categories("info.reply/1", {"answers": answers})


def test_second_step_of_disclosure_is_identity() -> None:
    """The identifying part of an information reply needs a consent for identity."""
    content = {
        "answers": [{"item_id": "a", "status": "given", "data_category": "identity", "in_person": True}],
        "person_identifying": {"pseudonym": "Mali", "name_family": "Provaj"},
    }
    assert {"identity"} == find_categories("info.reply/1", content)


def test_enquiry_discloses_nothing() -> None:
    """A capacity enquiry has no category of personal data whatever it says."""
    content = {
        "services": ["food"],
        "age_group": "child",
        "gender": "Feminine",
        "note": "x",
        "referral_kind": "service",
    }
    assert frozenset() == find_categories("enquiry.capacity/1", content)
    assert {"operational"} == find_classes("enquiry.capacity/1", content)


def test_classes_and_the_highest_of_them() -> None:
    """A message has the highest class of its fields; locating is above special."""
    assert {"pseudonymous", "identifying", "special", "locating"} == find_classes("referral.request/1", MINIMAL)
    assert highest_class(find_classes("referral.request/1", MINIMAL)) == "locating"
    assert highest_class(frozenset()) == "public"


def test_fields_list_every_leaf_once() -> None:
    """A mapping can be checked against the list: paths are unique, items are written with a star."""
    for entry in load_catalogue().types:
        paths = [field.path for field in list_fields(entry.body_type)]
        assert len(set(paths)) == len(paths)
    by_path = {field.path: field for field in list_fields("referral.request/1")}
    assert by_path["/header/legal_basis/*"].required
    assert not by_path["/header/case_ref_sender"].required
    assert by_path["/content/person/nationalities/*"].codes == "country"
    assert by_path["/content/summary"].text
    assert by_path["/content/proceedings/*/stage"].category_as == "proceeding"
    assert "/header/consent_ref" not in {field.path for field in list_fields("enquiry.capacity/1")}


def test_sensitivity_order() -> None:
    """The classes are those of the design, in rising order."""
    assert SENSITIVITY == ("public", "operational", "pseudonymous", "identifying", "special", "locating")


ODD: tuple[object, ...] = (None, 7, "x", [], [[]], [[[["x"]]]], {"x": 1}, [{"proceeding": ["x"], "stage": "open"}])


@pytest.mark.parametrize("value", ODD)
def test_invalid_content_is_walked_without_harm(value: object) -> None:
    """Categories may be asked before the verdict; whatever comes, the answer holds only codes of the list."""
    content = dict.fromkeys(MINIMAL, value) | {"proceedings": value, "answers": value, "health_flags": value}
    known = {entry.code for entry in code_list("data_category").codes}
    for entry in load_catalogue().types:
        assert find_categories(entry.body_type, content) <= known
        assert find_categories(entry.body_type, value) <= known


def test_unknown_category_of_an_answer_is_no_category() -> None:
    """A code that the list does not have never becomes a category, so no refusal can repeat it."""
    answers = [{"item_id": "a", "status": "given", "data_category": "Zorzqua", "value": "x"}]
    assert find_categories("info.reply/1", {"answers": answers}) == frozenset()


def test_the_files_that_a_content_names() -> None:
    """By number, wherever they stand; what is no reference to a file is none."""
    named = {"attachments": [{"part": 1, "doc_kind": "other"}, {"part": 0, "doc_kind": "court_document"}]}
    assert list_parts("referral.request/1", MINIMAL | named) == (1, 0)
    assert list_parts("referral.request/1", MINIMAL) == ()
    assert {"documents", "criminal"} <= find_categories("referral.request/1", MINIMAL | named)
    answer = {"answers": [{"item_id": "a", "status": "given", "attachment": {"part": 3, "doc_kind": "other"}}]}
    assert list_parts("info.reply/1", answer) == (3,)
    assert list_parts("traveldoc.request/1", {"photo": {"part": 0}}) == (0,)
