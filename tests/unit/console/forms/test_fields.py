"""gateway.console.forms.fields: what a browser sends is read as a document."""

from __future__ import annotations

import pytest

from gateway.console.forms.fields import remove_row, to_document


def offset(at: int) -> int:
    """A time that is changed twice a year."""
    return 7200 if 80 <= at // 86_400 % 365 <= 300 else 3600


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ({"": "2026-07-01T14:00"}, 1_782_907_200),
        ({"": "2026-07-01T14:00", "#at": "1782907233"}, 1_782_907_233),
        ({"": "2026-07-01T15:00", "#at": "1782907233"}, 1_782_910_800),
        ({"": "2026-01-01T00:00:30"}, 1_767_222_030),
        ({"": "tomorrow"}, "tomorrow"),
        ({"": "2026-02-31T14:00"}, "2026-02-31T14:00"),
        ({"": "99999999999999", "#at": "99999999999999"}, 99_999_999_999_999),
    ],
)
def test_a_time_is_that_of_the_country(sent, at):
    """And the exact second where it was not changed."""
    given = {f"/header/respond_by{name}": (value,) for name, value in sent.items()}
    assert to_document("enquiry.capacity/1", given, offset)["header"] == {"respond_by": at}


@pytest.mark.parametrize(
    "fields",
    [
        {"/content/stranger": ("x",)},
        {"/content/person/stranger": ("x",)},
        {"act": ("save",)},
        {"/header/seen": ("7",)},
        {"/content/household/77777777777/relation": ("child",)},
        {"/content/household/x/relation": ("child",)},
    ],
)
def test_a_field_that_no_form_has_is_passed_over(fields):
    """Nothing comes in by a name that the schema does not have, or that the node fills in."""
    assert to_document("referral.request/1", fields, offset) == {"header": {}, "content": {}}


def test_an_empty_row_is_no_row():
    """One that was added and left empty; the others keep their order."""
    given = {"/content/household/0/relation": ("",), "/content/household/7/relation": ("child",)}
    assert to_document("referral.request/1", given, offset)["content"] == {"household": [{"relation": "child"}]}


def test_a_row_is_taken_out():
    """Of any list, and the list with its last row."""
    document = {"content": {"a": [1, 2], "b": [{"c": [1]}]}}
    assert remove_row(document, "/content/a/0") == {"content": {"a": [2], "b": [{"c": [1]}]}}
    assert remove_row(document, "/content/b/0/c/0") == {"content": {"a": [1, 2], "b": [{}]}}
    assert remove_row(document, "/content/b/0") == {"content": {"a": [1, 2]}}
    for nowhere in ("", "/", "/content", "/content/a/9", "/content/a/x", "/no/0", "/content/a/0/0"):
        assert remove_row(document, nowhere) == document
