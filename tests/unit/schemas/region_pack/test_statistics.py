"""What a region publishes: the plan of tables, and what a plan must not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.reading import Log, Spot, Wording
from schemas.region_pack.regions import load_region
from schemas.region_pack.statistics import COUNTED, MAX_CELLS, MAX_DIMENSIONS, list_submission_codes, plan_at

FILE = Path(__file__).resolve().parents[4] / "schemas" / "regions" / "tact" / "statistics.json"


def faults(change: Callable[[dict[str, Any]], object]) -> list[tuple[str, str]]:
    """Place and rule of what is wrong with the plan after one change."""
    value = json.loads(FILE.read_bytes())
    change(value)
    log: Log = []
    plan_at(Spot(value=value, place="#", log=log), Wording(languages=("en", "fr")))
    return [(finding.place, finding.rule) for finding in log]


def test_the_plan_is_a_lattice() -> None:
    """At most three dimensions to a table, no dimension in two tables, every table small enough."""
    tables = load_region("tact").statistics.tables.values()
    names = [dimension.name for table in tables for dimension in table.dimensions]
    assert len(set(names)) == len(names)
    for table in tables:
        cells = 1
        for dimension in table.dimensions:
            cells *= len(dimension.categories) + 1
        assert len(table.dimensions) <= MAX_DIMENSIONS and cells <= MAX_CELLS


def test_each_code_counts_in_one_category() -> None:
    """No code is lost and none counts twice."""
    for table in load_region("tact").statistics.tables.values():
        for dimension in table.dimensions:
            codes = [code for category in dimension.categories.values() for code in category.codes]
            assert len(set(codes)) == len(codes) > 0, dimension.name


def test_a_message_can_tell_each_dimension() -> None:
    """What a node counts has a code list in the message, the corridor that of its countries."""
    assert set(COUNTED) <= set(list_submission_codes())
    assert (list_submission_codes()["sex"], list_submission_codes()["corridor"]) == ("gender", "country")


def cross(value: dict[str, Any], *names: str) -> None:
    """One table that crosses these dimensions."""
    value["tables"] = {"one": {"title": {"en": "one"}, "dimensions": list(names)}}


def sex(value: dict[str, Any]) -> Any:
    """The dimension on which faults are tried."""
    return value["dimensions"]["sex"]


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown key": (lambda v: v.update(colour="red"), "/colour", "unknown_key"),
    "threshold below ten": (lambda v: v.update(threshold=9), "/threshold", "number"),
    "unknown period": (lambda v: v.update(period="week"), "/period", "unknown_period"),
    "unknown list": (lambda v: sex(v).update(list="weather"), "/dimensions/sex/list", "unknown_list"),
    "code in no category": (
        lambda v: sex(v)["categories"]["other"]["codes"].pop(),
        "/dimensions/sex/categories",
        "codes",
    ),
    "code in two categories": (
        lambda v: sex(v)["categories"]["other"]["codes"].append("Feminine"),
        "/dimensions/sex/categories",
        "codes",
    ),
    "unknown code": (
        lambda v: sex(v)["categories"]["other"]["codes"].append("Zyx"),
        "/dimensions/sex/categories/other/codes/3",
        "unknown_code",
    ),
    "code that no message has": (
        lambda v: sex(v)["categories"]["man"].update(code="Zyx"),
        "/dimensions/sex/categories/man/code",
        "unknown_code",
    ),
    "two categories with one code": (
        lambda v: sex(v)["categories"]["man"].update(code="Feminine"),
        "/dimensions/sex/categories",
        "twice",
    ),
    "two categories without a code": (
        lambda v: [sex(v)["categories"][name].pop("code") for name in ("man", "other")],
        "/dimensions/sex/categories",
        "twice",
    ),
    "a dimension that no case has": (
        lambda v: v["dimensions"].update(height=sex(v)),
        "/dimensions/height",
        "unknown_dimension",
    ),
    "missing is no category": (lambda v: sex(v).update(missing="x"), "/dimensions/sex/missing", "unknown_category"),
    "several is no category": (lambda v: sex(v).update(several="x"), "/dimensions/sex/several", "unknown_category"),
    "unknown classification": (
        lambda v: sex(v)["categories"]["man"]["in"].update(ICD="1"),
        "/dimensions/sex/categories/man/in/ICD",
        "unknown_classification",
    ),
    "four dimensions": (
        lambda v: cross(v, "sex", "age_group", "registering_body", "corridor"),
        "/tables/one/dimensions",
        "too_many",
    ),
    "unknown dimension": (lambda v: cross(v, "height"), "/tables/one/dimensions/0", "unknown_dimension"),
    "a dimension in two tables": (
        lambda v: v["tables"]["registrations"].update(dimensions=["sex"]),
        "/tables",
        "overlap",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_fault_is_named_with_its_place(name: str) -> None:
    """Each fault of a plan is found at its place."""
    change, place, rule = WRONG[name]
    assert (f"#{place}", rule) in faults(change)


def test_a_table_has_a_limit() -> None:
    """Too many cells are refused, since a table has to be protected in a moment and fit a message."""

    def grow(value: dict[str, Any]) -> None:
        categories = value["dimensions"]["corridor"]["categories"]
        for code in ("BE", "NL", "DE", "AT", "SE", "DK", "FI", "NO", "IS", "IE", "PT", "HR", "CH", "BA", "TR"):
            categories[code] = {"title": {"en": code}, "codes": [code], "code": code, "in": {}}
        cross(value, "corridor", "registering_body", "exploitation")

    assert faults(grow) == [("#/tables/one/dimensions", "too_large")]
