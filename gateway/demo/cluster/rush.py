"""Enquiries that programs of two countries submit at the same time, as case systems do: each goes again under the same
key until it is answered, so that it is taken once, whatever was lost on the way.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.connection import call_node, make_idempotency_key
from gateway.demo.chronicle import AGAIN, make_timeout
from gateway.errors import GatewayError, TransientError
from gateway.ports import Json

CALLERS = 2
"""Programs of each country that submit at once."""
LONGEST = 180.0
"""Seconds until every one is taken: workers share out anew within ten, a server is back in a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Whose programs submit: the folder with the socket they reach, a person's token, and what they write."""

    door: Path
    token: str
    draft: Mapping[str, Json]


class Rush:
    """So many enquiries of each side, by a name for the side."""

    def __init__(self, sides: Mapping[str, Side], size: int) -> None:
        self.taken: dict[str, list[str]] = {name: [] for name in sides}
        """Ids of the messages that a node has accepted."""
        self.repeated = 0
        """Requests that went again, since no answer came or the node could not accept."""
        self._sides = sides
        self._size = size
        self._failed: list[GatewayError] = []
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._work: dict[str, queue.SimpleQueue[str]] = {name: queue.SimpleQueue() for name in sides}
        for waiting in self._work.values():
            for _ in range(size):
                waiting.put(make_idempotency_key())

    @property
    def total(self) -> int:
        """Enquiries of all sides."""
        return self._size * len(self._sides)

    @property
    def count(self) -> int:
        """Enquiries that were taken so far."""
        return sum(map(len, self.taken.values()))

    def begin(self) -> None:
        """Begin to submit."""
        for name in self._sides:
            for _ in range(CALLERS):
                threading.Thread(target=self._submit, args=(name,), daemon=True).start()

    def wait(self, count: int, alive: Callable[[], None]) -> None:
        """Wait until so many were taken. `alive` raises when a program has ended that should run.

        Raises:
            RefusedError: a node refused one, or it takes too long.
        """
        end = time.monotonic() + LONGEST
        with self._news:
            while self.count < count and not self._failed and time.monotonic() < end:
                alive()
                self._news.wait(AGAIN)
        if self.count < count:
            self._stop.set()
            raise self._failed[0] if self._failed else make_timeout(f"{count} enquiries to be taken", LONGEST)

    def _submit(self, name: str) -> None:
        while not self._stop.is_set():
            try:
                key = self._work[name].get_nowait()
            except queue.Empty:
                return
            self._submit_one(name, key)

    def _submit_one(self, name: str, key: str) -> None:
        side = self._sides[name]
        while not self._stop.is_set():
            try:
                answer = call_node(side.door, "message.submit", side.draft, key=key, token=side.token)
            except TransientError:
                with self._news:
                    self.repeated += 1
                self._stop.wait(AGAIN)
            except GatewayError as error:
                with self._news:
                    self._failed.append(error)
                    self._news.notify_all()
                return
            else:
                if not isinstance(answer, dict):
                    raise RuntimeError("message.submit answers with an object")
                with self._news:
                    self.taken[name].append(str(answer["id"]))
                    self._news.notify_all()
                return
