"""Who can be reached, by the clock and the holidays of the country of a unit."""

from __future__ import annotations

import pytest
from support.directories import asked, at, entry

from gateway.directory.rules import Directory


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


def test_the_last_day_of_a_unit_is_whole():
    """`valid_until` ends with the day of the country."""
    ends = Directory([entry("IT", valid_until="2026-09-09")])
    assert {one.unit.id: one.current for one in asked("Italia", at("2026-09-09T21:59"), ends)}["dipartimento"]
    assert not {one.unit.id: one.current for one in asked("Italia", at("2026-09-09T22:00"), ends)}["dipartimento"]
