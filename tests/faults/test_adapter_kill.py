"""`kill -9` between a hand-over and its acknowledgement, again and again: the office has each message exactly once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import killing
from support.benches import FolderBench
from support.databases import KINDS, office_on

ROUNDS = pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.deep)])


def _kill(kind: str, where: str, rounds: int) -> None:
    command = [sys.executable, killing.__file__, kind, where, str(rounds), "4711"]
    killed = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=250).stdout)
    assert killed > rounds // 3


def _expected(rounds: int) -> list[str]:
    return [killing.item(number).message_id for number in range(rounds + 1)]


@ROUNDS
@pytest.mark.parametrize("kind", KINDS)
def test_a_database_has_each_message_once(kind: str, rounds: int, tmp_path: Path) -> None:
    """A database of each kind."""
    office = office_on(kind, tmp_path)
    _kill("sql", office.address.url, rounds)
    assert sorted(row[0] for row in office.inbox("message_id", "kind = 'message'")) == _expected(rounds)


@ROUNDS
def test_a_drop_folder_has_each_message_once(rounds: int, tmp_path: Path) -> None:
    """A drop folder."""
    bench = FolderBench(tmp_path)
    _kill("folder", str(bench.root), rounds)
    assert sorted(bench.received()) == _expected(rounds)
