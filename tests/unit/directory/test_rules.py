"""The directory: who can be reached when, what is over, and that a country speaks only for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.directories import CALENDARS, DIRECTORY, asked, entry
from support.questions import ASKED_AT

from gateway.directory.entries import LIFE
from gateway.directory.rules import Directory, Question


def test_an_entry_counts_for_ninety_days_and_a_unit_until_its_own_end():
    """What is over is listed last, as over, and never as current."""
    italy = next(one for one in DIRECTORY.entries if one.country == "IT")
    old = Directory([*(one for one in DIRECTORY.entries if one.country != "IT"), replace(italy, made=ASKED_AT - LIFE)])
    assert not any(one.current for one in asked("Italia", directory=old))
    mixed = asked("shelter", directory=old)
    assert [one.current for one in mixed] == sorted((one.current for one in mixed), reverse=True)
    ended = Directory([entry("IT", valid_until="2026-09-08")])
    assert {one.unit.id: one.current for one in asked("Italia", directory=ended)} == {
        "dipartimento": False,
        "numero-verde": True,
        "ispettorato": True,
        "legale": True,
    }


def test_a_country_that_says_nothing_gets_no_answer_from_another():
    """Who asks about Romania is not sent to Albania."""
    understood, found = DIRECTORY.search(Question(text="shelter in Romania"), CALENDARS, ASKED_AT)
    assert (understood.countries, found) == (("RO",), ())


def test_no_country_looks_everywhere():
    """Without one, whoever has the words."""
    assert {one.unit.entry.country for one in asked("reintegration")} >= {"AL", "UA"}
    assert asked("qwertyuiop") == ()


@pytest.mark.parametrize(
    ("chosen", "units"),
    [
        ({"country": "PL", "role": "shelter_provider"}, {"przystan", "kobiety"}),
        ({"country": "PL", "role": "shelter_provider", "child": True}, {"kobiety"}),
        ({"country": "MA", "language": "es"}, {"accueil"}),
        ({"service": "legal_aid"}, {"legale", "kcik"}),
    ],
)
def test_what_is_chosen_narrows(chosen, units):
    """A chosen code is a condition; words only rank."""
    assert {one.unit.id for one in asked("", **chosen)} == units


def test_how_a_question_was_read_is_told():
    """Country, age and time, so that a reader sees a misunderstanding."""
    understood, _ = DIRECTORY.search(Question(text="παιδί στην Αλβανία τη νύχτα"), CALENDARS, ASKED_AT)
    assert (understood.countries, understood.child, understood.timed) == (("AL",), True, True)
    understood, _ = DIRECTORY.search(Question(text="a woman with a child, Greece"), CALENDARS, ASKED_AT)
    assert (understood.countries, understood.child, understood.timed) == (("GR",), None, False)


def test_a_full_house_comes_behind_one_with_room():
    """A closed unit is listed, and later."""
    full = Directory([entry("PL"), *(one for one in DIRECTORY.entries if one.country not in ("PL",))])
    place = next(i for i, unit in enumerate(full.entries[0].content["units"]) if unit["unit_id"] == "przystan")
    units = [dict(unit) for unit in full.entries[0].content["units"]]
    units[place]["capacity_status"] = "closed"
    closed = Directory([replace(full.entries[0], content={**full.entries[0].content, "units": units})])
    order = [one.unit.id for one in asked("shelter", directory=closed, country="PL")]
    assert order.index("kobiety") < order.index("przystan")
