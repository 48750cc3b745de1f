"""The directory: who can be reached when, what is over, and that a country speaks only for itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.questions import ASKED_AT, calendars, seed

from gateway.directory.entries import LIFE, Entry, foreign, units_of
from gateway.directory.rules import Directory, Question

DIRECTORY = seed()
CALENDARS = calendars()


def at(text):
    """Unix seconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def asked(text, now=ASKED_AT, directory=DIRECTORY, **chosen):
    """The answers to a question."""
    return directory.search(Question(text=text, **chosen), CALENDARS, now)[1]


def entry(of, **changed):
    """The entry of a country with its first unit changed."""
    found = next(one for one in DIRECTORY.entries if one.country == of)
    units = [{**found.content["units"][0], **changed}, *found.content["units"][1:]]
    return replace(found, content={**found.content, "units": units})


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-09-09T07:30", True),  # Wednesday 09:30 in Tirana, summer time
        ("2026-09-09T06:30", False),
        ("2026-09-09T14:00", False),
        ("2026-12-09T08:30", True),  # 09:30, winter time
        ("2026-09-13T10:00", False),  # Sunday
    ],
)
def test_open_by_the_clock_of_the_country(moment, is_open):
    """Office hours are those of the country, summer time and all; a time that is given stands before the words."""
    found = asked("national focal point in Albania at night", at=at(moment))[0]
    assert (found.unit.id, found.open) == ("onac", is_open)


def test_closed_on_a_public_holiday_except_what_never_closes():
    """On the national day an office is closed on its weekday, and the duty desk is open."""
    found = {one.unit.id: one.open for one in asked("Albania", at=at("2026-11-30T10:00"))}  # a Monday, moved holiday
    holiday = {one.unit.id: one.open for one in asked("Poland", at=at("2026-11-11T10:00"))}
    assert holiday["straz"] is False
    assert holiday["kcik"] is True
    assert found["kujdestaria"] is True


def test_words_as_hours_are_neither_open_nor_closed():
    """What only people read is shown and never guessed."""
    only = Directory([entry("AL", hours="every second Tuesday")])
    assert {one.unit.id: one.open for one in asked("Albania", directory=only)}["onac"] is None


@pytest.mark.parametrize(
    ("text", "moment", "looked_at"),
    [
        ("Albania on Sunday", "2026-09-09T10:00", "2026-09-13T10:00"),
        ("Albania on Sunday", "2026-09-13T15:00", "2026-09-13T15:00"),
        ("Albania at night", "2026-09-09T10:00", "2026-09-09T21:00"),
        ("Albania at night", "2026-09-09T23:30", "2026-09-09T23:30"),
        ("Albania on Saturday night", "2026-09-09T10:00", "2026-09-12T21:00"),
        ("Albania at the weekend", "2026-09-09T10:00", "2026-09-12T10:00"),
        ("Albania", "2026-09-09T10:00", "2026-09-09T10:00"),
    ],
)
def test_words_for_a_time(text, moment, looked_at):
    """They mean the next such moment where the unit is, and now if it is so now."""
    assert {one.at for one in asked(text, at(moment))} == {at(looked_at)}


def test_the_office_while_it_is_open_and_the_duty_telephone_else():
    """The same unit answers on another number at night."""
    by_day = next(one for one in asked("enfant en France") if one.unit.id == "ase").contact
    by_night = next(one for one in asked("enfant en France la nuit") if one.unit.id == "ase").contact
    assert (by_day.duty, by_night.duty) == (False, True)
    assert by_night.phone == "+3360000001"


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


def test_the_last_day_of_a_unit_is_whole():
    """`valid_until` ends with the day of the country."""
    ends = Directory([entry("IT", valid_until="2026-09-09")])
    assert {one.unit.id: one.current for one in asked("Italia", at("2026-09-09T21:59"), ends)}["dipartimento"]
    assert not {one.unit.id: one.current for one in asked("Italia", at("2026-09-09T22:00"), ends)}["dipartimento"]


def test_a_unit_is_called_by_its_node_in_a_language():
    """In English where it has no name in the language asked for; nobody is named by what another node says."""
    names = [{"language": "en", "text": "Focal point"}, {"language": "sq", "text": "Zyra"}]
    held = Directory([replace(entry("AL", name=names), node="n1a")])
    assert [held.name("AL", "n1a", "onac", language) for language in ("sq", "en", "fr")] == [
        "Zyra",
        "Focal point",
        "Focal point",
    ]
    assert held.name("AL", "n1b", "onac", "sq") is None and held.name("AL", "n1a", "gone", "sq") is None


def test_a_country_speaks_only_for_itself():
    """What an entry says about an office of another country is nobody's word."""
    liar = entry("MA", country="ES")
    assert foreign(liar.content, "MA") == (0,)
    assert "commission" not in {unit.id for unit in units_of(liar)}
    spain = next(one for one in DIRECTORY.entries if one.country == "ES")
    both = Directory([liar, spain])
    assert {one.unit.entry.country for one in asked("España", directory=both)} == {"ES"}
    assert "commission" not in {one.unit.id for one in asked("España", directory=both)}


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


def test_names_in_the_language_of_the_reader():
    """Else English, else what is listed first."""
    unit = DIRECTORY.units["AL al femijet"]
    assert unit.name("sq").startswith("Zyra")
    assert unit.name("uk") == unit.name("en")
    only = Entry(
        node="al",
        country="AL",
        peer="AL",
        state="own",
        made=0,
        content={
            "units": [{**unit.said, "name": [{"language": "sq", "text": "Zyra"}]}],
            "focal_points": [],
        },
    )
    assert next(units_of(only)).name("uk") == "Zyra"
