"""An adapter that is killed at any moment is whole after a restart: nothing lost, nothing doubled, nothing half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.benches import FolderBench, SheetBench
from support.crash import ERASED, KEPT, OPERATIONS, SEVERAL, WITH_FILES, crash_everywhere

from gateway.errors import Code, RefusedError
from gateway.ports import Erasure

Bench = FolderBench | SheetBench
BENCHES: dict[str, Callable[[Path], Bench]] = {"folder": FolderBench, "sheet": SheetBench}


def _after_each_crash(kind: str, operation: str, folder: Path, prepare: Callable[[Bench], None]) -> list[Bench]:
    """Benches over what each crash left; the operation has been repeated on each of them."""
    base = folder / "base"
    base.mkdir()
    prepare(BENCHES[kind](base))
    work = folder / "work"
    work.mkdir()
    benches = [BENCHES[kind](left) for left in crash_everywhere(operation, base, work)]
    assert len(benches) >= 2
    for bench in benches:
        _nothing_half(bench)
        asyncio.run(OPERATIONS[operation](bench.adapter()))  # type: ignore[arg-type]
    return benches


def _nothing_half(bench: Bench) -> None:
    """What the office can see right after the kill is whole."""
    if isinstance(bench, FolderBench):
        for name in ("incoming", "notices", "refused", "taken"):
            for path in bench.all(name):
                if path.suffix == ".json" and not path.name.startswith("."):
                    _names_what_is_there(name, path)
    else:
        bench.received()


def _names_what_is_there(folder: str, path: Path) -> None:
    """A document is whole, and so are the files that it names: of a message at once, of a draft after the next look."""
    for entry in json.loads(path.read_bytes()).get("attachments", []):
        file = path.with_name(f"{path.stem}.{entry['name']}")
        assert folder != "incoming" or file.stat().st_size == entry["size"]


def _no_leftovers(bench: Bench) -> None:
    if isinstance(bench, FolderBench):
        assert [path for path in bench.root.rglob("*.part") if path.parent.name != "outgoing"] == []


@pytest.mark.parametrize("kind", BENCHES)
def test_push_survives(kind: str, tmp_path: Path) -> None:
    """A message handed over across a kill is there once."""
    for bench in _after_each_crash(kind, "push", tmp_path, lambda bench: None):
        assert bench.received() == [KEPT.message_id]
        _no_leftovers(bench)


def test_files_survive(tmp_path: Path) -> None:
    """A message with files handed over across a kill is there once, each of its files once and whole."""
    for bench in _after_each_crash("folder", "push_files", tmp_path, lambda bench: None):
        assert isinstance(bench, FolderBench)
        assert bench.received() == [WITH_FILES.message_id]
        assert sorted(bench.received_files()) == [b"%PDF whole", b"a note"]
        _no_leftovers(bench)


def test_what_a_kill_left_of_files_is_erased(tmp_path: Path) -> None:
    """At whatever moment it came, the key alone finds document and files, or says that nothing is there."""
    (tmp_path / "base").mkdir()
    FolderBench(tmp_path / "base")
    (tmp_path / "work").mkdir()
    for left in crash_everywhere("push_files", tmp_path / "base", tmp_path / "work"):
        bench = FolderBench(left)
        there = bool(bench.all("incoming"))
        try:
            assert asyncio.run(bench.adapter().erase(WITH_FILES.key)) is Erasure.ERASED
        except RefusedError as error:
            assert (error.code, there) == (Code.NOT_FOUND, False)
        assert bench.all("incoming") == []


def test_erasing_files_survives(tmp_path: Path) -> None:
    """A message with files erased across a kill is gone, and so are they."""

    def prepare(bench: Bench) -> None:
        asyncio.run(bench.adapter().push(WITH_FILES))

    for bench in _after_each_crash("folder", "erase_files", tmp_path, prepare):
        assert isinstance(bench, FolderBench)
        assert bench.all("incoming") == []


@pytest.mark.parametrize(("operation", "outcome"), [("take", "taken"), ("refuse", "refused")])
def test_files_of_a_draft_survive(operation: str, outcome: str, tmp_path: Path) -> None:
    """Taken or refused across a kill, a draft has its file beside it in the folder of its outcome, and nowhere else;
    one that comes again offers the same file.
    """

    def prepare(bench: Bench) -> None:
        assert isinstance(bench, FolderBench)
        bench.offer_file("one", b"%PDF whole")

    for bench in _after_each_crash("folder", operation, tmp_path, prepare):
        assert isinstance(bench, FolderBench)
        assert list(asyncio.run(bench.adapter().pull())) == []
        assert [path.name for path in bench.all(outcome) if path.suffix != ".json"] == ["one.0.pdf"]
        assert sum(b"whole" in path.read_bytes() for path in bench.root.rglob("*") if path.is_file()) == 1
        assert bench.all("outgoing") == bench.all("claimed") == []
        _no_leftovers(bench)


def test_several_at_once_survive(tmp_path: Path) -> None:
    """Messages handed over together across a kill are there once each, whatever part of them was."""
    for bench in _after_each_crash("folder", "push_all", tmp_path, lambda bench: None):
        assert sorted(bench.received()) == sorted(item.message_id for item in SEVERAL)
        assert len(bench.all("journal")) == len(SEVERAL)
        _no_leftovers(bench)


@pytest.mark.parametrize("kind", BENCHES)
def test_taking_survives(kind: str, tmp_path: Path) -> None:
    """A draft taken across a kill is taken once and not offered again."""
    for bench in _after_each_crash(kind, "take", tmp_path, lambda bench: bench.offer("one")):
        assert list(asyncio.run(bench.adapter().pull())) == []
        if isinstance(bench, FolderBench):
            assert [path.name for path in bench.all("taken")] == ["one.json"]
            assert bench.all("outgoing") == bench.all("claimed") == []
        else:
            assert bench.noticed() == ["drafted"]
        _no_leftovers(bench)


def test_taking_many_together_survives(tmp_path: Path) -> None:
    """Rows settled together across a kill are settled once each, whatever part of them was."""

    def offer(bench: Bench) -> None:
        for name in "one", "two", "three":
            bench.offer(name)

    for bench in _after_each_crash("sheet", "take_together", tmp_path, offer):
        assert list(asyncio.run(bench.adapter().pull())) == []
        assert bench.noticed() == ["drafted"] * 3


@pytest.mark.parametrize("kind", BENCHES)
def test_refusing_survives(kind: str, tmp_path: Path) -> None:
    """A draft refused across a kill is refused once, with its reasons."""
    for bench in _after_each_crash(kind, "refuse", tmp_path, lambda bench: bench.offer("one")):
        assert list(asyncio.run(bench.adapter().pull())) == []
        assert bench.shows("rule_of_the_test")
        if isinstance(bench, FolderBench):
            assert [path.name for path in bench.all("refused")] == ["one.errors.json", "one.json"]
        _no_leftovers(bench)


@pytest.mark.parametrize("kind", BENCHES)
def test_erasing_survives(kind: str, tmp_path: Path) -> None:
    """A message erased across a kill is gone, and the one beside it is not."""

    def prepare(bench: Bench) -> None:
        asyncio.run(bench.adapter().push(KEPT))
        asyncio.run(bench.adapter().push(ERASED))

    for bench in _after_each_crash(kind, "erase", tmp_path, prepare):
        assert bench.received() == [KEPT.message_id]
        assert not bench.shows("goes away")
        _no_leftovers(bench)


def test_a_damaged_journal(tmp_path: Path) -> None:
    """A journal that is none any more stops the sheet, which says so and not what was in it."""
    bench = SheetBench(tmp_path)
    asyncio.run(bench.adapter().push(ERASED))
    bench.journal.write_bytes(b"goes away" * 1000)
    (finding,) = asyncio.run(bench.adapter().check())
    assert (finding.place, finding.rule) == ("journal of the results", "damaged")
    assert "goes away" not in finding.hint
