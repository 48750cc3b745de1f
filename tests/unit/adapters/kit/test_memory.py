"""The file in which an adapter remembers: taken over from the one of before, refused where it is not what it was."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

import pytest

from adapters.kit import memory
from adapters.kit.journal import Journal, kept
from adapters.kit.memory import Turn
from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.ports import Erasure, Json

BEFORE: list[Json] = [
    {"op": "settled", "ref": "r1", "kind": "refused", "version": "1"},
    {"op": "settled", "ref": "r1", "kind": "drafted", "version": "2"},
    {"op": "handed", "key": "k1", "id": "i1"},
    {"op": "erased", "id": "i1", "answer": "disabled_only"},
    {"op": "fact", "name": "f1", "value": ["a", True]},
]
"""A line of each kind, as release 0.1.0 wrote them, and one that a later one replaces."""


def _lines(lines: list[Json]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _said(journal: Journal) -> list[object]:
    return [
        journal.is_drafted("r1"),
        journal.id_of("k1"),
        journal.answer_to_erasing("i1"),
        journal.fact("f1"),
    ]


SAID: list[object] = [True, "i1", Erasure.DISABLED_ONLY, ["a", True]]


@pytest.mark.parametrize("configured", ["journal.jsonl", "journal.db", "journal"])
def test_the_file_of_before_is_taken_over(configured: str, tmp_path: Path) -> None:
    """Under the name that was configured, or beside the new one; half a line was never acknowledged."""
    old = tmp_path / ("journal.jsonl" if configured == "journal.db" else configured)
    old.write_bytes(_lines(BEFORE) + b'{"op": "handed", "key": "k2"')
    old.chmod(0o600)
    assert _said(Journal(tmp_path / configured)) == SAID
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600
    assert _said(Journal(tmp_path / configured)) == SAID


def test_what_a_version_of_before_adds_later_counts(tmp_path: Path) -> None:
    """An older version that was put back for a while writes its own file again."""
    Journal(tmp_path / "journal.db").hand("k0", "i0")
    (tmp_path / "journal.jsonl").write_bytes(_lines(BEFORE))
    journal = Journal(tmp_path / "journal.db")
    assert (journal.id_of("k0"), *_said(journal)) == ("i0", *SAID)


@pytest.mark.parametrize(
    "line", [b"{}\n", b'{"op": "fact"}\n', b"no json\n", b'{"op": "erased", "id": "a", "answer": ""}\n']
)
def test_a_damaged_line_leaves_both_files_as_they_were(line: bytes, tmp_path: Path) -> None:
    """A person has to look: nothing is taken over in part."""
    old = tmp_path / "journal.jsonl"
    old.write_bytes(_lines(BEFORE) + line)
    with pytest.raises(RefusedError, match=f"line {len(BEFORE) + 1} of the adapter's journal is damaged"):
        Journal(old).check()
    assert old.read_bytes() == _lines(BEFORE) + line
    old.unlink()
    assert Journal(old).id_of("k1") is None


def test_a_kill_before_the_file_of_before_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken over once more, and says the same."""
    old = tmp_path / "journal.jsonl"
    old.write_bytes(_lines(BEFORE))
    with monkeypatch.context() as patch:
        patch.setattr(memory.Folder, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Journal(old).check()
    assert old.exists()
    assert _said(Journal(old)) == SAID
    assert not old.exists()


async def _refusal(path: Path) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await kept(Lock(), Journal(path).check)
    return caught.value


async def test_what_is_no_journal_is_for_a_person(tmp_path: Path) -> None:
    """Other bytes, a torn file, a link, a folder, a later version: each is refused in words, and left as it is."""
    path = tmp_path / "journal.db"
    journal = Journal(path)
    for number in range(400):
        journal.hand(f"key {number}", f"id {number}")
    whole = path.read_bytes()
    for wrong in (b"something else" * 400, whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(wrong)
        error = await _refusal(path) if not wrong.startswith(b"SQLite") else await _found(path)
        assert (error.code, error.what) == (Code.ADAPTER_REFUSED, "the adapter's journal is damaged")
        assert path.read_bytes() == wrong
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version=2")
    assert (await _refusal(path)).what == "the adapter's journal was written by a later version"
    path.rename(tmp_path / "aside")
    path.symlink_to(tmp_path / "aside")
    assert (await _refusal(path)).what == "the adapter's journal was replaced"
    path.unlink()
    path.mkdir()
    assert (await _refusal(path)).what == "the adapter's journal was replaced"


async def _found(path: Path) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await kept(Lock(), Journal(path).handed_under, "id")
    return caught.value


async def test_a_disk_that_refuses_is_tried_again(tmp_path: Path) -> None:
    """No folder, no room: later, without a path in the words."""
    error = await _refusal(tmp_path / "nowhere" / "journal.db")
    assert (type(error), error.code) == (TransientError, Code.ADAPTER_BUSY)
    assert str(tmp_path) not in f"{error}{error.hint}"


HOLDS = """
import sys
from pathlib import Path
from adapters.kit.journal import Journal
journal = Journal(Path(sys.argv[1]))
with journal._memory.open():
    print("held", flush=True)
    sys.stdin.readline()
"""
TAKES = """
import asyncio, sys
from pathlib import Path
from adapters.kit.memory import Turn
async def main():
    async with Turn(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


@contextmanager
def _another_process(program: str, path: Path) -> Iterator[None]:
    """One that is at work with the journal."""
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


async def test_a_second_process_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another writes, or holds the turn; once it was killed, the next one goes on."""
    path = tmp_path / "journal.db"
    monkeypatch.setattr("adapters.kit.memory.PATIENCE", 0.2)
    Journal(path).check()
    with _another_process(HOLDS, path):
        error = await _refusal(path)
    assert (type(error), error.what) == (TransientError, "another process is at work with the adapter's journal")
    Journal(path).check()
    turn = Turn(path)
    with _another_process(TAKES, path), pytest.raises(TransientError, match="another process is at work"):
        async with turn:
            pass
    async with turn:
        pass


MANY = 20_000


def test_what_is_remembered_takes_no_memory(tmp_path: Path) -> None:
    """Twenty thousand items are taken over, and one of them found, within a few hundred KiB."""
    old = tmp_path / "journal.jsonl"
    with old.open("wb") as file:
        for number in range(MANY):
            file.write(_lines([{"op": "handed", "key": f"key-{number}", "id": f"id-{number}"}]))
    tracemalloc.start()
    try:
        journal = Journal(old)
        assert journal.id_of(f"key-{MANY - 1}") == f"id-{MANY - 1}"
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 20
