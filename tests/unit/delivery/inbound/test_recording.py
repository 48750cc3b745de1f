"""gateway.delivery.inbound.recording: what one request leaves is written whole, and who waits for it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from support.endpoints import example, held, standing
from support.incoming import SENDER, A, B, arrive, framed, said
from support.nodes import NOW, Seeds
from support.rows import message as row_of
from support.trust_homes import Home

from gateway.cases import store as case_rows
from gateway.cases.news import read_news
from gateway.cases.register import CaseRegister
from gateway.cases.rules import Card
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.database.tables import attachment, inbox, statement
from gateway.delivery.inbound import rules, steps
from gateway.delivery.inbound.recording import LinkMovedError, Recorder
from gateway.delivery.inbound.results import (
    AnsweredBefore,
    AwaitingFiles,
    JudgedRequests,
    NumberRefused,
    Received,
    Rejected,
)
from gateway.delivery.inbound.rules import LinkState, NumberedRequest, NumberRefusal
from gateway.errors import Code, TransientError
from gateway.foundation.ids import MessageId
from gateway.foundation.telemetry.request_ids import make_request_id, request_scope
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.machines.numbering import LinkView
from gateway.messages.store import batches, links, messages
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from gateway.peers import store as peer_rows
from gateway.peers.scope import PeerState
from keys.documents.envelope import MESSAGE_LIFE, Receipt, Status
from keys.primitives.encoding import b64u

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER = A.first()
REFERRAL, ENQUIRY, ALERT = (
    "referral.request.1/valid-minimal",
    "enquiry.capacity.1/valid-minimal",
    "consent.withdrawal.1/valid-all",
)
EMPTY = LinkState(view=LinkView(epoch=1, high=0, known={}), seen={})


def stated(name: str, n: int = 1, **changes: Any) -> AuthenticStatement:
    """A message of the peer with this number."""
    purpose = "assistance" if name == REFERRAL else None
    prev = None if n == 1 else b64u(bytes([n]) * 32)
    return said(name, **{"n": n, "prev": prev, "purpose": purpose} | changes)


def accepted(message: AuthenticStatement) -> AcceptedMessage:
    """The same, as it passed all steps."""
    examined = steps.examine_message(message, scope=standing())
    return steps.accept_message(examined, known=held(), conversation=None, own_node=B.first().node)


class Effect:
    """What a message does here besides."""

    def __init__(self, done: list[Any], row: MessageRow, message: AcceptedMessage) -> None:
        self.done, self.of = done, (row.ref, message.id)

    def write(self, connection: Connection, now: int) -> None:
        """Note it: the message is there."""
        assert messages.get(connection, [self.of[0]])
        self.done.append((*self.of, now))


class Answering:
    """Whether an answer waits for the hand-over; notes what was opened and what ended."""

    def __init__(self) -> None:
        self.attended, self.begun, self.ended = False, list[Any](), list[Any]()

    def begin(self, node: str, final: Sequence[Receipt], ids: Collection[str]) -> Any:
        """Open one."""
        if not self.attended:
            return None
        self.begun.append((node, [one.msg for one in final], set(ids)))
        return "open answer"

    def end(self, answer: Any, signed: Any) -> None:
        """It was not written."""
        self.ended.append((answer, signed))


class Events:
    """Who follows the event stream."""

    def __init__(self) -> None:
        self.count = 0

    async def happened(self) -> None:
        """Something did."""
        self.count += 1


class Desk:
    """A node that has judged a request of its peer."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer, workers: Workers) -> None:
        self.home, self.content, self.answering, self.events = home, Content(store, vault), Answering(), Events()
        self.effects: list[Any] = []
        self.again: list[Any] = []
        self.gone: set[MessageId] = set()
        self.cases = CaseRegister(self.content, Seeds("cases"))
        clock: Any = home.clock
        answering: Any = self.answering
        events: Any = self.events

        def effect(row: MessageRow, message: AcceptedMessage) -> Effect:
            return Effect(self.effects, row, message)

        self.recorder = Recorder(
            content=self.content,
            identity=home.identity,
            link=home.link,
            effects={"referral.request": (effect,), "consent.withdrawal": (effect,)},
            cases=self.cases,
            read_news=partial(read_news, store, home.registry),
            take_away=self._take_away,
            tell_again=self._tell_again,
            answering=answering,
            workers=workers,
            wakeups=home.wakeups,
            events=events,
            clock=clock,
        )

    def _take_away(self, connection: Connection, new: Sequence[MessageRow]) -> set[int]:
        there = messages.get(connection, [row.ref for row in new])
        return {ref for ref, row in there.items() if row.id in self.gone}

    def _tell_again(self, connection: Connection, node: str, ids: Sequence[MessageId]) -> None:
        assert connection.in_transaction()
        self.again.append((node, ids))

    def receipt(self, request: NumberedRequest, code: Code | None = None) -> Receipt:
        """The answer of this node."""
        status = Status.RECEIVED if code is None else Status.REJECTED
        return rules.make_receipt(
            request, own=self.home.own.descriptor, peer=PEER.node, status=status, code=code, at=NOW - 3
        )

    def received(self, name: str = ENQUIRY, n: int = 1, *, behind_gap: bool = False, **stated_as: Any) -> Received:
        """A message that was taken."""
        message = stated(name, n, **stated_as)
        request = rules.number_message(message)
        return Received(
            request=request, receipt=self.receipt(request), message=accepted(message), behind_gap=behind_gap
        )

    def rejected(self, n: int = 1, code: Code = Code.SCHEMA, *, void: bool = False) -> Rejected:
        """A message that was refused, or a question that was answered."""
        request = rules.number_message(stated(ENQUIRY, n))
        if void:
            request = replace(request, message=None)
        return Rejected(request=request, receipt=self.receipt(request, code))

    def judged(self, *results: Any, before: LinkState = EMPTY, stored: Any = None) -> JudgedRequests:
        """All results of one request; the link goes on by each number that is used."""
        after = before
        for result in results:
            if isinstance(result, Received | Rejected) or getattr(result, "uses_number", False):
                after = rules.use_number(after, result.request, NOW)
        return JudgedRequests(results=results, stored=stored or {}, before=before, after=after)

    async def record(self, *results: Any, **named: Any) -> Any:
        """Write them."""
        return await self.recorder.record_results(PEER.node, self.judged(*results, **named))

    async def read(self, query: Callable[[Connection], Any]) -> Any:
        """What is stored."""
        return await self.content.store.read(query)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The same by a statement."""
        return await self.read(lambda c: [tuple(row) for row in c.exec_driver_sql(query)])

    async def entries(self) -> list[bytes]:
        """What the log says."""
        return [entry for _, entry in await self.read(journal.leaves)]

    async def card(self, put: Card | None = None) -> Card:
        """What the only case is called; `put` takes the place of that."""
        (row,) = await self.read(lambda c: case_rows.page(c, limit=2, before=None))
        if put is not None:
            await self.content.store.move(lambda c: self.cases.write_card(c, row, put))
            return put
        return await self.read(lambda c: self.cases.card_in(c, row))

    def told(self) -> tuple[bool, int]:
        """Whether those who hand over were woken, and how often the stream grew."""
        return self.home.wakeups.handover.is_set(), self.events.count


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that sign and seal, and end with the test."""
    made = Workers()
    yield made
    made.shutdown()


