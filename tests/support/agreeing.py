"""Compares what a node goes by at departure with what it would find in the store, at every departure of a test.

`compare_departures(node)` stands before its departure: where it goes by what submission judged, and that stands, a
judgement of what is stored must say the same. `agreed` are the types of the messages of which that was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.composition.node import Node
from gateway.delivery.outbound.departure import Ready
from gateway.delivery.outbound.lookout import Waiting
from gateway.peers.registry import Peer


def compare_departures(node: Node) -> list[str]:
    """Compare at each departure of this node from now on; the list gets the types of what was compared."""
    departure, agreed = node.departure, list[str]()
    depart = departure._try_to_depart

    async def compared(peer: Peer, waiting: Waiting) -> list[Ready]:
        if waiting.changes:
            at, refs = node.clock.now(), [row.ref for row in waiting.rows]

            def query(connection: Connection) -> tuple[bool, Waiting]:
                return waiting.stands(connection), departure._lookout._look_up(connection, peer, refs)

            stands, found = await node.store.read(query)
            if stands and node.clock.now() == at:
                assert replace(found, passed={}) == replace(waiting, passed={}, changes={})
                assert _said(found) == _said(waiting)
                agreed.extend(one.message.body_type for one in waiting.passed.values())
        return await depart(peer, waiting)

    departure._try_to_depart = compared  # type: ignore[method-assign]  # of this one node, for as long as it is open
    return agreed


def _said(waiting: Waiting) -> Sequence[object]:
    """What goes, without what was written and does not."""
    return [replace(one, message=replace(one.message, written=None)) for one in waiting.passed.values()]
