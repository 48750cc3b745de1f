"""Names of tables, rows as they are read, and their stamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from adapters.kit.fingerprint import fingerprint
from adapters.sql.cells import ref_of, stamp_of
from adapters.sql.tables import inbox_table, outbox_view
from gateway.errors import RefusedError


@pytest.mark.parametrize("name", ["", "a b", "a;drop", 'a"b', "a.b.c", "1a", "é"])
def test_bad_names(name: str) -> None:
    """Only plain names of tables, with a schema at most."""
    with pytest.raises(RefusedError, match="not the name of a table"):
        inbox_table(name)
    with pytest.raises(RefusedError, match="not the name of a table"):
        outbox_view(name, "ref", "changed")


def test_stamps_and_refs() -> None:
    """One moment has one text, whatever the zone; a ref is plain or none."""
    there = datetime(2025, 6, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert stamp_of(there) == stamp_of(datetime(2025, 6, 1, tzinfo=UTC))
    assert stamp_of(b"\x01") == "01"
    assert stamp_of(None) is None
    assert [ref_of(raw) for raw in (17, "AL-17", UUID(int=1))] == ["17", "AL-17", str(UUID(int=1))]
    assert [ref_of(raw) for raw in (None, True, 1.5, "", "a b", "a~2", "x" * 65)] == [None] * 7
    assert fingerprint({"a": 1}, "x") != fingerprint({"a": 2}, "x")
