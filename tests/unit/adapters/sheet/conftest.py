"""A line list for the tests of what is read from it and shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sheet.bench import SheetBench


@pytest.fixture
def bench(tmp_path: Path) -> SheetBench:
    """A workbook with one marked case."""
    bench = SheetBench(tmp_path)
    bench.offer("Case one")
    return bench
