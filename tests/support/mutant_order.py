"""How tests judge a mutant, a plugin of pytest: in the order in which they notice it soonest, and without patience.

That is the test file of the module, then other unit tests, then nodes. Tests of one file stay together, because they
share what the file has started; else it is the order of mutmut, the quickest first.

What a mutant keeps from coming true is not waited for as long as on a machine that is only slow.

A test whose name has a backslash ends the run: pytest does not find it again by that name, and mutmut takes each mutant
that it reaches for noticed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest

PATIENCE = 20.0
"""Real seconds that tests of nodes wait for something; without a mutant it comes in a few."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Put the tests in order, whatever order other plugins choose."""
    if lost := [item.nodeid for item in items if "\\" in item.nodeid]:
        raise pytest.UsageError(f"no test is found by this name, give it another one: {lost[0]}")
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    if "__mutmut_" in mutant and (pair := sys.modules.get("support.pair")) is not None:
        pair.PATIENCE = PATIENCE
    own = mirror(mutant)
    files = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}
    tests = {item.nodeid: place for place, item in enumerate(items)}

    def place(item: pytest.Item) -> tuple[bool, bool, int, int]:
        unit = "tests/unit/" in item.nodeid
        return own not in item.nodeid, not unit, files[item.path], tests[item.nodeid]

    yield
    items.sort(key=place)


def mirror(mutant: str) -> str:
    """How the test files for the module of a mutant begin, as `policy/gates/test_asylum`; all where there is none."""
    module = mutant.rpartition(".x")[0].split(".")
    return "/".join([*module[1:-1], f"test_{module[-1]}"])
