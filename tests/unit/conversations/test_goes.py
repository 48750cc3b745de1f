"""How many conversations are folded in one go."""

from __future__ import annotations

import pytest

from gateway.conversations.goes import FEWEST, GO, MOST, next_go


@pytest.mark.parametrize(
    ("size", "took", "following"),
    [
        (16, GO, 16),
        (16, GO / 10, 32),
        (100, GO * 2, 50),
        (100, 0.0, MOST),
        (150, GO / 2, MOST),
        (16, 100 * GO, FEWEST),
    ],
)
def test_a_go_is_as_large_as_its_time_allows(size, took, following):
    """It grows by no more than its double, and some are folded however long one takes."""
    assert next_go(size, took) == following
