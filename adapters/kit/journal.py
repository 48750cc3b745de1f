"""The memory of an adapter whose case system cannot remember: keys, ids and states, nothing of what a message says.

settled   how the reading of a record ended, and its version then
handed    the local id of an item, once for each key
erased    the answer to erasing it
fact      anything else that has a name; the last value counts
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

import orjson

from adapters.kit.memory import Memory, told_of_file
from adapters.kit.threads import in_thread
from gateway.errors import Code, RefusedError
from gateway.ports import Erasure, Json, Notice, NoticeKind

P = ParamSpec("P")
T = TypeVar("T")

_SCHEMA = (
    "CREATE TABLE settled (ref TEXT PRIMARY KEY, kind TEXT NOT NULL, version TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE handed (key TEXT PRIMARY KEY, id TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX handed_by_id ON handed (id)",
    "CREATE TABLE erased (id TEXT PRIMARY KEY, answer TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


class Journal:
    """What is remembered at `path`. Blocking; each method is one transaction, and raises what `Memory.open` raises."""

    def __init__(self, path: Path) -> None:
        self._memory = Memory(path, schema=_SCHEMA, take=_take)

    def check(self) -> None:
        """Open the file, as every method does."""
        with self._memory.open():
            pass

    def settle(self, ref: str, notice: Notice, version: str = "") -> None:
        """Record the outcome of reading a record."""
        with self._memory.open() as db:
            _settle(db, ref, str(notice.kind), version)

    def is_settled(self, ref: str) -> bool:
        """Whether the reading of a record ended somehow."""
        return self._find("SELECT ref FROM settled WHERE ref = ?", ref) is not None

    def is_due(self, ref: str, version: str) -> bool:
        """Whether a record has to be pulled: it was never settled, or was refused at another version."""
        with self._memory.open() as db:
            found = db.execute("SELECT kind, version FROM settled WHERE ref = ?", (ref,)).fetchone()
        kind, then = found or (NoticeKind.REFUSED, None)
        return kind != NoticeKind.DRAFTED and then != version

    def is_drafted(self, ref: str) -> bool:
        """Whether a record became a draft."""
        return self._find("SELECT kind FROM settled WHERE ref = ?", ref) == NoticeKind.DRAFTED

    def hand(self, key: str, local_id: str) -> None:
        """Record that the item with this key is in the case system, and its id there."""
        with self._memory.open() as db:
            db.execute("INSERT OR REPLACE INTO handed VALUES (?, ?)", (key, local_id))

    def id_of(self, key: str) -> str | None:
        """Return the local id of the item with this key."""
        return self._find("SELECT id FROM handed WHERE key = ?", key)

    def key_of(self, local_id: str) -> str | None:
        """Return the key of the item with this local id."""
        return self._find("SELECT key FROM handed WHERE id = ?", local_id)

    def handed_under(self, start: str) -> dict[str, str]:
        """Return the local ids that begin so, by key."""
        with self._memory.open() as db:
            return dict(db.execute("SELECT key, id FROM handed WHERE substr(id, 1, ?) = ?", (len(start), start)))

    def erase(self, local_id: str, answer: Erasure) -> None:
        """Record the answer to erasing this item."""
        with self._memory.open() as db:
            db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (local_id, str(answer)))

    def answer_to_erasing(self, local_id: str) -> Erasure | None:
        """Return the answer to erasing this item, None where it was not."""
        found = self._find("SELECT answer FROM erased WHERE id = ?", local_id)
        return None if found is None else Erasure(found)

    def note(self, name: str, value: Json) -> None:
        """Record a fact."""
        with self._memory.open() as db:
            _note(db, name, value)

    def fact(self, name: str) -> Json:
        """Return what was noted under this name; None where nothing was."""
        found = self._find("SELECT value FROM fact WHERE name = ?", name)
        return None if found is None else orjson.loads(found)

    def forget(self, *, refs: Collection[str] = (), facts: Collection[str] = (), keys: Collection[str] = ()) -> None:
        """Take out what names an erased record: how the reading of these ended, these facts, items of these keys."""
        with self._memory.open() as db:
            db.executemany("DELETE FROM settled WHERE ref = ?", [(ref,) for ref in refs])
            db.executemany("DELETE FROM fact WHERE name = ?", [(name,) for name in facts])
            for key in keys:
                db.execute("DELETE FROM erased WHERE id = (SELECT id FROM handed WHERE key = ?)", (key,))
                db.execute("DELETE FROM handed WHERE key = ?", (key,))

    def find(self, name: str) -> str:
        """Return the local id of an item by this id, or by its key. Raises as `require`."""
        local_id = self.id_of(name) or name
        self.require(local_id)
        return local_id

    def require(self, local_id: str) -> None:
        """Check that a local id was given. Raises RefusedError(not_found) otherwise."""
        if self.key_of(local_id) is None:
            raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")

    def _find(self, statement: str, value: str) -> str | None:
        with self._memory.open() as db:
            found = db.execute(statement, (value,)).fetchone()
        return None if found is None else str(found[0])


def _settle(db: sqlite3.Connection, ref: str, kind: str, version: str) -> None:
    db.execute("INSERT OR REPLACE INTO settled VALUES (?, ?, ?)", (ref, kind, version))


def _note(db: sqlite3.Connection, name: str, value: Json) -> None:
    db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, orjson.dumps(value).decode()))


def _take(db: sqlite3.Connection, line: Json) -> None:
    """Take over one line of the file of before."""
    match line:
        case {"op": "settled", "ref": str(ref), "kind": str(kind), "version": str(version)}:
            _settle(db, ref, kind, version)
        case {"op": "handed", "key": str(key), "id": str(local_id)}:
            db.execute("INSERT OR REPLACE INTO handed VALUES (?, ?)", (key, local_id))
        case {"op": "erased", "id": str(local_id), "answer": str(answer)}:
            db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (local_id, str(Erasure(answer))))
        case {"op": "fact", "name": str(name), "value": value}:
            _note(db, name, value)
        case _:
            raise ValueError("not a line of a journal")


async def kept(lock: Lock, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Work on a journal in a thread, one piece at a time.

    Raises TransientError where the file cannot be used now, and RefusedError where it was replaced or is damaged.
    """
    with told_of_file():
        return await in_thread(lock, work, *args, **kwargs)
