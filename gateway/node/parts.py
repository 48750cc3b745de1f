"""What the receiving side still takes as one: a thin adapter until it names what it uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.attachments.receiver import IncomingFiles
from gateway.conversations.loader import ConversationLoader
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.federation.client import FederationClient
from gateway.foundation.config import Config
from gateway.foundation.wakeups import EventStream, Wakeups
from gateway.foundation.workers import Workers
from gateway.identity.identity import NodeKeys
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.effects import Effects
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock
from gateway.trust.peer_sync import PeerSync


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Wake-ups and the event stream."""

    wakeups: Wakeups
    events: EventStream

    @property
    def handover(self) -> Any:
        """Wake the hand-over."""
        return self.wakeups.handover

    def outgoing(self, peer: str) -> Any:
        """Wake a sender."""
        return self.wakeups.outgoing(peer)

    async def happened(self) -> None:
        """Tell the followers."""
        await self.events.happened()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the receiving side uses."""

    config: Config
    clock: Clock
    store: Store
    keys: NodeKeys
    vault: ContentSealer
    book: PeerRegistry
    own: OwnIdentity
    client: FederationClient
    effects: Effects
    signals: Signals
    workers: Workers
    loader: ConversationLoader
    incoming_files: IncomingFiles
    sync: PeerSync

    async def off_loop(self, work: Callable[[], Any]) -> Any:
        """In a worker thread."""
        return await self.workers.off_loop(work)

    async def off_loop_pieces(self, work: Callable[[Sequence[Any]], Sequence[Any]], items: Sequence[Any]) -> list[Any]:
        """In worker threads."""
        return await self.workers.off_loop_pieces(work, items)
