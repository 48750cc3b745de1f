"""How the node stands, in figures: what waits for whom since when, what failed and why, what was erased.

One reading for everybody who asks: `trm node status`, the console and `/metrics`. It holds no content, only what the
database has in the clear, and opens nothing; what it costs does not grow with what is stored.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.administration import status_store
from gateway.administration.status_store import Files, Pile, Requests, Trouble
from gateway.audit import store
from gateway.audit.log import AuditLog
from gateway.database import meta
from gateway.database.engine import Store
from gateway.delivery.intake import WAITING
from gateway.erasure.retention import RETAINED
from gateway.errors import Code
from gateway.foundation.config import Config
from gateway.identity.key_pace import KeyPaceWatch
from gateway.identity.node_keys import NodeKeys
from gateway.messages.store import handed_over
from gateway.notifications import webhooks as hooks
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock, Json
from keys.keystore.service import PacedCalls

HOUR = 3_600
DAY = 24 * HOUR
RECEIVED_WITHIN = HOUR
"""Seconds after which a sent message without any receipt is missed."""
DELIVERED_WITHIN = DAY
"""Seconds after which a message that the peer has, and nobody there has taken, is missed."""
FAILED = ("message.failed", "message.rejected", "message.held")
"""Alarms about messages that a person has to look at: ours that will not go, the peer's that were not taken here."""
DAMAGED = "content.damaged"
NOTHING = Pile()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFigures:
    """One peer. `contact`: when its keyset or a message was last heard of; `announced`: it said that it is away."""

    peer: Peer
    held: str | None
    queued: Pile
    unreceived: Pile
    undelivered: Pile
    contact: int | None
    announced: bool

    @property
    def delivery(self) -> str:
        """`held`: people have to agree first; `announced`: people work on it, and it said until when; `failing`: it
        does not answer; `waiting`, or `idle`: nothing waits.
        """
        if self.held is not None:
            return "held"
        if self.announced and self.peer.failing_since is None:
            return "announced"
        if self.peer.failing_since is not None:
            return "failing"
        return "waiting" if self.queued.count else "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sealed: open alarms about rows that do not open, and the storage epoch; `rotating` while rows are left
    that name an older one. `key_place` is file, tpm or pkcs11.
    """

    damaged: int
    key_place: str
    epoch: int
    epoch_made: int
    rotating: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes of the database and of its write-ahead log, and what is free beside them."""

    database: int
    log: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The audit log: entries, and the newest checkpoints, signed and witnessed, as (size, when)."""

    entries: int
    checkpoint: tuple[int, int] | None
    witnessed: tuple[int, int] | None
    halted: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """What retention erased when it looked last, by rule, and what of erasing is not done yet."""

    looked: int | None
    erased: Mapping[str, int]
    left: int
    requests: Requests
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole reading, at one moment."""

    at: int
    peers: tuple[PeerFigures, ...]
    failed: tuple[Trouble, ...]
    to_hand_over: Pile
    news: Pile
    drafts: int
    files: Files
    erasing: Erasing
    log: Log
    content: Content
    key_service: tuple[PacedCalls, ...]
    alarms: Mapping[str, Pile]
    webhooks: tuple[Json, ...]
    disk: Disk
    backup: int | None


class StatusMetrics:
    """Reads the figures of the node's status."""

    def __init__(
        self,
        *,
        store: Store,
        keys: NodeKeys,
        key_pace: KeyPaceWatch,
        peers: PeerRegistry,
        log: AuditLog,
        config: Config,
        clock: Clock,
    ) -> None:
        self._store = store
        self._keys = keys
        self._key_pace = key_pace
        self._peers = peers
        self._log = log
        self._config = config
        self._clock = clock

    async def read(self) -> Figures:
        """Count everything in one snapshot of the database."""
        now, peers = self._clock.now(), self._peers.all()

        def query(connection: Connection) -> Figures:
            queued, alarms = status_store.queued(connection), status_store.alarms(connection)
            unreceived = status_store.unreceived(connection, now - RECEIVED_WITHIN)
            undelivered = status_store.undelivered(connection, now - DELIVERED_WITHIN)
            made = meta.get_meta(connection, meta.BACKUP_MADE)
            announced = peer_rows.announced(connection)
            size, log = self._store.database.sizes(connection)
            return Figures(
                at=now,
                peers=tuple(
                    PeerFigures(
                        peer=peer,
                        held=peer.standing(now).held,
                        queued=queued.get(peer.node, NOTHING),
                        unreceived=unreceived.get(peer.node, NOTHING),
                        undelivered=undelivered.get(peer.node, NOTHING),
                        announced=peer.node in announced,
                        contact=_latest(peer.keyset_seen, status_store.last_received(connection, peer.node)),
                    )
                    for peer in peers
                ),
                failed=tuple(status_store.troubles(connection, FAILED)),
                to_hand_over=status_store.to_hand_over(connection),
                news=status_store.news(connection),
                drafts=status_store.drafts(connection, WAITING),
                files=status_store.files(connection),
                erasing=_erasing(connection, now),
                log=self._log_figures(connection),
                content=Content(
                    damaged=alarms.get(DAMAGED, NOTHING).count,
                    key_place=self._keys.place.value,
                    epoch=self._keys.epoch,
                    epoch_made=self._keys.epoch_made,
                    rotating=bool(self._keys.old_epochs),
                ),
                key_service=self._key_pace.seen,
                alarms=alarms,
                webhooks=tuple(hooks.standings(connection, self._config.webhooks)),
                disk=Disk(database=size, log=log, free=shutil.disk_usage(self._store.path.parent).free),
                backup=None if made is None else int(made),
            )

        return await self._store.read(query)

    def _log_figures(self, connection: Connection) -> Log:
        newest = store.newest_checkpoint(connection)
        witnessed = store.newest_witnessed(connection, self._log.parties().quorum)
        return Log(
            entries=store.size(connection),
            checkpoint=None if newest is None else (newest.size, newest.at),
            witnessed=None if witnessed is None else (witnessed.size, witnessed.at),
            halted=self._log.halted,
        )


def _latest(*times: int | None) -> int | None:
    return max((at for at in times if at is not None), default=None)


def _erasing(connection: Connection, now: int) -> Erasing:
    day = meta.get_meta(connection, RETAINED)
    looked = None if day is None else int(day) * DAY
    return Erasing(
        looked=looked,
        erased={} if looked is None else status_store.erased_since(connection, looked),
        left=status_store.left_in_place(connection, handed_over.DUE),
        requests=status_store.requests(connection, now),
        holds=status_store.holds(connection),
    )
