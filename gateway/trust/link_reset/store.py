"""Resets of links, and what of a link has to be found, cleared or asked about then (nrm1 5.8)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, case, delete, func, or_, select, union, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases import kept
from gateway.database import meta
from gateway.database.rows import values_of
from gateway.database.tables import (
    consent,
    consent_told,
    erasure,
    hold,
    inbox,
    link_gap,
    link_number,
    link_reset,
    message,
    outbox,
    receipt,
    receipt_due,
    withdrawal,
)
from gateway.database.tables import link as link_table
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.peers.reset_rows import _MARK, ResetRow, Restored, _unknown

EARLIER = 1 << 40
"""Taken from the place in the inbox of what came before a reset: it goes before everything of the new epoch."""


def get(connection: Connection, peer: NodeId) -> ResetRow | None:
    """One link, None when nothing was ever reset."""
    row = connection.execute(select(link_reset).where(link_reset.c.peer == peer)).first()
    return _unknown(connection, peer) if row is None else ResetRow(**row._mapping)


def known(connection: Connection, peer: NodeId) -> bool:
    """Whether the link has a row of its own: on a restored node, whether the backup knew the peer."""
    return connection.execute(select(link_reset.c.peer).where(link_reset.c.peer == peer)).first() is not None


def mark_restored(connection: Connection, mark: Restored) -> None:
    """Set it; an older one is replaced."""
    meta.set_meta(connection, _MARK, json.dumps(values_of(mark)).encode())


def put(connection: Connection, row: ResetRow) -> None:
    """Write one link's row whole."""
    values = values_of(row)
    statement = upsert(link_reset).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["peer"], set_=values))


def begin(connection: Connection, peer: NodeId, epoch: int) -> None:
    """Both directions stand at the beginning of `epoch`; what was missing in older ones is missing no longer."""
    for direction in (links.IN, links.OUT):
        statement = upsert(link_table).values(peer=peer, direction=direction, epoch=epoch, high=0)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["peer", "direction"], set_={"epoch": epoch, "high": 0})
        )
    connection.execute(delete(link_gap).where(link_gap.c.peer == peer, link_gap.c.epoch < epoch))


def take_first(connection: Connection, peer: NodeId, waiting_for_order: str) -> None:
    """What waits in the inbox goes before the new epoch; what waited for a missing number is flagged, as it will never
    come.
    """
    here = select(inbox.c.ref).where(inbox.c.peer == peer, inbox.c.n > 0)
    late = select(message.c.ref).where(message.c.ref.in_(here), message.c.state == waiting_for_order)
    messages.flag_out_of_order(connection, list(connection.scalars(late)))
    connection.execute(update(inbox).where(inbox.c.peer == peer, inbox.c.n > 0).values(n=inbox.c.n - EARLIER))


def waiting(connection: Connection, peer: NodeId | None = None) -> list[MessageRow]:
    """Outgoing messages on the outbox, to one peer or to all, in order."""
    query = select(message).join(outbox, outbox.c.ref == message.c.ref).order_by(message.c.ref)
    if peer is not None:
        query = query.where(outbox.c.peer == peer)
    return [MessageRow(**row._mapping) for row in connection.execute(query)]


def answered_since(connection: Connection, peer: NodeId, at: int, states: Sequence[str]) -> list[MessageRow]:
    """Outgoing messages in these states that the peer received, by its own word, at or after `at`."""
    received = func.max(case((receipt.c.status == "received", receipt.c.at)))
    told = (
        select(receipt.c.id)
        .where(
            receipt.c.direction == receipts.RECEIVED,
            receipt.c.peer == peer,
            receipt.c.status.in_(receipts.HAS_IT),
        )
        .group_by(receipt.c.id)
        .having(func.coalesce(received, func.min(receipt.c.at)) >= at)  # that answer may be lost (nrm1 6.2)
    )
    query = select(message).where(
        message.c.direction == messages.OUT,
        message.c.peer == peer,
        message.c.state.in_(states),
        message.c.id.in_(told),
    )
    return [MessageRow(**row._mapping) for row in connection.execute(query.order_by(message.c.ref))]


def highest_answered(connection: Connection, peer: NodeId, epoch: int) -> int:
    """The highest number of ours, in this epoch, for which we hold a receipt of the peer; 0 for none."""
    unanswered = [str(Outgoing.QUEUED), str(Outgoing.AWAITING_RECEIPT), str(Outgoing.VOIDING)]
    query = select(func.max(message.c.n)).where(
        message.c.direction == messages.OUT,
        message.c.peer == peer,
        message.c.epoch == epoch,
        message.c.state.not_in(unanswered),
    )
    return connection.scalar(query) or 0


