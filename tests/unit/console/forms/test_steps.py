"""Steps of writing: each field of each type is asked once, and what depends on an answer comes after it."""

from __future__ import annotations

from collections import Counter

import pytest
from support.tables import table

from gateway.console.forms.fields import FILLED
from gateway.console.forms.guided import belongs
from gateway.console.forms.step_table import ORDERED
from gateway.console.forms.steps import MOST, plan_steps
from gateway.console.words import load_words
from schemas import list_fields, load_catalogue
from schemas.describing import rules as describe_rules
from schemas.describing.rules import EITHER_WAY, LEFT_OUT

TYPES = [entry.body_type for entry in load_catalogue().types]


def steps_with(body_type: str, place: str) -> list[str]:
    """The steps that have a question for this field, each as often as it asks."""
    generalised = place.replace("/*", "/0")
    return [step.name for step in plan_steps(body_type) for one in step.places if belongs(generalised, one)]


@table("body_type", TYPES)
def test_every_field_is_asked_in_exactly_one_step(body_type):
    """Those of the header too, and the purpose; only what the node fills in itself is asked nowhere."""
    places = {field.path for field in list_fields(body_type)} - FILLED - {"/header/vital_interest/approver_ref"}
    wrong = {place: found for place in (*places, "/purpose") if len(found := steps_with(body_type, place)) != 1}
    assert wrong == {}
    assert [place for place in FILLED - {"/header/vital_interest/approver_ref"} if steps_with(body_type, place)] == []


@table("body_type", TYPES)
def test_names_of_steps_are_their_own(body_type):
    """They stand in addresses; the steps that are the same for every message to a country come last."""
    names = [step.name for step in plan_steps(body_type)]
    assert [name for name, n in Counter(names).items() if n > 1] == []
    assert names[-2:] == ["basis", "units"]


@table("body_type", TYPES)
def test_a_question_never_stands_beside_the_answer_that_decides_about_it(body_type):
    """A page without a script cannot take it away. Only the year of birth stands beside the day, by the table."""
    beside = []
    for one in describe_rules.list_conditions(body_type):
        place = "/".join((one.place, *one.path))
        for when in one.when if one.wish in (LEFT_OUT, EITHER_WAY) else ():
            on = "/".join((one.place, *when.path))
            beside += [
                (step.name, place) for step in plan_steps(body_type) if place in step.places and on in step.places
            ]
    allowed = {("person", "/content/person/birth_year")} if body_type == "referral.request/1" else set()
    assert set(beside) <= allowed


@table("body_type", [name for name in TYPES if name not in ORDERED])
def test_a_step_has_few_questions(body_type):
    """One more only where the last one would stand alone; the two steps that are folded may be longer."""
    assert [step.name for step in plan_steps(body_type) if len(step.places) > MOST + 1 and not step.folds] == []


@pytest.mark.parametrize("body_type", ORDERED)
def test_the_order_that_people_wrote_is_that_of_the_schema_today(body_type):
    """Each place of the table is a question of the type; a member that is renamed would be lost otherwise."""
    known = {f"/{half}" for half in ("content", "header")} | {"/purpose"}
    paths = {field.path for field in list_fields(body_type)}
    unknown = [
        place
        for step in ORDERED[body_type]
        for place in step.places
        if place not in known and not any(path == place or path.startswith(f"{place}/") for path in paths)
    ]
    assert unknown == []


def test_a_referral_is_asked_in_the_order_in_which_people_tell_it():
    """The names are what addresses and the list of steps go by."""
    assert [step.name for step in plan_steps("referral.request/1")] == [
        "purpose",
        "person",
        "happened",
        "consent",
        "contact",
        "ask",
        "files",
        "basis",
        "units",
    ]
    open_ = {
        step.name: len(set(step.places) - step.more) for step in plan_steps("referral.request/1") if not step.folds
    }
    assert max(open_.values()) <= MOST and open_["person"] == open_["happened"] == MOST
    titles = [load_words("en")(step.title) for step in plan_steps("referral.request/1")]
    assert all(title.endswith("?") for title in titles) and len(set(titles)) == len(titles)
