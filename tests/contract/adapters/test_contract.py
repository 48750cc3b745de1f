"""One contract for every adapter: the fake, each kind that is installed with this one, and real database servers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from support.benches import MemoryBench
from support.databases import SERVERS, on_server

from adapters.kit.contract import CHECKS, NewBench, in_folders
from adapters.kit.kind import find, offered

StandIn = Callable[[Path], AbstractAsyncContextManager[NewBench]]
STAND_INS: dict[str, StandIn] = {
    "memory": partial(in_folders, MemoryBench),
    **{name: find(name).stand_in for name in offered()},
    **{server: partial(on_server, server) for server in SERVERS},
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", STAND_INS)
async def test_contract(kind: str, check: str, tmp_path: Path) -> None:
    """The adapter keeps the promise."""
    async with STAND_INS[kind](tmp_path) as new:
        await CHECKS[check](new())
