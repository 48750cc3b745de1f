"""Tokens in free text that could identify a person, for messages in which none may stand (gate G1).

A closed list of patterns, in this order, each taking its text away from those after it:

    e-mail           something@domain.end
    date of birth    a whole numeric date that is not after today; a later one is a plan
    document number  letters and digits as passports, identity cards and tax codes have them
    phone number     7 to 15 digits with the usual separators (E.164)

Each pattern takes linear time, because a peer chooses the text: a token of 90 KB must not cost more than 90 of 1 KB.

What no pattern can do: names, places, events and dates in words are not recognised. The scan helps the person who
writes, it does not replace reading. Digits and letters of every script count: a Ukrainian passport begins with Cyrillic
letters, and Arabic text may use Arabic digits. Answers name kinds, never the text found.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum


class Identifier(StrEnum):
    """A kind of identifying token."""

    EMAIL = "an e-mail address"
    BIRTH_DATE = "a date that may be one of birth"
    DOCUMENT = "a document number"
    PHONE = "a phone number"


_TOKEN = re.compile(r"[^\s<>()]++")
_DOMAIN_END = re.compile(r"\.[^\W\d_]{2,}+")
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>\d{4})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})"
    r"|(?P<d2>\d{1,2})[-./ ](?P<m2>\d{1,2})[-./ ](?P<y2>(?:19|20)\d{2}))(?!\d)"
)
_YEARS = re.compile(r"(?<!\d)(?:19|20)\d{2}\s?[-–/]\s?(?:19|20)\d{2}(?!\d)")
_DOCUMENT = re.compile(
    r"(?<![\w-])(?:"
    r"(?:[^\W\d_]{1,3}|[^\W\d_]{1,2}[ .-])\d{5,10}[^\W\d_]?"  # passports and cards: AB1234567, AB 123456, J12345678X
    r"|(?=[^\W_]{0,19}[^\W\d_])(?=(?:[^\W\d_]{0,15}\d){5})[^\W_]{8,20}"  # tax codes and the like: both kinds
    r")(?![\w-])"
)
_PHONE = re.compile(r"(?<!\w)\+?\(?\d(?:[\s().\-/–]{0,2}\d){6,14}(?!\w)")


def identifiers(text: str, today: date) -> frozenset[Identifier]:
    """The kinds of token in `text`; empty where no pattern matches, which does not say that nothing identifies."""
    found: set[Identifier] = set()
    plain = _plain(text)
    text = _TOKEN.sub(_without_addresses, plain)
    if text != plain:
        found.add(Identifier.EMAIL)
    dates = list(_DATE.finditer(text))
    if any(_may_be_birth(match, today) for match in dates):
        found.add(Identifier.BIRTH_DATE)
    text = _YEARS.sub(" ; ", _DATE.sub(" ; ", text))
    text, documents = _DOCUMENT.subn(" ; ", text)
    if documents:
        found.add(Identifier.DOCUMENT)
    if _PHONE.search(text):
        found.add(Identifier.PHONE)
    return frozenset(found)


def _without_addresses(token: re.Match[str]) -> str:
    """The token without the e-mail addresses in it: something before an @, and after it a domain up to its last end."""
    parts = token[0].split("@")
    for place in range(len(parts) - 1):
        ends = [end.end() for end in _DOMAIN_END.finditer(parts[place + 1], 1)]
        if parts[place] and ends:
            parts[place : place + 2] = ["", f" ; {parts[place + 1][ends[-1] :]}"]
    return "@".join(parts)


def _may_be_birth(match: re.Match[str], today: date) -> bool:
    """Whether the date exists and is not to come. Day before month, as the corridors write it; else the other order."""
    year = int(match["y"] or match["y2"])
    month, day = int(match["m"] or match["m2"]), int(match["d"] or match["d2"])
    born = _date(year, month, day) or _date(year, day, month)
    return born is not None and born <= today


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _plain(text: str) -> str:
    """The text with the decimal digits of every script as those of ASCII."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
