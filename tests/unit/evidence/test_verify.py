"""Manipulations of an evidence bundle, each by somebody who knows the format: all are refused, by the gateway and by
the verifier for strangers (nrm1 7.2; threats 50, 51, 57).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import edited
from support.exhibits import A, B, C, conversation, cosigned, lying, next_version, stated, sweep
from support.nodes import NOW, record, refused, signed
from support.stranger import verified, verify

from gateway.errors import Code
from keys.documents.descriptor import Revocation
from keys.documents.envelope import Secret, compute_commitment
from keys.documents.key_records import Use
from keys.documents.signed_note import SignedNote
from keys.primitives.domains import DESCRIPTOR, RECEIPT
from keys.primitives.encoding import DAY, b64u, canon, unb64u
from keys.primitives.hybrid_keys import SigningKey

CASE = conversation()
CHAIN = next_version(A, next_version(A, CASE.chains[0]))
DATA = CASE.build(chains=(CHAIN, CASE.chains[1]))
ERASED = CASE.erased().build(chains=(CHAIN, CASE.chains[1]))
ENQUIRY, REFERRAL, DECLINE = (CASE.sealed[name] for name in ("enquiry", "referral", "decline"))
Bundle = Any


def of_a(value: Bundle) -> list[Any]:
    """The chain of A in a bundle."""
    found: list[Any] = next(chain for chain in value["parties"] if len(chain) == len(CHAIN))
    return found


def told_of(value: Bundle, status: str) -> Any:
    """The receipt with this status."""
    return next(item for item in value["receipts"] if f'"status":"{status}"' in unb64u(item["payload"]).decode())


def leaves(value: Bundle, place: int = 0) -> list[Any]:
    """The leaves under one checkpoint."""
    found: list[Any] = value["log"]["checkpoints"][place]["leaves"]
    return found


# --- what is shown ---------------------------------------------------------------------------------------------------


def body_swapped(value: Bundle) -> None:
    """Another content."""
    value["messages"][0]["disclosure"]["body"] = value["messages"][1]["disclosure"]["body"]


def salt_changed(value: Bundle) -> None:
    """Another salt."""
    value["messages"][0]["disclosure"]["secret"] = b64u(Secret(salt=b"s" * 32).encode())


# --- what was signed -------------------------------------------------------------------------------------------------


def statement_altered(value: Bundle) -> None:
    """Another purpose under the true signature."""
    said = replace(stated(REFERRAL), purpose="assistance").encode()
    value["messages"][0]["statements"][0]["payload"] = b64u(said)


def statement_of_a_stranger(value: Bundle) -> None:
    """The true statement, signed by somebody else."""
    value["messages"][0]["statements"] = [lying(value, REFERRAL.statement, C.sig)]


def statement_of_another_conversation(value: Bundle) -> None:
    """A true statement with its true signature, said elsewhere."""
    document = lying(value, ENQUIRY.statement, A.sig)
    value["messages"].insert(0, {"statements": [document], "disclosure": None})


def receipt_moved(value: Bundle) -> None:
    """The true receipt for the referral beside the decline."""
    told = told_of(value, "opened")
    value["messages"], value["receipts"] = value["messages"][1:], [told]


def receipt_pointed_elsewhere(value: Bundle) -> None:
    """A receipt that names another message of the bundle."""
    told = told_of(value, "opened")
    altered = unb64u(told["payload"]).replace(REFERRAL.statement_hash.encode(), DECLINE.statement_hash.encode())
    told["payload"] = b64u(altered)


def receipt_altered(value: Bundle) -> None:
    """Erased instead of opened."""
    told = told_of(value, "opened")
    told["payload"] = b64u(unb64u(told["payload"]).replace(b'"opened"', b'"erased"'))


def receipt_by_the_sender(value: Bundle) -> None:
    """The sender signs that the other side has read it."""
    told = told_of(value, "opened")
    value["receipts"] = [lying(value, unb64u(told["payload"]), A.sig, RECEIPT)]


def receipt_in_the_batch_of_another(value: Bundle) -> None:
    """The true receipt beside the signature over another one."""
    opened, delivered = told_of(value, "opened"), told_of(value, "received")
    opened["batch"], delivered["batch"] = delivered["batch"], opened["batch"]


def receipt_at_the_place_of_another(value: Bundle) -> None:
    """Two receipts of one batch change places."""
    opened, delivered = told_of(value, "opened"), told_of(value, "delivered")
    for name in ("blind", "index", "path"):
        opened[name], delivered[name] = delivered[name], opened[name]


def statement_in_the_batch_of_the_answer(value: Bundle) -> None:
    """What A said under what B signed about it."""
    value["messages"][0]["statements"][0]["batch"] = told_of(value, "opened")["batch"]


def revoked_key(value: Bundle) -> None:
    """The thief of a revoked key signs, dated after the theft was noticed."""
    gone = Revocation(kid=A.sig.public.kid, at=NOW + DAY, since=NOW + 1000, reason="stolen")
    key = SigningKey.generate(C.rand, hybrid=True)
    chain = next_version(A, CHAIN, keys=[record(key, Use.SIG)], revoked=[gone], issued=NOW + DAY)
    document = json.loads(CASE.build(chains=(chain, CASE.chains[1])))
    of_a(value).append(next(held for held in document["parties"] if len(held) == len(chain))[-1])
    value["messages"].append(
        {
            "statements": [
                lying(value, replace(stated(REFERRAL), created=NOW + 2000, id="A" * 22, n=9).encode(), A.sig)
            ],
            "disclosure": None,
        }
    )


# --- who they are ----------------------------------------------------------------------------------------------------


def descriptor_dropped(value: Bundle) -> None:
    """A version of the chain is missing."""
    of_a(value).pop(1)


def root_forged(value: Bundle) -> None:
    """A root of somebody else signs under the name of one of A's."""
    document = of_a(value)[2]
    forged = C.roots[0].key.sign(DESCRIPTOR, unb64u(document["payload"])).to_json()
    document["signatures"][0] |= {"ed25519": forged["ed25519"], "mldsa65": forged["mldsa65"]}


