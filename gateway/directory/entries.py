"""Entries of the directory: what the node of a country says of its own offices in one `directory.update` (domain 6.5).
An entry counts for 90 days from the day it was made, each of its units until its own end. A country speaks only for
itself: units that an entry lists for another country are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.foundation.ids import NodeId, UnitId
from schemas.codelists import ENGLISH

LIFE = 90 * 86_400
"""Seconds for which an entry counts from when it was made (domain 6.5)."""

CHILDREN = frozenset({"children", "unaccompanied_children"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a node says of its country. `peer` is its name here and `state` what is held of it, `own` for this node;
    `made` is in Unix seconds.
    """

    node: NodeId
    country: str
    peer: str
    state: str
    made: int
    content: Mapping[str, Any]

    @property
    def expires(self) -> int:
        """Unix seconds from which on it no longer counts."""
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
        return unit_key(self.entry.country, self.entry.node, self.id)

    @property
    def id(self) -> UnitId:
        """Its name within its node."""
        return UnitId(str(self.said["unit_id"]))

    def name(self, language: str) -> str:
        """Find its name in a language; else in English, else as it is listed first."""
        names = {item["language"]: str(item["text"]) for item in self.said["name"]}
        return names.get(language) or names.get(ENGLISH) or next(iter(names.values()))

    def has(self, member: str) -> frozenset[str]:
        """Return the codes of one of its lists, such as `roles`; empty where it has none."""
        return frozenset(self.said.get(member, ()))

    def serves(self, *, child: bool) -> bool | None:
        """Say if it is there for children (`child`), else for adults; None where it does not tell."""
        groups, ways = self.has("groups_served"), {point["for"] for point in self.focal}
        if not groups:
            return True if child and "child" in ways else None
        return bool(groups & CHILDREN) or "child" in ways if child else bool(groups - CHILDREN)


def units_of(entry: Entry) -> Iterator[Unit]:
    """List the units of an entry for its own country; what it says of another one is nobody's word."""
    for said in entry.content["units"]:
        if said["country"] == entry.country:
            focal = tuple(point for point in entry.content["focal_points"] if point["unit_id"] == said["unit_id"])
            yield Unit(entry=entry, said=said, focal=focal)


def unit_key(country: str, node: NodeId, unit: UnitId) -> str:
    """Join the names of country, node and unit: the key of a unit among all of them."""
    return f"{country} {node} {unit}"


def foreign(content: Mapping[str, Any], country: str) -> tuple[int, ...]:
    """Find the places of units that an entry of a country lists for another one."""
    return tuple(place for place, unit in enumerate(content["units"]) if unit["country"] != country)
