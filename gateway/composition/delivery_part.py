"""Messages on their way out and in."""

from __future__ import annotations

from functools import partial

from gateway.attachments.pace import Pace
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.receiver import IncomingFiles
from gateway.attachments.sender import Uploader
from gateway.attachments.uploads import Uploads
from gateway.cases.news import read_news
from gateway.composition.effects import tie_effects
from gateway.composition.ground import OpenedFolder
from gateway.composition.trust_part import TrustPart
from gateway.consent import register
from gateway.delivery.answering import Answering
from gateway.delivery.handover import Handover
from gateway.delivery.inbound.admission import Admission
from gateway.delivery.inbound.answer_signing import AnswerSigner
from gateway.delivery.inbound.opening import Opening
from gateway.delivery.inbound.receiver import Receiver
from gateway.delivery.inbound.recording import Recorder
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.outbound.departure import Departure
from gateway.delivery.outbound.draft import DraftReader
from gateway.delivery.outbound.expiry import Expiry
from gateway.delivery.outbound.inputs import InputLoader
from gateway.delivery.outbound.kept import KeptJudgements
from gateway.delivery.outbound.lookout import Lookout
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.receipts import ReceivedReceipts
from gateway.delivery.outbound.sealing import Sealing
from gateway.delivery.outbound.submission import Submission
from gateway.erasure import store as erasures


class DeliveryPart(TrustPart):
    """What stands below, and what carries messages."""

    def __init__(self, opened: OpenedFolder) -> None:
        super().__init__(opened)
        self.file_pace = Pace(self.clock)
        self.uploader = Uploader(
            store=self.store, client=self.client, files=self.files, pace=self.file_pace, clock=self.clock
        )
        self.drafts = DraftReader(sealer=self.sealer, peers=self.peers, config=self.config, rand=self.rand)
        inputs = InputLoader(content=self.content, loader=self.loader, consent_contexts=self.consent_contexts)
        self.preparation = Preparation(
            content=self.content,
            loader=self.loader,
            inputs=inputs,
            drafts=self.drafts,
            policies=self.policies,
            clock=self.clock,
            rand=self.rand,
        )
        kept = KeptJudgements()
        self.submission = Submission(
            content=self.content,
            preparation=self.preparation,
            kept=kept,
            linked_holds=self.linked_holds,
            wakeups=self.wakeups,
            events=self.events,
        )
        self.lookout = Lookout(
            content=self.content,
            loader=self.loader,
            consent_contexts=self.consent_contexts,
            policies=self.policies,
            clock=self.clock,
        )
        self.departure = Departure(
            content=self.content,
            sealing=Sealing(content=self.content, identity=self.identity, clock=self.clock, rand=self.rand),
            lookout=self.lookout,
            kept=kept,
            policies=self.policies,
            workers=self.workers,
            clock=self.clock,
        )
        self.expiry = Expiry(
            store=self.store,
            peers=self.peers,
            time=self.time,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.answering = Answering()
        self.local_receipts = LocalReceipts(
            content=self.content,
            identity=self.identity,
            answering=self.answering,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.receipts = ReceivedReceipts(
            store=self.store,
            own=self.own,
            workers=self.workers,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        checks = PartChecks(files=self.files, workers=self.workers)
        self.incoming_files = IncomingFiles(
            store=self.store,
            attachments=self.attachments,
            files=self.files,
            checks=checks,
            clock=self.clock,
            rand=self.rand,
        )
        self.effects = tie_effects(self)
        self.receiver = self._tie_receiver()
        self.uploads = Uploads(
            store=self.store,
            files=self.files,
            checks=checks,
            pace=self.file_pace,
            clock=self.clock,
            judge=self.receiver.answer_messages,
        )
        self.handover = Handover(
            content=self.content,
            keys=self.keys,
            peers=self.peers,
            attachments=self.attachments,
            local_receipts=self.local_receipts,
            answering=self.answering,
            adapter=self.adapter,
            workers=self.workers,
            wakeups=self.wakeups,
            durations=self.durations,
            clock=self.clock,
            mappings=self.outside.inward,
        )

    def _tie_receiver(self) -> Receiver:
        """The receive order (docs/spec/receiving.md)."""
        return Receiver(
            own=self.own,
            store=self.store,
            peers=self.peers,
            opening=Opening(
                identity=self.identity,
                sealer=self.sealer,
                workers=self.workers,
                fetch_chain=self.sync.fetch_chain,
                clock=self.clock,
            ),
            admission=Admission(
                sealer=self.sealer,
                own=self.own,
                units={unit.id: unit.kind for unit in self.config.units},
                load_conversations=lambda c, keys, whole: self.loader.recall(c, keys, whole=whole)[0],
                context_of=self.loader.came,
                find_consent=partial(register.known_in, self.sealer),
                clock=self.clock,
            ),
            files=self.incoming_files,
            recorder=Recorder(
                content=self.content,
                identity=self.identity,
                link=self.link,
                effects=self.effects,
                cases=self.cases,
                read_news=partial(read_news, self.store, self.peers),
                take_away=self.taken_again.take_new,
                tell_again=erasures.tell_again,
                answering=self.answering,
                workers=self.workers,
                wakeups=self.wakeups,
                events=self.events,
                clock=self.clock,
            ),
            signer=AnswerSigner(
                store=self.store,
                identity=self.identity,
                answering=self.answering,
                workers=self.workers,
                clock=self.clock,
            ),
            workers=self.workers,
            clock=self.clock,
        )
