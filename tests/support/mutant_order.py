"""The order in which tests judge a mutant, a plugin of pytest: what costs least has the first chance to notice it.

Unit tests come before nodes, and tests of one file stay together because they share what the file has started. Else it
is the order of mutmut, the quickest first.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Put the tests in order, whatever order other plugins choose."""
    files = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}
    tests = {item.nodeid: place for place, item in enumerate(items)}
    yield
    items.sort(key=lambda item: ("tests/unit/" not in item.nodeid, files[item.path], tests[item.nodeid]))
