"""The drop folder on an SFTP server behind the port.

The office sees the folders of `adapters/folder`. Handed-over items are recorded here, in a journal file, since a server
elsewhere has no lock and no durable directory to ask.

Handing over is four steps, and a kill between any two of them leaves a state from which the repeat goes on:

1. the journal is asked for the key: if it knows it, steps 2 and 3 were done before
2. the whole document is written under a hidden name made from the key
3. the journal gets the key with the name the document will have
4. the hidden name is renamed to that name; if it is gone, that happened before, and the office may have taken it away
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from adapters.kit.drop_folder import (
    CLAIMED,
    ERASED,
    INCOMING,
    NOTICES,
    OUTGOING,
    REFUSED,
    SUFFIX,
    TAKEN,
    claimed_name,
    draft_name,
    faulty_record,
    is_copy_of,
    is_draft,
    is_news_of,
    name_fault,
    read_draft,
    reasons_file,
    tombstone,
)
from adapters.kit.fingerprint import fingerprint
from adapters.kit.items import item_to_json
from adapters.kit.journal import Journal, kept
from adapters.kit.memory import Turn
from adapters.kit.names import is_key, item_name, key_name, numbered
from adapters.kit.setup.local import look_at_secret, look_in_turn
from adapters.kit.setup.needs import Need, faults_of
from adapters.kit.strict_json import LIMIT, write_json
from adapters.sftp.connection import Remote, Server
from adapters.sftp.setup import look_at_server
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice, NoticeKind

RECORDS = (CLAIMED, TAKEN, REFUSED, NOTICES)
"""Where a record lies that was read, and what was said of it."""
FOLDERS = (OUTGOING, CLAIMED, TAKEN, REFUSED, INCOMING, NOTICES, ERASED)


class SftpAdapter:
    """The drop folder at `root` of `server`; `journal` is a file of its own on this machine."""

    kind = "sftp"

    def __init__(self, server: Server, *, root: str, journal: Path, batch: int = 100) -> None:
        self._server = server
        self._root = root
        self._journal = Journal(journal)
        self._batch = batch
        self._place = journal
        self._turn = Turn(journal)
        self._lock = Lock()

    def describe(self) -> Description:
        """Describe the adapter; `erased` is true of items that the office has not collected yet."""
        target = f"sftp://{self._server.host}:{self._server.port}/{self._root.removeprefix('/')}"
        return Description(
            kind=self.kind, version="1", target=target, can_pull=True, can_push=True, erasure=Erasure.ERASED
        )

    async def check(self) -> Sequence[Finding]:
        """Check that the server is the right one, and that every folder exists and is writable."""
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at the journal, the key, the server and every folder there."""
        return await look_in_turn(self._turn, self._place, self._journal, self._lock, self._look)

    async def _look(self) -> list[Need]:
        key = await look_at_secret(self._lock, self._server.key, "key file")
        if faults_of([key]):
            return [key]
        return [key, *[need async for need in look_at_server(self._server, self._root, FOLDERS)]]

    # --- from the office ------------------------------------------------------------------------------------------

    async def pull(self) -> Sequence[LocalRecord]:
        """Claim the dropped drafts and return those claimed; the same ones again until `settle`."""
        async with self._turn, self._server.open(self._root) as remote:
            for entry in await remote.entries(OUTGOING):
                if is_draft(entry.name) and entry.plain:
                    mark = fingerprint(entry.name, entry.size, entry.changed)
                    name = claimed_name(entry.name, mark, taken=await remote.has(f"{TAKEN}/{entry.name}"))
                    if not await remote.has(f"{CLAIMED}/{name}"):
                        await remote.move(f"{OUTGOING}/{entry.name}", f"{CLAIMED}/{name}")
            names = [entry.name for entry in await remote.entries(CLAIMED) if is_draft(entry.name)]
            return [await _record(remote, name) for name in names[: self._batch]]

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Move the draft to the folder of its outcome. Doing it twice has the effect of doing it once."""
        name = draft_name(record.ref)
        async with self._turn, self._server.open(self._root) as remote:
            if not await remote.has(f"{CLAIMED}/{name}"):
                if await remote.has(f"{TAKEN}/{name}") or await remote.has(f"{REFUSED}/{name}"):
                    return
                raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
            if notice.kind is NoticeKind.DRAFTED:
                await remote.move(f"{CLAIMED}/{name}", f"{TAKEN}/{await _free(remote, TAKEN, name)}")
                return
            new = await _free(remote, REFUSED, name)
            await _put(remote, REFUSED, *reasons_file(new, notice))
            await remote.move(f"{CLAIMED}/{name}", f"{REFUSED}/{new}")

    # --- to the office --------------------------------------------------------------------------------------------

    async def push(self, item: Delivery | Notice) -> str:
        """Put a document into incoming or notices, once for each key."""
        key = key_name(item.key)
        folder = INCOMING if isinstance(item, Delivery) else NOTICES
        part = f"{folder}/.{key}.part"
        async with self._turn, self._server.open(self._root) as remote:
            local_id = await kept(self._lock, self._journal.id_of, item.key)
            if local_id is None:
                name = await self._free_name(remote, folder, item_name(item))
                # The document before the key: a key without a document would end every repeat with nothing to show.
                await remote.write(part, write_json(item_to_json(item)))
                local_id = f"{folder}/{name}"
                await kept(self._lock, self._journal.hand, item.key, local_id)
            erased = await kept(self._lock, self._journal.answer_to_erasing, local_id)
            if erased is None and await remote.has(part):
                await remote.move(part, local_id)
            return local_id

    async def _free_name(self, remote: Remote, folder: str, name: str) -> str:
        """Return a name that is free and was never given: the office may have collected its former holder."""
        number = 1
        while await kept(self._lock, self._journal.key_of, f"{folder}/{numbered(name, number)}") is not None:
            number += 1
        return await _free(remote, folder, numbered(name, number))

    async def status(self, local_id: str) -> str:
        """Return `waiting` (for the office), `collected` (by it) or `erased`."""
        async with self._turn, self._server.open(self._root) as remote:
            await kept(self._lock, self._journal.require, local_id)
            if await kept(self._lock, self._journal.answer_to_erasing, local_id) is not None:
                return "erased"
            there = await remote.has(local_id) or await remote.has(await self._part_of(local_id))
            return "waiting" if there else "collected"

    async def erase(self, local_id: str) -> Erasure:
        """Leave a tombstone, then remove the document; `not_supported` for what the office has collected."""
        async with self._turn, self._server.open(self._root) as remote:
            unfinished = _unfinished(local_id)
            handed = await kept(self._lock, self._journal.id_of, local_id) is not None
            if not handed and unfinished is not None and await remote.has(unfinished):
                await remote.remove(unfinished)
                return Erasure.ERASED
            local_id = await kept(self._lock, self._journal.find, local_id)
            part = await self._part_of(local_id)
            answer = await kept(self._lock, self._journal.answer_to_erasing, local_id)
            if answer is None:
                there = await remote.has(local_id) or await remote.has(part)
                answer = Erasure.ERASED if there else Erasure.NOT_SUPPORTED
                # Before the document goes: after a kill the repeat finds nothing left and would answer not_supported.
                folder, _, name = local_id.partition("/")
                await _put(remote, ERASED, name, tombstone(folder, name, answer))
                await kept(self._lock, self._journal.erase, local_id, answer)
            await remote.remove(part)
            await remote.remove(local_id)
            return answer

    async def erase_record(self, ref: str) -> Erasure:
        """Remove the draft from where it was put, the reasons of a refusal, and the news about it with what the journal
        keeps of that. A file that the office drops anew under the name is another draft, and stays.
        """
        name = draft_name(ref)
        async with self._turn, self._server.open(self._root) as remote:
            told = await kept(self._lock, self._journal.handed_under, f"{NOTICES}/")
            gone = [f"{folder}/{held}" for folder in RECORDS for held in await _named(remote, folder, name)]
            keys = [key for key, local_id in told.items() if is_news_of(local_id.partition("/")[2], name)]
            if not gone and not keys:
                raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
            for path in gone:
                await remote.remove(path)
            await kept(self._lock, self._journal.forget, keys=keys)
            return Erasure.ERASED

    async def _part_of(self, local_id: str) -> str:
        key = await kept(self._lock, self._journal.key_of, local_id)
        return f"{local_id.partition('/')[0]}/.{key_name(key or '')}.part"


def _unfinished(key: str) -> str | None:
    """Where a document of this key lies before the journal has the key; None for what no key can be."""
    return f"{INCOMING}/.{key_name(key)}.part" if is_key(key) else None


async def _named(remote: Remote, folder: str, draft: str) -> list[str]:
    """Return the files of a folder that are the draft, the reasons of its refusal, or news about it."""
    names = [entry.name for entry in await remote.entries(folder)]
    if folder == NOTICES:
        return [name for name in names if is_news_of(name, draft)]
    held = [name for name in names if is_copy_of(name, draft)]
    reasons = {f"{name.removesuffix(SUFFIX)}.errors{SUFFIX}" for name in held}
    return [*held, *(name for name in names if name in reasons)]


async def _put(remote: Remote, folder: str, name: str, data: bytes) -> None:
    """Write a whole file under its name, or none."""
    await remote.write(f"{folder}/.{name}.part", data)
    await remote.move(f"{folder}/.{name}.part", f"{folder}/{name}")


async def _free(remote: Remote, folder: str, name: str) -> str:
    number = 1
    while await remote.has(f"{folder}/{numbered(name, number)}"):
        number += 1
    return numbered(name, number)


async def _record(remote: Remote, name: str) -> LocalRecord:
    fault = name_fault(name)
    if fault is not None:
        return faulty_record(name, fault)
    return read_draft(name, await remote.read(f"{CLAIMED}/{name}", LIMIT))
