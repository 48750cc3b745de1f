"""Departure: what waits becomes numbered, signed and sealed bytes, written in one transaction before any of them is
sent.

Rows come in order. A queued message that may still go is numbered; one that was numbered keeps its bytes, or is sealed
anew at its place when the bytes were given up; one that may go no longer becomes a void question with the same number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.database.sealed_content import Content
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound.kept import KeptJudgements, Passed
from gateway.delivery.outbound.lookout import Grounds, Lookout, Waiting
from gateway.delivery.outbound.sealing import (
    Departing,
    Sealed,
    Sealing,
    chain_anew,
    fence_voids,
    use_numbers,
    write_sealed,
)
from gateway.errors import Code, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import messages
from gateway.messages.store.links import LinkRow, NumberRow
from gateway.messages.store.messages import MessageRow, StatementRow
from gateway.messages.types import LinkPosition
from gateway.peers.registry import Peer
from gateway.policy.acts import join_acts
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock
from keys.documents.envelope import compute_commitment, link_hash, statement_hash
from keys.primitives.sign import SignedDocument
from schemas.types import type_name

WITHDRAWAL = "consent.withdrawal"
TRIES = 3
"""Times that what was changed while it was judged is judged again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One message with the bytes that go over the wire; `void` says that they are a void question, `withdraws` that
    the message takes a consent back; `grounds` are what its judgement rests on.
    """

    row: MessageRow
    data: bytes
    void: bool
    withdraws: bool
    grounds: Grounds


class _ChangedMeanwhileError(Exception):
    """A person or the peer changed what was judged before it could be numbered."""


class Departure:
    """Numbers, seals and signs what departs now."""

    def __init__(
        self,
        *,
        content: Content,
        sealing: Sealing,
        lookout: Lookout,
        kept: KeptJudgements,
        policies: PoliciesInForce,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._content = content
        self._sealing = sealing
        self._lookout = lookout
        self._kept = kept
        self._policies = policies
        self._workers = workers
        self._clock = clock
        self._links: dict[NodeId, LinkRow] = {}
        """Where the link to each peer stood after the last departure: compared, like all else, where it is used."""

    async def depart(self, peer: Peer, refs: Sequence[int]) -> list[Ready]:
        """Make the messages `refs` ready to go to `peer`, whose keyset is fresh; what may not go is left out.

        What was judged is compared with what is stored in the transaction that numbers it: a withdrawal, a
        cancellation, an asylum hold, a suspension or a reset in between makes it start over, so that nothing leaves
        which a person has just stopped (nrm1 12.18).

        Raises:
            TransientError: it was changed each time; nothing was numbered.
        """
        waiting = self._recall(peer, refs)
        for _ in range(TRIES):
            with suppress(_ChangedMeanwhileError):
                return await self._try_to_depart(peer, waiting or await self._lookout.look_up(peer, refs))
            waiting = None
        raise TransientError(Code.LOCKED, "what waits was changed meanwhile; nothing was numbered", hint="repeat it")

    def _recall(self, peer: Peer, refs: Sequence[int]) -> Waiting | None:
        """What submission judged of these in this second; None where one of them has to be looked up."""
        kept, link, now = self._kept.take(refs), self._links.get(peer.node), self._clock.now()
        if not kept or link is None:
            return None
        policy = self._policies.at(now)
        acts = join_acts([one.acts for one in kept])
        if acts is None or any(one.at != now or one.policy is not policy or one.peer != peer for one in kept):
            return None
        return Waiting(
            rows=tuple(one.passed.row for one in kept),
            link=link,
            grounds=Grounds(node=peer.node, standing=(peer.state, peer.cause), acts=acts),
            passed={one.passed.row.ref: one.passed for one in kept},
            changes={key: count for one in kept for key, count in one.changes.items()},
        )

    async def _try_to_depart(self, peer: Peer, waiting: Waiting) -> list[Ready]:
        if waiting.grounds.standing != (peer.state, peer.cause):
            raise _ChangedMeanwhileError
        fenced, rows, link = fence_voids(waiting.rows, waiting.link)
        sealed, voids = await self._workers.off_loop(lambda: self._make_bytes(peer, waiting, rows, link))
        now = self._clock.now()

        def move(connection: Connection) -> None:
            if not waiting.stands(connection):
                raise _ChangedMeanwhileError
            state_transitions.advance(connection, waiting.refused, at=now)
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

        if waiting.refused or sealed or voids:
            await self._content.store.move(move)
        self._remember(peer.node, waiting, sealed)
        closed = {change.row.ref for change in waiting.refused} | waiting.held
        bytes_of = {ref: data for ref, data in waiting.stored.items() if ref not in closed}
        bytes_of |= {item.row.ref: item.envelope.data for item in sealed}
        bytes_of |= {row.ref: document.encode() for row, document in voids}
        return [
            Ready(
                row=row,
                data=bytes_of[row.ref],
                void=row.state == Outgoing.VOIDING,
                withdraws=row.ref in waiting.passed
                and type_name(waiting.passed[row.ref].message.body_type) == WITHDRAWAL,
                grounds=waiting.grounds,
            )
            for row in rows
            if row.ref in bytes_of
        ]

    def _make_bytes(
        self, peer: Peer, waiting: Waiting, rows: Sequence[MessageRow], link: LinkRow
    ) -> tuple[list[Sealed], list[tuple[MessageRow, SignedDocument]]]:
        """Steps 5 to 7 for what has no bytes yet, in one go off the loop: messages sealed, and void questions."""
        new = [waiting.passed[row.ref] for row in rows if row.ref in waiting.passed and row.ref not in waiting.stored]
        departing = place_all(new, link, waiting.numbers)
        sealed = self._sealing.seal(self._sealing.state(peer, departing)) if departing else []
        asked = [row for row in rows if row.state == Outgoing.VOIDING and row.ref not in waiting.stored]
        return sealed, [(row, self._sealing.ask_void(peer, row, waiting.signed[row.ref])) for row in asked]

    def _remember(self, node: NodeId, waiting: Waiting, sealed: Sequence[Sealed]) -> None:
        """Where the link stands now: behind the last of them, where all were numbered newly."""
        self._links.pop(node, None)
        if sealed and len(sealed) == len(waiting.rows) and all(item.row.n is None for item in sealed):
            last = sealed[-1].envelope
            number = NumberRow(n=last.position.n, id=last.id, prev=last.position.prev, link=last.link)
            self._links[node] = LinkRow(epoch=last.position.epoch, high=number.n, last=number)


def place_all(new: Iterable[Passed], link: LinkRow, numbers: Mapping[int, NumberRow]) -> list[Departing]:
    """Step 5: each at its place, behind the highest number or, where it had one, there again."""
    high, last, numbers = link.high, None if link.last is None else link.last.link, dict(numbers)
    departing: list[Departing] = []
    for one in new:
        row, commit = one.row, compute_commitment(one.secret, one.message.body)
        if row.n is None or row.epoch is None:
            position = departure_steps.next_position(link.epoch, high, last)
            high = position.n
            last = link_hash(epoch=position.epoch, n=position.n, id=row.id, commit=commit, prev=position.prev)
        else:
            position = _place_again(row.epoch, row.n, row.prev, numbers)
            again = link_hash(epoch=row.epoch, n=row.n, id=row.id, commit=commit, prev=position.prev)
            if row.n in numbers:
                numbers[row.n] = replace(numbers[row.n], id=row.id, prev=position.prev, link=again)
                last = again if row.n == high else last
        departing.append(Departing(row=row, message=one.message, secret=one.secret, commit=commit, position=position))
    return departing


def _place_again(epoch: int, n: int, prev: str | None, numbers: Mapping[int, NumberRow]) -> LinkPosition:
    """The place of a message that is sealed anew: its own, behind the link that the number before it has now. That is
    another one only where that number was sealed in the first form, and is sealed anew in the second (nrm1 5.5).
    """
    before = numbers.get(n - 1)
    return LinkPosition(epoch=epoch, n=n, prev=prev if before is None else before.link)
