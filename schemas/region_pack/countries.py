"""The countries of a region and the corridors between them, as `region.json` of a pack has them.

A country has a code of the list `country`, or one that ISO 3166-1 leaves to its users (AA, QM to QZ, XA to XZ, ZZ), for
exercises and invented countries. A territory without a code has a name of small letters. Those two have a `name` of
their own, in words; a country of the list has none, because no pack renames a country.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from schemas.codelists import code_list
from schemas.reading import Labels, Spot, Wording
from schemas.region_pack.policies import Pair

_USER_ASSIGNED = re.compile(r"AA|Q[M-Z]|X[A-Z]|ZZ")
_TERRITORY = re.compile(r"[a-z][a-z0-9-]{2,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country of the region, with the languages in which its units work; the first one is the default. `place` is
    where its capital lies, in whole degrees north and east: pictures show in which direction that is. `name` is that of
    a country that the list of countries does not have, else None.
    """

    code: str
    languages: tuple[str, ...]
    place: tuple[int, int] | None = None
    name: Labels | None = None


def is_user_assigned(code: str) -> bool:
    """Whether ISO 3166-1 leaves this code to its users, and the list `country` does not have it either."""
    return _USER_ASSIGNED.fullmatch(code) is not None and code not in code_list("country")


def country_at(code: str, spot: Spot, wording: Wording) -> Country:
    """Read one country of `region.json`; faults are noted in its log."""
    listed = code in code_list("country")
    if not listed and not is_user_assigned(code) and not _TERRITORY.fullmatch(code):
        spot.fault(
            "unknown_code",
            "a code of the list country, one that ISO 3166-1 leaves to its users, or a name of small letters",
        )
    optional = ("place",) if listed else ("place", "name")
    members = spot.members(("languages", "name") if is_user_assigned(code) else ("languages",), optional)
    spoken = members["languages"].several(wording.languages, "unknown_language", "listed above", low=1)
    return Country(
        code=code,
        languages=spoken,
        place=_place(members["place"]) if "place" in members else None,
        name=members["name"].labels(wording, 100) if "name" in members else None,
    )


def corridors_at(spot: Spot, countries: Collection[str]) -> frozenset[Pair]:
    """Read the corridors between these countries; faults are noted in its log."""
    pairs: list[Pair] = []
    for item in spot.items(1):
        members = item.members(("from", "to"))
        ends = (
            members[end].several(countries, "unknown_country", "a country of this region", low=1) for end in members
        )
        starts, goals = ends
        pairs += ((start, goal) for start in starts for goal in goals)
        if set(starts) & set(goals):
            item.fault("corridor", "from one country to another")
    if len(set(pairs)) != len(pairs):
        spot.fault("twice", "each corridor only once")
    return frozenset(pairs)


def _place(spot: Spot) -> tuple[int, int]:
    members = spot.members(("north", "east"))
    return members["north"].number(-90, 90), members["east"].number(-180, 180)
