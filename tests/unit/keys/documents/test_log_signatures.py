"""How logs sign and witnesses cosign, with both halves of their keys (nrm1 11.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.nodes import NOW, Seeds, refused

from gateway.errors import Code
from keys.documents.log_signatures import (
    cosign_checkpoint,
    cosignature_text,
    cosigned_at,
    cosigned_by,
    cosigned_message,
    key_id,
    open_checkpoint,
    read_cosignature_text,
    sign_checkpoint,
    verify_cosignatures,
)
from keys.documents.signed_note import Checkpoint, NoteSignature, SignedNote, read_signatures
from keys.primitives.encoding import unb64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.merkle_tree import leaf_hash
from keys.primitives.raw_signatures import verify_mldsa44

RAND = Seeds("note")
LOG, WIT, OTHER = (SigningKey.generate_for_notes(RAND) for _ in range(3))
OLD = SigningKey(LOG.seeds()[0])
"""The Ed25519 half of the log's key alone: a key as release 0.1.0 made them."""
HEAD = Checkpoint(origin="log.example/1", size=1234, root=leaf_hash(b"x"))
SIGNED = SignedNote(text=HEAD.text, signatures=read_signatures(sign_checkpoint(HEAD.text, LOG)))
WITNESS = "witness.example"
COSIGNED = read_signatures(cosign_checkpoint(cosignature_text(HEAD.text, NOW), WITNESS, WIT))


def test_signed_and_opened() -> None:
    """A checkpoint opens with the log's key, also among others; cosignatures of unknown witnesses are passed over."""
    note = SignedNote.decode(SIGNED.plus(COSIGNED).encode())
    assert open_checkpoint(note, HEAD.origin, [OTHER.public, LOG.public]) == HEAD
    assert verify_cosignatures(note, {WITNESS: [WIT.public], "another": [OTHER.public]}) == {WITNESS: NOW}
    assert verify_cosignatures(note, {"another": [WIT.public]}) == {}
    assert verify_cosignatures(note, {WITNESS: [OTHER.public]}) == {}


def test_another_log_key_or_text() -> None:
    """A foreign origin, an unknown key and an altered text are refused."""
    with refused(Code.UNKNOWN_SENDER, "another log"):
        open_checkpoint(SIGNED, "log.example/2", [LOG.public])
    with refused(Code.BAD_SIGNATURE, "not signed by a key of its log"):
        open_checkpoint(SIGNED, HEAD.origin, [OTHER.public])
    grown = Checkpoint(origin=HEAD.origin, size=1235, root=HEAD.root)
    with refused(Code.BAD_SIGNATURE, "does not verify"):
        open_checkpoint(SignedNote(text=grown.text, signatures=SIGNED.signatures), HEAD.origin, [LOG.public])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    """signed-note: a known key's line that does not verify is not passed over, though another one does."""
    bad = NoteSignature(name=HEAD.origin, key_id=SIGNED.signatures[0].key_id, value=b"\0" * 64)
    with refused(Code.BAD_SIGNATURE):
        open_checkpoint(SIGNED.plus([bad]), HEAD.origin, [LOG.public])
    for place, line in enumerate(COSIGNED):
        altered = line.value[:-1] + bytes([line.value[-1] ^ 1])
        worse = [*COSIGNED[:place], replace(line, value=altered), *COSIGNED[place + 1 :]]
        with refused(Code.BAD_SIGNATURE, "does not verify"):
            verify_cosignatures(SIGNED.plus(worse), {WITNESS: [WIT.public]})


def test_cosignature_binds_time_key_and_text() -> None:
    """A cosignature counts for its second, its witness' key and its checkpoint, and is no log signature."""
    assert cosigned_at(HEAD.text, COSIGNED, [WIT.public]) == NOW
    later = [replace(line, value=(NOW + 1).to_bytes(8, "big") + line.value[8:]) for line in COSIGNED]
    other = Checkpoint(origin=HEAD.origin, size=HEAD.size, root=leaf_hash(b"y"))
    for text, lines, key in [
        (HEAD.text, later, WIT),
        (other.text, COSIGNED, WIT),
        (HEAD.text, COSIGNED, OTHER),
        (HEAD.text, [replace(line, name="w2") for line in COSIGNED], WIT),
        (HEAD.text, read_signatures(sign_checkpoint(HEAD.text, WIT)), WIT),
        (HEAD.text, [*COSIGNED, COSIGNED[0]], WIT),
    ]:
        with refused(Code.BAD_SIGNATURE):
            cosigned_at(text, lines, [key.public])


