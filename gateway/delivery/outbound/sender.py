"""One sender per peer: the outbox in order, void questions, and receipts that are owed (nrm1 5.5, 5.6, 12.1,
12.2).

A round begins with a pinned connection and a fresh keyset; before that nothing is numbered or sealed. Then messages
go in batches, a few requests in flight. What a batch got for an answer is written in one transaction. Whatever is no
valid answer backs off, with jitter, up to an hour, for as long as messages live (`gateway.peers.backoff_rules`); a call
of the peer ends the backoff at once.

A message with files goes beside the others, one at a time: its envelope, its parts, and what the last of them got for
an answer. So a large file keeps nothing else from going; the peer hands over by number all the same (nrm1 12.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.audit.log import AuditLog
from gateway.database import journal
from gateway.database.engine import Store
from gateway.delivery.outbound.departure import Departure
from gateway.delivery.outbound.exchange import Exchange, requests
from gateway.delivery.outbound.file_carrier import FileCarrier
from gateway.delivery.outbound.in_flight import IN_FLIGHT, PARTIAL, OutboxPass, Requests, answered, first_of
from gateway.delivery.outbound.lookout import Lookout
from gateway.delivery.outbound.reach import Reach
from gateway.delivery.outbound.receipt_sender import OwedReceipts, ReceiptKey, ReceiptSender, find_owed
from gateway.delivery.outbound.submission import Submission
from gateway.errors import GatewayError
from gateway.foundation.ids import NodeId
from gateway.maintenance.mode import MaintenanceMode
from gateway.messages.store import messages
from gateway.messages.wakeups import Wakeups
from gateway.peers import backoff_rules
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer
from gateway.peers.scope import listens
from gateway.ports import Clock
from gateway.trust.link_reset.comparison import LinkComparison
from keys.documents.envelope import MOST_ENVELOPES

GATHER = 0.02
"""Seconds at most in which submissions that are under way are waited for: what goes in one request shares its commits
and its round trip. Receipts do not wait: they come in batches."""

CLOCK_WAIT = 60.0
"""Seconds between looks at a clock that went back; nothing is dated and sent by it."""

HELD_WAIT = 300.0
"""Seconds between looks at messages that are held until both sides' administrators agree again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """What waits for a peer: receipts, the next messages, and the next message that has files."""

    receipts: OwedReceipts
    due: Sequence[int]
    files: int | None

    @property
    def anything(self) -> bool:
        """Whether something waits."""
        return bool(self.receipts.owed or self.due) or self.files is not None


