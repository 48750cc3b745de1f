"""The content of the result workbook, and the journal that keeps it.

A workbook cannot be appended to, so it is only a picture: the truth is a file of JSON lines beside it. A line counts
when its newline is on disk; what a kill leaves after the last newline was never acknowledged and is cut off at the next
start.

    {"op": "settle", "ref", "state", "notice", "columns"}   what became of a row when it was read
    {"op": "push", "item"}                                  a delivery or a notice, once for each key
    {"op": "erased", "key", "message_id"}                   the item of this key was here and is gone
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.kit.files import PRIVATE, Entry, Folder
from adapters.kit.items import item_from_json, item_to_json, notice_from_json, notice_to_json
from adapters.kit.journal import replay_lines
from adapters.kit.strict_json import write_line
from gateway.ports import Delivery, Json, Notice, NoticeKind

LIMIT = 512 << 20
_LINE = 4 << 20
_DEPTH = 32
_CLOSING = frozenset({NoticeKind.DISCARDED, NoticeKind.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of reading a row, and the row's state then; an empty state is one that is not known any more.

    ``columns`` has the label of the column for each place that the notice names.
    """

    notice: Notice
    state: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Ledger:
    """The journal in memory. ``closed`` are the refs whose draft a person put aside; ``version`` counts the changes."""

    settled: dict[str, Settled] = field(default_factory=dict)
    items: dict[str, Delivery | Notice] = field(default_factory=dict)
    erased: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    version: int = 0

    def notices(self) -> Iterable[Notice]:
        """Yield every notice, those of settling included."""
        yield from (settled.notice for settled in self.settled.values())
        yield from (item for item in self.items.values() if isinstance(item, Notice))

    def columns(self) -> Mapping[str, str]:
        """Return the labels of columns by place, as far as findings name them."""
        return {place: label for settled in self.settled.values() for place, label in settled.columns.items()}

    def deliveries(self) -> list[Delivery]:
        """Return every received message that was not erased, oldest first."""
        found = [item for item in self.items.values() if isinstance(item, Delivery)]
        return sorted(found, key=lambda item: (item.received, item.key))

    def knows(self, key: str) -> bool:
        """Whether the item of this key is or was here."""
        return key in self.items or key in self.erased

    def apply(self, line: Json) -> None:
        """Apply one line. Raises ValueError for a line that is not of a journal; then nothing has changed."""
        match line:
            case {"op": "settle", "ref": str(ref), "state": str(state), "notice": notice, "columns": dict(columns)}:
                labels = {place: str(label) for place, label in columns.items()}
                self.settled[ref] = Settled(notice=notice_from_json(notice), state=state, columns=labels)
            case {"op": "push", "item": document}:
                item = item_from_json(document)
                self.items.setdefault(item.key, item)
                if isinstance(item, Notice) and item.kind in _CLOSING:
                    self.closed.add(item.ref)
            case {"op": "erased", "key": str(key), "message_id": str(message_id)}:
                self.items.pop(key, None)
                self.erased[key] = message_id
            case _:
                raise ValueError("not a line of a journal")
        self.version += 1

    def forget(self, ref: str) -> bool:
        """Take out how the reading of a record ended, and the news about it; returns whether there was any."""
        told = [key for key, item in self.items.items() if isinstance(item, Notice) and item.ref == ref]
        known = self.settled.pop(ref, None) is not None or bool(told)
        for key in told:
            del self.items[key]
        self.closed.discard(ref)
        self.version += known
        return known

    def lines(self) -> list[Json]:
        """Return the shortest journal that yields this ledger."""
        settled = [settle_line(ref, row.state, row.notice, row.columns) for ref, row in self.settled.items()]
        pushed = [push_line(item) for item in self.items.values()]
        return [*settled, *pushed, *(erased_line(key, message_id) for key, message_id in self.erased.items())]


def settle_line(ref: str, state: str, notice: Notice, columns: Mapping[str, str]) -> Json:
    """Build the line for `settle`."""
    return {"op": "settle", "ref": ref, "state": state, "notice": notice_to_json(notice), "columns": {**columns}}


def push_line(item: Delivery | Notice) -> Json:
    """Build the line for `push`."""
    return {"op": "push", "item": item_to_json(item)}


def erased_line(key: str, message_id: str) -> Json:
    """Build the line for `erase`; it replaces the item's own."""
    return {"op": "erased", "key": key, "message_id": message_id}


class Journal:
    """The file of lines. Not to be used by two threads at once; other processes may write it too, one after another."""

    def __init__(self, path: Path, mode: int = PRIVATE) -> None:
        self._path = path
        self._mode = mode
        self._ledger: Ledger | None = None
        self._version = 0
        self._seen: Entry | None = None

    def look(self) -> None:
        """Read the file anew at the next call if another process has changed it: another worker of the node, which
        hands over or erases by now. Raises OSError.
        """
        if self._ledger is not None and self._find() != self._seen:
            self._version = self._ledger.version + 1
            self._ledger = None

    def _find(self) -> Entry | None:
        with Folder(self._path.parent) as folder:
            return folder.entry(self._path.name)

    def ledger(self) -> Ledger:
        """Return the ledger, read at the first call, or after `look` has found it changed.

        Raises OSError, RefusedError(adapter_refused) for a damaged line.
        """
        if self._ledger is None:
            ledger, seen = Ledger(version=self._version), self._find()
            replay_lines(
                self._path, ledger.apply, "the journal", limit=LIMIT, line_limit=_LINE, depth=_DEPTH, mode=self._mode
            )
            self._ledger, self._seen = ledger, seen
        return self._ledger

    def add(self, *lines: Json) -> None:
        """Make `lines` durable, then apply them. A failure may leave a part of them, so the file is then read anew."""
        ledger = self.ledger()
        self._ledger = None
        data = b"".join(map(write_line, lines))
        with Folder(self._path.parent) as folder:
            folder.append(self._path.name, data, self._mode)
        now, before = self._find(), 0 if self._seen is None else self._seen.size
        self._seen = now if now is not None and now.size == before + len(data) else None  # else others wrote meanwhile
        for line in lines:
            ledger.apply(line)
        self._ledger = ledger

    def forget(self, key: str, message_id: str) -> None:
        """Rewrite the journal without the item of `key`, with a line that it was here."""
        ledger = self.ledger()
        self._ledger = None
        ledger.apply(erased_line(key, message_id))
        self._rewrite(ledger)

    def forget_record(self, ref: str) -> bool:
        """Rewrite the journal without a word of a record; returns whether it said any."""
        ledger = self.ledger()
        self._ledger = None
        known = ledger.forget(ref)
        self._rewrite(ledger)
        return known

    def _rewrite(self, ledger: Ledger) -> None:
        with Folder(self._path.parent) as folder:
            folder.write(self._path.name, b"".join(map(write_line, ledger.lines())), self._mode)
        self._seen = self._find()
        self._ledger = ledger