@pytest.fixture
async def desk(store: Store, vault: ContentSealer, workers: Workers) -> Desk:
    """Which has taken nothing yet; the peer stands in both of its databases."""
    home = await Home.open("h", PEER)
    (row,) = peer_rows.load(home.connection)
    await store.move(lambda c: peer_rows.add(c, row))
    store.new_ref()  # what gets a number of its own in its table is not called as a message is by chance
    return Desk(home, store, vault, workers)


# --- a message --------------------------------------------------------------------------------------------------------


async def test_what_is_written_of_a_message(desk: Desk) -> None:
    """Its row, its content and its proof, its place in the inbox, its number, its event, and what it does here."""
    desk.home.clock.at += 4
    result = desk.received(REFERRAL)
    id = make_request_id()
    with request_scope(id), capture_logs() as said:
        recorded = await desk.record(result)
    message = result.message
    (found,) = (await desk.rows("select ref from message"))[0]
    row = (await desk.read(lambda c: messages.get(c, [found])))[found]
    consent = example(REFERRAL)["header"]["consent_ref"]
    assert row == MessageRow(
        ref=row.ref,
        direction="in",
        peer=PEER.node,
        id=message.id,
        conversation=desk.content.sealer.conversation_index(message.conversation),
        consent=desk.content.sealer.consent_index(consent),
        kind="referral",
        state="awaiting_handover",
        reason=None,
        epoch=1,
        n=1,
        prev=None,
        size=len(message.body),
        at=NOW - 3,
        expires=NOW - 3 + MESSAGE_LIFE,
        out_of_order=False,
        origin=None,
    )
    (kept,) = await desk.read(lambda c: c.execute(statement.select()).all())
    assert (kept.hash, kept.message, kept.created) == (message.statement_hash, row.ref, message.created)
    sealed = await desk.read(lambda c: content.get(c, [row.ref, kept.evidence]))
    opened = {ref: desk.content.sealer.open(one) for ref, one in sealed.items()}
    assert opened == {
        row.ref: content_codec.incoming(message),
        kept.evidence: content_codec.evidence(message.statement, message.proof),
    }
    (waiting,) = await desk.read(lambda c: c.execute(inbox.select()).all())
    assert (waiting.ref, waiting.peer, waiting.n, bool(waiting.urgent)) == (row.ref, PEER.node, 1, False)
    assert (waiting.attempts, waiting.next_try) == (0, 0)
    numbers = await desk.read(lambda c: links.numbers(c, PEER.node, links.IN, 1, [1]))
    assert numbers == {1: NumberRow(n=1, id=message.id, prev=None, link=result.request.link_hash)}
    assert await desk.rows("select at, kind, ref, state from event") == [
        (NOW + 4, "message", row.ref, "awaiting_handover")
    ]
    assert desk.effects == [(row.ref, message.id, NOW + 4)]
    assert desk.home.wakeups.trail.find(row.ref) == id
    assert said == [{"event": "message.received", "peer": PEER.node, "ref": row.ref, "log_level": "info"}]
    assert (recorded.final, recorded.answer, recorded.again) == ([result.receipt], None, ())
    assert desk.told() == (True, 1)
    assert desk.again == [(PEER.node, ())]


