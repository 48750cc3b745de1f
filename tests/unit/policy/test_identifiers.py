"""Which tokens the scan for gate G1 finds, in the scripts of the corridors, and which plain words it leaves alone."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from support.growth import HOSTILE, MOST, measure_growth
from support.tables import table

from gateway.policy.identifiers import Identifier, identifiers

TODAY = date(2026, 6, 1)
EMAIL, BIRTH, DOCUMENT, PHONE = Identifier


@table(
    ("text", "kind"),
    [
        ("write to testina.p@example.org today", EMAIL),
        ("пишіть: ім'я@приклад.укр", EMAIL),
        ("x@b.de", EMAIL),
        ("testina@example.org@home", EMAIL),
        ("born 17.05.2010", BIRTH),
        ("born 2010-05-17", BIRTH),
        ("née le 17/5/2010", BIRTH),
        ("05-17-2010", BIRTH),
        ("e lindur më 1 6 2026", BIRTH),
        ("ولدت ١٧/٠٥/٢٠١٠", BIRTH),
        ("passport AB1234567", DOCUMENT),
        ("паспорт КВ123456", DOCUMENT),
        ("паспорт КВ 123456", DOCUMENT),
        ("NID J12345678X", DOCUMENT),
        ("RSSMRA85T10A562S", DOCUMENT),
        ("dni 12345678Z", DOCUMENT),
        ("call +355 69 123 4567", PHONE),
        ("0033 (0)1.23.45.67.89", PHONE),
        ("رقم ٠٦٩١٢٣٤٥٦٧", PHONE),
        ("ring 0691234567!", PHONE),
    ],
)
def test_what_is_found(text, kind):
    """Each kind in the notations of the corridors' countries, alone."""
    assert identifiers(text, TODAY) == {kind}


@table(
    "text",
    [
        "",
        "two sisters, one room, 3rd floor without lift",
        "from 15.07.2026 for 6 weeks",
        "2026-07-15",
        "planned for 2026-2027",
        "open 24/7, 10:00-18:00",
        "region FR-75C or AL-11",
        "up to 1200 EUR a month",
        "A1 level, B2 next year",
        "Testina from the village by the lake",
        "by 12.05.2030 12345 people",
        "in 2029-2030 12345 people",
    ],
)
def test_what_is_left_alone(text):
    """Plans, hours, regions, sums, levels; and names, which no pattern knows."""
    assert identifiers(text, TODAY) == frozenset()


@given(st.text(alphabet="ab1@.,; <\u0456\u0661", max_size=30))
def test_addresses_are_those_of_the_plain_pattern(text):
    """The scan in linear time finds an address where the pattern that everybody would write finds one."""
    plain = re.search(r"[^\s@<>()]+@[^\s@<>()]+\.[^\W\d_]{2,}", text)
    assert (EMAIL in identifiers(text, TODAY)) is (plain is not None)


@table(
    ("text", "kinds"),
    [
        ("AB1234567@example.org", {EMAIL}),
        ("a@example.org,0691234567", {EMAIL, PHONE}),
        ("0691234567,a@example.org;b@example.org", {EMAIL}),
        ("@example.org a@ a@b a@.org", set()),
        ("x@b.de/0691234567@home", {EMAIL, PHONE}),
    ],
)
def test_an_address_takes_its_own_text_and_no_more(text, kinds):
    """What belongs to an address is not judged again; what stands behind its end is."""
    assert identifiers(text, TODAY) == kinds


def test_several_kinds_at_once():
    """All kinds in one text are named."""
    text = "AB1234567, 17.05.2010, +355691234567, a@example.org"
    assert identifiers(text, TODAY) == frozenset(Identifier)


def test_a_day_that_does_not_exist_is_no_birth():
    """Digits with dots that are no date are not taken for one; today may be a birthday, tomorrow not."""
    assert BIRTH not in identifiers("31.31.2010", TODAY)
    assert identifiers("01.06.2026", TODAY) == {BIRTH}
    assert identifiers("2026-06-02", TODAY) == frozenset()


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_number_is_found_in_any_text(before, after):
    """Whatever stands around it, apart by spaces, a telephone number is seen; and no text makes the scan fail."""
    assert identifiers(f"{before} , +355 69 123 4567 , {after}", TODAY)


@table("unit", HOSTILE.values())
def test_a_text_ten_times_as_long_costs_about_ten_times_as_much(unit):
    """A peer chooses the text: none makes the scan take longer than its length does."""
    assert measure_growth(lambda text: identifiers(text, TODAY), unit) < MOST
