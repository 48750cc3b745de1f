"""`trm region`: a pack is begun, checked, mended, installed in a node, and listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desks import Desk, make, run
from support.keycost import cheap


def begin(folder: Path, *words: str) -> Path:
    """Begin a pack of these countries, or of Italy, Mali and Niger."""
    ran = run("region", "new", str(folder), *(words or ("--from", "IT", "--to", "ML:fr", "--to", "NE:fr")))
    assert ran.exit_code == 0, ran.stderr
    return folder


def test_a_pack_is_begun_and_passes_its_check(tmp_path: Path) -> None:
    """It says what it holds, and what is to be confirmed; nothing takes its place."""
    folder = begin(tmp_path / "sahel")
    told = json.loads(run("region", "check", str(folder), "--json").stdout)
    assert (told["name"], told["version"], told["countries"]) == ("sahel", 1, ["IT", "ML", "NE"])
    assert told["corridors"] == ["IT>ML", "IT>NE"] and told["languages"] == ["en", "it", "fr"]
    assert [*told["calendars"]] == ["IT"] and told["mended"] == []
    assert {"place": "calendars/ML.json", "rule": "no_calendar"}.items() <= told["to_be_confirmed"][0].items()
    shown = run("region", "check", str(folder))
    assert f"hash       {told['hash'][:16]}" in shown.stdout and "to be confirmed:" in shown.stdout
    again = run("region", "new", str(folder), "--from", "FR", "--to", "AL")
    assert (again.exit_code, "exists; nothing was changed" in again.stderr) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sahel"]


def test_invented_countries_are_named(tmp_path: Path) -> None:
    """A code, its languages and its name."""
    folder = begin(tmp_path / "exercise", "--from", "XA:en:Ruritania", "--to", "ZZ:fr+en:Zenda", "--language", "ar")
    region = json.loads((folder / "region.json").read_bytes())
    assert region["countries"] == {
        "XA": {"languages": ["en"], "name": {"en": "Ruritania"}},
        "ZZ": {"languages": ["fr", "en"], "name": {"en": "Zenda"}},
    }
    assert region["languages"] == ["en", "fr", "ar"]


@pytest.mark.parametrize("name", ["Sahel", "two words", "tact2_"])
def test_a_name_that_no_region_can_have_makes_nothing(tmp_path: Path, name: str) -> None:
    """The name of the folder is that of the region."""
    ran = run("region", "new", str(tmp_path / name), "--from", "IT", "--to", "ML")
    assert ran.exit_code == 1 and "region.json#/name: form" in ran.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_fault_is_named_with_its_place_and_mended_where_it_can_be(tmp_path: Path) -> None:
    """Where a person has to choose, nothing is changed."""
    folder = begin(tmp_path / "sahel")
    policy = folder / "policies" / "two-step.json"
    right = policy.read_bytes()
    policy.write_text(json.dumps(json.loads(right)), encoding="utf-8")
    ran = run("region", "check", str(folder))
    assert ran.exit_code == 1 and "policies/two-step.json#: spelling" in ran.stderr
    ran = run("region", "check", str(folder), "--fix")
    assert ran.exit_code == 0 and "mended policies/two-step.json: " in ran.stdout
    assert policy.read_bytes() == right
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    ran = run("region", "check", str(folder), "--fix")
    assert ran.exit_code == 1 and "notes.txt: unknown_file" in ran.stderr and (folder / "notes.txt").exists()


def test_packs_are_listed(federation, tmp_path: Path) -> None:
    """Those of the program, and those of a node, with the one that it goes by."""
    held = json.loads(run("region", "list", "--json").stdout)["packs"]
    assert [(one["name"], one["from"], one["in_use"]) for one in held] == [("tact", "program", False)]
    node: Desk = federation.fr
    begin(tmp_path / "listed", "--from", "FR", "--to", "AL")
    assert run("region", "install", str(tmp_path / "listed"), "--node", str(node.folder)).exit_code == 0
    held = json.loads(run("region", "list", "--node", str(node.folder), "--json").stdout)["packs"]
    found = {one["name"]: (one["from"], one["in_use"]) for one in held}
    assert found["tact"] == ("program", True) and found["listed"] == ("installed", False)
    assert "FR, AL" in run("region", "list", "--node", str(node.folder)).stdout


def test_a_pack_is_installed_and_says_what_changes(federation, tmp_path: Path) -> None:
    """The first time how to go by it; the second time what is another. Nothing of messages or the policy."""
    node = str(federation.fr.folder)
    folder = begin(tmp_path / "pair", "--from", "FR", "--to", "AL")
    first = run("region", "install", str(folder), "--node", node)
    assert first.exit_code == 0, first.stderr
    assert "messages of open conversations keep their version; the policy in force stays" in first.stdout
    assert 'region = "pair" below [node]' in first.stderr
    calendar = folder / "calendars" / "AL.json"
    calendar.write_text(json.dumps(json.loads(calendar.read_bytes()) | {"note": "Other"}), encoding="utf-8")
    second = run("region", "install", str(folder), "--node", node)
    assert "changes: calendar of AL: deadlines in working days are counted anew" in second.stdout


def test_a_pack_without_the_country_of_a_peer_is_refused(federation, tmp_path: Path) -> None:
    """Albania is active here: what belongs to it would have no calendar, no facts and no corridor any more."""
    folder = begin(tmp_path / "elsewhere", "--from", "FR", "--to", "ML")
    before = {path: path.read_bytes() for path in (federation.fr.folder / "regions").rglob("*") if path.is_file()}
    ran = run("region", "install", str(folder), "--node", str(federation.fr.folder))
    assert ran.exit_code == 1 and "nothing was installed" in ran.stderr
    assert "region.json#/countries/AL: needed" in ran.stderr
    after = {path: path.read_bytes() for path in (federation.fr.folder / "regions").rglob("*") if path.is_file()}
    assert after == before


def test_a_node_that_lost_its_pack_gets_it_back(tmp_path: Path) -> None:
    """As after a restore: it does not start, says what is missing, and a pack can be installed all the same."""
    with cheap():
        node = make(tmp_path, "FR").folder
    settings = node / "node.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"tact"', '"pair"'), encoding="utf-8")
    ran = run("procedure", "list", "--node", str(node))
    assert ran.exit_code == 1 and "no such region pack" in ran.stderr and "trm region install" in ran.stderr
    folder = begin(tmp_path / "pair", "--from", "FR", "--to", "AL")
    ran = run("region", "install", str(folder), "--node", str(node))
    assert ran.exit_code == 0 and "its peers were not asked" in ran.stderr, ran.stderr
    assert run("procedure", "list", "--node", str(node)).exit_code == 0
