"""The calendars of the region."""

from __future__ import annotations

import pytest

from schemas import resources
from schemas.region_pack.calendars import ListedDay, Status, parse_calendar
from schemas.region_pack.regions import load_region

COUNTRIES = ("AL", "ES", "FR", "GR", "IT", "MA", "PL", "UA")


def test_all_eight_countries_have_one():
    """Each names its sources and its legal time."""
    assert tuple(load_region("tact").calendars) == COUNTRIES
    for found in load_region("tact").calendars.values():
        assert found.sources
        assert "/" in found.zone.name


@pytest.mark.parametrize("country", COUNTRIES)
def test_listed_feasts_know_their_standing(country):
    """A listed date is announced or expected, and lies in the year it is listed under."""
    listed = [holiday for holiday in load_region("tact").calendars[country].holidays if isinstance(holiday, ListedDay)]
    assert bool(listed) == (country in ("AL", "GR", "MA"))
    for holiday in listed:
        assert set(holiday.days) == set(holiday.status)
        assert all(day.year == year for year, days in holiday.days.items() for day in days)
        assert set(holiday.status.values()) <= set(Status)


def fault(**changes: object) -> dict[str, object]:
    """The calendar of Morocco with one member changed."""
    return {**resources.read_json("regions/tact/calendars/MA.json"), **changes}


@pytest.mark.parametrize(
    "bad",
    [
        fault(weekend=["someday"]),
        fault(weekend_holidays="shifted"),
        fault(holidays=[{"name": "x", "moon": 1}]),
        fault(holidays=[{"name": "x", "listed": {"2026": {"status": "perhaps", "days": ["01-01"]}}}]),
        fault(holidays=[{"name": "x", "listed": {"2026": {"status": "expected", "days": ["02-30"]}}}]),
        fault(zone={"name": "x", "offset_minutes": 0, "summer": "us"}),
    ],
    ids=["weekday", "weekend holidays", "kind of holiday", "status", "day", "summer"],
)
def test_a_bad_calendar_is_refused(bad):
    """One fault each."""
    with pytest.raises((ValueError, KeyError)):
        parse_calendar(bad)


def test_a_country_without_a_calendar_gets_a_stand_in():
    """It is the same each time, names its country, and claims to know no holiday and no year of legal time."""
    found = load_region("tact").calendar("XK")
    assert found is load_region("tact").calendar("XK")
    assert (found.country, found.holidays, found.sources) == ("XK", (), ())
    assert (found.zone.first_year, found.zone.last_year) == (0, 0)
    assert load_region("tact").calendar("AL") is load_region("tact").calendars["AL"]
