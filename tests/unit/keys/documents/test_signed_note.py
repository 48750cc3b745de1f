"""keys.documents.signed_note: notes, checkpoints and cosignatures as C2SP writes them (nrm1 11.2)."""

from __future__ import annotations

import base64

import pytest
from support.nodes import NOW, Seeds, refused

from gateway.errors import Code
from keys.documents.signed_note import (
    NOTE_LIMIT,
    AddCheckpoint,
    Checkpoint,
    NoteSignature,
    SignedNote,
    cosign_checkpoint,
    cosignature_text,
    cosigned_at,
    key_id,
    open_checkpoint,
    read_cosignature_text,
    read_cosignatures,
    sign_checkpoint,
    verify_cosignatures,
)
from keys.primitives.encoding import unb64u
from keys.primitives.merkle_tree import leaf_hash
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.sign import PublicKey, SigningKey

RAND = Seeds("note")
LOG, WIT, OTHER = (SigningKey.generate_for_notes(RAND) for _ in range(3))
HEAD = Checkpoint(origin="log.example/1", size=1234, root=leaf_hash(b"x"))
SIGNED = SignedNote(text=HEAD.text, signatures=(NoteSignature.of(HEAD.origin, sign_checkpoint(HEAD.text, LOG)),))
WITNESS = "witness.example"
COSIGNED = NoteSignature.of(WITNESS, cosign_checkpoint(cosignature_text(HEAD.text, NOW), WITNESS, WIT))


def test_a_note_of_another_program() -> None:
    """The note and key in the documentation of Go's sumdb/note: key id, signature and spelling are as there."""
    public = PublicKey.checked(base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:])
    assert key_id("PeterNeumann", b"\x01", public).hex() == "c74f20a3"
    data = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann "
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    note = SignedNote.decode(data)
    verify_raw(public.ed25519, note.text, note.signatures[0].value)
    assert note.encode() == data


def test_the_example_of_the_specification() -> None:
    """The checkpoint with a cosignature in C2SP tlog-cosignature is read, its time is the one that the text names."""
    data = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\u2014 witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    ).encode()
    note = SignedNote.decode(data)
    head = Checkpoint.parse(note.text)
    assert (head.origin, head.size, note.encode()) == ("example.com/behind-the-sofa", 20852163, data)
    assert int.from_bytes(note.signatures[1].value[:8], "big") == 1679315147
    assert cosignature_text(note.text, 1679315147).startswith(b"cosignature/v1\ntime 1679315147\nexample.com/")


def test_signed_and_opened() -> None:
    """A checkpoint opens with the log's key, also among others; cosignatures of unknown witnesses are passed over."""
    note = SignedNote.decode(SIGNED.plus([COSIGNED]).encode())
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
    worse = NoteSignature(name=WITNESS, key_id=COSIGNED.key_id, value=COSIGNED.value[:-1] + b"\0")
    with refused(Code.BAD_SIGNATURE):
        verify_cosignatures(SIGNED.plus([worse]), {WITNESS: [WIT.public]})


def test_cosignature_binds_time_key_and_text() -> None:
    """A cosignature counts for its second, its witness' key and its checkpoint, and is no log signature."""
    assert cosigned_at(HEAD.text, COSIGNED, [WIT.public]) == NOW
    later = NoteSignature(name=WITNESS, key_id=COSIGNED.key_id, value=(NOW + 1).to_bytes(8, "big") + COSIGNED.value[8:])
    other = Checkpoint(origin=HEAD.origin, size=HEAD.size, root=leaf_hash(b"y"))
    for text, line, key in [
        (HEAD.text, later, WIT),
        (other.text, COSIGNED, WIT),
        (HEAD.text, COSIGNED, OTHER),
        (HEAD.text, NoteSignature(name="w2", key_id=COSIGNED.key_id, value=COSIGNED.value), WIT),
        (HEAD.text, NoteSignature.of(HEAD.origin, sign_checkpoint(HEAD.text, WIT)), WIT),
    ]:
        with refused(Code.BAD_SIGNATURE):
            cosigned_at(text, line, [key.public])


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


@pytest.mark.parametrize(
    "spoilt",
    [
        HEAD.text.replace(b"1234", b"01234"),
        HEAD.text.replace(b"1234", b"-1"),
        HEAD.text.replace(b"1234", b"9" * 17),
        HEAD.text.replace(b"log.example/1", b"log example"),
        HEAD.text.replace(b"log.example/1", b"log+example"),
        HEAD.text.replace(b"log.example/1", b""),
        HEAD.text.replace(b"=\n", b"\n"),
        HEAD.text[:-1],
        HEAD.text + b"\n",
        HEAD.text.replace(b"\n", b"\r\n"),
        HEAD.text.replace(b"1234", "١٢".encode()),
        HEAD.text[1:3] + b"\xff" + HEAD.text[3:],
    ],
)
def test_malformed_checkpoints(spoilt: bytes) -> None:
    """Leading zeroes, signs, large numbers, spaces, other line ends, extension lines, cut base64, no UTF-8."""
    with refused(Code.MALFORMED):
        Checkpoint.parse(spoilt)


def test_malformed_notes() -> None:
    """A note without signatures, with a broken line, of no end or too large."""
    for data in [HEAD.text, HEAD.text + b"\n", SIGNED.encode()[:-1], SIGNED.encode() + b"\n", b"\n\n- x\n"]:
        with refused(Code.MALFORMED):
            SignedNote.decode(data)
    with refused(Code.MALFORMED, "not a signature line"):
        NoteSignature.parse("- name AAAAAAA=")
    with refused(Code.MALFORMED, "too short"):
        NoteSignature.parse("\u2014 name AAAAAA==")
    with refused(Code.TOO_LARGE):
        SignedNote.decode(b"x" * (NOTE_LIMIT + 1))
    many = SIGNED.plus([COSIGNED] * 64)
    with refused(Code.MALFORMED, "too many"):
        SignedNote.decode(many.encode())


def test_request_to_a_witness() -> None:
    """The body of add-checkpoint has the lines of tlog-witness; a bad one is malformed."""
    request = AddCheckpoint(old=7, proof=(HEAD.root, leaf_hash(b"y")), note=SIGNED)
    lines = request.encode().split(b"\n")
    assert (lines[0], lines[3], lines[4]) == (b"old 7", b"", b"log.example/1")
    assert AddCheckpoint.decode(request.encode()) == request
    first = AddCheckpoint(old=0, proof=(), note=SIGNED)
    assert AddCheckpoint.decode(first.encode()) == first
    for data in [
        b"",
        b"old 00\n\n" + SIGNED.encode(),
        b"old 7\nAAAA\n\n" + SIGNED.encode(),
        b"new 7\n\n" + SIGNED.encode(),
        b"old 7\n" + SIGNED.encode(),
        AddCheckpoint(old=7, proof=(HEAD.root,) * 64, note=SIGNED).encode(),
    ]:
        with refused(Code.MALFORMED):
            AddCheckpoint.decode(data)
    assert read_cosignatures(COSIGNED.line) == (COSIGNED,)
    with refused(Code.MALFORMED):
        read_cosignatures(b"")


def test_ids_of_keys_tell_uses_apart() -> None:
    """The same key has another id for another name or kind of signature (signed-note)."""
    assert key_id("a", b"\x01", LOG.public) != key_id("a", b"\x04", LOG.public) != key_id("b", b"\x04", LOG.public)
    assert len(unb64u(LOG.public.kid)) == 16
