"""Who may consent for whom: the giver is held against the age, and a child's no is not passed over."""

from __future__ import annotations

from datetime import date

import pytest
from support.gate_facts import RECORD

import schemas
from gateway.consent.givers import FOR_A_CHILD, FOR_AN_ADULT, unfit_giver
from gateway.consent.rules import read

TODAY = date(2026, 6, 1)
ALONE, IN_PERSON, AUTHORITY = "a child does not consent alone", "an adult consents in person", "the child said no"


@pytest.mark.parametrize(
    ("giver", "child", "adult"),
    [
        ("person", ALONE, None),
        ("legal_representative", ALONE, None),
        ("guardian", None, IN_PERSON),
        ("person_and_guardian", None, IN_PERSON),
        ("parent", None, IN_PERSON),
        ("child_authority_interim", None, IN_PERSON),
        ("of no list", ALONE, IN_PERSON),
    ],
)
def test_the_giver_is_held_against_the_age(giver, child, adult):
    """A child alone, a guardian for an adult and whoever no list has give none; an age not told decides nothing."""
    consent = read(RECORD | {"given_by": giver})
    for age, words in ((True, child), (False, adult), (None, None)):
        found = unfit_giver(consent, child=age, today=TODAY)
        assert (found is None) == (words is None)
        assert words is None or words in str(found)


@pytest.mark.parametrize("giver", ["guardian", "person_and_guardian", "parent"])
@pytest.mark.parametrize("child", [True, None])
def test_what_a_child_refuses_the_child_authority_decides(giver, child):
    """Neither guardian nor parent passes over the child's no, whether the age was told or not; the authority may."""
    for assent, closed in (("refused", True), ("given", False), ("not_able", False)):
        found = unfit_giver(read(RECORD | {"given_by": giver, "child_assent": assent}), child=child, today=TODAY)
        assert (AUTHORITY in str(found)) is closed
    decided = read(RECORD | {"given_by": "child_authority_interim", "child_assent": "refused"})
    assert unfit_giver(decided, child=child, today=TODAY) is None


def test_the_authority_stands_in_for_sixty_days():
    """Taken on 20 May it holds until 19 July, whatever the last day of its grants; then the guardian is asked."""
    consent = read(RECORD | {"given_by": "child_authority_interim", "child_assent": "given"})
    assert unfit_giver(consent, child=True, today=date(2026, 7, 19)) is None
    assert "ask the guardian" in str(unfit_giver(consent, child=True, today=date(2026, 7, 20)))


def test_givers_are_codes():
    """Each code of the list is for a child or for an adult, and none for both."""
    assert {entry.code for entry in schemas.code_list("consent_giver").codes} == FOR_A_CHILD | FOR_AN_ADULT
    assert not FOR_A_CHILD & FOR_AN_ADULT
