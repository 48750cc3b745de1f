"""Addresses and cells of adapters/sql: what is taken, what is refused, and that a refusal repeats nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from adapters.sql.cells import BadCellError, to_json


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (7.0, 7),
        (Decimal("7.00"), 7),
        ("007", "007"),
        (date(1994, 3, 1), "1994-03-01"),
        (datetime(1994, 3, 1), "1994-03-01"),
        (datetime(1994, 3, 1, 12), "1994-03-01T12:00:00"),
        (datetime(1994, 3, 1, tzinfo=UTC), "1994-03-01T00:00:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (["a", 1.0], ["a", 1]),
    ],
)
def test_cells(cell: object, said: object) -> None:
    """A cell is what the mapping file can read, with nothing rounded."""
    assert to_json(cell) == said
    assert type(to_json(cell)) is type(said)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (1.5, "number_not_whole"),
        (float("nan"), "number_not_whole"),
        (float("inf"), "number_not_whole"),
        (Decimal("0.1"), "number_not_whole"),
        (Decimal("NaN"), "number_not_whole"),
        (2**53, "number_too_large"),
        (Decimal(10) ** 20, "number_too_large"),
        (b"bytes", "wrong_type"),
        ({"a": 1}, "wrong_type"),
        (timedelta(1), "wrong_type"),
        ("\ud800", "bad_text"),
        ([1.5], "number_not_whole"),
    ],
)
def test_bad_cells(cell: object, rule: str) -> None:
    """What is no value of a record is a fault with a rule."""
    with pytest.raises(BadCellError) as caught:
        to_json(cell)
    assert caught.value.rule == rule
