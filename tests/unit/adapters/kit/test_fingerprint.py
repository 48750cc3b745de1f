"""Fingerprints of records: an edit is noticed, the order of keys is none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.kit.fingerprint import fingerprint


def test_an_edit_is_noticed() -> None:
    """Every value counts, also one that is no JSON; the order of the columns does not."""
    row = {"a": 1, "b": [True, None], "c": date(2026, 1, 2), "d": Decimal("1.10")}
    other = [
        row | {"a": 2},
        row | {"a": "1"},
        row | {"b": [True]},
        row | {"c": date(2026, 1, 3)},
        row | {"d": Decimal("1.1")},
        {"a": 1},
    ]
    assert fingerprint(row) == fingerprint(dict(reversed(row.items())))
    assert len({fingerprint(row), *map(fingerprint, other), fingerprint(row, row)}) == len(other) + 2
    assert len(fingerprint(row)) == 16
