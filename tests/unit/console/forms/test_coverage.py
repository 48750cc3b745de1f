"""What a message rests on, category by category; of another person, purpose or unit nothing counts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.console.forms.coverage import Coverage, Covered, explain_coverage

UNIT, REF = "n1b/fp", "C" * 22
CONTENT: dict[str, Any] = {"person": {"name_given": "Merle"}, "legal_status": "residence_art14"}


def grant(**other: Any) -> dict[str, Any]:
    """A grant that covers who she is."""
    return {"purpose": "referral", "categories": ["identity"], "units": [UNIT], "until": "2027-05-24"} | other


def explained(*grants: dict[str, Any], ref: str = REF, **header: Any) -> Coverage:
    """What a referral with this content rests on, where the case has a consent with these grants."""
    consents = [{"id": None, "covers": []}, {"id": REF, "covers": [*grants]}]
    leaves = {"header": {"consent_ref": ref} | header, "content": CONTENT}
    return explain_coverage("referral.request/1", leaves, "referral", UNIT, consents)


@pytest.mark.parametrize(
    ("grants", "until"),
    [
        ((grant(),), "2027-05-24"),
        ((grant(until="2027-01-01"), grant(until="2027-03-01")), "2027-03-01"),
        ((grant(purpose="return"),), None),
        ((grant(units=["n1b/shelter"]),), None),
        ((grant(categories=["needs"]),), None),
        ((), None),
    ],
)
def test_a_category_is_covered_for_this_purpose_and_unit_until_the_last_day(grants, until):
    """The immigration status is covered by none of them."""
    found = explained(*grants)
    assert (found.why, found.purpose) == ("", "referral")
    assert found.covered == [Covered(category="identity", until=until), Covered(category="immigration", until=None)]


def test_the_consent_that_is_named_counts_and_no_other():
    """Another one of the same person may cover more."""
    assert {one.until for one in explained(grant(), ref="D" * 22).covered} == {None}


def test_why_no_consent_is_needed_is_said():
    """Danger to life, a type that nothing holds back, and a message without data of a person."""
    assert explained(vital_interest={"ground": "x"}) == Coverage(purpose="referral", covered=[], why="vital")
    for body_type, why in (("safety.alert/1", "free"), ("enquiry.capacity/1", "nothing")):
        assert explain_coverage(body_type, {"header": {}, "content": {}}, None, UNIT, ()).why == why


def test_it_says_whose_consent_holds_and_for_what():
    """For each kind of data in each field of the preview; nothing holds where no consent is needed."""
    found = explained(grant())
    assert found.consent is not None and found.consent["id"] == REF
    assert found.holds("identity") and not found.holds("immigration") and not found.holds("health")
    assert explained(grant(), vital_interest={"ground": "x"}).consent is None
