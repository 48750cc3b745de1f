"""Answers and receipts: what a peer's word is worth (nrm1 6.7, 6; threats 13 and 57)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.batches import by, proofs
from support.endpoints import Endpoint, edited
from support.first_form import first_batch
from support.incoming import A, B, C
from support.nodes import NOW, record, refused
from support.sign_as import sign_as

from gateway.errors import WIRE_CODES, Code
from gateway.messages.answers import (
    Answer,
    Reaction,
    encode_answers,
    reaction,
    read_answers,
    read_receipts,
    read_refusal,
    sign_receipts,
)
from gateway.messages.types import SealedEnvelope
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, Status
from keys.documents.key_records import Use
from keys.primitives.domains import RECEIPT, RECEIPT_1, STATEMENT
from keys.primitives.encoding import b64u, canon
from keys.primitives.hybrid_keys import SigningKey

A_END, B_END = Endpoint.pair(A, B)
SENT = [A_END.send(A_END.submit(A_END.draft("enquiry.capacity.1/valid-minimal"))) for _ in range(2)]
ANSWER = B_END.answer([sealed.data for sealed in SENT])
ASKED = [sealed.id for sealed in SENT]
SIGNED = sign_receipts([B_END.final[id] for id in ASKED], by(B.sig))
RECEIVED = [*SIGNED.receipts]
BATCH = SIGNED.encode()


def read(data: bytes, **changes: Any) -> tuple[Receipt, ...]:
    """A reads receipts of B."""
    usual = {"issuer": B.first(), "me": A.first().node, "now": NOW}
    return read_receipts(data, **{**usual, **changes}).receipts


def hear(data: bytes, asked: list[str] = ASKED) -> object:
    """A reads an answer of B."""
    return read_answers(data, asked=asked, issuer=B.first(), me=A.first().node, now=NOW)


def test_round_trip() -> None:
    """The answer says what became of each envelope, and holds the receipts as they were signed."""
    answers = read_answers(ANSWER, asked=ASKED, issuer=B.first(), me=A.first().node, now=NOW)
    assert answers.answers == tuple(Answer(id=id, code=None) for id in ASKED)
    assert answers.receipts == tuple(RECEIVED)
    assert answers.signed is not None
    assert read(answers.signed.encode()) == tuple(RECEIVED)


def test_a_refused_envelope_is_answered_by_its_code() -> None:
    """Accepted, refused and unreadable envelopes in one request: only what is final has a receipt."""
    a, b = Endpoint.pair(A, B)
    sealed = a.send(a.submit(a.draft("enquiry.capacity.1/valid-minimal")))
    cut = edited(sealed.data, lambda value: value.update(id=b64u(b"\1" * 16)))
    heard = a.hear(b.answer([cut, sealed.data, b"{}"]), [b64u(b"\1" * 16), sealed.id, "A" * 22])
    assert [(answer.id, answer.code) for answer in heard.answers] == [
        (b64u(b"\1" * 16), Code.UNDECRYPTABLE),
        (sealed.id, None),
        (None, Code.MALFORMED),
    ]
    assert [receipt.msg for receipt in heard.receipts] == [sealed.id]


def test_no_receipts() -> None:
    """An answer without anything final has no batch."""
    data = encode_answers([Answer(id=ASKED[0], code=Code.UNDECRYPTABLE)], None)
    answers = read_answers(data, asked=ASKED[:1], issuer=B.first(), me=A.first().node, now=NOW)
    assert (answers.receipts, answers.signed) == ((), None)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(more=1),
        lambda value: value.pop("receipts"),
        lambda value: value.update(answers={}),
        lambda value: value["answers"].pop(),
        lambda value: value["answers"].append(value["answers"][0]),
        lambda value: value["answers"].reverse(),
        lambda value: value["answers"][0].update(more=1),
        lambda value: value["answers"][0].update(id="A" * 22),
        lambda value: value["answers"][0].update(id=[]),
        lambda value: value["answers"][0].update(code="nonsense"),
        lambda value: value["answers"][0].update(code="stale_keyset"),
        lambda value: value["answers"][0].update(code=1),
        lambda value: value["answers"].__setitem__(0, None),
        lambda value: value.update(receipts=[]),
        lambda value: value.update(receipts={}),
    ],
    ids=range(15),
)
def test_an_answer_that_does_not_fit_the_question(change: Callable[[Any], object]) -> None:
    """It is no answer: unknown members and codes, local codes, other ids, another number of them."""
    with refused(Code.MALFORMED):
        hear(edited(ANSWER, change))


def test_an_answer_that_is_no_json() -> None:
    """Strict as everything else: nothing but canonical JSON, and not without end."""
    for data, code in [(b"", Code.MALFORMED), (ANSWER + b" ", Code.MALFORMED), (b" " * 4_194_305, Code.TOO_LARGE)]:
        with refused(code):
            hear(data)


# --- row 57: receipts ------------------------------------------------------------------------------------------------


def test_row_57_forged() -> None:
    """Signed by another node, by the sender itself, or by a key of B that is no `sig` key."""
    for key in (C.sig, A.sig, B.http):
        with refused(Code.UNKNOWN_KEY):
            read(sign_receipts(RECEIVED, by(key)).encode())
    forged = sign_receipts(RECEIVED, by(C.sig))
    named_b = replace(forged.batch, signature=replace(forged.batch.signature, kid=B.sig.public.kid))
    with refused(Code.BAD_SIGNATURE):
        read(replace(forged, batch=named_b).encode())


@pytest.mark.parametrize("member", ["at", "status", "msg", "of", "n", "from_desc"])
def test_row_57_altered(member: str) -> None:
    """No member of a receipt can be changed under its signature."""
    other = {
        "at": NOW + 1,
        "status": "opened",
        "msg": "A" * 22,
        "of": "A" * 43,
        "n": 9,
        "from_desc": 2,
    }[member]
    for place in (0, 1):
        with refused(Code.BAD_SIGNATURE):
            read(edited(BATCH, lambda value, at=place: value["receipts"][at]["receipt"].update({member: other})))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda value: value["receipts"].pop(), None),
        (lambda value: value["receipts"].reverse(), Code.MALFORMED),
        (lambda value: value["receipts"][1].update(index=value["receipts"][1]["index"] + 1), Code.BAD_SIGNATURE),
        (lambda value: value["receipts"][0].update(blind=b64u(bytes(32))), Code.BAD_SIGNATURE),
        (lambda value: value["receipts"][0]["path"].reverse(), Code.BAD_SIGNATURE),
        (lambda value: value["receipts"][0]["path"].pop(), Code.MALFORMED),
        (lambda value: value["receipts"][1].update(index=8), Code.MALFORMED),
        (lambda value: value.update(count=32), Code.MALFORMED),
        (lambda value: value.update(count=2), Code.MALFORMED),
        (lambda value: value.update(root=b64u(bytes(32))), Code.MALFORMED),
    ],
    ids=[
        "fewer",
        "turned round",
        "another place",
        "other bytes",
        "another path",
        "a step less",
        "outside",
        "a larger tree",
        "no size",
        "more",
    ],
)
def test_row_57_at_another_place(change: Callable[[Any], object], code: Code | None) -> None:
    """Each receipt is proven by its own place in the tree and by no other; they stand in the order of their places."""
    if code is None:
        assert read(edited(BATCH, change)) == (RECEIVED[0],)
        return
    with refused(code):
        read(edited(BATCH, change))


def test_each_receipt_is_proven_alone() -> None:
    """One that is taken out of its batch verifies as it did in it."""
    for place in (0, 1):
        alone = edited(BATCH, lambda value, at=place: value.update(receipts=[value["receipts"][at]]))
        assert read(alone) == (RECEIVED[place],)


def test_row_57_moved_to_another_pair() -> None:
    """What B truly tells somebody else is nothing for A, and what is told in another's name is not of B."""
    for changed in (
        [replace(receipt, to=C.first().node) for receipt in RECEIVED],
        [replace(receipt, from_=C.first().node) for receipt in RECEIVED],
    ):
        with refused(Code.SPLICED):
            read(sign_receipts(changed, by(B.sig)).encode())
    with refused(Code.SPLICED):
        read(BATCH, me=C.first().node)


