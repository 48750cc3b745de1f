"""References of cases: what can be read out on the telephone, and what was given before."""

from __future__ import annotations

import re

import pytest

from gateway.database.case_names import case_name, long_reference, short_reference
from keys.primitives.encoding import sha256

DIGEST = sha256(case_name(peer="n1b", case="17"))


def test_a_reference_can_be_read_out():
    """Three groups of four, without letters that look or sound alike."""
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", short_reference(DIGEST))


def test_a_reference_of_before_stays_as_it_was():
    """26 letters of 128 bits: peers hold these, so this never changes."""
    assert long_reference(bytes(range(16))) == "00041061050r3gg28a1c60t3gf"


def test_every_bit_of_the_short_one_counts():
    """Of the last 60 bits of the hash each changes it, so that no two cases share a name by its form."""
    digest = DIGEST[:16]
    changed = {short_reference((int.from_bytes(digest, "big") ^ (1 << bit)).to_bytes(16, "big")) for bit in range(60)}
    assert len(changed | {short_reference(digest)}) == 61


@pytest.mark.parametrize("form", [short_reference, long_reference])
def test_a_short_hash_is_our_bug(form):
    """A hash with less than 128 bits could be searched."""
    with pytest.raises(RuntimeError, match="16 bytes"):
        form(b"short")
