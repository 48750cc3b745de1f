"""What ends, what is counted, what is kept safe."""

from __future__ import annotations

from pathlib import Path

from gateway.administration.backup import BackupMaker
from gateway.administration.position import PositionKeeper
from gateway.administration.status_metrics import StatusMetrics
from gateway.composition.delivery_part import DeliveryPart
from gateway.composition.ground import OpenedFolder
from gateway.erasure.chores import ErasureChores
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.erasure.retention import Retention
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.foundation.node_folder import LEDGER, POSITION
from gateway.ledger.files import LedgerWriter
from gateway.notifications.consent_lapses import ConsentLapses
from gateway.notifications.second_look import SecondLook
from gateway.peers.overwork import Overwork
from gateway.statistics.releases import StatisticsReleases


class KeepingPart(DeliveryPart):
    """What stands below, and what looks after the whole."""

    def __init__(self, opened: OpenedFolder) -> None:
        super().__init__(opened)
        self.releases = StatisticsReleases(
            content=self.content,
            own=self.own,
            peers=self.peers,
            loader=self.loader,
            region=self.region,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )
        self.erased_receipts = ErasureReceipts(
            content=self.content, identity=self.identity, workers=self.workers, wakeups=self.wakeups, clock=self.clock
        )
        self.retention = Retention(
            content=self.content,
            eraser=self.eraser,
            releases=self.releases,
            status_updates=self.status_updates,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            actor=self.keys.actor,
        )
        self.forwarder = RequestForwarder(
            content=self.content,
            own=self.own,
            peers=self.peers,
            preparation=self.preparation,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
            rand=self.rand,
            actor=self.keys.actor,
        )
        self.executor = RequestExecutor(content=self.content, eraser=self.eraser, clock=self.clock)
        self.confirmer = RequestConfirmer(
            content=self.content,
            keys=self.keys,
            peers=self.peers,
            preparation=self.preparation,
            config=self.config,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
            rand=self.rand,
        )
        self.overwork = Overwork(store=self.store, clock=self.clock)
        self.second_look = SecondLook(store=self.store, clock=self.clock)
        self.consent_lapses = ConsentLapses(content=self.content, loader=self.loader, clock=self.clock)
        self.epochs = StorageEpochs(
            store=self.store,
            keys=self.keys,
            receipts=self.erased_receipts,
            loader=self.loader,
            time=self.time,
            epoch_days=self.config.storage.epoch_days,
            clock=self.clock,
        )
        self.erasure = ErasureChores(
            store=self.store,
            eraser=self.eraser,
            case_system=self.case_system_eraser,
            receipts=self.erased_receipts,
            retention=self.retention,
            forwarder=self.forwarder,
            executor=self.executor,
            confirmer=self.confirmer,
            epochs=self.epochs,
            time=self.time,
            clock=self.clock,
        )
        self.ledger = LedgerWriter(store=self.store, keys=self.keys, paths=self.ledger_paths, clock=self.clock)
        self.backups = BackupMaker(
            store=self.store,
            identity=self.identity,
            log=self.log,
            ledger=self.ledger,
            config=self.config,
            workers=self.workers,
            clock=self.clock,
            rand=self.rand,
        )
        self.position = PositionKeeper(store=self.store, path=self.folder / POSITION)
        self.status_metrics = StatusMetrics(
            store=self.store,
            keys=self.keys,
            key_pace=self.key_pace,
            peers=self.peers,
            log=self.log,
            config=self.config,
            clock=self.clock,
        )

    @property
    def ledger_paths(self) -> tuple[Path, ...]:
        """The ledger on another disk, where node.toml names one, and its copy in this folder."""
        section = self.config.backup
        elsewhere = () if section is None or section.ledger is None else (section.ledger,)
        return (*elsewhere, self.folder / LEDGER)
