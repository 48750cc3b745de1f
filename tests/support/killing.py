"""Hands items over and is killed while it does, again and again.

Run as a program: `killing.py KIND SETTINGS ROUNDS SEED`. In each round a child hands over one message and is sent
SIGKILL in the middle, the acknowledgement that the node would write down included, for which it would wait for ever;
then the same message is handed over by a new adapter, as after a restart. Each round has its own part of one and a half
times what a hand-over took in a child that was let alone, and the moment is drawn in it. Prints how many children were
killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from adapters.kit.conformance.files import a_file
from adapters.kit.contract import a_delivery
from adapters.kit.kind import find
from gateway.ports import Adapter, Delivery


def new(kind: str, settings: str) -> Adapter:
    """A new adapter, as after a restart."""
    found = find(kind)
    return found.make(found.settings.model_validate_json(settings))


def contents(number: int) -> Sequence[bytes]:
    """The files of the message of a round: one, of some hundred kilobytes, for a case of a Primero has 100 at most."""
    return (b"%PDF-1.7\n" + f"of round {number}\n".encode() * 20_000,)


def item(number: int) -> Delivery:
    """The message of a round."""
    files = tuple(a_file(part, data) for part, data in enumerate(contents(number)))
    plain = a_delivery(key=f"round-{number}", message_id=f"{number:022d}", text=f"of round {number}")
    return replace(plain, attachments=files)


def main(kind: str, settings: str, rounds: int, seed: int) -> int:
    """Do the rounds; how many children were killed."""
    rng, killed = random.Random(seed), 0
    begun = time.monotonic()
    assert _ended(_child(kind, settings, 0)) == 0
    spent = time.monotonic() - begun
    for number in range(1, rounds + 1):
        child = _child(kind, settings, number, stays=True)
        time.sleep((number - rng.random()) / rounds * spent * 1.5)
        os.kill(child, signal.SIGKILL)
        killed += _ended(child) == -signal.SIGKILL
        asyncio.run(new(kind, settings).push(item(number)))
    return killed


def _child(kind: str, settings: str, number: int, *, stays: bool = False) -> int:
    """A process that hands over the message of a round; the answer of one that stays never reaches the node's disk."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(new(kind, settings).push(item(number)))
        while stays:
            signal.pause()
    except BaseException:  # noqa: BLE001 (what its parent does next is not for it)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _ended(child: int) -> int:
    """The exit code of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
