"""Receiving: steps 3b, 11 and 14 of the receive order, with the pure steps of `gateway.exchange.inbound` between them.

Opening and verifying runs in worker threads, for many envelopes at once. Numbering and the accepting transaction run
under one lock per sender, so that a link is judged on what is really stored. One signed batch answers everything that
got a final answer in a request.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

import schemas
from gateway.core import probe
from gateway.core.acceptance import Incoming
from gateway.core.conversation.around import Around
from gateway.core.conversation.facts import quoted_enquiry
from gateway.core.history import NOTHING_SAID, History
from gateway.core.numbering import FIRST_EPOCH, Entry, Gap, LinkView, New, Refuse, Repeat, apply, judge
from gateway.core.scope import listens, never_blocked
from gateway.core.stages import AcceptedMessage
from gateway.errors import WIRE_CODES, Code, GatewayError, RemoteError, TransientError
from gateway.exchange import answers, inbound
from gateway.exchange.answers import Answer
from gateway.exchange.inbound import AuthenticStatement, OpenCek
from gateway.service import conversations, moves, records, uploads
from gateway.service.admission import Examined, admit, examine
from gateway.service.book import Peer
from gateway.service.conversations import Held
from gateway.service.incoming_consent import Effect, effects_of
from gateway.service.leaves import leaf
from gateway.service.parts import Parts
from gateway.service.peering import fetch_chain, stop
from gateway.store import attachments, content, links, log, messages, receipts
from gateway.store import conversations as conversation_rows
from gateway.store.content import SealedRow
from gateway.store.conversations import Key
from gateway.store.links import GapRow, NumberRow
from gateway.store.messages import InboxRow, MessageRow, StatementRow
from gateway.store.receipts import ReceiptRow
from keys.encoding import SKEW, parse
from keys.envelope import (
    MESSAGE_LIFE,
    Envelope,
    Receipt,
    Status,
    Void,
    cek_info,
    link_hash,
    split_envelopes,
    statement_hash,
)
from keys.receipts import batch_hash
from keys.sign import VOID, SignedDocument
from keys.statement import signatures_hash

__all__ = ["Receiver"]

MOST_GAPS = 1_000
"""Missing ranges of one link; a peer that opens more does not count, it floods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One numbered question of a peer, authentic: a message or a void."""

    id: str
    epoch: int
    n: int
    prev: str | None
    link: str
    hash: str
    message: AuthenticStatement | None
    evidence: bytes
    """What proves that the peer asked this: the statement with its signatures, or the signed void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Equivocation:
    """Two ids under one number: the message held under it, and the proof of the other, sealed."""

    held: str
    sealed: SealedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accepted:
    """What one accepted message adds to the database."""

    message: AcceptedMessage
    row: MessageRow
    evidence: int
    """The local number of its evidence."""
    effects: Sequence[Effect]

    def plaintexts(self) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
        """Content and evidence, to be sealed under their numbers."""
        proof = records.evidence(self.message.statement, self.message.signatures)
        return (self.row.ref, records.incoming(self.message)), (self.evidence, proof)


