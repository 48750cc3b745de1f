"""Trust records on their way: ours to the peers, theirs to us (nrm1 8.6, 8.8).

Ours are repeated until the peer took them; a peer that misses one says `bad_chain` and gets the whole chain again.

What a peer said is final, with two exceptions, in which its next record takes the place of those behind the one that
it follows: they were signed by a key that it revoked since, so a thief may have said it; or they were taken before a
person here accepted that the peer was restored, so it no longer knows of them. A revocation by an intact key stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RemoteError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.identity.identity import Identity
from gateway.messages import answers
from gateway.messages.answers import Reaction
from gateway.messages.wakeups import Wakeups
from gateway.peers import trust_record_store
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.trust_record_store import TrustRow
from gateway.ports import Clock
from gateway.trust.link_reset import store
from gateway.trust.link_reset.decisions import read_reset
from gateway.trust.peer_sync import PeerSync
from keys.documents.key_records import Use
from keys.documents.trust_record import TRUSTS, TrustRecord, TrustState, accept_trust, parse_trust
from keys.primitives.domains import TRUST
from keys.primitives.sign import SignedDocument

FIRST_RETRY = 5
LONGEST_RETRY = 15 * 60
"""Seconds between attempts to bring a record to a peer that does not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Attempts at one peer that failed, when the next may be, and whether the peer refused the last one."""

    count: int
    again: float
    refused: bool


def _kept(
    connection: Connection, peer: Peer, chain: Sequence[TrustRecord], held: Sequence[TrustRow], new: TrustRecord
) -> int:
    """How many of the records held stay when `new` comes: all of them, or those up to the one that it follows."""
    hashes = [record.hash for record in chain]
    place = 0 if new.prev is None else hashes.index(new.prev) + 1 if new.prev in hashes else len(held)
    if new.hash in hashes:
        return len(held)
    revoked = {revocation.kid for revocation in peer.descriptor.revoked}
    restored = _restored(connection, peer.node)
    for row, record in zip(held[place:], chain[place:], strict=True):
        if SignedDocument.decode(row.document, *TRUSTS).signature.kid in revoked:
            continue
        if record.state is TrustState.REVOKED or row.acked is None or row.acked > restored:
            return len(held)
    return place


def _require_not_revoked(history: Sequence[TrustRow]) -> None:
    """Check that what the peer said in the first form did not end with a revocation, which nothing follows. Raises
    RemoteError(bad_chain).
    """
    if history and parse_trust(SignedDocument.decode(history[-1].document, *TRUSTS)).state is TrustState.REVOKED:
        raise RemoteError(Code.BAD_CHAIN, "nothing follows a revocation")


def _restored(connection: Connection, node: NodeId) -> int:
    """When a person here accepted last that this peer was restored from a backup, 0 for never."""
    row = store.get(connection, node)
    if row is None or row.accepted is None or read_reset(row.accepted)[0].from_ != node:
        return 0
    return row.at


class RecordExchange:
    """Brings our records to the peers, before what relies on them. A failed attempt is repeated ever more slowly, and
    at once when the peer has sent a record of its own.
    """

    def __init__(
        self, *, store: Store, identity: Identity, link: PeerLink, sync: PeerSync, wakeups: Wakeups, clock: Clock
    ) -> None:
        self._store = store
        self._identity = identity
        self._link = link
        self._sync = sync
        self._wakeups = wakeups
        self._clock = clock
        self._failures: dict[str, _Failure] = {}
        self._bringing: dict[str, asyncio.Lock] = {}
        self._log = logger()

    async def run(self) -> None:
        """Work until cancelled; woken by `signals.trust`, and every few seconds of the node's clock."""
        while True:
            self._wakeups.trust.clear()
            try:
                await self.bring()
            except GatewayError as error:
                self._log.info("trust.postponed", code=str(error.code))
            waits = {
                asyncio.ensure_future(self._wakeups.trust.wait()),
                asyncio.ensure_future(self._clock.sleep(FIRST_RETRY)),
            }
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def bring(self) -> None:
        """One attempt for every peer that is owed a record. One that is under way for its sender is that attempt: to
        wait for it, and to try anew behind it, would keep our records from all others while the peer hangs.
        """
        for node in await self._store.read(trust_record_store.owed):
            peer = self._link.registry.get(node)
            failed = self._failures.get(node)
            under_way = node in self._bringing and self._bringing[node].locked()
            waits = failed is not None and self._waits(node, failed)
            if peer is None or peer.behind is not None or under_way or waits:
                continue
            with suppress(GatewayError):
                await self._try_to_bring(peer)

    async def bring_first(self, peer: Peer) -> None:
        """Bring a peer what it is owed before something goes there, which it would refuse for good by a record of
        before. A record that the peer has refused holds nothing up.

        Raises:
            TransientError: the peer is not there.
        """
        failed = self._failures.get(peer.node)
        refused = failed is not None and failed.refused and self._waits(peer.node, failed)
        if peer.owed and peer.behind is None and not refused:
            with suppress(RemoteError):
                await self._try_to_bring(peer)

    def _waits(self, node: NodeId, failed: _Failure) -> bool:
        """Whether it is too early to try again."""
        return self._clock.monotonic() < failed.again and node not in self._wakeups.trusting

    async def _try_to_bring(self, peer: Peer) -> None:
        """One attempt, and when the next may be if it fails. One at a time: who waits finds it done, or tries anew."""
        node = peer.node
        async with self._bringing.setdefault(node, asyncio.Lock()):
            self._wakeups.trusting.discard(node)
            try:
                await self._bring(peer)
            except GatewayError as error:
                self._log.debug("trust.postponed", peer=node, code=str(error.code))
                count = self._failures[node].count + 1 if node in self._failures else 1
                again = self._clock.monotonic() + min(LONGEST_RETRY, FIRST_RETRY << min(count - 1, 10))
                refused = isinstance(error, RemoteError)
                self._failures[node] = _Failure(count=count, again=again, refused=refused)
                raise
            self._failures.pop(node, None)

    async def _bring(self, peer: Peer) -> None:
        chain = await self._store.read(lambda c: trust_record_store.records_of(c, peer.node, trust_record_store.OUT))
        chain = chain[trust_record_store.first_forms(chain) :]
        missing = [row for row in chain if row.acked is None]
        if not missing:
            return  # of the first form only: they are said again in the second (`TrustEffects.leave_first_form`)
        try:
            await self._post(peer, missing)
        except RemoteError as error:
            if error.code is not Code.BAD_CHAIN or len(missing) == len(chain):
                raise
            await self._post(peer, chain)
        now = self._clock.now()
        await self._store.move(lambda c: trust_record_store.acknowledge(c, peer.node, chain[-1].seq, at=now))
        await self._link.registry.refresh()

    async def _post(self, peer: Peer, records: list[TrustRow]) -> None:
        for row in records:
            answered = await self._link.client.post_trust(address(peer.descriptor), self._as_signed(row.document))
            if answered.status == 200:
                continue
            code = answers.read_refusal(answered.body)
            if answers.reaction(code) is Reaction.SIGN_ANEW:  # of this request alone: nothing was said of the record
                raise TransientError(code, "the peer wants the request signed again")
            raise RemoteError(code, "the peer refused a trust record")

    def _as_signed(self, data: bytes) -> bytes:
        """The document, signed anew where its key was revoked or has ended: peers judge by what is valid now. The
        record, and so its hash, is the same.
        """
        document = SignedDocument.decode(data, *TRUSTS)
        listed = self._identity.own.descriptor.keys_of(Use.SIG, self._clock.now())
        if any(record.kid == document.signature.kid for record in listed):
            return data
        return replace(document, signatures=(self._identity.keys.sign(TRUST, document.payload),)).encode()

    async def take(self, peer: Peer, data: bytes) -> None:
        """Judge a record that a proven peer sent, and keep it if it is new.

        Raises:
            RemoteError: `bad_chain` asks for the whole chain; other codes changed nothing.
            TransientError: its chain has to be fetched first and can not be.
        """
        document = SignedDocument.decode(data, TRUST)
        now = self._clock.now()
        try:
            signer = peer.descriptor.signing_key(document.signature.kid, at=now)
        except RemoteError:
            peer = await self._sync.fetch_chain(peer)
            signer = peer.descriptor.signing_key(document.signature.kid, at=now)

        def move(connection: Connection) -> bool:
            held = trust_record_store.records_of(connection, peer.node, trust_record_store.IN)
            before = trust_record_store.first_forms(held)
            history, held = held[:before], held[before:]
            _require_not_revoked(history)
            chain = [parse_trust(SignedDocument.decode(row.document, TRUST)) for row in held]
            kept = _kept(connection, peer, chain, held, parse_trust(document))
            record = accept_trust(chain[:kept], document, signer=signer, issuer=peer.node, me=self._identity.own.node)
            if record is None:
                return False
            self._check_about_us(record)
            if kept < len(held):
                trust_record_store.drop_records(connection, peer.node, before + kept)
                journal.append_leaf(connection, leaf(now, "trust.replaced", peer=peer.node, count=len(held) - kept))
                held = held[:kept]
            row = TrustRow(
                peer=peer.node,
                direction=trust_record_store.IN,
                seq=before + len(held) + 1,
                hash=record.hash,
                document=data,
                acked=now,
            )
            trust_record_store.add_record(connection, row)
            journal.append_leaf(
                connection, leaf(now, "trust.taken", peer=peer.node, record=record.hash, state=str(record.state))
            )
            if record.state is TrustState.ACTIVE:
                journal.close_alarms(connection, "peer.suspended_us", at=now, peer=peer.node)
            if record.state is TrustState.SUSPENDED:
                journal.raise_alarm(connection, at=now, kind="peer.suspended_us", peer=peer.node)
            if record.state is TrustState.REVOKED:
                journal.raise_alarm(connection, at=now, kind="peer.revoked_us", peer=peer.node)
            return True

        if await self._store.move(move):
            await self._link.registry.refresh()
            self._wakeups.peer_called(peer.node)
        self._wakeups.peer_trusts(peer.node)

    def _check_about_us(self, record: TrustRecord) -> None:
        """The record names a descriptor that this node really had: else somebody shows our peer another one."""
        own = next((d for d in self._identity.own.chain if d.version == record.peer_desc_version), None)
        if own is not None and own.hash != record.peer_desc_hash:
            raise RemoteError(Code.MISDIRECTED, "the record names a descriptor that this node never had")
