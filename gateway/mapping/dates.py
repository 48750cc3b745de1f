"""Dates as offices type them: read where they can be read one way only (domain 11.6).

    2024-05-31   2024/05/31   31.05.2024   31/5/2024   31 mai 2024   ٣١/٥/٢٠٢٤

Three numbers with slashes or hyphens are a day and a month in either order; where both can be meant (03/04/1994) the
mapping file says which comes first (`dates`), and until it does nobody guesses. With dots the day comes first: no
region of CLDR writes it otherwise. A year of two digits is no year.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache

from schemas.labels import load_languages


class DayOrder(StrEnum):
    """Which of two numbers before a year is the day."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class TwoWaysError(Exception):
    """The date is another day, depending on which of two numbers is the month."""


_NUMBERS = re.compile(r"([0-9]{1,4})\s?([./-])\s?([0-9]{1,2})\s?([./-])\s?([0-9]{1,4})\.?(?:\s?[гр]\.?)?")
_WORDS = re.compile(r"([0-9]{1,2})(?:er|º|°|\.)?\s(?:de\s|d[’'])?([^\W\d_]+)\.?,?\s(?:de[l]?\s)?([0-9]{4})(?:\s?р\.?)?")
_TIME = re.compile(r"[T ]00:00(?::00(?:\.0{1,9})?)?Z?$")


def read_date(text: str, order: DayOrder | None = None) -> date | None:
    """Read a date as people type it; None for what is no date.

    Raises TwoWaysError for one that can be read two ways, while `order` does not say which.
    """
    plain = _TIME.sub("", " ".join(_western_digits(text).split()))
    if (match := _NUMBERS.fullmatch(plain)) and match[2] == match[4]:
        return _read_numbers(match[1], match[2], match[3], match[5], order)
    if (match := _WORDS.fullmatch(plain)) and (month := _months().get(_folded(match[2]))):
        return _day(match[3], month, match[1])
    return None


def _western_digits(text: str) -> str:
    """Write the digits of Arabic and of every other script as 0 to 9."""
    return "".join(str(unicodedata.digit(sign)) if sign.isdecimal() else sign for sign in text)


def _read_numbers(first: str, sign: str, second: str, third: str, order: DayOrder | None) -> date | None:
    if len(first) == 4:
        return _day(first, second, third)
    if len(third) != 4:
        return None
    day_first, month_first = _day(third, second, first), _day(third, first, second)
    if sign == "." or order is DayOrder.DAY_FIRST:
        return day_first
    if order is DayOrder.MONTH_FIRST:
        return month_first
    if day_first is not None and month_first is not None and day_first != month_first:
        raise TwoWaysError
    return day_first or month_first


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@cache
def _months() -> Mapping[str, int]:
    """List the names of the months in every language of this installation, long and short, in any case of grammar."""
    from babel.core import Locale

    return {
        _folded(name): number
        for spoken in load_languages()
        for form in Locale.parse(spoken).months.values()
        for width in ("wide", "abbreviated")
        for number, name in form[width].items()
    }


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.rstrip(".").casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))
