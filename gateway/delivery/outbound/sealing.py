"""What departs gets its bytes: signed, sealed, and written with its number in one transaction (steps 6 and 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound.departure_steps import Stated
from gateway.foundation.ids import NodeId
from gateway.identity.identity import Identity
from gateway.messages import content_codec
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.machines.numbering import FIRST_EPOCH
from gateway.messages.state_transitions import conversation_of
from gateway.messages.store import batches, conversations, links, messages
from gateway.messages.store.links import LinkRow, NumberRow
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.types import LinkPosition, SealedEnvelope, ValidMessage
from gateway.peers.registry import Peer
from gateway.ports import Clock
from keys.documents.envelope import Statement, Void, link_hash
from keys.documents.statement import STATEMENTS, proof_hash
from keys.primitives.batch import Batch, Proof
from keys.primitives.domains import STATEMENT, VOID
from keys.primitives.sign import SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Departing:
    """One message about to get bytes; `commit` is that of secret and body, `position` its place on the link."""

    row: MessageRow
    message: ValidMessage
    secret: bytes
    commit: str
    position: LinkPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One message with its statement, and what proves it."""

    row: MessageRow
    stated: Stated
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One message with its bytes, the sealed row that keeps what was signed, and the batch that this names."""

    row: MessageRow
    envelope: SealedEnvelope
    evidence: SealedRow
    batch: Batch


class Sealing:
    """Signs and seals what departs."""

    def __init__(self, *, content: Content, identity: Identity, clock: Clock, rand: Callable[[int], bytes]) -> None:
        self._content = content
        self._identity = identity
        self._clock = clock
        self._rand = rand

    def state(self, peer: Peer, items: Sequence[Departing]) -> list[Proven]:
        """Step 6: one signature for all of them."""
        if peer.keyset is None:
            raise RuntimeError("departure without a keyset")
        stated = [
            departure_steps.state(
                item.message,
                item.secret,
                item.position,
                commit=item.commit,
                own=self._identity.own.descriptor,
                peer=peer.descriptor,
                keyset=peer.keyset,
                now=self._clock.now(),
            )
            for item in items
        ]
        batch, inclusions = self._identity.keys.sign_batch([one.unsigned for one in stated])
        return [
            Proven(row=item.row, stated=one, proof=Proof(batch=batch, inclusion=inclusion))
            for item, one, inclusion in zip(items, stated, inclusions, strict=True)
        ]

    def seal(self, items: Sequence[Proven]) -> list[Sealed]:
        """Step 7, and what is kept of 6 and 7."""
        envelopes = [departure_steps.seal(item.stated, item.proof.encode(), self._rand) for item in items]
        kept = self._content.sealer.seal_each(
            [(self._content.store.new_ref(), content_codec.evidence(item.stated.payload, item.proof)) for item in items]
        )
        return [
            Sealed(row=item.row, envelope=envelope, evidence=evidence, batch=item.proof.batch)
            for item, envelope, evidence in zip(items, envelopes, kept, strict=True)
        ]

    def ask_void(self, peer: Peer, row: MessageRow, kept: Sequence[SealedRow]) -> SignedDocument:
        """Sign the question that makes the number of this message void. `kept` is what was signed about the message."""
        if row.n is None or row.epoch is None:
            raise RuntimeError("a message without a number cannot be voided")
        said = [
            Statement.parse(content_codec.read_evidence(self._content.sealer.open(one)).statement, *STATEMENTS)
            for one in kept
        ]
        commits = {(one.epoch, one.n): one.commit for one in said if one.payload_type == STATEMENT}  # nrm1 5.6
        payload = Void(
            id=row.id,
            from_=self._identity.own.node,
            to=peer.node,
            epoch=row.epoch,
            n=row.n,
            commit=commits.get((row.epoch, row.n)),
            prev=row.prev,
            created=self._clock.now(),
        ).encode()
        return SignedDocument(payload=payload, payload_type=VOID, signatures=(self._identity.keys.sign(VOID, payload),))


def fence_voids(
    waiting: Sequence[MessageRow], link: LinkRow
) -> tuple[list[MessageRow], tuple[MessageRow, ...], LinkRow]:
    """Void questions without a number, of a node that was restored or whose peer was, at their places of the link; all
    rows with them; and the link behind them.
    """
    rows, fenced = list[MessageRow](), list[MessageRow]()
    for row in waiting:
        if row.state == Outgoing.VOIDING and row.n is None:
            position = departure_steps.next_position(
                link.epoch, link.high, None if link.last is None else link.last.link
            )
            row = replace(row, epoch=position.epoch, n=position.n, prev=position.prev)
            link = replace(link, high=position.n, last=_fence(row))
            fenced.append(row)
        rows.append(row)
    return fenced, tuple(rows), link


def _fence(row: MessageRow) -> NumberRow:
    """The place on the link of a number under which nothing but a void was ever signed."""
    if row.n is None or row.epoch is None:
        raise RuntimeError("a message without a number has no row of it")
    link = link_hash(epoch=row.epoch, n=row.n, id=row.id, commit=None, prev=row.prev)
    return NumberRow(n=row.n, id=row.id, prev=row.prev, link=link)


def use_numbers(connection: Connection, node: NodeId, fenced: Sequence[MessageRow]) -> None:
    """Use the numbers of `fence_voids`."""
    if not fenced:
        return
    rows = [_fence(row) for row in fenced]
    links.use(connection, node, links.OUT, fenced[-1].epoch or FIRST_EPOCH, rows, rows[-1].n)
    conversations.changed(connection, map(conversation_of, fenced))
    messages.number(connection, [(row, row.state) for row in fenced])


def chain_anew(
    connection: Connection, node: NodeId, sealed: Sequence[Sealed], numbers: Mapping[int, NumberRow]
) -> None:
    """Write the links of what was sealed anew, where they are other ones than these `numbers` have: what was numbered
    in the first form is sealed in the second, whose links name what was said (nrm1 5.5).
    """
    for item in sealed:
        row, place = item.row, item.envelope.position
        held = None if row.n is None else numbers.get(row.n)
        if held is not None and row.epoch is not None and held.link != item.envelope.link:
            number = NumberRow(n=place.n, id=row.id, prev=place.prev, link=item.envelope.link)
            links.chain_anew(connection, node, links.OUT, row.epoch, [number])
            conversations.changed(connection, [conversation_of(row)])
            messages.number(connection, [(replace(row, prev=place.prev), row.state)])


def write_sealed(
    connection: Connection,
    node: NodeId,
    sealed: Sequence[Sealed],
    now: int,
) -> None:
    """Write bytes, statements and new numbers; part of the transaction of departure."""
    new = [(item.row, item.envelope) for item in sealed if item.row.n is None]
    content_rows.put(connection, [item.evidence for item in sealed])
    batches.add(connection, [item.batch for item in sealed])
    messages.put_envelopes(connection, [(item.row.ref, item.envelope.data) for item in sealed])
    messages.add_statements(
        connection,
        [
            StatementRow(
                hash=item.envelope.statement_hash,
                message=item.row.ref,
                evidence=item.evidence.ref,
                created=item.envelope.created,
            )
            for item in sealed
        ],
    )
    if not new:
        return
    numbered = [
        replace(row, epoch=envelope.position.epoch, n=envelope.position.n, prev=envelope.position.prev)
        for row, envelope in new
    ]
    numbers = [
        NumberRow(n=envelope.position.n, id=envelope.id, prev=envelope.position.prev, link=envelope.link)
        for _, envelope in new
    ]
    last = new[-1][1].position
    links.use(connection, node, links.OUT, last.epoch, numbers, last.n)
    conversations.changed(connection, map(conversation_of, numbered))
    messages.number(connection, [(row, str(Outgoing.AWAITING_RECEIPT)) for row in numbered])
    journal.add_events(connection, [(now, "message", row.ref, str(Outgoing.AWAITING_RECEIPT)) for row, _ in new])
    journal.append_leaves(
        connection,
        [
            leaf(
                now,
                "message.departed",
                of=item.envelope.statement_hash,
                peer=node,
                n=item.envelope.position.n,
                sig=proof_hash(item.envelope.proof),
            )
            for item in sealed
        ],
    )
