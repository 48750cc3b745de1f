"""The directory as this node holds it: the newest entry of each node, sealed at rest, read into memory to be searched.

An entry comes as a `directory.update` of a peer, in the transaction that accepts it (`Listed`), or is this node's own
(`gateway.directory.operations.entries`). A peer speaks for the country of its signed descriptor and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.directory import store as rows
from gateway.directory.entries import Entry
from gateway.directory.rules import Directory
from gateway.directory.store import DirectoryRow
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Json
from keys.primitives.encoding import canon
from schemas.region_pack.calendars import Calendar
from schemas.region_pack.regions import Region

SHOWN = frozenset({PeerState.ACTIVE, PeerState.SUSPENDED})
"""Of a peer that is revoked, or suspended for a cause, nothing is shown: who speaks there is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A peer's entry. The newest number wins: messages overtake."""

    content: Content
    node: NodeId
    epoch: int
    n: int
    made: int
    said: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> None:
        """Keep it in the place of the older one; nothing where a newer one is held."""
        before = rows.entry(connection, self.node)
        if before is None or (before.epoch, before.n) < (self.epoch, self.n):
            put(self.content, connection, self.node, (self.epoch, self.n), self.made, self.said)


def list_entry(content: Content, row: MessageRow, message: AcceptedMessage) -> Listed:
    """Make the effect of a peer's `directory.update`."""
    place = message.position
    return Listed(
        content=content, node=row.peer, epoch=place.epoch, n=place.n, made=message.created, said=message.content
    )


def put(
    content: Content, connection: Connection, node: NodeId, place: tuple[int, int], made: int, said: Mapping[str, Json]
) -> None:
    """Seal an entry and keep it in the place of the one before."""
    before, ref = rows.entry(connection, node), content.store.new_ref()
    content_rows.put(connection, [content.sealer.seal(ref, canon({"made": made, "content": dict(said)}))])
    rows.put(connection, DirectoryRow(node=node, ref=ref, epoch=place[0], n=place[1]))
    if before is not None:
        content_rows.erase(connection, before.ref)


@dataclass(slots=True, kw_only=True)
class _Held:
    """The directory in memory, and of which entries and peers it was built."""

    of: Sequence[object] = ()
    built: Directory = field(default_factory=lambda: Directory(()))


class DirectoryCache:
    """The directory in memory, built anew when an entry or a peer has changed."""

    def __init__(
        self, *, content: Content, own: OwnIdentity, peers: PeerRegistry, config: Config, workers: Workers, clock: Clock
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._config = config
        self._workers = workers
        self._clock = clock
        self._directory = _Held()

    async def current(self) -> Directory:
        """The entries of this node and of the peers that are shown, built anew when something changed. An entry that
        does not open is left out, with an alarm.
        """
        speakers, held = self._speakers(), self._directory
        shown = [row for row in await self._content.store.read(rows.entries) if row.node in speakers]
        of = [(row, speakers[row.node]) for row in shown]
        if of != held.of:
            sealed = await self._content.store.read(lambda c: content_rows.get(c, [row.ref for row in shown]))
            held.built = await self._workers.off_loop(partial(self._built, shown, sealed, speakers))
            held.of = of
            known, now = {entry.node for entry in held.built.entries}, self._clock.now()
            damaged = [row.ref for row in shown if row.node not in known]

            def move(connection: Connection) -> None:
                for ref in damaged:
                    journal.raise_alarm(connection, at=now, kind="content.damaged", ref=ref)

            if damaged:
                await self._content.store.move(move)
        return held.built

    def _speakers(self) -> dict[NodeId, tuple[str, str, str]]:
        """Collect the nodes that are shown: by node its country, its name here and its state."""
        own = self._own.descriptor
        peers = (peer for peer in self._peers.all() if peer.state in SHOWN)
        speakers: dict[NodeId, tuple[str, str, str]] = {own.node: (own.country, self._config.node.name, "own")}
        for peer in peers:
            speakers[peer.node] = (peer.descriptor.country, peer.name, str(peer.state))
        return speakers

    def _built(
        self,
        shown: Sequence[DirectoryRow],
        sealed: Mapping[int, SealedRow],
        speakers: Mapping[NodeId, tuple[str, str, str]],
    ) -> Directory:
        there = [row for row in shown if row.ref in sealed]
        entries: list[Entry] = []
        for row, plain in zip(there, self._content.sealer.open_each([sealed[row.ref] for row in there]), strict=True):
            if isinstance(plain, bytes):
                said, (country, name, state) = orjson.loads(plain), speakers[row.node]
                entries.append(
                    Entry(
                        node=row.node,
                        country=country,
                        peer=name,
                        state=state,
                        made=said["made"],
                        content=said["content"],
                    )
                )
        return Directory(entries)


def calendars(region: Region, directory: Directory) -> dict[str, Calendar]:
    """The calendar of each country that says something."""
    return {entry.country: region.calendar(entry.country) for entry in directory.entries}
