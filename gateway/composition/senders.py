"""One sender for each peer, tied."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.delivery.outbound.exchange import Exchange
from gateway.delivery.outbound.file_carrier import FileCarrier
from gateway.delivery.outbound.reach import Reach
from gateway.delivery.outbound.receipt_sender import ReceiptSender
from gateway.delivery.outbound.sender import Sender
from gateway.foundation.ids import NodeId

if TYPE_CHECKING:
    from gateway.composition.node import Node


def make_sender(node: Node, peer: NodeId) -> Sender:
    """The sender of one peer, and the parts that it works with."""
    reach = Reach(
        node=peer,
        store=node.store,
        link=node.link,
        sync=node.sync,
        records=node.record_exchange,
        clock=node.clock,
        rand=node.rand,
    )
    exchange = Exchange(
        node=peer,
        store=node.store,
        own=node.own,
        link=node.link,
        reach=reach,
        sync=node.sync,
        workers=node.workers,
        events=node.events,
        trail=node.wakeups.trail,
        durations=node.durations,
        clock=node.clock,
    )
    numbering = asyncio.Lock()  # numbers are looked up and used in one go
    files = FileCarrier(
        store=node.store,
        departure=node.departure,
        uploader=node.uploader,
        reach=reach,
        exchange=exchange,
        numbering=numbering,
        clock=node.clock,
    )
    receipts = ReceiptSender(
        node=peer,
        store=node.store,
        identity=node.identity,
        link=node.link,
        exchange=exchange,
        workers=node.workers,
        clock=node.clock,
    )
    return Sender(
        node=peer,
        store=node.store,
        link=node.link,
        log=node.log,
        lookout=node.lookout,
        departure=node.departure,
        comparison=node.comparison,
        time=node.time,
        maintenance=node.maintenance,
        submission=node.submission,
        reach=reach,
        exchange=exchange,
        receipts=receipts,
        files=files,
        numbering=numbering,
        wakeups=node.wakeups,
        clock=node.clock,
    )
