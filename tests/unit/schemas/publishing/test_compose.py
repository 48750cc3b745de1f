"""The source notation, one construct at a time, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.compositions import LIBRARY, composed, verdicts

from schemas.publishing.compose import compose_schema
from schemas.publishing.compose_rules import SourceError

ABOUT: dict[str, Any] = {
    "body_type": "x/1",
    "revision": 1,
    "title": "x",
    "kind": "any",
    "stage": "any",
    "tier": 1,
    "reply_to": [],
    "senders": ["guardian"],
    "receivers": ["dpo"],
    "answers": None,
    "never_blocked": False,
    "personal": False,
    "content": {"class": "operational", "object": {"a?": {"flag": True}}},
}
"""A message source with everything that one says about itself."""


def test_optional_members_end_in_a_question_mark() -> None:
    """A plain name is required, a name with `?` is not, any other is refused."""
    schema = composed({"object": {"a": {"flag": True}, "b?": {"flag": True}}})
    assert verdicts(schema, {"a": True}, {"a": True, "b": False}, {"b": True}, {"a": True, "c": 1}) == [
        True,
        True,
        False,
        False,
    ]


def test_answered_member_is_given_or_said_to_be_unknown_not_both() -> None:
    """A name with `~` needs a value or a reason; both at once is a contradiction."""
    schema = composed({"says_unknown": True, "object": {"a~": {"text": 5, "category": "needs"}}})
    said = {"unknown": {"a": "refused"}}
    assert verdicts(schema, {"a": "x"}, said, {}, {"a": "x", **said}, {"unknown": {}}) == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_scalar_is_a_bounded_value_of_one_of_three_types() -> None:
    """A scalar is text, an integer or a boolean, each within its limits, and nothing that has parts."""
    schema = composed({"object": {"a": {"scalar": 3}}})
    assert verdicts(schema, *({"a": value} for value in ("abc", 2**53 - 1, False))) == [True, True, True]
    assert not any(verdicts(schema, *({"a": value} for value in ("", "abcd", 2**53, 0.5, None, [], {}))))


def test_object_with_a_limit_of_members() -> None:
    """Of many optional members only so many may be given at once."""
    schema = composed({"object": {"a?": {"flag": True}, "b?": {"flag": True}, "c?": {"flag": True}}, "most": 2})
    assert verdicts(schema, {}, {"a": True, "c": True}, {"a": True, "b": True, "c": True}) == [True, True, False]


def test_marks_are_inherited_and_can_be_overridden() -> None:
    """Class and category flow down to the leaves; a nearer one wins, null takes the category away."""
    members = {"a": {"flag": True}, "b": {"flag": True, "class": "locating"}, "c": {"flag": True, "category": None}}
    leaves = composed({"category": "risk", "object": members})["properties"]
    assert leaves["a"] == {"type": "boolean", "x-class": "special", "x-category": "risk"}
    assert leaves["b"] == {"type": "boolean", "x-class": "locating", "x-category": "risk"}
    assert leaves["c"] == {"type": "boolean", "x-class": "special"}


def test_code_list_becomes_an_enumeration() -> None:
    """A code is one of the list's codes without the retired ones, and knows codes with an own category."""
    schema = composed({"object": {"a": {"code": "colour", "category": "risk"}}})
    assert schema["$defs"]["code.colour"]["enum"] == ["red", "blue"]
    assert schema["properties"]["a"]["x-category-codes"] == {"blue": "needs"}


def test_a_later_code_is_only_where_its_edition_is_asked_for() -> None:
    """A schema that names no edition is composed as before the code came; an edition that there is not is refused."""
    listed = [*LIBRARY.codes["colour"]["codes"], {"code": "green", "since": 2, "category": "needs"}]
    library = replace(LIBRARY, codes={**LIBRARY.codes, "colour": {"codes": listed}})
    document = {"class": "special", "object": {"a": {"code": "colour", "category": "risk"}}}
    source = {"object_type": "x/1", "revision": 1, "title": "x", "document": document}
    assert compose_schema(source, library) == compose_schema(source, LIBRARY)
    later = compose_schema({**source, "editions": {"colour": 2}}, library)
    assert later["$defs"]["code.colour"]["enum"] == ["red", "blue", "green"]
    assert later["properties"]["a"]["x-category-codes"] == {"blue": "needs", "green": "needs"}
    with pytest.raises(SourceError, match="edition 3"):
        compose_schema({**source, "editions": {"colour": 3}}, library)


