"""A consent for one purpose and one receiver: which questions are asked, and what the answers become."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.console.forms.consent import USUAL, Asked, choose_categories, list_ends
from schemas.codelists import code_list

KINDS = [entry.code for entry in code_list("data_category").codes if not entry.retired]
ASKED = Asked(purpose="referral", unit="n1b/fp", categories=("identity", "contact", "risk"))


def test_each_purpose_has_its_usual_questions():
    """All of them kinds of data that there are, and none of them all."""
    assert set(USUAL) == {entry.code for entry in code_list("purpose").codes if not entry.retired}
    assert all(kinds < set(KINDS) for kinds in USUAL.values())


@pytest.mark.parametrize(
    ("country", "held", "every", "asked"),
    [
        ((), (), False, sorted(USUAL["consular"], key=KINDS.index)),
        (("needs", "identity"), (), False, ["identity", "needs"]),
        (("identity",), ("risk",), False, ["identity", "risk"]),
        (("identity",), (), True, KINDS),
    ],
)
def test_the_country_and_the_message_choose_what_is_asked(country, held, every, asked):
    """What is set for the country in the place of what is usual; what the message holds in any case."""
    assert list(choose_categories("consular", country, held, every=every)) == asked


def test_a_yes_is_granted_and_a_no_is_denied():
    """For this purpose and this unit, and nothing else."""
    answers = {"ask:identity": ("true",), "ask:contact": ("false",), "ask:risk": ("true",), "until": ("2027-05-24",)}
    assert ASKED.find_missing(answers) == []
    assert ASKED.build_answers(answers) == {
        "grants": [
            {
                "purpose": "referral",
                "recipient_units": ["n1b/fp"],
                "data_categories": ["identity", "risk"],
                "until": "2027-05-24",
            }
        ],
        "denials": [{"purpose": "referral", "unit": "n1b/fp", "data_category": "contact"}],
    }


def test_nothing_is_taken_for_an_answer():
    """Neither silence nor another word; and who says no to everything consents to nothing."""
    assert ASKED.find_missing({"ask:identity": ("",)}) == ["ask:identity", "ask:contact", "ask:risk", "until"]
    odd = {"ask:identity": ("on",), "ask:contact": ("false",), "ask:risk": ("false",), "until": ("2027-05-24",)}
    assert ASKED.find_missing(odd) == ["ask:identity"] and ASKED.find_agreed(odd) == []
    assert ASKED.build_answers(dict.fromkeys(odd, ("false",)) | {"until": ("2027-05-24",)})["grants"] == []


def test_an_end_is_a_day_that_there_is():
    """Also from the last day of a month, and over the end of a year."""
    assert list_ends(date(2026, 11, 30)) == [
        (1, "2026-12-30"),
        (3, "2027-02-28"),
        (6, "2027-05-30"),
        (12, "2027-11-30"),
    ]
