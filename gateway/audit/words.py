"""Search of the log by the words of its entries: an event, or what an entry names.

The log is cut into blocks of 256 entries, as its lowest tiles are. `audit_words` has for each whole block four bytes of
the hash of every word in it, about 11 bytes for an entry. A search looks for its words there and reads the blocks that
have all of them. Blocks without a row are read: that of the newest entries, and those of a folder of before until the
checkpointer comes to them. So an index that lacks something makes a search slower and never poorer; and it tells
nothing that the entries beside it do not, which hold no content.

It is written behind the moves whose entries it covers, so that a message costs no write more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select

from gateway.audit import store
from gateway.database.functions import place_in
from gateway.database.tables import audit_words
from keys.primitives.encoding import sha256
from keys.primitives.merkle_tree import TILE

MARK = 4
"""Bytes of a word's hash: of ten million blocks without a word, about seven are read in vain."""
BLOCKS_AT_ONCE = 16
READ_AT_MOST = 80
"""Blocks that one page reads; a page that finds little in them is short, and its cursor goes on."""
_EVENT, _NAMED = b"ev ", b"is "


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Entries of this event, and that have this text as a member; None for any."""

    event: str | None = None
    subject: str | None = None

    @property
    def marks(self) -> list[bytes]:
        """What the index has of a block with such an entry."""
        events = [] if self.event is None else [_mark(_EVENT, self.event)]
        return events if self.subject is None else [*events, _mark(_NAMED, self.subject)]

    @property
    def quoted(self) -> list[bytes]:
        """What the bytes of such an entry have in them."""
        return [f'"{word}"'.encode() for word in (self.event, self.subject) if word is not None]

    def holds(self, entry: Mapping[str, Any]) -> bool:
        """Whether this entry is meant."""
        named = self.subject is None or any(entry[name] == self.subject for name in entry.keys() - {"seq", "at", "ev"})
        return named and self.event in (None, entry["ev"])


def search(
    connection: Connection, wanted: Wanted, *, high: int, limit: int
) -> tuple[list[tuple[int, dict[str, Any]]], int]:
    """(seq, entry) of the newest entries up to number `high`, at most `limit`, and up to which number none of the older
    ones was looked at; 0 when all were.
    """
    found: list[tuple[int, dict[str, Any]]] = []
    for read, (low, top) in enumerate(_blocks(connection, wanted, high)):
        if read == READ_AT_MOST:
            return found, top
        for seq, leaf in store.matching(connection, low, top, wanted.quoted, TILE):
            entry = orjson.loads(leaf)
            if wanted.holds(entry):  # its words may stand elsewhere in it
                found.append((seq, entry))
                if len(found) == limit:
                    return found, seq - 1
    return found, 0


def _blocks(connection: Connection, wanted: Wanted, high: int) -> Iterator[tuple[int, int]]:
    """The stretches above `low` up to `top` in which there may be such an entry, newest first."""
    covered = _indexed(connection) * TILE
    while high > covered:
        low = (high - 1) // TILE * TILE
        yield low, high
        high = low
    query = select(audit_words.c.idx).where(audit_words.c.idx < -(-high // TILE)).order_by(audit_words.c.idx.desc())
    for mark in wanted.marks:
        query = query.where(place_in(audit_words.c.words, mark) > 0)
    for index in connection.scalars(query):
        yield index * TILE, min(high, (index + 1) * TILE)


def next_blocks(connection: Connection) -> list[tuple[int, bytes]]:
    """The marks of the next whole blocks that the index lacks: (index, marks), a few at a time."""
    first = _indexed(connection)
    last = min(store.size(connection) // TILE, first + BLOCKS_AT_ONCE)
    return [(index, _marks(connection, index)) for index in range(first, last)]


def put_blocks(connection: Connection, blocks: list[tuple[int, bytes]]) -> None:
    """Write what `next_blocks` found."""
    connection.execute(insert(audit_words), [{"idx": index, "words": marks} for index, marks in blocks])


def _indexed(connection: Connection) -> int:
    """Count the blocks that are in the index: the first ones."""
    last: int | None = connection.scalar(select(func.max(audit_words.c.idx)))
    return 0 if last is None else last + 1


def _marks(connection: Connection, index: int) -> bytes:
    words: set[tuple[bytes, str]] = set()
    for _, leaf in store.leaves(connection, index * TILE + 1, (index + 1) * TILE):
        words.update(_words_of(leaf))
    return b"".join(sorted({_mark(kind, word) for kind, word in words}))


def _words_of(leaf: bytes) -> list[tuple[bytes, str]]:
    """The words of one entry; none of one that was damaged, which is for the examination of the log to name."""
    try:
        entry = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        return []
    members = entry.items() if isinstance(entry, dict) else ()
    return [(_EVENT if name == "ev" else _NAMED, word) for name, word in members if isinstance(word, str)]


def _mark(kind: bytes, word: str) -> bytes:
    return sha256(kind + word.encode())[:MARK]