def test_row_57_moved_to_another_message() -> None:
    """A receipt is known by the statement it names: what names none of this end's sealings moves nothing."""
    a, b = Endpoint.pair(A, B)
    sealed = a.send(a.submit(a.draft("enquiry.capacity.1/valid-minimal")))
    b.receive(sealed.data)
    moved = replace(b.final[sealed.id], of="A" * 43)
    signed = sign_receipts([moved], by(B.sig))
    a.hear(encode_answers([Answer(id=sealed.id, code=None)], signed), [sealed.id])
    assert a.heard == {}


def test_row_57_said_twice_or_half() -> None:
    """One bad receipt refuses the whole batch: twice the same, a code too many, none for a rejection, too many."""
    good = RECEIVED[0].to_json()
    for bad in (
        [good, good],
        [{**good, "code": "void"}],
        [{**good, "status": "rejected"}],
        [{**good, "more": 1}],
        [],
        [{**good, "of": b64u(i.to_bytes(32, "big"))} for i in range(129)],
    ):
        with refused(Code.MALFORMED):
            read(told(RECEIPT, *bad))


def told(kind: str, *objects: Any) -> bytes:
    """What B would send if it signed these objects, whatever they are, as this kind of payload."""
    proven = [json.loads(one.encode()) for item in objects for one in proofs(B.sig, (kind, canon(item)))] or [{}]
    common = json.loads(sign_receipts(RECEIVED[:1], by(B.sig)).encode()) | {
        name: proven[0][name] for name in ("count", "signatures") if objects
    }
    places = [{name: proof[name] for name in ("blind", "index", "path")} for proof in proven if proof]
    return canon(common | {"receipts": [{"receipt": o, **place} for o, place in zip(objects, places, strict=True)]})


