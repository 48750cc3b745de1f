"""Signed notes and checkpoints as C2SP writes them (signed-note, tlog-checkpoint), and the body of tlog-witness'
``add-checkpoint`` (nrm1 11.2).

A checkpoint states that the log `origin` has `size` leaves under `root`. Who signs one, and how, is in
``keys.documents.log_signatures``; here is what is written.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from keys.primitives.encoding import MAX_INT, is_str, malformed
from keys.primitives.merkle_tree import HASH, MAX_PROOF

NOTE_LIMIT: Final = 262_144  # bytes of a note with all its signatures: those of ML-DSA-44 are long
REQUEST_LIMIT: Final = (
    16_384 + 64 * 46
)  # a checkpoint as its log signed it, and what stands before it in add-checkpoint
MOST_SIGNATURES: Final = 128  # lines of signatures, two by each key; signed-note: at least 16
_KEY_ID: Final = 4
_DASH: Final = "\u2014 "
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")  # what stands in no line; notes have thousands of characters
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
        return cls(origin=lines[0], size=read_number(lines[1]), root=_unb64(lines[2], HASH))


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
    def parse(cls, line: str) -> Self:
        """Read a line without its newline. Raises RemoteError(malformed)."""
        name, _, data = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not _NAME(name):
            raise malformed("not a signature line of a note")
        signed = _unb64(data)
        if len(signed) <= _KEY_ID:
            raise malformed("signature of a note is too short")
        return cls(name=name, key_id=signed[:_KEY_ID], value=signed[_KEY_ID:])


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
            old=read_number(lines[0].removeprefix("old ")),
            proof=tuple(_unb64(line, HASH) for line in lines[1:]),
            note=SignedNote.decode(rest),
        )


def read_signatures(data: bytes) -> tuple[NoteSignature, ...]:
    """Read signature lines: the answer of a witness, or what ``KeyService.sign_log`` and ``cosign`` return.

    Raises RemoteError(malformed).
    """
    lines = _lines(data)
    if not 1 <= len(lines) <= MOST_SIGNATURES:
        raise malformed("there is no signature or too many")
    return tuple(NoteSignature.parse(line) for line in lines)


# --- one spelling ------------------------------------------------------------------------------------------------


def _lines(data: bytes) -> list[str]:
    """Return the non-empty lines of UTF-8 text that ends with a newline and has no other control character."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise malformed("note is not utf-8") from exc
    lines = text.split("\n")
    if lines.pop() or not all(lines) or _CONTROL.search(text):
        raise malformed("note has an empty line, a control character or no newline at its end")
    return lines


def read_number(text: str) -> int:
    """Read a number without leading zeroes. Raises RemoteError(malformed)."""
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
