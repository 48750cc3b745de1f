"""keys.documents.descriptor_chain: which descriptor follows which, one fault each (nrm1 2.16 to 2.19)."""

from __future__ import annotations

from typing import Any

import pytest
from support import exhibits
from support.first_form import second_version
from support.nodes import NOW, Node, Seeds, edited, record, refused, signed

from gateway.errors import Code, RefusedError
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import (
    accept_chain,
    accept_descriptor,
    decode_chain,
    encode_chain,
    key_at,
    require_usable_descriptor,
)
from keys.documents.key_records import Use
from keys.offline.roots import new_root
from keys.primitives.domains import VOID
from keys.primitives.encoding import DAY, canon
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

A = Node("a")
B = Node("b")
FIRST = A.first()
RAND = Seeds("descriptor")


def revoke(kid: str, since: int = NOW - 500) -> Revocation:
    """A revocation that was noticed now."""
    return Revocation(kid=kid, at=NOW, since=since, reason="compromised")


def follow(**changes: Any) -> SignedDocument:
    """Version 2 by the same roots."""
    return signed(A.next(FIRST, **changes), A.roots[:2])


NEW_ROOTS = [new_root(now=NOW - DAY, rand=RAND) for _ in range(3)]


def rotated(signers: list[Any], **changes: Any) -> SignedDocument:
    """Version 2 with three new roots, signed by `signers`."""
    return signed(A.next(FIRST, roots=[root.record for root in NEW_ROOTS], **changes), signers)


def chain_of(count: int) -> tuple[list[SignedDocument], list[Descriptor]]:
    """The documents of a chain, and what they are accepted as."""
    documents, descriptors = [A.document()], [FIRST]
    for _ in range(count - 1):
        documents.append(signed(A.next(descriptors[-1]), A.roots[:2]))
        descriptors.append(accept_descriptor(descriptors[-1], documents[-1], NOW))
    return documents, descriptors


def test_first_contact() -> None:
    """Rule 3: version 1 is accepted, keeps its document, and gives the same value again."""
    assert FIRST.version == 1
    assert FIRST.document.payload == A.payload()
    assert accept_descriptor(FIRST, A.document(), NOW) is FIRST


def test_first_contact_begins_at_version_1() -> None:
    """Rule 3: a node that is met later is walked from version 1 on."""
    with refused(Code.BAD_CHAIN, "not version 1"):
        accept_descriptor(None, signed(A.next(FIRST), A.roots[:2]), NOW)
    with refused(Code.BAD_CHAIN, "not version 1"):
        accept_descriptor(None, signed(A.payload(prev="A" * 43, node=FIRST.node), A.roots[:2]), NOW)
    with refused(Code.BAD_CHAIN, "not version 1"):
        accept_descriptor(None, signed(A.payload(version=2, node=FIRST.node), A.roots[:2]), NOW)


def test_node_id_certifies_itself() -> None:
    """Rule 3: nobody can take the id of another node with roots of their own, or with another threshold."""
    with refused(Code.WRONG_NODE, "not that of its roots"):
        accept_descriptor(None, signed(B.payload(node=FIRST.node), B.roots[:2]), NOW)
    with refused(Code.WRONG_NODE):
        accept_descriptor(None, signed(A.payload(node=FIRST.node, threshold=1), A.roots[:2]), NOW)


def test_next_version() -> None:
    """Rule 4: version 2 follows version 1, and version 3 may expire later than all before it."""
    second = accept_descriptor(FIRST, follow(), NOW)
    third = accept_descriptor(second, signed(A.next(second, expires=NOW + 399 * DAY), A.roots[1:]), NOW)
    assert (second.version, third.version, third.prev) == (2, 3, second.hash)


def test_another_node_is_no_next_version() -> None:
    """Rule 4: a chain is of one node."""
    with refused(Code.WRONG_NODE, "another node"):
        accept_descriptor(FIRST, signed(B.payload(node=B.first().node, version=2, prev=FIRST.hash), B.roots[:2]), NOW)


