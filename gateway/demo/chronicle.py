"""The events of each country, as its node reports them: the event streams of the local API, followed and kept.

A wait is always for an event that a node reported, with a deadline; when it passes, or when a node ends that should
run, the demonstration fails and says what was waited for and where the logs are.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.api.routes import PREFIX
from gateway.demo.places import Country
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import ConversationId, NodeId

AGAIN = 0.1
"""Seconds until a node that does not answer is asked again."""

PATIENCE = 120.0
"""Seconds that one thing may take: it takes one or two, but the machine may be busy with something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a node's event stream; of a draft only the state is told."""

    country: str
    seq: int
    kind: str
    state: str
    id: str | None = None
    direction: str | None = None
    peer: NodeId | None = None
    type: str | None = None
    conversation: ConversationId | None = None
    in_reply_to: str | None = None


class Chronicle:
    """Follows every country from its first event on, also over a restart of its node."""

    def __init__(self, told: Callable[[Event], None], alive: Callable[[], None]) -> None:
        """`told` is called once for each event; `alive` raises when a node has ended that should run."""
        self._told = told
        self._alive = alive
        self._events: list[Event] = []
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def follow(self, countries: Iterable[Country]) -> None:
        """Start to follow these nodes; they need not run yet."""
        for country in countries:
            thread = threading.Thread(target=self._run, args=(country,), name=f"events-{country.code}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        for sock in list(self._sockets):
            _hang_up(sock)
        for thread in self._threads:
            thread.join(5)

    def wait(self, what: str, test: Callable[[Event], bool], *, seconds: float = PATIENCE) -> Event:
        """The first event, past or to come, that passes the test.

        Raises:
            RefusedError: it did not come in time, or a node ended.
        """
        end = time.monotonic() + seconds
        looked = 0
        with self._news:
            while True:
                for event in self._events[looked:]:
                    if test(event):
                        return event
                looked = len(self._events)
                if time.monotonic() > end:
                    raise make_timeout(what, seconds)
                self._alive()
                self._news.wait(0.5)

    def place(self, message: str) -> int:
        """The position of the first event about a message, to put messages in the order in which they began."""
        with self._news:
            return next((number for number, event in enumerate(self._events) if event.id == message), len(self._events))

    def _run(self, country: Country) -> None:
        after = 0
        while not self._stop.is_set():
            with suppress(OSError, ValueError):
                after = self._stream(country, after)
            self._stop.wait(AGAIN)

    def _stream(self, country: Country, after: int) -> int:
        """Read until the node hangs up; returns the position from which to go on."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(str(country.socket))
            self._sockets.add(sock)
            try:
                sock.sendall(f"GET {PREFIX}/events?after={after} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                with sock.makefile("rb") as lines:
                    for line in lines:
                        name, _, value = line.strip().partition(b": ")
                        if name == b"id":
                            seq = int(value)
                        elif name == b"data":
                            self._keep(_event(country.code, seq, json.loads(value)))
                            after = seq
            except OSError:
                pass  # from here on
            finally:
                self._sockets.discard(sock)
        return after

    def _keep(self, event: Event) -> None:
        with self._news:
            self._events.append(event)
            self._told(event)
            self._news.notify_all()


def make_timeout(what: str, seconds: float) -> RefusedError:
    """Make the error for a wait that took too long."""
    return RefusedError(Code.UNREACHABLE, f"waited {seconds:.0f} seconds without result: {what}")


def wait_until(what: str, check: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Ask repeatedly until `check` returns True, where no event tells.

    Raises:
        RefusedError: it did not in time.
    """
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise make_timeout(what, seconds)
        time.sleep(AGAIN)


def _event(country: str, seq: int, value: dict[str, object]) -> Event:
    def text(name: str) -> Any:
        found = value.get(name)
        return found if isinstance(found, str) else None

    return Event(
        country=country,
        seq=seq,
        kind=text("kind") or "",
        state=text("state") or "",
        id=text("id"),
        direction=text("direction"),
        peer=text("peer"),
        type=text("type"),
        conversation=text("conversation"),
        in_reply_to=text("in_reply_to"),
    )


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # the node was faster
        sock.shutdown(socket.SHUT_RDWR)
