"""The printed machines and the page in docs are the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.state_diagrams import MACHINES, clock_table, crossings, document, render, table

from gateway.conversations.rules.crossing import CROSSINGS
from schemas.clocks import load_clocks

ROOT = Path(__file__).resolve().parents[4]


def test_the_page_is_what_the_tables_print():
    """docs/state-machines.md is exactly the output of `document`."""
    assert document() == (ROOT / "docs" / "state-machines.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_row_is_drawn(machine):
    """Each row of a table is in one arrow, each entry and each final state has its own."""
    lines = render(machine).splitlines()
    assert lines[0] == "stateDiagram-v2"
    drawn = {tuple(line.strip().split(" : ")) for line in lines[1:] if " : " in line}
    arrows = {arrow: events.split(", ") for arrow, events in drawn}
    for row in machine.table:
        assert row.event in arrows[f"{row.source} --> {row.target}"]
    assert sum(map(len, arrows.values())) == len(machine.table)
    for entry in machine.entries:
        assert f"    [*] --> {entry.state}" in lines
    for state in machine.final:
        assert f"    {state} --> [*]" in lines


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_row_is_explained(machine):
    """The table below the diagram has a line for each entry and each row."""
    assert len(table(machine).splitlines()) == 2 + len(machine.entries) + len(machine.table)


def test_every_crossing_and_every_clock_is_listed():
    """One line each, with all its losers and with how long it is."""
    rules, lines = crossings().splitlines(), clock_table().splitlines()
    for rule in CROSSINGS:
        (row,) = (line for line in rules if line.startswith(f"| `{rule.winner}` |"))
        assert all(f"`{name}`" in row for name in rule.losers)
    for clock in load_clocks().values():
        (row,) = (line for line in lines if line.startswith(f"| `{clock.name}` |"))
        assert all(str(duration.count) in row for duration in clock.durations.values())
