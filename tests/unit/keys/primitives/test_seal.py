"""keys.primitives.seal: one suite, one kind of failure (nrm1 2.1, 13.1; threats 1, 2, 3, 15, 53)."""

from __future__ import annotations

import pickle

import pytest
from support.nodes import Seeds, refused

from gateway.errors import Code
from keys.primitives import seal
from keys.primitives.encoding import b64u, h

RAND = Seeds("seal")
KEY = seal.EncPrivateKey(RAND(32))
OTHER = seal.EncPrivateKey(RAND(32))
CEK = RAND(32)


def flipped(data: bytes, at: int) -> bytes:
    """`data` with one bit changed."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_content_key_round_trip() -> None:
    """What is closed for a key opens with it; sizes are those of the protocol."""
    enc = seal.seal_cek(KEY.public, CEK, b"info")
    assert seal.open_cek(KEY, enc, b"info") == CEK
    assert (len(enc), len(KEY.public), KEY.kid) == (1168, 1216, b64u(h("ekid", KEY.public)[:16]))


@pytest.mark.parametrize("at", [0, 1087, 1088, 1119, 1120, 1167])
def test_changed_content_key_does_not_open(at: int) -> None:
    """Threat 3: a bit in the ML-KEM part, the X25519 share, or the closed key."""
    with refused(Code.UNDECRYPTABLE):
        seal.open_cek(KEY, flipped(seal.seal_cek(KEY.public, CEK, b"info"), at), b"info")


def test_low_order_share_does_not_open() -> None:
    """Threat 3: an X25519 share of low order fails like everything else."""
    enc = seal.seal_cek(KEY.public, CEK, b"info")
    with refused(Code.UNDECRYPTABLE):
        seal.open_cek(KEY, enc[:1088] + b"\0" * 32 + enc[1120:], b"info")


def test_content_key_is_bound_to_its_info_key_and_length() -> None:
    """Another header, another recipient, a cut or longer text: one kind of failure."""
    enc = seal.seal_cek(KEY.public, CEK, b"info")
    for private, data, info in [
        (KEY, enc, b"other"),
        (OTHER, enc, b"info"),
        (KEY, enc[:-1], b"info"),
        (KEY, enc + b"\0", b"info"),
        (KEY, b"", b"info"),
    ]:
        with refused(Code.UNDECRYPTABLE, "does not open"):
            seal.open_cek(private, data, info)


def test_bad_public_keys() -> None:
    """Threat 15: a key of a wrong length or with unreduced coefficients is refused before it is used."""
    for public in (b"", KEY.public[:-1], b"\xff" * 1216, KEY.public[:1184] + b"\0" * 32):
        with refused(Code.BAD_KEY):
            seal.seal_cek(public, CEK, b"")


def test_content_round_trip() -> None:
    """Content opens under its key and context, over several chunks."""
    for size in (0, 1, 16_384, 16_385, 100_000):
        inner = RAND(size)
        assert seal.open_content(CEK, b"context", seal.seal_content(CEK, b"context", inner)) == inner


@pytest.mark.parametrize("at", [0, 24, 56, 60, 20_000, -1])
def test_flipped_bit_in_content(at: int) -> None:
    """Threat 2: salt, commitment, chunks and tags are covered."""
    ct = seal.seal_content(CEK, b"context", RAND(40_000))
    with refused(Code.UNDECRYPTABLE):
        seal.open_content(CEK, b"context", flipped(ct, at % len(ct)))


@pytest.mark.parametrize("length", [0, 55, 56, 56 + 16_400, 56 + 2 * 16_400, -1])
def test_truncated_content(length: int) -> None:
    """Threat 2: content that ends early, also at the end of a chunk, is not released at all."""
    ct = seal.seal_content(CEK, b"context", RAND(40_000))
    with refused(Code.UNDECRYPTABLE):
        seal.open_content(CEK, b"context", ct[:length])


def test_content_is_bound_to_its_context() -> None:
    """Threat 1: the clear header is part of the context."""
    with refused(Code.UNDECRYPTABLE):
        seal.open_content(CEK, b"other", seal.seal_content(CEK, b"context", b"x"))


def test_one_ciphertext_opens_under_one_key() -> None:
    """Threat 53: the key is committed to, so two recipients with two keys never read two contents."""
    ct = seal.seal_content(CEK, b"context", b"x")
    with refused(Code.UNDECRYPTABLE):
        seal.open_content(RAND(32), b"context", ct)
    second = seal.seal_content(RAND(32), b"context", b"x")
    with refused(Code.UNDECRYPTABLE):  # the commitment of one key before the chunks of another
        seal.open_content(CEK, b"context", ct[:56] + second[56:])


def test_key_of_wrong_length_does_not_open() -> None:
    """A content key of another length is a failure like every other."""
    with refused(Code.UNDECRYPTABLE):
        seal.open_content(CEK[:16], b"", seal.seal_content(CEK, b"", b"x"))


def test_at_rest() -> None:
    """Rows open under their key, nonce and additional data, and under nothing else."""
    key, nonce = RAND(32), RAND(24)
    closed = seal.aead_seal(key, nonce, b"row", b"aad")
    assert seal.aead_open(key, nonce, closed, b"aad") == b"row"
    for other in [
        (RAND(32), nonce, closed, b"aad"),
        (key, RAND(24), closed, b"aad"),
        (key, nonce, closed, b""),
        (key, nonce, flipped(closed, 0), b"aad"),
        (key, nonce, b"", b"aad"),
        (key, b"", closed, b"aad"),
    ]:
        with refused(Code.UNDECRYPTABLE):
            seal.aead_open(*other)


def test_index_depends_on_key_and_data() -> None:
    """A look-up value is 16 bytes and says nothing without the key."""
    values = {seal.keyed_index(key, data) for key in (b"k" * 32, b"l" * 32) for data in (b"a", b"b")}
    assert len(values) == 4
    assert {len(value) for value in values} == {16}


def test_private_key_does_not_leave() -> None:
    """An encryption key prints as <redacted> and can not be pickled."""
    assert f"{KEY}" == "<redacted>"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY)


def test_wrong_lengths_of_our_own_are_bugs() -> None:
    """A seed or a content key of another length is a fault of ours, told at once."""
    with pytest.raises(RuntimeError, match="seed is not 32 bytes"):
        seal.EncPrivateKey(b"x" * 31)
    with pytest.raises(RuntimeError, match="content key is not 32 bytes"):
        seal.seal_cek(KEY.public, CEK[:31], b"")
