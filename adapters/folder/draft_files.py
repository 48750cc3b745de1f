"""Files of drafts on their way through the folders: with their draft, never beside another, none lost by a kill.

1. claim   the files first, then the draft: a claimed draft has all that it will ever have
2. read    in place, as a stream, and compared with what was there when the draft was read
3. settle  the files go to the folder of the outcome under hidden names, then the draft goes, then they get their names

Until the draft has gone, a file is found in either place; once it has, the hidden name says what is left to do.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock

from adapters.kit.drop_folder import (
    CLAIMED,
    OUTGOING,
    REFUSED,
    TAKEN,
    Held,
    ends_by_document,
    file_name,
    is_copy_of,
    moving_name,
    read_moving_name,
)
from adapters.kit.files import Folder, NotPlainError, world
from adapters.kit.threads import in_thread
from gateway.errors import Code, RefusedError
from gateway.ports import PIECE

OUTCOMES = (TAKEN, REFUSED)


def claim_files(outgoing: Folder, name: str, ends: Sequence[str], claimed: Folder, new: str) -> None:
    """Move the files of a draft to claimed, before it; what is no plain file stays, and the draft will miss it."""
    for end in ends:
        entry = outgoing.entry(file_name(name, end))
        if entry is not None and entry.plain:
            outgoing.move(entry.name, claimed, file_name(new, end))


def held_files(root: Path, name: str, ends: Sequence[str], wanted: Sequence[str]) -> dict[str, Held]:
    """Return the files of a claimed draft: those with these `ends` in claimed; of the others that are `wanted`, those
    that a kill left on their way, and what is in their place in outgoing and no file.
    """
    with Folder(root / CLAIMED) as claimed:
        held = {end: found for end in ends if (found := _look(claimed, file_name(name, end))) is not None}
    missing = {*wanted} - held.keys()
    if not missing:
        return held
    for path, end in _on_their_way(root, name):
        with Folder(path.parent) as folder:
            if end in missing and (found := _look(folder, path.name)) is not None:
                held[end] = found
    with Folder(root / OUTGOING) as outgoing:
        for end in missing - held.keys():
            found = _look(outgoing, file_name(name, end))
            if found is not None and not found.plain:
                held[end] = found
    return held


def settle_files(root: Path, name: str, ends: Sequence[str], target: Folder, new: str) -> dict[str, str]:
    """Bring the files of a claimed draft to `target`, hidden, before it: those with these `ends`, and those that a kill
    left on their way. Returns the names that they get after it.
    """
    left = _on_their_way(root, name) if ends else []
    with Folder(root / CLAIMED) as claimed:
        there = [end for end in ends if claimed.has(file_name(name, end))]
        for end in there:
            claimed.move(file_name(name, end), target, moving_name(new, end))
    for path, end in left:
        with Folder(path.parent) as folder:
            folder.move(path.name, target, moving_name(new, end))
    return {moving_name(new, end): file_name(new, end) for end in [*there, *(end for _, end in left)]}


def finish_settling(root: Path) -> None:
    """Give files whose draft was settled before a kill their names."""
    for outcome in OUTCOMES:
        with Folder(root / outcome) as folder:
            for name in folder.names():
                at = read_moving_name(name)
                if at is not None and folder.has(at[0]):
                    folder.rename_all({name: file_name(*at)})


def erase_files(folder: Folder, draft: str, *, alone: bool) -> bool:
    """Remove the files of a draft and of its numbered copies from a folder; whether there was any. `alone`: also where
    no document is beside them.
    """
    names = folder.names()
    gone = [
        file_name(document, end)
        for document, ends in ends_by_document(names).items()
        if is_copy_of(document, draft) and (alone or document in names)
        for end in ends
    ]
    gone += [name for name in names if (at := read_moving_name(name)) is not None and is_copy_of(at[0], draft)]
    for name in gone:
        folder.remove(name)
    return bool(gone)


def file_reader(root: Path, name: str, lock: Lock) -> Callable[[str, Held], Callable[[], AsyncIterator[bytes]]]:
    """Return what opens the files of a claimed draft, each time anew."""

    def reader(end: str, held: Held) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            with world("the drop folder"):
                descriptor = await in_thread(lock, _open_as, root, name, end, held)
                try:
                    while data := await in_thread(lock, os.read, descriptor, PIECE):
                        yield data
                    if _mark(os.fstat(descriptor)) != held.mark:
                        raise _changed()
                finally:
                    os.close(descriptor)

        return read

    return reader


def _open_as(root: Path, name: str, end: str, held: Held) -> int:
    """Open a file that is what it was when its draft was read. Raises RefusedError(changed_meanwhile) otherwise."""
    for path in _places(root, name, end):
        try:
            with Folder(path.parent) as folder:
                descriptor = folder.open(path.name)
        except FileNotFoundError:
            continue
        except NotPlainError:
            break
        if _mark(os.fstat(descriptor)) == held.mark:
            return descriptor
        os.close(descriptor)
        break
    raise _changed()


def _places(root: Path, name: str, end: str) -> Iterator[Path]:
    yield root / CLAIMED / file_name(name, end)
    yield from (path for path, at in _on_their_way(root, name) if at == end)


def _on_their_way(root: Path, name: str) -> list[tuple[Path, str]]:
    """Return the files of a claimed draft that lie hidden in the folder of an outcome, with their ends."""
    found: list[tuple[Path, str]] = []
    for outcome in OUTCOMES:
        with Folder(root / outcome) as folder:
            for hidden in folder.names():
                at = read_moving_name(hidden)
                if at is not None and is_copy_of(at[0], name) and not folder.has(at[0]):
                    found.append((root / outcome / hidden, at[1]))
    return found


def _look(folder: Folder, name: str) -> Held | None:
    entry = folder.entry(name)
    if entry is None:
        return None
    return Held(size=entry.size, plain=entry.plain, mark=(entry.inode, entry.size, entry.changed))


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changed() -> RefusedError:
    hint = "the office leaves alone what it has dropped"
    return RefusedError(Code.CHANGED_MEANWHILE, "a file of a draft was changed or taken away", hint=hint)
