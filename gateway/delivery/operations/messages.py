"""Messages, drafts and conversations, for people and case systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.access import people_store
from gateway.cases import register
from gateway.cases.operations.models import OfCase
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.intake import DISCARDED, WAITING
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.operations.draft_models import (
    WAITING_SECOND,
    Discarded,
    DraftPage,
    Drafts,
    OneDraft,
    WholeDraft,
)
from gateway.delivery.operations.message_models import (
    MessageActedOn,
    MessagePage,
    Messages,
    MessageState,
    Moved,
    OneMessage,
    OneMessageOneWay,
    WholeMessage,
)
from gateway.erasure import certificates
from gateway.erasure.operations import erasing
from gateway.errors import Code, RefusedError
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, state_transitions
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import Incoming, IncomingEvent
from gateway.messages.machines.delivery import SENDING, Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import conversations as rows_of
from gateway.messages.store import local, messages, receipts
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.actors import name_actor, pseudonym
from gateway.operations.ids import ConversationId, PeerId
from gateway.operations.models import Answer, Count, Next, OneOf, Read, Time, Type
from gateway.operations.paging import Page, paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, MOVES, Caller, person_in
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock, Json, NoticeKind, OperationResult
from keys.primitives.encoding import b64u, canon, parse, sha256
from schemas.types import never_blocked, type_name

LIMIT = 2_000_000
WITHDRAWAL = "consent.withdrawal"
FIRST_BY = "released_first_by"
"""The member of a sealed draft in which 0.1.0 kept the name of who released it first; it is no part of the draft."""


class ConversationPage(Page):
    """Which conversations are listed."""

    peer: PeerId | None = None
    kind: Annotated[str, OneOf(*Kind)] | None = None
    state: Annotated[str, OneOf(*Referral, *Enquiry, *OpenQuestionState)] | None = Field(
        default=None, description="see docs/state-machines.md"
    )


class ConversationLine(Answer):
    """A conversation, and its newest message."""

    conversation: Read[ConversationId | None] = None
    of_case: OfCase = None
    kind: str
    state: str | None = Field(description="as it was last folded")
    peer: str
    unit: Read[str | None] = None
    messages: Count
    began: Time
    last: Time
    last_type: Type | None
    last_state: MessageState


class Conversations(Answer):
    """A page of conversations."""

    next: Next | None
    conversations: list[ConversationLine]


class MessageOperations:
    """Operations on messages, drafts and conversations."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        local_receipts: LocalReceipts,
        status_updates: StatusUpdates,
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
        self._status_updates = status_updates
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
        row = await self._one(asked.id, asked.direction)
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

    async def _one(self, id: str, direction: str | None = None) -> MessageRow:
        rows = await self._content.store.read(lambda c: messages.find(c, id, direction=direction))
        if not rows:
            raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")
        return rows[0]

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
        await self._not_erased(rows[0])
        state = Incoming(rows[0].state)
        if state in (Incoming.AWAITING_ORDER, Incoming.REFUSED):
            raise RefusedError(Code.CONFLICT, f"the message is {state}; nothing was changed")
        if state in (Incoming.AWAITING_HANDOVER, Incoming.HELD):
            await self._local_receipts.acknowledge(rows, hashes)
        if opening:
            await self._local_receipts.opened(rows, hashes)
        row = await self._one(id, messages.IN)
        return OperationResult(value={"id": id, "state": row.state})

    async def _not_erased(self, row: MessageRow) -> None:
        """Return while the content is there. Raises RefusedError: nobody can take, open or send it any more."""
        if await erasing.shown(self._content.store, row) is not None:
            raise RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was changed")

    @operation(
        "message.resend",
        "try now",
        roles=MOVES,
        about=About.CASE,
        answer=Moved,
        units=Units.NARROWED,
    )
    async def resend(self, asked: OneMessage) -> OperationResult:
        """Try now: the backoff of the peer ends; a message that the case system refused is offered again."""
        row = await self._one(asked.id)
        await self._not_erased(row)
        if row.direction == messages.OUT and row.state in (
            str(s) for s in (Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING)
        ):
            self._wakeups.peer_called(row.peer)
        elif row.direction == messages.IN and row.state == Incoming.HELD:
            await offer_again(self._content, self._wakeups, self._clock, row)
        else:
            raise RefusedError(
                Code.CONFLICT,
                f"a message that is {row.state} is not sent again",
                hint="trm message resend ID --failed sends what it said as a new message"
                if row.state == Outgoing.FAILED
                else "submit a new message if the reason no longer holds",
            )
        return OperationResult(value={"id": row.id, "state": row.state})

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
        row = await self._one(id, messages.OUT)
        self._wakeups.outgoing(row.peer).set()
        self._wakeups.handover.set()
        await self._events.happened()
        return OperationResult(value={"id": id, "state": state})

    @operation(
        "draft.list",
        "drafts that wait for a person",
        roles=CASES,
        about=About.CASE,
        answer=Drafts,
        units=Units.NARROWED,
    )
    async def list_drafts(self, asked: DraftPage, caller: Caller) -> OperationResult:
        """Drafts of one state, oldest first; by default those that wait for a person."""
        state, limit, after = asked.state or WAITING, asked.limit, asked.position or 0

        def query(c: Connection) -> tuple[list[local.DraftRow], dict[int, SealedRow]]:
            rows = local.drafts(c, state=state, limit=limit + 1, after=after)
            return rows, content_rows.get(c, [ref for row in rows for ref in (row.ref, row.origin) if ref is not None])

        rows, sealed = await self._content.store.read(query)
        shown, following = paged(rows, limit, lambda row: row.ref)
        return OperationResult(value={"drafts": [*await self._draft_lines(shown, sealed, caller)], "next": following})

    async def _draft_lines(
        self, rows: Sequence[local.DraftRow], sealed: dict[int, SealedRow], caller: Caller
    ) -> list[dict[str, Json]]:
        names = await register.names_of(self._content, [register.draft_key(row.id) for row in rows])
        firsts = [None if row.first is None else row.first.decode() for row in rows]
        people = await self._name_people(first for first in firsts if first is not None)
        return [
            _draft_summary(self._content.sealer, row, sealed)
            | {
                "of_case": names.get(register.draft_key(row.id)),
                "first_by": people.get(first or ""),
                "first_by_caller": first == caller.actor,
            }
            for row, first in zip(rows, firsts, strict=True)
        ]

    async def _name_people(self, actors: Iterable[str]) -> Mapping[str, str]:
        """What colleagues call those who released drafts first, for the second person to see; a user of a case system
        has no name here.
        """
        ids = {actor: id for actor in actors if (id := person_in(actor)) is not None}
        found = await self._content.store.read(lambda c: {id: people_store.find(c, id) for id in set(ids.values())})
        return {actor: row.name for actor, id in ids.items() if (row := found[id]) is not None}

    @operation(
        "draft.show",
        "one draft",
        roles=CASES,
        about=About.CASE,
        answer=WholeDraft,
        units=Units.NARROWED,
        reads=Reading(what="draft"),
    )
    async def show_draft(self, asked: OneDraft, caller: Caller) -> OperationResult:
        """One draft with everything in it, as it would be sent."""
        row, sealed = await find_draft(self._content.store, asked.id)
        (line,) = await self._draft_lines([row], sealed, caller)
        return OperationResult(value=line | {"draft": drafted(self._content.sealer, sealed.get(row.ref))})

    @operation(
        "draft.discard",
        "a named person discards it",
        roles=CASES,
        about=About.CASE,
        answer=Discarded,
        units=Units.NARROWED,
        by_person=True,
    )
    async def discard_draft(self, asked: OneDraft, caller: Caller) -> OperationResult:
        """A named person discards a draft; its record in the case system is told."""
        row, _ = await find_draft(self._content.store, asked.id)
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            if not local.set_draft_state(connection, row.id, was=WAITING, to=DISCARDED):
                raise RefusedError(Code.CONFLICT, f"the draft is {row.state}; nothing was changed")
            content_rows.erase(connection, row.ref)
            register.forget_draft(connection, row.id)
            journal.append_leaf(connection, leaf(now, "draft.discarded", id=row.id, actor=actor))
            if row.origin is not None:
                local.add_notice(connection, kind=str(NoticeKind.DISCARDED), origin=row.origin, at=now)

        await self._content.store.move(move)
        self._wakeups.handover.set()
        return OperationResult(value={"id": row.id, "state": DISCARDED})

    @operation(
        "conversation.list",
        "conversations, most recent first",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Conversations,
        units=Units.NARROWED,
    )
    async def list_conversations(self, asked: ConversationPage) -> OperationResult:
        """Conversations, most recently active first; with one peer, of one kind, in one state."""
        limit, before = asked.limit, asked.position
        wanted = {"peer": peer_of(self._peers, asked.peer), "kind": asked.kind, "state": asked.state}
        await self._status_updates.keep()

        def query(
            c: Connection,
        ) -> tuple[
            list[tuple[bytes, int, int, int]], dict[int, MessageRow], dict[int, SealedRow], dict[Key, ConversationRow]
        ]:
            found = messages.conversations(c, limit=limit + 1, before=before, **wanted)
            refs = [ref for _, first, last, _ in found for ref in (first, last)]
            return (
                found,
                messages.get(c, refs),
                content_rows.get(c, refs),
                rows_of.get(c, [index for index, *_ in found]),
            )

        found, rows, sealed, stands = await self._content.store.read(query)
        items: list[Json] = []
        shown, following = paged(found, limit, lambda one: one[2])
        names = await register.names_of(self._content, [index for index, *_ in shown])
        for _, first, last, count in shown:
            opened, newest = (
                opened_row(self._content.sealer, sealed.get(first)),
                opened_row(self._content.sealer, sealed.get(last)),
            )
            peer = self._peers.get(rows[last].peer)
            of_case = names.get(rows[last].conversation)
            unit, row = own_unit(rows[last], newest), stands.get((rows[last].conversation, rows[last].peer))
            items.append(
                {
                    "conversation": None if opened is None else opened.facts.conversation,
                    "of_case": of_case,
                    "kind": rows[first].kind,
                    "state": None if row is None else row.state,
                    "peer": rows[last].peer if peer is None else peer.name,
                    "unit": unit if unit == own_unit(rows[first], opened) else None,
                    "messages": count,
                    "began": rows[first].at,
                    "last": rows[last].at,
                    "last_type": None if newest is None else newest.facts.body_type,
                    "last_state": rows[last].state,
                }
            )
        return OperationResult(value={"conversations": items, "next": following})


