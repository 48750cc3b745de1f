"""Asking one peer: requests, and what their answers mean. What an answer says is written in one transaction; a code
without a receipt says what to do next (nrm1 6.7 to 6.9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.delivery.outbound import receipts as outgoing_receipts
from gateway.delivery.outbound.departure import Ready
from gateway.delivery.outbound.reach import Reach
from gateway.errors import Code, GatewayError, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.foundation.telemetry.durations import Durations, MessageStage
from gateway.foundation.telemetry.request_ids import RequestTrail, bind_request_id, request_scope
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import answers, state_transitions
from gateway.messages.answers import Answers, Reaction, reaction
from gateway.messages.machines.delivery import SENDING, Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages
from gateway.messages.wakeups import EventStream
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.ports import Clock
from gateway.trust.peer_sync import PeerSync
from keys.documents.envelope import ENVELOPES_LIMIT, MOST_ENVELOPES, Receipt, Status

FINAL_WORDS = (Status.RECEIVED, Status.REJECTED)
"""Receipts that answer an envelope; an answer without one of them and without a code is no answer (nrm1 6.7)."""

MOST_SEALINGS = 16
"""Sealings of one message, each of which is kept. A peer that opens none of them gets no more: the message is voided
and comes back to the person who sent it (nrm1 6.9).
"""


class Exchange:
    """Requests to one peer and what their answers mean.

    `again` says that something was left for another round.
    """

    def __init__(
        self,
        *,
        node: NodeId,
        store: Store,
        own: OwnIdentity,
        link: PeerLink,
        reach: Reach,
        sync: PeerSync,
        workers: Workers,
        events: EventStream,
        trail: RequestTrail,
        durations: Durations,
        clock: Clock,
    ) -> None:
        self._node = node
        self._store = store
        self._own = own
        self._link = link
        self._reach = reach
        self._sync = sync
        self._workers = workers
        self._events = events
        self._trail = trail
        self._durations = durations
        self._clock = clock
        self._log = logger().bind(peer=node)
        self._anew: set[int] = set()
        self.again = False

    async def ask(self, request: Sequence[Ready]) -> bool:
        """One request and what its answer means. What was stopped since its bytes were made is not shown to the peer:
        the next round asks about it (nrm1 12.18). Returns False, and nothing was shown, where all of it has to be
        judged anew.
        """
        still = await self._store.read(partial(may_go, items=request))
        if still is None:
            return False
        if len(still) < len(request):
            self.again = True
        if still:
            peer = self._reach.peer()
            with request_scope():
                with self._durations.measure(MessageStage.SENDING):
                    answer = await self.get_answers(peer, still)
                await self.apply_answers(peer, still, answer)
                for item in still:
                    self._durations.observe_wait(self._clock.now() - item.row.at)
        return True

    async def get_answers(self, peer: Peer, request: Sequence[Ready]) -> Answers:
        """One request and its answer, under the id by which its messages came here, if that is one."""
        bind_request_id(self._trail.join([item.row.ref for item in request]))
        for item in request:
            self._log.info("message.sent", ref=item.row.ref, via=self._trail.find(item.row.ref))
        where = address(peer.descriptor)
        if request[0].void:
            answered = await self._link.client.post_void(where, request[0].data)
        else:
            answered = await self._link.client.post_messages(where, [item.data for item in request])
        if answered.status != 200:
            raise await self.explain_refusal(answers.read_refusal(answered.body))
        return await self.read_answers(peer, request, answered)

    async def read_answers(self, peer: Peer, request: Sequence[Ready], answered: Answered) -> Answers:
        """The verified answer to these."""
        return await self._workers.off_loop(
            lambda: answers.read_answers(
                answered.body,
                asked=[item.row.id for item in request],
                issuer=peer.descriptor,
                me=self._own.node,
                now=self._clock.now(),
            )
        )

    async def recovered(self) -> None:
        """A valid answer was read, or there is nothing to ask: the waiting is over."""
        self._anew.clear()
        await self._reach.recovered()

    async def explain_refusal(self, code: Code) -> GatewayError:
        """A request that was refused as a whole: nothing of it is final (nrm1 6.8)."""
        if reaction(code) is Reaction.STOP_LINK:
            await self._sync.suspend_for_cause(self._node, code, None)
        if reaction(code) is Reaction.AWAIT_RESET:
            await self._tell_reset()
        return TransientError(code, "the peer refused the request as a whole")

    async def _tell_reset(self) -> None:
        """Tell a person that the peer was restored: what waits stays and is repeated until people agree (nrm1 5.8)."""
        now = self._clock.now()
        await self._store.move(
            lambda c: journal.raise_alarm(c, at=now, kind=f"peer.{Code.LINK_RESET_REQUIRED}", peer=self._node)
        )

    async def apply_answers(self, peer: Peer, request: Sequence[Ready], answer: Answers) -> None:
        """Write what was answered in one transaction, then do what codes without a receipt ask for."""
        now = self._clock.now()
        told = {receipt.msg for receipt in answer.receipts if receipt.status in FINAL_WORDS}
        open_codes = [
            (item, said.code) for item, said in zip(request, answer.answers, strict=True) if item.row.id not in told
        ]
        self.again = self.again or bool(open_codes)
        if any(code is None for _, code in open_codes):
            raise RemoteError(Code.MALFORMED, "an answer without code has no receipt")
        batch_ref = self._store.new_ref()

        def move(connection: Connection) -> bool:
            known: dict[str, Receipt] = {}
            if answer.signed is not None:
                known = outgoing_receipts.apply(connection, self._node, answer.signed, batch_ref, at=now, answers=True)
            refused = [(item, code) for item, code in open_codes if code and reaction(code) is Reaction.VOID]
            refuse(connection, refused, at=now)
            return told <= set(known)

        if not await self._store.move(move):
            raise RemoteError(Code.SPLICED, "a receipt is for another sealing")
        if told or any(code is not None and reaction(code) is Reaction.VOID for _, code in open_codes):
            await self.recovered()
        await self._events.happened()
        await self._react(peer, [(item, code) for item, code in open_codes if code is not None])

    async def _react(self, peer: Peer, codes: Sequence[tuple[Ready, Code]]) -> None:
        stop = next((code for _, code in codes if reaction(code) is Reaction.STOP_LINK), None)
        if stop is not None:
            await self._sync.suspend_for_cause(self._node, stop, None)
            raise TransientError(stop, "the link is stopped")
        if any(reaction(code) is Reaction.AWAIT_RESET for _, code in codes):
            await self._tell_reset()
            raise TransientError(Code.LINK_RESET_REQUIRED, "the link has to be reset first")
        anew = [(item, code) for item, code in codes if reaction(code) is Reaction.SEAL_ANEW]
        if anew:
            await self._seal_anew(peer, anew)
        if any(reaction(code) is Reaction.SIGN_ANEW for _, code in codes):
            raise TransientError(Code.STALE, "the peer wants the request signed again")

    async def _seal_anew(self, peer: Peer, refused: Sequence[tuple[Ready, Code]]) -> None:
        """Give up the bytes of these messages and learn the peer's newest keys; the next pass seals them at their
        place.

        Raises:
            TransientError: one of them was sealed anew before and is refused again; it is no answer (nrm1 12.10).
        """
        peer = await self._sync.fetch_chain(peer)
        await self._sync.refresh(peer)
        now, refs = self._clock.now(), {item.row.ref for item, _ in refused}

        def move(connection: Connection) -> None:
            same = {item.row.ref for item in unchanged(connection, [item for item, _ in refused])}
            counted = Counter(row.message for row in messages.sealings(connection, sorted(same)))
            over = {ref for ref in same if counted[ref] >= MOST_SEALINGS}
            messages.drop_envelopes(connection, sorted(same - over))
            refuse(connection, [(item, code) for item, code in refused if item.row.ref in over], at=now)

        await self._store.move(move)
        before, self._anew = self._anew, self._anew | refs
        if before & refs:
            raise TransientError(refused[0][1], "the peer cannot open what was sealed to its newest keys")


def unchanged(connection: Connection, items: Sequence[Ready]) -> list[Ready]:
    """Those of these that wait for an answer to exactly these bytes."""
    refs = [item.row.ref for item in items]
    rows, stored = messages.get(connection, refs), messages.envelopes(connection, refs)
    waiting = {ref for ref, row in rows.items() if row.state in SENDING}
    return [item for item in items if item.row.ref in waiting and stored.get(item.row.ref) == item.data]


def may_go(connection: Connection, items: Sequence[Ready]) -> list[Ready] | None:
    """Find which of these, judged together, may go; None where something changed since of what that rests on."""
    return unchanged(connection, items) if items[0].void or items[0].grounds.stand(connection) else None


def refuse(connection: Connection, refused: Sequence[tuple[Ready, Code]], *, at: int) -> None:
    """Stop what was answered with a code, as it stands now: what has no number any more was put back by a reset of the
    link, and the answer is about an old number.
    """
    if not refused:
        return
    rows = messages.get(connection, [item.row.ref for item, _ in refused])
    current = [(rows[item.row.ref], code) for item, code in refused]
    changes = [
        Change(row=row, event=OutgoingEvent.REFUSE, reason=code)
        for row, code in current
        if row.n is not None and allows(Outgoing(row.state), OutgoingEvent.REFUSE)
    ]
    state_transitions.advance(connection, changes, at=at)


def requests(ready: Sequence[Ready]) -> list[list[Ready]]:
    """Messages in groups that fit one request; a void is a request of its own. The order stays."""
    requests: list[list[Ready]] = []
    size = 0
    for item in ready:
        room = requests and not item.void and not requests[-1][0].void
        if not room or size + len(item.data) + 4 > ENVELOPES_LIMIT or len(requests[-1]) >= MOST_ENVELOPES:
            requests.append([])
            size = 0
        requests[-1].append(item)
        size += len(item.data) + 4
    return requests
