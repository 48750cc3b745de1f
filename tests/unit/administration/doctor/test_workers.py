"""What `trm doctor` says of workers."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.administration.doctor.workers import check_workers


def worker(host: str = "one", **changes: Any) -> dict[str, Any]:
    """A worker that is well."""
    return {"host": host, "version": "1.0", "ahead": 0, "away": False} | changes


@pytest.mark.parametrize(
    ("workers", "state", "told"),
    [
        ([], "ok", "one process"),
        ([worker(), worker("two")], "ok", "2 at work"),
        ([worker(), worker("two", away=True)], "warn", "two is away"),
        ([worker(), worker("two", ahead=-61)], "red", "the clock of two is wrong"),
        ([worker(), worker("two", version="1.1")], "warn", "1.0 and 1.1"),
    ],
    ids=["a file", "well", "away", "clock", "versions"],
)
def test_workers(workers: list[dict[str, Any]], state: str, told: str):
    """What is worst is told, with what to do."""
    check = check_workers({"workers": workers})
    assert check.state == state
    assert told in check.found
    assert bool(check.fix) is (state != "ok")
