"""The drop folder behind the port: work in a thread, one piece at a time, errors of the disk translated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from adapters.folder import draft_files, incoming, message_files, outgoing, places, setup
from adapters.kit.drop_folder import OUTGOING, draft_name
from adapters.kit.files import PRIVATE, NotPlainError, TooLargeError, world
from adapters.kit.setup.needs import Need, faults_of, missing
from adapters.kit.strict_json import LIMIT
from adapters.kit.threads import in_thread
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice

P = ParamSpec("P")
T = TypeVar("T")


STRETCH = 32 << 20
"""Bytes of a file that are made durable together."""


class FolderAdapter:
    """A drop folder at `root`, whose layout `FolderAdapter.create` made.

    `limit` is the size of a draft in bytes, `batch` how many drafts one pull returns. `file_mode` is 0600, or 0640
    where the office's own program runs as another user of the same group; nothing wider is taken.
    """

    kind = "folder"

    def __init__(self, root: Path, *, file_mode: int = PRIVATE, limit: int = LIMIT, batch: int = 100) -> None:
        if file_mode not in {0o600, 0o640}:
            raise RefusedError(Code.INVALID, "file_mode is 0600 or 0640")
        self._root = root
        self._mode = file_mode
        self._limit = limit
        self._batch = batch
        self._lock = Lock()
        self._ends: dict[str, list[str]] = {}
        self._settling = True
        """Whether settling may have ended in the middle: before this process, or by a disk that was away."""

    @classmethod
    def create(cls, root: Path) -> None:
        """Make the layout under `root`; what is there stays as it is."""
        with world("the drop folder"):
            places.make_folders(root)

    def describe(self) -> Description:
        """Describe the adapter; `erased` is true of items that the office has not collected yet."""
        return Description(
            kind=self.kind,
            version="1",
            target=str(self._root),
            can_pull=True,
            can_push=True,
            erasure=Erasure.ERASED,
            takes_files=True,
            gives_files=True,
        )

    async def check(self) -> Sequence[Finding]:
        """Check that every folder exists, is writable, on one disk, closed to others, and free of strange entries."""
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at every folder of the layout, and for entries that are no drafts."""
        return await in_thread(self._lock, self._look)

    async def pull(self) -> Sequence[LocalRecord]:
        """Claim the dropped drafts and return those claimed; the same ones again until `settle`."""
        return await self._work(self._pull)

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Move the draft to taken or refused."""
        ends = self._ends.get(draft_name(record.ref))
        self._settling = True
        await self._work(outgoing.settle_draft, self._root, record.ref, notice, ends)
        self._settling = False

    async def push(self, item: Delivery | Notice) -> str:
        """Put a document into incoming or notices, once for each key; the files of a message come first."""
        if isinstance(item, Delivery) and item.attachments:
            await self._put_files(item)
        return await self._work(incoming.put_item, self._root, item, self._mode)

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError | TransientError]:
        """Put several documents in order; stop after the first that has to be tried again."""
        outcomes: list[str | RefusedError | TransientError] = []
        try:
            for kind, run in [(kind, [*run]) for kind, run in groupby(items, type)]:
                together = kind is Delivery and not any(isinstance(one, Delivery) and one.attachments for one in run)
                outcomes += await (self._put_all(run) if together else self._put_each(run))
        except TransientError as error:
            outcomes.append(error)
        return outcomes

    async def _put_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError]:
        deliveries = [item for item in items if isinstance(item, Delivery)]
        return await self._work(incoming.put_all, self._root, deliveries, self._mode)

    async def _put_files(self, item: Delivery) -> None:
        if not await self._work(incoming.is_new, self._root, item):
            return
        try:
            for attachment in item.attachments:
                await self._work(message_files.begin_file, self._root, item, attachment, self._mode)
                waiting = 0
                async for data in attachment.read():
                    await self._work(message_files.add_to_file, self._root, item, attachment, data)
                    waiting += len(data)
                    if waiting >= STRETCH:
                        await self._work(message_files.sync_file, self._root, item, attachment)
                        waiting = 0
                await self._work(message_files.sync_file, self._root, item, attachment)
        except RefusedError:
            await self._work(message_files.give_up_files, self._root, item)
            raise

    async def _put_each(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError]:
        outcomes: list[str | RefusedError] = []
        for item in items:
            try:
                outcomes.append(await self.push(item))
            except RefusedError as error:
                outcomes.append(error)
        return outcomes

    async def status(self, local_id: str) -> str:
        """Return `waiting`, `collected` or `erased`."""
        return await self._work(incoming.read_status, self._root, local_id)

    async def erase(self, local_id: str) -> Erasure:
        """Remove a document that was handed over."""
        return await self._work(incoming.erase_item, self._root, local_id)

    async def erase_record(self, ref: str) -> Erasure:
        """Remove every file that the adapter keeps of a draft that was taken or refused."""
        return await self._work(outgoing.erase_draft, self._root, ref)

    async def _work(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        with world("the drop folder"):
            return await in_thread(self._lock, _own_files, work, *args, **kwargs)

    def _pull(self) -> list[LocalRecord]:
        if self._settling:
            draft_files.finish_settling(self._root)
            self._settling = False
        outgoing.claim_drafts(self._root)
        records, self._ends = outgoing.read_drafts(self._root, self._lock, limit=self._limit, batch=self._batch)
        return records

    def _look(self) -> list[Need]:
        needs = [setup.look_at(self._root, name) for name in places.ALL]
        strangers = 0 if faults_of(needs) else outgoing.count_strangers(self._root)
        if strangers:
            hint = f"{strangers} of them; drop drafts as plain .json files, by rename"
            needs.append(missing(f"folder {OUTGOING}", "not_a_draft", hint))
        return needs


def _own_files(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work`; raise RefusedError when a file of our own is no plain small file any more: a person has to look."""
    try:
        return work(*args, **kwargs)
    except (NotPlainError, TooLargeError) as exc:
        what = "a file that only the gateway writes was replaced"
        raise RefusedError(Code.ADAPTER_REFUSED, what, hint="look at journal/ and erased/") from exc
