"""keys.documents.pairing_qr: what the QR codes of a pairing say is read back whole, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nodes import Node

from gateway.errors import Code, RefusedError
from keys.documents.fingerprint import digits_of, pair_code
from keys.documents.pairing_qr import node_text, pair_text, read_node, read_pair

X, Y = bytes(range(32)), bytes(range(32, 64))
AT = "https://trm.example.fr:8443"


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
