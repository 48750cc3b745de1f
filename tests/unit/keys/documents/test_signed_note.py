"""keys.documents.signed_note: notes, checkpoints and cosignatures as C2SP writes them (nrm1 11.2)."""

from __future__ import annotations

import base64

import pytest
from support.nodes import NOW, Seeds, refused

from gateway.errors import Code
from keys.documents.log_signatures import (
    cosign_checkpoint,
    cosignature_text,
    key_id,
    sign_checkpoint,
)
from keys.documents.signed_note import NOTE_LIMIT, AddCheckpoint, Checkpoint, NoteSignature, SignedNote, read_signatures
from keys.primitives.hybrid_keys import PublicKey, SigningKey
from keys.primitives.merkle_tree import leaf_hash
from keys.primitives.raw_signatures import verify_raw

RAND = Seeds("note")
LOG, WIT = (SigningKey.generate_for_notes(RAND) for _ in range(2))
HEAD = Checkpoint(origin="log.example/1", size=1234, root=leaf_hash(b"x"))
SIGNED = SignedNote(text=HEAD.text, signatures=read_signatures(sign_checkpoint(HEAD.text, LOG)))
WITNESS = "witness.example"
COSIGNED = read_signatures(cosign_checkpoint(cosignature_text(HEAD.text, NOW), WITNESS, WIT))[0]


def test_a_note_of_another_program() -> None:
    """The note and key in the documentation of Go's sumdb/note: key id, signature and spelling are as there."""
    public = PublicKey.checked(base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:])
    assert key_id("PeterNeumann", b"\x01", public.ed25519).hex() == "c74f20a3"
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
    many = SIGNED.plus([COSIGNED] * 127)
    with refused(Code.MALFORMED, "too many"):
        SignedNote.decode(many.encode())


def test_request_to_a_witness() -> None:
    """The body of add-checkpoint has the lines of tlog-witness; a bad one is malformed."""
    request = AddCheckpoint(old=7, proof=(HEAD.root, leaf_hash(b"y")), note=SIGNED)
    lines = request.encode().split(b"\n")
    assert (lines[0], lines[3], lines[4]) == (b"old 7", b"", b"log.example/1")
    assert AddCheckpoint.decode(request.encode()) == request
    assert [len(signature.value) for signature in request.note.signatures] == [64, 8 + 2420]
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
    assert read_signatures(COSIGNED.line) == (COSIGNED,)
    with refused(Code.MALFORMED):
        read_signatures(b"")
