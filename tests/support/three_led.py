"""Three nodes with their people on a loop of one thread: a test leads them step by step, or a state machine does
(`support.three_walks`).
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from support.one_thread import OneThreadLoop, done_by_the_loop
from support.promises import Letter
from support.reopened import known_policies
from support.three_acts import Acts
from support.three_ends import (
    come_to_rest,
    every_promise_is_kept,
    nothing_erased_is_readable,
    nothing_erased_opens,
    whoever_wanted_it_is_forgotten,
)
from support.three_nodes import NAMES, WAYS, Trio
from support.three_paired import new_folder, three_nodes
from support.three_restores import Restores

T = TypeVar("T")
HOUR = 3_600
STUCK = 600
"""Seconds of the loop after which nothing goes on any more."""


class Led:
    """Three nodes, their people, and what happens to nodes that lose their disks."""

    def __init__(self) -> None:
        self._loop = OneThreadLoop()
        self._base = new_folder()
        self.broken = False
        """Whether something was not done to its end: then nothing more is asked."""
        threads = {*threading.enumerate()}
        self.trio: Trio = self.do(three_nodes(self._base))
        assert threads >= {*threading.enumerate()}, "a node has threads that `support.one_thread` does not know of"
        self.acts = Acts(self.trio)
        self.restores = Restores(self.trio, self.acts)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Something, to its end."""
        self.broken = True
        with done_by_the_loop(), known_policies():
            done = self._loop.run_until_complete(asyncio.wait_for(work, STUCK))
        self.broken = False
        return done

    def refer(self, home: str, to: str, person: int = 0) -> Letter:
        """A person agrees at home, and is referred."""
        consent = self.do(self.acts.consent(home, person))
        assert consent is not None
        letter = self.do(self.acts.refer(consent, home, person, to))
        assert letter is not None
        return letter

    def carry(self, sender: str, receiver: str) -> None:
        """What waits goes from one to the other."""
        self.do(self.trio.step(self.trio.carry(sender, receiver)))

    def carry_everything(self) -> None:
        """What waits goes on every way, and to the case systems."""
        for way in WAYS:
            self.carry(*way)
        for name in NAMES:
            self.do(self.trio.step(self.trio.hand_over(name)))

    def look_at_what_was_erased(self) -> None:
        """No node can read it, and nobody who takes a node."""
        self.do(nothing_erased_is_readable(self.trio))
        self.do(nothing_erased_opens(self.trio))

    def end(self) -> None:
        """Everything comes to rest, and every promise is kept."""
        self.do(come_to_rest(self.trio, self.restores))
        self.do(every_promise_is_kept(self.trio, self.acts))
        if any(self.trio.promises.asked.values()):
            self.trio.pass_time(25 * HOUR)  # longer than a person has to place a legal hold
            self.do(come_to_rest(self.trio, self.restores))
            self.do(whoever_wanted_it_is_forgotten(self.trio))

    def close(self) -> None:
        """Take them away."""
        self._loop.run_until_complete(self.trio.close())
        self._loop.close()
        shutil.rmtree(self._base)


@contextmanager
def led() -> Iterator[Led]:
    """Three nodes that a test leads; at the end every promise is kept."""
    three = Led()
    try:
        yield three
        three.end()
    finally:
        three.close()