def test_only_checkpoints_are_signed() -> None:
    """Neither key signs a text that is no checkpoint: the log none that is a cosignature, the witness no bare one."""
    for text in [b"", b"hello\n", cosignature_text(HEAD.text, NOW), HEAD.text + b"extension\n"]:
        with refused(Code.MALFORMED):
            sign_checkpoint(text, LOG)
    for text in [
        b"",
        HEAD.text,
        b"cosignature/v1\ntime 01\n" + HEAD.text,
        b"cosignature/v1\ntime 1\nhello\n",
        b"cosignature/v2\ntime 1\n" + HEAD.text,
        b"cosignature/v1\ndate 1\n" + HEAD.text,
    ]:
        with refused(Code.MALFORMED):
            cosign_checkpoint(text, WITNESS, WIT)
    assert read_cosignature_text(cosignature_text(HEAD.text, 7)) == (HEAD, 7)


def test_ids_of_keys_tell_uses_apart() -> None:
    """The same key has another id for another name or kind of signature (signed-note)."""
    key = LOG.public.ed25519
    assert key_id("a", b"\x01", key) != key_id("a", b"\x04", key) != key_id("b", b"\x04", key)
    assert len(unb64u(LOG.public.kid)) == 16


@pytest.mark.parametrize("place", [0, 1], ids=["ML-DSA-44 alone", "Ed25519 alone"])
def test_one_half_is_no_signature(place: int) -> None:
    """Threat 182: of a key with both halves both lines are demanded, of a log as of a witness."""
    kept = [line for number, line in enumerate(SIGNED.signatures) if number != place]
    with refused(Code.BAD_SIGNATURE, "one half"):
        open_checkpoint(SignedNote(text=HEAD.text, signatures=tuple(kept)), HEAD.origin, [LOG.public])
    seen = [line for number, line in enumerate(COSIGNED) if number != place]
    with refused(Code.BAD_SIGNATURE, "one half"):
        cosigned_at(HEAD.text, seen, [WIT.public])
    with refused(Code.BAD_SIGNATURE, "one half"):
        verify_cosignatures(SIGNED.plus(seen), {WITNESS: [WIT.public]})


def test_the_halves_say_one_time() -> None:
    """Threat 182: two true lines of two seconds are no cosignature."""
    later = read_signatures(cosign_checkpoint(cosignature_text(HEAD.text, NOW + 1), WITNESS, WIT))
    with refused(Code.BAD_SIGNATURE, "one half"):
        cosigned_at(HEAD.text, [COSIGNED[0], later[1]], [WIT.public])
    twice = SIGNED.plus([*COSIGNED, *later])
    assert verify_cosignatures(twice, {WITNESS: [WIT.public]}) == {WITNESS: NOW + 1}


def test_the_half_of_another_key_does_not_help() -> None:
    """Threat 182: each half is named by the key, so that it can not stand beside that of another one."""
    others = read_signatures(cosign_checkpoint(cosignature_text(HEAD.text, NOW), WITNESS, OTHER))
    with refused(Code.BAD_SIGNATURE, "one half"):
        cosigned_at(HEAD.text, [COSIGNED[0], others[1]], [WIT.public, OTHER.public])


def test_a_key_of_before_signs_by_one_half() -> None:
    """The log of release 0.1.0 opens by its key, which has one half (nrm1 1.17)."""
    note = SignedNote(text=HEAD.text, signatures=read_signatures(sign_checkpoint(HEAD.text, OLD)))
    assert len(note.signatures) == 1 and open_checkpoint(note, HEAD.origin, [OLD.public]) == HEAD
    with refused(Code.BAD_SIGNATURE, "one half"):
        open_checkpoint(note, HEAD.origin, [LOG.public])
    seen = read_signatures(cosign_checkpoint(cosignature_text(HEAD.text, NOW), WITNESS, OLD))
    assert cosigned_at(HEAD.text, seen, [OLD.public]) == NOW
    assert cosigned_by(seen, [OLD.public]) and not cosigned_by(seen, [WIT.public])


def test_what_ml_dsa_signs() -> None:
    """C2SP tlog-cosignature: label, who signs, time, log, the whole tree; the line of a log states no time."""
    message = cosigned_message(WITNESS, NOW, HEAD)
    assert (
        message
        == (b"subtree/v1\n\0\x0fwitness.example" + NOW.to_bytes(8, "big") + b"\x0dlog.example/1" + bytes(8))
        + (1234).to_bytes(8, "big")
        + HEAD.root
    )
    own, half = SIGNED.signatures[1], LOG.public.mldsa44
    assert half is not None and own.key_id == key_id(HEAD.origin, b"\x06", half)
    assert own.value[:8] == bytes(8)
    verify_mldsa44(half, cosigned_message(HEAD.origin, 0, HEAD), own.value[8:])
