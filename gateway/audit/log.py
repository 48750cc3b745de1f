"""The audit log of this node as a tree: compared at the start, signed, proven, examined (nrm1 11.1).

`start`       before anything is written: the tail against the last checkpoints, in the database and kept beside it. A
              log that lost or changed entries is not run on
`last_dated`  the latest time it knows of, which no clock can be before (nrm1 12.17)
`checkpoint`  the tiles and a signed tree head; when, and who cosigns it, is `gateway.audit.checkpointer`'s
`prove`       inclusion proofs of entries
`verify`      every entry

Moves write leaf bytes only; everything here reads them later, in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.store import CheckpointRow
from gateway.audit.verify import LogReport, Parties, Stored, examine
from gateway.audit.witness_rules import quorum
from gateway.database.atomic_file import read_kept, write_kept
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError
from gateway.identity.identity import Identity
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.signed_note import (
    NOTE_LIMIT,
    Checkpoint,
    NoteSignature,
    SignedNote,
    open_checkpoint,
    read_cosignatures,
    verify_cosignatures,
)
from keys.primitives.encoding import parse
from keys.primitives.merkle_tree import TILE, prove_inclusion
from keys.primitives.sign import PublicKey

TILES_AT_ONCE: Final = 16
ROLLED_BACK: Final = "the audit log was rolled back or changed"
WHAT_TO_DO: Final = "trm audit verify names each bad entry; docs/operations.md, A log was rolled back, says what to do"


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


class Witness(Protocol):
    """What is asked of a peer here."""

    @property
    def node(self) -> str:
        """Its node id."""
        ...

    @property
    def state(self) -> PeerState:
        """Where trust stands; only active peers count for the quorum."""
        ...

    @property
    def chain(self) -> tuple[Descriptor, ...]:
        """Its verified descriptors."""
        ...


# --- what the log is judged by ------------------------------------------------------------------------------------


def parties(chain: Sequence[Descriptor], peers: Iterable[Witness]) -> Parties:
    """The log's own keys and those of every node that ever was a peer, out of their whole chains."""
    known = tuple(peers)
    return Parties(
        node=chain[-1].node,
        origin=chain[-1].log,
        log_keys=_keys(chain, Use.LOG),
        witnesses={peer.node: _keys(peer.chain, Use.WIT) for peer in known},
        quorum=quorum(sum(peer.state is PeerState.ACTIVE for peer in known)),
        revoked=frozenset(key for peer in known for key in _revoked(peer.chain)),
    )


