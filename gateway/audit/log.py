"""The audit log of this node as a tree: compared at the start, signed, proven, examined (nrm1 11.1).

`start`       before anything is written: the tail against the last checkpoints, in the database and kept beside it. A
              log that lost or changed entries is not run on
`last_dated`  the latest time it knows of, which no clock can be before (nrm1 12.17)
`index`       the words of its entries, for who searches (`gateway.audit.words`)
`checkpoint`  the tiles and a signed tree head; when, and who cosigns it, is `gateway.audit.checkpointer`'s
`verify`      every entry

Proofs of entries are in `gateway.audit.proofs`, the comparison at the start in `gateway.audit.tail`.

Moves write leaf bytes only; everything here reads them later, in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection

from gateway.audit import store, words
from gateway.audit.proofs import cosigned_note
from gateway.audit.store import CheckpointRow
from gateway.audit.tail import find_last_date, find_tail_fault
from gateway.audit.verify import LogReport, Parties, Stored, examine
from gateway.audit.witness_rules import quorum
from gateway.database.atomic_file import read_kept, write_kept
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.identity.identity import Identity
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.signed_note import NOTE_LIMIT, Checkpoint, SignedNote, read_signatures
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.merkle_tree import TILE

TILES_AT_ONCE: Final = 16
ROLLED_BACK: Final = "the audit log was rolled back or changed"
WHAT_TO_DO: Final = "trm audit verify names each bad entry; docs/operations.md, A log was rolled back, says what to do"


class Witness(Protocol):
    """What is asked of a peer here."""

    @property
    def node(self) -> NodeId:
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
        self.confirmed: set[NodeId] = set()
        self.writing = asyncio.Lock()

    def parties(self) -> Parties:
        """Return the own keys and those of every node that ever was a peer, as they are now."""
        return parties(self._identity.own.chain, self._peers.all())

    async def start(self) -> None:
        """Compare the log with its last checkpoints.

        Raises:
            RefusedError: log_rolled_back, which names the first bad entry; nothing was started or written.
        """
        who, kept = self.parties(), read_kept(self.kept, NOTE_LIMIT)
        fault = await self._store.read(lambda c: find_tail_fault(c, who, kept))
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
        return await self._store.read(lambda c: find_tail_fault(c, who, kept)) is None

    async def last_dated(self) -> int:
        """Find the latest time of the log: of its last entry, of its checkpoints, of a witness; 0 for none."""
        who, kept = self.parties(), read_kept(self.kept, NOTE_LIMIT)
        return await self._store.read(lambda c: find_last_date(c, who, kept))

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
            note = SignedNote(text=text, signatures=read_signatures(self._identity.keys.sign_log(text)))
            row = CheckpointRow(size=size, note=note.encode(), at=self._clock.now())

            def move(connection: Connection) -> CheckpointRow:
                # A larger one is another worker's: its last tile has more hashes, and stays.
                if store.add_checkpoint(connection, row) and rest:
                    store.put_tiles(connection, [(0, size // TILE, b"".join(rest))])
                return store.newest_checkpoint(connection) or row

            made = await self._store.move(move)
            await self.keep()
            return made

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

    async def index(self) -> None:
        """Put the next whole blocks of the log into its index of words, a few at a time."""
        found = await self._store.read(words.next_blocks)
        if found:
            await self._store.move(lambda c: words.put_blocks(c, found))

    async def keep(self) -> None:
        """Write the newest checkpoint and its cosignatures into the file beside the database; not while nobody has
        confirmed that it is the newest, or the next start would take it for confirmed.
        """
        if self.halted is Code.LOG_UNCONFIRMED:
            return

        def newest(connection: Connection) -> bytes | None:
            row = store.newest_checkpoint(connection)
            return None if row is None else cosigned_note(connection, row).encode()

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


# --- checkpoints ---------------------------------------------------------------------------------------------------


def _head(connection: Connection) -> tuple[int, bytes, tuple[bytes, ...], CheckpointRow | None]:
    """Size and root of the tree, the hashes of its last tile if that is not full, and the newest checkpoint."""
    size = store.size(connection)
    tree = store.tree(connection, size)
    rest = tree.tile(0, size // TILE) if size % TILE else ()
    return size, tree.root(), rest, store.newest_checkpoint(connection)