def test_same_source_gives_the_same_schema() -> None:
    """Composing has no hidden state."""
    document = {"object": {"a": {"is": "day"}, "b": {"codes": "colour", "max": 2}}}
    assert composed(document) == composed(document)


def test_kind_of_conversation_is_of_a_closed_list() -> None:
    """A misspelt kind would quietly lose the rules of its conversation, so it stops the build."""
    with pytest.raises(SourceError, match="kind of conversation"):
        compose_schema({**ABOUT, "kind": "standing-order"}, LIBRARY)


@pytest.mark.parametrize(
    ("personal", "kind", "basis", "valid"),
    [
        (True, "referral", True, True),
        (True, "referral", False, False),
        (False, "any", False, True),
        (False, "enquiry", False, True),
        (False, "enquiry", True, False),
        (False, "standing", False, True),
        (False, "standing", True, False),
    ],
)
def test_header_depends_on_whether_a_person_is_behind_it(personal: bool, kind: str, basis: bool, valid: bool) -> None:
    """Personal messages need both bases, enquiries and standing conversations refuse them."""
    schema = compose_schema({**ABOUT, "kind": kind, "personal": personal}, LIBRARY)
    header = {"from": "x"} | ({"legal_basis": "x", "transfer_basis": "x"} if basis else {})
    assert [valid] == verdicts(schema, {"header": header, "content": {}})


def test_message_says_who_sends_it_and_what_it_asks_for() -> None:
    """What a source says about itself is in its schema; `any` is published as all roles that are in use."""
    answers = {"types": ["y/1"], "clock": "decision"}
    about = compose_schema({**ABOUT, "senders": "any", "answers": answers}, LIBRARY)["x-message"]
    assert (["guardian", "dpo"], ["dpo"], answers) == (about["senders"], about["receivers"], about["answers"])
    assert {*ABOUT} - {"title", "content"} == {*about}


@pytest.mark.parametrize(
    "change",
    [
        {"senders": []},
        {"receivers": ["warden"]},
        {"receivers": "all"},
        {"answers": {"types": [], "clock": "soon"}},
        {"answers": {"clock": "decision"}},
    ],
    ids=["nobody-sends", "retired-role", "no-role", "no-clock", "no-types"],
)
def test_message_that_is_owed_to_nobody_is_refused(change: dict[str, Any]) -> None:
    """Roles that are not in the list and clocks that nobody knows stop the build."""
    with pytest.raises(SourceError):
        compose_schema({**ABOUT, **change}, LIBRARY)


@pytest.mark.parametrize("name", sorted({*ABOUT} - {"title", "content", "revision"} - {"body_type"}))
def test_message_has_to_say_everything_about_itself(name: str) -> None:
    """A source that leaves out one of its properties stops the build."""
    with pytest.raises(SourceError, match=name):
        compose_schema({key: value for key, value in ABOUT.items() if key != name}, LIBRARY)


@pytest.mark.parametrize(
    "document",
    [
        {"object": {"a": {"words": 5}}},
        {"object": {"a~": {"text": 5, "category": "needs"}}},
        {"says_unknown": True, "object": {"a~": {"text": 5}}},
        {"object": {"a": {"flag": True}}, "rules": [{"when": {"a": True}, "need": ["a"]}]},
        {"class": None, "object": {"a": {"flag": True}}},
    ],
    ids=["unknown-kind", "answered-without-unknown", "answered-without-category", "condition-of-no-kind", "no-class"],
)
def test_source_outside_the_notation_is_refused(document: dict[str, Any]) -> None:
    """A mistake in a source file stops the build."""
    with pytest.raises(SourceError):
        composed(document)


@pytest.mark.parametrize("field", [{"is": "week"}, {"code": "flavour"}])
def test_unknown_name_is_refused(field: dict[str, Any]) -> None:
    """A type or code list that does not exist stops the build."""
    with pytest.raises(KeyError):
        composed({"object": {"a": field}})
