"""What is known of the countries of a region: complete, cited, unconfirmed until the country says so."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Finding
from schemas.reading import Wording
from schemas.region_pack.national import FactKind, NationalEntry, entries_at
from schemas.region_pack.regions import load_region

FACT: dict[str, Any] = {
    "kind": "line",
    "text": {"en": "A line"},
    "source": "Example report",
    "year": 2020,
    "confirmed_by": None,
    "review_by": "2027-01-31",
}
DUTY = FACT | {"kind": "coordination", "confirmed_by": "The ministry", "roles": ["case_manager"]}


def read(folder: Path, facts: Any, name: str = "AL.json", **other: Any) -> tuple[NationalEntry, list[Finding]]:
    """Read one file of two countries as a pack does: the entry of Albania, and the faults."""
    (folder / "national").mkdir()
    document = {"format": "trm-national/1", "country": "AL", "facts": facts, **other}
    (folder / "national" / name).write_text(json.dumps(document), encoding="utf-8")
    log: list[Finding] = []
    found = entries_at(folder, ("AL", "MA"), Wording(languages=("en",)), log)
    return found["AL"], log


def test_each_country_of_the_region_has_an_entry() -> None:
    """With what was found, from a source each; nobody has confirmed any of it yet; Morocco's duty to report is told."""
    region = load_region("tact")
    assert region.national.keys() == region.countries.keys()
    facts = [fact for entry in region.national.values() for fact in entry.facts]
    assert len(facts) > 30 and all(fact.confirmed_by is None for fact in facts)
    assert [one.country for one in region.national.values() if FactKind.REPORTING_DUTY not in one.missing] == ["MA"]


def test_each_fact_names_a_document() -> None:
    """A publisher alone is no source that somebody can look up; where the document was not noted, that is said."""
    for entry in load_region("tact").national.values():
        for fact in entry.facts:
            assert re.search(r"[,;]|\d", fact.source), (entry.country, fact.kind)
            assert not re.fullmatch(r"[\w.-]+\.\w{2,4}", fact.source), (entry.country, fact.kind)


def test_facts_are_read_in_their_order_and_blanks_are_named(tmp_path: Path) -> None:
    """A kind without a fact is missing; the first day of review is that of the entry."""
    entry, log = read(tmp_path, [FACT, DUTY | {"review_by": "2027-03-01"}])
    assert log == []
    assert [fact.kind for fact in entry.facts] == [FactKind.COORDINATION, FactKind.LINE]
    assert (entry.facts[0].confirmed_by, entry.facts[0].roles) == ("The ministry", ("case_manager",))
    assert set(FactKind) - set(entry.missing) == {FactKind.COORDINATION, FactKind.LINE}
    assert entry.review_by == date(2027, 1, 31)


def test_a_country_without_a_file_is_a_blank(tmp_path: Path) -> None:
    """Nothing was found, and that is told."""
    entry = entries_at(tmp_path, ("AL",), Wording(languages=("en",)), [])["AL"]
    assert (entry.facts, entry.missing, entry.review_by) == ((), tuple(FactKind), None)


@pytest.mark.parametrize(
    ("change", "place", "rule"),
    [
        ({"kind": "weather"}, "/facts/0/kind", "unknown_kind"),
        ({"review_by": "soon"}, "/facts/0/review_by", "day"),
        ({"review_by": 2027}, "/facts/0/review_by", "day"),
        ({"roles": ["king"]}, "/facts/0/roles/0", "unknown_code"),
        ({"confirmed_by": ""}, "/facts/0/confirmed_by", "text"),
        ({"text": {"fr": "Une ligne"}}, "/facts/0/text/fr", "unknown_language"),
        ({"year": 20}, "/facts/0/year", "number"),
        ({"phone": "1"}, "/facts/0/phone", "unknown_key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, change: dict[str, Any], place: str, rule: str) -> None:
    """One fault each."""
    _, log = read(tmp_path, [FACT | change])
    assert (log[0].place, log[0].rule) == (f"national/AL.json#{place}", rule)


def test_a_file_of_no_country_of_the_region(tmp_path: Path) -> None:
    """And one that says another country than its name."""
    _, log = read(tmp_path, [], name="XX.json")
    assert [(one.place, one.rule) for one in log] == [("national/XX.json", "unknown_file")]
    (tmp_path / "two").mkdir()
    _, log = read(tmp_path / "two", [], country="MA")
    assert [(one.place, one.rule) for one in log] == [("national/AL.json#/country", "const")]
