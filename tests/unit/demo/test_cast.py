"""Who plays the story: the countries of the program, or those of a region, in parts that fit them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.cases import FIRST, FOURTH, SECOND, Workbook
from gateway.demo.cast import OF_THE_PROGRAM, Cast, cast_region
from gateway.demo.database import find_mapping
from gateway.demo.homeward import propose_journey
from gateway.demo.journey import Journey
from gateway.demo.nodes import read_today
from gateway.demo.places import make_folders, plan_federation
from gateway.errors import RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.json import list_objects
from gateway.mapping.case_system import read_mapping
from gateway.regions.draft import Wanted, begin_pack


def cast(folder: Path, hosts: str, receivers: str) -> Cast:
    """The cast of a region of these countries."""
    wanted = [
        [Wanted(code=code, name=name or None) for code, _, name in (one.partition(":") for one in words.split())]
        for words in (hosts, receivers)
    ]
    pack = begin_pack("played", *wanted)
    for path, data in pack.files.items():
        (folder / "played" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "played" / path).write_bytes(data)
    return cast_region(folder / "played")


def test_four_countries_have_four_parts(tmp_path: Path) -> None:
    """The receiving ones in the order of the pack; each writes in its own language."""
    found = cast(tmp_path, "IT", "MA AL UA")
    assert [found.host.title, found.home.title] == ["Italy", "Morocco"]
    assert found.declining is not None and found.full is not None
    assert [found.declining.code, found.full.code] == ["AL", "UA"]
    assert [found.host.language, found.home.language] == ["it", "ar"]


def test_what_nobody_plays_is_left_out(tmp_path: Path) -> None:
    """Three countries, and two; the host is the one with the most ways out."""
    three = cast(tmp_path / "three", "IT", "ML NE")
    assert (three.declining and three.declining.title, three.full) == ("Niger", None)
    two = cast(tmp_path / "two", "XA:Ruritania", "ZZ:Zenda")
    assert (two.host.title, two.home.title, two.declining, two.full) == ("Ruritania", "Zenda", None, None)
    assert two.home.citizens is None and three.home.citizens == "ML"


def test_a_region_without_a_return_is_not_played(tmp_path: Path) -> None:
    """Within the European Economic Area a person is transferred, and the gates would stop the story."""
    with pytest.raises(RefusedError, match="no corridor of return"):
        cast(tmp_path, "FR", "IT GR")


def test_its_case_systems_name_its_countries(tmp_path: Path) -> None:
    """Rows of the workbook are for its receiving countries, and answers of offices for its host."""
    federation = plan_federation(tmp_path / "d", cast=cast(tmp_path, "IT", "ML NE"))
    make_folders(federation)
    assert [country.code for country in federation.countries] == ["IT", "ML", "NE"]
    assert [machine.name for machine in federation.host.machines] == ["IT"]
    assert federation.declining is not None
    mapping = find_mapping("albania.yaml", federation.home, federation.host)
    assert (
        read_mapping(mapping).name == "albania-answers"
        and read_mapping(mapping).title == "The office in Mali (invented)"
    )
    assert "  to: IT\n" in mapping.read_text(encoding="utf-8")
    workbook = Workbook(federation.host, read_today(), {FIRST: federation.home, SECOND: federation.declining})
    assert workbook.what == "an Excel workbook, 2 cases"
    workbook.save()
    with pytest.raises(KeyError):
        workbook.mark(FOURTH, "Ready to Ask")


def test_the_journey_leads_from_country_to_country(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where it begins and ends is in the countries that play; where no airport is known, by the name."""
    now, tmp_path = SystemClock().now(), tmp_path_factory.mktemp("d")  # the names of sockets may not be long
    for cast_, legs in (
        (OF_THE_PROGRAM, ("Lyon LYS", "Tirana TIA")),
        (cast(tmp_path / "a", "IT", "ML NE"), ("Milano MXP", "airport of Mali")),
        (cast(tmp_path / "b", "XA:Ruritania", "ZZ:Zenda"), ("airport of Ruritania", "airport of Zenda")),
    ):
        federation = plan_federation(tmp_path / cast_.home.code, cast=cast_)
        said = propose_journey(Journey(read_today(), now), federation.host, federation.home, "Larkspur", "adult")
        (leg,) = list_objects(said.content, "legs")
        assert (leg["from"], leg["to"]) == legs


def test_the_program_has_its_own_four() -> None:
    """The story that is told without a pack."""
    four = (OF_THE_PROGRAM.host, OF_THE_PROGRAM.home, OF_THE_PROGRAM.declining, OF_THE_PROGRAM.full)
    assert [one.code for one in four if one is not None] == ["FR", "AL", "UA", "MA"] and OF_THE_PROGRAM.pack is None