def test_rollback_is_refused() -> None:
    """Rule 4, threat 30: an older version is never taken again."""
    second = accept_descriptor(FIRST, follow(), NOW)
    with refused(Code.ROLLBACK, "older"):
        accept_descriptor(second, A.document(), NOW)


def test_skipped_version_is_refused() -> None:
    """Rule 4, threat 30: exactly one higher."""
    with refused(Code.BAD_CHAIN, "does not follow"):
        accept_descriptor(FIRST, follow(version=3), NOW)


@pytest.mark.parametrize("prev", [None, "A" * 43])
def test_wrong_prev_is_refused(prev: str | None) -> None:
    """Rule 4, threat 30: the next version names the hash of the one held."""
    with refused(Code.BAD_CHAIN, "does not follow"):
        accept_descriptor(FIRST, follow(prev=prev), NOW)


def test_fork_is_equivocation() -> None:
    """Rule 4, threat 30: two documents of one version, both by the roots, are the proof of an equivocation."""
    second = accept_descriptor(FIRST, follow(), NOW)
    with refused(Code.EQUIVOCATION):
        accept_descriptor(second, follow(contact="another desk"), NOW)
    with refused(Code.EQUIVOCATION):
        accept_descriptor(FIRST, A.document(contact="another desk"), NOW)


def test_stranger_can_not_fake_an_equivocation() -> None:
    """Rule 4: another document of a held version counts only if the roots held signed it."""
    second = accept_descriptor(FIRST, follow(), NOW)
    fake = B.payload(node=FIRST.node, version=2, prev=FIRST.hash)
    with refused(Code.BAD_SIGNATURE):
        accept_descriptor(second, signed(fake, B.roots[:2]), NOW)


def test_issued_does_not_go_back() -> None:
    """Rule 4: a version is not issued before the one it follows."""
    with refused(Code.ROLLBACK, "issued before"):
        accept_descriptor(FIRST, follow(issued=FIRST.issued - 1), NOW)
    accept_descriptor(FIRST, follow(issued=FIRST.issued), NOW)


def test_rotation_of_roots_needs_old_and_new() -> None:
    """Rule 4, threat 33: new roots come in with the threshold of the old and of the new."""
    second = accept_descriptor(FIRST, rotated([*A.roots[:2], *NEW_ROOTS[1:]]), NOW)
    third = signed(A.next(second, roots=[root.record for root in NEW_ROOTS]), NEW_ROOTS[:2])
    assert accept_descriptor(second, third, NOW).version == 3
    assert second.node == FIRST.node


@pytest.mark.parametrize(
    "signers",
    [NEW_ROOTS[:2], A.roots[:2], [A.roots[0], *NEW_ROOTS[:2]], [*A.roots[:2], NEW_ROOTS[0]]],
    ids=["new only", "old only", "one old", "one new"],
)
def test_rotation_by_one_side_is_refused(signers: list[Any]) -> None:
    """Rule 4, threat 33: neither side alone, nor one short of a threshold, rotates the roots."""
    with refused(Code.BAD_SIGNATURE, "not enough"):
        accept_descriptor(FIRST, rotated(signers), NOW)


def test_replaced_third_root() -> None:
    """nrm1 2.27: one root holder lost: the other two sign a version with a new third, enough for both thresholds."""
    roots = [*A.roots[:2], NEW_ROOTS[0]]
    payload = A.next(FIRST, roots=[root.record for root in roots])
    assert accept_descriptor(FIRST, signed(payload, A.roots[:2]), NOW).version == 2


def test_lowered_threshold_needs_the_old_one() -> None:
    """Rule 4, threat 33: a holder of one root can not lower the threshold to one."""
    payload = A.next(FIRST, threshold=1)
    with refused(Code.BAD_SIGNATURE, "not enough"):
        accept_descriptor(FIRST, signed(payload, A.roots[:1]), NOW)
    assert accept_descriptor(FIRST, signed(payload, A.roots[:2]), NOW).threshold == 1


