"""The statistics that a region publishes: its dimensions and its closed list of tables (`statistics.json`).

    {"format": "trm-statistics/1", "version": 1, "period": "year", "threshold": 10,
     "classifications": {"CTDC": {"title": ..., "source": ...}},
     "dimensions": {"sex": {"title": ..., "list": "gender", "missing": "not_stated",
                            "categories": {"woman": {"title": ..., "codes": ["Feminine"], "code": "Feminine",
                                                     "in": {"CTDC": "Woman"}}}}},
     "tables": {"victims": {"title": ..., "dimensions": ["sex", "age_group", "exploitation"]}}}

A dimension sorts the codes of one code list into categories, each code into exactly one; one category may have the
`rest`, and one may be `home`: it has the country of the node that counts. `missing` is the category of a case without a
value, `several` that of a case with values in more than one category (`first`: the first of them), since every case has
to count once. `code` is the code of the category in a `stats.submission`; the one
category without a code is reported as not stated.

`in` gives the name of a category in a published classification. Where the classification has no word for it, or its
codes have not been entered, the name is left out and never invented; a further classification is one more name here.

**The tables are one fixed lattice** (domain 12.5; docs/statistics.md has the reasons): at most three dimensions
each; no dimension in two tables, so two tables share nothing but the number of all cases; one length of period for all.
Dimensions are those of `COUNTED`: what a node knows of a case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from math import prod
from types import MappingProxyType

from schemas.catalogue import load_catalogue
from schemas.codelists import code_list, code_lists
from schemas.reading import WORD, Labels, Spot, Wording, pick_label
from schemas.walk import list_members as members_of
from schemas.walk import resolve_reference

FORMAT = "trm-statistics/1"
MAX_DIMENSIONS = 3
MIN_THRESHOLD = 10
"""Both from G12 (domain 3.12): counts of 1 to 9 are suppressed, at most three dimensions are crossed."""

SUBMISSION = "stats.submission/1"

COUNTED = ("sex", "age_group", "exploitation", "registering_body", "citizenship_group", "corridor", "thb_status")
"""What a node knows of a case, and can count (`gateway.statistics.dimensions`)."""

FIRST = "first"
"""Instead of a category for several values: the first of those that a case has, in the order of the plan."""

MAX_CELLS = 500
"""Cells of one table with its sums; what a message takes, and small enough to be protected in a moment."""


class PeriodLength(StrEnum):
    """The length of the period that one release counts."""

    YEAR = "year"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One value of a dimension. `code` is its code in messages, None for not stated; `called` is its name by
    classification. `home`: the country of the node that counts belongs to it.
    """

    name: str
    title: Labels
    codes: frozenset[str]
    code: str | None
    called: Mapping[str, str]
    home: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """The way in which the codes of one list are counted."""

    name: str
    title: Labels
    codes: str
    categories: Mapping[str, Category]
    missing: str
    several: str | None

    def worded(self, category: str, classification: str | None, language: str) -> str | None:
        """Return the name of a category in a classification, None where it has none.

        Without a classification: its title, or its name when the plan no longer has the category.
        """
        found = self.categories.get(category)
        if classification is not None:
            return None if found is None else found.called.get(classification)
        return category if found is None else pick_label(found.title, language)

    def counted_in(self, country: str) -> Dimension:
        """Return the dimension as a node of `country` counts: its own code is in the category of the home country."""
        if not any(category.home for category in self.categories.values()):
            return self
        own = frozenset({country})
        moved = {
            name: replace(category, codes=category.codes | own if category.home else category.codes - own)
            for name, category in self.categories.items()
        }
        return replace(self, categories=MappingProxyType(moved))


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """One published table, with its dimensions in order."""

    name: str
    title: Labels
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsPlan:
    """Everything that a region publishes. `classifications` has the title of each."""

    version: int
    period: PeriodLength
    threshold: int
    classifications: Mapping[str, Labels]
    tables: Mapping[str, TablePlan]

    def counted_in(self, country: str) -> StatisticsPlan:
        """Return the plan as a node of `country` counts by it (domain 12.14)."""
        tables = {
            name: replace(table, dimensions=tuple(dimension.counted_in(country) for dimension in table.dimensions))
            for name, table in self.tables.items()
        }
        return replace(self, tables=MappingProxyType(tables))


def plan_at(root: Spot, wording: Wording) -> StatisticsPlan:
    """Read the plan below `root`. Faults are noted in its log; a plan with a fault must not be used."""
    members = root.members(("format", "version", "period", "threshold", "classifications", "dimensions", "tables"))
    members["format"].const(FORMAT)
    classifications = {
        name: _classification(spot, wording) for name, spot in members["classifications"].entries().items()
    }
    dimensions = {
        name: _dimension(name, spot, classifications, wording) for name, spot in members["dimensions"].entries().items()
    }
    tables = {name: _table(name, spot, dimensions, wording) for name, spot in members["tables"].entries().items()}
    used = [dimension.name for table in tables.values() for dimension in table.dimensions]
    if len(set(used)) != len(used):
        members["tables"].fault("overlap", "a dimension stands in one table: two that share one could be subtracted")
    return StatisticsPlan(
        version=members["version"].number(1, 999_999),
        period=PeriodLength(
            members["period"].one_of(tuple(PeriodLength), "unknown_period", "year or quarter") or "year"
        ),
        threshold=members["threshold"].number(MIN_THRESHOLD, 1000),
        classifications=MappingProxyType(classifications),
        tables=MappingProxyType(tables),
    )


