"""One contract for every adapter: the fake, the drop folder, the sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.benches import FolderBench, MemoryBench, SheetBench

from adapters.kit.contract import CHECKS, Bench

BENCHES: dict[str, Callable[[Path], Bench]] = {"memory": MemoryBench, "folder": FolderBench, "sheet": SheetBench}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("bench", BENCHES)
async def test_contract(bench: str, check: str, tmp_path: Path) -> None:
    """The adapter keeps the promise."""
    await CHECKS[check](BENCHES[bench](tmp_path))
