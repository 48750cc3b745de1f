"""Evidence bundles that must not verify, one fault each, and those that must (nrm1 7.2; threat 50)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.batches import prove
from support.endpoints import Endpoint, edited
from support.exhibits import (
    OTHER_ID,
    A,
    B,
    C,
    batch,
    conversation,
    exhibit,
    lying,
    next_version,
    receipt,
    small,
    stated,
    sweep,
)
from support.first_form import first_conversation
from support.nodes import NOW, record, refused, signed
from support.sign_as import sign_as
from support.stranger import STRANGER, verify

from gateway.errors import Code, RefusedError
from gateway.evidence import verify as bundle
from gateway.evidence.build import Exhibit, build, parse_anchors
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Status, compute_commitment
from keys.documents.fingerprint import Party, pair_code
from keys.documents.key_records import Use
from keys.documents.receipts import SignedReceipts
from keys.primitives.domains import RECEIPT, RECEIPT_1, STATEMENT, VOID
from keys.primitives.encoding import DAY, b64u, canon, unb64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import sign_document

CASE = conversation()
DATA = CASE.build()
ANCHORS = CASE.anchors
REFERRAL, DECLINE = CASE.sealed["referral"], CASE.sealed["decline"]


def tampered(change: Callable[[Any], object], data: bytes = DATA) -> bytes:
    """The bundle with `change` applied to its value, canonical again."""
    return edited(data, change)


def restated(**changes: Any) -> bytes:
    """The referral's statement with other members."""
    return replace(stated(REFERRAL), **changes).encode()


def with_statement(payload: bytes, key: SigningKey, payload_type: str = STATEMENT) -> bytes:
    """The bundle of the referral alone, with another statement, truly signed, without receipts and log."""

    def change(value: Any) -> None:
        value["messages"][0]["statements"] = [lying(value, payload, key, payload_type)]
        value.update(receipts=[], log=None)
        sweep(value)

    return tampered(change, small().build())


def with_receipt(payload: bytes, key: SigningKey) -> bytes:
    """The bundle with one receipt, truly signed."""
    return tampered(lambda value: (value.update(receipts=[lying(value, payload, key, RECEIPT)]), sweep(value)))


# --- what verifies ---------------------------------------------------------------------------------------------------


def test_a_conversation_is_proven() -> None:
    """Who signed what for whom, which receipts came back, and that the content is what was signed."""
    report = verify(DATA, ANCHORS)
    assert [(m.id, m.body_type, m.sender, m.recipient, m.n) for m in report.messages] == [
        (REFERRAL.id, "referral.request/1", A.first().node, B.first().node, 2),
        (DECLINE.id, "referral.decline/1", B.first().node, A.first().node, 1),
    ]
    assert [status for status, _ in report.messages[0].statuses] == ["received", "delivered", "opened"]
    assert [message.disclosed for message in report.messages] == [True, True]
    assert [message.not_proven for message in report.messages] == [(), ()]
    assert report.warnings == ()


def test_after_erasure() -> None:
    """The signatures stay true without the content: only the hiding commitment remains."""
    report = verify(CASE.erased().build(), ANCHORS)
    assert [message.disclosed for message in report.messages] == [False, False]
    assert all("only the hiding commitment remains" in message.not_proven[-1] for message in report.messages)
    assert [len(message.statuses) for message in report.messages] == [3, 1]


def test_both_nodes_build_the_same_bytes() -> None:
    """A bundle has one spelling, whatever order its parts are given in, and as often as they are given."""
    other = build(CASE.chains[::-1], CASE.exhibits[::-1], [*CASE.batches[::-1], *CASE.batches], CASE.extract)
    assert other == DATA


def test_flaw_6_a_bundle_shows_nothing_of_another_conversation() -> None:
    """B signed receipts for two conversations together: of the other one neither id nor hash nor number nor status nor
    time is in the bundle, and that there is one is a hash among random ones.
    """
    enquiry, value = CASE.sealed["enquiry"], json.loads(DATA)
    together = [{receipt.msg for receipt in kept.receipts} for kept in CASE.batches if isinstance(kept, SignedReceipts)]
    assert {enquiry.id, REFERRAL.id} in together
    payloads = [unb64u(one["payload"]) for one in value["receipts"]]
    leaves = [unb64u(one["leaf"]) for checkpoint in value["log"]["checkpoints"] for one in checkpoint["leaves"]]
    for shown in (DATA, *payloads, *leaves):
        assert enquiry.id.encode() not in shown
        assert enquiry.statement_hash.encode() not in shown
    assert {json.loads(payload)["of"] for payload in payloads} == {REFERRAL.statement_hash, DECLINE.statement_hash}
    assert len(verify(DATA, ANCHORS).messages) == 2


