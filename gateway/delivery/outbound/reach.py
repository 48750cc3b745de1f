"""Reaching one peer: an open connection, a keyset that may be used, and what follows when it does not answer
(nrm1 12.1, 12.15).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.peers import backoff_rules
from gateway.peers import store as peer_rows
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.ports import Clock
from gateway.trust.peer_sync import PeerSync
from gateway.trust.record_exchange import RecordExchange
from keys.documents.descriptor import GATEWAY
from keys.documents.descriptor_chain import require_usable_descriptor as descriptor_usable
from keys.documents.keyset import require_usable_keyset as keyset_usable

FRESH = 300
"""Seconds for which a fetched keyset counts as looked at."""

SCHEMAS_FRESH = 3_600
"""Seconds after which a peer is asked again what schemas it holds: it may have been upgraded."""


class Reach:
    """The way to one peer, and how long to wait for it."""

    def __init__(
        self,
        *,
        node: NodeId,
        store: Store,
        link: PeerLink,
        sync: PeerSync,
        records: RecordExchange,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._node = node
        self._store = store
        self._link = link
        self._sync = sync
        self._records = records
        self._clock = clock
        self._rand = rand
        self._logger = logger().bind(peer=node)
        self._schemas_at: int | None = None

    def peer(self) -> Peer:
        """The peer as it is held now."""
        return self._link.registry.find(self._node)

    async def told(self) -> Peer:
        """The same, once it has what it is owed of our trust records: it judges what comes by the last that it took.

        People may decide anew while one is brought, so the peer that is returned is the one that was looked at last.
        """
        looked_at: Peer | None = None
        while (peer := self.peer()) is not looked_at:
            await self._records.bring_first(peer)
            looked_at = peer
        return peer

    def held(self) -> str | None:
        """Why ordinary messages wait although the peer is there, None if they go."""
        return self.peer().standing(self._clock.now()).held

    async def ready(self, peer: Peer) -> Peer:
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
        """Return the peer with a keyset that may be used now; a person is told where it shows none (nrm1 2.22).

        Raises:
            RefusedError: first_form, of which a person was told too. TransientError for every other reason.
        """
        now = self._clock.now()
        try:
            peer = await self._sync.refresh(await self._sync.fetch_chain(peer))
            _may_seal(peer, now)
        except (RemoteError, RefusedError) as error:
            if error.code is Code.FIRST_FORM:
                raise
            await self._store.move(
                lambda c: journal.raise_alarm(c, at=now, kind=f"peer.{Code.STALE_KEYSET}", peer=self._node)
            )
            raise TransientError(error.code, "the peer presents no keyset that may be used") from error
        return peer

    async def failed(self, error: GatewayError) -> float:
        """Note the failure and say in how many seconds to try again; a person is told of what lasts (nrm1 12.15)."""
        peer, now = self._link.registry.get(self._node), self._clock.now()
        again_in = error.again_in if isinstance(error, TransientError) else None
        attempts = 1 if peer is None or again_in is not None else peer.attempts + 1
        chance = int.from_bytes(self._rand(2), "big") / 65_536
        if again_in is None:
            delay = backoff_rules.delay(attempts, error.code, chance)
        else:
            delay = backoff_rules.pause(again_in, chance)
        failing = now if peer is None or peer.failing_since is None else peer.failing_since

        def move(connection: Connection) -> None:
            refusals = backoff_rules.count(peer_rows.refusals(connection, self._node), error.code, now)
            away = again_in is not None and backoff_rules.is_announced(refusals, now)
            since = None if away else failing
            peer_rows.set_failing(connection, self._node, attempts=attempts, next_try=now + int(delay), since=since)
            if refusals is not None:
                peer_rows.set_refusals(connection, self._node, refusals)
            if backoff_rules.must_tell(refusals, now):
                journal.raise_alarm(connection, at=now, kind=backoff_rules.KIND, peer=self._node)

        with suppress(TransientError):  # a full disk must not end the node; the delay holds without the note
            await self._store.move(move)
            await self._link.registry.refresh()
        self._logger.info("peer.unreachable", code=str(error.code), attempts=attempts, seconds=int(delay))
        return delay

    async def recovered(self) -> None:
        """A valid answer was read, or there is nothing to ask: the waiting is over."""
        peer, now = self.peer(), self._clock.now()
        if not peer.attempts and not peer.next_try and peer.failing_since is None:
            return

        def move(connection: Connection) -> None:
            peer_rows.set_answering(connection, self._node)
            journal.settle_alarms(connection, backoff_rules.KIND, self._node, at=now)

        await self._store.move(move)
        await self._link.registry.refresh()


def _may_seal(peer: Peer, now: int) -> None:
    """Return if the keyset and the descriptor held may be used now and list a key to seal with; raises RefusedError."""
    if peer.keyset is None:
        raise RefusedError(Code.STALE_KEYSET, "no keyset is held", hint="the peer has to be reached first")
    keyset_usable(peer.keyset, peer.descriptor, now)
    peer.keyset.enc_for(GATEWAY, now)
    descriptor_usable(peer.descriptor, now)
