"""How a log signs its checkpoints and a witness cosigns them (nrm1 11.1; C2SP signed-note, tlog-cosignature).

Each half of a key makes a line of its own: Ed25519 over the text, with the time before it if a witness signs (0x01,
0x04), and ML-DSA-44 over the message of tlog-cosignature (0x06), which names who signs too; a log states no time there,
so 0. Where a key has both halves both lines have to be there and to say one time: one alone is no signature. Keys of
the first form have one half. Lines of unknown keys are ignored; a line of a known key that does not verify invalidates
the note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from keys.documents.signed_note import Checkpoint, NoteSignature, SignedNote, read_number
from keys.primitives.encoding import MAX_INT, malformed, sha256
from keys.primitives.hybrid_keys import PublicKey, SigningKey
from keys.primitives.raw_signatures import ED25519_SIGNATURE, MLDSA44_SIGNATURE, verify_mldsa44, verify_raw

_ED25519: Final = b"\x01"  # signed-note: what a key id says about the kind of signature
_COSIGNATURE: Final = b"\x04"
_MLDSA44: Final = b"\x06"
_KEY_ID: Final = 4
_TIME: Final = 8
_HEADER: Final = "cosignature/v1"
_LABEL: Final = b"subtree/v1\n\0"


def key_id(name: str, kind: bytes, key: bytes) -> bytes:
    """Return SHA-256(name || newline || kind || key)[:4] (signed-note)."""
    return sha256(name.encode("ascii") + b"\n" + kind + key)[:_KEY_ID]


# --- signing -----------------------------------------------------------------------------------------------------


def sign_checkpoint(text: bytes, key: SigningKey) -> bytes:
    """Sign a checkpoint as its log; return the signature lines. Raises RemoteError(malformed) for any other text."""
    head = Checkpoint.parse(text)
    return _lines(head.origin, _ED25519, key, key.sign_raw(text), 0, head)


def cosignature_text(text: bytes, at: int) -> bytes:
    """Build the text that a witness signs: the time in Unix seconds and the whole checkpoint."""
    return f"{_HEADER}\ntime {at}\n".encode("ascii") + text


def read_cosignature_text(message: bytes) -> tuple[Checkpoint, int]:
    """Read the checkpoint and the time from a text that a witness signs. Raises RemoteError(malformed)."""
    head, time, text = (*message.split(b"\n", 2), b"", b"")[:3]
    if head != _HEADER.encode() or not time.startswith(b"time "):
        raise malformed("not what a witness signs")
    at = read_number(time[5:].decode("ascii", "replace"))
    return Checkpoint.parse(text), at


def cosign_checkpoint(message: bytes, name: str, key: SigningKey) -> bytes:
    """Cosign as the witness `name`; return the signature lines. Raises RemoteError(malformed) for any other message."""
    head, at = read_cosignature_text(message)
    return _lines(name, _COSIGNATURE, key, at.to_bytes(_TIME, "big") + key.sign_raw(message), at, head)


def cosigned_message(name: str, at: int, head: Checkpoint) -> bytes:
    """Build `cosigned_message` of tlog-cosignature for a whole tree: what the ML-DSA-44 half of `name` signs."""
    who, origin = name.encode("ascii"), head.origin.encode("ascii")
    return b"".join(
        (
            _LABEL,
            len(who).to_bytes(1, "big") + who,
            at.to_bytes(_TIME, "big"),
            len(origin).to_bytes(1, "big") + origin,
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )


def _lines(name: str, kind: bytes, key: SigningKey, classical: bytes, at: int, head: Checkpoint) -> bytes:
    found = NoteSignature(name=name, key_id=key_id(name, kind, key.public.ed25519), value=classical).line
    if key.public.mldsa44 is None:
        return found
    value = at.to_bytes(_TIME, "big") + key.sign_note_half(cosigned_message(name, at, head))
    return found + NoteSignature(name=name, key_id=key_id(name, _MLDSA44, key.public.mldsa44), value=value).line


# --- judging -----------------------------------------------------------------------------------------------------


def open_checkpoint(note: SignedNote, origin: str, keys: Iterable[PublicKey]) -> Checkpoint:
    """Verify that one of the log's `keys` signed the note, and return its checkpoint.

    Raises RemoteError: malformed for another text, unknown_sender for another origin, bad_signature when none of the
    keys signed, one signed by a half only, or a signature of one of them does not verify.
    """
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise RemoteError(Code.UNKNOWN_SENDER, "checkpoint is of another log")
    lines = [line for line in note.signatures if line.name == origin]
    if not [key for key in keys if _signed_at(note.text, lines, origin, _ED25519, key) is not None]:
        raise RemoteError(Code.BAD_SIGNATURE, "checkpoint is not signed by a key of its log")
    return checkpoint


def cosigned_at(text: bytes, lines: Sequence[NoteSignature], keys: Iterable[PublicKey]) -> int:
    """Verify a cosignature, the lines of one witness by one of its `keys`; return its time in Unix seconds.

    Raises RemoteError(bad_signature), also for a key that is not among them and for a line too many.
    """
    names = {line.name for line in lines}
    for key in keys:
        at = _signed_at(text, lines, lines[0].name, _COSIGNATURE, key) if len(names) == 1 else None
        if at is not None and len(lines) == len(key.components):
            return at
    raise RemoteError(Code.BAD_SIGNATURE, "cosignature is not by a key of this witness")


def cosigned_by(lines: Iterable[NoteSignature], keys: Iterable[PublicKey]) -> bool:
    """Whether the lines of a witness name one of these keys; nothing is verified."""
    keys = tuple(keys)
    return any(line.key_id == key_id(line.name, _COSIGNATURE, key.ed25519) for line in lines for key in keys)


def verify_cosignatures(note: SignedNote, known: Mapping[NodeId, Sequence[PublicKey]]) -> dict[NodeId, int]:
    """Verify the cosignatures of `known` witnesses (node id to keys) and return the time of the last one of each.

    Cosignatures of unknown witnesses are ignored. Raises RemoteError(bad_signature) when the line of a known key does
    not verify, or one of its halves is missing.
    """
    found: dict[NodeId, int] = {}
    for name, keys in known.items():
        lines = [line for line in note.signatures if line.name == name]
        for key in keys if lines else ():
            at = _signed_at(note.text, lines, name, _COSIGNATURE, key)
            if at is not None:
                found[name] = max(at, found.get(name, 0))
    return found


def _signed_at(text: bytes, lines: Sequence[NoteSignature], name: str, kind: bytes, key: PublicKey) -> int | None:
    """Verify every line of `key` and return the last time that all its halves state; None for a key of no line.

    Raises RemoteError(bad_signature): a line does not verify, or a half is missing or states another time.
    """
    halves = [(kind, key.ed25519)] if key.mldsa44 is None else [(kind, key.ed25519), (_MLDSA44, key.mldsa44)]
    times = [{*_times(text, lines, name, which, half)} for which, half in halves]
    if not any(times):
        return None
    agreed = set.intersection(*times)
    if not agreed:
        raise RemoteError(Code.BAD_SIGNATURE, "a note is signed by one half of a key only")
    return max(agreed)


def _times(text: bytes, lines: Sequence[NoteSignature], name: str, kind: bytes, half: bytes) -> Iterator[int]:
    """Verify the lines of one half of a key; their times, 0 for the signature of a log."""
    wanted = key_id(name, kind, half)
    for line in lines:
        if line.key_id != wanted:
            continue
        if kind == _ED25519:
            verify_raw(half, text, line.value)
            yield 0
            continue
        at, signature = int.from_bytes(line.value[:_TIME], "big"), line.value[_TIME:]
        if at > MAX_INT:
            raise malformed("cosignature is of no time")
        if len(signature) != (ED25519_SIGNATURE if kind == _COSIGNATURE else MLDSA44_SIGNATURE):
            raise RemoteError(Code.BAD_SIGNATURE, "signature of a note has another length")
        if kind == _COSIGNATURE:
            verify_raw(half, cosignature_text(text, at), signature)
        else:
            verify_mldsa44(half, cosigned_message(name, at, Checkpoint.parse(text)), signature)
        yield at
