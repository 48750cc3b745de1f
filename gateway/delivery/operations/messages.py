"""Messages for people and case systems: listed, shown, taken, opened, sent again, cancelled."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.cases import register
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.operations.message_models import (
    MessageActedOn,
    MessagePage,
    Messages,
    Moved,
    OneMessage,
    OneMessageOneWay,
    WholeMessage,
)
from gateway.delivery.operations.messages_shown import (
    check_not_erased,
    find_message,
    incoming,
    opened_row,
    opened_rows,
    peer_of,
    summary,
)
from gateway.erasure import certificates
from gateway.erasure.operations import erasing
from gateway.errors import Code, RefusedError
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import state_transitions
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.actors import name_actor, pseudonym
from gateway.operations.paging import paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, MOVES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from schemas.types import type_name

WITHDRAWAL = "consent.withdrawal"


class MessageOperations:
    """Operations on messages."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        local_receipts: LocalReceipts,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._local_receipts = local_receipts
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._actor = actor

    @operation(
        "message.list",
        "messages, newest first",
        roles=MOVES,
        about=About.CASE,
        answer=Messages,
        units=Units.NARROWED,
    )
    async def list_messages(self, asked: MessagePage) -> OperationResult:
        """A page of messages, newest first; `next` is the cursor of the page behind it."""
        limit, conversation = asked.limit, asked.conversation
        node, before = peer_of(self._peers, asked.peer), asked.position

        def query(c: Connection) -> tuple[list[MessageRow], dict[int, SealedRow]]:
            rows = messages.page(
                c,
                before=before,
                limit=limit + 1,
                direction=asked.direction,
                peer=node,
                state=asked.state,
                conversation=None if conversation is None else self._content.sealer.conversation_index(conversation),
            )
            return rows, content_rows.get(c, [row.ref for row in rows])

        rows, sealed = await self._content.store.read(query)
        shown, following = paged(rows, limit, lambda row: row.ref)
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, sealed))
        names = await register.names_of(self._content, [row.conversation for row in shown])
        items: list[Json] = [
            summary(self._peers, self._clock, row, opened.get(row.ref), names.get(row.conversation)) for row in shown
        ]
        return OperationResult(value={"messages": items, "next": following})

    @operation(
        "message.show",
        "one message with its receipts",
        roles=MOVES,
        about=About.CASE,
        answer=WholeMessage,
        units=Units.NARROWED,
        reads=Reading(what="message", shown=lambda asked, answer: "content" in answer),
    )
    async def show_message(self, asked: OneMessageOneWay, caller: Caller) -> OperationResult:
        """One message with its receipts and, if the caller reads content, its body."""
        row = await find_message(self._content.store, asked.id, asked.direction)
        way = receipts.ISSUED if row.direction == messages.IN else receipts.RECEIVED

        def query(c: Connection) -> tuple[dict[int, SealedRow], list[receipts.ReceiptRow]]:
            return content_rows.get(c, [row.ref]), receipts.of_message(c, way, row.peer, row.id)

        sealed, told = await self._content.store.read(query)
        opened = opened_row(self._content.sealer, sealed.get(row.ref))
        names = await register.names_of(self._content, [row.conversation])
        value = summary(self._peers, self._clock, row, opened, names.get(row.conversation))
        value["receipts"] = [{"status": r.status, "at": r.at, "code": r.code} for r in told]
        value["erased"] = await erasing.shown(self._content.store, row)
        value["case"] = None if opened is None else opened.facts.case
        value["dropped"] = [] if opened is None else [*opened.facts.dropped]
        if opened is not None and caller.reads_content:
            value["header"], value["content"] = opened.halves()
            if type_name(opened.facts.body_type) == "erasure.confirmation":
                value["onward"] = self._onward(row, opened.halves()[1])
        return OperationResult(value=value)

    def _onward(self, row: MessageRow, confirmation: Mapping[str, Json]) -> Json:
        """Who else erased, as far as they signed it themselves; the peer vouches that the data had gone to them."""
        by = self._own.node if row.direction == messages.OUT else row.peer
        peer = self._peers.get(by)
        return [
            {
                "node": item.get("node"),
                "verified": proven is not None,
                "erased": None if proven is None else len(proven.erased),
                "at": None if proven is None else proven.at,
                "vouched_by": by if peer is None else peer.name,
            }
            for item, proven in certificates.read_all(confirmation, self._clock.now())
        ]

    @operation(
        "message.ack",
        "the desk has taken an incoming message",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Moved,
        units=Units.NARROWED,
    )
    async def acknowledge(self, asked: OneMessage) -> OperationResult:
        """The desk has taken an incoming message: the sender gets its `delivered` receipt."""
        return await self._receipted(asked.id, opening=False)

    @operation(
        "message.open",
        "a person has opened it",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Moved,
        units=Units.NARROWED,
        attested=True,
    )
    async def open_message(self, asked: MessageActedOn, caller: Caller) -> OperationResult:
        """A person has opened it: the sender gets its `opened` receipt."""
        by = leaf(
            self._clock.now(),
            "message.open",
            id=asked.id,
            actor=pseudonym(name_actor(caller, asked.attested), self._actor),
            attested=asked.attested is not None,
        )
        done = await self._receipted(asked.id, opening=True)
        await self._content.store.move(lambda c: journal.append_leaf(c, by))
        return done

    async def _receipted(self, id: str, *, opening: bool) -> OperationResult:
        rows, hashes = await self._content.store.read(lambda c: incoming(c, id))
        if not rows:
            raise RefusedError(Code.NOT_FOUND, "no such incoming message", hint="trm message list --in shows the ids")
        if len(rows) > 1:
            raise RefusedError(
                Code.CONFLICT,
                "two peers sent messages with this id; nothing was changed",
                hint="tell both administrators: ids are random, so one of them copied the other's",
            )
        await check_not_erased(self._content.store, rows[0])
        state = Incoming(rows[0].state)
        if state in (Incoming.AWAITING_ORDER, Incoming.REFUSED):
            raise RefusedError(Code.CONFLICT, f"the message is {state}; nothing was changed")
        if state in (Incoming.AWAITING_HANDOVER, Incoming.HELD):
            await self._local_receipts.acknowledge(rows, hashes)
        if opening:
            await self._local_receipts.opened(rows, hashes)
        row = await find_message(self._content.store, id, messages.IN)
        return OperationResult(value={"id": id, "state": row.state})

    @operation(
        "message.cancel",
        "cancel or void",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Moved,
        units=Units.NARROWED,
        attested=True,
    )
    async def cancel(self, asked: MessageActedOn, caller: Caller) -> OperationResult:
        """Cancel what was not numbered; void what was. A message that arrived can only be withdrawn by a message, and
        the withdrawal of a consent always goes.
        """
        id, now = asked.id, self._clock.now()
        actor = pseudonym(name_actor(caller, asked.attested), self._actor)
        attested = asked.attested is not None

        def move(connection: Connection) -> str:
            rows = messages.find(connection, id, direction=messages.OUT)
            if not rows:
                raise RefusedError(Code.NOT_FOUND, "no such outgoing message", hint="trm message list shows the ids")
            row = rows[0]
            if not allows(Outgoing(row.state), OutgoingEvent.CANCEL):
                raise RefusedError(
                    Code.CONFLICT,
                    f"the message is {row.state} already; nothing was changed",
                    hint="send a withdrawal (referral.withdraw) instead",
                )
            opened = opened_row(self._content.sealer, content_rows.get(connection, [row.ref]).get(row.ref))
            if opened is not None and type_name(opened.facts.body_type) == WITHDRAWAL:
                raise RefusedError(
                    Code.CONFLICT,
                    "the consent is withdrawn here, and its peer has to hear of it; nothing was changed",
                    hint="if the person consents again, record a new consent",
                )
            state_transitions.advance(
                connection, [Change(row=row, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED)], at=now
            )
            journal.append_leaf(connection, leaf(now, "message.cancel", id=id, actor=actor, attested=attested))
            return messages.get(connection, [row.ref])[row.ref].state

        state = await self._content.store.move(move)
        row = await find_message(self._content.store, id, messages.OUT)
        self._wakeups.outgoing(row.peer).set()
        self._wakeups.handover.set()
        await self._events.happened()
        return OperationResult(value={"id": id, "state": state})
