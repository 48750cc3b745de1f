"""How tests judge a mutant, a plugin of pytest: in the order in which they notice it soonest, and without patience.

That is the test file of the module, then other unit tests, then nodes. Of nodes the tests in the file of the module
come first, then those that reach most of its functions, and `MOST` of them judge: a mutant in what every test does
would cost minutes to survive. Tests of one file stay together, because they share what the file has started; else it
is the order of mutmut, the quickest first. What a mutant keeps from coming true is not waited for as long as on a
machine that is only slow.

A test whose name has a backslash ends the run: pytest does not find it again by that name, and mutmut takes each mutant
that it reaches for noticed.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

MOST = 40
"""Tests of nodes that judge one mutant."""
PATIENCE = 20.0
"""Real seconds that tests of nodes wait for something; without a mutant it comes in a few."""
STATS = Path(__file__).resolve().parents[2] / "mutmut-stats.json"
"""Which tests reach which functions, where this is the copy of a work folder of mutmut."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Put the tests in order, whatever order other plugins choose."""
    if lost := [item.nodeid for item in items if "\\" in item.nodeid]:
        raise pytest.UsageError(f"no test is found by this name, give it another one: {lost[0]}")
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    asked = "__mutmut_" in mutant
    if asked and (pair := sys.modules.get("support.pair")) is not None:
        pair.PATIENCE = PATIENCE
    own = mirror(mutant)
    reached = count_reached(mutant, STATS.read_text()) if asked and STATS.exists() else Counter[str]()
    units = [item for item in items if "tests/unit/" in item.nodeid]
    nodes = [item for item in items if item not in units]
    files = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in units))}
    tests = {item.nodeid: place for place, item in enumerate(items)}
    yield
    units.sort(key=lambda item: (own not in item.nodeid, files[item.path], tests[item.nodeid]))
    chosen = choose(sorted(nodes, key=lambda item: (-reached[item.nodeid], tests[item.nodeid])), own)
    if asked or not mutant:  # without one, all have passed when mutmut wrote down what they reach
        chosen = chosen[:MOST]
    paths = [item.path for item in chosen]
    items[:] = [*units, *sorted(chosen, key=lambda item: (own not in item.nodeid, paths.index(item.path)))]


def choose(nodes: Sequence[pytest.Item], own: str = "test_") -> list[pytest.Item]:
    """The same with those of the own file first, and the first of each test before the second of any, since what
    differs is only a parameter.
    """
    turns = Counter[str]()
    placed: list[tuple[bool, int, int, pytest.Item]] = []
    for place, item in enumerate(nodes):
        name = item.nodeid.partition("[")[0]
        turns[name] += 1
        placed.append((own not in item.nodeid, turns[name], place, item))
    return [item for *_, item in sorted(placed, key=lambda each: each[:3])]


def mirror(mutant: str) -> str:
    """How the test files for the module of a mutant begin, as `policy/gates/test_asylum`; all where there is none."""
    module = mutant.rpartition(".x")[0].split(".")
    return "/".join([*module[1:-1], f"test_{module[-1]}"])


def count_reached(mutant: str, stats: str) -> Counter[str]:
    """How many functions of the module of a mutant each test reaches, by what mutmut has written down."""
    module = mutant.rpartition(".x")[0]
    found: dict[str, list[str]] = json.loads(stats)["tests_by_mangled_function_name"]
    return Counter(
        test for function, tests in found.items() if function.rpartition(".x")[0] == module for test in tests
    )
