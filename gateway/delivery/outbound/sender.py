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
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from sqlalchemy import Connection

from gateway.attachments.sender import Uploader
from gateway.audit.log import AuditLog
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.delivery.outbound import receipts as outgoing_receipts
from gateway.delivery.outbound.departure import Departure, Ready
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers, state_transitions
from gateway.messages.answers import Answers, Reaction, reaction
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages, receipts
from gateway.messages.store.receipts import ReceiptRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers import backoff_rules
from gateway.peers import store as peer_rows
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import listens
from gateway.ports import Clock
from gateway.trust.link_reset.comparison import LinkComparison
from gateway.trust.peer_sync import PeerSync
from keys.documents.descriptor import GATEWAY
from keys.documents.descriptor import require_usable_descriptor as descriptor_usable
from keys.documents.envelope import ENVELOPES_LIMIT, MOST_ENVELOPES, Receipt, Status
from keys.documents.keyset import require_usable_keyset as keyset_usable
from keys.documents.receipts import MOST_RECEIPTS, batch_hash
from keys.primitives.encoding import parse

IN_FLIGHT = 3
"""Requests to one peer at a time: enough to keep both sides busy over real round-trip times. A request that is not full
waits until nothing is in flight: what gathers meanwhile shares its signature, its commit and its round trip."""

GATHER = 0.02
"""Seconds at most in which submissions that are under way are waited for: what goes in one request shares its commits
and its round trip. Receipts do not wait: they come in batches."""

CLOCK_WAIT = 60.0
"""Seconds between looks at a clock that went back; nothing is dated and sent by it."""

HELD_WAIT = 300.0
"""Seconds between looks at messages that are held until both sides' administrators agree again."""

FRESH = 300
"""Seconds for which a fetched keyset counts as looked at."""

SCHEMAS_FRESH = 3_600
"""Seconds after which a peer is asked again what schemas it holds: it may have been upgraded."""

FINAL_WORDS = (Status.RECEIVED, Status.REJECTED)
"""Receipts that answer an envelope; an answer without one of them and without a code is no answer (nrm1 6.7)."""

MOST_SEALINGS = 16
"""Sealings of one message, each of which is kept. A peer that opens none of them gets no more: the message is voided
and comes back to the person who sent it (nrm1 6.9).
"""

