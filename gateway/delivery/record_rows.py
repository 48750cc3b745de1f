"""What is stored of the records of the case system and of their drafts, and the transaction that writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.attachments import store as attachments
from gateway.cases import register
from gateway.cases import store as case_rows
from gateway.cases.register import Joining
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.errors import Code, RefusedError, TransientError
from gateway.messages.store import local, records
from gateway.messages.store.local import DraftRow
from gateway.messages.store.records import OriginRow
from gateway.ports import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of a record that came before."""

    origin: int
    version: bytes
    drafted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A record that is new or says something new: its draft, or what is wrong with it; `id` is that of the draft."""

    row: OriginRow
    ref: str
    id: str
    stands: bytes | None
    """What is stored in the place of its version while it is read; None for one that is not stored yet."""
    draft: dict[str, Json] | None = field(default=None, repr=False)
    fault: RefusedError | None = None
    brought: str | None = None
    """The message that takes the files of the record, which are sealed."""
    left: str | None = None
    """The message whose files go with the draft that this one replaces."""

    @property
    def known(self) -> bool:
        """Whether the record is stored."""
        return self.stands is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A record with all that is written of it. `name` is there for a new one; `draft` and `joining` where it has a
    draft, the latter where that is of a case.
    """

    read: Read
    name: SealedRow | None
    draft: SealedRow | None
    joining: Joining | None


def find_known(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, Known]:
    """What is stored of these records, by the keyed index of the name."""
    found = records.find_origins(connection, keys)
    drafted = local.drafted(connection, [ref for ref, _ in found.values()])
    return {key: Known(origin=ref, version=version, drafted=ref in drafted) for key, (ref, version) in found.items()}


def write_records(
    connection: Connection, ready: Sequence[Ready], now: int
) -> Mapping[int, RefusedError | TransientError]:
    """Write the records with their drafts. Returns by its local number each record whose draft is not written, with its
    files: it has the number of another person's case by now; or, a TransientError, it was erased or taken meanwhile,
    and nothing of it is written.
    """
    missed: dict[int, RefusedError | TransientError] = {
        ref: _changed_meanwhile() for ref in _find_changed(connection, [one.read for one in ready])
    }
    going = [one for one in ready if one.read.row.ref not in missed]
    for one in going:
        if one.joining is not None:
            try:
                register.join(connection, one.joining, now)
            except RefusedError as error:
                missed[one.read.row.ref] = error
    for one in ready:
        if one.read.brought is not None and one.read.row.ref in missed:
            attachments.drop_unsent(connection, one.read.brought)
    drawn = [(one.read, one.draft) for one in going if one.draft is not None and one.read.row.ref not in missed]
    content.put(connection, [*(one.name for one in going if one.name is not None), *(sealed for _, sealed in drawn)])
    records.add_origins(connection, [one.read.row for one in going if not one.read.known])
    joined = {one.read.row.ref for one in going if one.joining is not None}
    another = {read.row.ref: read.id for read, _ in drawn if read.row.ref in joined}
    for one in going:
        if one.read.known:
            records.set_origin_version(connection, one.read.row.ref, one.read.row.version)
            _replace_draft(connection, one.read.row.ref, another.get(one.read.row.ref))
        if one.read.left is not None:
            attachments.drop_unsent(connection, one.read.left)
    local.add_drafts(
        connection,
        [DraftRow(ref=sealed.ref, id=one.id, origin=one.row.ref, state=local.WAITING, at=now) for one, sealed in drawn],
    )
    journal.add_events(connection, [(now, "draft", sealed.ref, local.WAITING) for _, sealed in drawn])
    journal.append_leaves(connection, [leaf(now, "draft.made", id=one.id) for one, _ in drawn])
    return missed


def _find_changed(connection: Connection, read: Sequence[Read]) -> set[int]:
    """Choose those that no longer stand as they did when they began to be read, which takes as long as their files:
    since then people erased what was made of them, or another process took them.
    """
    stored = records.find_origins(connection, [one.row.key for one in read])
    return {
        one.row.ref
        for one in read
        if stored.get(one.row.key) != (None if one.stands is None else (one.row.ref, one.stands))
    }


def _changed_meanwhile() -> TransientError:
    return TransientError(
        Code.CHANGED_MEANWHILE, "the record was erased or taken meanwhile; nothing was stored", hint="it is read again"
    )


def _replace_draft(connection: Connection, origin: int, another: str | None) -> None:
    """Nothing is kept of what the draft of before said. `another` has come in its place; where none does, since the
    record is refused or says no case any more, it keeps that: the case waits for the record to be put right, with all
    that people laid over it.
    """
    for row in local.replace_drafts(connection, origin, was=local.WAITING, to=local.REPLACED):
        content.erase(connection, row.ref)
        if another is not None:
            case_rows.take_place(connection, register.draft_key(row.id), register.draft_key(another))
            register.forget_draft(connection, row.id)