def test_a_later_chain_still_proves_it() -> None:
    """nrm1 7.3: the key is taken from any version at or after `from_desc`, also when it has been replaced since."""
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    chain = next_version(A, CASE.chains[0], keys=[record(key, Use.SIG)])
    data = CASE.build(chains=(chain, CASE.chains[1]))
    assert len(verify(data, ANCHORS).messages) == 2


def test_more_anchors_than_two() -> None:
    """All fingerprints that a node holds can be given."""
    assert verify(DATA, ANCHORS | {C.first().fingerprint}).messages


def test_a_sealing_that_no_receipt_names_stays_out() -> None:
    """Of a message sealed twice, the accepted sealing is shown; without any receipt both are."""
    a, b = Endpoint.pair(A, B)
    message = a.submit(a.draft("referral.request.1/valid-minimal"))
    first = a.send(message)
    again = replace(a, now=NOW + 60).seal(message, first.position, first.secret)
    a.sent["again"] = again
    a.hear(b.answer([again.data]), [message.id])
    both = exhibit(first, message.body, again)
    chains = ((a.own,), (b.own,))
    for documents, count in ((a.documents, 1), ([], 2)):
        data = build(chains, [both], documents)
        assert len(json.loads(data)["messages"][0]["statements"]) == count
        assert verify(data, ANCHORS).messages[0].created == (NOW + 60 if documents else NOW)


def test_a_lone_receipt() -> None:
    """nrm1 7.1: one of the first form is verified, though it was never issued; it proves nothing of the second."""
    case = first_conversation()
    lone = canon(receipt(case.sealed["referral"], Status.DELIVERED).to_json(RECEIPT_1))
    document = sign_as(RECEIPT_1, lone, B.sig)
    report = verify(case.build(exhibits=case.exhibits[:1], batches=(document,)), ANCHORS)
    assert report.messages[0].statuses == (("delivered", NOW + 60),)
    document = sign_as(RECEIPT_1, canon(receipt(REFERRAL, Status.DELIVERED).to_json(RECEIPT_1)), B.sig)
    report = verify(CASE.build(exhibits=CASE.exhibits[:1], batches=(document,)), ANCHORS)
    assert report.messages[0].statuses == ()


# --- anchors ---------------------------------------------------------------------------------------------------------


def test_without_the_right_anchors() -> None:
    """Row 36: each party's fingerprint must be there; one, none or a stranger's refuses."""
    a, b = A.first().fingerprint, B.first().fingerprint
    for anchors in (set(), {a}, {b}, {a, C.first().fingerprint}):
        with refused(Code.WRONG_NODE):
            verify(DATA, anchors)


def test_the_fingerprint_of_older_roots() -> None:
    """nrm1 7.2: the digits are those of the newest version; with older ones the refusal says what to ask for."""
    roots = [C.roots[0], *A.roots[1:]]
    chain = next_version(A, CASE.chains[0])
    changed = A.next(chain[-1], roots=[root.record for root in roots])
    chain = (*chain, accept_descriptor(chain[-1], signed(changed, [*A.roots[:2], roots[0]]), NOW))
    data = CASE.build(chains=(chain, CASE.chains[1]))
    with refused(Code.WRONG_NODE, "older roots"):
        verify(data, ANCHORS)
    assert verify(data, {chain[-1].fingerprint, B.first().fingerprint})


def test_typed_fingerprints() -> None:
    """Spaces and hyphens are free, everything else is refused with a hint."""
    true = A.first().fingerprint
    for typed in (true, true.replace(" ", ""), true.replace(" ", "-"), f"  {true}\n", true.replace(" ", " - ")):
        assert parse_anchors(typed) == (Party(true, 1),)
        assert STRANGER.read_anchors([typed]) == {true.replace(" ", ""): 1}
    for typed in ("", true[:-1], true + "1", f"{true} {true}", true.replace(true[0], "x", 1), "\u0661" * 30):
        with pytest.raises(RefusedError, match="six groups") as caught:
            parse_anchors(typed)
        assert caught.value.code is Code.INVALID
        assert STRANGER.read_anchors([typed]) is None


def test_the_long_form_of_a_fingerprint() -> None:
    """All that two people compare: both fingerprints, each with its version."""
    sides = (Party(A.first().fingerprint, 3), Party(B.first().fingerprint, 12))
    code = pair_code(*sides)
    for typed in (code, f" {code}\n", code.replace(" ", "-", 5)):
        assert sorted(parse_anchors(typed)) == sorted(sides)
        assert STRANGER.read_anchors([typed]) == {side.fingerprint.replace(" ", ""): side.version for side in sides}


