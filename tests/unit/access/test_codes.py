"""Codes that people read and type: how they look, and that however they are typed they are the same."""

from __future__ import annotations

import pytest

from gateway.access.codes import INVITATION, code_hash, new_code
from keys.primitives.encoding import sha256_hex


def drawn(size: int) -> bytes:
    """Bytes that are not random."""
    return bytes(range(size))


def test_a_code_is_letters_and_digits_in_groups_of_four():
    """As many bytes of it as are asked for; an invitation has 128 bits."""
    assert new_code(drawn) == "aaaq-eaye-auda-ocaj-bifq-ydio-b4"
    assert (INVITATION, new_code(drawn, 5)) == (16, "aaaq-eaye")


@pytest.mark.parametrize("typed", ["aaaq-eaye", "AAAQ EAYE", " aaaqeaye ", "a-a-a-q-eaye"])
def test_a_code_is_the_same_however_it_is_typed(typed: str):
    """Under the hash of its letters and digits alone."""
    assert code_hash(typed) == sha256_hex(b"aaaqeaye")


def test_what_is_no_code_has_a_hash_of_its_own():
    """Also what no browser should send; of very much only the beginning is read."""
    assert code_hash("\ud800") == sha256_hex(b"?")
    assert code_hash("a" * 101) == code_hash("a" * 100) != code_hash("a" * 99)
