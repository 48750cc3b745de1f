"""The directory: who answers a question, best first (domain 6.6). What is over is shown as over, never as current.
A question is words in any language, or chosen codes, or both:

    1  countries, times and ages are taken out of the words by their names in nine languages
    2  what remains is compared with what the codes of a unit are called, and with its name
    (`gateway.foundation.text_search`) 3  who serves the age asked for, and who can be reached at the time asked for,
    comes before who does not
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from gateway.directory.entries import Entry, Unit, unit_key, units_of
from gateway.directory.reach import Found, find_moment, find_reach, in_office_hours
from gateway.foundation.ids import NodeId, UnitId
from gateway.foundation.text_search import LONGEST, Field, Index, Lexicon, words
from schemas import searching
from schemas.codelists import code_list
from schemas.region_pack.calendars import Calendar

MOST = 20
"""Units that one answer lists."""

SERVES, REACHED, ON_DUTY, FIRST, FULL = 3.0, 3.0, 2.0, 0.3, -1.0
"""What counts beside the words: serving the age asked for, being reachable at the time asked for, being the duty desk
out of office hours, being the national focal point, and having no place left.
"""


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


class Directory:
    """The entries of all countries, one for each node; made ready for questions when the first one is asked."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.units = {unit.key: unit for entry in self.entries for unit in units_of(entry)}

    def name(self, country: str, node: NodeId, unit: UnitId, language: str) -> str | None:
        """Find the name of a unit in a language; None where its node has not told of it."""
        found = self.units.get(unit_key(country, node, unit))
        return None if found is None else found.name(language)

    def search(
        self, question: Question, calendars: Mapping[str, Calendar], now: int
    ) -> tuple[Understood, tuple[Found, ...]]:
        """Find who answers, best first, at most `MOST`; what is over comes last. `calendars`: one for each country."""
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
            at = understood.at if understood.at is not None else find_moment(_times(asked), calendar, now)
            found = find_reach(unit, calendar, at, now)
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


# --- who can be reached ------------------------------------------------------------------------------------------


def _beside(found: Found, understood: Understood, calendar: Calendar) -> float:
    unit, score = found.unit, 0.0
    if understood.child is not None:
        served = unit.serves(child=understood.child)
        score += 0.0 if served is None else SERVES if served else -SERVES
    duty = unit.said.get("duty_phone") is not None
    if understood.timed:
        score += REACHED if found.open or duty else -REACHED
        if duty and "duty_contact" in unit.has("roles") and not in_office_hours(calendar, found.at):
            score += ON_DUTY
    if "national_focal_point" in unit.has("roles"):
        score += FIRST
    return score + (FULL if unit.said["capacity_status"] == "closed" else 0.0)


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