ReceiptKey = tuple[str, str]
"""What a receipt is known by: the statement it is for, and its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """What waits for a peer: the receipts that go in one batch, signed already or not, and the next messages.

    `files` is the next message that has some; `more`: other receipts wait behind these.
    """

    owed: Sequence[tuple[int, ReceiptRow]]
    batch: bytes | None
    due: Sequence[int]
    files: int | None
    more: bool


class Sender:
    """Everything that goes to one peer."""

    def __init__(
        self,
        *,
        node: NodeId,
        store: Store,
        identity: Identity,
        link: PeerLink,
        log: AuditLog,
        departure: Departure,
        comparison: LinkComparison,
        time: ConfirmedTime,
        sync: PeerSync,
        uploader: Uploader,
        submission: Submission,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._identity = identity
        self._link = link
        self._log = log
        self._departure = departure
        self._comparison = comparison
        self._time = time
        self._sync = sync
        self._uploader = uploader
        self._submission = submission
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand
        self._node = node
        self._wake = wakeups.outgoing(node)
        self._logger = logger().bind(peer=node)
        self._anew: set[int] = set()
        self._answered: set[ReceiptKey] = set()
        self._again = False
        self._schemas_at: int | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._numbering = asyncio.Lock()  # numbers are looked up and used in one go

    async def run(self) -> None:
        """Work until cancelled; every failure of the world is survived, a bug of ours is not hidden."""
        try:
            while True:
                self._wake.clear()
                try:
                    delay = await self._round()
                except GatewayError as error:
                    delay = await self._failed(error)
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

    # --- one round ------------------------------------------------------------------------------------------------

    async def _round(self) -> float | None:
        """Send what is due; returns the seconds to wait for, None for "until something happens"."""
        self._carried()
        peer = self._link.registry.get(self._node)
        if peer is None or not listens(peer.state):
            return None
        if self._link.registry.only_urgent(self._node) and not self._time.is_held():
            await self._send_urgent(peer)
            return None
        if not self._link.registry.speaks(self._node):
            return None
        if self._time.is_held():
            return await self._try_urgent(peer)
        if self._log.halted is not None:
            return CLOCK_WAIT
        left: float = peer.next_try - self._clock.now()
        if 0 < left <= backoff_rules.LONGEST and self._node not in self._wakeups.called:  # more: the clock was put back
            return left
        self._wakeups.called.discard(self._node)
        answered, joined = frozenset(self._answered), bool(peer.attempts)
        waiting = await self._store.read(lambda c: _look_up(c, self._node, answered, joined=joined))
        self._again = waiting.more
        if waiting.owed:
            await self._send_receipts(peer, waiting)
        carries = waiting.files if self._carrying is None else None
        if waiting.due or carries is not None:
            await self._comparison.require(await self._reach(peer))
            if not self._link.registry.speaks(self._node):
                return None
        if carries is not None:
            self._carrying = asyncio.create_task(self._carry(carries), name=f"files-{self._node}")
            self._carrying.add_done_callback(lambda _: self._wake.set())
        if waiting.due:
            await self._send_messages(await self._gathered(waiting.due))
        if self._again:
            return 0.0
        waits = bool(waiting.due) or waiting.files is not None
        return HELD_WAIT if waits and self._held() is not None else None

    async def _try_urgent(self, peer: Peer) -> float:
        """While our clock is in doubt by more than a day: ask the peer. What is never blocked goes if the two clocks
        agree; else it would be refused as stale, and a person is told to telephone. Everything else waits
        (nrm1 12.17).
        """
        agrees = await self._time.ask_peer(peer)
        if not self._time.standing().held:
            await self._time.keep()
            return 0.0
        urgent = await self._departure.find_urgent(self._node)
        if urgent and agrees:
            await self._comparison.require(await self._reach(peer))
            for request in _requests(await self._departed(urgent)):
                await self._ask(request)
        elif urgent:
            now = self._clock.now()
            await self._store.move(lambda c: _tell_to_telephone(c, self._node, urgent, now))
        return CLOCK_WAIT

    async def _send_urgent(self, peer: Peer) -> None:
        """The link begins anew, and the peer has not said yet what was taken away: what nothing may block goes, and
        everything else waits (nrm1 5.16).
        """
        if urgent := await self._departure.find_urgent(self._node):
            await self._reach(peer)
            for request in _requests(await self._departed(urgent)):
                await self._ask(request)

    def _held(self) -> str | None:
        """Why ordinary messages wait although the peer is there."""
        return self._peer().standing(self._clock.now()).held

    async def _reach(self, peer: Peer) -> Peer:
        """A pinned connection is open and the keyset is fresh (nrm1 12.1)."""
        now = self._clock.now()
        stale = peer.keyset is None or peer.keyset_seen is None or now - peer.keyset_seen > FRESH
        if not stale and peer.keyset is not None:
            try:
                _may_seal(peer, now)
            except RefusedError:
                stale = True
        if stale:
            peer = await self._refreshed(peer)
        else:
            await self._link.client.connect(address(peer.descriptor))
        if peer.schemas is None or self._schemas_at is None or now - self._schemas_at >= SCHEMAS_FRESH:
            peer = await self._sync.refresh_schemas(peer)
            self._schemas_at = now
        return self._link.registry.find(self._node)

    async def _refreshed(self, peer: Peer) -> Peer:
        """Return the peer with a keyset that may be used now; a person is told where it shows none (nrm1 2.22)."""
        now = self._clock.now()
        try:
            peer = await self._sync.refresh(await self._sync.fetch_chain(peer))
            _may_seal(peer, now)
        except (RemoteError, RefusedError) as error:
            await self._store.move(
                lambda c: journal.raise_alarm(c, at=now, kind=f"peer.{Code.STALE_KEYSET}", peer=self._node)
            )
            raise TransientError(error.code, "the peer presents no keyset that may be used") from error
        return peer

    async def _failed(self, error: GatewayError) -> float:
        """Note the failure and say in how many seconds to try again; a person is told of what lasts (nrm1 12.15)."""
        peer, now = self._link.registry.get(self._node), self._clock.now()
        attempts = 1 if peer is None else peer.attempts + 1
        chance = int.from_bytes(self._rand(2), "big") / 65_536
        delay = backoff_rules.delay(attempts, error.code, chance)
        since = now if peer is None or peer.failing_since is None else peer.failing_since

        def move(connection: Connection) -> None:
            peer_rows.set_failing(connection, self._node, attempts=attempts, next_try=now + int(delay), since=since)
            refusals = backoff_rules.count(peer_rows.refusals(connection, self._node), error.code, now)
            if refusals is not None:
                peer_rows.set_refusals(connection, self._node, refusals)
            if backoff_rules.must_tell(refusals, now):
                journal.raise_alarm(connection, at=now, kind=backoff_rules.KIND, peer=self._node)

        with suppress(TransientError):  # a full disk must not end the node; the delay holds without the note
            await self._store.move(move)
            await self._link.registry.refresh()
        self._logger.info("peer.unreachable", code=str(error.code), attempts=attempts, seconds=int(delay))
        return delay

    async def _recovered(self) -> None:
        """A valid answer was read, or there is nothing to ask: the waiting is over."""
        self._anew.clear()
        peer, now = self._peer(), self._clock.now()
        if not peer.attempts and not peer.next_try and peer.failing_since is None:
            return

        def move(connection: Connection) -> None:
            peer_rows.set_answering(connection, self._node)
            journal.settle_alarms(connection, backoff_rules.KIND, self._node, at=now)

        await self._store.move(move)
        await self._link.registry.refresh()

    # --- messages with files --------------------------------------------------------------------------------------

    def _carried(self) -> None:
        """The message with files that was under way has ended; raises what made it fail."""
        if self._carrying is not None and self._carrying.done():
            done, self._carrying = self._carrying, None
            done.result()

    async def _carry(self, ref: int) -> None:
        """A message with files to its end: it was answered, or it may go no longer."""
        async with self._numbering:
            ready = await self._departure.depart(self._peer(), [ref])
        for item in ready:
            if item.void:
                await self._ask([item])
                continue
            for _ in range(2):  # the second time for what the peer has or had already
                if not await self._store.read(partial(_unchanged, items=[item])):
                    self._again = True
                    return
                peer = self._peer()
                answer = await self._asked(peer, [item])
                if answer.receipts or answer.answers[0].code is not None:
                    await self._apply(peer, [item], answer)
                    return
                if await self._uploaded(peer, item):
                    return
            raise TransientError(Code.REJECTED, "the peer waits for files and does not accept them")

    async def _uploaded(self, peer: Peer, item: Ready) -> bool:
        """Bring the parts; whether that was the end of it."""
        now = self._clock.now()
        try:
            answered = await self._uploader.upload(address(peer.descriptor), item.row)
        except RefusedError as error:
            code = error.code
            await self._store.move(lambda c: _refuse(c, [(item, code)], at=now))
            return True
        if answered is None:
            return not await self._uploader.goes(item.row)
        await self._apply(peer, [item], await self._read(peer, [item], answered))
        return True

    # --- messages -------------------------------------------------------------------------------------------------

    async def _send_messages(self, refs: Sequence[int]) -> None:
        """Once through the outbox in order from `refs` on, a few requests in flight; raises what made one fail."""
        after, whole = 0, False
        flying: set[asyncio.Future[None]] = set()
        try:
            while refs or flying:
                if refs and (not flying or len(refs) == MOST_ENVELOPES):
                    after, whole = refs[-1], len(refs) == MOST_ENVELOPES
                    for request in _requests(await self._departed(refs)):
                        while len(flying) >= IN_FLIGHT:
                            flying = await _first_of(flying)
                        flying.add(asyncio.ensure_future(self._ask(request)))
                    refs = []
                else:
                    flying = await self._first_or_woken(flying)
                if whole or self._wake.is_set():
                    refs = await self._due(after)
                    whole = len(refs) == MOST_ENVELOPES
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _gathered(self, refs: Sequence[int]) -> Sequence[int]:
        """These, and what comes within a moment."""
        if len(refs) < MOST_ENVELOPES:
            await self._submission.under_way(GATHER)
        return await self._due(0) if self._wake.is_set() else refs

    async def _first_or_woken(self, flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
        """Until a request ends or more may wait; raises what the request raised; returns the others."""
        woken = asyncio.ensure_future(self._woken())
        try:
            return await _first_of({*flying, woken}) - {woken}
        finally:
            woken.cancel()

    async def _due(self, after: int) -> list[int]:
        """What waits behind `after`. The wake-up that is used up here may have been for something else: look again."""
        if self._wake.is_set():
            self._wake.clear()
            self._again = True
        return await self._store.read(lambda c: messages.due(c, self._node, after, MOST_ENVELOPES))

    async def _departed(self, refs: Sequence[int]) -> list[Ready]:
        """These, ready to go; one that may go no longer is asked about in the next round."""
        async with self._numbering:
            ready = await self._departure.depart(self._peer(), refs)
        if not ready:  # the peer is there, and nothing that waits may go
            await self._recovered()
        self._again = self._again or (len(ready) < len(refs) and self._held() is None)
        return ready

    async def _woken(self) -> None:
        """Until something happens."""
        await self._wake.wait()

    def _peer(self) -> Peer:
        return self._link.registry.find(self._node)

    async def _ask(self, request: Sequence[Ready]) -> None:
        """One request and what its answer means. What was stopped since its bytes were made is not shown to the peer:
        the next round asks about it (nrm1 12.18).
        """
        still = await self._store.read(partial(_unchanged, items=request))
        if len(still) < len(request):
            self._again = True
        if still:
            peer = self._peer()
            await self._apply(peer, still, await self._asked(peer, still))

    async def _asked(self, peer: Peer, request: Sequence[Ready]) -> Answers:
        """One request and its answer."""
        where = address(peer.descriptor)
        if request[0].void:
            answered = await self._link.client.post_void(where, request[0].data)
        else:
            answered = await self._link.client.post_messages(where, [item.data for item in request])
        if answered.status != 200:
            raise await self._whole(answers.read_refusal(answered.body))
        return await self._read(peer, request, answered)

    async def _read(self, peer: Peer, request: Sequence[Ready], answered: Answered) -> Answers:
        """The verified answer to these."""
        return await self._workers.off_loop(
            lambda: answers.read_answers(
                answered.body,
                asked=[item.row.id for item in request],
                issuer=peer.descriptor,
                me=self._identity.own.node,
                now=self._clock.now(),
            )
        )

    async def _whole(self, code: Code) -> GatewayError:
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

    async def _apply(self, peer: Peer, request: Sequence[Ready], answer: Answers) -> None:
        """Write what was answered in one transaction, then do what codes without a receipt ask for."""
        now = self._clock.now()
        told = {receipt.msg for receipt in answer.receipts if receipt.status in FINAL_WORDS}
        open_codes = [
            (item, said.code) for item, said in zip(request, answer.answers, strict=True) if item.row.id not in told
        ]
        self._again = self._again or bool(open_codes)
        if any(code is None for _, code in open_codes):
            raise RemoteError(Code.MALFORMED, "an answer without code has no receipt")
        batch_ref = self._store.new_ref()

        def move(connection: Connection) -> bool:
            known: dict[str, Receipt] = {}
            if answer.document is not None:
                known = outgoing_receipts.apply(
                    connection, self._node, answer.receipts, answer.document, batch_ref, at=now
                )
            refused = [(item, code) for item, code in open_codes if code and reaction(code) is Reaction.VOID]
            _refuse(connection, refused, at=now)
            return told <= set(known)

        if not await self._store.move(move):
            raise RemoteError(Code.SPLICED, "a receipt is for another sealing")
        if told or any(code is not None and reaction(code) is Reaction.VOID for _, code in open_codes):
            await self._recovered()
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
            same = {item.row.ref for item in _unchanged(connection, [item for item, _ in refused])}
            counted = Counter(row.message for row in messages.sealings(connection, sorted(same)))
            over = {ref for ref in same if counted[ref] >= MOST_SEALINGS}
            messages.drop_envelopes(connection, sorted(same - over))
            _refuse(connection, [(item, code) for item, code in refused if item.row.ref in over], at=now)

        await self._store.move(move)
        before, self._anew = self._anew, self._anew | refs
        if before & refs:
            raise TransientError(refused[0][1], "the peer cannot open what was sealed to its newest keys")

    # --- receipts -------------------------------------------------------------------------------------------------

    async def _send_receipts(self, peer: Peer, waiting: _Waiting) -> None:
        """Receipts that are owed, as one signed batch that is repeated until answered 200 (nrm1 6.5).

        That they are settled is written along with what comes next: a kill before it sends the same batch once more,
        which the peer takes as the repeat it is.
        """
        once = {_key(row): row for _, row in waiting.owed}  # what the peer asked for again meanwhile is owed twice
        document = self._identity.own.as_signed(waiting.batch) or await self._batch([*once.values()])
        answered = await self._link.client.post_receipts(address(peer.descriptor), document)
        if answered.status != 200:
            raise await self._whole(answers.read_refusal(answered.body))
        await self._recovered()
        keys = set(once)
        self._answered |= keys
        settled = self._store.move_along(partial(receipts.settled, seqs=[seq for seq, _ in waiting.owed]))
        settled.add_done_callback(lambda _: self._answered.difference_update(keys))

    async def _batch(self, rows: Sequence[ReceiptRow]) -> bytes:
        """The signed document over these receipts; signed once and stored, so that a repeat has the same bytes."""
        now = self._clock.now()
        objects = [Receipt.from_json(parse(row.object, limit=10_000)) for row in rows]
        document = await self._workers.off_loop(lambda: answers.sign_receipts(objects, self._identity.keys.sign))
        ref = self._store.new_ref()

        def move(connection: Connection) -> None:
            receipts.add_batch(connection, ref, document)
            receipts.join(connection, ref, [_key(row) for row in rows])
            journal.append_leaf(connection, leaf(now, "receipts.issued", of=batch_hash(document), peer=self._node))

        await self._store.move(move)
        return document


def _key(row: ReceiptRow) -> ReceiptKey:
    return row.of, row.status


def _look_up(connection: Connection, node: str, answered: Set[ReceiptKey], *, joined: bool) -> _Waiting:
    """See `_Waiting`; what came together while the peer was away is `joined` in one new batch."""
    listed = receipts.owed(connection, node, MOST_RECEIPTS)
    owed = [item for item in listed if _key(item[1]) not in answered]
    first = list(takewhile(lambda item: item[1].batch == owed[0][1].batch, owed))
    batch = receipts.stored_batch(connection, [_key(row) for _, row in first]) if first else None
    if batch is None or (joined and len(first) < len(owed)):
        first, batch = owed, None
    return _Waiting(
        owed=first,
        batch=batch,
        due=messages.due(connection, node, 0, MOST_ENVELOPES),
        files=next(iter(messages.due(connection, node, 0, 1, files=True)), None),
        more=len(first) < len(owed) or len(listed) == MOST_RECEIPTS,
    )


def _tell_to_telephone(connection: Connection, node: str, refs: Sequence[int], now: int) -> None:
    for ref in refs:
        journal.raise_alarm(connection, at=now, kind="message.telephone", peer=node, ref=ref)


def _may_seal(peer: Peer, now: int) -> None:
    """Return if the keyset and the descriptor held may be used now and list a key to seal with; raises RefusedError."""
    if peer.keyset is None:
        raise RefusedError(Code.STALE_KEYSET, "no keyset is held", hint="the peer has to be reached first")
    keyset_usable(peer.keyset, peer.descriptor, now)
    peer.keyset.enc_for(GATEWAY, now)
    descriptor_usable(peer.descriptor, now)


def _unchanged(connection: Connection, items: Sequence[Ready]) -> list[Ready]:
    """Those of these that wait for an answer to exactly these bytes."""
    stored = messages.envelopes(connection, [item.row.ref for item in items])
    return [item for item in items if stored.get(item.row.ref) == item.data]


def _refuse(connection: Connection, refused: Sequence[tuple[Ready, Code]], *, at: int) -> None:
    """Stop what was answered with a code, as it stands now: what has no number any more was put back by a reset of the
    link, and the answer is about an old number.
    """
    rows = messages.get(connection, [item.row.ref for item, _ in refused])
    current = [(rows[item.row.ref], code) for item, code in refused]
    changes = [
        Change(row=row, event=OutgoingEvent.REFUSE, reason=code)
        for row, code in current
        if row.n is not None and allows(Outgoing(row.state), OutgoingEvent.REFUSE)
    ]
    state_transitions.advance(connection, changes, at=at)


def _requests(ready: Sequence[Ready]) -> list[list[Ready]]:
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


async def _first_of(flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
    """Wait for one to end; raises what it raised; returns the others."""
    done, rest = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest
