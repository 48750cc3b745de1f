"""A worker whose attachments lie elsewhere than those of the others is not started."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.databases import fresh_postgresql

from gateway.attachments.same_place import MARK, require_same_folder
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.errors import Code, RefusedError
from keys.keystore.keystore import system_rand


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Store]:
    """The rows that all workers share."""
    opened = Store(PostgresServer(fresh_postgresql(), tmp_path), new=True)
    yield opened
    opened.close()


def folder(base: Path, name: str) -> Path:
    """An empty folder of attachments."""
    made = base / name
    made.mkdir()
    return made


async def test_the_same_folder_and_another_one(rows: Store, tmp_path: Path):
    """The folder that all reach is let in each time, however it is reached; one of its own is not."""
    here = folder(tmp_path, "here")
    await require_same_folder(rows, here, system_rand, others=False)
    await require_same_folder(rows, here, system_rand, others=True)
    mounted = tmp_path / "mounted"
    mounted.symlink_to(here)
    await require_same_folder(rows, mounted, system_rand, others=True)
    with pytest.raises(RefusedError) as caught:
        await require_same_folder(rows, folder(tmp_path, "there"), system_rand, others=True)
    assert caught.value.code is Code.CONFLICT
    assert not (tmp_path / "there" / MARK).exists()


async def test_a_copy_is_not_the_folder(rows: Store, tmp_path: Path):
    """A node folder that was copied to a second machine has a copy of the mark."""
    await require_same_folder(rows, folder(tmp_path, "here"), system_rand, others=False)
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    with pytest.raises(RefusedError):
        await require_same_folder(rows, tmp_path / "copy", system_rand, others=True)


async def test_a_worker_alone_may_have_moved(rows: Store, tmp_path: Path):
    """Its folder is the one that counts from then on, and no other one."""
    here, copy = folder(tmp_path, "here"), tmp_path / "copy"
    await require_same_folder(rows, here, system_rand, others=False)
    shutil.copytree(here, copy)
    await require_same_folder(rows, copy, system_rand, others=False)
    with pytest.raises(RefusedError):
        await require_same_folder(rows, here, system_rand, others=True)
