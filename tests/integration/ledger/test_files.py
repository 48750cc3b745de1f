"""The files of the ledger: written as things are taken away, filled up later, believed only where they are whole."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from support.drill import Drill, drills
from support.pair import Party
from support.relied_on import CONSENT, recorded
from support.tables import table

from gateway.errors import RefusedError
from gateway.ledger.reading import read_ledger
from gateway.ledger.rules import MARK_EVERY, Line, Taken


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """Two nodes, of which FR keeps a ledger elsewhere."""
    async with drills(tmp_path) as made:
        yield made


def read(party: Party, path: Path) -> list[Line]:
    """The lines, proven."""
    return read_ledger(party.running.keys, path)


def kinds(party: Party, path: Path) -> list[Taken]:
    """What the lines say."""
    return [line.entry.kind for line in read(party, path)]


async def withdraw(drill: Drill) -> None:
    """A person agrees and withdraws one of two grants."""
    await recorded(drill.two)
    await drill.two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])


async def test_both_files_say_what_was_taken_away(drill: Drill) -> None:
    """A withdrawal and an erasure are in both files within moments; an idle hour leaves a mark; nothing tells whose."""
    two, copy = drill.two, drill.two.fr.folder / "ledger"
    await withdraw(drill)
    id = await two.fr.submit("erased")
    await two.until(lambda: two.al.notes() == ["erased"], seconds=60)
    await two.fr.call("message.erase", id=id, by="w-1", reason="not_needed")
    await two.until(lambda: kinds(two.fr, drill.ledger)[-1] is Taken.ERASED, seconds=30)
    await two.until(lambda: copy.read_bytes() == drill.ledger.read_bytes(), seconds=30)
    entries = [line.entry for line in read(two.fr, copy)]
    assert [(entry.kind, entry.grants, entry.why) for entry in entries] == [
        (Taken.MARK, None, None),
        (Taken.WITHDRAWN, (1,), None),
        (Taken.ERASED, None, "not_needed"),
    ]
    assert drill.ledger.stat().st_mode & 0o777 == copy.stat().st_mode & 0o777 == 0o600
    assert all(word not in copy.read_text() for word in (id, CONSENT, "w-1"))
    two.clock.advance(MARK_EVERY)
    await two.until(lambda: kinds(two.fr, drill.ledger)[-1] is Taken.MARK, seconds=30)


async def test_a_disk_that_is_away_stops_nothing_and_loses_nothing(drill: Drill) -> None:
    """An alarm, and the withdrawal stands; what the file lacks is written when it can be, and the alarm ends."""
    two = drill.two

    async def told(wanted: bool) -> bool:
        return ("ledger.unwritable" in await two.fr.alarms()) is wanted

    await two.until(drill.ledger.exists, seconds=30)
    aside = drill.ledger.rename(drill.base / "aside")
    drill.ledger.mkdir()
    await withdraw(drill)
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn_in_part"
    await two.until(lambda: told(True), seconds=30)
    drill.ledger.rmdir()
    aside.rename(drill.ledger)
    await two.until(lambda: told(False), seconds=30)
    assert kinds(two.fr, drill.ledger) == [Taken.MARK, Taken.WITHDRAWN]


async def test_a_file_that_is_lost_is_written_anew(drill: Drill) -> None:
    """The database has every entry: the same bytes come back at the next start; a piece of a line is taken away."""
    two = drill.two
    await withdraw(drill)
    await two.fr.stop()
    whole = drill.ledger.read_bytes()
    copy = two.fr.folder / "ledger"
    drill.ledger.unlink()
    copy.write_bytes(whole + whole[:100])
    await two.fr.start()
    await two.until(lambda: drill.ledger.exists() and drill.ledger.read_bytes() == whole, seconds=30)
    two.clock.advance(MARK_EVERY)
    await two.until(lambda: len(kinds(two.fr, copy)) == 3, seconds=30)
    assert copy.read_bytes() == drill.ledger.read_bytes()


def flip(data: bytes) -> bytes:
    """One digit of a time is another one."""
    return data.replace(b'{"at":1', b'{"at":2', 1)


def without_second(data: bytes) -> bytes:
    """A line is gone."""
    first, _, *rest = data.splitlines(keepends=True)
    return b"".join([first, *rest])


def swapped(data: bytes) -> bytes:
    """The numbers of two lines are exchanged."""
    return data.replace(b'"n":1', b'"n":9').replace(b'"n":2', b'"n":1').replace(b'"n":9', b'"n":2')


FAULTS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("another time", flip, "line 1: this node did not write it there"),
    ("a line gone", without_second, "line 2: a line before it is missing"),
    ("the first gone", lambda data: data.split(b"\n", 1)[1], "line 1: this node did not write it there"),
    ("numbers exchanged", swapped, "line 2: a line before it is missing"),
    ("no ledger", lambda _: b"name = FR", "another kind of file"),
    ("no text", lambda _: b"\xff\n", "line 1"),
    ("ends before the backup", lambda data: data.split(b"\n", 1)[0] + b"\n", "from the backup to the loss"),
    ("empty", lambda _: b"", "from the backup to the loss"),
]


async def test_a_ledger_that_is_not_whole_restores_nothing(drill: Drill) -> None:
    """Whatever is wrong with the file is named, by its line where it has one; no folder is made."""
    two = drill.two
    await withdraw(drill)
    two.clock.advance(60)
    data, keystore = await drill.backup()
    await drill.lose()
    whole = drill.ledger.read_bytes()
    for name, fault, said in FAULTS:
        drill.ledger.write_bytes(fault(whole))
        with pytest.raises(RefusedError, match=said):
            await drill.restore(data, keystore, drill.ledger)
        assert not two.fr.folder.exists(), name
    drill.ledger.write_bytes(whole)
    assert (await drill.restore(data, keystore, drill.ledger)).ledger == two.clock.now()


async def test_an_old_copy_of_the_ledger_is_not_believed_to_be_all(drill: Drill) -> None:
    """One that lacks a line of before the loss leaves every consent in doubt; the same is whole for a loss of then
    (threat 147).
    """
    two, copy = drill.two, drill.base / "copy.ledger"
    await recorded(two)
    data, keystore = await drill.backup()
    ended = two.clock.now()
    shutil.copy(drill.ledger, copy)
    two.clock.advance(MARK_EVERY + 15 * 60)  # a mark was due, and the copy does not have it
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    await two.until(lambda: kinds(two.fr, drill.ledger)[-1] is Taken.WITHDRAWN, seconds=30)
    await drill.lose()
    made = await drill.restore(data, keystore, copy)
    assert (made.ledger, made.whole, made.unconfirmed) == (ended, False, 1)
    assert "consent.unconfirmed" in await two.fr.alarms()
    await drill.lose()
    made = await drill.restore(data, keystore, copy, lost=ended + 60)
    assert (made.whole, made.unconfirmed) == (True, 0)
    await drill.lose()
    with pytest.raises(RefusedError, match="the loss"):
        await drill.restore(data, keystore, copy, lost=two.clock.now() + 3_600)


async def test_a_ledger_of_another_node_is_refused(drill: Drill) -> None:
    """One that another node wrote restores nothing."""
    two = drill.two
    await two.until(drill.ledger.exists, seconds=30)
    other = drill.base / "other.ledger"
    shutil.copy(two.al.folder / "ledger", other)
    two.clock.advance(60)
    data, keystore = await drill.backup()
    await drill.lose()
    with pytest.raises(RefusedError, match="line 1: this node did not write it there"):
        await drill.restore(data, keystore, other)
    assert not two.fr.folder.exists()


@table("known", ["a file that cannot be read", "no file"])
async def test_a_ledger_that_is_not_there(drill: Drill, known: str) -> None:
    """A name that is a folder, or nothing, is refused with the name."""
    path = drill.base / "nowhere"
    if known == "a file that cannot be read":
        path.mkdir()
    with pytest.raises(RefusedError, match="nowhere"):
        read(drill.two.fr, path)