def test_flaw_3_a_chain_that_ends_before_the_version_that_was_compared() -> None:
    """Threat 184: a chain that was cut before a key was revoked has the same digits, in a bundle and for a witness."""
    a, b = A.first().fingerprint, B.first().fingerprint
    assert verify(DATA, ANCHORS, {a: 1, b: 1})
    for lowest in ({a: 2}, {b: 2}, {C.first().fingerprint: 2}):
        with refused(Code.ROLLBACK, "a chain ends before the version that was compared"):
            verify(DATA, ANCHORS, lowest)
    grown = CASE.build(chains=(next_version(A, CASE.chains[0]), CASE.chains[1]))
    assert verify(grown, ANCHORS, {a: 2})


# --- form ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(more=1),
        lambda value: value.pop("receipts"),
        lambda value: value.update(type="nrm.evidence/1"),
        lambda value: value["messages"][0].update(more=1),
        lambda value: value["messages"][0]["statements"][0].update(more=1),
        lambda value: value["messages"][0]["disclosure"].update(more=1),
        lambda value: value["messages"][0]["disclosure"].pop("body"),
        lambda value: value["messages"][0].update(disclosure=[]),
        lambda value: value["messages"][0].update(statements=[]),
        lambda value: value.update(messages=[]),
        lambda value: value["parties"].pop(),
        lambda value: value["parties"].append(value["parties"][0]),
        lambda value: value["parties"].__setitem__(0, []),
        lambda value: value["parties"][0].append(1),
        lambda value: value["receipts"].append(None),
        lambda value: value["receipts"][0].update(more=1),
        lambda value: value["receipts"][0].pop("blind"),
        lambda value: value["receipts"][0]["path"].pop(),
        lambda value: value["receipts"][0].update(index=128),
        lambda value: value["receipts"][0].update(batch=len(value["batches"])),
        lambda value: value["receipts"][0].update(batch=-1),
        lambda value: value["receipts"][0].update(payload="A"),
        lambda value: value.pop("batches"),
        lambda value: value["batches"][0].update(more=1),
        lambda value: value["batches"][0].update(count=2),
        lambda value: value["batches"][0]["signatures"].append(value["batches"][0]["signatures"][0]),
        lambda value: value["batches"][0].update(signatures=[]),
        lambda value: value["batches"].append(None),
    ],
    ids=range(28),
)
def test_exact_members(change: Callable[[Any], object]) -> None:
    """Nothing unknown, nothing missing, nothing of another shape."""
    with refused(Code.MALFORMED):
        verify(tampered(change), ANCHORS)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["parties"].reverse(),
        lambda value: value["parties"][0][0]["signatures"].reverse(),
        lambda value: value["messages"].reverse(),
        lambda value: value["messages"].append(value["messages"][-1]),
        lambda value: value["receipts"].reverse(),
        lambda value: value["receipts"].append(value["receipts"][-1]),
        lambda value: value["messages"][0]["statements"].append(value["messages"][0]["statements"][0]),
        lambda value: value["batches"].reverse(),
        lambda value: value["batches"].append(value["batches"][-1]),
        lambda value: lying(value, b"{}", A.sig),
    ],
    ids=[
        "parties",
        "signatures",
        "messages",
        "message twice",
        "receipts",
        "receipt twice",
        "statement twice",
        "batches",
        "batch twice",
        "a batch of nothing",
    ],
)
def test_one_order_and_nothing_twice(change: Callable[[Any], object]) -> None:
    """Moving a thing is as much a fault as changing it."""
    with refused(Code.MALFORMED):
        verify(tampered(change), ANCHORS)


def test_not_canonical() -> None:
    """White space, another order of members, an empty file, and more than a bundle may have."""
    for data in (DATA + b"\n", json.dumps(json.loads(DATA)).encode(), b"", b"[]", b"\xff"):
        with refused(Code.MALFORMED):
            verify(data, ANCHORS)
    with refused(Code.TOO_LARGE):
        verify(b" " * (bundle.LIMIT + 1), ANCHORS)


# --- chains ----------------------------------------------------------------------------------------------------------


