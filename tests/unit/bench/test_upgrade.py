"""What the bench of upgrades makes of its figures: what is undecided, decided twice, slow or large is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.limits.upgrade import MESSAGES, Opening, list_faults

FIRST = Opening(wall=90.0, most=300.0, messages=MESSAGES, decided={"conversations": 9_000, "cases": 9_000})
SECOND = Opening(wall=4.0, most=200.0, messages=MESSAGES, decided={})


def test_good_figures_have_no_fault() -> None:
    """More messages may take longer in proportion; fewer are not judged by their share of the time."""
    assert list_faults(FIRST, SECOND) == []
    assert list_faults(replace(FIRST, wall=590.0, messages=2 * MESSAGES), SECOND) == []
    assert list_faults(replace(FIRST, wall=200.0, messages=100), SECOND) == []


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            replace(FIRST, decided={}),
            SECOND,
            "the first opening has to decide of everything, and the second one of nothing",
        ),
        (FIRST, FIRST, "the first opening has to decide of everything, and the second one of nothing"),
        (replace(FIRST, wall=400.0), SECOND, "396 s, at most 300 for 100000 messages"),
        (replace(FIRST, most=600.0), SECOND, "400 MiB more than opening alone, at most 300"),
    ],
    ids=["undecided", "decided twice", "slow", "large"],
)
def test_each_fault_is_told(first: Opening, second: Opening, told: str) -> None:
    """One at a time."""
    assert list_faults(first, second) == [told]
