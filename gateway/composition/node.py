"""A node and all that works on it, tied bottom up: the one place that picks concrete parts.

Node.desk        the operations of people and local systems, also without listening
serving.serve    its doors open and every loop at work, until told to stop

Each class ties the parts of one band, out of what it and the classes before it have tied; none knows those behind it:

    Ground > ErasingPart > TrustPart > DeliveryPart > KeepingPart > Node
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.cluster.leadership import Duties, OnlyWorker
from gateway.composition.ground import OpenedFolder
from gateway.composition.keeping_part import KeepingPart
from gateway.composition.operation_table import tie_operations
from gateway.errors import GatewayError
from gateway.federation.listener import RunningServer
from gateway.foundation.chores import HOUR, Chore
from gateway.node.federation_handlers import FederationHandlers
from gateway.peers import expiry_warnings

if TYPE_CHECKING:
    from gateway.cluster.member import Member


class Node(KeepingPart):
    """One opened node folder: everything that works on it, each with what it uses."""

    def __init__(self, opened: OpenedFolder) -> None:
        super().__init__(opened)
        self.handlers = FederationHandlers(
            own=self.own,
            peers=self.peers,
            receiver=self.receiver,
            uploads=self.uploads,
            receipts=self.receipts,
            sync=self.sync,
            tombstones=self.tombstones,
            witness=self.witness,
            record_exchange=self.record_exchange,
            link_reset=self.link_reset,
            comparison=self.comparison,
            taken_lists=self.taken_lists,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.desk = tie_operations(self)
        self.member: Member | None = None
        """This process among the workers of the node, where its rows are on a server."""
        self.found: Mapping[str, int] = {}
        self.federation: RunningServer | None = None
        """The public door, while it is open."""

    @property
    def duties(self) -> Duties:
        """Who does what one worker does for all."""
        return OnlyWorker() if self.member is None else self.member.leadership

    def chores(self) -> Sequence[Chore]:
        """What is done again and again, in the order in which it begins."""
        keys, push = self.upkeep.chores()
        requests, *erasing = self.erasure.chores()
        return [
            *self.maintenance.chores(),
            *self.ledger.chores(),
            *self.position.chores(),
            *self.time.chores(),
            *self.key_pace.chores(),
            keys,
            *self.expiry.chores(),
            *self.trust_effects.chores(),
            *self.status_updates.chores(),
            *self.case_words.chores(),
            *self.loader.chores(),
            requests,
            push,
            *self.link_reset.chores(),
            *self.comparison.chores(),
            *self.sync.chores(),
            *self.epochs.chores(),
            *self.overwork.chores(),
            *self.second_look.chores(),
            *self.consent_lapses.chores(),
            *erasing,
            *self.taken_again.chores(),
            *self.review.chores(),
            *self.split_view.chores(),
            *([] if self.member is None else [*self.member.nonces.chores(), *self.checkpointer.chores()]),
            Chore("expiry warnings", HOUR, self._warn_of_endings),
            Chore("database checkpoint", 1, self.store.checkpoint, leader=False),
        ]

    async def _warn_of_endings(self) -> None:
        await expiry_warnings.tell(self.store, self.own, self.peers, self.region, self.clock)

    async def close(self) -> None:
        """Finish what was begun and let the folder go."""
        with suppress(GatewayError):  # what a disk does not take now is written at the next start
            await self.ledger.write()
            await self.position.keep()
        await self.client.close()
        if self.member is not None:
            await self.member.leave()
        self.store.close()
        self.workers.shutdown()
