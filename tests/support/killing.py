"""Hands items over and is killed while it does, again and again.

Run as a program: `killing.py KIND WHERE ROUNDS SEED`. In each round a child hands over one message and is sent SIGKILL
at a random moment of the time that takes, the acknowledgement that the node would write down included; then the same
message is handed over by a new adapter, as a node does after its restart. Prints how many children were killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from adapters.folder import FolderAdapter
from adapters.kit.contract import a_delivery
from adapters.sql import SqlAdapter
from adapters.sql.bench import SAMPLE
from adapters.sql.database import Address
from gateway.ports import Adapter, Delivery

ADAPTERS: dict[str, Callable[[str], Adapter]] = {
    "folder": lambda where: FolderAdapter(Path(where)),
    "sql": lambda where: SqlAdapter(Address(url=where), mapping=SAMPLE),
}


def item(number: int) -> Delivery:
    """The message of a round."""
    return a_delivery(key=f"round-{number}", message_id=f"{number:022d}", text=f"of round {number}")


def main(kind: str, where: str, rounds: int, seed: int) -> int:
    """Do the rounds; how many children were killed."""
    rng, killed = random.Random(seed), 0
    begun = time.monotonic()
    asyncio.run(ADAPTERS[kind](where).push(item(0)))
    spent = time.monotonic() - begun
    for number in range(1, rounds + 1):
        child = os.fork()
        if child == 0:
            asyncio.run(ADAPTERS[kind](where).push(item(number)))
            time.sleep(spent)  # the answer is on its way to the node's own disk
            os._exit(0)
        time.sleep(rng.random() * spent * 1.5)
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        asyncio.run(ADAPTERS[kind](where).push(item(number)))
    return killed


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
