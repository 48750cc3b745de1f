"""What the bench of imports makes of its figures: what is lost, twice, slow or large is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.imports import ROWS, Import, list_faults

GOOD = Import(rows=ROWS, new=ROWS, wall=12.0, cpu=14.0, before=120.0, most=210.0)


def faults(first: Import = GOOD, again: int = 0, table: int = ROWS, *, rows: int = ROWS, other: int = 0) -> list[str]:
    """What is told of these figures."""
    found = {
        "line list, first": first,
        "line list, again": replace(GOOD, new=again),
        "HTCDS, first": replace(GOOD, new=table),
        "HTCDS, again": replace(GOOD, new=other),
    }
    return list_faults(found, rows)


def test_good_figures_have_no_fault() -> None:
    """Also fewer rows, of which time says nothing."""
    few = 100
    assert faults() == []
    assert faults(replace(GOOD, new=few, wall=60.0), table=few, rows=few) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (faults(replace(GOOD, new=ROWS - 1)), "line list, first: 9999 new drafts, expected 10000"),
        (faults(again=1), "line list, again: 1 new drafts, expected 0"),
        (faults(table=0), "HTCDS, first: 0 new drafts, expected 10000"),
        (faults(other=3), "HTCDS, again: 3 new drafts, expected 0"),
        (faults(replace(GOOD, wall=20.5)), "line list, first: 20.5 s, at most 20"),
        (faults(replace(GOOD, most=280.0)), "line list, first: 160 MiB more, at most 150"),
    ],
    ids=["lost", "twice", "none", "other", "slow", "large"],
)
def test_each_fault_is_told(found: list[str], told: str) -> None:
    """One line for each."""
    assert found == [told]
