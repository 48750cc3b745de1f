"""adapters.folder: the files of a message beside its document, whole before it appears, gone with it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.folder import FolderAdapter, adapter
from adapters.kit.contract import a_delivery
from adapters.kit.items import item_from_json, item_to_json
from gateway.errors import Code, RefusedError
from gateway.ports import Attachment, Delivery, Erasure

DATA = bytes(range(256)) * 9_000


def attachment(part: int, data: bytes = DATA, *, breaks: bool = False) -> Attachment:
    """A file in pieces, or one that fails on the way."""

    async def read() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 1_000_000):
            yield data[at : at + 1_000_000]
        if breaks:
            raise RefusedError(Code.UNDECRYPTABLE, "it does not open")

    return Attachment(
        part=part,
        name=f"{part}.pdf",
        media_type="application/pdf",
        size=len(data),
        sha256=sha256(data).hexdigest(),
        read=read,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty drop folder."""
    FolderAdapter.create(tmp_path / "cases")
    return tmp_path / "cases"


def with_files(*attachments: Attachment) -> Delivery:
    """A message with these."""
    return replace(a_delivery(), attachments=attachments)


def names(root: Path) -> list[str]:
    """Everything in incoming, hidden names too."""
    return sorted(path.name for path in (root / "incoming").iterdir())


@pytest.mark.parametrize("bulk", [False, True])
async def test_files_lie_beside_the_document(root: Path, bulk: bool) -> None:
    """Under its name and their own; a repeat changes nothing, also after the office took them."""
    adapter, item = FolderAdapter(root), with_files(attachment(0), attachment(1, b"%PDF"))
    (local_id,) = await adapter.push_all([item]) if bulk else [await adapter.push(item)]
    document, first, second = (root / "incoming" / name for name in sorted(names(root), key=lambda n: ".json" not in n))
    stem = document.name.removesuffix(".json")
    assert (first.name, second.name) == (f"{stem}.0.pdf", f"{stem}.1.pdf")
    assert (first.read_bytes(), second.read_bytes()) == (DATA, b"%PDF")
    assert first.stat().st_mode & 0o777 == 0o600
    listed = json.loads(document.read_text())["attachments"]
    assert [(entry["name"], entry["sha256"]) for entry in listed] == [(a.name, a.sha256) for a in item.attachments]
    for path in (document, first, second):
        path.unlink()
    assert await adapter.push(item) == local_id
    assert names(root) == []


async def test_a_file_that_breaks_leaves_nothing(root: Path) -> None:
    """The message is refused, for a person to look at."""
    with pytest.raises(RefusedError, match="does not open"):
        await FolderAdapter(root).push(with_files(attachment(0), attachment(1, breaks=True)))
    assert names(root) == []


async def test_what_a_kill_left_is_written_anew(root: Path) -> None:
    """Half a hidden file is no beginning of the next one."""
    adapter, item = FolderAdapter(root), with_files(attachment(0, b"%PDF whole"))
    with pytest.raises(RefusedError):
        await adapter.push(with_files(attachment(0, b"%PDF half", breaks=True)))
    (root / "incoming" / ".key.0.part").write_bytes(b"left by a kill")
    await adapter.push(item)
    (file,) = (root / "incoming").glob("*.0.pdf")
    assert file.read_bytes() == b"%PDF whole"


async def test_files_are_erased_with_the_document(root: Path) -> None:
    """All there: erased. One that the office took: out of reach, said honestly, and the rest goes."""
    adapter = FolderAdapter(root)
    whole = await adapter.push(with_files(attachment(0), attachment(1)))
    assert await adapter.erase(whole) is Erasure.ERASED
    assert names(root) == []
    taken = await adapter.push(replace(with_files(attachment(0), attachment(1)), key="key-2", message_id="C" * 22))
    next((root / "incoming").glob("*.1.pdf")).unlink()
    assert await adapter.erase(taken) is Erasure.NOT_SUPPORTED
    assert names(root) == []


async def test_a_document_says_what_its_files_are() -> None:
    """What is read back from a document names the files and does not pretend to hold them."""
    found = item_from_json(item_to_json(with_files(attachment(0))))
    assert isinstance(found, Delivery)
    assert found == with_files(attachment(0))
    with pytest.raises(RefusedError):
        [chunk async for chunk in found.attachments[0].read()]


async def test_a_file_is_durable_before_it_has_its_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In stretches while it comes, and as a whole before the office can see it."""
    monkeypatch.setattr(adapter, "STRETCH", 1_500_000)
    happened: list[int | str] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size > 100_000:
            happened.append(found.st_size)
        fsync(descriptor)

    def renamed(name: str, new: str, **where: int) -> None:
        happened.append(new.rpartition(".")[2])
        rename(name, new, **where)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    await FolderAdapter(root).push(with_files(attachment(0)))
    assert happened[:4] == [2_000_000, len(DATA), "json", "pdf"]  # the journal's entry, then the file
