"""Content made smaller comes back exactly; what is nothing of the kind, or becomes too much, is refused."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.database.deflated import LARGEST, SMALLEST, STEP, deflate, inflate

TEXT = b"Which of the two names is the one in the passport? " * 40


@given(st.binary(min_size=1, max_size=40), st.integers(1, 400))
def test_content_survives_the_disk(piece: bytes, times: int):
    """As it was, byte for byte, and never larger; or it is left as it is."""
    content = piece * times
    packed = deflate(content)
    assert packed is None or (inflate(packed) == content and len(packed) < len(content))


def test_lengths_are_rounded_up():
    """Contents that differ by a few bytes are of one length."""
    found = {len(deflate(TEXT + b"x" * more) or b"") for more in range(1, 9)}
    assert len(found) == 1
    assert {length % STEP for length in found} == {0}


@pytest.mark.parametrize("size", [0, SMALLEST - 1, LARGEST + 1])
def test_it_is_not_tried_for_what_is_small_or_huge(size: int):
    """What is read never becomes more than what is written."""
    assert deflate(bytes(size)) is None


def test_what_does_not_get_smaller_stays():
    """Noise, like the bytes of a cipher."""
    noise = hashlib.shake_256(b"noise").digest(4 * SMALLEST)
    assert deflate(noise) is None


WHOLE = zlib.compress(TEXT, 1)
SPOILT = {
    "nothing": b"",
    "plain text": TEXT,
    "cut": WHOLE[:-1],
    "a flipped bit": WHOLE[:40] + bytes([WHOLE[40] ^ 1]) + WHOLE[41:],
    "something behind it": WHOLE + b"\0\1",
    "more zeros than a step": WHOLE + bytes(STEP),
    "a bomb": zlib.compress(bytes(LARGEST + 1), 9),
}


@pytest.mark.parametrize("packed", SPOILT.values(), ids=SPOILT)
def test_what_was_spoilt_is_refused(packed: bytes):
    """One fault at a time."""
    with pytest.raises(ValueError, match="not deflated"):
        inflate(packed)
