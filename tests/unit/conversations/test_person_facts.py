"""What both sides have said of a person, at a glance."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gateway.conversations.history import Opened, Side
from gateway.conversations.person_facts import PersonFacts, describe_person

TODAY = date(2026, 11, 29)
REFERRAL, INFO, CORRECTION = "referral.request/1", "info.reply/1", "data.correction/1"


def says(body_type: str, created: int, **content: Any) -> Opened:
    """A message of ours."""
    return Opened(body_type=body_type, side=Side.OURS, created=created, header={}, content=content)


def of(*said: Opened) -> PersonFacts:
    """The facts today."""
    return describe_person(said, TODAY)


def test_what_was_not_said_is_not_there() -> None:
    """Of nothing, and of messages that describe nobody."""
    nothing = PersonFacts(age_group=None, child=None, gender=None, nationalities=(), languages=())
    assert of() == of(says("info.request/1", 1, questions=[])) == nothing


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "the later one first"])
def test_the_later_message_counts_and_what_it_leaves_out_stands(order: int) -> None:
    """Whatever the order in which they are given: the second step of disclosure adds to the referral."""
    person = {"age_group": "adult", "gender": "woman", "languages": [{"language": "sq", "level": "first"}]}
    first = says(REFERRAL, 1, person=person)
    second = says(INFO, 2, person_identifying={"birth_date": "2010-05-01", "nationalities": ["XK", "AL"]})
    third = says(CORRECTION, 3, path="/content/person/age_group", new_value="child")
    found = of(*[first, second, third][::order])
    assert found == PersonFacts(
        age_group="child", child=True, gender="woman", nationalities=("AL", "XK"), languages=(("sq", "first"),)
    )


def test_a_corrected_gender_counts() -> None:
    """As a corrected age does; what corrects something else says nothing of it."""
    first = says(REFERRAL, 1, person={"gender": "Masculine"})
    elsewhere = says(CORRECTION, 2, path="/content/person/pseudonym", new_value="Blue")
    assert of(first, elsewhere).gender == "Masculine"
    assert of(first, says(CORRECTION, 2, path="/content/person/gender", new_value="Feminine")).gender == "Feminine"


def test_what_is_no_language_says_nothing() -> None:
    """A list that a peer wrote otherwise."""
    spoken = ["sq", {"level": "first"}, {"language": 7}, {"language": "ar"}]
    assert of(says(REFERRAL, 1, person={"languages": spoken})).languages == (("ar", None),)
    assert of(says(REFERRAL, 1, person={"languages": "sq"})).languages == ()
