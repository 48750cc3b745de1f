"""One contract for every place where attachments can lie: the folder, and the fake that tests use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.memory_files import MemoryFiles

from gateway.attachments.folder import FileFolder
from gateway.errors import Code, TransientError
from gateway.ports import Files

PLACES: dict[str, Callable[[Path], Files]] = {
    "memory": lambda path: MemoryFiles(),
    "folder": lambda path: FileFolder(path / "attachments"),
}
NAME, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture(params=PLACES)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """An empty place."""
    return PLACES[request.param](tmp_path)


async def test_pieces_make_a_whole(files: Files) -> None:
    """What is put in order is read from anywhere."""
    await files.put(NAME, 0, b"abc")
    await files.put(NAME, 3, b"defg")
    assert [await files.get(NAME, at, 3) for at in (0, 2, 5, 7, 9)] == [b"abc", b"cde", b"fg", b"", b""]
    assert await files.size(NAME) == 7


async def test_a_piece_that_comes_again_takes_its_place(files: Files) -> None:
    """What a kill left behind the last piece that was told goes with it."""
    await files.put(NAME, 0, b"abcdef")
    await files.put(NAME, 2, b"X")
    assert await files.get(NAME, 0, 100) == b"abX"


async def test_no_hole_is_left(files: Files) -> None:
    """A piece beyond the end is a fault of ours."""
    await files.put(NAME, 0, b"abc")
    with pytest.raises(RuntimeError, match="hole"):
        await files.put(NAME, 4, b"e")
    assert await files.size(NAME) == 3


async def test_what_is_not_there_is_empty(files: Files) -> None:
    """No error: the row that names it decides what that means."""
    assert (await files.size(NAME), await files.get(NAME, 0, 10), await files.names()) == (0, b"", [])
    await files.erase([NAME])


async def test_erased_is_gone(files: Files) -> None:
    """And only what was named."""
    for name in (NAME, OTHER):
        await files.put(name, 0, name.encode())
    await files.erase([NAME])
    assert await files.names() == [OTHER]
    assert await files.get(NAME, 0, 10) == b""


@pytest.mark.parametrize("name", ["", "..", "../node.db", "A" * 32, NAME + "0", NAME[:-1] + "/"])
async def test_a_name_that_is_not_ours(tmp_path: Path, name: str) -> None:
    """Never reaches the disk."""
    with pytest.raises(RuntimeError, match="name"):
        await FileFolder(tmp_path / "attachments").put(name, 0, b"x")


async def test_the_folder_is_private(tmp_path: Path) -> None:
    """Folder and files are for this user alone; a link is not followed."""
    place = FileFolder(tmp_path / "attachments")
    await place.put(NAME, 0, b"x")
    assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "attachments" / NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / "attachments" / OTHER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TransientError) as caught:
        await place.put(OTHER, 0, b"x")
    assert caught.value.code is Code.DISK
    assert str(tmp_path) not in f"{caught.value}{caught.value.hint}"
    assert not (tmp_path / "elsewhere").exists()


async def test_what_lies_there_besides_is_left_alone(tmp_path: Path) -> None:
    """A file that no name of ours can name is not listed, so nothing erases it."""
    place = FileFolder(tmp_path / "attachments")
    (tmp_path / "attachments" / "README").write_text("of the administrator")
    assert await place.names() == []
