"""What France loses on stage: the moment is drawn, and duties are shared out again."""

from __future__ import annotations

import io
from random import Random

import pytest
from rich.console import Console

from gateway.demo.cluster.losses import draw_moment, is_shared, make_table


@pytest.mark.parametrize("seed", range(50))
def test_a_loss_comes_while_messages_are_under_way(seed):
    """Some were taken before it, and more than a quarter come after it."""
    assert 8 <= draw_moment(48, Random(seed)) <= 32


@pytest.mark.parametrize(
    ("leads", "shared"),
    [
        ({"FR": ("chores",), "FR-2": ("send AL",)}, True),
        ({"FR": ("chores", "send AL"), "FR-2": ()}, True),
        ({"FR": ("chores",), "FR-2": ()}, False),
        ({"FR": ("chores", "send AL"), "FR-2": ("send AL",)}, False),
    ],
)
def test_duties_are_shared_when_each_has_one_worker(leads, shared):
    """Neither one that nobody has, nor one that two have."""
    assert is_shared(leads, ["chores", "send AL"]) is shared


def test_the_table_shows_what_each_worker_did_at_each_moment():
    """A line for each worker, a dash for one that did nothing."""
    moments = {
        "at first": {"FR": ("chores",), "FR-2": ("send AL", "collect")},
        "one was killed": {"FR": ("send AL", "collect", "chores"), "FR-2": ()},
    }
    shown = io.StringIO()
    Console(file=shown, width=100).print(make_table(moments))
    lines = [line.split("  ") for line in shown.getvalue().splitlines() if line.strip().startswith(("FR", "worker"))]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
        ["worker", "at first", "one was killed"],
        ["FR", "chores", "chores, collect, send AL"],
        ["FR-2", "collect, send AL", "-"],
    ]
