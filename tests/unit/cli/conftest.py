"""Two paired nodes in this process, made once for all tests of this folder, and keys that cost nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.ceremony import KeyFiles, key_files
from support.desks import Desk, make, pair, served
from support.keycost import CHEAP, cheap


@dataclass(frozen=True)
class Federation:
    """France and Albania, active at each other."""

    fr: Desk
    al: Desk


@pytest.fixture(scope="module", autouse=True)
def _keys_cost_nothing() -> Iterator[None]:
    """What verbs make and open here they make and open at once."""
    with cheap():
        yield


@pytest.fixture(scope="session")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """Two served and paired nodes."""
    base = tmp_path_factory.mktemp("two")
    fr, al = make(base, "FR"), make(base, "AL")
    with served(fr, al):
        pair(fr, al)
        yield Federation(fr, al)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    """The key files of the two administrators of both countries."""
    return key_files(tmp_path_factory.mktemp("people") / "keys", cost=CHEAP)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A node that does not run."""
    return make(tmp_path_factory.mktemp("one"), "UA")


@pytest.fixture
def copy(stopped: Desk, tmp_path: Path) -> Desk:
    """A copy of the stopped node that a test may spoil."""
    folder = tmp_path / "UA"
    shutil.copytree(stopped.folder, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return Desk(name="UA", folder=folder, made=stopped.made)