async def test_the_answer_is_signed_and_logged(desk: Desk) -> None:
    """All final answers of one request by one signature; of a message that was taken with what proves it."""
    first, second = desk.received(), desk.rejected(2)
    recorded = await desk.record(first, second)
    assert {one.msg for one in recorded.signed.receipts} == {first.request.id, second.request.id}
    rows = await desk.rows('select id, status, code, direction, peer, "of" from receipt order by status')
    assert rows == [
        (first.request.id, "received", None, "issued", PEER.node, first.request.statement_hash),
        (second.request.id, "rejected", "schema", "issued", PEER.node, second.request.statement_hash),
    ]
    stored = await desk.rows("select status, document from receipt join receipt_batch on ref = batch order by status")
    assert stored == [(status, recorded.signed.batch.pack()) for status in ("received", "rejected")]
    taken = {"ev": "message.received", "of": first.request.statement_hash, "n": 1, "code": None}
    refused = {"ev": "message.rejected", "of": second.request.statement_hash, "n": 2, "code": "schema"}
    assert [json.loads(one) for one in await desk.entries()] == [
        {"seq": 1, "at": NOW, "peer": PEER.node, "sig": first.message.proof_hash} | taken,
        {"seq": 2, "at": NOW, "peer": PEER.node, "sig": None} | refused,
        {"seq": 3, "at": NOW, "peer": PEER.node, "ev": "receipts.issued", "of": recorded.signed.batch.hash},
    ]
    assert (await desk.rows("select count(*) from message"))[0] == (1,)


@pytest.mark.parametrize(
    ("name", "state", "flagged", "urgent"),
    [(ENQUIRY, "awaiting_order", False, False), (ALERT, "awaiting_handover", True, True)],
    ids=["waits for its turn", "goes at once"],
)
async def test_what_comes_behind_a_gap(desk: Desk, name: str, state: str, flagged: bool, urgent: bool) -> None:
    """Hand-over follows the numbers, but for what nothing may hold up; the gap is written with its time."""
    await desk.record(desk.received(name, 3, behind_gap=True))
    assert await desk.rows("select state, out_of_order, prev from message") == [(state, flagged, b64u(b"\3" * 32))]
    assert [bool(one.urgent) for one in await desk.read(lambda c: c.execute(inbox.select()).all())] == [urgent]
    assert await desk.read(lambda c: links.gaps(c, PEER.node, 1)) == (GapRow(first=1, last=2, seen=NOW),)
    assert (await desk.read(lambda c: links.reached(c, PEER.node, links.IN))) == (1, 3)


