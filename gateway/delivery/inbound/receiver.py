"""Receiving: one request of a proven peer through the receive order, from bytes to a signed answer.

The list is that of ``docs/spec/receiving.md``: step N is nrm1 4.N. The first step that refuses a message answers it.

step                            function                            refused with
 1  limits of HTTP              `gateway.federation.server`         a bare status
 2  the request signature       `FederationHandlers.admits`         a bare status; stale
 3  the request as a whole      `FederationHandlers`,               link_reset_required, malformed, too_large;
                                `split_envelopes`                   the whole request
 4  the form of an envelope     `steps.read_envelope`               too_large, malformed, unsupported_suite
 5  answered before             `Receiver._find_answers`            the answer of then
 6  addressee and expiry        `steps.check_address`               misrouted, expired
 7  the content opens           `steps.open_content`                unknown_recipient_key, undecryptable
 8  frames, statement, sender   `steps.unpack_frames`               malformed, unknown_sender
 9  the sender's descriptor     `Opening._open_by_newer_chain`      the code of its chain; 503 for the whole request
10  the signature               `steps.verify_signature`            revoked_key, unknown_key, bad_signature
11  cross checks                `steps.cross_check`                 downgrade, misdirected, spliced, not_yet_valid,
                                                                    expired, malformed, bad_commitment, newer_descriptor
12  the number                  `rules.decide_number`               rollback, link_reset_required, equivocation,
                                                                    bad_chain
13  type, direction, corridor   `steps.check_type_scope`            out_of_scope
14  the body                    `steps.read_body`                   schema, gate_g11
15  the rest of the scope       `steps.check_content_scope`         out_of_scope, too_large
16  gates                       `steps.check_gates`                 the code of the gate
17  the conversation            `steps.check_conversation`          out_of_order
18  the files                   `IncomingFiles.check_files`         undecryptable, bad_commitment, malformed,
                                                                    wrong_type, too_large; nothing while they come
19  one transaction             `recording.write_results`

Up to step 12 a refusal is a code in the answer and no number is consumed; from 13 on it is a signed receipt, and the
number is consumed. Steps 12 to 19 run under one lock per sender, so that a number is judged by what is really stored.

Two pieces of work are done ahead of their step; what they found is told in its place, so no peer sees a difference:

* 13 to 15 are taken for all messages of a request before the first one is numbered, because the consents that their
  headers name are then looked up in the read that loads the link (`Admission.examine_messages`).
* 18 is taken before the lock, because it reads and opens whole files from disk.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from gateway.conversations.loader import LoadedConversation
from gateway.database.engine import Store
from gateway.delivery.inbound import rules, steps
from gateway.delivery.inbound.admission import Admission, Examined
from gateway.delivery.inbound.answer_signing import AnswerSigner, Recorded
from gateway.delivery.inbound.opening import Opened, Opening
from gateway.delivery.inbound.recording import LinkMovedError, Recorder
from gateway.delivery.inbound.results import (
    AnsweredBefore,
    AwaitingFiles,
    JudgedRequests,
    NumberRefused,
    Received,
    Refusal,
    Rejected,
    RequestResult,
    uses_number,
)
from gateway.delivery.inbound.rules import LinkState, NumberedRequest, NumberRefusal
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.ids import MessageId, NodeId
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.answers import Answer, encode_answers
from gateway.messages.machines.numbering import FIRST_EPOCH, Entry, Gap, LinkView
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.conversations import Key
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import listens
from gateway.ports import Clock
from keys.documents.envelope import Envelope, Receipt, Status, split_envelopes
from keys.documents.receipts import EITHER

__all__ = ["IncomingFiles", "Receiver"]


class IncomingFiles(Protocol):
    """What came of the files of messages that have no final answer yet."""

    async def check_files(
        self, node: NodeId, messages: Mapping[MessageId, AuthenticStatement]
    ) -> Mapping[MessageId, Code | None]:
        """Compare files with what was signed: None where they are that, else the code of the refusal. A message whose
        files are not all here, and one without files, is not in the answer.
        """
        ...

    async def keep_envelope(self, node: NodeId, message: AuthenticStatement, envelope: bytes) -> None:
        """Keep an envelope that waits for its files. Raises TransientError where there is no room."""
        ...


TRIES = 20
"""Times in a row that another worker may be faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the store holds about the numbered requests of one HTTP request, read at one moment under the lock."""

    link: LinkState
    answers: Mapping[MessageId, Receipt]
    conversations: Mapping[Key, LoadedConversation]


class Receiver:
    """Answers `/v1/messages` and `/v1/void` for proven peers."""

    def __init__(
        self,
        *,
        own: OwnIdentity,
        store: Store,
        peers: PeerRegistry,
        opening: Opening,
        admission: Admission,
        files: IncomingFiles,
        recorder: Recorder,
        signer: AnswerSigner,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._own = own
        self._store = store
        self._peers = peers
        self._opening = opening
        self._admission = admission
        self._files = files
        self._recorder = recorder
        self._signer = signer
        self._workers = workers
        self._clock = clock
        self._locks: defaultdict[NodeId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def answer_messages(self, node: NodeId, data: bytes) -> bytes:
        """Take one request of envelopes through steps 3 to 19 and return the body of its answer.

        Raises:
            RemoteError: the request as a whole is refused.
            TransientError: it can not be judged now; the peer repeats the same bytes.
        """
        frames = [_read_frame(raw) for raw in split_envelopes(data)]  # 3, 4
        envelopes = [frame for frame in frames if isinstance(frame, Envelope)]
        ids = [envelope.id for envelope in envelopes]
        answered = await self._find_answers(node, ids)  # 5
        unanswered = [envelope for envelope in envelopes if envelope.id not in answered]
        opened = await self._opening.open_envelopes(self._require_peer(node), unanswered)  # 6 to 11
        authentic = {id: item for id, item in opened.items() if isinstance(item, AuthenticStatement)}
        judgeable = [id for id in ids if id in answered or id in authentic]
        files = await self._files.check_files(node, authentic)  # ahead of 18
        async with self._locks[node]:
            requests = [rules.number_message(message) for message in authentic.values()]
            judged, recorded = await self._judge_and_record(node, requests, judgeable, files)  # 12 to 19
            await self._keep_waiting(node, judged, envelopes)
        signed = await self._signer.sign(node, recorded)
        return encode_answers([_answer(frame, opened, judged) for frame in frames], signed)

    async def answer_void(self, node: NodeId, data: bytes) -> bytes:
        """Answer whether a message arrived: by its stored receipt, or by a signed `rejected` with code `void`, which
        consumes the number so that it never will (nrm1 5.7).

        Raises:
            RemoteError: the request as a whole is refused.
        """
        verify = partial(
            rules.verify_void,
            data,
            signer=node,
            own_node=self._own.node,
            sender=self._require_peer(node).descriptor,
            now=self._clock.now(),
        )
        void = await self._workers.off_loop(verify)
        async with self._locks[node]:
            judged, recorded = await self._judge_and_record(node, [void], [void.id], files={})
        signed = await self._signer.sign(node, recorded)
        return encode_answers([Answer(id=void.id, code=judged.code_of(void.id))], signed)

    def _require_peer(self, node: NodeId) -> Peer:
        """Return the peer as it stands now: people may have changed that while its request was worked on."""
        peer = self._peers.get(node)
        if peer is None or not listens(peer.state):
            raise RemoteError(Code.UNKNOWN_SENDER, "the peer is not active")
        return peer

    async def _find_answers(self, node: NodeId, ids: Sequence[MessageId]) -> frozenset[MessageId]:
        """Find which messages have their final answer already (step 5).

        On a link that was reset such a message may come again under a new number, which has to be used: it is opened
        once more, and gets the answer of then all the same (nrm1 5.13). One that was taken since the reset is not. One
        that was taken in the first form is opened too, since its number has another link now (nrm1 5.5).
        """

        def query(connection: Connection) -> frozenset[MessageId]:
            given = _read_answers(connection, node, ids)
            if not given:
                return frozenset()
            epoch, _ = links.reached(connection, node, links.IN)
            answered = _linked_today(connection, node, epoch, given)
            if epoch == FIRST_EPOCH or not answered:
                return answered
            taken = messages.find_many(connection, messages.IN, node, [*answered])
            return frozenset(row.id for row in taken.values() if row.epoch == epoch)

        return await self._store.read(query)

    # --- steps 12 to 19, under the lock of the link ---------------------------------------------------------------

    async def _judge_and_record(
        self,
        node: NodeId,
        requests: Sequence[NumberedRequest],
        ids: Sequence[MessageId],
        files: Mapping[MessageId, Code | None],
    ) -> tuple[JudgedRequests, Recorded]:
        """Judge and write. The lock keeps the others of this process away; what another worker of this node has taken
        in meanwhile is seen where it is written, and then these are judged behind it.

        Raises:
            TransientError: it was so each time; nothing was written.
        """
        for _ in range(TRIES):
            judged = await self._judge_requests(node, requests, ids, files)
            with suppress(LinkMovedError):
                return judged, await self._recorder.record_results(node, judged)
        raise TransientError(Code.LOCKED, "other workers take in much of this peer; nothing was accepted")

    async def _judge_requests(
        self,
        node: NodeId,
        requests: Sequence[NumberedRequest],
        ids: Sequence[MessageId],
        files: Mapping[MessageId, Code | None],
    ) -> JudgedRequests:
        """Judge authentic requests in the order of their numbers, each with what those before it have changed.

        This reads and judges in one go, off the loop. A peer that people changed meanwhile is judged again, as it is.
        """
        while True:
            peer, speaks = self._require_peer(node), self._peers.speaks(node)
            judge = partial(
                self._load_and_judge, peer=peer, requests=requests, ids=ids, files=files, reset_pending=not speaks
            )
            judged = await self._store.read(judge)
            if (self._require_peer(node), self._peers.speaks(node)) == (peer, speaks):
                return judged

    def _load_and_judge(
        self,
        connection: Connection,
        *,
        peer: Peer,
        requests: Sequence[NumberedRequest],
        ids: Sequence[MessageId],
        files: Mapping[MessageId, Code | None],
        reset_pending: bool,
    ) -> JudgedRequests:
        loaded = self._load(connection, peer.node, requests, ids)
        new = [
            request.message for request in requests if request.message is not None and request.id not in loaded.answers
        ]
        judge = _Judge(
            own=self._own,
            admission=self._admission,
            peer=peer,
            reset_pending=reset_pending,
            loaded=loaded,
            examined=self._admission.examine_messages(connection, peer, new),  # ahead of 13 to 15
            files=files,
            now=self._clock.now(),
        )
        return judge.judge_all(requests)

    def _load(
        self, connection: Connection, node: NodeId, requests: Sequence[NumberedRequest], ids: Sequence[MessageId]
    ) -> Loaded:
        """Read the link around the numbers of the requests, the answers given before, and the conversations."""
        messages = [request.message for request in requests if request.message is not None]
        return Loaded(
            link=_load_link(connection, node, {request.n for request in requests}),
            answers=_read_answers(connection, node, ids),
            conversations=self._admission.load_conversations(connection, node, messages),
        )

    async def _keep_waiting(self, node: NodeId, judged: JudgedRequests, envelopes: Iterable[Envelope]) -> None:
        """Keep the envelopes of messages whose files are not all here, as they came."""
        waiting = {result.request.id: result.message for result in judged.awaiting_files}
        for envelope in envelopes:
            if envelope.id in waiting:
                await self._files.keep_envelope(node, waiting[envelope.id], envelope.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Steps 12 to 18 for the numbered requests of one HTTP request, with everything they are judged by."""

    own: OwnIdentity
    admission: Admission
    peer: Peer
    reset_pending: bool
    loaded: Loaded
    examined: Mapping[MessageId, Examined | Refusal]
    files: Mapping[MessageId, Code | None]
    now: int

    def judge_all(self, requests: Iterable[NumberedRequest]) -> JudgedRequests:
        """Judge requests by rising number."""
        link = self.loaded.link
        results: list[RequestResult] = []
        for request in rules.in_order(requests):
            accepted = [result.message for result in results if isinstance(result, Received)]
            result = self._judge_one(request, link, accepted)
            if uses_number(result):
                link = rules.use_number(link, request, self.now)
            elif isinstance(result, AnsweredBefore) and result.follows_anew:
                link = rules.link_anew(link, request)
            results.append(result)
        return JudgedRequests(results=tuple(results), stored=self.loaded.answers, before=self.loaded.link, after=link)

    def _judge_one(
        self, request: NumberedRequest, link: LinkState, accepted: Sequence[AcceptedMessage]
    ) -> RequestResult:
        decision = rules.decide_number(link, request, reset_pending=self.reset_pending)  # 12
        if (receipt := self.loaded.answers.get(request.id)) is not None:
            number_is_new = not isinstance(decision, NumberRefusal)
            anew = receipt.code != Code.VOID and rules.follows_anew(link, request)
            return AnsweredBefore(request=request, receipt=receipt, uses_number=number_is_new, follows_anew=anew)
        if isinstance(decision, NumberRefusal):
            return NumberRefused(request=request, refusal=decision)
        if request.message is None:
            return self._reject(request, Code.VOID)
        message = self._admit(request, accepted, behind_gap=decision.behind_gap)  # 13 to 17
        if isinstance(message, Refusal):
            return self._reject(request, message.code)
        if request.has_parts and request.id not in self.files:  # 18
            return AwaitingFiles(request=request, message=request.message)
        if (code := self.files.get(request.id)) is not None:
            return self._reject(request, code)
        receipt = self._make_receipt(request, Status.RECEIVED, None)
        return Received(request=request, receipt=receipt, message=message, behind_gap=decision.behind_gap)

    def _admit(
        self, request: NumberedRequest, accepted: Sequence[AcceptedMessage], *, behind_gap: bool
    ) -> AcceptedMessage | Refusal:
        examined = self.examined[request.id]  # 13 to 15
        if isinstance(examined, Refusal):
            return examined
        return self.admission.accept_message(  # 16, 17
            self.peer, examined, conversations=self.loaded.conversations, before=accepted, behind_gap=behind_gap
        )

    def _reject(self, request: NumberedRequest, code: Code) -> Rejected:
        return Rejected(request=request, receipt=self._make_receipt(request, Status.REJECTED, code))

    def _make_receipt(self, request: NumberedRequest, status: Status, code: Code | None) -> Receipt:
        return rules.make_receipt(
            request, own=self.own.descriptor, peer=self.peer.node, status=status, code=code, at=self.now
        )


