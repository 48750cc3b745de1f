"""Reading a file of the ledger: every line is proven by the keys of the node before it is believed (nrm1 13.14)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from gateway.database.atomic_file import read_kept
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from gateway.ledger import store
from gateway.ledger.rules import BEGIN, FILE_LIMIT, FIRST, Entry, Line, chained, named, read_lines, split
from gateway.ledger.store import Named

AT_ONCE = 500
"""Keyed hashes that are asked for together."""


class Hasher(Protocol):
    """The keys, of which only keyed hashes are asked here."""

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """Several calls at once; each answer is a result or what was raised."""
        ...


def keyed(keys: Hasher, names: Sequence[bytes]) -> list[bytes]:
    """The keyed hash of each. Raises TransientError while the key service is away."""
    found: list[bytes] = []
    for start in range(0, len(names), AT_ONCE):
        for value in keys.each("index", [(name,) for name in names[start : start + AT_ONCE]]):
            if isinstance(value, GatewayError):
                raise value
            found.append(value)
    return found


def entries_of(keys: Hasher, rows: Sequence[Named]) -> list[Entry]:
    """The lines of entries of the database."""
    messages = [message for _, message in rows if message is not None]
    hashes = dict(zip(messages, keyed(keys, [named(*message) for message in messages]), strict=True))
    return [row.entry(row.subject if message is None else hashes[message]) for row, message in rows]


def read_ledger(keys: Hasher, path: Path) -> list[Line]:
    """Every line of a file, proven; a piece of a line at its end, as a crash leaves it, is no line.

    Raises:
        RefusedError: not_found, too_large, or invalid, which names the first line that is wrong.
        TransientError: the key service is away.
    """
    try:
        data = read_kept(path, FILE_LIMIT)
    except OSError as error:
        raise RefusedError(Code.NOT_FOUND, f"the ledger {path} cannot be read", hint="check the path") from error
    if data is None:
        raise RefusedError(Code.NOT_FOUND, f"there is no ledger {path}", hint="[backup] ledger of node.toml names it")
    if len(data) > FILE_LIMIT:
        raise RefusedError(Code.TOO_LARGE, f"{path.name} is larger than a ledger can be")
    whole, piece = split(data)
    if piece and not whole and not data.startswith(BEGIN):
        raise _damaged(path, "it is another kind of file")
    try:
        lines = read_lines(whole)
    except RemoteError as error:
        raise _damaged(path, error.what) from error
    previous = [FIRST, *(line.mac for line in lines)]
    proofs = keyed(keys, [chained(before, line.entry) for before, line in zip(previous, lines, strict=False)])
    for place, (proof, line) in enumerate(zip(proofs, lines, strict=True), 1):
        if proof != line.mac:
            raise _damaged(path, f"line {place}: this node did not write it there")
    if lines and lines[0].entry.n != 1:
        raise _damaged(path, "line 1: a line before it is missing")
    return lines


def _damaged(path: Path, what: str) -> RefusedError:
    return RefusedError(
        Code.INVALID, f"{path.name} is no whole ledger of this node: {what}", hint="take the other copy of the ledger"
    )


def newer_than_stored(keys: Hasher, connection: Connection, lines: Sequence[Line]) -> list[Entry]:
    """The lines that this database does not have.

    Raises:
        RefusedError: invalid; the file does not go on from what the database knows.
    """
    last = store.last(connection)
    if last is None:
        return [line.entry for line in lines]
    if len(lines) < last.n or lines[last.n - 1].entry != entries_of(keys, store.after(connection, last.n - 1, 1))[0]:
        raise RefusedError(
            Code.INVALID,
            "the ledger does not go on from what the database knows",
            hint="take the ledger of this very node, and its newest copy",
        )
    return [line.entry for line in lines[last.n :]]
