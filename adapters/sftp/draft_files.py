"""Files of drafts on their way through the folders of the server, as `adapters/folder` moves them: claimed before their
draft, read in place, and brought to the folder of the outcome under hidden names, until the draft is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from adapters.kit.drop_folder import (
    CLAIMED,
    NOTICES,
    OUTGOING,
    REFUSED,
    SUFFIX,
    TAKEN,
    Held,
    ends_by_document,
    file_name,
    is_copy_of,
    is_news_of,
    moving_name,
    read_moving_name,
)
from adapters.sftp.connection import Entry, Remote, Server
from gateway.errors import Code, RefusedError

OUTCOMES = (TAKEN, REFUSED)


async def claim_files(remote: Remote, name: str, entries: Mapping[str, Entry], ends: Iterable[str], new: str) -> None:
    """Move the files of a draft to claimed, before it; what is no plain file stays, and the draft will miss it."""
    for end in ends:
        if entries[file_name(name, end)].plain:
            await remote.move(f"{OUTGOING}/{file_name(name, end)}", f"{CLAIMED}/{file_name(new, end)}")


async def held_files(
    remote: Remote, name: str, claimed: Mapping[str, Entry], ends: Iterable[str], wanted: Sequence[str]
) -> dict[str, Held]:
    """Return the files of a claimed draft: those with these `ends` in claimed; of the others that are `wanted`, those
    that a kill left on their way, and what is in their place in outgoing and no file.
    """
    held = {end: _held(claimed[file_name(name, end)]) for end in ends}
    missing = {*wanted} - held.keys()
    for path, end in await _on_their_way(remote, name) if missing else ():
        if end in missing and (entry := await remote.look(path)) is not None:
            held[end] = _held(entry)
    for end in missing - held.keys():
        entry = await remote.look(f"{OUTGOING}/{file_name(name, end)}")
        if entry is not None and not entry.plain:
            held[end] = _held(entry)
    return held


async def settle_files(remote: Remote, name: str, ends: Iterable[str], folder: str, new: str) -> dict[str, str]:
    """Bring the files of a claimed draft to `folder`, hidden, before it: those with these `ends`, and those that a kill
    left on their way. Returns the paths that they get after it.
    """
    left = await _on_their_way(remote, name) if ends else []
    moved = {f"{CLAIMED}/{file_name(name, end)}": end for end in ends}
    there = {path: end for path, end in moved.items() if await remote.has(path)} | dict(left)
    for path, end in there.items():
        await remote.move(path, f"{folder}/{moving_name(new, end)}")
    return {f"{folder}/{moving_name(new, end)}": f"{folder}/{file_name(new, end)}" for end in there.values()}


async def finish_settling(remote: Remote) -> None:
    """Give files whose draft was settled before a kill their names."""
    for folder in OUTCOMES:
        names = {entry.name for entry in await remote.entries(folder)}
        for name in names:
            at = read_moving_name(name)
            if at is not None and at[0] in names:
                await remote.move(f"{folder}/{name}", f"{folder}/{file_name(*at)}")


def _files_of(names: Sequence[str], draft: str, *, alone: bool) -> list[str]:
    """List the files of a draft and of its numbered copies among the names of a folder, hidden ones too. `alone`: also
    where no document is beside them.
    """
    found = [
        file_name(document, end)
        for document, ends in ends_by_document(names).items()
        if is_copy_of(document, draft) and (alone or document in names)
        for end in ends
    ]
    hidden = [name for name in names if (at := read_moving_name(name)) is not None and is_copy_of(at[0], draft)]
    return found + hidden


async def files_about(remote: Remote, folder: str, draft: str, *, anew: bool) -> list[str]:
    """Return where in a folder the draft is, its files, the reasons of its refusal, or news about it. `anew`: a draft
    of this name waits in outgoing.
    """
    names = [entry.name for entry in await remote.entries(folder)]
    if folder == NOTICES:
        return [f"{folder}/{name}" for name in names if is_news_of(name, draft)]
    held = [name for name in names if is_copy_of(name, draft)]
    reasons = {f"{name.removesuffix(SUFFIX)}.errors{SUFFIX}" for name in held}
    files = _files_of(names, draft, alone=not (anew and folder == CLAIMED))
    return [f"{folder}/{name}" for name in [*files, *held, *(name for name in names if name in reasons)]]


def file_reader(server: Server, root: str, name: str) -> Callable[[str, Held], Callable[[], AsyncIterator[bytes]]]:
    """Return what opens the files of a claimed draft, each time anew and over a connection of its own."""

    def reader(end: str, held: Held) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            async with server.open(root) as remote:
                path = await _find(remote, name, end, held)
                async for data in remote.pieces(path):
                    yield data
                if await _find(remote, name, end, held) != path:
                    raise _changed()

        return read

    return reader


async def _find(remote: Remote, name: str, end: str, held: Held) -> str:
    """Return where a file lies that is what it was when its draft was read. Raises RefusedError(changed_meanwhile)."""
    path = f"{CLAIMED}/{file_name(name, end)}"
    entry = await remote.look(path)
    if entry is None:
        for path, at in await _on_their_way(remote, name):
            if at == end:
                entry = await remote.look(path)
                break
    if entry is None or not entry.plain or _held(entry) != held:
        raise _changed()
    return path


async def _on_their_way(remote: Remote, name: str) -> list[tuple[str, str]]:
    """Return the files of a claimed draft that lie hidden in the folder of an outcome, with their ends."""
    found: list[tuple[str, str]] = []
    for folder in OUTCOMES:
        names = {entry.name for entry in await remote.entries(folder)}
        for hidden in sorted(names):
            at = read_moving_name(hidden)
            if at is not None and is_copy_of(at[0], name) and at[0] not in names:
                found.append((f"{folder}/{hidden}", at[1]))
    return found


def _held(entry: Entry) -> Held:
    return Held(size=entry.size, plain=entry.plain, mark=(entry.size, entry.changed))


def _changed() -> RefusedError:
    hint = "the office leaves alone what it has dropped"
    return RefusedError(Code.CHANGED_MEANWHILE, "a file of a draft was changed or taken away", hint=hint)
