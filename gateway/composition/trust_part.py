"""Whom a node trusts, how peers hear of it, and the log that says so."""

from __future__ import annotations

from gateway.audit.access_log import Reads
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.witness import LogWitness
from gateway.composition.erasing_part import ErasingPart
from gateway.composition.ground import OpenedFolder
from gateway.identity.key_pace import KeyPaceWatch
from gateway.identity.publication import Publication
from gateway.trust.changes import TrustChanges
from gateway.trust.compromise_review import CompromiseReview
from gateway.trust.effects import TrustEffects
from gateway.trust.key_upkeep import KeyUpkeep
from gateway.trust.link_reset.comparison import LinkComparison
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.link_reset.taken_lists import TakenLists
from gateway.trust.peer_sync import PeerSync
from gateway.trust.ping import Pinger
from gateway.trust.record_exchange import RecordExchange


class TrustPart(ErasingPart):
    """What stands below, and identity, audit and trust."""

    def __init__(self, opened: OpenedFolder) -> None:
        super().__init__(opened)
        self.publication = Publication(
            store=self.store,
            identity=self.identity,
            clock=self.clock,
            kinds={unit.id: unit.kind for unit in self.config.units},
        )
        self.upkeep = KeyUpkeep(
            store=self.store, identity=self.identity, link=self.link, time=self.time, clock=self.clock
        )
        self.key_pace = KeyPaceWatch(store=self.store, keys=self.keys, workers=self.workers, clock=self.clock)
        self.checkpointer = Checkpointer(
            store=self.store, link=self.link, log=self.log, wakeups=self.wakeups, clock=self.clock
        )
        self.witness = LogWitness(store=self.store, identity=self.identity, peers=self.peers, clock=self.clock)
        self.reads = Reads(store=self.store, clock=self.clock, actor=self.keys.actor)
        self.review = CompromiseReview(content=self.content, peers=self.peers, workers=self.workers, clock=self.clock)
        self.sync = PeerSync(store=self.store, link=self.link, review=self.review, clock=self.clock)
        self.trust_effects = TrustEffects(
            store=self.store,
            identity=self.identity,
            peers=self.peers,
            policies=self.policies,
            time=self.time,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.trust_changes = TrustChanges(
            own=self.own,
            trust_effects=self.trust_effects,
            time=self.time,
            config=self.config,
            lowest=self.region.nodes,
            actor=self.keys.actor,
        )
        self.taken_lists = TakenLists(
            content=self.content,
            identity=self.identity,
            link=self.link,
            workers=self.workers,
            clock=self.clock,
            take_away=self.taken_again.run_whole,
        )
        self.link_reset = LinkReset(
            store=self.store,
            identity=self.identity,
            link=self.link,
            taken_lists=self.taken_lists,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.comparison = LinkComparison(
            store=self.store, link=self.link, wakeups=self.wakeups, events=self.events, clock=self.clock
        )
        self.record_exchange = RecordExchange(
            store=self.store,
            identity=self.identity,
            link=self.link,
            sync=self.sync,
            wakeups=self.wakeups,
            clock=self.clock,
        )
        self.pinger = Pinger(identity=self.identity, link=self.link, sync=self.sync, clock=self.clock)