@pytest.mark.parametrize(("name", "acts"), [(REFERRAL, False), (ALERT, True)])
async def test_what_was_erased_before_does_nothing_again(desk: Desk, name: str, acts: bool) -> None:
    """It is taken, and is gone; what nothing may block acts all the same."""
    result = desk.received(name)
    desk.gone = {result.request.id}
    await desk.record(result)
    assert (len(desk.effects), (await desk.rows("select count(*) from message"))[0]) == (acts, (1,))


async def test_a_conversation_about_a_person_is_a_case(desk: Desk) -> None:
    """One that a peer begins; an enquiry is about nobody."""
    await desk.record(desk.received(REFERRAL), desk.received(ENQUIRY, 2))
    ((conversation,),) = await desk.rows("select key from case_link where kind = 'conversation'")
    rows = await desk.rows("select conversation from message where kind = 'referral'")
    assert rows == [(conversation,)]


async def test_a_case_is_called_as_the_peer_calls_the_person(desk: Desk) -> None:
    """Where nobody here has named it: on a card of its own, or on one that says other things."""
    first = desk.received(REFERRAL)
    await desk.record(first)
    assert (await desk.card()).label == "Erë"
    await desk.card(Card(assigned="somebody"))
    again = desk.received(REFERRAL, 2, conv=first.message.conversation)
    await desk.record(again, before=desk.judged(first).after)
    card = await desk.card()
    assert (card.label, card.assigned) == ("Erë", "somebody")


async def test_a_record_is_found_by_its_own_consent(desk: Desk) -> None:
    """Also where it goes ahead of what relies on it, and its header names none."""
    result = desk.received("consent.record.1/valid-adult")
    header = {name: value for name, value in result.message.header.items() if name != "consent_ref"}
    await desk.record(replace(result, message=replace(result.message, header=header)))
    index = desk.content.sealer.consent_index(str(result.message.content["consent_id"]))
    assert await desk.rows("select consent from message") == [(index,)]


# --- answers ----------------------------------------------------------------------------------------------------------


async def test_an_answer_that_waits_is_not_signed_ahead(desk: Desk) -> None:
    """Its receipts are on disk, and signed with what follows; only what is handed over now is waited for."""
    desk.answering.attended = True
    first, ahead = desk.received(), desk.received(ENQUIRY, 5, behind_gap=True)
    recorded = await desk.record(first, ahead)
    assert (recorded.signed, recorded.answer) == (None, "open answer")
    assert desk.answering.begun == [(PEER.node, [first.request.id, ahead.request.id], {first.request.id})]
    assert await desk.rows("select status, batch from receipt") == [("received", None)] * 2
    assert [b"receipts.issued" in one for one in await desk.entries()] == [False, False]
    assert desk.answering.ended == []


@pytest.mark.parametrize("why", ["nothing was taken", "behind a gap", "it was answered before"])
async def test_nothing_is_waited_for(desk: Desk, why: str) -> None:
    """The answer is signed at once."""
    desk.answering.attended = True
    stored: dict[MessageId, Receipt] = {}
    if why == "it was answered before":
        request = rules.number_message(stated(ENQUIRY, 9))
        stored = {request.id: self_receipt(desk, request)}
        results: list[Any] = [desk.received()]
    else:
        results = [desk.rejected() if why == "nothing was taken" else desk.received(ENQUIRY, 4, behind_gap=True)]
    recorded = await desk.record(*results, stored=stored)
    assert (desk.answering.begun, recorded.answer) == ([], None)
    assert {one.msg for one in recorded.signed.receipts} == {*stored, results[0].request.id}
    assert recorded.again == tuple(stored)
    assert len(await desk.rows("select id from receipt")) == 1


def self_receipt(desk: Desk, request: NumberedRequest) -> Receipt:
    """An answer of before."""
    return replace(desk.receipt(request), at=NOW - 90)


async def test_an_answer_that_could_not_be_written_ends(desk: Desk) -> None:
    """Nobody waits for it."""
    desk.answering.attended = True
    await desk.content.store.move(lambda c: links.use(c, PEER.node, links.IN, 2, [], 0))
    with pytest.raises(TransientError):
        await desk.record(desk.received())
    assert desk.answering.ended == [("open answer", None)]


