"""What the node asks of the world around it. Shapes only; the concrete parts are chosen in ``gateway.app``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.strict_json import Json as Json


class Clock(Protocol):
    """The only source of time. Wall time is whole Unix seconds; monotonic time is seconds as a float."""

    def now(self) -> int:
        """Wall time, whole Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


PIECE: Final = 1024 * 1024
"""Bytes in which attachments are put: all pieces of a file have so many, but its last one."""


class Files(Protocol):
    """Where the ciphertext of attachments lies: a folder, or an S3 bucket. Names are random and the node's.

    What `put` took can be got at once, and is durable once `sync` has returned. Nothing here is ever plain text. Raises
    ``TransientError``: disk, and where other processes write as well conflict and wrong_node.
    """

    async def put(self, name: str, at: int, data: bytes) -> None:
        """Put pieces at offset ``at``, a multiple of ``PIECE`` and at most the length. The same bytes may be put once
        more. Other bytes in the place of what a kill left there, and nobody was told of, take its place or are refused
        (conflict), by `sync` at the latest.
        """
        ...

    async def sync(self, name: str) -> None:
        """Return when all that was put under this name is durable."""
        ...

    async def get(self, name: str, at: int, most: int) -> bytes:
        """At most so many bytes from offset ``at`` on; empty only behind the end, or where there is nothing."""
        ...

    async def size(self, name: str) -> int:
        """How long it is; 0 where there is nothing."""
        ...

    async def erase(self, names: Sequence[str]) -> None:
        """Take these away; what is not there is no fault."""
        ...

    async def names(self) -> Sequence[str]:
        """All there are."""
        ...

    async def free(self) -> int:
        """How many bytes may still be put."""
        ...