def test_revocation_stays() -> None:
    """Rule 4, threat 34: a revocation is never taken back, nor moved to a later time."""
    other = SigningKey.generate(RAND, hybrid=True)
    keys = [record(other, Use.SIG), record(A.http, Use.HTTP)]
    second = accept_descriptor(FIRST, follow(keys=keys, revoked=[revoke(A.sig.public.kid)]), NOW)
    for revoked in ([], [revoke(A.sig.public.kid, since=NOW)], [revoke("A" * 22)]):
        with refused(Code.ROLLBACK, "taken back"):
            accept_descriptor(second, signed(A.next(second, keys=keys, revoked=revoked), A.roots[:2]), NOW)
    for since in (NOW - 500, NOW - 900):
        kept = A.next(second, keys=keys, revoked=[revoke(A.sig.public.kid, since=since)])
        assert accept_descriptor(second, signed(kept, A.roots[:2]), NOW).version == 3


def test_flaw_7_a_signing_key_comes_back_without_its_other_half() -> None:
    """Rule 4, threat 169: a later version that lists the Ed25519 key alone would make a stripped signature verify; none
    lists a signing key alone any more, and with another half it is another key.
    """
    ed25519, _ = A.sig.seeds()
    stripped = record(SigningKey(ed25519), Use.SIG).to_json()
    payload = edited(A.next(FIRST), lambda value: value.update(keys=[stripped, record(A.http, Use.HTTP).to_json()]))
    with refused(Code.BAD_KEY, "halves"):
        accept_descriptor(FIRST, signed(payload, A.roots[:2]), NOW)
    mixed = record(SigningKey(ed25519, bytes(32)), Use.SIG)
    with refused(Code.BAD_KEY, "another half"):
        accept_descriptor(FIRST, follow(keys=[mixed, record(A.http, Use.HTTP)]), NOW)


def test_a_key_that_was_away_comes_back_for_nothing_else() -> None:
    """Rule 4, threat 169: version 3 can not give a key of version 1 another use, though version 2 does not list it."""
    other = record(SigningKey.generate(RAND, hybrid=False), Use.HTTP)
    sig = record(A.sig, Use.SIG)
    second = accept_descriptor(FIRST, follow(keys=[sig, other]), NOW)
    notes = SigningKey(A.http.seeds()[0], mldsa44_seed=bytes(32))
    again = A.next(second, keys=[sig, record(notes, Use.LOG)])
    with refused(Code.BAD_KEY, "another use"):
        accept_chain([signed(again, A.roots[:2])], NOW, held=(FIRST, second))
    as_it_was = A.next(second, keys=[sig, record(A.http, Use.HTTP, until=NOW + DAY)])
    assert accept_chain([signed(as_it_was, A.roots[:2])], NOW, held=(FIRST, second))[-1].version == 3


def test_flaw_2_a_log_under_a_second_name() -> None:
    """Rule 4, threat 168: under another name a witness would cosign a second tree of the same node."""
    with refused(Code.BAD_CHAIN, "another log"):
        accept_descriptor(FIRST, follow(log=f"second.{FIRST.node}.trm"), NOW)


def test_issued_in_the_future_is_refused() -> None:
    """Rule 5: 300 seconds of skew are allowed and not one more."""
    with refused(Code.NOT_YET_VALID):
        accept_descriptor(None, A.document(), FIRST.issued - 301)
    accept_descriptor(None, A.document(), FIRST.issued - 300)


