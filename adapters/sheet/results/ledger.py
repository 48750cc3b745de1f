"""What the result workbook shows, and the database that keeps it.

A workbook cannot be appended to, so it is only a picture: the truth lies in a database beside it.

    settled   what became of a row when it was read, and its state then; an empty one is not known any more
    item      a delivery or a notice, once for each key
    erased    the item of this key was here and is gone
    change    how often any of this has changed
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.kit.files import PRIVATE
from adapters.kit.items import item_from_json, item_to_json, notice_from_json, notice_to_json
from adapters.kit.memory import Memory
from gateway.ports import Delivery, Json, Notice, NoticeKind

_LINE = 4 << 20
_DEPTH = 32
_CLOSING = (NoticeKind.DISCARDED, NoticeKind.CANCELLED)
_SCHEMA = (
    "CREATE TABLE settled (ref TEXT PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, notice TEXT NOT NULL,"
    " columns TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE item (key TEXT PRIMARY KEY, ref TEXT, kind TEXT, received INTEGER, document TEXT NOT NULL) STRICT",
    "CREATE INDEX item_by_ref ON item (ref, kind) WHERE ref IS NOT NULL",
    "CREATE INDEX item_by_time ON item (received, key) WHERE received IS NOT NULL",
    "CREATE TABLE erased (key TEXT PRIMARY KEY, message_id TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE change (number INTEGER NOT NULL) STRICT",
    "INSERT INTO change VALUES (0)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of reading a row, and the row's state then."""

    kind: NoticeKind
    state: str


class Ledger:
    """What one transaction sees and writes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # --- reading -------------------------------------------------------------------------------------------------

    def changes(self) -> int:
        """Return how often anything has changed here."""
        (number,) = self._db.execute("SELECT number FROM change").fetchone()
        return int(number)

    def settled(self, ref: str) -> Settled | None:
        """Return the outcome of reading a row."""
        found = self._db.execute("SELECT kind, state FROM settled WHERE ref = ?", (ref,)).fetchone()
        return None if found is None else Settled(kind=NoticeKind(found[0]), state=found[1])

    def is_closed(self, ref: str) -> bool:
        """Whether a person has put the draft of a record aside."""
        statement = "SELECT 1 FROM item WHERE ref = ? AND kind IN (?, ?)"
        return self._db.execute(statement, (ref, *map(str, _CLOSING))).fetchone() is not None

    def knows(self, key: str) -> bool:
        """Whether the item of this key is or was here."""
        return self.has(key) or self._db.execute("SELECT 1 FROM erased WHERE key = ?", (key,)).fetchone() is not None

    def has(self, key: str) -> bool:
        """Whether the item of this key is here."""
        return self._db.execute("SELECT 1 FROM item WHERE key = ?", (key,)).fetchone() is not None

    def message_of(self, key: str) -> str:
        """Return the message id of the item of this key, empty where it has none."""
        found = self._db.execute("SELECT document ->> 'message_id' FROM item WHERE key = ?", (key,)).fetchone()
        return str(found[0] or "") if found else ""

    def notices(self) -> Iterator[Notice]:
        """Yield every notice, those of settling included."""
        told = "SELECT document FROM item WHERE ref IS NOT NULL ORDER BY rowid"
        for query in ("SELECT notice FROM settled", told):
            yield from (notice_from_json(json.loads(document)) for (document,) in self._db.execute(query))

    def columns(self) -> dict[str, str]:
        """Return the labels of columns by place, as far as findings name them."""
        named = self._db.execute("SELECT columns FROM settled WHERE columns != '{}'")
        return {place: label for (columns,) in named for place, label in json.loads(columns).items()}

    def deliveries(self) -> Iterator[Delivery]:
        """Yield every received message that was not erased, oldest first."""
        received = "SELECT document FROM item WHERE received IS NOT NULL ORDER BY received, key"
        for (document,) in self._db.execute(received):
            item = item_from_json(json.loads(document))
            if isinstance(item, Delivery):
                yield item

    def erased_messages(self) -> list[str]:
        """Return the ids of the messages that were here and are gone."""
        return [id for (id,) in self._db.execute("SELECT message_id FROM erased WHERE message_id != '' ORDER BY key")]

    # --- writing -------------------------------------------------------------------------------------------------

    def settle(self, ref: str, state: str, notice: Notice, columns: Mapping[str, str]) -> None:
        """Note what became of a row; `columns` has the label of the column for each place that the notice names."""
        said = _write(notice_to_json(notice))
        known = self._db.execute("SELECT state, notice FROM settled WHERE ref = ?", (ref,)).fetchone()
        if known != (state, said):
            row = (ref, state, str(notice.kind), said, _write(dict(columns)))
            self._db.execute("INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?, ?)", row)
            self._count()

    def add(self, item: Delivery | Notice) -> None:
        """Note an item; one that is or was here changes nothing."""
        if self.knows(item.key):
            return
        of = (item.ref, str(item.kind), None) if isinstance(item, Notice) else (None, None, item.received)
        self._db.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", (item.key, *of, _write(item_to_json(item))))
        self._count()

    def erase(self, key: str, message_id: str) -> None:
        """Take out an item, and note that it was here."""
        self._db.execute("DELETE FROM item WHERE key = ?", (key,))
        self._db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (key, message_id))
        self._count()

    def forget(self, ref: str) -> bool:
        """Take out how the reading of a record ended, and the news about it; returns whether there was any."""
        read = self._db.execute("DELETE FROM settled WHERE ref = ?", (ref,)).rowcount
        told = self._db.execute("DELETE FROM item WHERE ref = ?", (ref,)).rowcount
        if known := bool(read + told):
            self._count()
        return known

    def _count(self) -> None:
        self._db.execute("UPDATE change SET number = number + 1")


class Journal:
    """The database. Blocking; other processes may use it too, one after another."""

    def __init__(self, path: Path, mode: int = PRIVATE) -> None:
        self._memory = Memory(path, schema=_SCHEMA, take=_take, line_limit=_LINE, depth=_DEPTH, mode=mode)

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        """Work on the ledger in one transaction. Raises what `Memory.open` raises."""
        with self._memory.open() as db:
            yield Ledger(db)


def _take(db: sqlite3.Connection, line: Json) -> None:
    """Take over one line of the file of before. Raises ValueError for what is none."""
    ledger = Ledger(db)
    match line:
        case {"op": "settle", "ref": str(ref), "state": str(state), "notice": notice, "columns": dict(columns)}:
            labels = {place: str(label) for place, label in columns.items()}
            ledger.settle(ref, state, notice_from_json(notice), labels)
        case {"op": "push", "item": document}:
            ledger.add(item_from_json(document))
        case {"op": "erased", "key": str(key), "message_id": str(message_id)}:
            ledger.erase(key, message_id)
        case _:
            raise ValueError("not a line of a journal")


def _write(document: Json) -> str:
    """Write a document in ASCII: a text of SQLite cannot hold half a character, and a message may."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