@dataclass(kw_only=True)
class _Verdicts:
    """What one request leaves behind, collected while its questions are judged in order."""

    link: LinkView
    codes: dict[str, Code | None]
    numbers: list[NumberRow]
    gaps: tuple[GapRow, ...]
    accepted: list[_Accepted]
    fresh: list[Receipt]
    receipts: dict[str, Receipt]
    held: dict[Key, Held]
    examined: Mapping[str, Examined | Code] = field(default_factory=dict)
    around: dict[Key, Around] = field(default_factory=dict)
    """Conversations as they are after the messages of this request that were taken."""
    files: Mapping[str, Code | None] = field(default_factory=dict)
    """Step 13d for messages whose parts are all here."""
    coming: dict[str, AuthenticStatement] = field(default_factory=dict)
    """Messages that may come, but whose parts are not all here yet."""
    ended: set[str] = field(default_factory=set)
    """Ids that have their final answer now: what came of their parts is of a message, or of nothing."""
    equivocation: _Equivocation | None = None
    broken: dict[Code, SealedRow] = field(default_factory=dict)
    filled: bool = False


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
        read = [_read(raw) for raw in envelopes]  # 3
        ids = [item.id for item in read if isinstance(item, Envelope)]
        final = await self._parts.store.read(lambda c: _final(c, node, ids))  # 3b
        opened = await self._open(node, [item for item in read if isinstance(item, Envelope) and item.id not in final])
        authentic = {id: item for id, item in opened.items() if isinstance(item, AuthenticStatement)}
        files = await uploads.judge(self._parts, node, authentic)  # 13d
        async with self._locks[node]:
            verdicts = await self._judge(node, list(opened.values()), ids, files)
            document = await self._commit(node, verdicts)
            for item in read:
                if isinstance(item, Envelope) and item.id in verdicts.coming:
                    await uploads.begin(self._parts, node, verdicts.coming[item.id], item.encode())
        return answers.encode_answers([self._answer(item, verdicts, opened) for item in read], document)

    def _answer(
        self, item: Envelope | Code, verdicts: _Verdicts, opened: Mapping[str, AuthenticStatement | Code]
    ) -> Answer:
        if not isinstance(item, Envelope):
            return Answer(id=None, code=item)
        receipt = verdicts.receipts.get(item.id)
        if receipt is not None:
            return Answer(id=item.id, code=None if receipt.code is None else Code(receipt.code))
        failed = opened.get(item.id)
        return Answer(id=item.id, code=failed if isinstance(failed, Code) else verdicts.codes.get(item.id))

    # --- steps 4 to 10 --------------------------------------------------------------------------------------------

    async def _open(self, node: str, envelopes: Sequence[Envelope]) -> dict[str, AuthenticStatement | Code]:
        """Steps 4 to 10 for each envelope, in worker threads."""
        peer = self._peer(node)
        opened = await self._parts.off_loop_pieces(lambda some: self._open_some(peer, some), envelopes)
        results = dict(zip((envelope.id for envelope in envelopes), opened, strict=True))
        late = [envelope for envelope in envelopes if isinstance(results[envelope.id], _Newer)]
        if late:
            results |= await self._open_late(peer, late)
        return {id: result for id, result in results.items() if not isinstance(result, _Newer)}

    async def _open_late(self, peer: Peer, envelopes: Sequence[Envelope]) -> dict[str, AuthenticStatement | Code]:
        """The same for those that name a descriptor that is not held yet, once it is."""
        try:
            newer = await fetch_chain(self._parts, peer)
        except RemoteError as error:
            return {envelope.id: _wire(error.code) for envelope in envelopes}
        opened = await self._parts.off_loop_pieces(lambda some: self._open_some(newer, some), envelopes)
        results: dict[str, AuthenticStatement | Code] = {}
        for envelope, result in zip(envelopes, opened, strict=True):
            if isinstance(result, _Newer):
                raise TransientError(Code.UNREACHABLE, "the sender names a descriptor that it does not publish yet")
            results[envelope.id] = result
        return results

    def _open_some(self, sender: Peer, envelopes: Sequence[Envelope]) -> list[AuthenticStatement | Code | _Newer]:
        """Their content keys are asked for at once; each envelope is then judged for itself."""
        asked = [
            (recipient.kid, recipient.enc, cek_info(recipient.kid, envelope.hdr))
            for envelope in envelopes
            for recipient in envelope.rcp
        ]
        keys = dict(zip(asked, self._parts.keys.each("open_cek", asked), strict=True))

        def open_cek(kid: str, enc: bytes, info: bytes) -> bytes:
            found: bytes | GatewayError = keys[kid, enc, info]
            if isinstance(found, GatewayError):
                raise found
            return found

        opened = [self._open_one(sender, envelope, open_cek) for envelope in envelopes]
        authentic = [item for item in opened if isinstance(item, AuthenticStatement)]
        self._parts.vault.learn(conversations=[item.statement.conv for item in authentic])
        return opened

    def _open_one(self, sender: Peer, envelope: Envelope, open_cek: OpenCek) -> AuthenticStatement | Code | _Newer:
        parts, now = self._parts, self._parts.clock.now()
        own, oldest = parts.own.descriptor, inbound.oldest_usable(parts.own.chain)
        try:
            unpacked = inbound.unpack(envelope, own=own, signer=sender.node, open_cek=open_cek, now=now)
            if unpacked.statement.from_desc > sender.descriptor.version:
                return _Newer()
            return inbound.authenticate(unpacked, own=own, sender=sender.descriptor, now=now, oldest=oldest)
        except RemoteError as error:
            return _wire(error.code)

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
    ) -> _Verdicts:
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

    async def _view(self, node: str, asked: Sequence[_Asked], ids: Sequence[str]) -> _Verdicts:
        wanted = {n for q in asked for n in (q.n - 1, q.n, q.n + 1)}
        judged = {self._key(node, q.message) for q in asked if q.message is not None and _judged(q.message)}

        def query(
            c: Connection,
        ) -> tuple[links.LinkRow, dict[int, NumberRow], tuple[GapRow, ...], dict[str, ReceiptRow], dict[Key, Held]]:
            position = links.position(c, node, links.IN)
            return (
                position,
                links.numbers(c, node, links.IN, position.epoch, wanted | {position.high}),
                links.gaps(c, node, position.epoch),
                receipts.answers(c, node, ids),
                conversations.load(self._parts, c, judged)[0],
            )

        position, known, gaps, stored, held = await self._parts.store.read(query)
        return _Verdicts(
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
        return conversations.key_of(self._parts, message.statement.conv, node)

    async def _number(self, peer: Peer, question: _Asked, verdicts: _Verdicts) -> None:
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
                    verdicts.equivocation = _Equivocation(
                        held=verdicts.link.known[question.n].id,
                        sealed=self._parts.vault.seal(self._parts.store.new_ref(), question.evidence),
                    )
                else:
                    verdicts.broken[refusal] = self._parts.vault.seal(self._parts.store.new_ref(), question.evidence)
            case Repeat():
                verdicts.codes[question.id] = Code.BAD_CHAIN  # numbered without an answer can not happen; stop the link
            case New(opens_gap=Gap()) if len(verdicts.gaps) >= MOST_GAPS:
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
                    of=question.hash, msg=question.id, from_=self._parts.own.node,
                    from_desc=self._parts.own.descriptor.version, to=peer.node, n=question.n,
                    status=status, at=now, code=None if code is None else str(code),
                )  # fmt: skip
                verdicts.receipts[question.id] = receipt
                verdicts.fresh.append(receipt)

    def _use_up(self, question: _Asked, verdicts: _Verdicts) -> None:
        """What was answered in an older epoch and comes again in this one: the old answer, and the number is used
        (B5 Numbering); it would be missing for ever.
        """
        link = verdicts.link
        verdict = judge(
            link, epoch=question.epoch, n=question.n, id=question.id, prev=question.prev, link_hash=question.link
        )
        if isinstance(verdict, New):
            self._consume(question, verdicts, self._parts.clock.now())

    def _consume(self, question: _Asked, verdicts: _Verdicts, now: int) -> None:
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
        self, peer: Peer, question: _Asked, verdict: New, verdicts: _Verdicts, now: int
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
            return _wire(error.code)
        return verdicts.files.get(question.id) or message  # 13d

    async def _take(
        self,
        peer: Peer,
        question: _Asked,
        taken: AcceptedMessage | Code,
        verdict: New,
        verdicts: _Verdicts,
        now: int,
    ) -> tuple[Status, Code | None]:
        if question.message is None or isinstance(taken, Code):
            return Status.REJECTED, taken if isinstance(taken, Code) else Code.VOID
        known = self._known(peer, question.message, verdicts)
        if known is not None:
            key = self._key(peer.node, question.message)
            verdicts.around[key] = known.joined(inbound.as_said(taken, known))
        verdicts.accepted.append(await self._prepare(peer, taken, verdict, now))
        return Status.RECEIVED, None

    def _known(self, peer: Peer, message: AuthenticStatement, verdicts: _Verdicts) -> Around | None:
        """The conversation of a message as it is known here, with what this request has added to it."""
        key, body_type = self._key(peer.node, message), message.statement.body_type
        if key not in verdicts.held or body_type not in schemas.catalogue():
            return None
        return verdicts.around.get(key) or conversations.came(self._parts, verdicts.held[key], key, body_type)

    def _history(self, peer: Peer, message: AuthenticStatement, verdicts: _Verdicts) -> History:
        """What was said before in the conversation of a message, with what this request has added to it."""
        held = verdicts.held.get(self._key(peer.node, message))
        if held is None:
            return NOTHING_SAID
        added = [item.message for item in verdicts.accepted if item.message.conversation == message.statement.conv]
        return held.history(also=[inbound.as_opened(one) for one in added])

    async def _prepare(self, peer: Peer, message: AcceptedMessage, verdict: New, now: int) -> _Accepted:
        parts = self._parts
        ref, evidence_ref = parts.store.new_ref(), parts.store.new_ref()
        urgent = _urgent(message.body_type)
        waits = verdict.behind_gap and not urgent
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
            out_of_order=verdict.behind_gap and urgent,
            origin=None,
        )
        return _Accepted(
            message=message,
            row=row,
            evidence=evidence_ref,
            effects=effects_of(parts, peer, row, message),
        )

    # --- step 14 --------------------------------------------------------------------------------------------------

    async def _commit(self, node: str, verdicts: _Verdicts) -> bytes | None:
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
            _write(connection, node, verdicts, sealed, ref, document, now)

        await parts.store.move(move)
        if verdicts.equivocation is not None:
            await parts.book.refresh()
            await parts.client.forget(node)
        if verdicts.accepted or verdicts.filled:
            parts.signals.handover.set()
        await parts.signals.happened()
        return document

    def _signed(self, batch: Sequence[Receipt], accepted: Sequence[_Accepted]) -> tuple[bytes, list[SealedRow]]:
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
        question = _Asked(
            id=void.id, epoch=void.epoch, n=void.n, prev=void.prev, hash=statement_hash(document.payload),
            message=None, evidence=data,
            link=link_hash(epoch=void.epoch, n=void.n, id=void.id, prev=void.prev),
        )  # fmt: skip
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