def test_row_13_a_receipt_is_signed_as_a_receipt() -> None:
    """The payload type is in the leaf, and nothing of the first form is taken any more (nrm1 1.17)."""
    with refused(Code.BAD_SIGNATURE):
        read(told(STATEMENT, RECEIVED[0].to_json()))
    with refused(Code.WRONG_TYPE):
        read(told(RECEIPT, RECEIVED[0].to_json(RECEIPT_1)))
    for first in (first_batch(B.sig, RECEIVED[0]), sign_as(RECEIPT_1, canon(RECEIVED[0].to_json(RECEIPT_1)), B.sig)):
        with refused(Code.WRONG_TYPE):
            read(first.encode())


def test_receipts_by_a_revoked_or_ended_key() -> None:
    """nrm1 6.4: live receipts are judged with the newest descriptor and the validity of the key now."""
    gone = [Revocation(kid=B.sig.public.kid, at=NOW, since=NOW, reason="stolen")]
    other = SigningKey.generate(A_END.rand, hybrid=True)
    revoked = accept_descriptor(None, B.document(keys=[record(other, Use.SIG)], revoked=gone, issued=NOW), NOW)
    with refused(Code.REVOKED_KEY):
        read(BATCH, issuer=revoked)
    ended = accept_descriptor(None, B.document(keys=[record(B.sig, Use.SIG, until=NOW - 301)]), NOW)
    with refused(Code.UNKNOWN_KEY):
        read(BATCH, issuer=ended)


def test_a_receipt_in_an_answer_is_judged_too() -> None:
    """Forged receipts make the whole answer no answer."""
    forged = encode_answers([Answer(id=id, code=None) for id in ASKED], sign_receipts(RECEIVED, by(C.sig)))
    with refused(Code.UNKNOWN_KEY):
        hear(forged)


def test_any_sealing_is_recognised() -> None:
    """nrm1 5.5: the sender keeps the hash of every sealing and accepts a receipt for any of them."""
    a, b = Endpoint.pair(A, B)
    message = a.submit(a.draft("enquiry.capacity.1/valid-minimal"))
    first: SealedEnvelope = a.send(message)
    again = replace(a, now=NOW + 60).seal(message, first.position, first.secret)
    a.sent["again"] = again
    a.hear(b.answer([again.data]), [message.id])
    assert a.heard[message.id].of == again.statement_hash
    assert a.heard[message.id].status is Status.RECEIVED


# --- codes -----------------------------------------------------------------------------------------------------------


def test_refusal_of_a_whole_request() -> None:
    """Exactly {"code": c} with a code that travels."""
    assert read_refusal(b'{"code":"misrouted"}') is Code.MISROUTED
    for data in (
        b'{"code":null}',
        b'{"code":"not_found"}',
        b'{"code":"misrouted","why":"x"}',
        b"[]",
        b"",
        b'{"code":1}',
    ):
        with refused(Code.MALFORMED):
            read_refusal(data)
    with refused(Code.TOO_LARGE):
        read_refusal(b" " * 1_001)


def test_every_code_has_a_reaction() -> None:
    """nrm1 6.9: a code without a receipt consumed no number; what is done depends on the code alone."""
    kinds = {found: {code for code in WIRE_CODES if reaction(code) is found} for found in Reaction}
    anew = {Code.UNKNOWN_RECIPIENT_KEY, Code.NEWER_DESCRIPTOR, Code.REVOKED_KEY, Code.WRONG_TYPE}
    assert kinds[Reaction.SEAL_ANEW] == anew
    assert kinds[Reaction.SIGN_ANEW] == {Code.STALE}
    assert kinds[Reaction.AWAIT_RESET] == {Code.LINK_RESET_REQUIRED}
    assert kinds[Reaction.STOP_LINK] == {Code.EQUIVOCATION, Code.BAD_CHAIN}
    assert set().union(*kinds.values()) == WIRE_CODES
