"""Signed notes, checkpoints and cosignatures as C2SP writes them (signed-note, tlog-checkpoint, tlog-cosignature), and
the body of tlog-witness' ``add-checkpoint`` (nrm1 11.2).

A checkpoint states that the log `origin` has `size` leaves under `root`. The log signs its text with an Ed25519 key of
use ``log``, under the origin as the key's name. A witness signs "at this second this is the largest tree of this log
that I have seen" with a key of use ``wit``, under its node id. Signatures by unknown keys are ignored; a signature of a
known key that does not verify invalidates the whole note (signed-note).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from keys.primitives.encoding import MAX_INT, is_str, malformed, sha256
from keys.primitives.merkle_tree import HASH, MAX_PROOF
from keys.primitives.raw_signatures import ED25519_SIGNATURE, verify_raw
from keys.primitives.sign import PublicKey, SigningKey

NOTE_LIMIT: Final = 16_384  # bytes of a note with all its signatures
REQUEST_LIMIT: Final = NOTE_LIMIT + 64 * 46  # and what stands before it in add-checkpoint
MOST_SIGNATURES: Final = 64  # signed-note: at least 16
_ED25519: Final = b"\x01"  # signed-note: what a key id says about the kind of signature
_COSIGNATURE: Final = b"\x04"
_KEY_ID: Final = 4
_TIME: Final = 8
_DASH: Final = "\u2014 "
_HEADER: Final = "cosignature/v1"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_NAME: Final = is_str(r"[!-*,-~]{1,200}", 200)  # printable ASCII without space and plus, as a descriptor's `log`


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One tree head of one log. ``text`` is the signed text."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> bytes:
        """The three lines; extension lines are neither written nor accepted."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n".encode("ascii")

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read the three lines. Raises RemoteError(malformed)."""
        lines = _lines(text)
        if len(lines) != 3 or not _NAME(lines[0]):
            raise malformed("checkpoint is not origin, size and root")
        return cls(origin=lines[0], size=_number(lines[1]), root=_unb64(lines[2], HASH))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: the name, the key id (4 bytes, a hint and no proof), and the signature bytes."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> bytes:
        """The line with its newline."""
        return f"{_DASH}{self.name} {_b64(self.key_id + self.value)}\n".encode()

    @classmethod
    def of(cls, name: str, signed: bytes) -> Self:
        """Make the line from the output of ``KeyService.sign_log`` or ``cosign``: key id, then the signature."""
        return cls(name=name, key_id=signed[:_KEY_ID], value=signed[_KEY_ID:])

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line without its newline. Raises RemoteError(malformed)."""
        name, _, data = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not _NAME(name):
            raise malformed("not a signature line of a note")
        signed = _unb64(data)
        if len(signed) <= _KEY_ID:
            raise malformed("signature of a note is too short")
        return cls.of(name, signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A text and its signature lines. Reading one proves its shape, not its signatures."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the text, an empty line, and the signature lines."""
        return self.text + b"\n" + b"".join(signature.line for signature in self.signatures)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a note of at most ``NOTE_LIMIT`` bytes. Raises RemoteError(too_large, malformed)."""
        if len(data) > NOTE_LIMIT:
            raise RemoteError(Code.TOO_LARGE, f"note of more than {NOTE_LIMIT} bytes")
        text, blank, rest = data.rpartition(b"\n\n")
        if not blank or not text:
            raise malformed("note has no empty line before its signatures")
        lines = _lines(rest)
        if not 1 <= len(lines) <= MOST_SIGNATURES:
            raise malformed("note has no signature or too many")
        return cls(text=text + b"\n", signatures=tuple(NoteSignature.parse(line) for line in lines))

    def plus(self, signatures: Iterable[NoteSignature]) -> SignedNote:
        """Return the note with more signatures after those that it has."""
        return SignedNote(text=self.text, signatures=(*self.signatures, *signatures))


# --- signing -----------------------------------------------------------------------------------------------------


def key_id(name: str, kind: bytes, public: PublicKey) -> bytes:
    """Return SHA-256(name || newline || kind || key)[:4] (signed-note)."""
    return sha256(name.encode("ascii") + b"\n" + kind + public.ed25519)[:_KEY_ID]


def sign_checkpoint(text: bytes, key: SigningKey) -> bytes:
    """Sign a checkpoint as its log; return key id and signature. Raises RemoteError(malformed) for any other text."""
    origin = Checkpoint.parse(text).origin
    return key_id(origin, _ED25519, key.public) + key.sign_raw(text)


def cosignature_text(text: bytes, at: int) -> bytes:
    """Build the text that a witness signs: the time in Unix seconds and the whole checkpoint."""
    return f"{_HEADER}\ntime {at}\n".encode("ascii") + text


def read_cosignature_text(message: bytes) -> tuple[Checkpoint, int]:
    """Read the checkpoint and the time from a text that a witness signs. Raises RemoteError(malformed)."""
    head, time, text = (*message.split(b"\n", 2), b"", b"")[:3]
    if head != _HEADER.encode() or not time.startswith(b"time "):
        raise malformed("not what a witness signs")
    at = _number(time[5:].decode("ascii", "replace"))
    return Checkpoint.parse(text), at


def cosign_checkpoint(message: bytes, name: str, key: SigningKey) -> bytes:
    """Cosign as the witness `name`; return key id, time and signature. Raises RemoteError(malformed) for any other
    message.
    """
    _, at = read_cosignature_text(message)
    return key_id(name, _COSIGNATURE, key.public) + at.to_bytes(_TIME, "big") + key.sign_raw(message)


# --- judging -----------------------------------------------------------------------------------------------------


def open_checkpoint(note: SignedNote, origin: str, keys: Iterable[PublicKey]) -> Checkpoint:
    """Verify that one of the log's `keys` signed the note, and return its checkpoint.

    Raises RemoteError: malformed for another text, unknown_sender for another origin, bad_signature when none of the
    keys signed or the signature of one of them does not verify.
    """
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise RemoteError(Code.UNKNOWN_SENDER, "checkpoint is of another log")
    known = {key_id(origin, _ED25519, key): key for key in keys}
    found = False
    for signature in note.signatures:
        key = known.get(signature.key_id) if signature.name == origin else None
        if key is not None:
            verify_raw(key.ed25519, note.text, signature.value)
            found = True
    if not found:
        raise RemoteError(Code.BAD_SIGNATURE, "checkpoint is not signed by a key of its log")
    return checkpoint


def cosigned_at(text: bytes, signature: NoteSignature, keys: Iterable[PublicKey]) -> int:
    """Verify the cosignature of the witness that the line names, by one of its `keys`; return its time in Unix seconds.

    Raises RemoteError(bad_signature), also for a key that is not among them.
    """
    known = {key_id(signature.name, _COSIGNATURE, key): key for key in keys}
    key = known.get(signature.key_id)
    if key is None or len(signature.value) != _TIME + ED25519_SIGNATURE:
        raise RemoteError(Code.BAD_SIGNATURE, "cosignature is not by a key of this witness")
    at = int.from_bytes(signature.value[:_TIME], "big")
    verify_raw(key.ed25519, cosignature_text(text, at), signature.value[_TIME:])
    if at > MAX_INT:
        raise malformed("cosignature is of no time")
    return at


def cosigned_by(signature: NoteSignature, keys: Iterable[PublicKey]) -> bool:
    """Whether the line of a witness names one of these keys; nothing is verified."""
    return signature.key_id in {key_id(signature.name, _COSIGNATURE, key) for key in keys}


def verify_cosignatures(note: SignedNote, known: Mapping[NodeId, Sequence[PublicKey]]) -> dict[NodeId, int]:
    """Verify the cosignatures of `known` witnesses (node id to keys) and return the time of the last one of each.

    Cosignatures of unknown witnesses are ignored. Raises RemoteError(bad_signature) when the line of a known key does
    not verify.
    """
    found: dict[NodeId, int] = {}
    for signature in note.signatures:
        name = NodeId(signature.name)
        ours = [key for key in known.get(name, ()) if key_id(name, _COSIGNATURE, key) == signature.key_id]
        if ours:
            found[name] = max(cosigned_at(note.text, signature, ours), found.get(name, 0))
    return found


# --- asking a witness --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The body of ``add-checkpoint``: the size the witness held last, the proof from there, and the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: SignedNote

    def encode(self) -> bytes:
        """Write the lines of tlog-witness."""
        steps = "".join(f"{_b64(step)}\n" for step in self.proof)
        return f"old {self.old}\n{steps}\n".encode("ascii") + self.note.encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the lines of tlog-witness. Raises RemoteError(too_large, malformed)."""
        head, blank, rest = data.partition(b"\n\n")
        lines = _lines(head + b"\n")
        if not blank or not lines or not lines[0].startswith("old ") or len(lines) > 1 + MAX_PROOF:
            raise malformed("request is not old size, proof and checkpoint")
        return cls(
            old=_number(lines[0].removeprefix("old ")),
            proof=tuple(_unb64(line, HASH) for line in lines[1:]),
            note=SignedNote.decode(rest),
        )


def read_cosignatures(answer: bytes) -> tuple[NoteSignature, ...]:
    """Read the signature lines in the answer of a witness. Raises RemoteError(malformed)."""
    lines = _lines(answer)
    if not 1 <= len(lines) <= MOST_SIGNATURES:
        raise malformed("witness answered no cosignature or too many")
    return tuple(NoteSignature.parse(line) for line in lines)


# --- one spelling ------------------------------------------------------------------------------------------------


def _lines(data: bytes) -> list[str]:
    """Return the non-empty lines of UTF-8 text that ends with a newline and has no other control character."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise malformed("note is not utf-8") from exc
    lines = text.split("\n")
    if lines.pop() or not all(lines) or any(character < " " for line in lines for character in line):
        raise malformed("note has an empty line, a control character or no newline at its end")
    return lines


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) > MAX_INT:
        raise malformed("not a number without leading zeroes")
    return int(text)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str, size: int | None = None) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise malformed("not base64") from exc
    if _b64(data) != text or (size is not None and len(data) != size):
        raise malformed("not the one spelling of base64, or of another length")
    return data
