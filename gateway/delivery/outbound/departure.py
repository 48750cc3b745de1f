"""Departure: what waits becomes numbered, signed and sealed bytes, written in one transaction before any of them is
sent.

Rows come in order. A queued message is judged again and then numbered; one that was numbered keeps its bytes, or is
sealed anew at its place when the bytes were given up; one that may go no longer becomes a void question with the same
number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from gateway.attachments.rules import files_of
from gateway.conversations import loader
from gateway.conversations.loader import ConversationLoader
from gateway.conversations.rules.context import ConversationContext
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import preparation, steps
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import content_codec, state_transitions
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent
from gateway.messages.machines.numbering import FIRST_EPOCH
from gateway.messages.state_transitions import Change
from gateway.messages.store import links, local, messages
from gateway.messages.store.links import LinkRow, NumberRow
from gateway.messages.store.local import ConsentRow
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.types import LinkPosition, SealedEnvelope, ValidMessage
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer
from gateway.policy import consent_context
from gateway.policy import store as policies
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock
from keys.documents.envelope import MOST_ENVELOPES, Void, link_hash, statement_hash
from keys.documents.statement import signatures_hash
from keys.primitives.sign import VOID, SignedDocument
from schemas.types import never_blocked

WAITING = frozenset({Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING})
"""States of a message on the outbox; one that has left it meanwhile is finished, and is not judged again."""
TRIES = 3
"""Times that what was changed while it was judged is judged again at once."""
TRUST_CODES = frozenset({Code.NOT_ACTIVE, Code.OUT_OF_SCOPE})
"""Refusals that end with a suspension or with a renewal: while one of those is the cause, the message is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One message with the bytes that go over the wire; `void` says that they are a void question."""

    row: MessageRow
    data: bytes
    void: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The content of a message with what it must be judged by now; `spoken` are schemas by which the peer wrote in its
    conversation, so that it holds them.
    """

    content: MessageContent
    circumstances: Circumstances
    around: ConversationContext | None
    spoken: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """What is known about due messages before anything is decided."""

    rows: tuple[MessageRow, ...]
    stored: dict[int, bytes]
    link: LinkRow
    judged: tuple[tuple[MessageRow, _Opened | None], ...]
    acts: _Acts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acts:
    """What people decided that the judgement rests on and that no state of a message shows: the state of the peer with
    its cause, what is held of the consents, what was taken back of them, and over what an asylum hold lies.
    """

    peer: tuple[str, str | None] | None
    consents: tuple[ConsentRow, ...]
    taken_back: Mapping[bytes, int]
    holds: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Departing:
    """One message about to get bytes; `position` is its place on the link."""

    row: MessageRow
    message: ValidMessage
    secret: bytes
    position: LinkPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """One message with its bytes, and the sealed row that keeps what was signed."""

    row: MessageRow
    envelope: SealedEnvelope
    evidence: SealedRow


class _ChangedMeanwhileError(Exception):
    """A person or the peer changed what was judged before it could be numbered."""


