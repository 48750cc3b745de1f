"""Webhooks that are owed: how far each hook has taken over the events, and its calls that were not answered yet; and
what is under way, for those who are told that a consent lapses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from gateway.cases.rules import LinkKind
from gateway.conversations.rules.machines import RESTING
from gateway.database.rows import values_of
from gateway.database.tables import case_link, consent, conversation, draft, event, hook, hook_call, message, outbox
from gateway.foundation.ids import CaseId
from gateway.messages.store.local import WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call of one hook: event `seq`, ordered with those of the same conversation (its keyed index)."""

    hook: str
    seq: int
    conversation: bytes | None
    since: int
    attempts: int
    next_try: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverStatus:
    """How one hook is: calls that wait, when the first of them happened, the most attempts at one."""

    waiting: int
    oldest: int | None
    attempts: int


def receivers(connection: Connection, names: list[str]) -> None:
    """Follow these hooks only: a new one begins with what happens from now, one that is gone is owed nothing."""
    connection.execute(delete(hook).where(hook.c.name.not_in(names)))
    connection.execute(delete(hook_call).where(hook_call.c.hook.not_in(names)))
    known = set(connection.scalars(select(hook.c.name)))
    newest = connection.scalar(select(func.max(event.c.seq))) or 0
    for name in names:
        if name not in known:
            connection.execute(insert(hook).values(name=name, position=newest))


def take_over(connection: Connection, name: str, limit: int) -> int:
    """Turn events behind the position of a hook into calls; how many."""
    position = select(hook.c.position).where(hook.c.name == name).scalar_subquery()
    query = (
        select(event.c.seq, event.c.at, message.c.conversation)
        .join_from(event, message, message.c.ref == event.c.ref, isouter=True)
        .where(event.c.seq > position)
        .order_by(event.c.seq)
        .limit(limit)
    )
    found = connection.execute(query).all()
    if found:
        rows = [
            CallRow(hook=name, seq=row.seq, conversation=row.conversation, since=row.at, attempts=0, next_try=0)
            for row in found
        ]
        connection.execute(insert(hook_call), [values_of(row) for row in rows])
        connection.execute(update(hook).where(hook.c.name == name).values(position=found[-1].seq))
    return len(found)


def due(connection: Connection, name: str, now: int, latest: int, limit: int) -> list[CallRow]:
    """Of each conversation the oldest call that was not answered, if its time has come; oldest first. None has its time
    after `latest` but by a clock that was put back since.
    """
    earlier = hook_call.alias()
    same = earlier.c.conversation.is_not_distinct_from(hook_call.c.conversation)
    before = select(earlier.c.seq).where(earlier.c.hook == hook_call.c.hook, same, earlier.c.seq < hook_call.c.seq)
    query = (
        select(hook_call)
        .where(hook_call.c.hook == name, ~hook_call.c.next_try.between(now + 1, latest), ~before.exists())
        .order_by(hook_call.c.seq)
        .limit(limit)
    )
    return [CallRow(**row._mapping) for row in connection.execute(query)]


def answered(connection: Connection, name: str, seq: int) -> None:
    """The receiver has it, or it was given up."""
    connection.execute(delete(hook_call).where(hook_call.c.hook == name, hook_call.c.seq == seq))


def postpone(connection: Connection, name: str, seq: int, *, attempts: int, next_try: int) -> None:
    """Try again later; what follows in the conversation waits behind it."""
    which = (hook_call.c.hook == name, hook_call.c.seq == seq)
    connection.execute(update(hook_call).where(*which).values(attempts=attempts, next_try=next_try))


def retry_now(connection: Connection, name: str) -> None:
    """The receiver is there: nothing has to wait for its time."""
    connection.execute(update(hook_call).where(hook_call.c.hook == name).values(next_try=0))


def standing(connection: Connection, name: str) -> ReceiverStatus:
    """How one hook is."""
    query = select(func.count(), func.min(hook_call.c.since), func.max(hook_call.c.attempts))
    count, oldest, attempts = connection.execute(query.where(hook_call.c.hook == name)).one()
    return ReceiverStatus(waiting=count, oldest=oldest, attempts=attempts or 0)


# --- what is under way ----------------------------------------------------------------------------------------------


def consents_behind(connection: Connection, last: bytes, limit: int) -> list[bytes]:
    """List the consents of which records are held here, in the order of their indexes, from behind `last` on."""
    query = select(consent.c.consent).where(consent.c.consent > last).order_by(consent.c.consent).limit(limit)
    return list(connection.scalars(query.distinct()))


def cases_under_way(connection: Connection, ids: Collection[CaseId]) -> set[CaseId]:
    """Find those of these cases with a conversation in which something may still go on."""
    query = (
        select(case_link.c.case_id)
        .join(conversation, conversation.c.conversation == case_link.c.key)
        .where(case_link.c.kind == LinkKind.CONVERSATION, case_link.c.case_id.in_(list(ids)))
        .where(or_(conversation.c.state.is_(None), conversation.c.state.not_in(RESTING)))
    )
    return {CaseId(case) for case in connection.scalars(query.distinct())}


def waiting_drafts(connection: Connection) -> dict[str, int]:
    """By id the sealed row of each draft that waits for a person."""
    rows = connection.execute(select(draft.c.id, draft.c.ref).where(draft.c.state == WAITING))
    return {row.id: row.ref for row in rows}


def consents_of_outbox(connection: Connection) -> set[bytes]:
    """The consents on which messages rely that have not left yet, or were not answered."""
    query = select(message.c.consent).join(outbox, outbox.c.ref == message.c.ref).where(message.c.consent.is_not(None))
    return set(connection.scalars(query.distinct()))
