"""A region pack as somebody begins one, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.regions.draft import Wanted, begin_pack


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Path]:
    """Write a pack of Italy, Mali and Niger, or of other countries, and return its folder."""

    def write(name: str = "sahel", hosts: str = "IT", receivers: str = "ML NE", where: Path = tmp_path) -> Path:
        wanted = [[Wanted(code=code) for code in codes.split()] for codes in (hosts, receivers)]
        pack = begin_pack(name, *wanted, languages=("fr",))
        for path, data in pack.files.items():
            (where / name / path).parent.mkdir(parents=True, exist_ok=True)
            (where / name / path).write_bytes(data)
        return where / name

    return write
