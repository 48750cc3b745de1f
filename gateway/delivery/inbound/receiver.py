"""Receiving: one request of a peer through the receive order (PROTOCOL B14), with the pure steps of
`gateway.delivery.inbound.steps` between those that need the node.

Opening and verifying runs in worker threads, for many envelopes at once (`opening`). Numbering and the accepting
transaction (`verdicts`) run under one lock per sender, so that a link is judged on what is really stored. One signed
batch answers everything that got a final answer in a request.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

import schemas
from gateway.conversations.history import NOTHING_SAID, History
from gateway.conversations.loader import LoadedConversation
from gateway.conversations.rules.context import ConversationContext
from gateway.database.content import SealedRow
from gateway.delivery.inbound import opening, steps
from gateway.delivery.inbound.admission import admit, examine
from gateway.delivery.inbound.results import Accepted, Equivocation, NumberedRequest, RequestResult, urgent, write
from gateway.errors import Code, RemoteError
from gateway.foundation.ids import MessageId
from gateway.messages import answers, content_codec
from gateway.messages.answers import Answer
from gateway.messages.effects import effects_of
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.numbering import FIRST_EPOCH, Entry, Gap, LinkView, New, Refuse, Repeat, apply, judge
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.conversations import Key
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from gateway.node.parts import Parts
from gateway.peers.registry import Peer
from gateway.peers.scope import listens
from keys.documents.envelope import (
    MESSAGE_LIFE,
    Envelope,
    Receipt,
    Status,
    Void,
    link_hash,
    split_envelopes,
    statement_hash,
)
from keys.primitives.encoding import SKEW, parse
from keys.primitives.sign import VOID, SignedDocument
from schemas.types import never_blocked

__all__ = ["Receiver"]

MOST_GAPS = 1_000
"""Missing ranges of one link; a peer that opens more does not count, it floods."""


class Receiver:
    """Answers `/v1/messages` and `/v1/void` for proven peers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def messages(self, node: str, data: bytes) -> bytes:
        """The answer to one request of envelopes.

        Raises:
            RemoteError: the request as a whole is refused.
            TransientError: it can not be judged now; the peer repeats the same bytes.
        """
        envelopes = split_envelopes(data)
        read = [opening.read(raw) for raw in envelopes]  # 3
        ids = [item.id for item in read if isinstance(item, Envelope)]
        final = await self._parts.store.read(lambda c: _final(c, node, ids))  # 3b
        unknown = [item for item in read if isinstance(item, Envelope) and item.id not in final]
        opened = await opening.open_all(self._parts, self._peer(node), unknown)  # 4 to 10
        authentic = {id: item for id, item in opened.items() if isinstance(item, AuthenticStatement)}
        files = await self._parts.incoming_files.judge(node, authentic)  # 13d
        async with self._locks[node]:
            verdicts = await self._judge(node, list(opened.values()), ids, files)
            document = await self._commit(node, verdicts)
            for item in read:
                if isinstance(item, Envelope) and item.id in verdicts.coming:
                    await self._parts.incoming_files.begin(node, verdicts.coming[item.id], item.encode())
        return answers.encode_answers([self._answer(item, verdicts, opened) for item in read], document)

    def _answer(
        self, item: Envelope | Code, verdicts: RequestResult, opened: Mapping[str, AuthenticStatement | Code]
    ) -> Answer:
        if not isinstance(item, Envelope):
            return Answer(id=None, code=item)
        receipt = verdicts.receipts.get(item.id)
        if receipt is not None:
            return Answer(id=item.id, code=None if receipt.code is None else Code(receipt.code))
        failed = opened.get(item.id)
        return Answer(id=item.id, code=failed if isinstance(failed, Code) else verdicts.codes.get(item.id))

    def _peer(self, node: str) -> Peer:
        peer = self._parts.book.get(node)
        if peer is None or not listens(peer.state):
            raise RemoteError(Code.UNKNOWN_SENDER, "the peer is not active")
        return peer

    # --- steps 11 to 13 -------------------------------------------------------------------------------------------

    async def _judge(
        self,
        node: str,
        opened: Sequence[AuthenticStatement | Code],
        ids: Sequence[str],
        files: Mapping[str, Code | None],
    ) -> RequestResult:
        """Number, scope and body of what is authentic, in the order of the numbers; under the lock of the link."""
        asked = [_of_statement(item) for item in opened if isinstance(item, AuthenticStatement)]
        verdicts = await self._view(node, asked, ids)
        verdicts.files = files
        peer = self._peer(node)
        new = {q.id: q.message for q in asked if q.message is not None and q.id not in verdicts.receipts}
        verdicts.examined = await examine(self._parts, peer, new)
        for question in sorted(asked, key=lambda q: (q.epoch, q.n)):
            if question.id not in verdicts.receipts:
                await self._number(peer, question, verdicts)
            else:
                self._use_up(question, verdicts)
        return verdicts

    async def _view(self, node: str, asked: Sequence[NumberedRequest], ids: Sequence[str]) -> RequestResult:
        wanted = {n for q in asked for n in (q.n - 1, q.n, q.n + 1)}
        judged = {self._key(node, q.message) for q in asked if q.message is not None and _judged(q.message)}

        def query(
            c: Connection,
        ) -> tuple[
            links.LinkRow,
            dict[int, NumberRow],
            tuple[GapRow, ...],
            dict[str, ReceiptRow],
            dict[Key, LoadedConversation],
        ]:
            position = links.position(c, node, links.IN)
            return (
                position,
                links.numbers(c, node, links.IN, position.epoch, wanted | {position.high}),
                links.gaps(c, node, position.epoch),
                receipts.answers(c, node, ids),
                self._parts.loader.load(c, judged)[0],
            )

        position, known, gaps, stored, held = await self._parts.store.read(query)
        return RequestResult(
            link=LinkView(
                epoch=position.epoch,
                high=position.high,
                known={n: Entry(id=row.id, prev=row.prev, link_hash=row.link) for n, row in known.items()},
                gaps=tuple(Gap(gap.first, gap.last) for gap in gaps),
            ),
            codes={},
            numbers=[],
            gaps=gaps,
            accepted=[],
            fresh=[],
            receipts={id: _receipt(row.object) for id, row in stored.items()},
            held=held,
        )

    def _key(self, node: str, message: AuthenticStatement) -> Key:
        return self._parts.loader.key_of(message.statement.conv, node)

    async def _number(self, peer: Peer, question: NumberedRequest, verdicts: RequestResult) -> None:
        """Step 11, and 12 and 13 for a message with a new number."""
        now = self._parts.clock.now()
        verdict = judge(
            verdicts.link,
            epoch=question.epoch,
            n=question.n,
            id=question.id,
            prev=question.prev,
            link_hash=question.link,
        )
        match verdict:
            case Refuse(code=Code.ROLLBACK) if not self._parts.book.speaks(peer.node):
                verdicts.codes[question.id] = Code.LINK_RESET_REQUIRED  # the peer has not accepted the reset yet
            case Refuse(code=refusal):
                verdicts.codes[question.id] = refusal
                if refusal is Code.EQUIVOCATION:
                    verdicts.equivocation = Equivocation(
                        held=verdicts.link.known[question.n].id,
                        sealed=self._parts.vault.seal(self._parts.store.new_ref(), question.evidence),
                    )
                else:
                    verdicts.broken[refusal] = self._parts.vault.seal(self._parts.store.new_ref(), question.evidence)
            case Repeat():
                verdicts.codes[question.id] = Code.BAD_CHAIN  # numbered without an answer can not happen; stop the link
            case New() if _floods(verdicts, question.n):
                verdicts.codes[question.id] = Code.BAD_CHAIN
            case New():
                taken = self._taken(peer, question, verdict, verdicts, now)
                if isinstance(taken, AcceptedMessage) and _waits(question, verdicts) and question.message is not None:
                    verdicts.codes[question.id] = None  # the number is used when the last part is here (B14.10)
                    verdicts.coming[question.id] = question.message
                    return
                if question.message is None or _has_parts(question):
                    verdicts.ended.add(question.id)
                self._consume(question, verdicts, now)
                status, code = await self._take(peer, question, taken, verdict, verdicts, now)
                receipt = Receipt(
                    of=question.hash,
                    msg=MessageId(question.id),
                    from_=self._parts.own.node,
                    from_desc=self._parts.own.descriptor.version,
                    to=peer.node,
                    n=question.n,
                    status=status,
                    at=now,
                    code=None if code is None else str(code),
                )
                verdicts.receipts[question.id] = receipt
                verdicts.fresh.append(receipt)

    def _use_up(self, question: NumberedRequest, verdicts: RequestResult) -> None:
        """What was answered in an older epoch and comes again in this one: the old answer, and the number is used
        (B5 Numbering); it would be missing for ever.
        """
        link = verdicts.link
        verdict = judge(
            link, epoch=question.epoch, n=question.n, id=question.id, prev=question.prev, link_hash=question.link
        )
        if isinstance(verdict, New) and not _floods(verdicts, question.n):
            self._consume(question, verdicts, self._parts.clock.now())

    def _consume(self, question: NumberedRequest, verdicts: RequestResult, now: int) -> None:
        before = {(gap.first, gap.last): gap.seen for gap in verdicts.gaps}
        high, gaps = apply(verdicts.link, question.n)
        verdicts.filled = verdicts.filled or bool(verdicts.link.gaps)
        verdicts.gaps = tuple(
            GapRow(first=gap.first, last=gap.last, seen=_seen_before(before, gap, now)) for gap in gaps
        )
        verdicts.link = replace(
            verdicts.link,
            high=high,
            gaps=gaps,
            known={
                **verdicts.link.known,
                question.n: Entry(id=question.id, prev=question.prev, link_hash=question.link),
            },
        )
        verdicts.numbers.append(NumberRow(n=question.n, id=question.id, prev=question.prev, link=question.link))

    def _taken(
        self, peer: Peer, question: NumberedRequest, verdict: New, verdicts: RequestResult, now: int
    ) -> AcceptedMessage | Code:
        """What steps 12 to 13d say of a message, or that the question is a void."""
        if question.message is None:
            return Code.VOID
        examined = verdicts.examined[question.id]
        if isinstance(examined, Code):
            return examined
        before = [item.message for item in verdicts.accepted]
        try:
            known = self._known(peer, question.message, verdicts)
            around = replace(known, partial=True) if known is not None and verdict.behind_gap else known
            history = self._history(peer, question.message, verdicts)
            message = admit(self._parts, peer, examined, before, around, history, now)  # 13b, 13c
        except RemoteError as error:
            return opening.wire(error.code)
        return verdicts.files.get(question.id) or message  # 13d

    async def _take(
        self,
        peer: Peer,
        question: NumberedRequest,
        taken: AcceptedMessage | Code,
        verdict: New,
        verdicts: RequestResult,
        now: int,
    ) -> tuple[Status, Code | None]:
        if question.message is None or isinstance(taken, Code):
            return Status.REJECTED, taken if isinstance(taken, Code) else Code.VOID
        known = self._known(peer, question.message, verdicts)
        if known is not None:
            key = self._key(peer.node, question.message)
            verdicts.around[key] = known.joined(steps.to_conversation_message(taken, known))
        verdicts.accepted.append(await self._prepare(peer, taken, verdict, now))
        return Status.RECEIVED, None

    def _known(self, peer: Peer, message: AuthenticStatement, verdicts: RequestResult) -> ConversationContext | None:
        """The conversation of a message as it is known here, with what this request has added to it."""
        key, body_type = self._key(peer.node, message), message.statement.body_type
        if key not in verdicts.held or body_type not in schemas.catalogue():
            return None
        return verdicts.around.get(key) or self._parts.loader.came(verdicts.held[key], key, body_type)

    def _history(self, peer: Peer, message: AuthenticStatement, verdicts: RequestResult) -> History:
        """What was said before in the conversation of a message, with what this request has added to it."""
        held = verdicts.held.get(self._key(peer.node, message))
        if held is None:
            return NOTHING_SAID
        added = [item.message for item in verdicts.accepted if item.message.conversation == message.statement.conv]
        return held.history(also=[steps.to_gate_message(one) for one in added])

    async def _prepare(self, peer: Peer, message: AcceptedMessage, verdict: New, now: int) -> Accepted:
        parts = self._parts
        ref, evidence_ref = parts.store.new_ref(), parts.store.new_ref()
        at_once = urgent(message.body_type)
        waits = verdict.behind_gap and not at_once
        reference = message.header.get("consent_ref")
        row = MessageRow(
            ref=ref,
            direction=messages.IN,
            peer=peer.node,
            id=message.id,
            conversation=parts.vault.conversation_index(message.conversation),
            consent=parts.vault.consent_index(reference) if isinstance(reference, str) else None,
            kind=schemas.catalogue().get(message.body_type).kind,
            state=str(Incoming.AWAITING_ORDER if waits else Incoming.AWAITING_HANDOVER),
            reason=None,
            epoch=message.position.epoch,
            n=message.position.n,
            prev=message.position.prev,
            size=len(message.body),
            at=now,
            expires=now + MESSAGE_LIFE,
            out_of_order=verdict.behind_gap and at_once,
            origin=None,
        )
        return Accepted(
            message=message,
            row=row,
            evidence=evidence_ref,
            effects=effects_of(parts.effects, row, message),
        )

    # --- step 14 --------------------------------------------------------------------------------------------------

    async def _commit(self, node: str, verdicts: RequestResult) -> bytes | None:
        """One transaction for everything that was decided; returns the signed batch that answers it."""
        parts = self._parts
        proofs = verdicts.equivocation is not None or bool(verdicts.broken)
        if not verdicts.receipts and not proofs:
            return None
        batch = list(verdicts.receipts.values())
        document = await self._same_batch(batch) if batch and not verdicts.fresh else None
        sealed: list[SealedRow] = []
        if document is None and batch:  # what was accepted has a fresh receipt, so nothing of it is left out
            document, sealed = await parts.off_loop(lambda: self._signed(batch, verdicts.accepted))
        if not verdicts.fresh and not proofs and not verdicts.numbers:
            return document
        ref, now = parts.store.new_ref(), parts.clock.now()

        def move(connection: Connection) -> None:
            write(connection, node, verdicts, sealed, ref, document, now)

        await parts.store.move(move)
        if verdicts.equivocation is not None:
            await parts.book.refresh()
            await parts.client.forget(node)
        if verdicts.accepted or verdicts.filled:
            parts.signals.handover.set()
        await parts.signals.happened()
        return document

    def _signed(self, batch: Sequence[Receipt], accepted: Sequence[Accepted]) -> tuple[bytes, list[SealedRow]]:
        """The receipts in one signed batch, and the sealed rows of what was accepted."""
        document = answers.sign_receipts(batch, self._parts.keys.sign)
        plaintexts = [plain for item in accepted for plain in item.plaintexts()]
        return document, self._parts.vault.seal_each(plaintexts) if plaintexts else []

    async def _same_batch(self, batch: Sequence[Receipt]) -> bytes | None:
        """The stored document, when this is exactly one earlier batch (B14.2)."""
        keys = [(receipt.of, str(receipt.status)) for receipt in batch]
        return self._parts.own.as_signed(await self._parts.store.read(lambda c: receipts.stored_batch(c, keys)))

    # --- void and link --------------------------------------------------------------------------------------------

    async def void(self, node: str, data: bytes) -> bytes:
        """The answer to a void: the stored receipt, or a signed `rejected(void)` that consumes the number (B5)."""
        parts, now = self._parts, self._parts.clock.now()
        peer = self._peer(node)
        document = SignedDocument.decode(data, VOID)
        void = Void.parse(document.payload)
        if void.from_ != node:
            raise RemoteError(Code.UNKNOWN_SENDER, "the void was made by another node")
        if void.to != parts.own.node:
            raise RemoteError(Code.MISDIRECTED, "the void is addressed to another node")
        key = peer.descriptor.signing_key(document.signature.kid, at=void.created)
        await parts.off_loop(lambda: document.verify(key))
        if void.created > now + SKEW:
            raise RemoteError(Code.NOT_YET_VALID, "the void was made in the future")
        question = NumberedRequest(
            id=void.id,
            epoch=void.epoch,
            n=void.n,
            prev=void.prev,
            hash=statement_hash(document.payload),
            message=None,
            evidence=data,
            link=link_hash(epoch=void.epoch, n=void.n, id=void.id, prev=void.prev),
        )
        async with self._locks[node]:
            verdicts = await self._view(node, [question], [void.id])
            if void.id not in verdicts.receipts:
                await self._number(peer, question, verdicts)
            else:
                self._use_up(question, verdicts)
            batch = await self._commit(node, verdicts)
        receipt = verdicts.receipts.get(void.id)
        code = verdicts.codes.get(void.id)
        if receipt is not None and receipt.code is not None:
            code = Code(receipt.code)
        return answers.encode_answers([Answer(id=void.id, code=code)], batch)


