"""Files that an office drops with a draft: with it through all folders, read as they were, and never another's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.benches import FolderBench
from support.tables import table

from adapters.kit.contract import a_notice
from gateway.errors import Code, RefusedError
from gateway.ports import Erasure, LocalRecord, NoticeKind

DATA = bytes(range(256)) * 9_000


@pytest.fixture
def bench(tmp_path: Path) -> FolderBench:
    """An empty drop folder."""
    return FolderBench(tmp_path)


def draft(*entries: Any, **more: Any) -> str:
    """A draft that lists these; a name stands for an entry of a name alone."""
    listed = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    return json.dumps({"type": "referral.request/1", "attachments": listed, **more})


async def pulled(bench: FolderBench) -> LocalRecord:
    """The one record that is ready."""
    (record,) = await bench.adapter().pull()
    return record


async def content(record: LocalRecord, number: int = 0) -> bytes:
    """One file, read as the node does."""
    return b"".join([chunk async for chunk in record.files[number].read()])


def there(bench: FolderBench, folder: str) -> list[str]:
    """The names in a folder, hidden ones too."""
    return [path.name for path in bench.all(folder)]


async def test_files_come_with_their_draft(bench: FolderBench) -> None:
    """In their order, with what the draft says of them; the list itself is no part of the draft."""
    said = {"name": "0.pdf", "size": len(DATA), "sha256": "a" * 64}
    bench.drop("a.1.txt", b"a note")
    bench.drop("a.0.pdf", DATA)
    bench.drop("a.json", draft(said, "1.txt"))
    record = await pulled(bench)
    assert record.fields == {"type": "referral.request/1"}
    assert [(file.place, file.size, file.sha256) for file in record.files] == [
        ("file a.0.pdf", len(DATA), "a" * 64),
        ("file a.1.txt", 6, None),
    ]
    assert (await content(record), await content(record, 1)) == (DATA, b"a note")
    assert there(bench, "outgoing") == []


async def test_no_draft_gets_the_file_of_another(bench: FolderBench) -> None:
    """By the beginning of the name alone, also where one name begins like the other."""
    for name in ("a", "a.0", "b"):
        bench.drop(f"{name}.0.pdf", b"%PDF of " + name.encode())
        bench.drop(f"{name}.json", draft("0.pdf"))
    found = {record.ref: await content(record) for record in await bench.adapter().pull()}
    assert found == {name: b"%PDF of " + name.encode() for name in ("a", "a.0", "b")}


async def test_files_wait_for_their_draft(bench: FolderBench) -> None:
    """A file alone is no fault and is not taken."""
    bench.drop("a.0.pdf", DATA)
    assert await bench.adapter().pull() == []
    assert there(bench, "outgoing") == ["a.0.pdf"]
    assert await bench.adapter().check() == []


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _second_name(path: Path) -> None:
    (path.parent.parent / "other").write_bytes(DATA)
    os.link(path.parent.parent / "other", path)


@table(
    ("make", "place", "rule"),
    [
        (None, "/attachments/0", "file_missing"),
        (_link, "/attachments/0", "not_a_file"),
        (Path.mkdir, "/attachments/0", "not_a_file"),
        (os.mkfifo, "/attachments/0", "not_a_file"),
        (_second_name, "/attachments/0", "not_a_file"),
        (Path.touch, "/attachments/0", "file_empty"),
    ],
    ids=["missing", "link", "folder", "pipe", "second name", "empty"],
)
async def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], Any] | None, place: str, rule: str) -> None:
    """A fault of the draft, which is refused with what lies beside it; no link is followed."""
    folder = tmp_path / rule / (make.__name__ if make else "none")
    folder.mkdir(parents=True)
    bench = FolderBench(folder)
    if make is not None:
        make(bench.root / "outgoing" / "a.0.pdf")
    bench.drop("a.json", draft("0.pdf"))
    record = await pulled(bench)
    assert [(fault.place, fault.rule) for fault in record.faults] == [(place, rule)]
    assert (record.files, record.fields) == ((), {})


@table(
    ("entry", "rules"),
    [
        ("../../etc/passwd", {"bad_file_name", "file_not_listed"}),
        ("/etc/passwd", {"bad_file_name", "file_not_listed"}),
        ("0.json", {"bad_file_name", "file_not_listed"}),
        ("passport of Xanthippe.pdf", {"bad_file_name", "file_not_listed"}),
        ({"size": 3}, {"bad_file_name", "file_not_listed"}),
        ({"name": 7}, {"bad_file_name", "file_not_listed"}),
        ("1.pdf", {"file_number", "file_missing", "file_not_listed"}),
        ({"name": "0.pdf", "size": 3}, {"file_changed"}),
        ({"name": "0.pdf", "sha256": "ABC"}, {"bad_hash"}),
        ({"name": "0.pdf", "media": "x"}, {"unknown_member"}),
    ],
)
async def test_a_list_that_does_not_fit(tmp_path: Path, entry: Any, rules: set[str]) -> None:
    """Each is a fault at its place, which repeats no name that somebody made."""
    folder = tmp_path / str(abs(hash(str(entry))))
    folder.mkdir()
    bench = FolderBench(folder)
    bench.drop("a.0.pdf", DATA)
    bench.drop("a.json", draft(entry))
    record = await pulled(bench)
    assert {fault.rule for fault in record.faults} == rules
    assert "Xanthippe" not in repr(record.faults) and "passwd" not in repr(record.faults)


@pytest.mark.parametrize("listed", [None, {}, "0.pdf", ["0.pdf"]])
async def test_no_list_at_all(bench: FolderBench, listed: Any) -> None:
    """A file that no list names is a fault; so is a list that is none."""
    bench.drop("a.0.pdf", DATA)
    bench.drop("a.json", json.dumps({"type": "x"} if listed is None else {"type": "x", "attachments": listed}))
    (fault,) = (await pulled(bench)).faults
    assert fault.rule == ("file_not_listed" if listed is None else "not_a_list")


def _rewrite(path: Path) -> None:
    path.write_bytes(DATA[::-1])
    os.utime(path, (1, 1))


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _replace(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("change", [_rewrite, _grow, _replace, Path.unlink])
async def test_a_file_that_is_changed_is_not_sent(bench: FolderBench, change: Callable[[Path], None]) -> None:
    """Between two looks or while it is read: refused with a code, and not a byte of another file is read."""
    bench.drop("a.0.pdf", DATA)
    bench.drop("a.json", draft("0.pdf"))
    record = await pulled(bench)
    chunks = record.files[0].read()
    assert DATA.startswith(await anext(chunks))
    if change is _grow:  # whoever has it open reads a file that was taken away to its end
        _grow(bench.root / "claimed" / "a.0.pdf")
        with pytest.raises(RefusedError) as during:
            [chunk async for chunk in chunks]
        assert during.value.code is Code.CHANGED_MEANWHILE
    else:
        change(bench.root / "claimed" / "a.0.pdf")
    with pytest.raises(RefusedError) as before:
        [chunk async for chunk in record.files[0].read()]
    assert before.value.code is Code.CHANGED_MEANWHILE
    assert "a.0" not in str(before.value)


@pytest.mark.parametrize(("kind", "folder"), [(NoticeKind.DRAFTED, "taken"), (NoticeKind.REFUSED, "refused")])
async def test_files_go_where_their_draft_goes(bench: FolderBench, kind: NoticeKind, folder: str) -> None:
    """Under its name, also one that has a number; erasing the draft takes them all."""
    adapter = bench.adapter()
    for _ in range(2 if kind is NoticeKind.REFUSED else 1):
        bench.drop("a.0.pdf", DATA)
        bench.drop("a.json", draft("0.pdf"))
        (record,) = await adapter.pull()
        await adapter.settle(record, a_notice("a", kind))
    names = ["a.0.pdf", "a.2.0.pdf"] if kind is NoticeKind.REFUSED else ["a.0.pdf"]
    assert [name for name in there(bench, folder) if name.endswith("pdf")] == names
    assert there(bench, "claimed") == []
    assert await adapter.erase_record("a") is Erasure.ERASED
    assert list(bench.root.rglob("a.*")) == []


@pytest.mark.parametrize("name", ["Jean Dupont", "a"])
async def test_files_of_a_draft_that_is_renamed(bench: FolderBench, name: str) -> None:
    """A name that says too much, or was used before: what is refused has its files under the same new name."""
    adapter = bench.adapter()
    if name == "a":
        bench.drop("a.json", draft())
        (record,) = await adapter.pull()
        await adapter.settle(record, a_notice("a", NoticeKind.DRAFTED))
    bench.drop(f"{name}.0.pdf", DATA)
    bench.drop(f"{name}.json", draft("0.pdf"))
    (record,) = await adapter.pull()
    assert record.faults and record.files == ()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED))
    assert [item for item in there(bench, "refused") if "errors" not in item] == [
        f"{record.ref}.0.pdf",
        f"{record.ref}.json",
    ]
    assert there(bench, "outgoing") == []


async def test_erasing_spares_a_draft_that_comes_anew(bench: FolderBench) -> None:
    """The same name dropped again is another draft, and so are its files."""
    adapter = bench.adapter()
    bench.drop("a.0.pdf", b"%PDF old")
    bench.drop("a.json", draft("0.pdf"))
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice("a", NoticeKind.REFUSED))
    bench.drop("a.0.pdf", b"%PDF new")
    bench.drop("a.json", draft("0.pdf"))
    assert await adapter.erase_record("a") is Erasure.ERASED
    assert await content(await pulled(bench)) == b"%PDF new"
