"""The drop folder on an SFTP server behind the port.

The office sees the folders of `adapters/folder`. Handed-over items are recorded here, in a journal file, since a server
elsewhere has no lock and no durable directory to ask.

Handing over is four steps, and a kill between any two of them leaves a state from which the repeat goes on:

1. the journal is asked for the key: if it knows it, steps 2 and 3 were done before
2. the whole document is written under a hidden name made from the key, after the files of the message
3. the journal gets the key with the name the document will have
4. the hidden names are renamed, that of the document last; if it is gone, that happened before, and the office may have
   taken it away
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from adapters.kit.drop_folder import (
    CLAIMED,
    ERASED,
    FILES,
    INCOMING,
    NOTICES,
    OUTGOING,
    REFUSED,
    TAKEN,
    claimed_name,
    draft_name,
    ends_by_document,
    faulty_record,
    is_draft,
    is_news_of,
    name_fault,
    named_ends,
    read_draft,
    reasons_file,
    tombstone,
    with_files,
)
from adapters.kit.fingerprint import fingerprint
from adapters.kit.items import item_to_json
from adapters.kit.journal import Journal, kept
from adapters.kit.memory import Turn
from adapters.kit.names import item_name, key_name, numbered
from adapters.kit.setup.local import look_at_secret, look_in_turn
from adapters.kit.setup.needs import Need, faults_of
from adapters.kit.strict_json import LIMIT, write_json
from adapters.sftp.connection import Entry, Remote, Server
from adapters.sftp.draft_files import (
    claim_files,
    file_reader,
    files_about,
    finish_settling,
    held_files,
    settle_files,
)
from adapters.sftp.message_files import files_of_message, is_whole, name_files, put_files, unfinished_files
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
        self._ends: dict[str, set[str]] = {}
        self._settling = True
        """Whether settling may have ended in the middle: before this process, or by a server that was away."""

    def describe(self) -> Description:
        """Describe the adapter; `erased` is true of items that the office has not collected yet."""
        target = f"sftp://{self._server.host}:{self._server.port}/{self._root.removeprefix('/')}"
        return Description(
            kind=self.kind,
            version="1",
            target=target,
            can_pull=True,
            can_push=True,
            erasure=Erasure.ERASED,
            takes_files=True,
            gives_files=True,
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
            if self._settling:
                await finish_settling(remote)
                self._settling = False
            await self._claim(remote)
            claimed = {entry.name: entry for entry in await remote.entries(CLAIMED)}
            ends = ends_by_document(claimed)
            self._ends = {}
            return [
                await self._record(remote, name, claimed, ends.get(name, []))
                for name in [name for name in claimed if is_draft(name)][: self._batch]
            ]

    async def _claim(self, remote: Remote) -> None:
        """Move what is ready to claimed, the files of a draft before it."""
        drafts = [entry for entry in await remote.entries(OUTGOING) if is_draft(entry.name) and entry.plain]
        # Looked for after the drafts: a file that was there before its draft is seen here, whenever the draft came.
        beside = {entry.name: entry for entry in await remote.entries(OUTGOING)} if drafts else {}
        ends = ends_by_document(beside)
        for entry in drafts:
            mark = fingerprint(entry.name, entry.size, entry.changed)
            name = claimed_name(entry.name, mark, taken=await remote.has(f"{TAKEN}/{entry.name}"))
            if not await remote.has(f"{CLAIMED}/{name}"):
                await claim_files(remote, entry.name, beside, ends.get(entry.name, ()), name)
                await remote.move(f"{OUTGOING}/{entry.name}", f"{CLAIMED}/{name}")

    async def _record(
        self, remote: Remote, name: str, claimed: Mapping[str, Entry], ends: Sequence[str]
    ) -> LocalRecord:
        fault = name_fault(name)
        if fault is not None:
            record = faulty_record(name, fault)
        else:
            record = read_draft(name, await remote.read(f"{CLAIMED}/{name}", LIMIT))
        listed = named_ends(record)
        self._ends[name] = {*ends, *listed}
        if not ends and FILES not in record.fields:
            return record
        held = await held_files(remote, name, claimed, ends, listed)
        return with_files(record, held, file_reader(self._server, self._root, name))

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Move the draft to the folder of its outcome, with its files. Doing it twice has the effect of doing it
        once.
        """
        name = draft_name(record.ref)
        async with self._turn, self._server.open(self._root) as remote:
            if not await remote.has(f"{CLAIMED}/{name}"):
                if await remote.has(f"{TAKEN}/{name}") or await remote.has(f"{REFUSED}/{name}"):
                    return
                raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
            folder = TAKEN if notice.kind is NoticeKind.DRAFTED else REFUSED
            new = await _free(remote, folder, name)
            ends = self._ends.get(name)
            if ends is None:  # no pull of this process has looked
                ends = {*ends_by_document([entry.name for entry in await remote.entries(CLAIMED)]).get(name, ())}
            self._settling = True
            named = await settle_files(remote, name, ends, folder, new)
            if folder == REFUSED:
                await _put(remote, REFUSED, *reasons_file(new, notice))
            await remote.move(f"{CLAIMED}/{name}", f"{folder}/{new}")
            for hidden, path in named.items():
                await remote.move(hidden, path)
            self._settling = False

    # --- to the office --------------------------------------------------------------------------------------------

    async def push(self, item: Delivery | Notice) -> str:
        """Put a document into incoming or notices, once for each key; the files of a message come first."""
        if isinstance(item, Delivery) and item.attachments:
            async with self._turn:
                known = await kept(self._lock, self._journal.id_of, item.key)
            if known is None:  # without the turn: it may take long, and nothing else touches files of this key
                async with self._server.open(self._root) as remote:
                    await put_files(remote, item)
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
                if isinstance(item, Delivery):
                    await name_files(remote, item, local_id)
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
        """Leave a tombstone, then remove the document and its files; `not_supported` where the office has collected any
        of these.
        """
        async with self._turn, self._server.open(self._root) as remote:
            handed = await kept(self._lock, self._journal.id_of, local_id) is not None
            if not handed and (left := await unfinished_files(remote, local_id)):
                for path in left:
                    await remote.remove(path)
                return Erasure.ERASED
            local_id = await kept(self._lock, self._journal.find, local_id)
            part = await self._part_of(local_id)
            answer = await kept(self._lock, self._journal.answer_to_erasing, local_id)
            folder, _, name = local_id.partition("/")
            key = part.partition("/.")[2].removesuffix(".part")
            files = await files_of_message(remote, name, key) if folder == INCOMING else []
            if answer is None:
                there = await remote.has(part)
                if await remote.has(local_id):
                    there = folder != INCOMING or await is_whole(remote, local_id, files)
                answer = Erasure.ERASED if there else Erasure.NOT_SUPPORTED
                # Before the document goes: after a kill the repeat finds nothing left and would answer not_supported.
                await _put(remote, ERASED, name, tombstone(folder, name, answer))
                await kept(self._lock, self._journal.erase, local_id, answer)
            for path in [part, local_id, *files]:
                await remote.remove(path)
            return answer

    async def erase_record(self, ref: str) -> Erasure:
        """Remove the draft from where it was put, the reasons of a refusal, and the news about it with what the journal
        keeps of that. A file that the office drops anew under the name is another draft, and stays.
        """
        name = draft_name(ref)
        async with self._turn, self._server.open(self._root) as remote:
            told = await kept(self._lock, self._journal.handed_under, f"{NOTICES}/")
            anew = await remote.has(f"{OUTGOING}/{name}")  # files in claimed may be of that one, and stay
            gone = [path for folder in RECORDS for path in await files_about(remote, folder, name, anew=anew)]
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


async def _put(remote: Remote, folder: str, name: str, data: bytes) -> None:
    """Write a whole file under its name, or none."""
    await remote.write(f"{folder}/.{name}.part", data)
    await remote.move(f"{folder}/.{name}.part", f"{folder}/{name}")


async def _free(remote: Remote, folder: str, name: str) -> str:
    number = 1
    while await remote.has(f"{folder}/{numbered(name, number)}"):
        number += 1
    return numbered(name, number)