def _urgent(body_type: str) -> bool:
    """What is handed over at once: what nothing may hold up, and the test message, which no case system sees."""
    return never_blocked(body_type) or body_type == probe.TYPE


def _has_parts(question: _Asked) -> bool:
    return question.message is not None and bool(question.message.statement.parts)


def _waits(question: _Asked, verdicts: _Verdicts) -> bool:
    """Whether its parts are not all here."""
    return _has_parts(question) and question.id not in verdicts.files


def _judged(message: AuthenticStatement) -> bool:
    """Whether its conversation has to be looked at: not for what nothing may stop."""
    return not never_blocked(message.statement.body_type)


class _Newer:
    """The statement names a descriptor version that is not held yet."""


def _of_statement(item: AuthenticStatement) -> _Asked:
    statement = item.statement
    return _Asked(
        id=statement.id, epoch=statement.epoch, n=statement.n, prev=statement.prev,
        link=item.link_hash, hash=item.statement_hash, message=item,
        evidence=records.evidence(item.statement_bytes, item.signatures),
    )  # fmt: skip


def _read(raw: bytes) -> Envelope | Code:
    try:
        return inbound.read(raw)
    except RemoteError as error:
        return _wire(error.code)


def _wire(code: Code) -> Code:
    """A local code never reaches a peer (B14.6)."""
    return code if code in WIRE_CODES else Code.MALFORMED


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


