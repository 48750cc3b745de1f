"""Departure: what waits becomes numbered, signed and sealed bytes, written in one transaction before any of them is
sent.

Rows come in order. A queued message is judged again and then numbered; one that was numbered keeps its bytes, or is
sealed anew at its place when the bytes were given up; one that may go no longer becomes a void question with the same
number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from gateway.attachments.rules import files_of
from gateway.conversations import loader
from gateway.conversations.loader import ConversationLoader, goes_by_bodies
from gateway.conversations.rules.context import ConversationContext
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound.acts import Acts, load_acts
from gateway.delivery.outbound.inputs import RECORD
from gateway.delivery.outbound.sealing import Departing, Sealing, chain_anew, fence_voids, use_numbers, write_sealed
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.messages import content_codec, state_transitions
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent
from gateway.messages.state_transitions import Change
from gateway.messages.store import links, messages
from gateway.messages.store.links import LinkRow, NumberRow
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.types import LinkPosition, ValidMessage
from gateway.peers.registry import Peer
from gateway.policy import consent_context
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_context import ConsentContextLoader
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock
from keys.documents.envelope import MOST_ENVELOPES, compute_commitment, link_hash, statement_hash
from schemas.types import never_blocked, type_name

WAITING = frozenset({Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING})
"""States of a message on the outbox; one that has left it meanwhile is finished, and is not judged again."""
WITHDRAWAL = "consent.withdrawal"
TRIES = 3
"""Times that what was changed while it was judged is judged again at once."""
TRUST_CODES = frozenset({Code.NOT_ACTIVE, Code.OUT_OF_SCOPE})
"""Refusals that end with a suspension or with a renewal: while one of those is the cause, the message is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One message with the bytes that go over the wire; `void` says that they are a void question, `withdraws` that
    the message takes a consent back.
    """

    row: MessageRow
    data: bytes
    void: bool
    withdraws: bool


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
    """What is known about due messages before anything is decided; `signed` are the statements of what is voided,
    `numbers` the places of what is numbered and of what is before it.
    """

    rows: tuple[MessageRow, ...]
    stored: dict[int, bytes]
    link: LinkRow
    judged: tuple[tuple[MessageRow, _Opened | None], ...]
    acts: Acts
    signed: Mapping[int, Sequence[SealedRow]]
    numbers: Mapping[int, NumberRow]


class _ChangedMeanwhileError(Exception):
    """A person or the peer changed what was judged before it could be numbered."""


class Departure:
    """Numbers, seals and signs what departs now."""

    def __init__(
        self,
        *,
        content: Content,
        sealing: Sealing,
        loader: ConversationLoader,
        consent_contexts: ConsentContextLoader,
        policies: PoliciesInForce,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._content = content
        self._sealing = sealing
        self._loader = loader
        self._consent_contexts = consent_contexts
        self._policies = policies
        self._workers = workers
        self._clock = clock

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
        fenced, rows, link = fence_voids(waiting.rows, waiting.link)
        waiting = replace(waiting, rows=rows, link=link)
        new = [(row.ref, opened) for row, opened in waiting.judged if opened and row.ref not in waiting.stored]
        commits = dict(await self._workers.off_loop_each(_commit, new))
        departing, refused, held = self._decide(peer, waiting, commits)
        asked = [row for row in waiting.rows if row.state == Outgoing.VOIDING and row.ref not in waiting.stored]
        stated = await self._workers.off_loop(lambda: self._sealing.state(peer, departing)) if departing else []
        sealed = await self._workers.off_loop_pieces(self._sealing.seal, stated)
        signed = waiting.signed
        voids = await self._workers.off_loop_each(
            lambda row: (row, self._sealing.ask_void(peer, row, signed[row.ref])), asked
        )
        now = self._clock.now()

        def move(connection: Connection) -> None:
            _compare(connection, peer.node, as_read)
            state_transitions.advance(connection, refused, at=now)
            use_numbers(connection, peer.node, fenced)
            write_sealed(connection, peer.node, sealed, now)
            chain_anew(connection, peer.node, sealed, waiting.numbers)
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
        withdrawals = {
            row.ref
            for row, opened in waiting.judged
            if opened and type_name(opened.content.facts.body_type) == WITHDRAWAL
        }
        return [
            Ready(
                row=row,
                data=bytes_of[row.ref],
                void=row.state == Outgoing.VOIDING,
                withdraws=row.ref in withdrawals,
            )
            for row in waiting.rows
            if row.ref in bytes_of
        ]

    async def find_urgent(self, node: NodeId) -> list[int]:
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

    def _look_up(self, connection: Connection, node: NodeId, refs: Sequence[int]) -> _Waiting:
        found = messages.get(connection, refs)
        rows = tuple(found[ref] for ref in refs if ref in found and found[ref].state in WAITING)
        stored, link = messages.envelopes(connection, refs), links.position(connection, node, links.OUT)
        return _Waiting(
            rows=rows,
            stored=stored,
            link=link,
            judged=self._judged(connection, rows),
            acts=load_acts(connection, node, rows),
            signed={
                row.ref: _load_signed(connection, row)
                for row in rows
                if row.state == Outgoing.VOIDING and row.ref not in stored
            },
            numbers=links.numbers(connection, node, links.OUT, link.epoch, _places(rows, link.epoch)),
        )

    def _decide(
        self, peer: Peer, waiting: _Waiting, commits: Mapping[int, str]
    ) -> tuple[list[Departing], list[Change], set[int]]:
        """Steps 4 and 5: who may go, and at which place; who may never; and who waits while nothing is agreed with the
        peer. `commits` are those of what has no bytes yet.
        """
        link = waiting.link
        high, last, numbers = link.high, None if link.last is None else link.last.link, dict(waiting.numbers)
        departing: list[Departing] = []
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
            commit, secret = commits[row.ref], opened.content.secret
            if row.n is None or row.epoch is None:
                position = departure_steps.next_position(link.epoch, high, last)
                high = position.n
                last = link_hash(epoch=position.epoch, n=position.n, id=row.id, commit=commit, prev=position.prev)
            else:
                position = _place_again(row.epoch, row.n, row.prev, numbers)
                again = link_hash(epoch=row.epoch, n=row.n, id=row.id, commit=commit, prev=position.prev)
                if row.n in numbers:
                    numbers[row.n] = NumberRow(n=row.n, id=row.id, prev=position.prev, link=again)
                    last = again if row.n == high else last
            departing.append(Departing(row=row, message=message, secret=secret, commit=commit, position=position))
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
        keys, refs = {(row.conversation, row.peer) for row in rows}, {row.ref for row in rows}
        held, contents = self._loader.recall(connection, keys, opened=refs)
        there = [row for row in rows if row.ref in contents]
        corrected = [row for row in there if goes_by_bodies(contents[row.ref].facts.body_type)]
        held |= self._loader.load(connection, {(row.conversation, row.peer) for row in corrected})[0]
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
            departure_steps.recheck(
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


def _waiting_refs(connection: Connection, *, node: NodeId, after: int) -> list[int]:
    return messages.due(connection, node, after, MOST_ENVELOPES)


def _places(rows: Sequence[MessageRow], epoch: int) -> set[int]:
    """The numbers of these messages, and those before them."""
    return {n for row in rows if row.n is not None and row.epoch == epoch for n in (row.n - 1, row.n)}


def _place_again(epoch: int, n: int, prev: str | None, numbers: Mapping[int, NumberRow]) -> LinkPosition:
    """The place of a message that is sealed anew: its own, behind the link that the number before it has now. That is
    another one only where that number was sealed in the first form, and is sealed anew in the second (nrm1 5.5).
    """
    before = numbers.get(n - 1)
    return LinkPosition(epoch=epoch, n=n, prev=prev if before is None else before.link)


def _commit(item: tuple[int, _Opened]) -> tuple[int, str]:
    """Compute the commitment to what a message says."""
    ref, opened = item
    return ref, compute_commitment(opened.content.secret, opened.content.body)


def _load_signed(connection: Connection, row: MessageRow) -> Sequence[SealedRow]:
    """Load what was signed about a message; its void questions are no evidence and were not kept."""
    refs = [said.evidence for said in messages.statements_of(connection, row.ref) if said.evidence != row.ref]
    return list(content_rows.get(connection, refs).values())


def _compare(connection: Connection, node: NodeId, waiting: _Waiting) -> None:
    """Return if link, messages and acts stand as they were looked up; raises _ChangedMeanwhileError."""
    if (
        links.position(connection, node, links.OUT) != waiting.link
        or messages.get(connection, [row.ref for row in waiting.rows]) != {row.ref: row for row in waiting.rows}
        or load_acts(connection, node, waiting.rows) != waiting.acts
    ):
        raise _ChangedMeanwhileError


def _question(row: MessageRow, opened: MessageContent) -> consent_context.Question:
    header, body = opened.halves()
    records = body.get("consent_id") if opened.facts.body_type == RECORD else None
    return consent_context.Question(
        conversation=opened.facts.conversation,
        consent_ref=opened.facts.consent_ref,
        to=row.peer,
        sender_unit=header.get("sender_unit"),
        recipient_unit=header.get("recipient_unit"),
        records=records if isinstance(records, str) else None,
    )
