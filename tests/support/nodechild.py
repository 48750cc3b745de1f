"""The process of one node under test: the real composition root, with a clock that a pipe steers and, if asked for, a
place to die.

Run as a program, or forked off one that has imported it (`warm`). Folders named as arguments come before this
repository on the import path: a node of a newer package. The first line on standard input is a JSON object (`folder`,
`passphrase_file`, `start`, `die`, `batch`, `log`). "ready" is printed once both listeners take requests. Then each line
"advance SECONDS" moves the clock as time does, and "jump SECONDS" sets it as a wrong time service does; both are
answered by "now SECONDS". The end of the input stops the node, so that no node outlives its test.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [*sys.argv[1:], str(ROOT), str(ROOT / "tests")]

from support import dyingwrites, keydchild
from support.keydchild import CHEAP

from gateway.app import open_node
from gateway.composition.node import Node
from gateway.composition.serving import serve
from gateway.erasure import storage_epochs
from gateway.foundation import logs
from gateway.foundation.clock import SystemClock
from gateway.identity.unlock import by_child
from gateway.ports import Clock
from keys.keystore.key_changes import FinishEpoch, KeyChange

__all__ = ["CHEAP", "SteeredClock"]


class SteeredClock:
    """Implements `gateway.ports.Clock`; wall time and sleepers move by `advance` only.

    The monotonic time also runs by itself: it guards sockets and rates, which are real here.
    """

    def __init__(self, start: int) -> None:
        self._start: float = start
        self._at = float(start)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> int:
        return int(self._at)

    def monotonic(self) -> float:
        return time.monotonic() + self._at - self._start

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._at + seconds, next(self._order), future))
        await future

    def advance(self, seconds: float) -> None:
        """Move on, and wake whoever slept until then."""
        self._at += seconds
        while self._sleepers and self._sleepers[0][0] <= self._at:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    def jump(self, seconds: float) -> None:
        """Set the wall clock; who sleeps, sleeps on."""
        self._at += seconds
        self._start += seconds
        self._sleepers = [(at + seconds, order, future) for at, order, future in self._sleepers]


def die() -> None:
    """As `kill -9` does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(node: Node, place: str, batches: int) -> None:
    """End this process at a step of the next epoch rotation that is asked for; one that was cut off ended at the start.

    `begun`: both epoch keys are on disk; `rewrapped`: after some batches; `drained`: nothing names the old epoch, its
    key is there still; `finished`: its key is gone, nothing else was noted.
    """
    rotation, keys = node.epochs, node.keys
    rewrap, change = rotation._rewrap, keys.change
    left = count(1)

    async def some(epoch: int) -> int:
        done = await rewrap(epoch)
        if place == "rewrapped" and next(left) == batches:
            die()
        return done

    async def at_once() -> None:
        if keys.old_epochs:  # the chore that looks for a rotation cut off finds none
            die()

    def last(wanted: KeyChange[Any]) -> Any:
        if not isinstance(wanted, FinishEpoch):
            return change(wanted)
        if place == "drained":
            die()
        change(wanted)
        return die()

    match place:
        case "begun":
            rotation._finish_rotation = at_once  # type: ignore[method-assign]
        case "rewrapped":
            rotation._rewrap = some  # type: ignore[method-assign]
        case _:
            keys.change = last  # type: ignore[method-assign]


async def run(spec: dict[str, Any], lines: asyncio.StreamReader) -> None:
    """One life of the node."""
    steered = None if spec["start"] is None else SteeredClock(spec["start"])
    clock: Clock = steered or SystemClock()
    folder = Path(spec["folder"])
    keyd = keydchild.command(folder, Path(spec["passphrase_file"]))
    node, stack = await open_node(folder, by_child(folder, keyd), clock=clock)
    storage_epochs.REWRAP_BATCH = spec["batch"]
    stop = asyncio.Event()
    async with stack:

        def ready() -> None:
            if spec["die"] is not None and " write " in spec["die"]:
                dyingwrites.die_in_call(node, spec["die"])
            elif spec["die"] is not None:
                die_at(node, spec["die"], 2)
            print("ready", flush=True)

        steering = asyncio.create_task(_steer(steered, lines, stop.set))
        try:
            await serve(node, ready, stop)
        finally:
            steering.cancel()


async def _steer(clock: SteeredClock | None, lines: asyncio.StreamReader, stop: Callable[[], None]) -> None:
    while line := await lines.readline():
        word, _, seconds = line.decode().strip().partition(" ")
        if clock is None or word not in ("advance", "jump"):
            raise RuntimeError("not a command of this clock")
        (clock.advance if word == "advance" else clock.jump)(float(seconds))
        print(f"now {clock.now()}", flush=True)
    stop()


async def main() -> None:
    """Read the first line, then live."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    spec = json.loads(await lines.readline())
    with Path(spec["log"]).open("a", buffering=1, encoding="utf-8") as stream:
        logs.configure("debug", stream)
        await run(spec, lines)


def start(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` to its end."""
    asyncio.run(work())  # type: ignore[arg-type]


if __name__ == "__main__":
    start(main)
