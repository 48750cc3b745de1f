"""Trust records: exact form, signed by their issuer, one chain per pair (nrm1 8.1, 8.6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.nodes import NOW, Node, edited, refused

from gateway.errors import Code
from keys.documents.trust_record import Assertion, TrustRecord, TrustState, accept_trust, parse_trust, read_trust
from keys.primitives.domains import TRUST
from keys.primitives.encoding import DAY
from keys.primitives.sign import SignedDocument, sign_document

A, B = Node("a"), Node("b")
SCOPE = {
    "types": ["info.reply", "referral.request"],
    "directions": ["receive", "send"],
    "corridors": [["AL", "FR"]],
    "units": ["gateway-1"],
    "roles": ["case_worker"],
    "purposes": ["referral"],
    "max_bytes": 1_000,
    "max_file_bytes": 2_000,
}
RECORD = TrustRecord(
    node=A.first().node,
    peer=B.first().node,
    peer_desc_version=1,
    peer_desc_hash=B.first().hash,
    state=TrustState.ACTIVE,
    scope=SCOPE,
    not_before=NOW,
    expires=NOW + 365 * DAY,
    approvals=(Assertion(admin="A" * 22, credential="B" * 21 + "A", assertion="C" * 42 + "A"),),
    prev=None,
)


def signed(record: TrustRecord) -> SignedDocument:
    """The record as A signs it."""
    return sign_document(TRUST, record.encode(), [A.sig])


def accept(chain: list[TrustRecord], document: SignedDocument) -> TrustRecord | None:
    """What B makes of it."""
    return accept_trust(chain, document, signer=A.sig.public, issuer=RECORD.node, me=RECORD.peer)


def test_a_chain_grows_and_repeats_change_nothing():
    """Each record names the one before; one that is held already is no news."""
    second = replace(RECORD, state=TrustState.SUSPENDED, prev=RECORD.hash)
    assert accept([], signed(RECORD)) == RECORD
    assert accept([RECORD], signed(second)) == second
    assert accept([RECORD, second], signed(RECORD)) is None
    assert accept([RECORD, second], signed(second)) is None


@pytest.mark.parametrize(
    ("chain", "record"),
    [
        ([], replace(RECORD, prev="C" * 42 + "A")),
        ([RECORD], replace(RECORD, expires=NOW + DAY)),
        ([RECORD, replace(RECORD, prev=RECORD.hash)], replace(RECORD, expires=NOW + DAY, prev=RECORD.hash)),
        (
            [replace(RECORD, state=TrustState.REVOKED)],
            replace(RECORD, prev=replace(RECORD, state=TrustState.REVOKED).hash),
        ),
    ],
    ids=["no first", "a second first", "a fork", "after a revocation"],
)
def test_what_does_not_extend_the_chain(chain, record):
    """A gap, a fork and anything after a revocation is refused; the sender then shows its whole chain."""
    with refused(Code.BAD_CHAIN):
        accept(chain, signed(record))


def test_a_record_is_of_its_issuer_and_about_its_reader():
    """Not of a third node, not about a third node, and signed by the key that is asked for."""
    with refused(Code.UNKNOWN_SENDER):
        accept([], signed(replace(RECORD, node=Node("c").first().node)))
    with refused(Code.MISDIRECTED):
        accept([], signed(replace(RECORD, peer=Node("c").first().node)))
    with refused(Code.BAD_SIGNATURE):
        accept([], sign_document(TRUST, RECORD.encode(), [B.sig]))


def test_a_stored_record_is_read_by_a_key_of_the_chain():
    """Whatever became of the key; one that was never listed signs nothing."""
    assert read_trust(signed(RECORD).encode(), [A.first()]) == RECORD
    with refused(Code.UNKNOWN_KEY):
        read_trust(signed(RECORD).encode(), [B.first()])


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(more=1),
        lambda v: v.pop("approvals"),
        lambda v: v.update(state="trusted"),
        lambda v: v.update(expires=v["not_before"]),
        lambda v: v.update(expires=v["not_before"] + 401 * DAY),
        lambda v: v.update(approvals=[{}]),
        lambda v: v["scope"].update(more=[]),
        lambda v: v["scope"].pop("roles"),
        lambda v: v["scope"].update(types=v["scope"]["types"][::-1]),
        lambda v: v["scope"].update(types=["info.reply", "info.reply"]),
        lambda v: v["scope"].update(types=["info.reply/1"]),
        lambda v: v["scope"].update(directions=["both"]),
        lambda v: v["scope"].update(corridors=[["FR", "AL", "UA"]]),
        lambda v: v["scope"].update(corridors=[["FR", "AL"], ["AL", "FR"]]),
        lambda v: v["scope"].update(max_bytes=-1),
        lambda v: v["scope"].update(max_file_bytes=-1),
    ],
    ids=[
        "more",
        "less",
        "state",
        "no time",
        "too long",
        "approval",
        "scope more",
        "scope less",
        "order",
        "twice",
        "version",
        "direction",
        "corridor",
        "corridor order",
        "size",
        "size of a file",
    ],
)
def test_a_record_of_another_shape(change):
    """One fault each: exact members, sorted lists without repeats, at most 400 days."""
    with refused(Code.MALFORMED):
        parse_trust(SignedDocument(payload=edited(RECORD.encode(), change), payload_type=TRUST, signatures=()))
