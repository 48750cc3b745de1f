"""Telling people in time what ends: descriptors, keys and trust records, of this node and its peers (nrm1 2.23); and
when what is known of the countries of the region has to be looked at again (domain 8.15).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.engine import Store
from gateway.identity.own_identity import OwnIdentity
from gateway.peers.expiry_rules import Ending, due, remembered
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from schemas.region_pack.regions import Region

TOLD = "endings_told"
_USES = (Use.SIG, Use.HTTP, Use.LOG, Use.WIT)


def own_endings(descriptor: Descriptor) -> Iterator[Ending]:
    """The descriptor, and the last key of each use that it lists."""
    yield Ending(subject="own.descriptor", at=descriptor.expires)
    for use in _USES:
        ends = [record.until for record in descriptor.keys if record.use is use]
        if ends:
            yield Ending(subject=f"own.{use}", at=max(ends))


def region_endings(region: Region) -> Iterator[Ending]:
    """The days by which a fact about a country has to be looked at again."""
    for day in sorted({fact.review_by for entry in region.national.values() for fact in entry.facts}):
        yield Ending(subject="region.national", at=int(datetime.combine(day, time.min, UTC).timestamp()))


def endings(own: OwnIdentity, peers: PeerRegistry) -> list[Ending]:
    """Everything of keys and trust that ends and that somebody here can do something about."""
    found = list(own_endings(own.descriptor))
    for peer in peers.all():
        if peer.state is not PeerState.REVOKED:
            found.append(Ending(subject="peer.descriptor", at=peer.descriptor.expires, peer=peer.node))
            records = [record.expires for record in (peer.trust.mine, peer.trust.theirs) if record is not None]
            if records:
                found.append(Ending(subject="peer.trust", at=min(records), peer=peer.node))
    return found


async def tell(store: Store, own: OwnIdentity, peers: PeerRegistry, region: Region, clock: Clock) -> None:
    """Raise the alarms that are due, each once."""
    now, found = clock.now(), [*endings(own, peers), *region_endings(region)]

    def move(connection: Connection) -> None:
        for node in peers.damaged:
            journal.raise_alarm(connection, at=now, kind="peer.damaged", peer=node)
        told = json.loads(meta.get_meta(connection, TOLD) or b"{}")
        new = due(found, told, now)
        for item in new:
            journal.raise_alarm(connection, at=now, kind=item.kind, peer=item.ending.peer)
        latest = remembered(found, told, new)
        if latest != told:
            meta.set_meta(connection, TOLD, json.dumps(latest).encode())

    await store.move(move)