def _has_parts(question: NumberedRequest) -> bool:
    return question.message is not None and bool(question.message.statement.parts)


def _waits(question: NumberedRequest, verdicts: RequestResult) -> bool:
    """Whether its parts are not all here."""
    return _has_parts(question) and question.id not in verdicts.files


def _floods(verdicts: RequestResult, n: int) -> bool:
    """Whether the number would leave more missing ranges than there are, and more than one link may have."""
    return MOST_GAPS < len(apply(verdicts.link, n)[1]) > len(verdicts.gaps)


def _judged(message: AuthenticStatement) -> bool:
    """Whether its conversation has to be looked at: not for what nothing may stop."""
    return not never_blocked(message.statement.body_type)


def _of_statement(item: AuthenticStatement) -> NumberedRequest:
    statement = item.statement
    return NumberedRequest(
        id=statement.id,
        epoch=statement.epoch,
        n=statement.n,
        prev=statement.prev,
        link=item.link_hash,
        hash=item.statement_hash,
        message=item,
        evidence=content_codec.evidence(item.statement_bytes, item.signatures),
    )


def _receipt(data: bytes) -> Receipt:
    return Receipt.from_json(parse(data, limit=10_000))


def _final(connection: Connection, node: str, ids: Sequence[str]) -> Mapping[str, ReceiptRow]:
    """Step 3b: what has its final answer. After a reset it may come again under a new number, which has to be used: it
    is opened once more and gets the old answer all the same (`Receiver._use_up`).
    """
    reset = links.position(connection, node, links.IN).epoch != FIRST_EPOCH
    return {} if reset else receipts.answers(connection, node, ids)


def _seen_before(before: Mapping[tuple[int, int], int], gap: Gap, now: int) -> int:
    """When a gap, or the wider one it is a rest of, was first seen."""
    for (first, last), seen in before.items():
        if first <= gap.first and gap.last <= last:
            return seen
    return now
