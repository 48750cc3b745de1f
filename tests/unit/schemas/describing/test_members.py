"""What a message type says in words: complete, and the same as what is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import table

from gateway.errors import Code, RefusedError
from schemas import list_fields, load_catalogue, validate
from schemas.describing.members import ALWAYS, ANSWERED, FREE, SAYABLE, Row, describe_members
from schemas.describing.rules import describe_rules

PACKAGE = Path(__file__).resolve().parents[4] / "schemas"
NAMES = ("pseudonym", "languages", "gender", "age_group")
TYPES = [entry.body_type for entry in load_catalogue().types]


def row(body_type: str, place: str) -> Row:
    """The row of one member."""
    return next(found for found in describe_members(body_type) if found.place == place)


@table("body_type", TYPES)
def test_every_leaf_is_told_once(body_type: str) -> None:
    """Places, lists, classes and categories are those that the walk finds; reasons of absence are no rows."""
    leaves = [
        (leaf.path, leaf.codes, leaf.sensitivity) for leaf in list_fields(body_type) if "/unknown/" not in leaf.path
    ]
    told = [(found.place, found.codes, found.sensitivity) for found in describe_members(body_type) if found.sensitivity]
    assert leaves == told


@table("body_type", TYPES)
def test_needed_is_what_a_body_is_refused_without(body_type: str) -> None:
    """Without anything in its content, exactly the members that are needed or to be answered are found missing."""
    findings = validate(body_type, {"header": {}, "content": {}})
    missing = {finding.place for finding in findings if finding.rule == "required"}
    needed = {told.place.removesuffix("/*") for told in describe_members(body_type) if told.need in (ALWAYS, ANSWERED)}
    assert missing == {place for place in needed if place.count("/") == 2}


def test_need_has_four_words() -> None:
    """Required, answered, optional with a reason, optional without."""
    told = [row("referral.request/1", f"/content/person/{name}").need for name in NAMES]
    assert told == [ALWAYS, ANSWERED, SAYABLE, FREE]


@pytest.mark.parametrize(
    ("body_type", "place", "kind"),
    [
        ("enquiry.capacity/1", "/content/services/*", "code of service; 1 to 10 of them, all different"),
        ("enquiry.capacity/1", "/content/accompanied_children", "whole number from 0 to 9"),
        ("enquiry.capacity/1", "/content/note", "text of at most 280 characters"),
        ("nationality.request/1", "/content/context", 'always "documentation"'),
        ("assistance.plan/1", "/content/agreed_with_person", "always true"),
        ("referral.withdraw/1", "/content/erase", "true or false"),
        ("risk.assessment/1", "/content/based_on/*", "id; 2 of them, all different"),
        ("risk.assessment/1", "/content/findings", "object; 17 of them, one for each `risk_domain`"),
        ("referral.accept/1", "/header/handling", "object"),
    ],
)
def test_kind_is_told(body_type: str, place: str, kind: str) -> None:
    """One example of each kind of member."""
    assert row(body_type, place).kind == kind


def test_meaning_is_the_note_or_the_title_of_the_list() -> None:
    """A field that needs no note has the title of its code list; a borrowed category names the sibling."""
    assert row("family.report/1", "/content/visited_on").meaning.startswith("day of the visit")
    assert row("referral.withdraw/1", "/content/reason").meaning == "Why a request is withdrawn"
    assert row("bid.report/1", "/content/factors/*/finding").category == "that of factor"


def test_unknown_type_is_refused() -> None:
    """What is not held cannot be told."""
    for ask in (describe_members, describe_rules):
        with pytest.raises(RefusedError) as caught:
            ask("referral.magic/1")
        assert caught.value.code == Code.NO_COMMON_SCHEMA
