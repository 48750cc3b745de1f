"""What is known of each country of a region: who coordinates, how long one may reflect, whom to ring (`national/`).

    {"format": "trm-national/1", "country": "MA", "facts": [
      {"kind": "reporting_duty", "text": {"en": ...}, "source": "Penal Code, Article 448.7", "year": 2016,
       "confirmed_by": null, "review_by": "2027-11-30", "roles": ["case_manager"]}]}

A fact comes from a public source and is what strangers know of a country until a body of that country has confirmed
it: `confirmed_by` names the body, and is null before that. `year` is that of the source, left out where it is not
known. `roles` are those on whom a duty lies, left out where it is everybody or nobody has told. A kind without a fact
is a blank: it was not found, and nothing stands in its place (domain 8.15).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from gateway.errors import Finding
from schemas.codelists import code_list
from schemas.reading import Folder, Labels, Log, Spot, Wording, open_json

FORMAT = "trm-national/1"
FOLDER = "national"


class FactKind(StrEnum):
    """What a fact is about, in the order in which people read it."""

    COORDINATION = "coordination"
    THRESHOLD_STATUS = "threshold_status"
    REFLECTION = "reflection"
    REPORTING_DUTY = "reporting_duty"
    LINE = "line"
    CHILD_AUTHORITY = "child_authority"
    HOTLINE = "hotline"
    MISSING_PERSONS = "missing_persons"
    RESIDENCE = "residence"
    COMPENSATION = "compensation"


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalFact:
    """One fact; the module describes each member."""

    kind: FactKind
    text: Labels
    source: str
    year: int | None
    confirmed_by: str | None
    review_by: date
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalEntry:
    """What is known of one country, its facts in the order of `FactKind`."""

    country: str
    facts: tuple[NationalFact, ...]

    @property
    def missing(self) -> tuple[FactKind, ...]:
        """The kinds of which nothing was found."""
        return tuple(kind for kind in FactKind if all(fact.kind is not kind for fact in self.facts))

    @property
    def review_by(self) -> date | None:
        """The day by which the first of its facts has to be looked at again; None where there is none."""
        return min((fact.review_by for fact in self.facts), default=None)


def entries_at(folder: Folder, countries: Collection[str], wording: Wording, log: Log) -> Mapping[str, NationalEntry]:
    """Read the entries of a region pack by country, and note their faults in `log`.

    A country without a file has an entry without facts: that nothing was found is something to know.
    """
    place = folder.joinpath(FOLDER)
    found: dict[str, tuple[NationalFact, ...]] = dict.fromkeys(countries, ())
    for file in sorted(place.iterdir(), key=lambda file: file.name) if place.is_dir() else ():
        country = file.name.removesuffix(".json")
        if not file.name.endswith(".json") or country not in found:
            hint = "XX.json of a country of the region"
            log.append(Finding(place=f"{FOLDER}/{file.name}", rule="unknown_file", hint=hint))
            continue
        found[country] = _facts(open_json(folder, f"{FOLDER}/{file.name}", log), country, wording)
    return MappingProxyType({code: NationalEntry(country=code, facts=facts) for code, facts in found.items()})


def _facts(root: Spot, country: str, wording: Wording) -> tuple[NationalFact, ...]:
    members = root.members(("format", "country", "facts"))
    members["format"].const(FORMAT)
    members["country"].const(country)
    facts = [_fact(spot, wording) for spot in members["facts"].items(0, 60)]
    return tuple(sorted(facts, key=lambda fact: [*FactKind].index(fact.kind)))


def _fact(spot: Spot, wording: Wording) -> NationalFact:
    members = spot.members(("kind", "text", "source", "confirmed_by", "review_by"), ("year", "roles"))
    roles = tuple(entry.code for entry in code_list("role").codes)
    confirmed = members["confirmed_by"]
    kind = members["kind"].one_of(tuple(FactKind), "unknown_kind", f"one of {', '.join(FactKind)}")
    return NationalFact(
        kind=FactKind(kind or FactKind.COORDINATION),
        text=members["text"].labels(wording),
        source=members["source"].text(300),
        year=members["year"].number(1900, 2100) if "year" in members else None,
        confirmed_by=None if confirmed.value is None else confirmed.text(150),
        review_by=_day(members["review_by"]),
        roles=members["roles"].several(roles, "unknown_code", "a code of the list role") if "roles" in members else (),
    )


def _day(spot: Spot) -> date:
    try:
        return date.fromisoformat(spot.value if isinstance(spot.value, str) else "")
    except ValueError:
        spot.fault("day", "a day, as 2027-11-30")
        return date.max