def root_of_a_stranger(value: Bundle) -> None:
    """Two roots that are no roots of A sign a version after the newest."""
    payload = A.next(CHAIN[-1])
    document = signed(payload, C.roots[:2]).to_json()
    document["signatures"] = sorted(document["signatures"], key=lambda item: item["kid"])
    of_a(value).append(document)


def chain_of_a_stranger(value: Bundle) -> None:
    """C in the place of A."""
    value["parties"] = [[C.first().document.to_json()] if chain is of_a(value) else chain for chain in value["parties"]]
    for chain in value["parties"]:
        for document in chain:
            document["signatures"].sort(key=lambda item: item["kid"])
    value["parties"].sort(key=lambda chain: json.loads(unb64u(chain[0]["payload"]))["node"])


# --- what was logged -------------------------------------------------------------------------------------------------


def path_of_another_leaf(value: Bundle) -> None:
    """A true inclusion proof, of the leaf beside."""
    first, second = leaves(value)[:2]
    first["path"], second["path"] = second["path"], first["path"]


def leaf_altered(value: Bundle) -> None:
    """An earlier time in the log."""
    entry = leaves(value)[0]
    entry["leaf"] = b64u(edited(unb64u(entry["leaf"]), lambda leaf: leaf.update(at=NOW - DAY)))


def leaf_under_another_checkpoint(value: Bundle) -> None:
    """A leaf under the witness of an hour before it was there."""
    leaves(value).append(leaves(value, 1).pop(0))


def cosigned_by_a_foreign_key(value: Bundle) -> None:
    """C signs in the name of B."""
    at = value["log"]["checkpoints"][1]
    note = SignedNote.decode(at["note"].encode())
    lines = cosigned(note.text, B, NOW + 1, key=C.wit)
    at["note"] = replace(note, signatures=(*note.signatures[:2], *lines)).encode().decode()


def cosigned_by_nobody_here(value: Bundle) -> None:
    """The chain of a witness is taken away."""
    value["log"]["witnesses"] = []


def cosigned_at_another_time(value: Bundle) -> None:
    """The time of a witness is set back."""
    at = value["log"]["checkpoints"][1]
    note = SignedNote.decode(at["note"].encode())
    early = [replace(line, value=(NOW - DAY).to_bytes(8, "big") + line.value[8:]) for line in note.signatures[2:]]
    at["note"] = replace(note, signatures=(*note.signatures[:2], *early)).encode().decode()


def cosigned_by_half(value: Bundle, place: int = 3) -> None:
    """The ML-DSA-44 half of a witness is taken away."""
    at = value["log"]["checkpoints"][1]
    note = SignedNote.decode(at["note"].encode())
    kept = tuple(line for number, line in enumerate(note.signatures) if number != place)
    at["note"] = replace(note, signatures=kept).encode().decode()


def log_signed_by_half(value: Bundle) -> None:
    """The ML-DSA-44 half of the log is taken away."""
    cosigned_by_half(value, 1)


def halves_in_another_order(value: Bundle) -> None:
    """The lines of a witness change places."""
    at = value["log"]["checkpoints"][1]
    note = SignedNote.decode(at["note"].encode())
    at["note"] = replace(note, signatures=(*note.signatures[:2], *note.signatures[:1:-1])).encode().decode()