def _write(
    connection: Connection,
    node: str,
    verdicts: _Verdicts,
    sealed: Sequence[SealedRow],
    ref: int,
    document: bytes | None,
    now: int,
) -> None:
    """Step 14: stored content, number, receipt and leaf in the caller's transaction."""
    if verdicts.numbers:
        if links.position(connection, node, links.IN).epoch != verdicts.link.epoch:
            raise TransientError(Code.LOCKED, "the link was reset meanwhile; nothing was accepted")
        links.use(connection, node, links.IN, verdicts.link.epoch, verdicts.numbers, verdicts.link.high)
        links.set_gaps(connection, node, verdicts.link.epoch, verdicts.gaps)
    accepted = verdicts.accepted
    refs = {item.row.id: item.row.ref for item in accepted}
    for id in verdicts.ended:
        attachments.end(connection, node, id, message=refs.get(id))
    content.put(connection, sealed)
    messages.add(connection, [item.row for item in accepted])
    conversation_rows.changed(connection, [moves.conversation_of(item.row) for item in accepted])
    messages.add_statements(
        connection,
        [
            StatementRow(
                hash=item.message.statement_hash,
                message=item.row.ref,
                evidence=item.evidence,
                created=item.message.created,
            )
            for item in accepted
        ],
    )
    messages.arrive(
        connection,
        [
            InboxRow(
                ref=item.row.ref, peer=node, n=item.message.position.n, urgent=_urgent(item.message.body_type),
                attempts=0, next_try=0,
            )
            for item in accepted
        ],
    )  # fmt: skip
    for item in accepted:
        quoted = quoted_enquiry(item.message.body_type, item.message.content)
        if quoted is not None:
            conversations.quote(connection, item.row, quoted)
        for effect in item.effects:
            effect.write(connection, now)
    log.add_events(connection, [(now, "message", item.row.ref, item.row.state) for item in accepted])
    receipts.add(connection, [_row(receipt, node) for receipt in verdicts.fresh])
    if document is not None and verdicts.fresh:
        receipts.add_batch(connection, ref, document)
        receipts.set_batch(connection, ref, [(r.of, str(r.status)) for r in verdicts.fresh])
    signed = {item.message.statement_hash: signatures_hash(item.message.signatures) for item in accepted}
    log.append_leaves(
        connection,
        [
            leaf(
                now,
                f"message.{receipt.status}",
                of=receipt.of,
                peer=node,
                n=receipt.n,
                code=receipt.code,
                sig=signed.get(receipt.of),
            )
            for receipt in verdicts.fresh
        ],
    )
    if document is not None and verdicts.fresh:
        log.append_leaf(connection, leaf(now, "receipts.issued", of=batch_hash(document), peer=node))
    for code, proven in verdicts.broken.items():  # refused, kept and told to a person (B5 Numbering)
        proof = proven.ref.to_bytes(8, "big")
        if log.raise_alarm(connection, at=now, kind=f"peer.{code}", peer=node, proof=proof):
            content.put(connection, [proven])
    if verdicts.equivocation is not None:
        stop(connection, node, Code.EQUIVOCATION, at=now)
        _keep_proof(connection, node, verdicts.equivocation, now)


def _keep_proof(connection: Connection, node: str, found: _Equivocation, now: int) -> None:
    """An alarm that names the message held and, as its proof, the number of the sealed row with the other statement."""
    content.put(connection, [found.sealed])
    held = messages.find(connection, found.held, direction=messages.IN, peer=node)
    log.raise_alarm(
        connection, at=now, kind=f"peer.{Code.EQUIVOCATION}", peer=node, ref=held[0].ref if held else None,
        proof=found.sealed.ref.to_bytes(8, "big"),
    )  # fmt: skip


def _row(receipt: Receipt, node: str) -> ReceiptRow:
    return ReceiptRow(
        of=receipt.of, status=str(receipt.status), peer=node, direction=receipts.ISSUED, id=receipt.msg,
        code=receipt.code, at=receipt.at, object=receipt.encode(), batch=None,
    )  # fmt: skip
