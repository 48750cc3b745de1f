"""What holds for every test: names of cases that are the same in every process, so that they can be spread over
several; and what takes long to start and is started once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.ajv import Ajv, running


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A name without memory addresses for values that hold functions; None leaves the name to pytest."""
    if callable(val):
        return getattr(val, "__qualname__", argname).replace("<locals>.", "")
    if isinstance(val, dict) and any(callable(item) for item in val.values()):
        return ",".join(map(str, val))
    return None


@pytest.fixture(scope="session")
def ajv() -> Iterator[Ajv]:
    """The validator of node.js, one process for all tests that ask it."""
    with running() as judge:
        yield judge
