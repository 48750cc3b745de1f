"""What one request of a peer leaves behind, collected while it is judged; step 14 of the receive order writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.conversations import loader
from gateway.conversations.loader import LoadedConversation
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import quoted_enquiry
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.delivery.inbound.admission import Examined
from gateway.errors import Code, TransientError
from gateway.messages import content_codec, probe, state_transitions
from gateway.messages.effects import Effect
from gateway.messages.machines.numbering import LinkView
from gateway.messages.store import conversations as conversation_rows
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.conversations import Key
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.store.messages import InboxRow, MessageRow, StatementRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from gateway.trust.peer_sync import stop
from keys.documents.envelope import Receipt
from keys.documents.receipts import batch_hash
from keys.documents.statement import signatures_hash
from schemas.types import never_blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRequest:
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
class Equivocation:
    """Two ids under one number: the message held under it, and the proof of the other, sealed."""

    held: str
    sealed: SealedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What one accepted message adds to the database."""

    message: AcceptedMessage
    row: MessageRow
    evidence: int
    """The local number of its evidence."""
    effects: Sequence[Effect]

    def plaintexts(self) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
        """Content and evidence, to be sealed under their numbers."""
        proof = content_codec.evidence(self.message.statement, self.message.signatures)
        return (self.row.ref, content_codec.incoming(self.message)), (self.evidence, proof)


@dataclass(kw_only=True)
class RequestResult:
    """What one request leaves behind, collected while its questions are judged in order."""

    link: LinkView
    codes: dict[str, Code | None]
    numbers: list[NumberRow]
    gaps: tuple[GapRow, ...]
    accepted: list[Accepted]
    fresh: list[Receipt]
    receipts: dict[str, Receipt]
    held: dict[Key, LoadedConversation]
    examined: Mapping[str, Examined | Code] = field(default_factory=dict)
    around: dict[Key, ConversationContext] = field(default_factory=dict)
    """Conversations as they are after the messages of this request that were taken."""
    files: Mapping[str, Code | None] = field(default_factory=dict)
    """Step 13d for messages whose parts are all here."""
    coming: dict[str, AuthenticStatement] = field(default_factory=dict)
    """Messages that may come, but whose parts are not all here yet."""
    ended: set[str] = field(default_factory=set)
    """Ids that have their final answer now: what came of their parts is of a message, or of nothing."""
    equivocation: Equivocation | None = None
    broken: dict[Code, SealedRow] = field(default_factory=dict)
    filled: bool = False


def urgent(body_type: str) -> bool:
    """What is handed over at once: what nothing may hold up, and the test message, which no case system sees."""
    return never_blocked(body_type) or body_type == probe.TYPE


def write(
    connection: Connection,
    node: str,
    verdicts: RequestResult,
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
    refs: dict[str, int] = {item.row.id: item.row.ref for item in accepted}
    for id in verdicts.ended:
        store.end(connection, node, id, message=refs.get(id))
    content.put(connection, sealed)
    messages.add(connection, [item.row for item in accepted])
    conversation_rows.changed(connection, [state_transitions.conversation_of(item.row) for item in accepted])
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
                ref=item.row.ref,
                peer=node,
                n=item.message.position.n,
                urgent=urgent(item.message.body_type),
                attempts=0,
                next_try=0,
            )
            for item in accepted
        ],
    )
    for item in accepted:
        quoted = quoted_enquiry(item.message.body_type, item.message.content)
        if quoted is not None:
            loader.quote(connection, item.row, quoted)
        for effect in item.effects:
            effect.write(connection, now)
    journal.add_events(connection, [(now, "message", item.row.ref, item.row.state) for item in accepted])
    receipts.add(connection, [_row(receipt, node) for receipt in verdicts.fresh])
    if document is not None and verdicts.fresh:
        receipts.add_batch(connection, ref, document)
        receipts.set_batch(connection, ref, [(r.of, str(r.status)) for r in verdicts.fresh])
    signed = {item.message.statement_hash: signatures_hash(item.message.signatures) for item in accepted}
    journal.append_leaves(
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
        journal.append_leaf(connection, leaf(now, "receipts.issued", of=batch_hash(document), peer=node))
    for code, proven in verdicts.broken.items():  # refused, kept and told to a person (B5 Numbering)
        proof = proven.ref.to_bytes(8, "big")
        if journal.raise_alarm(connection, at=now, kind=f"peer.{code}", peer=node, proof=proof):
            content.put(connection, [proven])
    if verdicts.equivocation is not None:
        stop(connection, node, Code.EQUIVOCATION, at=now)
        _keep_proof(connection, node, verdicts.equivocation, now)


def _keep_proof(connection: Connection, node: str, found: Equivocation, now: int) -> None:
    """An alarm that names the message held and, as its proof, the number of the sealed row with the other statement."""
    content.put(connection, [found.sealed])
    held = messages.find(connection, found.held, direction=messages.IN, peer=node)
    journal.raise_alarm(
        connection,
        at=now,
        kind=f"peer.{Code.EQUIVOCATION}",
        peer=node,
        ref=held[0].ref if held else None,
        proof=found.sealed.ref.to_bytes(8, "big"),
    )


def _row(receipt: Receipt, node: str) -> ReceiptRow:
    return ReceiptRow(
        of=receipt.of,
        status=str(receipt.status),
        peer=node,
        direction=receipts.ISSUED,
        id=receipt.msg,
        code=receipt.code,
        at=receipt.at,
        object=receipt.encode(),
        batch=None,
    )
