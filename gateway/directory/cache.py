"""The directory as this node holds it: the newest entry of each node, sealed at rest, read into memory to be searched.

An entry comes as a `directory.update` of a peer, in the transaction that accepts it (`Listed`), or is this node's own
(`gateway.directory.operations.entries`). A peer speaks for the country of its signed descriptor and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.directory import store as rows
from gateway.directory.rules import Directory, Entry
from gateway.directory.store import DirectoryRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.node.parts import Parts
from gateway.peers.scope import PeerState
from gateway.ports import Json
from keys.primitives.encoding import canon
from schemas.region_pack.calendars import Calendar, calendar

SHOWN = frozenset({PeerState.ACTIVE, PeerState.SUSPENDED})
"""Of a peer that is revoked, or suspended for a cause, nothing is shown: who speaks there is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A peer's entry. The newest number wins: messages overtake."""

    parts: Parts
    node: str
    epoch: int
    n: int
    made: int
    said: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> None:
        """Keep it in the place of the older one; nothing where a newer one is held."""
        before = rows.entry(connection, self.node)
        if before is None or (before.epoch, before.n) < (self.epoch, self.n):
            put(self.parts, connection, self.node, (self.epoch, self.n), self.made, self.said)


def list_entry(parts: Parts, row: MessageRow, message: AcceptedMessage) -> Listed:
    """Make the effect of a peer's `directory.update`."""
    place = message.position
    return Listed(parts=parts, node=row.peer, epoch=place.epoch, n=place.n, made=message.created, said=message.content)


def put(
    parts: Parts, connection: Connection, node: str, place: tuple[int, int], made: int, said: Mapping[str, Json]
) -> None:
    """Seal an entry and keep it in the place of the one before."""
    before, ref = rows.entry(connection, node), parts.store.new_ref()
    content_rows.put(connection, [parts.vault.seal(ref, canon({"made": made, "content": dict(said)}))])
    rows.put(connection, DirectoryRow(node=node, ref=ref, epoch=place[0], n=place[1]))
    if before is not None:
        content_rows.erase(connection, before.ref)


async def current(parts: Parts) -> Directory:
    """The entries of this node and of the peers that are shown, built anew when something changed. An entry that does
    not open is left out, with an alarm.
    """
    speakers, held = _speakers(parts), parts.directory
    shown = [row for row in await parts.store.read(rows.entries) if row.node in speakers]
    of = [(row, speakers[row.node]) for row in shown]
    if of != held.of:
        sealed = await parts.store.read(lambda c: content_rows.get(c, [row.ref for row in shown]))
        held.built = await parts.workers.off_loop(partial(_built, parts, shown, sealed, speakers))
        held.of = of
        known, now = {entry.node for entry in held.built.entries}, parts.clock.now()
        damaged = [row.ref for row in shown if row.node not in known]

        def move(connection: Connection) -> None:
            for ref in damaged:
                journal.raise_alarm(connection, at=now, kind="content.damaged", ref=ref)

        if damaged:
            await parts.store.move(move)
    return held.built


def calendars(parts: Parts, directory: Directory) -> dict[str, Calendar]:
    """The calendar of each country that says something."""
    return {entry.country: calendar(parts.region.name, entry.country) for entry in directory.entries}


def _speakers(parts: Parts) -> dict[str, tuple[str, str, str]]:
    """Who is shown: by node its country, its name here and its state."""
    own = parts.own.descriptor
    peers = (peer for peer in parts.book.all() if peer.state in SHOWN)
    return {own.node: (own.country, parts.config.node.name, "own")} | {
        peer.node: (peer.descriptor.country, peer.name, str(peer.state)) for peer in peers
    }


def _built(
    parts: Parts,
    shown: Sequence[DirectoryRow],
    sealed: Mapping[int, SealedRow],
    speakers: Mapping[str, tuple[str, str, str]],
) -> Directory:
    there = [row for row in shown if row.ref in sealed]
    entries: list[Entry] = []
    for row, plain in zip(there, parts.vault.open_each([sealed[row.ref] for row in there]), strict=True):
        if isinstance(plain, bytes):
            said, (country, name, state) = orjson.loads(plain), speakers[row.node]
            entries.append(
                Entry(
                    node=row.node, country=country, peer=name, state=state, made=said["made"], content=said["content"]
                )
            )
    return Directory(entries)