def longer() -> tuple[Descriptor, ...]:
    """A's chain of three versions."""
    return next_version(A, next_version(A, CASE.chains[0]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda chain: chain.pop(0), Code.BAD_CHAIN),
        (lambda chain: chain.pop(1), Code.BAD_CHAIN),
        (lambda chain: chain.reverse(), Code.BAD_CHAIN),
        (lambda chain: chain.append(chain[0]), Code.BAD_CHAIN),
        (lambda chain: chain[1]["signatures"].pop(), Code.BAD_SIGNATURE),
        (lambda chain: chain[2].update(payload=chain[1]["payload"]), Code.BAD_CHAIN),
        (lambda chain: chain[0].update(payloadType=STATEMENT), Code.WRONG_TYPE),
    ],
    ids=["first", "gap", "order", "twice", "one root", "same payload", "type"],
)
def test_chains_are_whole(change: Callable[[Any], object], code: Code) -> None:
    """Every rule of nrm1 2.13 to 2.17 from version 1 on, without a gap and without a repeat."""
    data = small().build(chains=(longer(), CASE.chains[1]))
    place = next(i for i, chain in enumerate(json.loads(data)["parties"]) if len(chain) == 3)
    with refused(code):
        verify(tampered(lambda value: change(value["parties"][place]), data), ANCHORS)


def test_a_repeated_descriptor_hides_no_unverified_signature() -> None:
    """A version that is there twice is refused although its payload is the one held."""
    data = small().build()
    spoiled = b64u(b"\0" * 64)

    def repeat(value: Any) -> None:
        chain = value["parties"][0]
        chain.append(json.loads(json.dumps(chain[0])))
        chain[1]["signatures"][0]["ed25519"] = spoiled

    with refused(Code.BAD_CHAIN):
        verify(tampered(repeat, data), ANCHORS)


# --- statements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"suite": "nrm2"}, Code.DOWNGRADE),
        ({"to": C.first().node}, Code.SPLICED),
        ({"from_": C.first().node}, Code.SPLICED),
        ({"to": A.first().node}, Code.SPLICED),
        ({"to_desc": 2}, Code.BAD_CHAIN),
        ({"from_desc": 2}, Code.UNKNOWN_KEY),
        ({"expires": NOW + 15 * DAY}, Code.MALFORMED),
        ({"created": NOW + 14 * DAY}, Code.MALFORMED),
        ({"commit": "A" * 43}, Code.BAD_COMMITMENT),
        ({"n": 1}, Code.MALFORMED),
    ],
    ids=["suite", "to", "from", "itself", "to_desc", "from_desc", "life", "no life", "commit", "prev"],
)
def test_a_true_signature_under_a_statement_that_does_not_fit(changes: dict[str, Any], code: Code) -> None:
    """The sender really signed it, and still it proves nothing between these two nodes."""
    with refused(code):
        verify(with_statement(restated(**changes), A.sig), ANCHORS)


def test_a_statement_signed_as_something_else() -> None:
    """Row 13: the payload type is in the leaf; a signature by an `http` key, half a one and one that is not of a batch
    are none.
    """
    payload = restated()
    alone = sign_document(VOID, payload, [A.sig]).to_json()
    half = tampered(lambda value: value["batches"][0]["signatures"][0].update(mldsa65=None), small().build())
    for data, code in [
        (with_statement(payload, A.sig, RECEIPT), Code.BAD_SIGNATURE),
        (half, Code.BAD_SIGNATURE),
        (with_statement(payload, A.http), Code.UNKNOWN_KEY),
        (with_statement(payload, B.sig), Code.UNKNOWN_KEY),
        (tampered(lambda value: value["messages"][0].update(statements=[alone])), Code.WRONG_TYPE),
    ]:
        with refused(code):
            verify(data, ANCHORS)


def test_a_key_of_before() -> None:
    """nrm1 7.2: a key that only versions before `from_desc` list signs nothing."""
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    chains = (next_version(A, CASE.chains[0], keys=[record(key, Use.SIG)]), CASE.chains[1])
    old = restated(from_desc=2)
    held = Exhibit(sealings=[(old, prove(A.sig, STATEMENT, old))])
    with pytest.raises(RefusedError, match="unknown_key"):
        build(chains, [held], [])
    new = Exhibit(sealings=[(old, prove(key, STATEMENT, old))])
    assert verify(build(chains, [new], []), ANCHORS).messages


@pytest.mark.parametrize(
    "changes", [{"id": OTHER_ID}, {"commit": "A" * 43}, {"purpose": None}, {"n": 3}, {"expires": NOW + DAY}], ids=str
)
def test_two_sealings_of_different_messages(changes: dict[str, Any]) -> None:
    """nrm1 5.5: sealings of one message agree in all but what sealing anew changes."""
    other = restated(created=NOW + 1, **changes)
    both = [(REFERRAL.statement, REFERRAL.proof), (other, prove(A.sig, STATEMENT, other))]
    with pytest.raises(RefusedError, match="spliced"):
        build(CASE.chains, [Exhibit(sealings=both)], [])