async def test_a_request_that_leaves_nothing_writes_nothing(desk: Desk) -> None:
    """It was answered before, waits for its files, or its number proves nothing; what came again is told again."""
    request = rules.number_message(stated(ENQUIRY))
    refused = NumberRefused(request=request, refusal=NumberRefusal(code=Code.BAD_CHAIN, keep_evidence=False))
    waiting = AwaitingFiles(request=request, message=stated(ENQUIRY))
    stored = {request.id: self_receipt(desk, request)}
    recorded = await desk.record(refused, waiting, stored=stored)
    assert (recorded.final, recorded.again, recorded.signed) == ([stored[request.id]], (request.id,), None)
    assert (desk.told(), desk.again, await desk.entries()) == ((False, 0), [], [])
    again = AnsweredBefore(request=request, receipt=stored[request.id], uses_number=False)
    recorded = await desk.record(again, stored=stored)
    assert (recorded.signed, desk.again, await desk.entries()) == (None, [(PEER.node, (request.id,))], [])


# --- numbers ----------------------------------------------------------------------------------------------------------


async def test_a_link_that_was_reset_meanwhile(desk: Desk) -> None:
    """It would be counted in another epoch: nothing is written."""
    await desk.content.store.move(lambda c: links.use(c, PEER.node, links.IN, 2, [], 0))
    with pytest.raises(TransientError) as caught:
        await desk.record(desk.received())
    assert (caught.value.code, await desk.rows("select * from message")) == (Code.LOCKED, [])


async def test_what_another_worker_has_used_meanwhile(desk: Desk) -> None:
    """A number, or a part of a gap: these are judged once more."""
    used = [NumberRow(n=1, id="other", prev=None, link="l" * 43)]
    await desk.content.store.move(lambda c: links.use(c, PEER.node, links.IN, 1, used, 1))
    with pytest.raises(LinkMovedError):
        await desk.record(desk.received())
    ahead = rules.use_number(EMPTY, rules.number_message(stated(ENQUIRY, 5)), NOW)
    await desk.content.store.move(
        lambda c: (
            links.use(c, PEER.node, links.IN, 1, [NumberRow(n=5, id="five", prev=None, link="l" * 43)], 5),
            links.set_gaps(c, PEER.node, 1, [GapRow(first=2, last=4, seen=NOW)]),
        )
    )
    with pytest.raises(LinkMovedError):
        await desk.record(desk.received(ENQUIRY, 2), before=ahead)
    assert await desk.rows("select * from message") == []


async def test_a_gap_that_is_filled_wakes_those_who_hand_over(desk: Desk) -> None:
    """Also where the filler itself is nothing to hand over; where nothing was missing nobody is woken."""
    await desk.record(desk.rejected())
    assert desk.told() == (False, 1)
    await desk.record(desk.received(ENQUIRY, 3, behind_gap=True), before=desk.judged(desk.rejected()).after)
    before = desk.judged(desk.received(ENQUIRY, 3, behind_gap=True), before=desk.judged(desk.rejected()).after).after
    desk.home.wakeups.handover.clear()
    await desk.record(desk.rejected(2), before=before)
    assert desk.told() == (True, 3)
    assert await desk.read(lambda c: links.gaps(c, PEER.node, 1)) == ()


async def test_a_number_of_the_first_form_gets_the_link_that_it_has_now(desk: Desk) -> None:
    """And no other is touched."""
    request = rules.number_message(stated(ENQUIRY, 2))
    used = [NumberRow(n=n, id=id, prev=None, link="l" * 43) for n, id in ((1, "before"), (2, request.id))]
    await desk.content.store.move(lambda c: links.use(c, PEER.node, links.IN, 1, used, 2))
    before = LinkState(view=LinkView(epoch=1, high=2, known={}), seen={})
    receipt = self_receipt(desk, request)
    again = AnsweredBefore(request=request, receipt=receipt, uses_number=False, follows_anew=True)
    await desk.recorder.record_results(
        PEER.node, JudgedRequests(results=(again,), stored={request.id: receipt}, before=before, after=before)
    )
    numbers = await desk.read(lambda c: links.numbers(c, PEER.node, links.IN, 1, [1, 2]))
    assert numbers[2] == NumberRow(n=2, id=request.id, prev=request.prev, link=request.link_hash)
    assert numbers[1] == used[0]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["taken", "refused", "void"])