def _classification(spot: Spot, wording: Wording) -> Labels:
    members = spot.members(("title", "source"))
    members["source"].text(600)
    return members["title"].labels(wording)


def _table(name: str, spot: Spot, dimensions: Mapping[str, Dimension], wording: Wording) -> TablePlan:
    if not WORD.fullmatch(name):
        spot.fault("form", "a name of small letters, digits and underscores")
    members = spot.members(("title", "dimensions"))
    names = members["dimensions"].several(dimensions, "unknown_dimension", "a dimension above", low=1)
    crossed = tuple(dimensions[word] for word in names if word)
    if len(names) > MAX_DIMENSIONS:
        members["dimensions"].fault("too_many", f"at most {MAX_DIMENSIONS} dimensions are crossed (G12)")
    if prod(len(dimension.categories) + 1 for dimension in crossed) > MAX_CELLS:
        members["dimensions"].fault("too_large", f"at most {MAX_CELLS} cells with their sums: use fewer categories")
    return TablePlan(name=name, title=members["title"].labels(wording), dimensions=crossed)


@cache
def list_submission_codes() -> Mapping[str, str]:
    """Return, for each dimension, the code list in which a `stats.submission` states it."""
    root = load_catalogue().get(SUBMISSION).document
    node = root
    for step in ("content", "cells", "*", "key"):
        node = resolve_reference(node["items"] if step == "*" else dict(members_of(node))[step], root)
    found = {name: resolve_reference(member, root) for name, member in members_of(node)}
    found = {
        name: resolve_reference(dict(members_of(member)).get("to", member), root) for name, member in found.items()
    }
    return MappingProxyType({name: member["x-codes"] for name, member in found.items() if "x-codes" in member})


def _dimension(name: str, spot: Spot, known: Collection[str], wording: Wording) -> Dimension:
    if name not in COUNTED:
        spot.fault("unknown_dimension", f"one of {', '.join(COUNTED)}")
    members = spot.members(("title", "list", "missing", "categories"), ("several",))
    listed = members["list"].one_of(code_lists(), "unknown_list", "a code list")
    codes = frozenset(entry.code for entry in code_list(listed).codes) if listed else frozenset[str]()
    spots = members["categories"].entries()
    parts = {
        category: part.members(("title", "codes", "in"), ("rest", "code", "home")) for category, part in spots.items()
    }
    sorted_in = {category: _codes(part["codes"], codes) for category, part in parts.items()}
    rest = codes.difference(*sorted_in.values())
    for category in [category for category, part in parts.items() if "rest" in part]:
        sorted_in[category] |= rest
        rest = frozenset()
    if rest or sum(map(len, sorted_in.values())) != len(codes):
        members["categories"].fault("codes", "each code of the list in exactly one category, or one has the rest")
    told = [_told(part, name) for part in parts.values()]
    if len(set(told)) != len(told):
        members["categories"].fault("twice", "a code of its own for each category; one at most has none")
    ways = (*parts, FIRST)
    several = (
        members["several"].one_of(ways, "unknown_category", "a category below, or first")
        if "several" in members
        else None
    )
    return Dimension(
        name=name,
        title=members["title"].labels(wording),
        codes=listed,
        categories=MappingProxyType(
            {
                category: _category(category, part, sorted_in[category], code, known, wording)
                for (category, part), code in zip(parts.items(), told, strict=True)
            }
        ),
        missing=members["missing"].one_of(parts, "unknown_category", "a category below"),
        several=several,
    )


def _codes(spot: Spot, codes: Collection[str]) -> frozenset[str]:
    return frozenset(word for word in spot.several(codes, "unknown_code", "a code of the list") if word)


def _told(part: Mapping[str, Spot], dimension: str) -> str | None:
    if "code" not in part or dimension not in list_submission_codes():
        return None
    listed = {entry.code for entry in code_list(list_submission_codes()[dimension]).codes}
    return part["code"].one_of(listed, "unknown_code", f"a code of the list {list_submission_codes()[dimension]}")


def _category(
    name: str,
    part: Mapping[str, Spot],
    codes: frozenset[str],
    code: str | None,
    known: Collection[str],
    wording: Wording,
) -> Category:
    called = part["in"].entries()
    for classification, spot in called.items():
        if classification not in known:
            spot.fault("unknown_classification", "a classification above")
    return Category(
        name=name,
        title=part["title"].labels(wording),
        codes=codes,
        code=code,
        called=MappingProxyType({classification: spot.text(60) for classification, spot in called.items()}),
        home="home" in part,
    )
