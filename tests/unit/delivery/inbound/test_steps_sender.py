"""Who signed it, for whom, as what (nrm1 2.7; threats 6 to 13)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.batches import prove, sign_one
from support.endpoints import edited, open_envelope
from support.exhibits import next_version
from support.incoming import PART, SEALED, SENDER, STATED, A, B, C, arrive, framed, sealed, signatures
from support.nodes import NOW, record, refused
from support.receiving import Sender, opener, pack
from support.sign_as import sign_as

from gateway.delivery.inbound import steps
from gateway.errors import Code
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Status
from keys.documents.key_records import Use
from keys.primitives.batch import Verifier
from keys.primitives.domains import RECEIPT, STATEMENT, VOID
from keys.primitives.encoding import b64u


def test_row_6_misdirected() -> None:
    """B forwards A's signed statement to C as if A had written to C: A named B inside."""
    forwarded = Sender(node=A, to=C)
    data = forwarded.seal(replace(STATED, to=forwarded.peer.node), pack(SENDER.frames(STATED.encode())))
    with refused(Code.MISDIRECTED):
        arrive(data, to=C)


def test_row_7_relabelled() -> None:
    """C signs in A's name; and A's statement is taken for one of C."""
    with refused(Code.UNKNOWN_KEY):
        arrive(Sender(node=A, to=B, key=C.sig).seal(STATED))
    with refused(Code.UNKNOWN_KEY):
        arrive(SEALED, sender=C, signer=A)


def test_row_7_the_request_is_of_another_node() -> None:
    """Step 8: C carries A's envelope under its own request signature, and is not told more."""
    with refused(Code.UNKNOWN_SENDER):
        arrive(SEALED, signer=C)


def test_row_8_key_compromise_impersonation() -> None:
    """Who has stolen every key of B can read, but can not write to B as A."""
    with refused(Code.UNKNOWN_KEY):
        arrive(Sender(node=A, to=B, key=B.sig).seal(STATED))


def test_row_8_an_http_key_signs_no_statement() -> None:
    """One key, one use: the key of the front process is no `sig` key."""
    with refused(Code.UNKNOWN_KEY):
        arrive(Sender(node=A, to=B, key=A.http).seal(STATED))


@pytest.mark.parametrize(
    "changes",
    [{"id": b64u(b"\1" * 16)}, {"exp": wire.round_up_to_hour(STATED.expires) + 3600}, {"parts": (65_536,)}],
    ids=["id", "exp", "parts"],
)
def test_row_9_spliced(changes: dict[str, Any]) -> None:
    """A statement that is sealed into another envelope does not fit it."""
    with refused(Code.SPLICED):
        arrive(SENDER.seal(STATED, **changes))


def test_row_10_body_or_secret_swapped() -> None:
    """A recipient with the content key can not put another body, salt or manifest under the signature."""
    salt = wire.Secret.parse(SENDER.secret).salt
    others = [wire.Secret(salt=b"\0" * 32), wire.Secret(salt=salt, parts=(PART,))]
    for changes in ({"body": b'{"a":1}'}, *({"secret": other.encode()} for other in others)):
        with refused(Code.BAD_COMMITMENT):
            arrive(framed(STATED, **changes))


def test_row_11_another_suite() -> None:
    """Another suite outside is named first; another one inside is a downgrade."""
    with refused(Code.UNSUPPORTED_SUITE):
        arrive(edited(SEALED, lambda value: value.update(v="nrm2", more=1)))
    with refused(Code.DOWNGRADE):
        arrive(SENDER.seal(SENDER.statement(suite="nrm2")))


def test_row_12_halves_and_number_of_signatures() -> None:
    """None, two, a stripped half and a foreign half: the key record decides what must be there."""
    statement = STATED.encode()
    good, foreign = (sign_one(key, STATEMENT, statement) for key in (A.sig, C.sig))
    for frame, code in [
        (signatures(), Code.MALFORMED),
        (signatures(good, foreign), Code.MALFORMED),
        (signatures(good, good), Code.MALFORMED),
        (signatures(replace(good, mldsa65=None)), Code.BAD_SIGNATURE),
        (signatures(replace(good, mldsa65=foreign.mldsa65)), Code.BAD_SIGNATURE),
        (signatures(replace(good, ed25519=foreign.ed25519)), Code.BAD_SIGNATURE),
    ]:
        with refused(code):
            arrive(framed(STATED, proof=frame))