def peer_of(peers: PeerRegistry, peer: str | None) -> str | None:
    """The node of a peer that may be named. Raises RefusedError for one that is not known."""
    return None if peer is None else peers.find(peer).node


def opened_row(sealer: ContentSealer, sealed: SealedRow | None) -> MessageContent | None:
    """The content of a row, None once it was erased."""
    return None if sealed is None else content_codec.read_content(sealer.open(sealed))


def opened_rows(sealer: ContentSealer, sealed: Mapping[int, SealedRow]) -> dict[int, MessageContent]:
    """The contents of several rows, without those that do not open any more: one damaged row hides no other."""
    plaintexts = sealer.open_each(list(sealed.values()))
    return {
        ref: content_codec.read_content(plain)
        for ref, plain in zip(sealed, plaintexts, strict=True)
        if not isinstance(plain, RefusedError)
    }


def own_unit(row: MessageRow, opened: MessageContent | None) -> Json:
    """The unit of this node that sent a message or gets it; None once the content was erased."""
    if opened is None:
        return None
    return opened.halves()[0].get("recipient_unit" if row.direction == messages.IN else "sender_unit")


def summary(
    peers: PeerRegistry, clock: Clock, row: MessageRow, opened: MessageContent | None, of_case: Json = None
) -> dict[str, Json]:
    """One message without its body; type and conversation are null once the content was erased, or is damaged."""
    peer = peers.get(row.peer)
    return {
        "id": row.id,
        "direction": row.direction,
        "peer": row.peer if peer is None else peer.name,
        "type": None if opened is None else opened.facts.body_type,
        "conversation": None if opened is None else opened.facts.conversation,
        "of_case": of_case,
        "in_reply_to": None if opened is None else opened.facts.reply_to,
        "purpose": None if opened is None else opened.facts.purpose,
        "unit": own_unit(row, opened),
        "state": row.state,
        "reason": row.reason,
        "held": _held(clock, row, peer),
        "n": row.n,
        "at": row.at,
        "expires": row.expires,
        "out_of_order": row.out_of_order,
    }


