"""The directory: what each country says of its own offices, and who answers a question (domain 6.5, 6.6).

An entry is the content of one `directory.update`, said by the node of a country. It counts for 90 days from the day it
was made, each of its units until its own end; what is over is shown as over and never as current. A country speaks
only for itself: units that an entry lists for another country are left out.

A question is words in any language, or chosen codes, or both:

    1  countries, times and ages are taken out of the words by their names in nine languages
    2  what remains is compared with what the codes of a unit are called, and with its name
    (`gateway.foundation.text_search`) 3  who serves the age asked for, and who can be reached at the time asked for,
    comes before who does not
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import chain
from typing import Any

from gateway.foundation.hours import hours_of
from gateway.foundation.text_search import LONGEST, Field, Index, Lexicon, words
from gateway.foundation.workdays import end_of_day, is_working, local_date, offset
from schemas import searching
from schemas.codelists import ENGLISH, code_list
from schemas.region_pack.calendars import Calendar

LIFE = 90 * 86_400
"""Seconds for which an entry counts from when it was made (domain 6.5)."""
MOST = 20
"""Units that one answer lists."""
CHILDREN = frozenset({"children", "unaccompanied_children"})

SERVES, REACHED, ON_DUTY, FIRST, FULL = 3.0, 3.0, 2.0, 0.3, -1.0
"""What counts beside the words: serving the age asked for, being reachable at the time asked for, being the duty desk
out of office hours, being the national focal point, and having no place left.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a node says of its country. `peer` is its name here and `state` what is held of it, `own` for this node;
    `made` is in Unix seconds.
    """

    node: str
    country: str
    peer: str
    state: str
    made: int
    content: Mapping[str, Any]

    @property
    def expires(self) -> int:
        """From when on it no longer counts."""
        return self.made + LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit of an entry, with the focal points that it is."""

    entry: Entry
    said: Mapping[str, Any]
    focal: tuple[Mapping[str, Any], ...]

    @property
    def key(self) -> str:
        """Its name among all units."""
        return _key(self.entry.country, self.entry.node, self.id)

    @property
    def id(self) -> str:
        """Its name within its node."""
        return str(self.said["unit_id"])

    def name(self, language: str) -> str:
        """What it is called in a language; else in English, else as it is listed first."""
        names = {item["language"]: str(item["text"]) for item in self.said["name"]}
        return names.get(language) or names.get(ENGLISH) or next(iter(names.values()))

    def has(self, member: str) -> frozenset[str]:
        """The codes of one of its lists."""
        return frozenset(self.said.get(member, ()))

    def serves(self, *, child: bool) -> bool | None:
        """Whether it is there for children, or for adults; None where it does not say."""
        groups, ways = self.has("groups_served"), {point["for"] for point in self.focal}
        if not groups:
            return True if child and "child" in ways else None
        return bool(groups & CHILDREN) or "child" in ways if child else bool(groups - CHILDREN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `at` is the time asked for; None: now, unless the words say another time."""

    text: str = ""
    country: str | None = None
    role: str | None = None
    service: str | None = None
    language: str | None = None
    child: bool | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """How a question was read: for whom a reader has to see it beside the answer. `timed`: a time was asked for."""

    countries: tuple[str, ...]
    child: bool | None
    at: int | None
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where to call or write: an office of the unit, or its duty telephone, which answers day and night."""

    duty: bool
    phone: str | None
    email: str | None = None
    hours: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One unit as an answer. `at` is the moment looked at, `open` whether it is open then, None where its hours are
    words that only people read; `current` whether the entry counts now.
    """

    unit: Unit
    at: int
    open: bool | None
    contact: Contact | None
    current: bool
    expires: int


class Directory:
    """The entries of all countries, one for each node; made ready for questions when the first one is asked."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.units = {unit.key: unit for entry in self.entries for unit in units_of(entry)}

    def name(self, country: str, node: str, unit: str, language: str) -> str | None:
        """What a unit is called in a language; None where its node has not told of it."""
        found = self.units.get(_key(country, node, unit))
        return None if found is None else found.name(language)

    def search(
        self, question: Question, calendars: Mapping[str, Calendar], now: int
    ) -> tuple[Understood, tuple[Found, ...]]:
        """Who answers, best first, at most `MOST`; what is over comes last. `calendars` has one for each country."""
        asked = words(question.text[:LONGEST])
        understood, rest = self._read(question, asked)
        scores = {hit.id: hit.score for hit in self._index.search(rest)}
        ranked: list[tuple[bool, float, str, Found]] = []
        for key, unit in self.units.items():
            if not _chosen(unit, question, understood.countries):
                continue
            if rest and not understood.countries and key not in scores:
                continue
            calendar = calendars[unit.entry.country]
            at = understood.at if understood.at is not None else _moment(_times(asked), calendar, now)
            found = _found(unit, calendar, at, now)
            score = scores.get(key, 0.0) + _beside(found, understood, calendar)
            ranked.append((not found.current, -score, key, found))
        return understood, tuple(found for *_, found in sorted(ranked, key=lambda one: one[:3])[:MOST])

    @cached_property
    def _index(self) -> Index:
        return Index({key: _fields(unit) for key, unit in self.units.items()}, searching.load_stop_words())

    @cached_property
    def _held(self) -> Lexicon:
        held = {entry.country for entry in self.entries}
        return Lexicon({code: _spoken("country", code) for code in sorted(held)})

    def _read(self, question: Question, asked: Sequence[str]) -> tuple[Understood, tuple[str, ...]]:
        """Step 1, and the words that remain. Words for an age remain: they are also what a unit is called."""
        named = self._held.find(asked) or _elsewhere().find(asked)
        said, ages = _times(asked), _ages().find(asked)
        child = question.child
        if child is None and len(ages) == 1:
            child = "child" in ages
        taken = frozenset[int]().union(*named.values(), *said.values())
        rest = tuple(word for place, word in enumerate(asked) if place not in taken)
        understood = Understood(
            countries=(question.country,) if question.country is not None else tuple(sorted(named)),
            child=child,
            at=question.at,
            timed=question.at is not None or bool(said),
        )
        return understood, tuple(word for word in rest if word not in _stop())


def units_of(entry: Entry) -> Iterator[Unit]:
    """The units that an entry lists for its own country; what it says of another one is nobody's word."""
    for said in entry.content["units"]:
        if said["country"] == entry.country:
            focal = tuple(point for point in entry.content["focal_points"] if point["unit_id"] == said["unit_id"])
            yield Unit(entry=entry, said=said, focal=focal)


def _key(country: str, node: str, unit: str) -> str:
    return f"{country} {node} {unit}"


def foreign(content: Mapping[str, Any], country: str) -> tuple[int, ...]:
    """Places of the units that an entry of a country lists for another one."""
    return tuple(place for place, unit in enumerate(content["units"]) if unit["country"] != country)


def standing(unit: Unit, calendar: Calendar, now: int) -> Found:
    """A unit as it is now."""
    return _found(unit, calendar, now, now)


# --- who can be reached ------------------------------------------------------------------------------------------


def _found(unit: Unit, calendar: Calendar, at: int, now: int) -> Found:
    expires = min(unit.entry.expires, end_of_day(calendar.zone, date.fromisoformat(unit.said["valid_until"])) + 1)
    is_open = _is_open(unit.said.get("hours"), calendar, at)
    return Found(
        unit=unit, at=at, open=is_open, contact=_contact(unit, is_open), current=now < expires, expires=expires
    )


def _is_open(hours: str | None, calendar: Calendar, at: int) -> bool | None:
    """Whether a unit with these hours is open; on a public holiday only what is open on every day."""
    spans = None if hours is None else hours_of(hours)
    if spans is None:
        return None
    day = local_date(calendar.zone, at)
    holiday = not is_working(calendar, day) and day.weekday() not in calendar.weekend
    daily = {first for first, *_ in spans.spans} == set(range(7))
    return spans.holds(_local(calendar, at)) and (daily or not holiday)


def _contact(unit: Unit, is_open: bool | None) -> Contact | None:
    """Where to call: the office while it may be open, else the duty telephone, else the office all the same."""
    duty = Contact(duty=True, phone=unit.said["duty_phone"]) if "duty_phone" in unit.said else None
    office = next(
        (
            Contact(duty=False, phone=said.get("phone"), email=said.get("email"), hours=said.get("hours"))
            for said in (point["public_contact"] for point in unit.focal)
        ),
        None,
    )
    return (duty or office) if is_open is False else (office or duty)


def _beside(found: Found, understood: Understood, calendar: Calendar) -> float:
    unit, score = found.unit, 0.0
    if understood.child is not None:
        served = unit.serves(child=understood.child)
        score += 0.0 if served is None else SERVES if served else -SERVES
    duty = unit.said.get("duty_phone") is not None
    if understood.timed:
        score += REACHED if found.open or duty else -REACHED
        if duty and "duty_contact" in unit.has("roles") and not _office_hours(calendar, found.at):
            score += ON_DUTY
    if "national_focal_point" in unit.has("roles"):
        score += FIRST
    return score + (FULL if unit.said["capacity_status"] == "closed" else 0.0)


def _office_hours(calendar: Calendar, at: int) -> bool:
    return is_working(calendar, local_date(calendar.zone, at)) and 8 <= _local(calendar, at).hour < 17


def _local(calendar: Calendar, at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC) + offset(calendar.zone, at)


def _moment(said: Iterable[str], calendar: Calendar, now: int) -> int:
    """The next moment that words for a time mean, where the unit is: noon of a day, 23:00 of a night; now if it is so
    now, or without such words.
    """
    said, local = frozenset(said), _local(calendar, now)
    if not said:
        return now
    night = "night" in said
    wanted = {"sunday": {6}, "saturday": {5}, "weekend": set(calendar.weekend)}
    days = set(chain.from_iterable(wanted[name] for name in said if name in wanted)) or set(range(7))
    late = local.hour >= 20 or local.hour < 6
    if local.weekday() in days and (late if night else True):
        return now
    day = next(
        local.date() + timedelta(days=ahead)
        for ahead in range(8)
        if (local.date() + timedelta(days=ahead)).weekday() in days
    )
    naive = int(datetime.combine(day, time(23 if night else 12), tzinfo=UTC).timestamp())
    return naive - int(offset(calendar.zone, naive).total_seconds())


# --- what is asked -----------------------------------------------------------------------------------------------


def _chosen(unit: Unit, question: Question, countries: Sequence[str]) -> bool:
    return (
        (not countries or unit.entry.country in countries)
        and (question.role is None or question.role in unit.has("roles"))
        and (question.service is None or question.service in unit.has("services"))
        and (question.language is None or question.language in unit.has("languages"))
        and (question.child is None or unit.serves(child=question.child) is not False)
    )


def _fields(unit: Unit) -> list[Field]:
    fields = [Field(text=name["text"], language=name["language"], weight=2) for name in unit.said["name"]]
    codes = [(member, code) for member in ("roles", "services", "groups_served") for code in unit.said.get(member, ())]
    for member, code in [*codes, *(("for", point["for"]) for point in unit.focal)]:
        fields += _code_fields(_LISTS[member], code)
    return fields


_LISTS = {"roles": "role", "services": "service", "groups_served": "group_served", "for": "focal_point_for"}


@cache
def _code_fields(name: str, code: str) -> tuple[Field, ...]:
    return tuple(Field(text=text, language=language) for language, text in searching.list_spellings(name, code))


def _spoken(name: str, code: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for language, text in searching.list_spellings(name, code):
        found.setdefault(language, []).append(text)
    return found


def _times(asked: Sequence[str]) -> Mapping[str, frozenset[int]]:
    return _lexicon_of_times().find(asked)


@cache
def _lexicon_of_times() -> Lexicon:
    return Lexicon(searching.load_time_words(), near=False)


@cache
def _ages() -> Lexicon:
    return Lexicon(searching.load_age_words(), near=False)


@cache
def _elsewhere() -> Lexicon:
    """Every country: a question about one that says nothing of itself gets no answer from another."""
    return Lexicon({entry.code: _spoken("country", entry.code) for entry in code_list("country").codes}, near=False)


@cache
def _stop() -> frozenset[str]:
    return frozenset(form for word in searching.load_stop_words() for form in words(word))