def erased_there(connection: Connection, peer: NodeId, since: int) -> list[MessageId]:
    """Messages of ours that the peer has signed as erased since then."""
    query = select(receipt.c.id).where(
        receipt.c.direction == receipts.RECEIVED,
        receipt.c.peer == peer,
        receipt.c.status == "erased",
        receipt.c.at >= since,
    )
    return [MessageId(id) for id in connection.scalars(query.distinct().order_by(receipt.c.id))]


def voided_here(connection: Connection, peer: NodeId, since: int) -> list[MessageId]:
    """Messages of the peer that this node has fenced since then."""
    query = select(receipt.c.id).where(
        receipt.c.direction == receipts.ISSUED, receipt.c.peer == peer, receipt.c.code == "void", receipt.c.at >= since
    )
    return [MessageId(id) for id in connection.scalars(query.distinct().order_by(receipt.c.id))]


def withdrawn_with(connection: Connection, peer: NodeId) -> list[bytes]:
    """Keyed indexes of the withdrawn consents that the peer knows: it told of them, was told, or something relied on
    them between the two.
    """
    known = union(
        select(message.c.consent).where(message.c.peer == peer, message.c.consent.is_not(None)),
        select(consent_told.c.consent).where(consent_told.c.peer == peer),
        select(consent.c.consent).where(consent.c.holder == peer),
    )
    query = select(withdrawal.c.consent).where(withdrawal.c.consent.in_(known)).order_by(withdrawal.c.consent)
    return list(connection.scalars(query))


def erased_or_held(connection: Connection, peer: NodeId, ids: Sequence[str]) -> frozenset[str]:
    """Those messages of the peer that are erased here, or of a conversation that is under a legal hold, or its case."""
    holds = list(connection.scalars(select(hold.c.conversation)))
    under = [conversation for conversation, _ in kept.conversations_under(connection, holds)]
    here = select(message.c.id).where(
        message.c.direction == messages.IN,
        message.c.peer == peer,
        message.c.id.in_(ids),
        or_(
            message.c.ref.in_(select(erasure.c.message)),
            message.c.conversation.in_([*holds, *under]),
        ),
    )
    return frozenset(connection.scalars(here))


def being_voided(connection: Connection, peer: NodeId, ids: Sequence[str]) -> list[str]:
    """List the messages to the peer about which it is being asked."""
    query = select(message.c.id).where(
        message.c.direction == messages.OUT,
        message.c.peer == peer,
        message.c.id.in_(ids),
        message.c.state == str(Outgoing.VOIDING),
    )
    return list(connection.scalars(query.order_by(message.c.ref)))


def forget_numbers(connection: Connection, refs: Sequence[int]) -> None:
    """Take their place on the link and their sealed bytes from these outgoing messages."""
    messages.drop_envelopes(connection, refs)
    for start in range(0, len(refs), 500):
        part = refs[start : start + 500]
        connection.execute(update(message).where(message.c.ref.in_(part)).values(epoch=None, n=None, prev=None))
    messages.mark_changed(connection, refs)


def owe_again(connection: Connection, peer: NodeId, since: int, statuses: Sequence[str]) -> int:
    """Owe the peer once more what it was told since then, where it is not owed already; how many."""
    owed = select(receipt_due.c.seq).where(receipt_due.c.of == receipt.c.of, receipt_due.c.status == receipt.c.status)
    query = select(receipt.c.of, receipt.c.status).where(
        receipt.c.direction == receipts.ISSUED,
        receipt.c.peer == peer,
        receipt.c.status.in_(statuses),
        receipt.c.at >= since,
        ~owed.exists(),
    )
    keys = [(row.of, row.status) for row in connection.execute(query.order_by(receipt.c.at))]
    receipts.owe(connection, peer, keys)
    return len(keys)


def had_number(connection: Connection, peer: NodeId, id: str, n: int) -> bool:
    """Whether an outgoing message had this number in any epoch."""
    query = select(link_number.c.n).where(
        link_number.c.peer == peer, link_number.c.direction == links.OUT, link_number.c.id == id, link_number.c.n == n
    )
    return connection.execute(query).first() is not None


def find_renumbered(connection: Connection, peer: NodeId, ids: Sequence[str]) -> list[MessageId]:
    """Find which of these outgoing messages have had more than one number."""
    had = select(link_number.c.id).where(
        link_number.c.peer == peer, link_number.c.direction == links.OUT, link_number.c.id.in_(ids)
    )
    return [MessageId(id) for id in connection.scalars(had.group_by(link_number.c.id).having(func.count() > 1))]
