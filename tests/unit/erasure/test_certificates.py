"""gateway.erasure.certificates: an onward recipient's word is worth what its own keys prove, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.batches import by
from support.first_form import first_batch
from support.nodes import NOW, Node, refused, signed

from gateway.erasure.certificates import MOST_DESCRIPTORS, encode, read_all, verify
from gateway.errors import Code
from gateway.messages.answers import sign_receipts
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_chain
from keys.documents.envelope import Receipt, Status
from keys.primitives.encoding import b64u, parse, unb64u
from schemas import validate

C, D, B = Node("C"), Node("D"), Node("B")
FIRST = C.first()
CHAIN = (FIRST,)
OF = b64u(b"\x01" * 32)


def receipt(status: Status = Status.ERASED, **changes: Any) -> Receipt:
    """A receipt of C for a message of B."""
    values: dict[str, Any] = {
        "of": OF,
        "msg": b64u(b"\x02" * 16),
        "from_": FIRST.node,
        "from_desc": 1,
        "to": B.first().node,
        "n": 1,
        "status": status,
        "at": NOW,
    }
    return Receipt(**{**values, **changes})


def certificate(*receipts: Receipt, node: Node = C) -> dict[str, Any]:
    """What B attaches."""
    return dict(encode(sign_receipts(receipts or (receipt(),), by(node.sig)), CHAIN))


def test_a_true_one():
    """It names the node, the statements that were erased, and nothing that was only delivered."""
    other = b64u(b"\x03" * 32)
    receipts = (receipt(), receipt(Status.DELIVERED, at=NOW + 9), receipt(of=other, at=NOW - 9))
    found = verify(certificate(*receipts), NOW)
    assert (found.node, found.erased, found.at) == (FIRST.node, (OF, other), NOW)


def test_it_has_the_form_of_the_message():
    """The schema of the confirmation takes what is attached."""
    content = {
        "result": "erased",
        "erased_at": NOW,
        "places": [{"place": "gateway", "done": "erased"}],
        "told_onward": [],
        "onward_certificates": [certificate()],
    }
    findings = validate("erasure.confirmation/1", {"header": {}, "content": content})
    assert [finding for finding in findings if finding.place.startswith("/content")] == []


def revoked() -> dict[str, Any]:
    """By a key that a later descriptor of C revokes."""
    payload = C.next(
        FIRST,
        revoked=[Revocation(kid=C.sig.public.kid, since=NOW - 10, at=NOW - 5, reason="compromised")],
        keys=FIRST.keys[1:],
    )
    chain = accept_chain([FIRST.document, signed(payload, C.roots[:2])], NOW)
    return dict(encode(sign_receipts([receipt()], by(C.sig)), chain))


SPOILED: dict[str, tuple[Callable[[], dict[str, Any]], Code]] = {
    "another node named": (lambda: certificate() | {"node": D.first().node}, Code.WRONG_NODE),
    "the chain of another node": (
        lambda: certificate() | {"descriptors": [b64u(D.first().document.encode())]},
        Code.WRONG_NODE,
    ),
    "no chain": (lambda: certificate() | {"descriptors": []}, Code.MALFORMED),
    "no list of descriptors": (lambda: certificate() | {"descriptors": None}, Code.MALFORMED),
    "signed by another node": (lambda: certificate(node=D), Code.UNKNOWN_KEY),
    "other receipts under the signature": (
        lambda: certificate() | {"certificate": certificate(receipt(at=NOW + 1))["certificate"]},
        Code.BAD_SIGNATURE,
    ),
    "receipts in the name of another node": (
        lambda: certificate(receipt(from_=D.first().node)),
        Code.SPLICED,
    ),
    "nothing erased": (lambda: certificate(receipt(Status.OPENED)), Code.WRONG_TYPE),
    "a revoked key": (revoked, Code.REVOKED_KEY),
    "a list where the signature is": (lambda: certificate() | {"signature": b64u(b"[]")}, Code.MALFORMED),
    "a list where the receipts are": (lambda: certificate() | {"certificate": b64u(b"[]")}, Code.MALFORMED),
    "no signature": (lambda: certificate() | {"signature": b64u(b'{"signatures":[]}')}, Code.MALFORMED),
    "a longer signature than there is": (lambda: certificate() | {"signature": b64u(b" " * 200_001)}, Code.TOO_LARGE),
}


@pytest.mark.parametrize(("made", "code"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_one_proves_nothing(made: Callable[[], dict[str, Any]], code: Code):
    """One thing is wrong with each."""
    value = made()
    with refused(code):
        verify(value, NOW)


def test_a_chain_has_a_bound():
    """So that a certificate costs no more to read than twenty descriptors."""
    (document,) = certificate()["descriptors"]
    assert verify(certificate() | {"descriptors": [document] * MOST_DESCRIPTORS}, NOW).node == FIRST.node
    with refused(Code.MALFORMED):
        verify(certificate() | {"descriptors": [document] * (MOST_DESCRIPTORS + 1)}, NOW)


def test_one_of_the_first_form():
    """What a node of release 0.1.0 signed is its receipts as a document; it proves as much, and no more."""
    told = first_batch(C.sig, receipt(), receipt(Status.DELIVERED, of=b64u(b"\x03" * 32)))
    value = dict(encode(told, CHAIN))
    assert unb64u(value["certificate"]) == told.payload
    assert set(parse(unb64u(value["signature"]), limit=10_000)) == {"signatures"}
    found = verify(value, NOW)
    assert (found.node, found.erased, found.at) == (FIRST.node, (OF,), NOW)
    other = dict(encode(first_batch(C.sig, receipt(at=NOW + 1)), CHAIN))
    with refused(Code.BAD_SIGNATURE):
        verify(value | {"certificate": other["certificate"]}, NOW)
    with refused(Code.WRONG_TYPE):
        verify(dict(encode(first_batch(C.sig, receipt(Status.OPENED)), CHAIN)), NOW)


def test_each_certificate_of_a_confirmation_is_judged_for_itself():
    """One that proves nothing takes nothing from the one beside it; a confirmation without any has none."""
    good = certificate()
    found = read_all({"onward_certificates": [good, good | {"node": D.first().node}]}, NOW)
    assert [proven is not None for _, proven in found] == [True, False]
    assert [item for item, _ in found] == [good, good | {"node": D.first().node}]
    assert [proven for _, proven in read_all({"onward_certificates": ["no certificate", good]}, NOW)] == [found[0][1]]
    assert read_all({}, NOW) == read_all({"onward_certificates": good}, NOW) == []
