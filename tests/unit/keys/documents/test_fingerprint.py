"""keys.documents.fingerprint: node ids, fingerprints, pair codes, and the QR codes of a pairing (nrm1 2.8 to 2.10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nodes import NOW, Node, Seeds

from gateway.errors import Code, RefusedError
from keys.documents.fingerprint import (
    Party,
    compute_fingerprint,
    digits_of,
    fingerprint_hash,
    node_id,
    node_text,
    pair_code,
    pair_text,
    read_code,
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
    """Twelve groups of five digits and two versions, whoever computes them, and other ones for other roots."""
    a, b = Node("a").first(), Node("b").first()
    sides = sorted([Party(a.fingerprint, 3), Party(b.fingerprint, 1)])
    code = pair_code(*sides)
    assert code == pair_code(*sides[::-1])
    *groups, versions = code.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)
    assert versions == f"{sides[0].version}-{sides[1].version}"
    assert compute_fingerprint(a.node, b.roots, b.threshold) not in (a.fingerprint, b.fingerprint)
    assert len(fingerprint_hash(a.node, a.roots, a.threshold)) == 32


@pytest.mark.parametrize("between", [" ", "-", " . ", "\n"])
def test_a_code_is_read_as_people_type_it(between: str) -> None:
    """With whatever stands between the groups, or nothing; the versions need something between them."""
    code = pair_code(Party(digits_of(X), 12), Party(digits_of(Y), 3))
    *groups, versions = code.split(" ")
    assert pair_code(*read_code(f" {between.join(groups)} {versions} ")) == code
    assert pair_code(*read_code("".join(groups) + f", {versions.replace('-', ' and ')}")) == code


@pytest.mark.parametrize(
    "typed", ["", "1" * 60, "1" * 59 + " 1 1", "1" * 61 + " 1 1", "1" * 60 + " 1", "1" * 60 + " 0 1"]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    """Without the versions too: they tell that nothing was cut off."""
    with pytest.raises(RefusedError, match="the two versions behind them") as caught:
        read_code(typed)
    assert caught.value.code is Code.INVALID


# --- QR codes ----------------------------------------------------------------------------------------------------


def test_a_node_is_read_back() -> None:
    """Address and digits of the descriptor whose code it is."""
    descriptor = Node("a").first()
    found = read_node(node_text(descriptor.fingerprint_hash, 7, AT) + "\n")
    assert (found.endpoint, found.fingerprint, found.version) == (AT, descriptor.fingerprint, 7)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_pair_is_the_same_on_both_sides(a: bytes, b: bytes) -> None:
    """Both nodes show one text, and it stands for the digits and versions that people would compare."""
    assert pair_text((a, 1), (b, 2)) == pair_text((b, 2), (a, 1))
    assert read_pair(pair_text((a, 1), (b, 2))) == pair_code(Party(digits_of(a), 1), Party(digits_of(b), 2))


WRONG = {
    "nothing": "",
    "the digits": "1" * 60,
    "a hash cut short": "NRM1:PAIR:" + pair_text((X, 1), (Y, 2))[11:],
    "lower case": pair_text((X, 1), (Y, 2)).lower(),
    "no version": pair_text((X, 1), (Y, 2))[:-2],
    "version 0": pair_text((X, 0), (Y, 2)),
    "a third hash": pair_text((X, 1), (Y, 2)) + ":" + "A" * 64,
    "another version": pair_text((X, 1), (Y, 2)).replace("NRM1", "NRM2"),
    "a node's code": node_text(X, 1, AT),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_no_pair_is_refused(fault: str) -> None:
    """One fault each."""
    with pytest.raises(RefusedError, match="one begins with NRM1:PAIR:") as caught:
        read_pair(WRONG[fault])
    assert caught.value.code is Code.INVALID


NOWHERE = {
    "a pair's code": pair_text((X, 1), (Y, 2)),
    "no address": node_text(X, 1, ""),
    "without TLS": node_text(X, 1, "http://trm.example.fr:8443"),
    "white space": node_text(X, 1, "https://trm example.fr"),
    "far too long": node_text(X, 1, "https://" + "a" * 600),
}


@pytest.mark.parametrize("fault", NOWHERE)
def test_what_is_no_node_is_refused(fault: str) -> None:
    """One fault each."""
    with pytest.raises(RefusedError, match="one begins with NRM1:NODE:"):
        read_node(NOWHERE[fault])