class AuditLog:
    """The audit log of a running node.

    `kept` is where the last checkpoint lies beside the database. `halted` says why nothing departs now: the log was
    rolled back, or no witness has confirmed yet that it was not. `confirmed` are the peers that cosigned since the
    start, `writing` guards what is signed and kept.
    """

    def __init__(self, *, store: Store, identity: Identity, peers: PeerRegistry, clock: Clock, kept: Path) -> None:
        self._store = store
        self._identity = identity
        self._peers = peers
        self._clock = clock
        self.kept = kept
        self.halted: Code | None = None
        self.confirmed: set[str] = set()
        self.writing = asyncio.Lock()

    def parties(self) -> Parties:
        """The own keys and those of every node that ever was a peer, as they are now."""
        return parties(self._identity.own.chain, self._peers.all())

    async def start(self) -> None:
        """Compare the log with its last checkpoints.

        Raises:
            RefusedError: log_rolled_back, which names the first bad entry; nothing was started or written.
        """
        who, kept = self.parties(), read_kept(self.kept, NOTE_LIMIT)
        fault = await self._store.read(lambda c: _tail_fault(c, who, kept))
        if fault is not None:
            verdict = await self._store.read(lambda c: verify(c, who, kept))
            first = next((f"{found.place} {found.rule}" for found in verdict.findings), fault)
            raise RefusedError(
                Code.LOG_ROLLED_BACK,
                f"{ROLLED_BACK}: {first}; nothing was started",
                hint=WHAT_TO_DO,
                findings=verdict.findings,
            )
        if kept is None and who.quorum:
            self.halted = Code.LOG_UNCONFIRMED

    async def goes_on(self) -> bool:
        """Whether the log is not behind its last checkpoints, so that `start` does not refuse it."""
        who, kept = self.parties(), read_kept(self.kept, NOTE_LIMIT)
        return await self._store.read(lambda c: _tail_fault(c, who, kept)) is None

    async def last_dated(self) -> int:
        """Find the latest time of the log: of its last entry, of its checkpoints, of a witness; 0 for none."""
        who, kept = self.parties(), read_kept(self.kept, NOTE_LIMIT)
        return await self._store.read(lambda c: _last_dated(c, who, kept))

    async def checkpoint(self) -> CheckpointRow:
        """Sign the tree as it is now, unless the newest checkpoint has that size; the newest checkpoint.

        Raises:
            RefusedError: the node has no key for its log now, or the log is halted as rolled back.
            TransientError: disk.
        """
        async with self.writing:
            if self.halted is Code.LOG_ROLLED_BACK:
                raise RefusedError(Code.LOG_ROLLED_BACK, f"{ROLLED_BACK}; nothing is signed for it", hint=WHAT_TO_DO)
            while await self._tile():
                pass
            size, root, rest, newest = await self._store.read(_head)
            if newest is not None and newest.size >= size:
                if not self.kept.exists():
                    await self.keep()
                return newest
            text = Checkpoint(origin=self._identity.own.descriptor.log, size=size, root=root).text
            signature = NoteSignature.of(self._identity.own.descriptor.log, self._identity.keys.sign_log(text))
            note = SignedNote(text=text, signatures=(signature,))
            row = CheckpointRow(size=size, note=note.encode(), at=self._clock.now())

            def move(connection: Connection) -> None:
                if rest:
                    store.put_tiles(connection, [(0, size // TILE, b"".join(rest))])
                store.add_checkpoint(connection, row)

            await self._store.move(move)
            await self.keep()
            return row

    async def _tile(self) -> bool:
        """Write the next full tiles; whether there were some."""

        def due(connection: Connection) -> list[tuple[int, int, bytes]]:
            done = store.tiled(connection)
            size = min(store.size(connection) // TILE * TILE, done + TILES_AT_ONCE * TILE)
            return list(store.tree(connection, size).full(done))

        found = await self._store.read(due)
        if found:
            await self._store.move(lambda c: store.put_tiles(c, found))
        return bool(found)

    async def keep(self) -> None:
        """The newest checkpoint and its cosignatures into the file beside the database."""

        def newest(connection: Connection) -> bytes | None:
            row = store.newest_checkpoint(connection)
            return None if row is None else _cosigned(connection, row).encode()

        note = await self._store.read(newest)
        if note is not None:
            await asyncio.to_thread(write_kept, self.kept, note)


def _keys(chain: Sequence[Descriptor], use: Use) -> tuple[PublicKey, ...]:
    found = {record.kid: record.public for version in chain for record in version.keys if record.use is use}
    return tuple(found.values())


def _revoked(chain: Sequence[Descriptor]) -> Iterable[PublicKey]:
    gone = {revocation.kid for revocation in chain[-1].revoked}
    return {record.public for version in chain for record in version.keys if record.kid in gone}


def verify(connection: Connection, who: Parties, kept: bytes | None) -> LogReport:
    """Examine the whole log, entry by entry (`gateway.audit.verify`)."""
    stored = Stored(
        checkpoints=[(row.size, row.note) for row in store.checkpoints(connection)],
        cosignatures=[(row.size, row.peer, row.line) for row in store.cosignatures(connection)],
        tile=lambda level, index: store.tile(connection, level, index),
        kept=kept,
    )
    return examine(who, stored, store.leaves(connection))


def prove(connection: Connection, seqs: Iterable[int], *, quorum: int) -> Proof | None:
    """Inclusion proofs of these entries under the newest witnessed checkpoint, or the newest one where none is
    witnessed; None where there is none at all. Entries behind it are left out: `checkpoint` makes a newer one.
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
    note = _cosigned(connection, row)
    return Proof(
        checkpoint=Checkpoint.parse(note.text),
        note=note.encode(),
        witnessed=found is not None,
        entries=tuple(
            Proven(seq=seq, leaf=leaf, path=prove_inclusion(seq - 1, row.size, node)) for seq, leaf in leaves
        ),
    )


def _cosigned(connection: Connection, row: CheckpointRow) -> SignedNote:
    rows = store.cosignatures(connection, row.size)
    return SignedNote.decode(row.note).plus(signature for found in rows for signature in readable(found.line))


def readable(*lines: bytes) -> tuple[NoteSignature, ...]:
    """The first of these stored cosignatures that is one; none where a hand has spoilt them, which `verify` names."""
    for line in lines:
        with suppress(RemoteError):
            return read_cosignatures(line)
    return ()


# --- start ---------------------------------------------------------------------------------------------------------


def _tail_fault(connection: Connection, who: Parties, kept: bytes | None) -> str | None:
    """Why the log is not what was signed last. Only entries outside of full tiles are read; `verify` reads all."""
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


def _last_dated(connection: Connection, who: Parties, kept: bytes | None) -> int:
    """The latest time that the log knows of: of its last entry, of its checkpoints, of a witness."""
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


# --- checkpoints ---------------------------------------------------------------------------------------------------


def _head(connection: Connection) -> tuple[int, bytes, tuple[bytes, ...], CheckpointRow | None]:
    """Size and root of the tree, the hashes of its last tile if that is not full, and the newest checkpoint."""
    size = store.size(connection)
    tree = store.tree(connection, size)
    rest = tree.tile(0, size // TILE) if size % TILE else ()
    return size, tree.root(), rest, store.newest_checkpoint(connection)