@pytest.mark.parametrize("payload_type", [STATEMENT, VOID, "application/json"])
def test_row_13_a_signature_of_another_type(payload_type: str) -> None:
    """What was signed alone, as a statement or as something else, is no signature of its batch."""
    frame = signatures(*sign_as(payload_type, STATED.encode(), A.sig).signatures)
    with refused(Code.BAD_SIGNATURE):
        arrive(framed(STATED, proof=frame))


def test_row_13_a_batch_in_which_it_is_another_type() -> None:
    """What was signed as a receipt, with the very bytes of a statement, proves no statement."""
    frame = prove(A.sig, RECEIPT, STATED.encode())
    with refused(Code.BAD_SIGNATURE):
        arrive(framed(STATED, proof=frame))


def test_row_13_a_receipt_in_place_of_the_statement() -> None:
    """Another signed object does not have the members of a statement."""
    receipt = wire.Receipt(
        of="A" * 43, msg=STATED.id, from_=STATED.from_, from_desc=1, to=STATED.to, n=1, status=Status.RECEIVED, at=NOW
    )
    with refused(Code.MALFORMED):
        arrive(sealed(pack(SENDER.frames(receipt.encode()))))


def test_a_revoked_key() -> None:
    """nrm1 2.7: a revoked key is refused whatever time the statement names."""
    gone = [Revocation(kid=A.sig.public.kid, at=NOW, since=NOW, reason="stolen")]
    sender = accept_descriptor(None, A.document(keys=[record(C.sig, Use.SIG)], revoked=gone, issued=NOW), NOW)
    with refused(Code.REVOKED_KEY):
        open_envelope(SEALED, own=B.first(), sender=sender, keys=[B.enc], signer=sender.node)


@pytest.mark.parametrize("until", [NOW - 301, NOW - 10_000])
def test_a_key_that_was_over(until: int) -> None:
    """nrm1 2.7: validity is judged at the signed `created`, with 300 seconds of skew."""
    keys = [record(A.sig, Use.SIG, until=until)]
    sender = accept_descriptor(None, A.document(keys=keys), NOW)
    with refused(Code.UNKNOWN_KEY):
        open_envelope(SEALED, own=B.first(), sender=sender, keys=[B.enc], signer=sender.node)


# --- the receiver's own descriptor that the statement names ----------------------------------------------------------


def own_chain(*versions: dict[str, Any]) -> tuple[Descriptor, ...]:
    """B's chain with these changes one after the other."""
    chain: tuple[Descriptor, ...] = (B.first(),)
    for changes in versions:
        chain = next_version(B, chain, **changes)
    return chain


GONE = [Revocation(kid=C.sig.public.kid, at=NOW, since=NOW, reason="stolen")]


@pytest.mark.parametrize(
    ("versions", "oldest"),
    [
        ((), 1),
        (({"name": "NRM of b"}, {"contact": "night desk"}), 1),
        (({"revoked": GONE},), 2),
        (({}, {"revoked": GONE}, {"revoked": GONE, "name": "NRM of b"}), 3),
        (({"suites": ["nrm1", "nrm2"]},), 2),
        (({"threshold": 1},), 2),
        (({"roots": [root.record for root in B.roots[:2]]}, {"roots": [root.record for root in B.roots[:2]]}), 2),
    ],
    ids=["first", "names", "revoked", "revoked in between", "suites", "threshold", "roots"],
)
def test_what_makes_a_descriptor_too_old(versions: tuple[dict[str, Any], ...], oldest: int) -> None:
    """nrm1 4.11: a later version revoked a key or changed suites or roots; anything else keeps the older one usable."""
    assert steps.oldest_usable(own_chain(*versions)) == oldest


def test_a_descriptor_that_is_too_old() -> None:
    """nrm1 4.11: the sender has to seal anew for the newest descriptor; one that is only older does no harm."""
    for versions, code in (((({"name": "NRM of b"}),), None), (({"revoked": GONE},), Code.NEWER_DESCRIPTOR)):
        chain = own_chain(*versions)
        unpacked = steps.open_envelope(
            steps.read_envelope(SEALED), own=chain[-1], signer=A.first().node, open_cek=opener(B.enc), now=NOW
        )
        judge = partial(
            steps.authenticate_statement,
            own=chain[-1],
            sender=A.first(),
            verifier=Verifier(),
            now=NOW,
            oldest=steps.oldest_usable(chain),
        )
        if code is None:
            assert judge(unpacked)
            continue
        with refused(code):
            judge(unpacked)
