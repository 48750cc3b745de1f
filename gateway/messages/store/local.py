"""The local side: drafts, idempotent submissions, consents, and news owed to the case system."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import (
    attachment,
    consent,
    consent_told,
    draft,
    message,
    notice,
    submission,
    withdrawal,
)
from gateway.foundation.ids import NodeId
from gateway.messages.store.messages import OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """A draft that waits for a person. Its content, the names of the local record too, is sealed under `ref`. `first`
    is the keyed hash of who released it, where it needs a second person.
    """

    ref: int
    id: str
    origin: int | None
    state: str
    at: int
    first: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """A consent held here: `holder` is "own" or the node that told us; `consent` is a keyed index of its id."""

    ref: int
    consent: bytes
    holder: str
    state: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """News for the case system about the record `origin`; `seq` makes the idempotency key."""

    seq: int
    kind: str
    origin: int
    attempts: int
    refusals: int
    next_try: int
    message: str | None
    code: str | None
    at: int


WAITING = "waiting"
"""The state of a draft that nobody released or discarded yet."""
REPLACED = "replaced"
"""The state of a draft whose local record was changed while it waited."""
WITHDRAWN = "withdrawn"
"""The state of a consent that was taken back."""
OWN = "own"

# Asked for every submission, so they are built once.
_SUBMISSIONS = Prepared(
    select(submission.c.key, submission.c.digest, submission.c.answer).where(
        submission.c.key.in_(bindparam("keys", expanding=True))
    )
)
_ADD_SUBMISSION = Prepared(insert(submission))
_CONSENTS = Prepared(
    select(consent).where(consent.c.consent.in_(bindparam("indexes", expanding=True))).order_by(consent.c.ref)
)
_WITHDRAWALS = Prepared(
    select(withdrawal.c.consent, withdrawal.c.ref).where(withdrawal.c.consent.in_(bindparam("indexes", expanding=True)))
)
_TOLD = Prepared(select(consent_told.c.peer, consent_told.c.ref).where(consent_told.c.consent == bindparam("index")))
_DRAFTED = Prepared(
    select(draft.c.origin).where(draft.c.origin.in_(bindparam("origins", expanding=True)), draft.c.state != REPLACED)
)
_ADD_DRAFT = Prepared(insert(draft))
LOST = ("failed", "rejected", "cancelled")
"""States of an outgoing message in which its peer does not hold it."""

_HELD_BY = Prepared(
    select(consent_told.c.consent, consent_told.c.peer)
    .join(message, message.c.ref == consent_told.c.ref, isouter=True)
    .where(
        consent_told.c.consent.in_(bindparam("indexes", expanding=True)),
        or_(message.c.state.is_(None), message.c.state.not_in(LOST)),
    )
)


def add_draft(connection: Connection, row: DraftRow) -> None:
    """Insert a draft."""
    add_drafts(connection, [row])


def add_drafts(connection: Connection, rows: Iterable[DraftRow]) -> None:
    """Insert drafts."""
    _ADD_DRAFT.add(connection, rows)


def get_draft(connection: Connection, id: str) -> DraftRow | None:
    """One draft by id."""
    row = connection.execute(select(draft).where(draft.c.id == id)).first()
    return DraftRow(**row._mapping) if row else None


def drafts(connection: Connection, *, state: str | None = None, limit: int = 100, after: int = 0) -> list[DraftRow]:
    """Drafts, oldest first; `after` is the ref of the last row of the page before."""
    query = select(draft).where(draft.c.ref > after).order_by(draft.c.ref).limit(limit)
    if state is not None:
        query = query.where(draft.c.state == state)
    return [DraftRow(**row._mapping) for row in connection.execute(query)]


def set_draft_state(connection: Connection, id: str, *, was: str, to: str) -> bool:
    """Move a draft; False when it was not in the expected state."""
    query = update(draft).where(draft.c.id == id, draft.c.state == was).values(state=to)
    return bool(connection.execute(query).rowcount)


def set_first(connection: Connection, id: str, by: bytes | None) -> None:
    """Somebody released a draft that needs two, first; None: it is another draft now."""
    connection.execute(update(draft).where(draft.c.id == id).values(first=by))


def drafted(connection: Connection, origins: Sequence[int]) -> set[int]:
    """Choose those of these local records of which a draft was made and not replaced; one that was refused has none."""
    return set(_DRAFTED.scalars(connection, origins=origins))


def forget_first(connection: Connection, by: bytes) -> None:
    """Forget that this person released drafts first, where they still wait for a second one."""
    connection.execute(update(draft).where(draft.c.first == by, draft.c.state == WAITING).values(first=None))


def replace_drafts(connection: Connection, origin: int, *, was: str, to: str) -> list[DraftRow]:
    """The local record was changed: drafts of its older version no longer wait. Returns all that do not for this."""
    connection.execute(update(draft).where(draft.c.origin == origin, draft.c.state == was).values(state=to))
    replaced = select(draft).where(draft.c.origin == origin, draft.c.state == to)
    return [DraftRow(**row._mapping) for row in connection.execute(replaced)]


def waiting_files(connection: Connection, id: str) -> list[int]:
    """The numbers of the files that wait for a message with this id."""
    query = select(attachment.c.ref).where(attachment.c.id == id, attachment.c.message.is_(None))
    return list(connection.scalars(query.where(attachment.c.direction == OUT).order_by(attachment.c.n)))


def find_submissions(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
    """The same for several keys; only those that were used."""
    return {key: (digest, answer) for key, digest, answer in _SUBMISSIONS.rows(connection, keys=keys)}


def add_submissions(connection: Connection, rows: Iterable[tuple[bytes, bytes, bytes, int]]) -> None:
    """Remember answers: (key, digest, answer, at)."""
    _ADD_SUBMISSION.run(connection, [{"key": k, "digest": d, "answer": a, "at": at} for k, d, a, at in rows])


def add_submission(connection: Connection, key: bytes, digest: bytes, answer: bytes, *, at: int) -> None:
    """Remember the answer to an idempotency key."""
    add_submissions(connection, [(key, digest, answer, at)])


def answer_submission(connection: Connection, key: bytes, answer: bytes) -> None:
    """Put the answer beside a key that was written down before."""
    connection.execute(update(submission).where(submission.c.key == key).values(answer=answer))


def forget_submission(connection: Connection, key: bytes) -> None:
    """The act of this key changed nothing: it can be used again."""
    connection.execute(delete(submission).where(submission.c.key == key))


def forget_submissions(connection: Connection, before: int) -> int:
    """Drop answers older than `before`."""
    return connection.execute(delete(submission).where(submission.c.at < before)).rowcount


def add_consent(connection: Connection, row: ConsentRow) -> None:
    """Record a consent; a newer record of the same id and holder takes the place of the older."""
    statement = upsert(consent).values(**values_of(row))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["consent", "holder"], set_={"ref": row.ref, "state": row.state, "at": row.at}
        )
    )


def consents(connection: Connection, index: bytes) -> list[ConsentRow]:
    """Read what is held about one consent."""
    return _CONSENTS.made(ConsentRow, connection, indexes=[index])


def consents_of(connection: Connection, indexes: Collection[bytes]) -> dict[bytes, tuple[ConsentRow, ...]]:
    """Read what is held about each of these consents, and nothing about one that is not held."""
    held: dict[bytes, list[ConsentRow]] = {index: [] for index in indexes}
    for row in _CONSENTS.made(ConsentRow, connection, indexes=[*held]):
        held[row.consent].append(row)
    return {index: tuple(rows) for index, rows in held.items()}


def all_consents(connection: Connection, limit: int = 100, before: int | None = None) -> list[ConsentRow]:
    """Consents held here, newest first; `before` is the ref of the last row of the page before."""
    query = select(consent).order_by(consent.c.ref.desc()).limit(limit)
    if before is not None:
        query = query.where(consent.c.ref < before)
    return [ConsentRow(**row._mapping) for row in connection.execute(query)]


def consents_by_ref(connection: Connection, refs: Collection[int]) -> dict[int, bytes]:
    """The keyed index of each consent whose record has one of these numbers."""
    query = select(consent.c.ref, consent.c.consent).where(consent.c.ref.in_(list(refs)))
    return {row.ref: row.consent for row in connection.execute(query)}


def set_consent(connection: Connection, ref: int, *, state: str) -> None:
    """Set the state of a stored consent, as after a withdrawal; its record stays as it is."""
    connection.execute(update(consent).where(consent.c.ref == ref).values(state=state))


def withdrawals(connection: Connection, indexes: Collection[bytes]) -> dict[bytes, int]:
    """By consent the number of the sealed row that holds its withdrawals; only consents that have any."""
    return dict(_WITHDRAWALS.rows(connection, indexes=[*indexes]))


def set_withdrawals(connection: Connection, index: bytes, ref: int) -> None:
    """From now on `ref` holds the withdrawals of this consent, also of one whose record never came."""
    statement = upsert(withdrawal).values(consent=index, ref=ref)
    connection.execute(statement.on_conflict_do_update(index_elements=["consent"], set_={"ref": ref}))


def tell_consent(connection: Connection, index: bytes, peer: NodeId, ref: int) -> None:
    """Remember that message `ref` tells `peer` of this consent."""
    statement = upsert(consent_told).values(consent=index, peer=peer, ref=ref)
    connection.execute(statement.on_conflict_do_update(index_elements=["consent", "peer"], set_={"ref": ref}))


def consent_told_to(connection: Connection, index: bytes) -> dict[str, int]:
    """Find which peers were told of this consent, by which message; it may have reached them also where it failed."""
    return dict(_TOLD.rows(connection, index=index))


def consents_held_by(connection: Connection, indexes: Collection[bytes]) -> dict[bytes, frozenset[NodeId]]:
    """By consent the peers that were told of it by a message that did not fail: they need not be told again."""
    found = _HELD_BY.rows(connection, indexes=[*indexes])
    return {index: frozenset(NodeId(peer) for of, peer in found if of == index) for index in indexes}


def add_notice(
    connection: Connection,
    *,
    kind: str,
    origin: int,
    at: int,
    message: str | None = None,
    code: str | None = None,
) -> None:
    """Owe the case system one piece of news."""
    given = {"kind": kind, "origin": origin, "message": message, "code": code, "at": at}
    connection.execute(insert(notice).values(attempts=0, refusals=0, next_try=0, **given))


def notices(connection: Connection, now: int, latest: int, limit: int) -> list[NoticeRow]:
    """News that is due, in order; what follows postponed news of the same record waits behind it. Nothing is postponed
    beyond `latest` but by a clock that was put back since.
    """
    earlier = notice.alias()
    held_up = select(earlier.c.seq).where(
        earlier.c.origin == notice.c.origin, earlier.c.seq < notice.c.seq, earlier.c.next_try.between(now + 1, latest)
    )
    due = ~notice.c.next_try.between(now + 1, latest)
    query = select(notice).where(due, ~held_up.exists()).order_by(notice.c.seq).limit(limit)
    return [NoticeRow(**row._mapping) for row in connection.execute(query)]


def postpone_notice(connection: Connection, seq: int, *, attempts: int, refusals: int, next_try: int) -> None:
    """Try again later; `refusals` are the attempts at which the case system did not want it."""
    values = {"attempts": attempts, "refusals": refusals, "next_try": next_try}
    connection.execute(update(notice).where(notice.c.seq == seq).values(values))


def noticed(connection: Connection, seq: int) -> None:
    """The case system has it."""
    connection.execute(delete(notice).where(notice.c.seq == seq))
