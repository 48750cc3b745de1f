"""Moving the files of a stopped node: from its folder to a bucket, from there to another, and back.

    1  every file that a row names is copied, and read again at the new place
    2  a note in the folder says where they were
    3  node.toml names the new place: from here on the node is there
    4  they are taken away at the old place, and the note with them

A move that was cut off is repeated: before 3 it begins again, and what is there already is not written twice; after it,
it goes on with 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.administration.settings_file import write_section
from gateway.attachments import store as attachment_store
from gateway.attachments.places import open_files
from gateway.attachments.store import AttachmentRow
from gateway.audit.reader import of_stopped
from gateway.database.atomic_file import read_kept, write_kept
from gateway.database.opening import open_store
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation import config
from gateway.foundation.config import AttachmentsSection
from gateway.foundation.ids import NodeId
from gateway.foundation.node_folder import CHECKPOINT, lock_folder
from gateway.messages.store.messages import IN
from gateway.ports import PIECE, Clock, Files
from keys.primitives.attachment_cipher import SEGMENT

LEFT = "attachments.left"
"""The note: the section of node.toml that names the old place, while something may lie there."""
IN_THE_FOLDER = AttachmentsSection()
_NOTE_LIMIT = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFiles:
    """What was moved. `missing` files were not whole at the old place either."""

    files: int
    size: int
    missing: int


async def move_attachments(
    folder: Path, to: AttachmentsSection, tell: Callable[[int, int], None], *, clock: Clock
) -> MovedFiles:
    """Copy the files of the node in `folder` to the place `to`, compare them, change node.toml, and take them away
    where they were. `tell` is told how many of how many are there.

    Raises:
        RefusedError: locked (the node runs), conflict (they are there already), invalid, no_key; nothing was moved.
        TransientError: disk, conflict (other bytes lie there), wrong_node (the prefix is another node's); the node is
            where it was, with all its files, unless node.toml names the new place already: then repeat it.
    """
    release = lock_folder(folder)
    try:
        before = config.load(folder).attachments
        store = open_store(folder)
        try:
            node = (await of_stopped(store, folder / CHECKPOINT, clock.now())).chain[-1].node
            rows = await store.read(attachment_store.every)
        finally:
            store.close()
        old = _read_note(folder)
        if old is not None and old != before:
            await _leave(folder, old, node)
            if before == to:
                return MovedFiles(files=len(rows), size=sum(row.length for row in rows), missing=0)
        _require_elsewhere(before, to)
        source, target = (open_files(folder, section, node=node) for section in (before, to))
        moved = await _copy(source, target, rows, tell)
        write_kept(folder / LEFT, orjson.dumps(before.model_dump(mode="json", exclude_unset=True)))
        write_section(folder, "attachments", to.model_dump(mode="json", exclude_unset=True))
        await _leave(folder, before, node)
        return moved
    finally:
        release()


def _require_elsewhere(before: AttachmentsSection, to: AttachmentsSection) -> None:
    """Refuse a place that is where the files are: they would be taken away as what was left there."""
    if (before.url or "").rstrip("/") == (to.url or "").rstrip("/"):
        raise RefusedError(
            Code.CONFLICT,
            "the files of this node are in that place already; nothing was moved",
            hint="name another prefix; how the same bucket is reached is changed in node.toml",
        )


async def _copy(
    source: Files, target: Files, rows: list[AttachmentRow], tell: Callable[[int, int], None]
) -> MovedFiles:
    size = missing = 0
    for number, row in enumerate(rows):
        # Behind the segments that were counted a kill may have left anything.
        wanted = min(row.length, row.held * SEGMENT) if row.direction == IN else row.length
        if await source.size(row.file) < wanted:
            missing += 1
            continue
        await _copy_file(source, target, row.file, wanted)
        size += wanted
        tell(number + 1, len(rows))
    return MovedFiles(files=len(rows) - missing, size=size, missing=missing)


async def _copy_file(source: Files, target: Files, name: str, length: int) -> None:
    if not length:
        return
    for at in range(0, length, PIECE):
        await target.put(name, at, await source.get(name, at, min(PIECE, length - at)))
    await target.sync(name)
    for at in range(0, length, PIECE):
        most = min(PIECE, length - at)
        if await target.get(name, at, most) != await source.get(name, at, most):
            raise TransientError(
                Code.DISK, "a file is not the same at the new place; the node stays where it was", hint="repeat it"
            )


async def _leave(folder: Path, old: AttachmentsSection, node: NodeId) -> None:
    """Take away what lies at the old place."""
    left = open_files(folder, old, node=node)
    await left.erase(await left.names())
    (folder / LEFT).unlink()


def _read_note(folder: Path) -> AttachmentsSection | None:
    found = read_kept(folder / LEFT, _NOTE_LIMIT)
    return None if found is None else AttachmentsSection.model_validate(orjson.loads(found))
