"""keys.documents.fingerprint: node ids, fingerprints, pair codes, and the QR codes of a pairing (nrm1 2.8 to 2.10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nodes import NOW, Node, Seeds

from gateway.errors import Code, RefusedError
from keys.documents.fingerprint import (
    compute_fingerprint,
    digits_of,
    fingerprint_hash,
    node_id,
    node_text,
    pair_code,
    pair_text,
    read_node,
    read_pair,
)
from keys.offline.roots import new_root
from keys.primitives.encoding import is_node

RAND = Seeds("identity")
X, Y = bytes(range(32)), bytes(range(32, 64))
AT = "https://trm.example.fr:8443"


def test_node_id_depends_on_roots_and_threshold() -> None:
    """The id has its form, and changes with a root, their order, or the threshold."""
    roots = [new_root(now=NOW, rand=RAND).record for _ in range(3)]
    ids = {node_id(roots, 2), node_id(roots, 1), node_id(roots[:2], 2), node_id(roots[::-1], 2)}
    assert len(ids) == 4
    assert all(map(is_node, ids))
    assert not is_node("n1" + "A" * 32)


def test_pair_code_is_the_same_on_both_sides() -> None:
    """Twelve groups of five digits, whoever computes them, and other ones for other roots."""
    a, b = Node("a").first(), Node("b").first()
    code = pair_code(a.fingerprint, b.fingerprint)
    assert code == pair_code(b.fingerprint, a.fingerprint)
    groups = code.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)
    assert compute_fingerprint(a.node, b.roots, b.threshold) not in (a.fingerprint, b.fingerprint)
    assert len(fingerprint_hash(a.node, a.roots, a.threshold)) == 32


# --- QR codes ----------------------------------------------------------------------------------------------------


def test_a_node_is_read_back() -> None:
    """Address and digits of the descriptor whose code it is."""
    descriptor = Node("a").first()
    found = read_node(node_text(descriptor.fingerprint_hash, AT) + "\n")
    assert (found.endpoint, found.fingerprint) == (AT, descriptor.fingerprint)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_pair_is_the_same_on_both_sides(a: bytes, b: bytes) -> None:
    """Both nodes show one text, and it stands for the 60 digits that people would compare."""
    assert pair_text(a, b) == pair_text(b, a)
    assert read_pair(pair_text(a, b)) == pair_code(digits_of(a), digits_of(b))


WRONG = {
    "nothing": "",
    "the digits": "1" * 60,
    "a hash cut short": pair_text(X, Y)[:-1],
    "lower case": pair_text(X, Y).lower(),
    "a third hash": pair_text(X, Y) + ":" + "A" * 64,
    "another version": pair_text(X, Y).replace("NRM1", "NRM2"),
    "a node's code": node_text(X, AT),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_no_pair_is_refused(fault: str) -> None:
    """One fault each."""
    with pytest.raises(RefusedError, match="one begins with NRM1:PAIR:") as caught:
        read_pair(WRONG[fault])
    assert caught.value.code is Code.INVALID


NOWHERE = {
    "a pair's code": pair_text(X, Y),
    "no address": node_text(X, ""),
    "without TLS": node_text(X, "http://trm.example.fr:8443"),
    "white space": node_text(X, "https://trm example.fr"),
    "far too long": node_text(X, "https://" + "a" * 600),
}


@pytest.mark.parametrize("fault", NOWHERE)
def test_what_is_no_node_is_refused(fault: str) -> None:
    """One fault each."""
    with pytest.raises(RefusedError, match="one begins with NRM1:NODE:"):
        read_node(NOWHERE[fault])
