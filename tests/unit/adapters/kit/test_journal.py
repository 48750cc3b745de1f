"""The pieces that adapters are made of."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from pathlib import Path
from threading import Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit import items, names, strict_json
from adapters.kit.contract import a_delivery, a_notice
from adapters.kit.files import Folder, NotPlainError, TooLargeError, read_plain, world
from adapters.kit.journal import Journal
from adapters.kit.threads import in_thread
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.ports import Delivery, Erasure, Json, MappedRecord, Notice, NoticeKind

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\nb", "-rf", "a.", "é", "a b", "a" * 65, "~a", "a\0", "a:b"]
)
def test_not_plain(name: str) -> None:
    """A name with anything but the plain characters in the plain places is not plain."""
    assert not names.is_plain(name)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_key_names_differ(one: str, other: str) -> None:
    """Different keys have different file names, also where a file system knows no case."""
    first, second = names.key_name(one), names.key_name(other)
    assert (first == second) == (one == other)
    assert first == first.lower()
    assert names.is_plain(first[:64])


@pytest.mark.parametrize("key", ["", "k" * 97])
def test_bad_key(key: str) -> None:
    """An empty key and one too long for a file name are refused."""
    with pytest.raises(RefusedError, match="idempotency key"):
        names.key_name(key)


def test_message_name() -> None:
    """Type and id make the name; neither may smuggle in a path."""
    assert names.message_name("referral.request/1", "A-_9") == "referral.request.1-A-_9.json"
    for message_type, message_id in [("../x", "a"), ("a", "../b"), ("a/b/1", "a"), ("", "a"), ("a", "")]:
        with pytest.raises(RefusedError, match="cannot name a file"):
            names.message_name(message_type, message_id)


# --- JSON ----------------------------------------------------------------------------------------------------------


@given(JSON)
def test_json_comes_back(value: Json) -> None:
    """What has none of the faults is read as it was written, in both forms."""
    assert (value, ()) == strict_json.read_json(strict_json.write_json(value))
    line = strict_json.write_line(value)
    assert line.count(b"\n") == 1 and line.isascii()
    assert (value, ()) == strict_json.read_json(line)


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        (b'{"a": [1, 1.5]}', "/a/1", "number_not_whole"),
        (b'{"a": 1e3}', "/a", "number_not_whole"),
        (b'{"a": NaN}', "/a", "number_not_finite"),
        (b'{"a": -Infinity}', "/a", "number_not_finite"),
        (b'{"a": 9007199254740992}', "/a", "number_too_large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "/a", "number_too_large"),
        (b'{"a": {"b": 1, "b": 2}}', "/a/b", "duplicate_member"),
        (b'{"a": "\\ud800"}', "/a", "bad_text"),
        (b'{"Maria P": 1.5}', "/?", "number_not_whole"),
        (b'{"a": \xff}', "", "not_utf8"),
        (b'{"a": ', "line 1, column 7", "malformed"),
        (b"", "line 1, column 1", "malformed"),
        (b"[" * 25 + b"]" * 25, "", "too_deep"),
        (b"[" * 100_000, "", "too_deep"),
        (b'"' + b'\\"' * 100_000, "line 1, column 1", "malformed"),
    ],
)
def test_bad_json(text: bytes, place: str, rule: str) -> None:
    """Each thing that a lenient reader passes over is a finding at its place, without the value."""
    value, findings = strict_json.read_json(text)
    assert value is None
    assert [(place, rule)] == [(finding.place, finding.rule) for finding in findings]


def test_json_limits() -> None:
    """A document over the limit is not parsed; brackets in text are no depth; a byte order mark is fine."""
    assert strict_json.read_json(b"[1]", limit=2)[1][0].rule == "too_large"
    assert strict_json.read_json(json.dumps("[" * 100).encode()) == ("[" * 100, ())
    assert strict_json.read_json(b"\xef\xbb\xbf[1]") == ([1], ())


# --- items ---------------------------------------------------------------------------------------------------------

FINDINGS = st.builds(Finding, place=TEXT, rule=TEXT, hint=TEXT)
NOTICES = st.builds(
    Notice,
    key=TEXT,
    ref=TEXT,
    kind=st.sampled_from(NoticeKind),
    at=st.integers(0, 2**32),
    message_id=st.none() | TEXT,
    conversation=st.none() | TEXT,
    code=st.none() | st.sampled_from(Code),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
)
RECORDS = st.builds(
    MappedRecord,
    mapping=TEXT,
    fields=st.dictionaries(TEXT, JSON, max_size=3),
    losses=st.lists(FINDINGS, max_size=3).map(tuple),
    left_out=st.lists(TEXT, max_size=3).map(tuple),
)
DELIVERIES = st.builds(
    Delivery,
    key=TEXT,
    message_id=TEXT,
    conversation=TEXT,
    in_reply_to=st.none() | TEXT,
    type=TEXT,
    sender=TEXT,
    sender_name=TEXT,
    purpose=st.none() | TEXT,
    created=st.integers(0, 2**32),
    received=st.integers(0, 2**32),
    out_of_order=st.booleans(),
    header=st.dictionaries(TEXT, JSON, max_size=3),
    content=st.dictionaries(TEXT, JSON, max_size=3),
    record=st.none() | RECORDS,
)


@given(NOTICES | DELIVERIES)
def test_items_come_back(item: Delivery | Notice) -> None:
    """An item is the same after it was written as a line and read."""
    value, findings = strict_json.read_json(strict_json.write_line(items.item_to_json(item)))
    assert findings == ()
    assert item == items.item_from_json(value)


@pytest.mark.parametrize("fault", [None, {}, {"format": "trm-delivery/1"}, {"format": "trm-notice/1"}, [1]])
def test_bad_items(fault: Json) -> None:
    """A document of another shape is refused without a word of it."""
    with pytest.raises(ValueError, match=r"expected|neither|not a"):
        items.item_from_json(fault)


def test_only_notices() -> None:
    """Where a notice is needed, a delivery is refused."""
    with pytest.raises(ValueError, match="not a notice"):
        items.notice_from_json(items.item_to_json(a_delivery()))
    assert items.notice_from_json(items.item_to_json(a_notice("a", NoticeKind.QUEUED))).ref == "a"


# --- files ---------------------------------------------------------------------------------------------------------


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


# --- threads -------------------------------------------------------------------------------------------------------


async def test_cancelled_work_is_not_overtaken() -> None:
    """Work whose caller went away finishes before the next piece begins."""
    lock, order, started, go = Lock(), [], asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result(timeout=10)
        order.append("first")

    task = asyncio.create_task(in_thread(lock, slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    second = asyncio.create_task(in_thread(lock, order.append, "second"))
    await asyncio.sleep(0)
    go.set()
    await second
    assert order == ["first", "second"]


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


# --- the journal ---------------------------------------------------------------------------------------------------


def test_what_is_forgotten_is_in_no_line(tmp_path: Path) -> None:
    """Not even in one that a later line replaced; all else is as it was, also when the file is read anew."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for ref in ("case-1", "case-2"):
        journal.settle(ref, a_notice(ref, NoticeKind.REFUSED), "1")
        journal.settle(ref, a_notice(ref, NoticeKind.DRAFTED), "2")
        journal.note(f"sent/{ref}", True)
        journal.hand(f"key of {ref}", f"news/{ref}")
    journal.erase("news/case-1", Erasure.ERASED)
    journal.erase("news/case-2", Erasure.NOT_SUPPORTED)
    journal.forget(refs=["case-1"], facts=["sent/case-1"], keys=["key of case-1", "never given"])
    assert "case-1" not in path.read_text()
    again = Journal(path)
    again.load()
    for known in (journal, again):
        assert known.settled == {"case-2": ("drafted", "2")}
        assert known.facts == {"sent/case-2": True}
        assert known.handed == {"key of case-2": "news/case-2"}
        assert known.erased == {"news/case-2": Erasure.NOT_SUPPORTED}
