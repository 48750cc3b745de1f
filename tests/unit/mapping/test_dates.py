"""Dates as people type them: one reading is taken, two are asked, none is none."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.mapping.dates import DayOrder, TwoWaysError, read_date

DAY = date(1994, 5, 31)


@pytest.mark.parametrize(
    "text",
    [
        "1994-05-31",
        "1994/05/31",
        "1994-05-31 00:00:00",
        "31.05.1994",
        "31. 5. 1994",
        "31/5/1994",
        "5/31/1994",
        "31-05-1994",
        "31.05.1994 р.",
        "٣١/٥/١٩٩٤",
        "31 mai 1994",
        "31 MAI 1994",
        "31 maja 1994",
        "31 травня 1994 р.",
        "31 Μαΐου 1994",
        "31 ΜΑΙΟΥ 1994",
        "31 maj 1994",
        "31 maggio 1994",
        "31 de mayo de 1994",
        "31 May 1994",
        "31 مايو 1994",
    ],
)
def test_one_reading_is_taken(text: str) -> None:
    """Whatever the order, the script of the digits and the language of the month."""
    assert read_date(text) == DAY


@pytest.mark.parametrize("text", ["03/04/1994", "3-4-1994", "٣/٤/١٩٩٤"])
def test_two_readings_are_asked(text: str) -> None:
    """Until somebody said for the column which number is the day."""
    with pytest.raises(TwoWaysError):
        read_date(text)
    assert read_date(text, DayOrder.DAY_FIRST) == date(1994, 4, 3)
    assert read_date(text, DayOrder.MONTH_FIRST) == date(1994, 3, 4)


def test_two_readings_of_one_day_are_one() -> None:
    """The fifth of the fifth; and a date with dots, which nobody writes with the month first."""
    assert read_date("05/05/1994") == date(1994, 5, 5)
    assert read_date("03.04.1994") == read_date("03.04.1994", DayOrder.MONTH_FIRST) == date(1994, 4, 3)
    assert read_date("31/05/1994", DayOrder.MONTH_FIRST) is None  # what was said holds for the column


@pytest.mark.parametrize(
    "text",
    ["", "1994", "31.05.94", "31.02.1994", "31/05.1994", "31 brumaire 1994", "33/13/1994", "May 1994", "1-2-3-1994"],
)
def test_no_date_is_none(text: str) -> None:
    """A year alone, two digits of a year, a day that does not exist, a month of no calendar here."""
    assert read_date(text) is None
