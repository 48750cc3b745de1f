"""Entries: a country speaks for itself alone, and is called by its own words."""

from __future__ import annotations

from dataclasses import replace

from support.directories import DIRECTORY, asked, entry

from gateway.directory.entries import Entry, foreign, units_of
from gateway.directory.rules import Directory


def test_a_unit_is_called_by_its_node_in_a_language():
    """In English where it has no name in the language asked for; nobody is named by what another node says."""
    names = [{"language": "en", "text": "Focal point"}, {"language": "sq", "text": "Zyra"}]
    held = Directory([replace(entry("AL", name=names), node="n1a")])
    assert [held.name("AL", "n1a", "onac", language) for language in ("sq", "en", "fr")] == [
        "Zyra",
        "Focal point",
        "Focal point",
    ]
    assert held.name("AL", "n1b", "onac", "sq") is None and held.name("AL", "n1a", "gone", "sq") is None


def test_a_country_speaks_only_for_itself():
    """What an entry says about an office of another country is nobody's word."""
    liar = entry("MA", country="ES")
    assert foreign(liar.content, "MA") == (0,)
    assert "commission" not in {unit.id for unit in units_of(liar)}
    spain = next(one for one in DIRECTORY.entries if one.country == "ES")
    both = Directory([liar, spain])
    assert {one.unit.entry.country for one in asked("España", directory=both)} == {"ES"}
    assert "commission" not in {one.unit.id for one in asked("España", directory=both)}


def test_names_in_the_language_of_the_reader():
    """Else English, else what is listed first."""
    unit = DIRECTORY.units["AL al femijet"]
    assert unit.name("sq").startswith("Zyra")
    assert unit.name("uk") == unit.name("en")
    only = Entry(
        node="al",
        country="AL",
        peer="AL",
        state="own",
        made=0,
        content={
            "units": [{**unit.said, "name": [{"language": "sq", "text": "Zyra"}]}],
            "focal_points": [],
        },
    )
    assert next(units_of(only)).name("uk") == "Zyra"
