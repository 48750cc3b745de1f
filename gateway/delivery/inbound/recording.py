"""Receive step 19: everything that one request leaves is written in one transaction, on disk before the answer goes.

What takes long comes before the transaction, in a worker thread: one signature over all final answers, and the
contents sealed, each under a key of its own. The transaction then only writes. Where the answer waits for the
hand-over, it is signed behind the transaction, together with what was handed over (`gateway.delivery.answering`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from sqlalchemy import Connection

import schemas
from gateway.attachments import store as attachment_store
from gateway.cases.news import CaseNews, ReadNews, write_news
from gateway.cases.register import CaseRegister
from gateway.consent.known_by import RECORD
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.answering import Answering
from gateway.delivery.inbound.answer_signing import Recorded
from gateway.delivery.inbound.results import JudgedRequests, NumberRefused, Received
from gateway.delivery.inbound.rules import NumberedRequest, first_state, goes_at_once
from gateway.errors import Code, TransientError
from gateway.foundation.ids import MessageId, NodeId
from gateway.foundation.logs import logger
from gateway.foundation.telemetry.request_ids import current_request_id
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers, content_codec, state_transitions
from gateway.messages.effects import Effect, Effects, effects_of
from gateway.messages.machines.numbering import Gap
from gateway.messages.store import batches, links, messages, receipts
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.store.messages import InboxRow, MessageRow, StatementRow
from gateway.messages.types import AcceptedMessage
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.link import PeerLink
from gateway.ports import Clock
from gateway.trust.peer_sync import stop
from keys.documents.envelope import MESSAGE_LIFE, Receipt
from keys.documents.receipts import SignedReceipts
from schemas.types import never_blocked

TakeAway: TypeAlias = Callable[[Connection, Sequence[MessageRow]], Collection[int]]
"""Erases those of new messages that were erased before this node was put back; their local numbers (nrm1 13.15)."""


TellAgain: TypeAlias = Callable[[Connection, NodeId, Sequence[MessageId]], None]
"""Makes erased messages of a peer untold, since they came once more, sealed to keys that are here (nrm1 6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """What one accepted message adds to the database; ``evidence`` is the number of the row with its statement."""

    message: AcceptedMessage
    row: MessageRow
    evidence: int
    effects: Sequence[Effect]
    news: CaseNews

    def plaintexts(self) -> list[tuple[int, bytes]]:
        """Content and evidence, to be sealed under their numbers: the evidence stays when the content is erased. And
        what the message says of its case.
        """
        proof = content_codec.evidence(self.message.statement, self.message.proof)
        kept = (self.row.ref, content_codec.incoming(self.message)), (self.evidence, proof)
        return [*kept, *self.news.plaintexts()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A refused number with the number of the row that keeps what the peer signed."""

    refused: NumberRefused
    evidence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """All that the transaction writes. ``sealed`` are rows by their number; ``signed`` are the receipts that answer,
    ``batch`` is the number under which a new batch of them is stored.
    """

    node: NodeId
    judged: JudgedRequests
    messages: Sequence[NewMessage]
    faults: Sequence[Fault]
    sealed: Mapping[int, SealedRow]
    signed: SignedReceipts | None
    batch: int
    now: int


class LinkMovedError(Exception):
    """Another worker of this node has used numbers of the link since it was read; nothing was written."""


class Recorder:
    """Signs, seals and writes what the steps before decided, and wakes who waits for it."""

    def __init__(
        self,
        *,
        content: Content,
        identity: Identity,
        link: PeerLink,
        effects: Effects,
        cases: CaseRegister,
        read_news: ReadNews,
        take_away: TakeAway,
        tell_again: TellAgain,
        answering: Answering,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._store = content.store
        self._sealer = content.sealer
        self._keys = identity.keys
        self._link = link
        self._effects = effects
        self._cases = cases
        self._read_news = read_news
        self._take_away = take_away
        self._tell_again = tell_again
        self._answering = answering
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._trail = wakeups.trail
        self._log = logger()
        self._clock = clock

    async def record_results(self, node: NodeId, judged: JudgedRequests) -> Recorded:
        """Write the results of one request. Its answer is signed behind the lock of the link, by `AnswerSigner`.

        Raises:
            TransientError: locked; the link was reset meanwhile and nothing was written.
            LinkMovedError: these have to be judged once more.
        """
        final, again = list(judged.receipts.values()), tuple(judged.stored)
        faults = [Fault(refused=refused, evidence=self._store.new_ref()) for refused in judged.evident]
        if not judged.numbered and not judged.came_again and not faults:
            return Recorded(final=final, again=again)
        received = {result.request.id for result in judged.received if not result.behind_gap}
        waits = bool(received) and not again
        answer = self._answering.begin(node, final, received) if waits else None
        try:
            signed = await self._write(node, judged, faults, final if judged.answered and answer is None else [])
        except BaseException:
            if answer is not None:
                self._answering.end(answer, None)
            raise
        return Recorded(final=final, signed=signed, answer=answer, again=again)

    async def _write(
        self, node: NodeId, judged: JudgedRequests, faults: Sequence[Fault], unsigned: Sequence[Receipt]
    ) -> SignedReceipts | None:
        """Sign what is to be signed ahead, and write everything."""
        added = [self._make_rows(node, result) for result in judged.received]
        signed: SignedReceipts | None = None
        sealed: Sequence[SealedRow] = ()
        if unsigned or added or faults:
            signed, sealed = await self._workers.off_loop(partial(self._sign_and_seal, unsigned, added, faults))
        writing = Writing(
            node=node,
            judged=judged,
            messages=added,
            faults=faults,
            sealed={row.ref: row for row in sealed},
            signed=signed,
            batch=self._store.new_ref(),
            now=self._clock.now(),
        )

        def move(connection: Connection) -> None:
            write_results(connection, writing, self._cases, self._take_away)
            self._tell_again(connection, node, judged.came_again)

        await self._store.move(move)
        for item in added:
            self._trail.note(item.row.ref, current_request_id())
            self._log.info("message.received", peer=node, ref=item.row.ref)
        await self._tell(writing)
        return signed

    def _make_rows(self, node: NodeId, result: Received) -> NewMessage:
        message, ref = result.message, self._store.new_ref()
        # Of a record its own consent, as at its sender: one that goes ahead of what relies on it names none.
        consent = message.content["consent_id"] if message.body_type == RECORD else message.header.get("consent_ref")
        row = MessageRow(
            ref=ref,
            direction=messages.IN,
            peer=node,
            id=message.id,
            conversation=self._sealer.conversation_index(message.conversation),
            consent=self._sealer.consent_index(consent) if isinstance(consent, str) else None,
            kind=schemas.load_catalogue().get(message.body_type).kind,
            state=str(first_state(message.body_type, behind_gap=result.behind_gap)),
            reason=None,
            epoch=message.position.epoch,
            n=message.position.n,
            prev=message.position.prev,
            size=len(message.body),
            at=result.receipt.at,
            expires=result.receipt.at + MESSAGE_LIFE,
            out_of_order=result.behind_gap and goes_at_once(message.body_type),
            origin=None,
        )
        return NewMessage(
            message=message,
            row=row,
            evidence=self._store.new_ref(),
            effects=effects_of(self._effects, row, message),
            news=self._read_news(row, message),
        )

    def _sign_and_seal(
        self, final: Sequence[Receipt], added: Sequence[NewMessage], faults: Sequence[Fault]
    ) -> tuple[SignedReceipts | None, list[SealedRow]]:
        """Sign the final answers by one signature, and seal what is kept."""
        signed = answers.sign_receipts(final, self._keys.sign_batch) if final else None
        plaintexts = [plain for message in added for plain in message.plaintexts()]
        plaintexts += [(fault.evidence, fault.refused.request.evidence) for fault in faults]
        return signed, self._sealer.seal_each(plaintexts) if plaintexts else []

    async def _tell(self, writing: Writing) -> None:
        judged = writing.judged
        if any(
            fault.refused.refusal.code is Code.EQUIVOCATION for fault in writing.faults
        ):  # the peer is suspended now
            await self._link.registry.refresh()
            await self._link.client.forget(writing.node)
        if writing.messages or (judged.numbered and judged.before.view.gaps):  # also when a gap was filled
            self._wakeups.handover.set()
        await self._events.happened()


# --- the transaction --------------------------------------------------------------------------------------------------


def write_results(connection: Connection, writing: Writing, cases: CaseRegister, take_away: TakeAway) -> None:
    """Write numbers, messages, receipts, audit entries and evidence in the caller's transaction."""
    _use_numbers(connection, writing)
    _link_anew(connection, writing)
    _end_uploads(connection, writing)
    _add_messages(connection, writing, cases, take_away)
    _add_receipts(connection, writing)
    _append_entries(connection, writing)
    for fault in writing.faults:
        _keep_evidence(connection, writing, fault)


def _use_numbers(connection: Connection, writing: Writing) -> None:
    """Consume the numbers, unless people reset the link after it was loaded, when they would be counted in another
    epoch, or another worker of this node has used numbers of it, by which these were not judged.
    """
    rows = [_number_row(request) for request in writing.judged.numbered]
    if not rows:
        return
    before, after = writing.judged.before, writing.judged.after
    epoch, high = links.reached(connection, writing.node, links.IN)
    if epoch != after.view.epoch:
        raise TransientError(Code.LOCKED, "the link was reset meanwhile; nothing was accepted")
    held = before.view.gaps and tuple(Gap(row.first, row.last) for row in links.gaps(connection, writing.node, epoch))
    if (high, held) != (before.view.high, before.view.gaps):
        raise LinkMovedError
    links.use(connection, writing.node, links.IN, after.view.epoch, rows, after.view.high)
    if after.view.gaps != before.view.gaps:
        gaps = [GapRow(first=gap.first, last=gap.last, seen=after.seen[gap]) for gap in after.view.gaps]
        links.set_gaps(connection, writing.node, after.view.epoch, gaps)


def _link_anew(connection: Connection, writing: Writing) -> None:
    """Give numbers of the first form the links that they have in the second."""
    rows = [_number_row(request) for request in writing.judged.linked_anew]
    if rows:
        links.chain_anew(connection, writing.node, links.IN, writing.judged.after.view.epoch, rows)


def _number_row(request: NumberedRequest) -> NumberRow:
    return NumberRow(n=request.n, id=request.id, prev=request.prev, link=request.link_hash)


def _end_uploads(connection: Connection, writing: Writing) -> None:
    """Give the files that came to their message, or to nobody: with its final answer an id waits for no file.

    A void may end a message whose envelope with files was kept here before.
    """
    refs = {new.row.id: new.row.ref for new in writing.messages}
    for result in writing.judged.answered:
        if result.request.message is None or result.request.has_parts:
            id = result.request.id
            attachment_store.end(connection, writing.node, id, message=refs.get(id))


def _add_messages(connection: Connection, writing: Writing, cases: CaseRegister, take_away: TakeAway) -> None:
    """Keep the messages and do what they do here. What was erased before and comes again is erased at once, and does
    nothing but what nothing may block.
    """
    added = writing.messages
    content.put(connection, [writing.sealed[ref] for new in added for ref in (new.row.ref, new.evidence)])
    state_transitions.begin(connection, [(new.row, new.message.body_type) for new in added])
    messages.add(connection, [new.row for new in added])
    begun = cases.join_received(connection, [new.row for new in added], writing.now)
    batches.add(connection, [new.message.proof.batch for new in added])
    messages.add_statements(connection, [_statement_row(new) for new in added])
    messages.arrive(connection, [_inbox_row(writing.node, new) for new in added])
    journal.add_events(connection, [(writing.now, "message", new.row.ref, new.row.state) for new in added])
    gone = take_away(connection, [new.row for new in added])
    acting = [new for new in added if new.row.ref not in gone or never_blocked(new.message.body_type)]
    write_news(cases, connection, [new.news for new in acting], begun, writing.sealed)
    for new in acting:
        for effect in new.effects:
            effect.write(connection, writing.now)


def _statement_row(new: NewMessage) -> StatementRow:
    return StatementRow(
        hash=new.message.statement_hash, message=new.row.ref, evidence=new.evidence, created=new.message.created
    )


def _inbox_row(node: NodeId, new: NewMessage) -> InboxRow:
    return InboxRow(
        ref=new.row.ref,
        peer=node,
        n=new.message.position.n,
        urgent=goes_at_once(new.message.body_type),
        attempts=0,
        next_try=0,
    )


def _add_receipts(connection: Connection, writing: Writing) -> None:
    fresh = {(result.receipt.of, str(result.receipt.status)) for result in writing.judged.answered}
    if fresh and writing.signed is None:
        unsigned = [receipts.make_row(one.receipt, receipts.ISSUED, writing.node) for one in writing.judged.answered]
        receipts.add(connection, unsigned)
    elif writing.signed is not None and fresh:
        rows = receipts.make_rows(writing.signed, receipts.ISSUED, writing.node, writing.batch)
        receipts.add_batch(connection, writing.batch, writing.signed.batch)
        receipts.add(connection, [row for row in rows if (row.of, row.status) in fresh])


def _append_entries(connection: Connection, writing: Writing) -> None:
    """Log each new answer, with what proves the message that was taken, and then the batch that tells them."""
    proofs = {new.message.statement_hash: new.message.proof_hash for new in writing.messages}
    fresh = [result.receipt for result in writing.judged.answered]
    entries = [
        leaf(
            writing.now,
            f"message.{receipt.status}",
            of=receipt.of,
            peer=writing.node,
            n=receipt.n,
            code=receipt.code,
            sig=proofs.get(receipt.of),
        )
        for receipt in fresh
    ]
    if writing.signed is not None and fresh:
        entries.append(leaf(writing.now, "receipts.issued", of=writing.signed.batch.hash, peer=writing.node))
    journal.append_leaves(connection, entries)


def _keep_evidence(connection: Connection, writing: Writing, fault: Fault) -> None:
    """Tell a person of a refused number, with the row that has what the peer signed as its proof (nrm1 5.4)."""
    refusal, node = fault.refused.refusal, writing.node
    held = []
    if refusal.code is Code.EQUIVOCATION:  # two statements under one number: the peer is stopped
        stop(connection, node, Code.EQUIVOCATION, at=writing.now)
        held = messages.find(connection, refusal.held or "", direction=messages.IN, peer=node)
    raised = journal.raise_alarm(
        connection,
        at=writing.now,
        kind=f"peer.{refusal.code}",
        peer=node,
        ref=held[0].ref if held else None,
        proof=fault.evidence.to_bytes(8, "big"),
    )
    if raised:  # once while the alarm is open: a peer that repeats a fault for ever does not fill the disk
        content.put(connection, [writing.sealed[fault.evidence]])
        said = fault.refused.request.message
        batches.add(connection, [] if said is None else [said.proof.batch])