class Departure:
    """Numbers, seals and signs what departs now."""

    def __init__(
        self,
        *,
        content: Content,
        identity: Identity,
        loader: ConversationLoader,
        consent_contexts: ConsentContextLoader,
        policies: PoliciesInForce,
        workers: Workers,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._identity = identity
        self._loader = loader
        self._consent_contexts = consent_contexts
        self._policies = policies
        self._workers = workers
        self._clock = clock
        self._rand = rand

    async def depart(self, peer: Peer, refs: Sequence[int]) -> list[Ready]:
        """Make the messages `refs` ready to go to `peer`, whose keyset is fresh; what may not go is left out.

        What was judged is compared with what is stored in the transaction that numbers it: a withdrawal, a
        cancellation, an asylum hold, a suspension or a reset in between makes it start over, so that nothing leaves
        which a person has just stopped (nrm1 12.18).

        Raises:
            TransientError: it was changed each time; nothing was numbered.
        """
        for _ in range(TRIES):
            with suppress(_ChangedMeanwhileError):
                return await self._try_to_depart(peer, refs)
        raise TransientError(Code.LOCKED, "what waits was changed meanwhile; nothing was numbered", hint="repeat it")

    async def _try_to_depart(self, peer: Peer, refs: Sequence[int]) -> list[Ready]:
        waiting = await self._content.store.read(lambda c: self._look_up(c, peer.node, refs))
        if any(opened is None for _, opened in waiting.judged):  # a rotation may have destroyed its epoch meanwhile
            waiting = await self._content.store.read(lambda c: self._look_up(c, peer.node, refs))
        if waiting.acts.peer != (peer.state, peer.cause):
            raise _ChangedMeanwhileError
        as_read = waiting
        fenced, waiting = _fence(waiting)
        departing, refused, held = self._decide(peer, waiting)
        asked = [row for row in waiting.rows if row.state == Outgoing.VOIDING and row.ref not in waiting.stored]
        sealed = await self._workers.off_loop_pieces(lambda some: self._seal(peer, some), departing)
        voids = await self._workers.off_loop_each(lambda row: (row, self._void(peer, row)), asked)
        now = self._clock.now()

        def move(connection: Connection) -> None:
            _compare(connection, peer.node, as_read)
            state_transitions.advance(connection, refused, at=now)
            _number(connection, peer.node, fenced)
            _write(connection, peer.node, sealed, now)
            messages.put_envelopes(connection, [(row.ref, document.encode()) for row, document in voids])
            messages.add_statements(  # so that its receipt is recognised; the question itself is no evidence
                connection,
                [
                    StatementRow(hash=statement_hash(document.payload), message=row.ref, evidence=row.ref, created=now)
                    for row, document in voids
                ],
            )

        if refused or sealed or voids:
            await self._content.store.move(move)
        closed = {change.row.ref for change in refused} | held
        bytes_of = {ref: data for ref, data in waiting.stored.items() if ref not in closed}
        bytes_of |= {item.row.ref: item.envelope.data for item in sealed}
        bytes_of |= {row.ref: document.encode() for row, document in voids}
        return [
            Ready(row=row, data=bytes_of[row.ref], void=row.state == Outgoing.VOIDING)
            for row in waiting.rows
            if row.ref in bytes_of
        ]

    async def find_urgent(self, node: str) -> list[int]:
        """Find the messages that wait for a peer and that nothing may block: withdrawals, alerts, erasure."""
        after, found = 0, list[int]()
        while refs := await self._content.store.read(partial(_waiting_refs, node=node, after=after)):
            after = refs[-1]
            waiting = await self._content.store.read(partial(self._look_up, node=node, refs=refs))
            found += [
                row.ref
                for row, opened in waiting.judged
                if opened is not None and never_blocked(opened.content.facts.body_type)
            ]
        return found

    def _look_up(self, connection: Connection, node: str, refs: Sequence[int]) -> _Waiting:
        found = messages.get(connection, refs)
        rows = tuple(found[ref] for ref in refs if ref in found and found[ref].state in WAITING)
        return _Waiting(
            rows=rows,
            stored=messages.envelopes(connection, refs),
            link=links.position(connection, node, links.OUT),
            judged=self._judged(connection, rows),
            acts=_load_acts(connection, node, rows),
        )

    def _decide(self, peer: Peer, waiting: _Waiting) -> tuple[list[_Departing], list[Change], set[int]]:
        """Steps 4 and 5: who may go, and at which place; who may never; and who waits while nothing is agreed with the
        peer.
        """
        link = waiting.link
        high, last = link.high, None if link.last is None else link.last.link
        departing: list[_Departing] = []
        refused: list[Change] = []
        held: set[int] = set()
        for row, opened in waiting.judged:
            if opened is None:
                refused.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_FOUND))
                continue
            message = content_codec.valid_message(row.id, row.peer, row.expires, row.at, opened.content)
            reason = self._closed(peer, row, message, opened)
            if reason in TRUST_CODES and peer.standing(self._clock.now()).held is not None:
                held.add(row.ref)
                continue
            if reason is not None:
                refused.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=reason))
                continue
            if row.ref in waiting.stored:
                continue
            if row.n is None or row.epoch is None:
                position = steps.next_position(link.epoch, high, last)
                high = position.n
                last = link_hash(epoch=position.epoch, n=position.n, id=row.id, prev=position.prev)
            else:
                position = LinkPosition(epoch=row.epoch, n=row.n, prev=row.prev)
            departing.append(_Departing(row=row, message=message, secret=opened.content.secret, position=position))
        return departing, refused, held

    def _judged(
        self, connection: Connection, rows: Sequence[MessageRow]
    ) -> tuple[tuple[MessageRow, _Opened | None], ...]:
        """What is no void, opened, with what it must be judged by now; None where the content is gone or does not open:
        it fails alone, what is behind it goes on.

        What has bytes already is judged too: it goes again only if it might still go. The messages of the conversations
        are opened in the same call as what waits.
        """
        rows = [row for row in rows if row.state != Outgoing.VOIDING]
        held, contents = self._loader.load(connection, {(row.conversation, row.peer) for row in rows})
        there = [row for row in rows if row.ref in contents]
        questions = [_question(row, contents[row.ref]) for row in there]
        about = self._consent_contexts.load_consent_context(connection, questions) if questions else []
        found: dict[int, _Opened] = {}
        for row, item in zip(there, about, strict=True):
            key, opened = (row.conversation, row.peer), contents[row.ref]
            around = self._loader.sent(held[key], key, opened.facts.body_type)
            history = held[key].history(but=row.ref, also=item.recorded())
            found[row.ref] = _Opened(
                content=opened,
                circumstances=replace(item.circumstances, history=history, approver=opened.facts.approver),
                around=around,
                spoken=held[key].spoken,
            )
        return tuple((row, found.get(row.ref)) for row in rows)

    def _closed(self, peer: Peer, row: MessageRow, message: ValidMessage, opened: _Opened) -> Code | None:
        """Step 4: the code of what closed since submission, None when the message may go."""
        header, body = opened.content.halves()
        now = self._clock.now()
        try:
            steps.recheck(
                message,
                peer.standing(now),
                opened.circumstances,
                header=header,
                content=body,
                schemas_of_peer=None if peer.schemas is None else opened.spoken.union(peer.schemas),
                policy=self._policies.at(now),
                around=opened.around,
                n=loader.place_of(row),
                now=now,
                files=files_of(opened.content.secret),
            )
        except RefusedError as error:
            return error.code
        return None

    def _seal(self, peer: Peer, items: Sequence[_Departing]) -> list[_Sealed]:
        """Steps 6 and 7, and what is kept of them."""
        envelopes = [self._envelope(peer, item) for item in items]
        kept = self._content.sealer.seal_each(
            [
                (self._content.store.new_ref(), content_codec.evidence(one.statement, one.signatures))
                for one in envelopes
            ]
        )
        return [
            _Sealed(row=item.row, envelope=envelope, evidence=evidence)
            for item, envelope, evidence in zip(items, envelopes, kept, strict=True)
        ]

    def _envelope(self, peer: Peer, item: _Departing) -> SealedEnvelope:
        if peer.keyset is None:
            raise RuntimeError("departure without a keyset")
        return steps.depart(
            item.message,
            item.secret,
            item.position,
            own=self._identity.own.descriptor,
            peer=peer.descriptor,
            keyset=peer.keyset,
            now=self._clock.now(),
            sign=self._identity.keys.sign,
            rand=self._rand,
        )

    def _void(self, peer: Peer, row: MessageRow) -> SignedDocument:
        if row.n is None or row.epoch is None:
            raise RuntimeError("a message without a number cannot be voided")
        payload = Void(
            id=row.id,
            from_=self._identity.own.node,
            to=peer.node,
            epoch=row.epoch,
            n=row.n,
            prev=row.prev,
            created=self._clock.now(),
        ).encode()
        return SignedDocument(payload=payload, payload_type=VOID, signatures=(self._identity.keys.sign(VOID, payload),))


