"""Where the reset of each link stands, and whether this node came out of a backup."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.database import meta
from gateway.database.tables import link_reset
from gateway.database.tables import peer as peer_table
from gateway.foundation.ids import NodeId
from gateway.peers.link_reset_state import ResetState
from gateway.peers.scope import PeerState

_MARK = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRow:
    """Where the reset of one link stands. `ours` and `offer` are signed requests of this node and of the peer that are
    not accepted yet, `accepted` is the last one that was. `backup` is set when this node was the restored one.
    """

    peer: NodeId
    state: str
    at: int
    backup: int | None = None
    epoch: int | None = None
    change: str | None = None
    view: bytes | None = None
    ours: bytes | None = None
    offer: bytes | None = None
    accepted: bytes | None = None

    @property
    def only_urgent(self) -> bool:
        """Whether the peer has accepted our request, and its lists are not taken yet (nrm1 5.16)."""
        return self.state == ResetState.ASKED and self.ours is not None and self.ours == self.accepted


def all_closed(connection: Connection) -> bool:
    """Whether this node was put back, and none of the links that it has was begun anew since."""
    links = load(connection).values()
    return bool(links) and restored(connection) is not None and all(link.state != ResetState.OPEN for link in links)


def in_use(connection: Connection) -> list[ResetRow]:
    """List the same, but for peers that are revoked: with those nothing begins anew."""
    gone = {
        *connection.execute(select(peer_table.c.node).where(peer_table.c.state == str(PeerState.REVOKED))).scalars()
    }
    return [link for node, link in load(connection).items() if node not in gone]


def load(connection: Connection) -> dict[str, ResetRow]:
    """Every link that was or is to be reset, by peer."""
    found = {row.peer: ResetRow(**row._mapping) for row in connection.execute(select(link_reset))}
    if restored(connection) is not None:
        nodes = connection.execute(select(peer_table.c.node)).scalars()
        found |= {node: row for node in nodes if node not in found and (row := _unknown(connection, node))}
    return found


def find_forgotten(connection: Connection) -> dict[str, int]:
    """The time of the backup since which each link has forgotten what passed: a restore brought it back, and it was not
    begun anew. A later backup knows no more of it.
    """
    return {
        node: row.backup
        for node, row in load(connection).items()
        if row.state != ResetState.OPEN and row.backup is not None
    }


def _unknown(connection: Connection, peer: NodeId) -> ResetRow | None:
    """On a restored node a peer without a row needs a reset too: it may have been one before the restore."""
    mark = restored(connection)
    if mark is None:
        return None
    return ResetRow(peer=peer, state=str(ResetState.REQUIRED), at=mark.at, backup=mark.backup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """That this node came out of a backup: when, the time of the backup, and the hash of its data file's content."""

    at: int
    backup: int
    sha256: str


def restored(connection: Connection) -> Restored | None:
    """The mark of a restored node."""
    mark = meta.get_meta(connection, _MARK)
    return None if mark is None else Restored(**json.loads(mark))
