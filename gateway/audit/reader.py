"""The audit log as people and auditors see it: how it stands, examined, exported. Of a running node, or of a folder
that nobody runs, for which no passphrase is needed: everything here is public keys and signatures.

An export is lines of canonical JSON, each one object, bytes in base64url; `docs/audit-log.md` has them and
`docs/verify_audit.py` reads them. It comes in pages, so that a log of any length passes through the local API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from gateway.audit import log
from gateway.audit import store as audit
from gateway.audit.log import AuditLog
from gateway.audit.verify import Parties
from gateway.database.atomic_file import read_kept
from gateway.database.engine import Store
from gateway.errors import Code
from gateway.foundation.ids import NodeId
from gateway.identity import store as identity_store
from gateway.identity.own_identity import OwnIdentity
from gateway.peers import store as peer_rows
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Json
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.descriptor_chain import accept_chain
from keys.documents.signed_note import NOTE_LIMIT
from keys.primitives.encoding import DAY, b64u, canon
from keys.primitives.merkle_tree import TILE
from keys.primitives.sign import SignedDocument

FORMAT = "nrm.audit/1"
ENTRIES_AT_ONCE = 8 * TILE
FAR = 10 * 365 * DAY
"""A stored chain was accepted when it came, and is not judged by the clock again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A peer as a witness: its verified chain, and whether it is asked."""

    node: NodeId
    name: str
    state: PeerState
    chain: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReader:
    """One node's log with everything by which it is judged."""

    store: Store
    kept: Path
    chain: tuple[Descriptor, ...]
    peers: tuple[Known, ...]
    now: int
    halted: Code | None

    @property
    def who(self) -> Parties:
        """Keys and quorum."""
        return log.parties(self.chain, self.peers)


def of_running(store: Store, own: OwnIdentity, peers: PeerRegistry, log: AuditLog, clock: Clock) -> LogReader:
    """The log of a running node."""
    return LogReader(
        store=store,
        kept=log.kept,
        chain=own.chain,
        peers=tuple(Known(node=p.node, name=p.name, state=p.state, chain=p.chain) for p in peers.all()),
        now=clock.now(),
        halted=log.halted,
    )


async def of_stopped(store: Store, kept: Path, now: int) -> LogReader:
    """The log in a folder that nobody runs."""
    own, rows = await store.read(lambda c: (identity_store.own_chain(c), peer_rows.load(c)))
    peers = (
        Known(node=row.node, name=row.name, state=PeerState(row.state), chain=_accepted(row.chain, now)) for row in rows
    )
    return LogReader(store=store, kept=kept, chain=_accepted(own, now), peers=tuple(peers), now=now, halted=None)


def _accepted(documents: Sequence[bytes], now: int) -> tuple[Descriptor, ...]:
    return tuple(accept_chain([SignedDocument.decode(data, *DESCRIPTORS) for data in documents], now + FAR))


# --- how it stands, and whether it holds --------------------------------------------------------------------------


async def show(book: LogReader) -> dict[str, Json]:
    """Entries, newest checkpoint, newest witnessed one; without looking at every entry."""
    who, names = book.who, {peer.node: peer.name for peer in book.peers}

    def query(connection: Connection) -> dict[str, Json]:
        newest = audit.newest_checkpoint(connection)
        witnessed = audit.newest_witnessed(connection, who.quorum)
        partly = audit.newest_partly_witnessed(connection) if witnessed is None else None

        def cosigned(row: audit.CheckpointRow | None) -> Json:
            if row is None:
                return None
            by: list[Json] = [
                {"peer": names.get(found.peer, found.peer), "node": found.peer, "at": found.at}
                for found in audit.cosignatures(connection, row.size)
            ]
            return {"size": row.size, "by": by}

        return {
            "origin": who.origin,
            "entries": audit.size(connection),
            "checkpoint": None if newest is None else {"size": newest.size, "at": newest.at},
            "witnessed": cosigned(witnessed),
            "partly_witnessed": cosigned(partly),
            "quorum": who.quorum,
            "halted": None if book.halted is None else str(book.halted),
        }

    return await book.store.read(query)


