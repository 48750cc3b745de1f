"""Inclusion proofs of entries of the audit log, under a signed checkpoint and its cosignatures (nrm1 11.1)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.store import CheckpointRow
from gateway.errors import RemoteError
from keys.documents.signed_note import Checkpoint, NoteSignature, SignedNote, read_signatures
from keys.primitives.merkle_tree import prove_inclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One entry of the log and its audit path to the root of the checkpoint."""

    seq: int
    leaf: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Entries under one checkpoint; `note` has the log's signature and every cosignature there is."""

    checkpoint: Checkpoint
    note: bytes
    witnessed: bool
    entries: tuple[Proven, ...]


def prove(connection: Connection, seqs: Iterable[int], *, quorum: int) -> Proof | None:
    """Prove these entries under the newest witnessed checkpoint, or the newest one where none is witnessed.

    None where there is no checkpoint at all. Entries behind it are left out: `AuditLog.checkpoint` makes a newer one.
    """
    found = store.newest_witnessed(connection, quorum)
    row = found or store.newest_checkpoint(connection)
    if row is None:
        return None
    node = store.tree(connection, row.size).node
    leaves = [
        (seq, leaf)
        for wanted in sorted(set(seqs))
        if wanted <= row.size
        for seq, leaf in store.leaves(connection, wanted, wanted)
    ]
    note = cosigned_note(connection, row)
    return Proof(
        checkpoint=Checkpoint.parse(note.text),
        note=note.encode(),
        witnessed=found is not None,
        entries=tuple(
            Proven(seq=seq, leaf=leaf, path=prove_inclusion(seq - 1, row.size, node)) for seq, leaf in leaves
        ),
    )


def cosigned_note(connection: Connection, row: CheckpointRow) -> SignedNote:
    """Build the note of a checkpoint with every stored cosignature that can be read."""
    rows = store.cosignatures(connection, row.size)
    return SignedNote.decode(row.note).plus(signature for found in rows for signature in readable(found.line))


def readable(*lines: bytes) -> tuple[NoteSignature, ...]:
    """Read the first of these stored cosignatures that is one; none where a hand has spoilt them all."""
    for line in lines:
        with suppress(RemoteError):
            return read_signatures(line)
    return ()