def _held(clock: Clock, row: MessageRow, peer: Peer | None) -> str | None:
    """Why an outgoing message waits for people: nothing is agreed with the peer now (nrm1 8.3)."""
    if row.direction != messages.OUT or Outgoing(row.state) not in SENDING or peer is None:
        return None
    return peer.standing(clock.now()).held


def incoming(connection: Connection, id: str) -> tuple[list[MessageRow], dict[int, str]]:
    """Received messages with this id, and the hashes of their statements by number."""
    rows = messages.find(connection, id, direction=messages.IN)
    return rows, messages.statement_hashes(connection, [row.ref for row in rows])


async def offer_again(content: Content, wakeups: Wakeups, clock: Clock, row: MessageRow) -> None:
    """Offer a held message to the case system again. Raises RefusedError."""
    now, urgent = clock.now(), await _is_urgent(content, row)

    def move(connection: Connection) -> None:
        current = messages.get(connection, [row.ref])[row.ref]
        if current.state != Incoming.HELD:
            raise RefusedError(Code.CONFLICT, f"the message is {current.state} meanwhile; nothing was changed")
        state_transitions.receive_step(connection, current, IncomingEvent.RETRY, at=now)
        messages.arrive(
            connection,
            [messages.InboxRow(ref=row.ref, peer=row.peer, n=row.n or 0, urgent=urgent, attempts=0, next_try=0)],
        )

    await content.store.move(move)
    wakeups.handover.set()


