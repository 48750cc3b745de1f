"""A disk that gives out is an error of ours that says so, and nothing of a move is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, TransientError


async def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path):
    """A move that does not fit is a TransientError with the code `disk`; smaller ones go on."""
    store = Store(SqliteFile(tmp_path / "node.db"))
    try:
        await store.move(lambda c: meta.set_meta(c, "small", b"x"))
        pages = await store.read(lambda c: c.exec_driver_sql("pragma page_count").scalar())
        await store.move(lambda c: c.exec_driver_sql(f"pragma max_page_count = {pages + 2}").fetchall())
        with pytest.raises(TransientError) as caught:
            await store.move(lambda c: meta.set_meta(c, "large", b"x" * 1_000_000))
        assert caught.value.code is Code.DISK
        assert await store.read(lambda c: meta.get_meta(c, "large")) is None
        assert await store.read(lambda c: meta.get_meta(c, "small")) == b"x"
    finally:
        store.close()
