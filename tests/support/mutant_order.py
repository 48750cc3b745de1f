"""The order in which tests judge a mutant, a plugin of pytest: what notices it soonest comes first.

That is the test file of the module, then other unit tests, then nodes. Tests of one file stay together, because they
share what the file has started; else it is the order of mutmut, the quickest first.

A test whose name has a backslash ends the run: pytest does not find it again by that name, and mutmut takes each mutant
that it reaches for noticed.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Put the tests in order, whatever order other plugins choose."""
    if lost := [item.nodeid for item in items if "\\" in item.nodeid]:
        raise pytest.UsageError(f"no test is found by this name, give it another one: {lost[0]}")
    own = mirror(os.environ.get("MUTANT_UNDER_TEST", ""))
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
