"""gateway.delivery.inbound.receiver: what is opened, in which order it is judged, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support import rows
from support.batches import by
from support.endpoints import edited, held, standing
from support.incoming import SENDER, A, B, arrive, framed, said
from support.nodes import NOW, refused
from support.trust_homes import Home

from gateway.delivery.inbound import rules, steps
from gateway.delivery.inbound.answer_signing import Recorded
from gateway.delivery.inbound.receiver import TRIES, Receiver
from gateway.delivery.inbound.recording import LinkMovedError
from gateway.delivery.inbound.results import (
    AnsweredBefore,
    AwaitingFiles,
    JudgedRequests,
    NumberRefused,
    Received,
    Refusal,
    Rejected,
)
from gateway.delivery.inbound.rules import NumberRefusal
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.ids import NodeId
from gateway.messages.answers import sign_receipts
from gateway.messages.machines.numbering import Gap
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.trust.link_reset import store as resets
from keys.documents.envelope import Receipt, Status, Void, join_envelopes
from keys.documents.receipts import SignedReceipts
from keys.documents.statement import link_hash
from keys.primitives.domains import RECEIPT, RECEIPT_1, VOID
from keys.primitives.encoding import b64u, canon, parse
from keys.primitives.sign import sign_document

PEER = A.first()
_OF_AN_ENQUIRY = steps.examine_message(said("enquiry.capacity.1/valid-minimal", purpose=None), scope=standing())
TAKEN = steps.accept_message(_OF_AN_ENQUIRY, known=held(), conversation=None, own_node=B.first().node)


def name(n: int) -> str:
    """The id of message `n`."""
    return b64u(n.to_bytes(16, "big"))


def chain(n: int, epoch: int = 1, commit: str | None = None) -> str | None:
    """The link hash of number `n` of a chain without a hole; of what was made in the first form without `commit`."""
    prev = None
    for at in range(1, n + 1):
        prev = link_hash(epoch=epoch, n=at, id=name(at), commit=commit, prev=prev)
    return prev


class Sealed:
    """Envelopes of the peer, and what is in them."""

    def __init__(self) -> None:
        self.inside: dict[str, AuthenticStatement | Refusal] = {}

    def message(self, n: int, **stated: Any) -> bytes:
        """Message `n`, behind the one before it."""
        usual = {"id": name(n), "n": n, "prev": chain(n - 1)}
        data = framed(SENDER.statement(**usual | stated))
        found = arrive(data)
        self.inside[found.statement.id] = found
        return data

    def next(self, n: int) -> bytes:
        """Message `n`, behind the one that was made before it."""
        before = self.inside[name(n - 1)]
        assert isinstance(before, AuthenticStatement)
        return self.message(n, prev=before.link_hash)


class Stations:
    """What stands around the receiver, and what it was asked. `opens`, `accepts` and `files` say what becomes of a
    message, by its id; `moved` is how many times another worker is faster.
    """

    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed
        self.opened: list[list[str]] = []
        self.examined: list[list[str]] = []
        self.admitted: list[tuple[str, list[str], bool]] = []
        self.judged: list[JudgedRequests] = []
        self.kept: list[tuple[str, bytes]] = []
        self.refuses: dict[str, Code] = {}
        self.closes: dict[str, Code] = {}
        self.files: dict[str, Code | None] = {}
        self.moved = 0
        self.meanwhile: Callable[[], Any] = lambda: None

    async def open_envelopes(self, peer: Any, envelopes: Sequence[Any]) -> Mapping[str, Any]:
        """Steps 6 to 11."""
        assert peer.node == PEER.node
        self.opened.append([one.id for one in envelopes])
        return {one.id: self.sealed.inside[one.id] for one in envelopes}

    async def check_files(self, node: str, messages: Mapping[str, Any]) -> Mapping[str, Code | None]:
        """Step 18."""
        assert node == PEER.node
        return {id: code for id, code in self.files.items() if id in messages}

    async def keep_envelope(self, node: str, message: Any, envelope: bytes) -> None:
        """It waits for its files."""
        assert node == PEER.node
        self.kept.append((message.statement.id, envelope))

    def examine_messages(self, connection: Any, peer: Any, messages: Any) -> Mapping[str, Any]:
        """Steps 13 to 15."""
        assert (connection is not None, peer.node) == (True, PEER.node)
        messages = [*messages]
        self.examined.append([one.statement.id for one in messages])
        self.meanwhile()
        return {
            one.statement.id: Refusal(self.refuses[one.statement.id]) if one.statement.id in self.refuses else one
            for one in messages
        }

    def load_conversations(self, connection: Any, node: str, messages: Any) -> Mapping[Any, Any]:
        """Those of the messages."""
        assert connection is not None
        return {one.statement.id: node for one in messages}

    def accept_message(
        self, peer: Any, examined: Any, *, conversations: Any, before: Sequence[Any], behind_gap: bool
    ) -> AcceptedMessage | Refusal:
        """Steps 16 and 17."""
        id = examined.statement.id
        assert conversations[id] == peer.node
        self.admitted.append((id, [one.id for one in before], behind_gap))
        return Refusal(self.closes[id]) if id in self.closes else replace(TAKEN, id=id)

    async def record_results(self, node: str, judged: JudgedRequests) -> Recorded:
        """Step 19."""
        assert node == PEER.node
        if self.moved:
            self.moved -= 1
            raise LinkMovedError
        self.judged.append(judged)
        return Recorded(final=list(judged.receipts.values()))

    signed: SignedReceipts | None = None

    async def sign(self, node: str, recorded: Recorded) -> SignedReceipts | None:
        """What was written last."""
        assert (node, [*recorded.final]) == (PEER.node, [*self.judged[-1].receipts.values()])
        return self.signed

    async def off_loop(self, work: Callable[[], Any]) -> Any:
        """At once."""
        return work()


class Desk:
    """A node that receives."""

    def __init__(self, home: Home) -> None:
        self.home, self.sealed = home, Sealed()
        self.stations = Stations(self.sealed)
        around: Any = self.stations
        clock: Any = home.clock
        self.receiver = Receiver(
            own=home.own,
            store=home.store,
            peers=home.registry,
            opening=around,
            admission=around,
            files=around,
            recorder=around,
            signer=around,
            workers=around,
            clock=clock,
        )

    async def answers(self, *envelopes: bytes) -> list[tuple[str | None, str | None]]:
        """What each envelope of one request is answered: its id, and a code."""
        body = parse(await self.receiver.answer_messages(PEER.node, join_envelopes(envelopes)), limit=1_000_000)
        assert isinstance(body, dict)
        return [(one["id"], one["code"]) for one in body["answers"]]

    def results(self) -> tuple[Any, ...]:
        """What was judged last."""
        return self.stations.judged[-1].results

    def used(self, *numbers: int, epoch: int = 1, commit: str | None = "c" * 43, high: int | None = None) -> None:
        """These numbers of the peer are used."""
        made = [
            NumberRow(n=n, id=name(n), prev=chain(n - 1, epoch, commit), link=str(chain(n, epoch, commit)))
            for n in numbers
        ]
        links.use(self.home.connection, PEER.node, links.IN, epoch, made, high or max(numbers))

    def answered(
        self, n: int, status: Status = Status.RECEIVED, code: Code | None = None, form: str = RECEIPT, **changed: Any
    ) -> Receipt:
        """Message `n` had its final answer, which was written in this form."""
        receipt = Receipt(
            of=b64u(n.to_bytes(32, "big")),
            msg=name(n),
            from_=self.home.node,
            from_desc=1,
            to=PEER.node,
            n=n,
            status=status,
            at=NOW - 9,
            code=None if code is None else str(code),
        )
        row = receipts.make_row(receipt, receipts.ISSUED, PEER.node)
        receipts.add(self.home.connection, [replace(row, object=canon(receipt.to_json(form)))])
        if status is Status.RECEIVED:
            usual = {"direction": "in", "state": "opened", "peer": PEER.node, "id": name(n), "n": n, "epoch": 1}
            messages.add(self.home.connection, [rows.message(n, **usual | changed)])
        return receipt


@pytest.fixture
async def desk() -> Desk:
    """To which nothing came yet."""
    return Desk(await Home.open("h", PEER))


# --- a request --------------------------------------------------------------------------------------------------------


async def test_messages_are_judged_in_the_order_of_their_numbers(desk: Desk) -> None:
    """Each with those before it; they are answered in the order in which they came."""
    first = desk.sealed.message(1)
    second, third = desk.sealed.next(2), desk.sealed.next(3)
    assert await desk.answers(third, first, second) == [(name(3), None), (name(1), None), (name(2), None)]
    assert desk.stations.admitted == [
        (name(1), [], False),
        (name(2), [name(1)], False),
        (name(3), [name(1), name(2)], False),
    ]
    assert [type(one) for one in desk.results()] == [Received] * 3
    judged = desk.stations.judged[-1]
    assert (judged.before.view.high, judged.after.view.high, len(judged.receipts)) == (0, 3, 3)
    receipt = desk.results()[0].receipt
    assert (receipt.msg, receipt.status, receipt.at, receipt.to) == (name(1), Status.RECEIVED, NOW, PEER.node)
    assert (receipt.from_, receipt.code) == (desk.home.node, None)


async def test_an_answer_has_what_was_signed(desk: Desk) -> None:
    """Of messages and of a question, beside the codes."""
    request = rules.number_message(arrive(desk.sealed.message(9, prev="p" * 42 + "A")))
    made = rules.make_receipt(request, own=B.first(), peer=PEER.node, status=Status.RECEIVED, code=None, at=NOW)
    desk.stations.signed = sign_receipts([made], by(B.sig))
    for answered in (
        desk.receiver.answer_messages(PEER.node, join_envelopes([desk.sealed.message(1)])),
        desk.receiver.answer_void(PEER.node, void(2, desk.home)),
    ):
        body = parse(await answered, limit=1_000_000)
        assert isinstance(body, dict) and body["receipts"] == desk.stations.signed.to_json()


async def test_what_can_not_be_read_is_answered_without_an_id(desk: Desk) -> None:
    """And what does not open, under its own; neither uses a number, and the others are taken."""
    good, closed = desk.sealed.message(1), desk.sealed.message(2)
    desk.sealed.inside[name(2)] = Refusal(Code.UNDECRYPTABLE)
    other = edited(good, lambda value: value.update(v="nrm2"))
    assert await desk.answers(b"{}", other, good, closed) == [
        (None, "malformed"),
        (None, "unsupported_suite"),
        (name(1), None),
        (name(2), "undecryptable"),
    ]
    assert [one.request.id for one in desk.results()] == [name(1)]


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda stations: stations.refuses.update({name(1): Code.OUT_OF_SCOPE}), Code.OUT_OF_SCOPE),
        (lambda stations: stations.closes.update({name(1): Code.GATE_G2}), Code.GATE_G2),
    ],
    ids=["steps 13 to 15", "steps 16 and 17"],
)
async def test_a_refused_message_has_a_signed_answer(desk: Desk, prepare: Callable[..., Any], code: Code) -> None:
    """It uses its number: the next one follows it, and does not see it among those before."""
    prepare(desk.stations)
    first, second = desk.sealed.message(1), desk.sealed.next(2)
    assert await desk.answers(first, second) == [(name(1), str(code)), (name(2), None)]
    rejected, received = desk.results()
    assert (type(rejected), rejected.receipt.status, rejected.receipt.code) == (Rejected, Status.REJECTED, str(code))
    assert (type(received), desk.stations.admitted[-1]) == (Received, (name(2), [], False))


async def test_a_number_that_is_refused_is_no_answer(desk: Desk) -> None:
    """Nothing is consumed, and nothing is asked of its content."""
    desk.used(1)
    other = desk.sealed.message(1, id=name(9), prev=None)
    assert await desk.answers(other) == [(name(9), "equivocation")]
    (result,) = desk.results()
    assert isinstance(result, NumberRefused)
    assert result.refusal == NumberRefusal(code=Code.EQUIVOCATION, keep_evidence=True, held=name(1))
    assert (desk.stations.admitted, desk.stations.judged[-1].after) == ([], desk.stations.judged[-1].before)


async def test_what_comes_behind_a_gap_says_so(desk: Desk) -> None:
    """Its number is used, and the gap is new."""
    ahead = desk.sealed.message(3, prev="p" * 42 + "A")
    assert await desk.answers(ahead) == [(name(3), None)]
    assert (desk.stations.admitted, desk.results()[0].behind_gap) == ([(name(3), [], True)], True)
    assert desk.stations.judged[-1].after.seen == {Gap(1, 2): NOW}


async def test_a_number_that_fills_a_gap(desk: Desk) -> None:
    """By what is known of both its neighbours; the rest of the gap keeps its time, and the link its highest number."""
    desk.used(1, 9, 10)
    links.set_gaps(desk.home.connection, PEER.node, 1, [GapRow(first=2, last=8, seen=NOW - 50)])
    filler = desk.sealed.message(2, prev=str(chain(1, 1, "c" * 43)))
    assert await desk.answers(filler) == [(name(2), None)]
    judged = desk.stations.judged[-1]
    assert (judged.before.view.high, judged.after.view.high) == (10, 10)
    assert judged.after.seen == {Gap(3, 8): NOW - 50}
    wrong = desk.sealed.message(8, prev="p" * 42 + "A")
    assert (await desk.answers(wrong))[0][1] == "bad_chain"


@pytest.mark.parametrize(
    ("pending", "code"), [(False, Code.ROLLBACK), (True, Code.LINK_RESET_REQUIRED)], ids=["no", "yes"]
)
async def test_a_peer_that_has_not_accepted_a_reset_is_asked_for_it(desk: Desk, pending: bool, code: Code) -> None:
    """It counts in the old epoch without being at fault."""
    desk.used(1, epoch=2)
    if pending:
        resets.put(desk.home.connection, ResetRow(peer=PEER.node, state=str(ResetState.ASKED), at=NOW))
        await desk.home.registry.refresh()
    assert (await desk.answers(desk.sealed.message(1)))[0][1] == str(code)


# --- files ------------------------------------------------------------------------------------------------------------


def with_files(desk: Desk) -> bytes:
    """A message with a file."""
    data = desk.sealed.message(1)
    found = desk.sealed.inside[name(1)]
    assert isinstance(found, AuthenticStatement)
    desk.sealed.inside[name(1)] = replace(found, statement=replace(found.statement, parts=(65_536,)))
    return data


@pytest.mark.parametrize(
    ("files", "result", "code"),
    [
        ({}, AwaitingFiles, None),
        ({name(1): None}, Received, None),
        ({name(1): Code.BAD_COMMITMENT}, Rejected, "bad_commitment"),
    ],
    ids=["not here", "here", "others"],
)
async def test_a_message_waits_for_its_files(
    desk: Desk, files: dict[str, Code | None], result: type[Any], code: str | None
) -> None:
    """Its envelope is kept until they are here; no number is consumed before that."""
    desk.stations.files = files
    data = with_files(desk)
    assert await desk.answers(data) == [(name(1), code)]
    assert isinstance(desk.results()[0], result)
    assert desk.stations.kept == ([(name(1), data)] if result is AwaitingFiles else [])
    assert desk.stations.judged[-1].after.view.high == (0 if result is AwaitingFiles else 1)


async def test_a_message_without_files_waits_for_none(desk: Desk) -> None:
    """It is taken at once."""
    await desk.answers(desk.sealed.message(1))
    assert (type(desk.results()[0]), desk.stations.kept) == (Received, [])


# --- what was answered before -----------------------------------------------------------------------------------------


async def test_what_was_answered_is_not_opened_again(desk: Desk) -> None:
    """The answer of then is told, whatever is in the envelope now; what is new beside it is judged."""
    desk.used(1, 2)
    desk.answered(1)
    desk.answered(2, Status.REJECTED, Code.SCHEMA)
    third = desk.sealed.message(3, prev=str(chain(2, 1, "c" * 43)))
    assert await desk.answers(desk.sealed.message(1), desk.sealed.message(2), third) == [
        (name(1), None),
        (name(2), "schema"),
        (name(3), None),
    ]
    assert desk.stations.opened == [[name(3)]]
    assert set(desk.stations.judged[-1].stored) == {name(1), name(2)}
    assert desk.stations.examined == [[name(3)]]


async def test_on_a_link_that_was_reset_it_uses_its_new_number(desk: Desk) -> None:
    """It is opened once more; its answer is the one of then, and nothing is asked of its content."""
    desk.answered(1)
    desk.used(5, epoch=2)
    links.set_gaps(desk.home.connection, PEER.node, 2, [GapRow(first=1, last=4, seen=NOW)])
    again = desk.sealed.message(1, epoch=2)
    assert await desk.answers(again) == [(name(1), None)]
    (result,) = desk.results()
    assert isinstance(result, AnsweredBefore)
    assert (result.uses_number, result.follows_anew, result.receipt.n) == (True, False, 1)
    assert (result.request.id, result.request.epoch, result.request.n) == (name(1), 2, 1)
    assert (desk.stations.opened, desk.stations.examined) == ([[name(1)]], [[]])


async def test_what_was_taken_since_the_reset_is_not_opened_again(desk: Desk) -> None:
    """It has used its number of this epoch."""
    desk.used(1, epoch=2)
    desk.answered(1, epoch=2)
    assert await desk.answers(desk.sealed.message(1, epoch=2)) == [(name(1), None)]
    assert desk.stations.opened == [[]]


async def test_what_was_taken_in_the_first_form_has_another_link_now(desk: Desk) -> None:
    """It is opened, so that the next one can follow it; not what was void, or whose number is not known."""
    desk.used(1, 2, commit=None)
    desk.answered(1)
    desk.answered(2)
    second = desk.sealed.message(2, prev=str(chain(1)))
    assert await desk.answers(second) == [(name(2), None)]
    (result,) = desk.results()
    assert isinstance(result, AnsweredBefore)
    assert (result.uses_number, result.follows_anew) == (False, True)
    found = desk.sealed.inside[name(2)]
    assert isinstance(found, AuthenticStatement)
    assert desk.stations.judged[-1].after.view.known[2].link_hash == found.link_hash


@pytest.mark.parametrize("used", [True, False], ids=["void", "of a number that is not known"])
async def test_what_says_nothing_of_its_content_is_left_as_it_is(desk: Desk, used: bool) -> None:
    """Nothing follows anew what was never taken."""
    if used:
        desk.used(1, commit=None)
        desk.answered(1, Status.REJECTED, Code.VOID)
    else:
        desk.used(2, commit=None)
        desk.answered(1)
    assert (await desk.answers(desk.sealed.message(1)))[0][1] == ("void" if used else None)
    assert desk.stations.opened == [[]]


# --- void -------------------------------------------------------------------------------------------------------------


def void(n: int, home: Home) -> bytes:
    """The question whether message `n` arrived."""
    made = Void(id=name(n), from_=PEER.node, to=home.node, epoch=1, n=n, commit=None, prev=chain(n - 1), created=NOW)
    return sign_document(VOID, made.encode(), [A.sig]).encode()


async def asks(desk: Desk, n: int) -> tuple[str, str | None]:
    """What it is answered."""
    body = parse(await desk.receiver.answer_void(PEER.node, void(n, desk.home)), limit=10_000)
    assert isinstance(body, dict)
    (one,) = body["answers"]
    return one["id"], one["code"]


async def test_what_never_arrived_never_will(desk: Desk) -> None:
    """A signed answer says so, and uses its number."""
    assert await asks(desk, 1) == (name(1), "void")
    (result,) = desk.results()
    assert (type(result), result.receipt.status, result.receipt.code) == (Rejected, Status.REJECTED, "void")
    assert desk.stations.judged[-1].after.view.high == 1


@pytest.mark.parametrize("form", [RECEIPT, RECEIPT_1])
async def test_what_arrived_is_answered_by_its_receipt(desk: Desk, form: str) -> None:
    """Of then, in whichever form; it says what became of it."""
    desk.used(1)
    desk.answered(1, form=form)
    assert await asks(desk, 1) == (name(1), None)
    assert isinstance(desk.results()[0], AnsweredBefore)


# --- meanwhile --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [PeerState.REVOKED, PeerState.PROPOSED, PeerState.SUSPENDED_FOR_CAUSE])
async def test_of_a_peer_that_is_not_heard_nothing_is_taken(desk: Desk, state: PeerState) -> None:
    """Neither its messages nor its questions; nor of one that is not there."""
    await desk.home.put(PEER, state=str(state))
    for ask in (desk.answers(desk.sealed.message(1)), asks(desk, 1)):
        with refused(Code.UNKNOWN_SENDER):
            await ask
    with refused(Code.UNKNOWN_SENDER):
        await desk.receiver.answer_messages(NodeId("n1nobody"), join_envelopes([desk.sealed.message(1)]))
    assert desk.stations.judged == []


async def test_a_peer_that_people_changed_meanwhile_is_judged_as_it_is(desk: Desk) -> None:
    """Once more where it is another one now; one that is suspended meanwhile is heard no more."""
    changes = [str(PeerState.SUSPENDED)]

    def change() -> None:
        if changes:
            peer = desk.home.registry._peers[PEER.node]
            desk.home.registry._peers = {PEER.node: replace(peer, state=PeerState(changes.pop()))}

    desk.stations.meanwhile = change
    assert await desk.answers(desk.sealed.message(1)) == [(name(1), None)]
    assert (len(desk.stations.examined), len(desk.stations.judged)) == (2, 1)
    changes.append(str(PeerState.REVOKED))
    with pytest.raises(RemoteError):
        await desk.answers(desk.sealed.message(2))
    assert len(desk.stations.judged) == 1


@pytest.mark.parametrize(("moved", "taken"), [(TRIES - 1, True), (TRIES, False)])
async def test_where_another_worker_is_faster_it_is_judged_again(desk: Desk, moved: int, taken: bool) -> None:
    """Behind what that one has taken; not for ever."""
    desk.stations.moved = moved
    if taken:
        assert await desk.answers(desk.sealed.message(1)) == [(name(1), None)]
        return
    with pytest.raises(TransientError) as caught:
        await desk.answers(desk.sealed.message(1))
    assert (caught.value.code, desk.stations.judged) == (Code.LOCKED, [])