async def _is_urgent(content: Content, row: MessageRow) -> bool:
    """Whether the message goes before all others; one that does not open is held again, in whatever order."""
    sealed = await content.store.read(lambda c: content_rows.get(c, [row.ref]))
    with suppress(RefusedError):
        opened = opened_row(content.sealer, sealed.get(row.ref))
        return opened is not None and never_blocked(opened.facts.body_type)
    return False


# --- drafts -------------------------------------------------------------------------------------------------------


def _draft_summary(sealer: ContentSealer, row: local.DraftRow, sealed: dict[int, SealedRow]) -> dict[str, Json]:
    draft = drafted(sealer, sealed.get(row.ref))
    origin = sealed.get(row.origin) if row.origin is not None else None
    header = draft.get("header")
    return {
        "id": row.id,
        "state": WAITING_SECOND if row.state == WAITING and row.first is not None else row.state,
        "at": row.at,
        "type": draft.get("type"),
        "to": draft.get("to"),
        "unit": header.get("sender_unit") if isinstance(header, dict) else None,
        "record": None if origin is None else sealer.open(origin).decode(),
        "version": version_of(draft),
    }


def version_of(draft: Mapping[str, Json]) -> str:
    """The entity tag of a draft: equal where every member is, and a hash under no key of what only its reader has."""
    return b64u(sha256(canon(dict(draft)))[:16])


def drafted(sealer: ContentSealer, sealed: SealedRow | None) -> dict[str, Json]:
    """The draft in a sealed row; empty once it was erased."""
    if sealed is None:
        return {}
    value = parse(sealer.open(sealed), limit=LIMIT)
    if not isinstance(value, dict):
        raise RuntimeError("a stored draft is an object")
    return {name: member for name, member in value.items() if name != FIRST_BY}


async def find_draft(store: Store, id: str) -> tuple[local.DraftRow, dict[int, SealedRow]]:
    """A draft with its sealed rows: its content, and the name of the record it was made of. Raises RefusedError."""

    def query(c: Connection) -> tuple[local.DraftRow | None, dict[int, SealedRow]]:
        row = local.get_draft(c, id)
        refs = [] if row is None else [ref for ref in (row.ref, row.origin) if ref is not None]
        return row, content_rows.get(c, refs)

    row, sealed = await store.read(query)
    if row is None:
        raise RefusedError(Code.NOT_FOUND, "no such draft", hint="trm draft list shows the ids")
    return row, sealed


# --- conversations ------------------------------------------------------------------------------------------------


async def conversation_rows(content: Content, id: str) -> tuple[Sequence[MessageRow], dict[int, SealedRow]]:
    """Rows and content of one conversation; raises RefusedError not_found."""
    index = content.sealer.conversation_index(id)

    def query(c: Connection) -> tuple[list[MessageRow], dict[int, SealedRow]]:
        rows = messages.of_conversation(c, index)
        return rows, content_rows.get(c, [row.ref for row in rows])

    rows, sealed = await content.store.read(query)
    if not rows:
        raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
    return rows, sealed
