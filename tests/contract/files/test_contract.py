"""One contract for every place where attachments can lie: the folder, a bucket, and the fake that tests use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.buckets import files_of, fresh_bucket, section_of
from support.memory_files import MemoryFiles

from gateway.attachments.folder import FileFolder
from gateway.errors import Code, TransientError
from gateway.ports import PIECE, Files
from keys.primitives.attachment_cipher import SEGMENT

PLACES: dict[str, Callable[[Path], Files]] = {
    "memory": lambda path: MemoryFiles(),
    "folder": lambda path: FileFolder(path / "attachments"),
    "bucket": lambda path: files_of(section_of(fresh_bucket(), path)),
}
NAME, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
FIRST, SECOND, LAST = b"a" * PIECE, b"b" * PIECE, b"cde"
WHOLE = FIRST + SECOND + LAST


@pytest.fixture(params=PLACES)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """An empty place."""
    return PLACES[request.param](tmp_path)


async def read_all(files: Files, name: str) -> bytes:
    """A file from its beginning to its end, as all who read one do."""
    found = b""
    while data := await files.get(name, len(found), PIECE):
        found += data
    return found


def test_segments_of_peers_are_pieces() -> None:
    """What comes, segment by segment, is put as it comes."""
    assert SEGMENT % PIECE == 0


async def test_pieces_make_a_whole(files: Files) -> None:
    """What is put in order, one piece or several at a time, can be read at once, and is durable after a sync."""
    await files.put(NAME, 0, FIRST + SECOND)
    await files.put(NAME, 2 * PIECE, LAST)
    assert await read_all(files, NAME) == WHOLE
    assert await files.size(NAME) == len(WHOLE)
    await files.sync(NAME)
    assert await read_all(files, NAME) == WHOLE
    assert [await files.get(NAME, at, 2) for at in (0, PIECE, 2 * PIECE, 2 * PIECE + 1)] == [b"aa", b"bb", b"cd", b"de"]
    assert [await files.get(NAME, at, 2) for at in (len(WHOLE), len(WHOLE) + 1, 3 * PIECE)] == [b"", b"", b""]


async def test_many_pieces_at_a_time(files: Files) -> None:
    """More of them than are written at a time, of two files: each is whole when its sync has returned."""
    for k in range(6):
        for name in (NAME, OTHER):
            await files.put(name, k * PIECE, name[k].encode() * PIECE)
    await files.sync(NAME)
    await files.sync(OTHER)
    for name in (NAME, OTHER):
        assert await files.size(name) == 6 * PIECE
        assert await read_all(files, name) == b"".join(name[k].encode() * PIECE for k in range(6))


async def test_a_piece_that_comes_again_changes_nothing(files: Files) -> None:
    """As after a kill between the piece and the row that counts it, or after an answer that was lost."""
    await files.put(NAME, 0, FIRST)
    await files.sync(NAME)
    await files.put(NAME, 0, FIRST)
    await files.put(NAME, PIECE, LAST)
    await files.sync(NAME)
    assert await read_all(files, NAME) == FIRST + LAST


async def test_other_bytes_take_the_place_or_are_refused(files: Files) -> None:
    """They are never mixed with what is there: a sync tells which of the two it was."""
    await files.put(NAME, 0, FIRST)
    await files.sync(NAME)
    try:
        await files.put(NAME, 0, SECOND)
        await files.sync(NAME)
    except TransientError as error:
        assert error.code is Code.CONFLICT
        assert await read_all(files, NAME) == FIRST
    else:
        assert await read_all(files, NAME) == SECOND


async def test_nothing_behind_a_hole_counts(files: Files) -> None:
    """A piece beyond the end is a fault of ours: it is refused, or is not of the file."""
    await files.put(NAME, 0, FIRST)
    try:
        await files.put(NAME, 2 * PIECE, LAST)
        await files.sync(NAME)
    except RuntimeError as error:
        assert "hole" in str(error)
    assert await files.size(NAME) == PIECE
    assert await read_all(files, NAME) == FIRST


async def test_what_is_not_there_is_empty(files: Files) -> None:
    """No error: the row that names it decides what that means."""
    assert (await files.size(NAME), await files.get(NAME, 0, 10), await files.names()) == (0, b"", [])
    await files.erase([NAME])


async def test_erased_is_gone(files: Files) -> None:
    """And only what was named; its name is free for other bytes."""
    for name in (NAME, OTHER):
        await files.put(name, 0, FIRST)
        await files.put(name, PIECE, LAST)
        await files.sync(name)
    assert await files.names() == [NAME, OTHER]
    await files.erase([NAME])
    assert await files.names() == [OTHER]
    assert (await files.size(NAME), await files.get(NAME, 0, 10)) == (0, b"")
    assert await read_all(files, OTHER) == FIRST + LAST
    await files.put(NAME, 0, SECOND)
    await files.sync(NAME)
    assert await read_all(files, NAME) == SECOND


async def test_there_is_room(files: Files) -> None:
    """Bytes, for whoever asks before a file is taken."""
    assert await files.free() > 0


@pytest.mark.parametrize("name", ["", "..", "../node.db", "A" * 32, NAME + "0", NAME[:-1] + "/"])
@pytest.mark.parametrize("place", ["folder", "bucket"])
async def test_a_name_that_is_not_ours(tmp_path: Path, place: str, name: str) -> None:
    """Never reaches the disk or the bucket."""
    files = PLACES[place](tmp_path)
    with pytest.raises(RuntimeError, match="name"):
        await files.put(name, 0, b"x")
    with pytest.raises(RuntimeError, match="name"):
        await files.get(name, 0, 1)
    with pytest.raises(RuntimeError, match="name"):
        await files.erase([name])


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


async def test_what_a_kill_tore_is_put_over(tmp_path: Path) -> None:
    """What lies behind the last piece that was told goes with the next one."""
    place = FileFolder(tmp_path / "attachments")
    await place.put(NAME, 0, b"abcdef")
    await place.put(NAME, 2, b"X")
    assert await place.get(NAME, 0, 100) == b"abX"


async def test_what_lies_there_besides_is_left_alone(tmp_path: Path) -> None:
    """A file that no name of ours can name is not listed, so nothing erases it."""
    place = FileFolder(tmp_path / "attachments")
    (tmp_path / "attachments" / "README").write_text("of the administrator")
    assert await place.names() == []
