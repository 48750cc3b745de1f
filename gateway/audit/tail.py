"""The end of the audit log against what was signed last: the checkpoints in the database and the one kept beside it."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.verify import Parties
from gateway.errors import RemoteError
from keys.documents.log_signatures import open_checkpoint, verify_cosignatures
from keys.documents.signed_note import NOTE_LIMIT, Checkpoint, SignedNote
from keys.primitives.encoding import parse


def find_tail_fault(connection: Connection, who: Parties, kept: bytes | None) -> str | None:
    """Compare the log with what was signed last; None where it holds, else in words why it does not.

    Only entries outside of full tiles are read; `gateway.audit.log.verify` reads all.
    """
    total, row = store.size(connection), store.newest_checkpoint(connection)
    expected = store.tiled(connection) + 1
    for seq, _ in store.leaves(connection, expected):
        if seq != expected:
            return f"leaf {expected} is missing"
        expected += 1
    heads = []
    try:
        for data in (None if row is None else row.note, kept):
            note = None if data is None else SignedNote.decode(data)
            if note is not None and Checkpoint.parse(note.text).origin == who.origin:
                heads.append(open_checkpoint(note, who.origin, who.log_keys))
    except RemoteError as error:
        return f"the last checkpoint does not verify: {error.what}"
    for head in heads:
        if head.size > total or expected != total + 1:
            return f"it has {total} entries, and a checkpoint over {head.size} was signed"
        if store.tree(connection, head.size).root() != head.root:
            return f"its first {head.size} entries are not those of the checkpoint"
    if heads and (row is None or heads[-1].size > row.size):
        return "the database does not have the checkpoint that is kept beside it"
    return None


def find_last_date(connection: Connection, who: Parties, kept: bytes | None) -> int:
    """Find the latest time that the log knows of, in Unix seconds: of its last entry, its checkpoints, a witness."""
    row, total = store.newest_checkpoint(connection), store.size(connection)
    times = [0 if row is None else row.at]
    with suppress(RemoteError):  # what is no leaf is named by `verify`
        for _, leaf in store.leaves(connection, total, total):
            value = parse(leaf, limit=NOTE_LIMIT)
            at = value.get("at") if isinstance(value, dict) else None
            times += [at] if isinstance(at, int) else []
    with suppress(RemoteError):
        times += [] if kept is None else verify_cosignatures(SignedNote.decode(kept), who.witnesses).values()
    return max(times)
