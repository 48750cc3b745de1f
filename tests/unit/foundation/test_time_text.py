"""Times in words: ISO 8601 in UTC, and how far from now."""

from __future__ import annotations

import pytest

from gateway.foundation import time_text

NOW = 1_790_000_000


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, "2026-09-21T14:13:20Z (now)"),
        (NOW + 3 * 86_400 + 5, "2026-09-24T14:13:25Z (in 3 days)"),
        (NOW - 7_200, "2026-09-21T12:13:20Z (2 hours ago)"),
        (NOW + 60, "2026-09-21T14:14:20Z (in 1 minute)"),
        (None, "-"),
        (True, "-"),
        (10**14, f"second {10**14}"),
    ],
)
def test_a_time_is_iso_utc_and_a_distance(at, expected):
    """People see when and how far from now."""
    assert time_text.when(at, now=NOW) == expected