async def test_with_its_final_answer_no_message_waits_for_files(desk: Desk, why: str) -> None:
    """They are of the message, or of nothing; also of one that a question ended."""
    result: Any = desk.received() if why == "taken" else desk.rejected(void=why == "void")
    parts = replace(stated(ENQUIRY), statement=replace(stated(ENQUIRY).statement, parts=(65_536,)))
    if why != "void":
        result = replace(result, request=replace(result.request, message=parts))
    columns = {column.name: column for column in attachment.c}
    values: dict[str, Any] = {"peer": PEER.node, "id": result.request.id, "direction": "in", "message": None}
    values |= {
        name: 1 if column.type.python_type is int else b"x" if column.type.python_type is bytes else "x"
        for name, column in columns.items()
        if name not in values and not column.nullable
    }
    await desk.content.store.move(lambda c: c.execute(attachment.insert().values(**values)))
    await desk.record(result)
    found = await desk.rows("select message from attachment")
    refs = await desk.rows("select ref from message")
    assert found == (refs if why == "taken" else [])


# --- faults -----------------------------------------------------------------------------------------------------------


def fault(code: Code, n: int = 2, held_by: str | None = None) -> NumberRefused:
    """A number that shows a fault of the peer."""
    message = arrive(framed(SENDER.statement(n=n, prev=b64u(bytes(32)))))
    refusal = NumberRefusal(code=code, keep_evidence=True, held=None if held_by is None else MessageId(held_by))
    return NumberRefused(request=rules.number_message(message), refusal=refusal)


async def test_a_fault_is_told_with_its_proof(desk: Desk) -> None:
    """What the peer signed is kept, once while the alarm is open."""
    first = fault(Code.BAD_CHAIN)
    for one in (first, fault(Code.BAD_CHAIN, 3)):
        await desk.record(one)
    (alarm,) = await desk.read(journal.open_alarms)
    assert (alarm.kind, alarm.peer, alarm.ref, alarm.at) == ("peer.bad_chain", PEER.node, None, NOW)
    (proof,) = await desk.read(lambda c: journal.proofs(c, "peer.bad_chain"))
    ref = int.from_bytes(proof, "big")
    assert proof == ref.to_bytes(8, "big")
    sealed = await desk.read(lambda c: content.get(c, [ref]))
    assert desk.content.sealer.open(sealed[ref]) == first.request.evidence
    assert await desk.rows("select count(*) from sealed") == [(1,)]
    assert first.request.message is not None
    name = first.request.message.proof.batch.name
    assert set(await desk.read(lambda c: batches.named(c, [name]))) == {name}
    assert (await desk.read(lambda c: peer_rows.state_of(c, PEER.node)), desk.told()) == ("active", (False, 2))
    assert desk.home.line.names() == []


async def test_a_question_that_shows_a_fault_is_kept_too(desk: Desk) -> None:
    """The signed question proves it, and no batch of statements belongs to it."""
    asked = fault(Code.BAD_CHAIN)
    await desk.record(replace(asked, request=replace(asked.request, message=None, evidence=b"the signed question")))
    (proof,) = await desk.read(lambda c: journal.proofs(c, "peer.bad_chain"))
    (sealed,) = (await desk.read(lambda c: content.get(c, [int.from_bytes(proof, "big")]))).values()
    assert desk.content.sealer.open(sealed) == b"the signed question"
    assert await desk.rows("select count(*) from statement_batch") == [(0,)]


async def test_two_statements_under_one_number_stop_their_peer(desk: Desk) -> None:
    """The alarm names the peer's message that has the number, and no other of its id; the log says when the peer was
    suspended, and no connection to it is kept.
    """
    taken = desk.received()
    others = [
        row_of(desk.content.store.new_ref(), direction=direction, peer=peer, id=taken.request.id)
        for direction, peer in (("out", PEER.node), ("in", "n1other"))
    ]
    await desk.content.store.move(lambda c: messages.add(c, others))
    await desk.record(taken)
    desk.home.clock.at += 4
    await desk.record(fault(Code.EQUIVOCATION, held_by=taken.request.id))
    (alarm,) = await desk.read(journal.open_alarms)
    ((ref,),) = await desk.rows("select ref from message where state = 'awaiting_handover'")
    assert (alarm.kind, alarm.ref) == ("peer.equivocation", ref)
    (suspended,) = [one for one in await desk.entries() if b'"ev":"peer.suspended"' in one]
    assert b'"at":%d' % (NOW + 4) in suspended
    state = await desk.read(lambda c: peer_rows.position_of(c, PEER.node))
    assert state == (str(PeerState.SUSPENDED_FOR_CAUSE), "equivocation")
    assert desk.home.line.asked == [("forget", PEER.node)]
