"""The line list as a file that others write: saved while it is read, or of no use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.benches import SheetBench

from adapters.sheet import SheetAdapter, htcds
from gateway.errors import RefusedError, TransientError


class _SavedMeanwhile(type(Path())):  # type: ignore[misc]
    """A path whose file somebody else touches each time it is looked at."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found = super().stat(follow_symlinks=follow_symlinks)
        os.utime(self, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))
        return found


async def test_saved_while_read(bench: SheetBench) -> None:
    """An unreadable file that changes while it is read is being saved: the world's fault, tried again."""
    good = bench.source.read_bytes()
    bench.source.write_bytes(good[: len(good) // 2])
    with pytest.raises(RefusedError, match="not_a_workbook"):
        await bench.adapter().pull()
    adapter = SheetAdapter(_SavedMeanwhile(bench.source), marks={htcds.READY_TO_REFER: htcds.MAPPING})
    with pytest.raises(TransientError, match="being saved"):
        await adapter.pull()
