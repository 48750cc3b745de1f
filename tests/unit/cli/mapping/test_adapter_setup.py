"""`trm adapter prepare` and `trm adapter check --settings`: what people and programs read of them."""

from __future__ import annotations

import json
from pathlib import Path

from support.desks import run


def test_prepare_tells_what_it_made_and_what_to_paste(tmp_path: Path):
    """One line for each thing, the section of node.toml, and the steps with their numbers; then that all was there."""
    into = tmp_path / "a"
    ran = run("adapter", "prepare", "folder", "--into", str(into), "--to", "MA")
    assert ran.exit_code == 0, ran.stderr
    assert f"made  {into}/sample.json\n" in ran.stdout
    assert f'[adapter]\nkind = "folder"\npath = "{into}/drop"\n' in ran.stdout
    assert f"1. trm adapter check --settings {into}/adapter.toml\n" in ran.stdout
    assert json.loads((into / "sample.json").read_bytes())["to"] == "MA"
    again = run("adapter", "prepare", "folder", "--into", str(into), "--json")
    assert {each["outcome"] for each in json.loads(again.stdout)["made"]} == {"there"}


def test_check_tells_each_need_in_a_line(tmp_path: Path):
    """Good ones as ok, missing ones with their command; exit 1, and the same as JSON."""
    into = tmp_path / "a"
    run("adapter", "prepare", "folder", "--into", str(into))
    ran = run("adapter", "check", "--settings", str(into / "adapter.toml"))
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "nothing is missing")
    assert "ok       folder outgoing\n" in ran.stdout
    (into / "drop" / "erased").rmdir()
    ran = run("adapter", "check", "--settings", str(into / "adapter.toml"))
    assert ran.exit_code == 1
    assert "MISSING  folder erased  missing_folder\n" in ran.stdout
    assert f"         run: mkdir -m 700 -p {into}/drop/erased\n" in ran.stdout
    told = json.loads(run("adapter", "check", "--settings", str(into / "adapter.toml"), "--json").stdout)
    assert [need["place"] for need in told["needs"] if need["state"] == "missing"] == ["folder erased"]
    assert told["ok"] is False


def test_wrong_usage():
    """One thing is checked at a time, and a setting has a value."""
    assert run("adapter", "check", "folder", "--settings", "x.toml").exit_code == 2
    assert run("adapter", "check", "--node", "x", "--settings", "x.toml").exit_code == 2
    assert run("adapter", "prepare", "folder", "--into", "x", "--set", "path").exit_code == 2
    assert run("adapter", "prepare", "folder").exit_code == 2
