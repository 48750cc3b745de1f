"""`kill -9` between a hand-over and its acknowledgement, again and again: the office has each message exactly once, and
each of its files where it takes any.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support import killing
from support.databases import KINDS, office_on

from adapters.folder.bench import FolderBench
from adapters.kit.contract import Bench, FilesBench
from adapters.primero.bench import stand_in
from adapters.rest.bench import stand_in as web_api
from adapters.sftp.bench import stand_in as sftp_server
from adapters.sheet.bench import SheetBench
from adapters.sql.bench import SqlBench

ROUNDS = pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.deep)])


async def _kill(kind: str, bench: Bench, rounds: int) -> None:
    """The rounds, and what the office has after them. They run in a process of their own, a stand-in in this one."""
    command = [
        sys.executable,
        killing.__file__,
        kind,
        json.dumps(bench.settings()),
        str(rounds),
        str(random.randrange(2**32)),
    ]
    run = asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True, timeout=250)
    assert int((await run).stdout) == rounds
    assert sorted(bench.received()) == [killing.item(number).message_id for number in range(rounds + 1)]
    if isinstance(bench, FilesBench):
        wanted = [data for number in range(rounds + 1) for data in killing.contents(number)]
        assert sorted(bench.received_files()) == sorted(wanted)


@ROUNDS
@pytest.mark.parametrize("kind", KINDS)
async def test_a_database_has_each_message_once(kind: str, rounds: int, tmp_path: Path) -> None:
    """A database of each kind."""
    await _kill("sql", SqlBench(office_on(kind, tmp_path)), rounds)


@ROUNDS
async def test_a_drop_folder_has_each_message_once(rounds: int, tmp_path: Path) -> None:
    """A drop folder."""
    await _kill("folder", FolderBench(tmp_path), rounds)


@ROUNDS
async def test_a_line_list_shows_each_message_once(rounds: int, tmp_path: Path) -> None:
    """The results beside a line list."""
    await _kill("sheet", SheetBench(tmp_path), rounds)


@ROUNDS
async def test_a_primero_has_each_message_once(rounds: int, tmp_path: Path) -> None:
    """A Primero, in one case: its id is derived from the conversation and asked for before it is made."""
    async with stand_in(tmp_path) as new:
        bench = new()
        await _kill("primero", bench, rounds)
        assert len(bench.office.cases) == 1


@ROUNDS
async def test_a_web_api_has_each_message_once(rounds: int, tmp_path: Path) -> None:
    """A JSON API that knows a key again."""
    async with web_api(tmp_path) as new:
        await _kill("rest", new(), rounds)


@ROUNDS
async def test_an_sftp_server_has_each_message_once(rounds: int, tmp_path: Path) -> None:
    """A drop folder on a real SFTP server."""
    async with sftp_server(tmp_path) as new:
        await _kill("sftp", new(), rounds)