def test_expiry_counts_when_used() -> None:
    """Rule 5: an expired version is still a link of the chain; only the newest one is judged, when it is used."""
    late = FIRST.expires + DAY
    second = accept_descriptor(FIRST, follow(issued=late, expires=late + DAY), late)
    require_usable_descriptor(second, late)
    for descriptor, at in ((FIRST, late), (second, late + DAY)):
        with pytest.raises(RefusedError) as caught:
            require_usable_descriptor(descriptor, at)
        assert caught.value.code is Code.STALE_DESCRIPTOR


def test_a_newest_descriptor_of_the_first_form_is_not_used() -> None:
    """Nothing is sealed for such a node and nobody begins to trust it; as a link of its chain it counts (nrm1 1.20)."""
    first, second = second_version(exhibits.B)
    with pytest.raises(RefusedError, match="of release") as caught:
        require_usable_descriptor(first, NOW)
    assert caught.value.code is Code.FIRST_FORM
    require_usable_descriptor(second, NOW)


def test_chain_is_walked() -> None:
    """A node that is met at version 3 is walked from 1 to 3, also through a pairing file."""
    documents, descriptors = chain_of(3)
    chain = accept_chain(decode_chain(encode_chain(documents)), NOW)
    assert [item.hash for item in chain] == [item.hash for item in descriptors]


def test_chain_goes_on_from_what_is_held() -> None:
    """An answer may begin among the held versions; those have to be the same."""
    documents, descriptors = chain_of(3)
    assert [item.version for item in accept_chain(documents[1:], NOW, held=descriptors[:2])] == [1, 2, 3]
    assert accept_chain([], NOW, held=descriptors) == tuple(descriptors)


def test_other_document_under_a_held_version() -> None:
    """A second version 2 by its roots is equivocation also after version 3 and after new roots; others are no proof."""
    documents, descriptors = chain_of(3)
    fork = signed(A.next(FIRST, contact="another desk"), A.roots[:2])
    with refused(Code.EQUIVOCATION):
        accept_chain([documents[0], fork], NOW, held=descriptors)
    with refused(Code.EQUIVOCATION):
        accept_chain([A.document(contact="another desk")], NOW, held=descriptors)
    second = accept_descriptor(FIRST, rotated([*A.roots[:2], *NEW_ROOTS[:2]]), NOW)
    with refused(Code.EQUIVOCATION):
        accept_chain([fork], NOW, held=[FIRST, second])
    with refused(Code.WRONG_NODE):
        accept_chain([B.document()], NOW, held=descriptors)
    with refused(Code.BAD_SIGNATURE):
        accept_chain([signed(A.next(FIRST, contact="x"), B.roots[:2])], NOW, held=descriptors)


def test_empty_chain_is_refused() -> None:
    """No document is no node."""
    with refused(Code.BAD_CHAIN, "no descriptor"):
        accept_chain([], NOW)


def test_pairing_file_is_read_strictly() -> None:
    """A pairing file is an array of descriptors, at most 4 MiB."""
    with refused(Code.MALFORMED, "not an array"):
        decode_chain(b"{}")
    with refused(Code.WRONG_TYPE):
        decode_chain(canon([sign_document(VOID, b"x", [A.sig]).to_json()]))
    with refused(Code.TOO_LARGE):
        decode_chain(b" " * (4 * 1024 * 1024 + 1))


def test_key_at_finds_evidence_keys() -> None:
    """nrm1 7.3: evidence accepts a sig key of any version at or after `from_desc`, and no other."""
    other = SigningKey.generate(RAND, hybrid=True)
    second = accept_descriptor(FIRST, follow(keys=[record(other, Use.SIG), record(A.http, Use.HTTP)]), NOW)
    chain = [FIRST, second]
    assert key_at(chain, A.sig.public.kid, 1).public == A.sig.public
    assert key_at(chain, other.public.kid, 1).public == other.public
    for kid, version in [(A.sig.public.kid, 2), (A.http.public.kid, 1), ("A" * 22, 1)]:
        with refused(Code.UNKNOWN_KEY):
            key_at(chain, kid, version)