# --- a country's case system -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file that goes with a record. ``place`` says where a person finds it ("file a.0.pdf"). What is read is held to
    ``size`` and, where the local system says it, ``sha256`` (hexadecimal). ``doc_kind`` is the code of its kind, where
    the content does not name the files. ``read`` opens it anew each time, and gives chunks of ``PIECE`` bytes or less;
    it raises ``RefusedError`` changed_meanwhile or not_found for what is not there as it was offered.
    """

    place: str
    size: int
    sha256: str | None = None
    doc_kind: str | None = None
    read: Callable[[], AsyncIterator[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRecord:
    """One record as the local system has it.

    ``ref`` is stable and opaque. ``mapping`` names the mapping file that turns ``fields`` into a draft; None means that
    ``fields`` already has the form of a draft. ``places`` says where a person finds a field ("sheet Cases, row 7,
    column D"). ``faults`` are found while reading: such a record is reported back and never sent. ``files`` are those
    of the message, from number 0 on; they can be read until the record is settled.
    """

    ref: str
    fields: Mapping[str, Json]
    mapping: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Finding, ...] = ()
    files: tuple[LocalFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRecord:
    """A message as a record of the local system, by the way back of its mapping file.

    ``losses`` are the places whose distinctions it does not keep, each with the note of the file; ``left_out`` the
    places of what the message says besides. Both belong beside the record, where a person sees that there was more.
    """

    mapping: str
    fields: Mapping[str, Json]
    losses: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message. ``read`` opens it anew each time; what it gives is to be believed only when it
    has ended without an error. ``name`` is made of the number and the type and says nothing about a case.
    """

    part: int
    name: str
    media_type: str
    size: int
    sha256: str
    read: Callable[[], AsyncIterator[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message for the local system. ``key`` is the idempotency key: the same key must never make a second record.

    ``record`` is what the mapping file makes of it, where there is one for messages of this type.
    Its ``attachments`` are all there and were checked. A system that takes no files leaves them in the node.
    """

    key: str
    message_id: str
    conversation: str
    in_reply_to: str | None
    type: str
    sender: str
    sender_name: str
    purpose: str | None
    created: int
    received: int
    out_of_order: bool
    header: Mapping[str, Json]
    content: Mapping[str, Json]
    record: MappedRecord | None = None
    attachments: tuple[Attachment, ...] = ()


class NoticeKind(StrEnum):
    """What became of a record that came from the local system, in the order in which it can happen."""

    DRAFTED = "drafted"
    REFUSED = "refused"
    QUEUED = "queued"
    RECEIVED = "received"
    DELIVERED = "delivered"
    OPENED = "opened"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """News about a record of the local system, by its ``ref``. Idempotent by ``key``, like a delivery."""

    key: str
    ref: str
    kind: NoticeKind
    at: int
    message_id: str | None = None
    conversation: str | None = None
    code: Code | None = None
    findings: tuple[Finding, ...] = ()


class Erasure(StrEnum):
    """What an adapter can honestly say about erasing (nrm1 12.6)."""

    ERASED = "erased"
    DISABLED_ONLY = "disabled_only"
    NOT_SUPPORTED = "not_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an adapter is and can do; files go with messages (``takes_files``) and come with records."""

    kind: str
    version: str
    target: str
    can_pull: bool
    can_push: bool
    erasure: Erasure
    takes_files: bool = False
    gives_files: bool = False


class Adapter(Protocol):
    """How a local system is reached (domain 11.13): makes drafts, never sends; never defaults a code; logs no value.

    ``push`` returns the local id once the item is durable there. It raises ``TransientError`` to be tried again,
    ``RefusedError`` when a person has to look. ``pull`` may return a record again until ``settle`` was called.
    """

    def describe(self) -> Description:
        """What it is and can do."""
        ...

    async def check(self) -> Sequence[Finding]:
        """What is wrong with the local system or its set-up; empty when all is well."""
        ...

    async def pull(self) -> Sequence[LocalRecord]:
        """Records that are ready and not settled yet, a batch at a time."""
        ...

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """The record was drafted or refused: show it, and do not pull it again."""
        ...

    async def push(self, item: Delivery | Notice) -> str:
        """Make one item durable in the local system, once per key; returns its local id."""
        ...

    async def status(self, local_id: str) -> str:
        """A word for what became of an item."""
        ...

    async def erase(self, local_id: str) -> Erasure:
        """Erase an item, and say honestly how far that went. Instead of a local id the key of the item may be given,
        where no answer to handing it over was heard: then it may be there, as a whole or as what a kill left of it.

        Raises RefusedError `not_found` where it was looked for and nothing of it is here.
        """
        ...


@runtime_checkable
class BulkAdapter(Adapter, Protocol):
    """An adapter that can take many items at once; the promise for each is that of ``push``."""

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError | TransientError]:
        """Make the items durable in their order: for each its local id, or why a person has to look at it.

        The answer ends behind the first item that has to be tried again; what follows was not handed over, or will be
        the same item when it is repeated.
        """
        ...


@runtime_checkable
class BulkSettler(Adapter, Protocol):
    """An adapter that can note the outcomes of many records at once; the promise for each is that of ``settle``."""

    async def settle_all(self, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
        """Each of these was drafted or refused. Where it raises, any of them may be pulled again."""
        ...


@runtime_checkable
class RecordEraser(Adapter, Protocol):
    """An adapter that can erase what the local system holds of a record that it gave for sending."""

    async def erase_record(self, ref: str) -> Erasure:
        """Erase the record, with the files, news and journal entries that the adapter keeps of it, and say honestly how
        far that went. Where the office still has it, `not_supported`, and the record is not pulled again. Raises
        RefusedError `not_found` where it was looked for and nothing of it is left.
        """
        ...


class Notifier(Protocol):
    """Tells people that something waits for them, and nothing about it."""

    async def tell(self, *, urgent: bool) -> None:
        """Say so. Raises TransientError where that did not work now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationResult:
    """The answer of one operation: `created` says that something new exists now (HTTP 201 instead of 200)."""

    value: Json
    created: bool = False
