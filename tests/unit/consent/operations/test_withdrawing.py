"""What a withdrawal says: of all of a consent, or of some of its grants."""

from __future__ import annotations

import pytest

from gateway.consent.known_by import RECORD
from gateway.consent.operations.withdrawing import MOST_GRANTS, WITHDRAWAL, take_back
from gateway.consent.rules import places_of
from schemas import load_catalogue, validate

ID = "A" * 22
LAST = MOST_GRANTS - 1


@pytest.mark.parametrize(
    ("grants", "places"),
    [
        (None, None),
        ([], None),
        ([0, 2], [0, 2]),
        ([2, 0, 2], [0, 2]),
        ([LAST], [LAST]),
        ([0, MOST_GRANTS], None),
        ([*range(MOST_GRANTS)], [*range(MOST_GRANTS)]),
    ],
    ids=["all", "none", "two", "one twice", "the last place", "no record has it", "each by its place"],
)
@pytest.mark.parametrize("erase", [False, True])
def test_what_a_withdrawal_says(grants: list[int] | None, places: list[int] | None, erase: bool):
    """With the second in which it was taken back; what can not be told as a list is told as all (domain 2.22)."""
    content = take_back(ID, now=1_800_000_000, erase_wanted=erase, grants=grants)
    says = {"scope": "all"} if places is None else {"scope": "grants", "grants": places}
    assert content == {"consent_id": ID, "withdrawn_on": 1_800_000_000, "erase_wanted": erase} | says
    assert places_of(content) == (None if places is None else frozenset(places))
    faults = validate(WITHDRAWAL, {"header": {}, "content": content})
    assert [fault.place for fault in faults if fault.place.startswith("/content")] == []


def test_a_record_has_no_more_grants():
    """Nor can a withdrawal name more places: both schemas say so."""
    record, withdrawal = (
        load_catalogue().get(name).document["properties"]["content"]["properties"]["grants"]
        for name in (RECORD, WITHDRAWAL)
    )
    assert record["maxItems"] == withdrawal["maxItems"] == withdrawal["items"]["maximum"] + 1 == MOST_GRANTS