class Sender:
    """Everything that goes to one peer."""

    def __init__(
        self,
        *,
        node: NodeId,
        store: Store,
        link: PeerLink,
        log: AuditLog,
        lookout: Lookout,
        departure: Departure,
        comparison: LinkComparison,
        time: ConfirmedTime,
        maintenance: MaintenanceMode,
        submission: Submission,
        reach: Reach,
        exchange: Exchange,
        receipts: ReceiptSender,
        files: FileCarrier,
        numbering: asyncio.Lock,
        wakeups: Wakeups,
        clock: Clock,
    ) -> None:
        self._node = node
        self._store = store
        self._link = link
        self._log = log
        self._lookout = lookout
        self._comparison = comparison
        self._time = time
        self._maintenance = maintenance
        self._submission = submission
        self._reach = reach
        self._exchange = exchange
        self._requests = Requests(departure=departure, exchange=exchange, reach=reach, numbering=numbering)
        self._receipts = receipts
        self._files = files
        self._wakeups = wakeups
        self._clock = clock
        self._wake = wakeups.outgoing(node)
        self._carrying: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Work until cancelled; every failure of the world is survived, a bug of ours is not hidden."""
        try:
            while True:
                self._wake.clear()
                try:
                    delay = await self._round()
                except GatewayError as error:
                    delay = await self._reach.failed(error)
                await self._wait(delay)
        finally:
            if self._carrying is not None:
                self._carrying.cancel()
                await asyncio.gather(self._carrying, return_exceptions=True)

    async def _wait(self, delay: float | None) -> None:
        """Until woken, and at the latest after `delay` seconds of the node's clock."""
        waits: set[asyncio.Future[None]] = {asyncio.ensure_future(self._woken())}
        if delay is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep(delay)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # --- one round ----------------------------------------------------------------------------------------------------

    async def _round(self) -> float | None:
        """Send what is due; returns the seconds to wait for, None for "until something happens"."""
        self._carried()
        peer = self._link.registry.get(self._node)
        if peer is None or not listens(peer.state):
            return None
        if pause := self._maintenance.seconds_left():
            return float(pause)  # what is under way ends; the rest stays on disk
        if self._link.registry.only_urgent(self._node) and not self._time.is_held():
            await self._send_urgent(peer)
            return None
        if not self._link.registry.speaks(self._node):
            return None
        if self._time.is_held():
            return await self._try_urgent(peer)
        if self._log.halted is not None:
            return CLOCK_WAIT
        left = backoff_rules.time_left(peer.next_try, self._clock.now(), announced=peer.failing_since is None)
        if left and self._node not in self._wakeups.called:
            return left
        self._wakeups.called.discard(self._node)
        try:
            return await self._send_due(peer)
        except GatewayError as error:
            delay = await self._reach.failed(error)
            return 0.0 if self._node in self._wakeups.called else delay  # it called while it was asked in vain

    async def _send_due(self, peer: Peer) -> float | None:
        """Send receipts, messages and files that wait; returns the seconds to wait for, as `_round`."""
        answered, joined = self._receipts.answered(), bool(peer.attempts)
        waiting = await self._store.read(lambda c: _look_up(c, self._node, answered, joined=joined))
        self._exchange.again = waiting.receipts.more
        if peer.behind is not None and waiting.anything:
            peer = await self._reach.ready(peer)  # by a newer descriptor, or not at all
        if waiting.receipts.owed:
            await self._receipts.send(peer, waiting.receipts)
        carries = waiting.files if self._carrying is None else None
        if waiting.due or carries is not None:
            await self._comparison.require(await self._reach.ready(peer))
            if not self._link.registry.speaks(self._node):
                return None
        if carries is not None:
            self._carrying = asyncio.create_task(self._files.carry_files(carries), name=f"files-{self._node}")
            self._carrying.add_done_callback(self._go_on)
        if waiting.due:
            await self._send_messages(await self._gathered(waiting.due))
        if self._exchange.again:
            return 0.0
        waits = bool(waiting.due) or waiting.files is not None
        return HELD_WAIT if waits and self._reach.held() is not None else None

    async def _try_urgent(self, peer: Peer) -> float:
        """While our clock is in doubt by more than a day: ask the peer. What is never blocked goes if the two clocks
        agree; else it would be refused as stale, and a person is told to telephone. Everything else waits
        (nrm1 12.17).
        """
        agrees = await self._time.ask_peer(peer)
        if not self._time.standing().held:
            await self._time.keep()
            return 0.0
        urgent = await self._lookout.find_urgent(self._node)
        if urgent and agrees:
            await self._comparison.require(await self._reach.ready(peer))
            for request in requests(await self._requests.depart(urgent)):
                await self._requests.show(request)
        elif urgent:
            now = self._clock.now()
            await self._store.move(lambda c: _tell_to_telephone(c, self._node, urgent, now))
        return CLOCK_WAIT

    async def _send_urgent(self, peer: Peer) -> None:
        """The link begins anew, and the peer has not said yet what was taken away: what nothing may block goes, and
        everything else waits (nrm1 5.16).
        """
        if urgent := await self._lookout.find_urgent(self._node):
            await self._reach.ready(peer)
            for request in requests(await self._requests.depart(urgent)):
                await self._requests.show(request)

    def _go_on(self, carried: asyncio.Task[bool]) -> None:
        """Look for what is next, but where the message waits until people of both sides agree."""
        if carried.cancelled() or carried.exception() is not None or carried.result():
            self._wake.set()

    def _carried(self) -> None:
        """The message with files that was under way has ended; raises what made it fail."""
        if self._carrying is not None and self._carrying.done():
            done, self._carrying = self._carrying, None
            done.result()

    # --- messages -----------------------------------------------------------------------------------------------------

    async def _send_messages(self, refs: Sequence[int]) -> None:
        """Once through the outbox in order from `refs` on, a few requests in flight; raises what made one fail."""
        outbox = OutboxPass(self._store, self._node)
        flying: set[asyncio.Future[None]] = set()
        try:
            while refs or flying:
                if refs and (len(flying) < PARTIAL or len(refs) == MOST_ENVELOPES):
                    outbox.take(refs)
                    for request in requests(await self._requests.depart(refs)):
                        while len(flying) >= IN_FLIGHT:
                            flying = await first_of(flying)
                        if flying and any(item.withdraws for item in request):
                            flying = await answered(flying)
                        flying.add(asyncio.ensure_future(self._requests.show(request)))
                    refs = []
                else:
                    flying = await self._first_or_woken(flying)
                if outbox.full or self._wake.is_set():
                    refs = await outbox.find_next(late=self._was_woken())
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _gathered(self, refs: Sequence[int]) -> Sequence[int]:
        """These, and what comes within a moment."""
        if len(refs) < MOST_ENVELOPES:
            await self._submission.under_way(GATHER)
        return await OutboxPass(self._store, self._node).find_next() if self._was_woken() else refs

    async def _first_or_woken(self, flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
        """Until a request ends or more may wait; raises what the request raised; returns the others."""
        woken = asyncio.ensure_future(self._woken())
        try:
            return await first_of({*flying, woken}) - {woken}
        finally:
            woken.cancel()

    def _was_woken(self) -> bool:
        """Use up the wake-up. It may have been for something else: the next round looks again."""
        woken = self._wake.is_set()
        self._wake.clear()
        self._exchange.again = self._exchange.again or woken
        return woken

    async def _woken(self) -> None:
        """Until something happens."""
        await self._wake.wait()


def _look_up(connection: Connection, node: NodeId, answered: Set[ReceiptKey], *, joined: bool) -> _Waiting:
    return _Waiting(
        receipts=find_owed(connection, node, answered, joined=joined),
        due=messages.due(connection, node, 0, MOST_ENVELOPES),
        files=next(iter(messages.due(connection, node, 0, 1, files=True)), None),
    )


def _tell_to_telephone(connection: Connection, node: NodeId, refs: Sequence[int], now: int) -> None:
    for ref in refs:
        journal.raise_alarm(connection, at=now, kind="message.telephone", peer=node, ref=ref)
