"""Conversations that were loaded a short while ago, so that a message costs the same in a long one.

An entry has the facts of each message by which judgements go, and no body. It is as old as the count of changes that
its conversation had in the snapshot it was read from, and is brought up to date by what changed since. Nothing that
wants an older snapshot is answered by it. It goes when it was not used for some minutes, when there are too many, and
at once, with all others, when anything is erased: what a snapshot of before that says is not kept either.
"""

from __future__ import annotations

import threading
import time
from typing import Generic, Protocol, TypeVar

from gateway.messages.store.conversations import Key


class Dated(Protocol):
    """What is held of a conversation, how often it had changed by then, and how many messages it has."""

    @property
    def changes(self) -> int:
        """The count in its row."""

    @property
    def size(self) -> int:
        """Its messages."""


T = TypeVar("T", bound=Dated)

MOST = 512
"""Conversations held at a time."""
MOST_MESSAGES = 8_192
"""Messages of all these together: about 2 KiB each."""
UNUSED = 5
"""Rounds of a minute after which what nobody asked for is forgotten."""


class ConversationMemory(Generic[T]):
    """Entries by conversation, the one used last at the end. Used by the threads that read."""

    def __init__(self) -> None:
        self._entries: dict[Key, T] = {}
        self._used: dict[Key, int] = {}
        self._size = self._round = 0
        self._erased_at = time.monotonic()
        self._lock = threading.Lock()

    def get(self, key: Key, changes: int) -> T | None:
        """What is held of a conversation that has changed so often in a snapshot, if it is not from a later one."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.changes > changes:
                return None
            self._used[key] = self._round
            self._entries[key] = self._entries.pop(key)
            return entry

    def put(self, key: Key, entry: T, *, began: float) -> None:
        """Hold an entry that was read in a snapshot which began then, by `time.monotonic`, unless a later one is held
        or something was erased since.
        """
        with self._lock:
            held = self._entries.get(key)
            if began <= self._erased_at or (held is not None and held.changes > entry.changes):
                return
            self._drop(key)
            self._entries[key] = entry
            self._used[key] = self._round
            self._size += entry.size
            while len(self._entries) > MOST or self._size > MOST_MESSAGES:
                self._drop(next(iter(self._entries)))

    def holds(self, key: Key) -> bool:
        """Whether anything is held of a conversation."""
        return key in self._entries

    def forget_unused(self) -> None:
        """End a round: forget what was not asked for in the last ones."""
        with self._lock:
            self._round += 1
            for key in [key for key, used in self._used.items() if used < self._round - UNUSED]:
                self._drop(key)

    def forget(self) -> None:
        """Forget all: something was erased, and that is on disk."""
        with self._lock:
            self._entries, self._used, self._size = {}, {}, 0
            self._erased_at = time.monotonic()

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            del self._used[key]
            self._size -= entry.size
