"""What a person chooses to show is found exactly, or nothing is shown."""

from __future__ import annotations

import pytest
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.evidence.field_choice import choose_fields
from gateway.foundation.ids import MessageId

ONE, TWO = MessageId("A" * 22), MessageId("B" * 22)
FIELDS = {
    ONE: ["/content/name", "/content/names/0", "/content/person/age", "/content/person/sex", "/header/unit"],
    TWO: ["/content/name", "/header/unit"],
}


@table(
    "choices,found",
    [
        (["/content/name"], {ONE: ("/content/name",), TWO: ("/content/name",)}),
        ([f"{TWO}/content/name"], {TWO: ("/content/name",)}),
        (["/content/person"], {ONE: ("/content/person/age", "/content/person/sex")}),
        (["/content/names"], {ONE: ("/content/names/0",)}),
        ([f"{TWO}/header", "/content/person/sex"], {ONE: ("/content/person/sex",), TWO: ("/header/unit",)}),
        (["/header/unit", f"{ONE}/header/unit"], {ONE: ("/header/unit",), TWO: ("/header/unit",)}),
    ],
    ids=["of each", "of one", "an object", "an array", "two choices", "one twice"],
)
def test_what_is_chosen(choices: list[str], found: dict[MessageId, tuple[str, ...]]) -> None:
    """A pointer alone counts for every message that has it, behind an id for that one; an object means all in it."""
    assert choose_fields(choices, FIELDS) == found


def test_what_is_not_there_shows_nothing() -> None:
    """Every choice without a field is named by its place, and the good one beside it is not taken either."""
    choices = ["/content/name", "/content/name2", f"{TWO}/content/person", f"{'C' * 22}/content/name"]
    with pytest.raises(RefusedError) as refused:
        choose_fields(choices, FIELDS)
    assert refused.value.code is Code.NOT_FOUND
    assert [finding.place for finding in refused.value.findings] == ["/fields/1", "/fields/2", "/fields/3"]


@table("text", ["/", "content/name", "/content//name", "/content/name/", f"{'A' * 21}/content/name", ONE, "/cont"])
def test_what_is_no_choice(text: str) -> None:
    """What is no pointer, with or without the id of a message, chooses nothing."""
    with pytest.raises(RefusedError, match="nothing was shown"):
        choose_fields([text], FIELDS)