def _waiting_refs(connection: Connection, *, node: str, after: int) -> list[int]:
    return messages.due(connection, node, after, MOST_ENVELOPES)


def _fence(waiting: _Waiting) -> tuple[list[MessageRow], _Waiting]:
    """Void questions without a number, of a node that was restored or whose peer was, at their places of the link; and
    what waits, with them.
    """
    link, rows, fenced = waiting.link, [], []
    for row in waiting.rows:
        if row.state == Outgoing.VOIDING and row.n is None:
            position = steps.next_position(link.epoch, link.high, None if link.last is None else link.last.link)
            row = replace(row, epoch=position.epoch, n=position.n, prev=position.prev)
            link = replace(link, high=position.n, last=_number_row(row))
            fenced.append(row)
        rows.append(row)
    return fenced, replace(waiting, rows=tuple(rows), link=link)


def _number_row(row: MessageRow) -> NumberRow:
    if row.n is None or row.epoch is None:
        raise RuntimeError("a message without a number has no row of it")
    link = link_hash(epoch=row.epoch, n=row.n, id=row.id, prev=row.prev)
    return NumberRow(n=row.n, id=row.id, prev=row.prev, link=link)


def _number(connection: Connection, node: str, fenced: Sequence[MessageRow]) -> None:
    """Use the numbers of `_fence`."""
    if not fenced:
        return
    rows = [_number_row(row) for row in fenced]
    links.use(connection, node, links.OUT, fenced[-1].epoch or FIRST_EPOCH, rows, rows[-1].n)
    messages.number(connection, [(row, row.state) for row in fenced])