async def verify(book: LogReader) -> dict[str, Json]:
    """Every entry, checkpoint, tile and cosignature (`gateway.audit.verify`); a log that nobody witnesses says so."""
    who, kept = book.who, read_kept(book.kept, NOTE_LIMIT)
    found = await book.store.read(lambda c: log.verify(c, who, kept))
    names = {peer.node: peer.name for peer in book.peers}
    by: list[Json] = [{"peer": names[node], "node": node, "at": at} for node, at in sorted(found.by.items())]
    return {
        "ok": not found.findings,
        "origin": who.origin,
        "entries": found.leaves,
        "checkpoints": found.checkpoints,
        "newest": found.newest,
        "witnessed": None if found.witnessed is None else {"size": found.witnessed, "by": by},
        "partly_witnessed": None if found.partly is None else {"size": found.partly, "by": by},
        "quorum": who.quorum,
        "findings": [finding.to_json() for finding in found.findings],
    }


# --- the export ---------------------------------------------------------------------------------------------------


async def export(book: LogReader, after: int | None, upto: int) -> dict[str, Json]:
    """One page of lines: the head for `after` None, else entries behind `after`; `next` is what to ask for then, None
    at the end. `upto` is how many entries the head has announced.
    """
    if after is None:
        kept = read_kept(book.kept, NOTE_LIMIT)  # before the database: it is written after it
        lines, upto = await book.store.read(lambda c: _head(c, book, kept))
        return {"lines": lines, "upto": upto, "next": 0}
    end = min(upto, after + ENTRIES_AT_ONCE)
    lines = await book.store.read(lambda c: [*_entries(c, after, end, upto)])
    return {"lines": lines, "upto": upto, "next": end if end < upto else None}


def _head(connection: Connection, book: LogReader, kept: bytes | None) -> tuple[list[Json], int]:
    upto, rows = audit.size(connection), audit.cosignatures(connection)
    cosigners = {row.peer for row in rows}
    head: dict[str, Json] = {
        "type": FORMAT,
        "node": book.who.node,
        "origin": book.who.origin,
        "quorum": book.who.quorum,
        "at": book.now,
        "chain": _documents(book.chain),
        "witnesses": [
            {"node": peer.node, "chain": _documents(peer.chain)}
            for peer in sorted(book.peers, key=lambda peer: peer.node)
            if peer.node in cosigners
        ],
    }
    lines: list[Json] = [_line(head)]
    lines += [_line({"checkpoint": row.size, "note": b64u(row.note)}) for row in audit.checkpoints(connection)]
    lines += [_line({"cosignature": row.size, "by": row.peer, "line": b64u(row.line)}) for row in rows]
    lines += [] if kept is None else [_line({"kept": b64u(kept)})]
    return lines, upto


def _entries(connection: Connection, after: int, end: int, upto: int) -> Iterator[Json]:
    """Entries, each tile behind the last entry below it, and the end."""
    for seq, leaf in audit.leaves(connection, after + 1, end):
        yield _line({"seq": seq, "leaf": b64u(leaf)})
    for level, index in _tiles_below(after, end, upto):
        hashes = audit.tile(connection, level, index)
        if hashes is not None:
            yield _line({"tile": [level, index], "hashes": b64u(hashes)})
    if end == upto:
        yield _line({"end": upto})


def _tiles_below(after: int, end: int, upto: int) -> Iterator[tuple[int, int]]:
    """The tiles whose last entry is behind `after` and not behind `end`; the last one of all may not be full."""
    level, span = 0, TILE
    while after // span != end // span:
        yield from ((level, index) for index in range(after // span, end // span))
        level, span = level + 1, span * TILE
    if end == upto and upto % TILE:
        yield 0, upto // TILE


def _documents(chain: Sequence[Descriptor]) -> list[Json]:
    return [descriptor.document.to_json() for descriptor in chain]


def _line(value: Mapping[str, Json]) -> str:
    return canon(dict(value)).decode("utf-8")