def _read_frame(raw: bytes) -> Envelope | Refusal:
    """Read one envelope (step 4); one that can not be read is answered without an id."""
    try:
        return steps.read_envelope(raw)
    except RemoteError as error:
        return Refusal.of(error.code)


def _read_answers(connection: Connection, node: NodeId, ids: Sequence[MessageId]) -> dict[MessageId, Receipt]:
    """Read the final answers that were given before."""
    given = receipts.answers(connection, node, ids)
    return {MessageId(id): Receipt.parse(row.object, *EITHER) for id, row in given.items()}


def _linked_today(
    connection: Connection, node: NodeId, epoch: int, given: Mapping[MessageId, Receipt]
) -> frozenset[MessageId]:
    """Leave out what was answered in the first form: the link of its number said nothing of its content."""
    numbers = links.numbers(connection, node, links.IN, epoch, {receipt.n for receipt in given.values()})
    known = {n: Entry(id=row.id, prev=row.prev, link_hash=row.link) for n, row in numbers.items()}
    return frozenset(
        id
        for id, receipt in given.items()
        if receipt.code == Code.VOID
        or receipt.n not in known
        or not rules.was_of_first_form(known[receipt.n], epoch, receipt.n)
    )


def _load_link(connection: Connection, node: NodeId, numbers: Iterable[int]) -> LinkState:
    """Load the link with the neighbours of these numbers, by whose hashes they are judged, and its highest number."""
    epoch, high = links.reached(connection, node, links.IN)
    wanted = {near for n in numbers for near in (n - 1, n, n + 1)} | {high}
    known = links.numbers(connection, node, links.IN, epoch, wanted)
    gaps = {Gap(row.first, row.last): row.seen for row in links.gaps(connection, node, epoch)}
    view = LinkView(
        epoch=epoch,
        high=high,
        known={n: Entry(id=row.id, prev=row.prev, link_hash=row.link) for n, row in known.items()},
        gaps=tuple(gaps),
    )
    return LinkState(view=view, seen=gaps)


def _answer(frame: Envelope | Refusal, opened: Mapping[MessageId, Opened], judged: JudgedRequests) -> Answer:
    """Answer one envelope. Whose content does not open has no answer of before: on a link that was reset its number,
    which nobody knows, would be missing for ever (nrm1 5.13).
    """
    if isinstance(frame, Refusal):
        return Answer(id=None, code=frame.code)
    failed = opened.get(frame.id)
    if isinstance(failed, Refusal):
        return Answer(id=frame.id, code=failed.code)
    return Answer(id=frame.id, code=judged.code_of(frame.id))
