"""Who may consent for whom: the giver is held against the age, and a child's no is not passed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from support.gate_facts import RECORD

import schemas
from gateway.consent.givers import FOR_A_CHILD, FOR_AN_ADULT, Guardianship, days_of_lapse, unfit_giver
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


@pytest.mark.parametrize(
    ("giver", "assent", "ends_with"),
    [
        ("guardian", "given", "left"),
        ("person_and_guardian", "given", "left"),
        ("parent", "given", None),
        ("child_authority_interim", "given", "began"),
        ("child_authority_interim", "refused", None),
    ],
)
@pytest.mark.parametrize("child", [True, None])
def test_a_consent_ends_with_whoever_gave_it(giver, assent, ends_with, child):
    """Taken on 20 May: a guardian's when one left since, the authority's when one is there since, by the day; a
    parent's stands, and so does what the authority decided because the child said no.
    """
    consent = read(RECORD | {"given_by": giver, "child_assent": assent})

    def lapses(what, day, today=TODAY):
        told = Guardianship(**{what: frozenset({day})})
        return unfit_giver(consent, child=child, today=today, guardianship=told) is not None

    for what in ("left", "began"):
        assert lapses(what, date(2026, 5, 21)) is (what == ends_with), "the day after it was taken"
        assert lapses(what, TODAY) is (what == ends_with), "today"
        assert not lapses(what, date(2026, 5, 20)), "on the day itself the new one may have given it"
        assert not lapses(what, date(2026, 6, 2)), "tomorrow"


def test_what_is_told_of_guardians_adds_up():
    """Where two sides recorded the consent, the guardians of both count."""
    first, second = Guardianship(began=frozenset({TODAY})), Guardianship(left=frozenset({TODAY}))
    assert first.joined(second) == Guardianship(began=frozenset({TODAY}), left=frozenset({TODAY}))


def test_givers_are_codes():
    """Each code of the list is for a child or for an adult, and none for both."""
    assert {entry.code for entry in schemas.code_list("consent_giver").codes} == FOR_A_CHILD | FOR_AN_ADULT
    assert not FOR_A_CHILD & FOR_AN_ADULT


@pytest.mark.parametrize(
    ("giver", "assent", "days"),
    [
        ("person", None, set()),
        ("guardian", "given", {date(2026, 6, 3), date(2026, 6, 9)}),
        ("person_and_guardian", "given", {date(2026, 6, 3), date(2026, 6, 9)}),
        ("parent", "given", {date(2026, 6, 9)}),
        ("child_authority_interim", "given", {date(2026, 6, 2), date(2026, 6, 9), date(2026, 7, 20)}),
        ("child_authority_interim", "refused", {date(2026, 6, 9), date(2026, 7, 20)}),
    ],
)
def test_the_days_on_which_a_consent_lapses(giver, assent, days):
    """The day after each grant, and those on which whoever gave it speaks for the person no more: what gate G2 says on
    that day and not on the one before. What was over when it was given is none.
    """
    grants = [RECORD["grants"][0] | {"until": "2026-06-30"}, RECORD["grants"][1] | {"until": None}]
    consent = read(RECORD | {"given_by": giver, "child_assent": assent, "grants": grants})
    told = Guardianship(
        began=frozenset({date(2026, 5, 20), date(2026, 6, 2)}), left=frozenset({date(2026, 5, 19), date(2026, 6, 3)})
    )
    found = days_of_lapse(consent, adult_on=date(2026, 6, 9), guardianship=told)
    assert found == days | {date(2026, 7, 1)}
    for day in days - {date(2026, 6, 9)}:
        before, then = (
            unfit_giver(consent, child=True, today=on, guardianship=told) for on in (day - timedelta(days=1), day)
        )
        assert then is not None and before != then


def test_a_consent_without_an_end_does_not_lapse():
    """A grant that was taken back ends nothing any more."""
    grants = [RECORD["grants"][0] | {"until": None}, RECORD["grants"][1]]
    consent = read(RECORD | {"grants": grants})
    assert days_of_lapse(consent, adult_on=date(2020, 1, 1)) == {date(2027, 1, 1)}
    assert days_of_lapse(replace(consent, withdrawn_grants=frozenset({1})), adult_on=None) == frozenset()
