"""A content with one value corrected: which places are fields of it, and what the new value counts as."""

from __future__ import annotations

import pytest

import schemas

CONTENT = {
    "person": {"pseudonym": "P-1", "name_family": "A", "nationalities": ["AL", "XK"]},
    "legal_status": "regular",
    "summary": "words",
}
PLACES = [
    ("/content/person/name_family", "B", {"identity"}),
    ("/content/person/name_family", None, {"identity"}),
    ("/content/person/name_given", "C", {"identity"}),
    ("/content/person/nationalities/1", "RS", {"identity"}),
    ("/content/person/nationalities/2", "RS", {"identity"}),
    ("/content/person/nationalities/-", "RS", {"identity"}),
    ("/content/person/nationalities/0", None, {"identity"}),
    ("/content/legal_status", "asylum_pending", {"immigration"}),
    ("/content/person/pseudonym", "B", set()),
    ("/content/referral_kind", "x", set()),
    ("/content/person/name_given", None, None),
    ("/content/person/nationalities/3", "RS", None),
    ("/content/services_requested/-", "x", None),
    ("/content/person/nationalities/-1", "RS", None),
    ("/content/person/nationalities/-", None, None),
    ("/content/person/nationalities/00000", "RS", None),
    ("/content/person", "B", None),
    ("/content/person/nationalities", "B", None),
    ("/content/person/name_family/0", "B", None),
    ("/content/household/0/relation", "child", None),
    ("/content/no_such_field", "B", None),
    ("/header/purpose", "B", None),
    ("/content", "B", None),
    ("", "B", None),
]


@pytest.mark.parametrize(("place", "value", "categories"), PLACES)
def test_places_of_a_referral(place: str, value: str | None, categories: set[str] | None):
    """By place and new value (None takes it away) its categories; none for a field without, None for no field."""
    found = schemas.correct_content("referral.request/1", CONTENT, place, value)
    assert (None if found is None else set(found.categories)) == categories


def test_only_the_value_changes():
    """The rest of the content stays as it was, and so does the content that was given."""
    before = {**CONTENT, "person": dict(CONTENT["person"])}
    found = schemas.correct_content("referral.request/1", CONTENT, "/content/person/nationalities/0", "RS")
    assert found is not None
    assert found.content == CONTENT | {"person": CONTENT["person"] | {"nationalities": ["RS", "XK"]}}
    taken = schemas.correct_content("referral.request/1", CONTENT, "/content/summary")
    assert taken is not None
    assert taken.content == {name: value for name, value in CONTENT.items() if name != "summary"}
    assert before == CONTENT


def test_a_value_counts_as_what_stands_beside_it_says():
    """The answer to a question about a name is a name, whatever the correction calls it."""
    content = {"answers": [{"item_id": "a", "status": "given", "data_category": "identity", "value": "x"}]}
    found = schemas.correct_content("info.reply/1", content, "/content/answers/0/value", "y")
    assert found is not None
    assert found.categories == {"identity"}