def _load_acts(connection: Connection, node: str, rows: Sequence[MessageRow]) -> _Acts:
    indexes = sorted({row.consent for row in rows if row.consent is not None})
    return _Acts(
        peer=peer_rows.position_of(connection, node),
        consents=tuple(row for index in indexes for row in local.consents(connection, index)),
        taken_back=local.withdrawals(connection, indexes),
        holds=policies.labels(connection),
    )


def _compare(connection: Connection, node: str, waiting: _Waiting) -> None:
    """Return if link, messages and acts stand as they were looked up; raises _ChangedMeanwhileError."""
    if (
        links.position(connection, node, links.OUT) != waiting.link
        or messages.get(connection, [row.ref for row in waiting.rows]) != {row.ref: row for row in waiting.rows}
        or _load_acts(connection, node, waiting.rows) != waiting.acts
    ):
        raise _ChangedMeanwhileError


def _question(row: MessageRow, opened: MessageContent) -> consent_context.Question:
    header, body = opened.halves()
    records = body.get("consent_id") if opened.facts.body_type == preparation.RECORD else None
    return consent_context.Question(
        conversation=opened.facts.conversation,
        consent_ref=opened.facts.consent_ref,
        to=row.peer,
        sender_unit=header.get("sender_unit"),
        recipient_unit=header.get("recipient_unit"),
        records=records if isinstance(records, str) else None,
    )


def _write(
    connection: Connection,
    node: str,
    sealed: Sequence[_Sealed],
    now: int,
) -> None:
    new = [(item.row, item.envelope) for item in sealed if item.row.n is None]
    content.put(connection, [item.evidence for item in sealed])
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
    last = new[-1][1].position
    links.use(connection, node, links.OUT, last.epoch, [_number_row(row) for row in numbered], last.n)
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
                sig=signatures_hash(item.envelope.signatures),
            )
            for item in sealed
        ],
    )
