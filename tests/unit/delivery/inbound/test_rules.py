"""Numbers, voids and what becomes of a request: the rules of receiving without a node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from support.incoming import SENDER as A_TO_B
from support.incoming import A, B, C, arrive, authentic, framed
from support.nodes import NOW, record, refused

from gateway.delivery.inbound import rules
from gateway.delivery.inbound.rules import LinkState, NewNumber, NumberedRequest, NumberRefusal
from gateway.errors import Code
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages import probe
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.numbering import Entry, Gap, LinkView
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Status
from keys.documents.key_records import Use
from keys.primitives.domains import KEYSET, VOID
from keys.primitives.encoding import b64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument

SENDER, RECEIVER = A.first(), B.first()


def identify(n: int) -> MessageId:
    """The id of message `n`."""
    return MessageId(b64u(n.to_bytes(16, "big")))


_HASHES: list[str] = []


def chain_hash(n: int) -> str:
    """The link hash of number `n`, whose chain has no hole."""
    while len(_HASHES) < n:
        at = len(_HASHES) + 1
        prev = _HASHES[-1] if _HASHES else None
        _HASHES.append(wire.link_hash(epoch=1, n=at, id=identify(at), commit=None, prev=prev))
    return _HASHES[n - 1]


def request(n: int, **changes: Any) -> NumberedRequest:
    """A void with the number `n`, which fits its link but for `changes`."""
    prev = None if n == 1 else chain_hash(n - 1)
    honest = {"id": identify(n), "epoch": 1, "n": n, "prev": prev, "link_hash": chain_hash(n)}
    usual = {"statement_hash": "", "message": None, "evidence": b""}
    return NumberedRequest(**{**honest, **usual, **changes})


def link(used: Iterable[int], *, epoch: int = 1, seen: int = NOW) -> LinkState:
    """A link on which these numbers were used; its gaps were seen at `seen`."""
    used = sorted(used)
    known = {
        n: Entry(id=identify(n), prev=None if n == 1 else chain_hash(n - 1), link_hash=chain_hash(n)) for n in used
    }
    edges = [0, *used]
    gaps = tuple(Gap(low + 1, high - 1) for low, high in zip(edges, used, strict=False) if high > low + 1)
    view = LinkView(epoch=epoch, high=max(used, default=0), known=known, gaps=gaps)
    return LinkState(view=view, seen=dict.fromkeys(gaps, seen))


def decide(held: LinkState, asked: NumberedRequest, *, reset_pending: bool = False) -> rules.NumberingDecision:
    """The decision about one request."""
    return rules.decide_number(held, asked, reset_pending=reset_pending)


# --- step 12 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "n", "behind_gap"), [((), 1, False), ((1,), 2, False), ((1,), 4, True), ((1, 3), 2, False)]
)
def test_a_new_number(used: tuple[int, ...], n: int, behind_gap: bool) -> None:
    """The next one, one above a gap and one that fills a gap."""
    assert decide(link(used), request(n)) == NewNumber(behind_gap=behind_gap)


def test_a_number_of_another_message() -> None:
    """The refusal names the message that has the number, and what proves the second one is kept."""
    decision = decide(link([1]), request(1, id=identify(9), link_hash="other"))
    assert decision == NumberRefusal(code=Code.EQUIVOCATION, keep_evidence=True, held=identify(1))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (request(2, prev=b64u(bytes(32))), Code.BAD_CHAIN),
        (request(2, id=identify(1)), Code.BAD_CHAIN),
        (request(2, epoch=2), Code.LINK_RESET_REQUIRED),
    ],
    ids=["another hash", "id of another number", "higher epoch"],
)
def test_a_refused_number_is_evidence(asked: NumberedRequest, code: Code) -> None:
    """A person is shown what the peer signed."""
    assert decide(link([1]), asked) == NumberRefusal(code=code, keep_evidence=True)


def test_a_lower_epoch_while_a_reset_is_pending() -> None:
    """A peer that has not accepted the new epoch yet is asked for it and is not at fault; later it is a rollback."""
    held, asked = link([], epoch=2), request(1)
    assert decide(held, asked) == NumberRefusal(code=Code.ROLLBACK, keep_evidence=True)
    pending = decide(held, asked, reset_pending=True)
    assert pending == NumberRefusal(code=Code.LINK_RESET_REQUIRED, keep_evidence=False)


def test_a_pending_reset_excuses_nothing_else() -> None:
    """Two messages under one number prove what they prove."""
    decision = decide(link([1]), request(1, id=identify(9), link_hash="other"), reset_pending=True)
    assert decision == NumberRefusal(code=Code.EQUIVOCATION, keep_evidence=True, held=identify(1))


def test_a_used_number_without_an_answer_stops_the_link() -> None:
    """Number and answer are written together; where only one is here, going on would hide the fault."""
    assert decide(link([1]), request(1)) == NumberRefusal(code=Code.BAD_CHAIN, keep_evidence=False)


FLOODED = NumberRefusal(code=Code.BAD_CHAIN, keep_evidence=False)


def test_the_flood_limit() -> None:
    """With as many gaps as a link may have none is opened or split, and each number that leaves no more passes."""
    used = [4 * i for i in range(1, rules.MOST_GAPS + 1)]
    held = link(used)
    assert len(held.view.gaps) == rules.MOST_GAPS
    top = held.view.high
    assert decide(held, request(top + 2)) == FLOODED
    assert decide(held, request(2)) == FLOODED  # in the middle of 1 to 3
    for n in (1, 3, top + 1):
        assert isinstance(decide(held, request(n)), NewNumber)
    assert isinstance(decide(link(used[:-1]), request(used[-1])), NewNumber)
    above = link([*used, 4 * len(used) + 4])
    assert isinstance(decide(above, request(1)), NewNumber)  # a link that is above the limit recovers


def test_a_rest_of_a_gap_keeps_its_time() -> None:
    """The patience with a missing number does not begin anew with each number that arrives beside it."""
    held = rules.use_number(link([1, 9], seen=NOW - 500), request(5), NOW)
    assert held.seen == {Gap(2, 4): NOW - 500, Gap(6, 8): NOW - 500}
    held = rules.use_number(held, request(12), NOW)
    assert held.seen[Gap(10, 11)] == NOW
    assert (held.view.high, held.view.gaps) == (12, (Gap(2, 4), Gap(6, 8), Gap(10, 11)))
    assert held.view.known[12] == Entry(id=identify(12), prev=chain_hash(11), link_hash=chain_hash(12))


def test_use_number_leaves_the_state_before_as_it_was() -> None:
    """Steps return what they make."""
    before = link([1])
    after = rules.use_number(before, request(2), NOW)
    assert (before.view.high, after.view.high, before) == (1, 2, link([1]))


def test_a_number_of_the_first_form_gets_the_link_that_it_has_now() -> None:
    """Of the same message, at the end of its link, behind the number that is there; the next one then follows it."""
    message = arrive(framed(A_TO_B.statement()))
    held = link(range(1, 4))
    again = request(3, message=message, link_hash="now" * 14 + "A")
    assert rules.follows_anew(held, again)
    after = rules.link_anew(held, again)
    assert after.view.known[3] == Entry(id=again.id, prev=again.prev, link_hash=again.link_hash)
    assert (after.view.high, held.view.known[3].link_hash) == (3, chain_hash(3))
    assert decide(after, request(4, prev=again.link_hash, link_hash="x")) == NewNumber(behind_gap=False)
    second = rules.link_anew(held, request(2, link_hash="other" * 8 + "AAA"))
    others = {
        "a void": (held, replace(again, message=None)),
        "another id": (held, replace(again, id=identify(9))),
        "another epoch": (held, replace(again, epoch=2)),
        "another prev": (held, replace(again, prev=chain_hash(1))),
        "a number that was never used": (held, request(4, message=message)),
        "a number behind it": (held, request(2, message=message, link_hash="x")),
        "the number before was linked anew": (second, again),
        "a link of the second form": (after, replace(again, link_hash="later" * 8 + "AAA")),
    }
    assert [why for why, (held, asked) in others.items() if rules.follows_anew(held, asked)] == []
    assert rules.follows_anew(second, replace(again, prev=second.view.known[2].link_hash))


def test_a_number_of_the_first_form_before_which_nothing_is_known() -> None:
    """The first one, and one behind a gap, follow what they followed then."""
    message = arrive(framed(A_TO_B.statement()))
    for n in (1, 3):
        again = request(n, message=message, link_hash="now" * 14 + "A")
        assert rules.follows_anew(link([n]), again)
        assert not rules.follows_anew(link([n]), replace(again, prev=b64u(bytes(32))))


def test_requests_are_judged_in_the_order_of_their_numbers() -> None:
    """The epoch counts first."""
    mixed = [request(2, epoch=2), request(3), request(1, epoch=2), request(1)]
    assert [(one.epoch, one.n) for one in rules.in_order(mixed)] == [(1, 1), (1, 3), (2, 1), (2, 2)]


def test_the_number_of_a_message() -> None:
    """Everything a number is judged by comes from the signed statement."""
    message = arrive(framed(A_TO_B.statement(n=2, prev=chain_hash(1))))
    numbered = rules.number_message(message)
    statement = message.statement
    assert (numbered.id, numbered.epoch, numbered.n, numbered.prev) == (statement.id, 1, 2, chain_hash(1))
    assert (numbered.link_hash, numbered.statement_hash) == (message.link_hash, message.statement_hash)
    assert statement.encode() in numbered.evidence
    assert not numbered.has_parts


def test_a_message_with_files_has_parts() -> None:
    """A void has none."""
    body = b'{"content":{"attachments":[{"doc_kind":"other","part":0}]},"header":{}}'
    assert rules.number_message(authentic(body, "referral.request/1")).has_parts
    assert not request(1).has_parts


# --- void -------------------------------------------------------------------------------------------------------------


def void(*, key: SigningKey = A.sig, payload_type: str = VOID, **changes: Any) -> bytes:
    """A void of A to B, honest but for `changes`."""
    honest = {"id": identify(1), "from_": SENDER.node, "to": RECEIVER.node, "epoch": 1, "n": 1}
    honest |= {"commit": None, "prev": None}
    payload = wire.Void(**{**honest, "created": NOW, **changes}).encode()
    return SignedDocument(
        payload=payload, payload_type=payload_type, signatures=(key.sign(payload_type, payload),)
    ).encode()


def verify(data: bytes, *, sender: Descriptor = SENDER, signer: NodeId = SENDER.node) -> NumberedRequest:
    """What B makes of it."""
    return rules.verify_void(data, signer=signer, own_node=RECEIVER.node, sender=sender, now=NOW)


def test_a_true_void() -> None:
    """It is a request with a number and no message; the receipt names the hash of its payload."""
    data = void(n=2, id=identify(2), prev=chain_hash(1))
    found = verify(data)
    stated = wire.statement_hash(SignedDocument.decode(data, VOID).payload)
    assert found == request(2, statement_hash=stated, evidence=data)


def test_a_void_within_the_skew() -> None:
    """Clocks may differ by 300 seconds."""
    assert verify(void(created=NOW + 300)).id == identify(1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{}", Code.MALFORMED),
        (void(payload_type=KEYSET), Code.WRONG_TYPE),
        (void(from_=C.first().node), Code.UNKNOWN_SENDER),
        (void(to=C.first().node), Code.MISDIRECTED),
        (void(key=C.sig), Code.UNKNOWN_KEY),
        (void(key=A.http), Code.UNKNOWN_KEY),
        (void().replace(b'"signatures":[{"', b'"signatures":[{"x":1,"'), Code.MALFORMED),
        (void(created=NOW + 301), Code.NOT_YET_VALID),
        (void(from_=C.first().node, to=C.first().node, key=C.sig, created=NOW + 301), Code.UNKNOWN_SENDER),
        (void(to=C.first().node, key=C.sig, created=NOW + 301), Code.MISDIRECTED),
        (void(key=C.sig, created=NOW + 301), Code.UNKNOWN_KEY),
    ],
    ids=[
        "no document",
        "another type",
        "of another node",
        "to another node",
        "another node's key",
        "http key",
        "extra member",
        "of the future",
        "sender before addressee",
        "addressee before key",
        "key before time",
    ],
)
def test_a_void_that_is_refused(data: bytes, code: Code) -> None:
    """Each check, and their order where several would refuse."""
    with refused(code):
        verify(data)


def test_a_void_under_a_revoked_key_and_a_spoiled_signature() -> None:
    """A revoked key is refused whatever time the void names; a signature must be of this payload."""
    gone = [Revocation(kid=A.sig.public.kid, at=NOW, since=NOW, reason="stolen")]
    sender = accept_descriptor(None, A.document(keys=[record(C.sig, Use.SIG)], revoked=gone, issued=NOW), NOW)
    with refused(Code.REVOKED_KEY):
        verify(void(), sender=sender)
    signed, other = (SignedDocument.decode(void(created=at), VOID) for at in (NOW, NOW - 1))
    with refused(Code.BAD_SIGNATURE):
        verify(replace(other, signatures=signed.signatures).encode())


# --- what was decided -------------------------------------------------------------------------------------------------


def test_the_receipt_of_a_request() -> None:
    """It names statement, id and number, and who answers by which descriptor."""
    asked = request(3, statement_hash="h" * 43)
    receipt = rules.make_receipt(
        asked, own=RECEIVER, peer=SENDER.node, status=Status.REJECTED, code=Code.OUT_OF_SCOPE, at=NOW
    )
    assert (receipt.of, receipt.msg, receipt.n, receipt.code) == ("h" * 43, asked.id, 3, "out_of_scope")
    assert (receipt.from_, receipt.from_desc, receipt.to) == (RECEIVER.node, RECEIVER.version, SENDER.node)
    assert (receipt.status, receipt.at) == (Status.REJECTED, NOW)


@pytest.mark.parametrize(
    ("body_type", "state"),
    [
        ("referral.request/1", Incoming.AWAITING_ORDER),
        ("consent.withdrawal/1", Incoming.AWAITING_HANDOVER),
        ("safety.alert/1", Incoming.AWAITING_HANDOVER),
        (probe.TYPE, Incoming.AWAITING_HANDOVER),
    ],
)
def test_what_waits_behind_a_gap(body_type: str, state: Incoming) -> None:
    """Hand-over follows the numbers, but for what nothing may hold up and the test message."""
    assert rules.first_state(body_type, behind_gap=True) is state
    assert rules.first_state(body_type, behind_gap=False) is Incoming.AWAITING_HANDOVER