def test_several_conversations() -> None:
    """A bundle is of one conversation."""
    enquiry = CASE.sealed["enquiry"]
    other = Exhibit(sealings=[(enquiry.statement, enquiry.proof)])
    with pytest.raises(RefusedError, match="spliced"):
        build(CASE.chains, [*CASE.exhibits, other], [])


def test_one_message_in_two_places() -> None:
    """Two sealings of one message are no two messages."""
    again = restated(created=NOW + 1)
    other = Exhibit(sealings=[(again, prove(A.sig, STATEMENT, again))])
    with pytest.raises(RefusedError, match="twice"):
        build(CASE.chains, [CASE.exhibits[0], other], [])


def test_a_secret_that_is_none() -> None:
    """What is disclosed as the secret has the members of one, even if the sender committed to less."""
    said = restated(commit=compute_commitment(b"{}", b'{"a":1}'))
    held = Exhibit(sealings=[(said, prove(A.sig, STATEMENT, said))], disclosure=(b"{}", b'{"a":1}'))
    with pytest.raises(RefusedError, match="secret"):
        build(CASE.chains, [held], [])


# --- receipts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"msg": OTHER_ID}, Code.SPLICED),
        ({"n": 7}, Code.SPLICED),
        ({"of": "A" * 43}, Code.SPLICED),
        ({"to": C.first().node}, Code.SPLICED),
        ({"from_": C.first().node}, Code.SPLICED),
        ({"from_": A.first().node}, Code.SPLICED),
        ({"from_desc": 2}, Code.UNKNOWN_KEY),
        ({"from_": A.first().node, "to": B.first().node}, Code.UNKNOWN_KEY),
    ],
    ids=["id", "number", "no message", "another peer", "another issuer", "itself", "from_desc", "turned round"],
)
def test_row_57_a_signed_receipt_that_does_not_fit(changes: dict[str, Any], code: Code) -> None:
    """It agrees with the statement that it names, is of this pair, and its key is one of its chain."""
    with refused(code):
        verify(with_receipt(receipt(REFERRAL, Status.RECEIVED, **changes).encode(), B.sig), ANCHORS)


def test_a_receipt_of_the_sender_for_itself() -> None:
    """A can not confirm its own message, whatever it writes as the issuer."""
    with refused(Code.UNKNOWN_KEY):
        verify(with_receipt(receipt(REFERRAL, Status.OPENED).encode(), A.sig), ANCHORS)
    turned = receipt(REFERRAL, Status.OPENED, from_=A.first().node, to=B.first().node)
    with refused(Code.SPLICED):
        verify(with_receipt(turned.encode(), A.sig), ANCHORS)


def test_one_bad_receipt_does_not_spoil_the_proof() -> None:
    """One that does not verify, or is about something else, stays out of what is built, and with it nothing that was
    signed beside it.
    """
    enquiry = CASE.sealed["enquiry"]
    bad = [
        batch(B.sig, receipt(REFERRAL, Status.OPENED, n=7)),
        batch(B.sig, receipt(REFERRAL, Status.OPENED, from_desc=9)),
        batch(C.sig, receipt(REFERRAL, Status.OPENED)),
        batch(B.sig, receipt(enquiry, Status.OPENED)),
    ]
    assert CASE.build(batches=(*bad, *CASE.batches)) == DATA
    beside = batch(B.sig, receipt(REFERRAL, Status.OPENED, n=7), receipt(REFERRAL, Status.ERASED))
    report = verify(CASE.build(batches=(beside,), exhibits=CASE.exhibits[:1], extract=None), ANCHORS)
    assert [status for status, _ in report.messages[0].statuses] == ["erased"]


# --- building --------------------------------------------------------------------------------------------------------


def test_nothing_to_show() -> None:
    """No message, and a message without a statement."""
    for exhibits in ([], [Exhibit(sealings=[])]):
        with pytest.raises(RefusedError, match="not_found"):
            build(CASE.chains, exhibits, CASE.batches)


def test_what_is_kept_was_altered() -> None:
    """A bundle that would not verify is never handed out."""
    altered = replace(CASE.exhibits[0], disclosure=(REFERRAL.secret, b'{"a":1}'))
    with pytest.raises(RefusedError, match="bad_commitment"):
        CASE.build(exhibits=(altered,))
    broken = replace(CASE.exhibits[0], sealings=[(REFERRAL.statement, b"{}")])
    with pytest.raises(RefusedError, match="malformed"):
        CASE.build(exhibits=(broken,))


def test_an_exhibit_prints_nothing() -> None:
    """Content is never in a repr."""
    assert repr(CASE.exhibits[0]) == "<redacted>"
