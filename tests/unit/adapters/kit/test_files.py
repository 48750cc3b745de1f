"""Files shared with an office: private, whole, never through a link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from adapters.kit.files import Folder, NotPlainError, TooLargeError, read_plain, world
from gateway.errors import TransientError


def test_write_is_private(tmp_path: Path) -> None:
    """A written file is 0600 under any umask, replaces what was there, and leaves no other file."""
    old = os.umask(0)
    try:
        with Folder(tmp_path) as folder:
            folder.write("a.json", b"one")
            folder.write("a.json", b"two")
            assert folder.names() == ["a.json"]
            assert folder.read("a.json", 10) == b"two"
    finally:
        os.umask(old)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600


def test_writing_through_a_link(tmp_path: Path) -> None:
    """A link planted under the name, or under the hidden name, is replaced and not followed."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("a", ".a.part"):
        (inner / name).symlink_to(victim)
    with Folder(inner) as folder:
        folder.write("a", b"new")
        assert folder.read("a", 10) == b"new"
    assert victim.read_bytes() == b"untouched"


def test_only_plain_files(tmp_path: Path) -> None:
    """Links, pipes, folders and files with a second name are not read, and a pipe does not make the reader wait."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.link(tmp_path / "file", tmp_path / "second")
    with Folder(tmp_path) as folder:
        for name in ("link", "folder", "pipe", "second", "file"):
            with pytest.raises(NotPlainError):
                folder.read(name, 10)
            entry = folder.entry(name)
            assert entry is not None and not entry.plain
    with pytest.raises(NotPlainError):
        read_plain(tmp_path / "pipe", 10)


def test_reading_is_limited(tmp_path: Path) -> None:
    """A file of more than the limit is not read; one of the limit is."""
    (tmp_path / "a").write_bytes(b"12345")
    with Folder(tmp_path) as folder:
        assert folder.read("a", 5) == b"12345"
        with pytest.raises(TooLargeError):
            folder.read("a", 4)


def test_a_link_is_no_folder(tmp_path: Path) -> None:
    """A folder that was replaced by a link is not entered; the error carries no path."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    said = r"the folder cannot be used now \((ENOTDIR|ELOOP)\)"
    with pytest.raises(TransientError, match=said) as caught, world("the folder"):
        Folder(tmp_path / "link")
    assert str(tmp_path) not in str(caught.value)


def test_one_file_is_shared_under_several_names(tmp_path: Path) -> None:
    """Every name is the whole file, no hidden name is left, and only a reader that expects it takes such a file."""
    names = ["a.json", "b.json", "c.json"]
    with Folder(tmp_path) as folder:
        folder.share(names, b"shared")
        assert folder.names() == names
        assert [folder.read(name, 10, shared=True) for name in names] == [b"shared"] * 3
        assert (tmp_path / "a.json").stat().st_nlink == 3
        with pytest.raises(NotPlainError):
            folder.read("a.json", 10)


def test_a_disk_without_second_names_gets_a_file_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a memory stick: the same names with the same content."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with Folder(tmp_path) as folder:
        folder.share(["a.json", "b.json"], b"own")
        assert [folder.read(name, 10) for name in folder.names()] == [b"own"] * 2


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_every_staged_file_is_synced_before_the_names_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """However many there are: each file reaches the disk whole, and the directory last."""
    synced: list[tuple[bool, int]] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_relative_to(tmp_path):  # other threads sync files too
            found = os.fstat(descriptor)
            synced.append((stat.S_ISDIR(found.st_mode), found.st_size))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with Folder(tmp_path) as folder:
        folder.stage_all({f".{n}.part": b"x" * (n + 1) for n in range(count)})
    assert sorted(size for is_folder, size in synced if not is_folder) == [*range(1, count + 1)]
    assert [is_folder for is_folder, _ in synced] == [False] * count + [True]


def test_a_file_that_can_not_be_synced_fails_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk at any file is the error of the whole."""

    def broken(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == 7:
            raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with Folder(tmp_path) as folder, pytest.raises(OSError, match="broken"):
        folder.stage_all({f".{n}.part": b"x" * n for n in range(10)})


def test_a_file_grows_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind what is there, without waiting for the disk until it is told to; never through a link, never a new one."""
    (tmp_path / "elsewhere").write_bytes(b"untouched")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link").symlink_to(tmp_path / "elsewhere")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    with Folder(inner) as folder:
        folder.stage("a", b"")
        synced.clear()
        folder.grow("a", b"one ")
        folder.grow("a", b"two")
        assert synced == []
        folder.sync_file("a")
        assert (synced, folder.read("a", 10)) == ([7], b"one two")
        for name, odd in (("link", errno.ELOOP), ("none", errno.ENOENT)):
            with pytest.raises(OSError, match=os.strerror(odd)):
                folder.grow(name, b"x")
            with pytest.raises(OSError, match=os.strerror(odd)):
                folder.sync_file(name)
    assert (tmp_path / "elsewhere").read_bytes() == b"untouched"