def log_of_a_foreign_key(value: Bundle) -> None:
    """The log of A signed by B."""
    at = value["log"]["checkpoints"][1]
    note = SignedNote.decode(at["note"].encode())
    own = replace(note.signatures[0], value=B.log.sign_raw(note.text))
    at["note"] = replace(note, signatures=(own, *note.signatures[1:])).encode().decode()


def log_of_the_other_side(value: Bundle) -> None:
    """What A has logged, as if B had."""
    value["log"]["node"] = B.first().node


def spoilt(data: bytes, manipulate: Callable[[Bundle], object]) -> bytes:
    """The bundle after a manipulation, with the batches that are named in it."""
    return edited(data, lambda value: (manipulate(value), sweep(value)))


CONTENT = [(body_swapped, Code.BAD_COMMITMENT), (salt_changed, Code.BAD_COMMITMENT)]
SIGNED = [
    (statement_altered, Code.BAD_SIGNATURE),
    (statement_of_a_stranger, Code.UNKNOWN_KEY),
    (statement_of_another_conversation, Code.SPLICED),
    (receipt_moved, Code.SPLICED),
    (receipt_pointed_elsewhere, Code.BAD_SIGNATURE),
    (receipt_altered, Code.BAD_SIGNATURE),
    (receipt_by_the_sender, Code.UNKNOWN_KEY),
    (receipt_in_the_batch_of_another, Code.BAD_SIGNATURE),
    (receipt_at_the_place_of_another, Code.BAD_SIGNATURE),
    (statement_in_the_batch_of_the_answer, Code.MALFORMED),
    (revoked_key, Code.REVOKED_KEY),
    (descriptor_dropped, Code.BAD_CHAIN),
    (root_forged, Code.BAD_SIGNATURE),
    (root_of_a_stranger, Code.BAD_SIGNATURE),
    (chain_of_a_stranger, Code.WRONG_NODE),
    (path_of_another_leaf, Code.BAD_CHAIN),
    (leaf_altered, Code.BAD_CHAIN),
    (leaf_under_another_checkpoint, Code.BAD_CHAIN),
    (cosigned_by_a_foreign_key, Code.BAD_SIGNATURE),
    (cosigned_by_nobody_here, Code.UNKNOWN_KEY),
    (cosigned_by_half, Code.BAD_SIGNATURE),
    (log_signed_by_half, Code.BAD_SIGNATURE),
    (halves_in_another_order, Code.MALFORMED),
    (cosigned_at_another_time, Code.BAD_SIGNATURE),
    (log_of_a_foreign_key, Code.BAD_SIGNATURE),
    (log_of_the_other_side, Code.SPLICED),
]


def test_before_and_after_erasure_it_verifies() -> None:
    """What is spoiled below is true as it stands, with the content and without."""
    assert [message.disclosed for message in verify(DATA, CASE.anchors).messages] == [True, True]
    assert [message.disclosed for message in verify(ERASED, CASE.anchors).messages] == [False, False]


@pytest.mark.parametrize(("manipulate", "code"), [*CONTENT, *SIGNED])
def test_row_50_manipulated(manipulate: Callable[[Bundle], None], code: Code) -> None:
    """Each part is bound to the others and to the fingerprints."""
    with refused(code):
        verify(spoilt(DATA, manipulate), CASE.anchors)


@pytest.mark.parametrize(("manipulate", "code"), SIGNED)
def test_row_50_manipulated_after_erasure(manipulate: Callable[[Bundle], None], code: Code) -> None:
    """What is left when the content is gone is bound as well."""
    with refused(code):
        verify(spoilt(ERASED, manipulate), CASE.anchors)


def test_row_57_a_receipt_is_bound_to_its_message() -> None:
    """Moved, pointed elsewhere, altered, or made by the sender: none passes, whatever is left of the log."""
    for manipulate in (receipt_moved, receipt_pointed_elsewhere, receipt_altered, receipt_by_the_sender):
        data = spoilt(DATA, lambda value, how=manipulate: (how(value), value.update(log=None)))
        assert not verified(data, CASE.anchors)


def test_row_51_a_known_body_and_an_unknown_salt() -> None:
    """Who has the whole body and the bundle after erasure still can not show that it was this one."""
    body = unb64u(json.loads(DATA)["messages"][0]["disclosure"]["body"])
    for salt in (b"\0" * 32, b"s" * 32, b""):
        secret = canon({"parts": [], "salt": b64u(salt)})
        assert compute_commitment(secret, body) != stated(REFERRAL).commit
        shown = {"secret": b64u(secret), "body": b64u(body)}
        data = edited(ERASED, lambda value, shown=shown: value["messages"][0].update(disclosure=shown))
        with refused(Code.BAD_COMMITMENT):
            verify(data, CASE.anchors)
