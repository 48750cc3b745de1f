"""What it costs to give every message of a folder of before its case: time, memory, and what was decided.

`python -m bench.limits.upgrade` makes a node of 10 000 conversations and some 100 000 messages (`support.seeded`),
takes all that is said of cases away, as if it were of a version that had none, and opens it twice, each time in a
process of its own: the first one decides, the second one shows what opening alone takes. `--keep DIR` leaves the node
there and uses it the next time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from support.running import CHEAP, PASSPHRASE

from bench.imports import print_progress, read_memory, reset_memory
from bench.pages import CONVERSATIONS, fill_nodes
from gateway.administration.upgrade_cases import COUNTS, DONE
from gateway.app import open_node

MESSAGES = 100_000
SECONDS, MEMORY = 300.0, 300.0
"""The most that so many messages may take, in seconds and in MiB more than opening alone."""
OF_CASES = ("case_moved", "case_change", "case_word", "case_link", "cases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One opening: seconds, the most memory in MiB, how many messages are there, and what was decided of how many."""

    wall: float
    most: float
    messages: int
    decided: dict[str, int]


def main() -> int:
    """Measure, print both openings, and return 1 if something was not decided, or it took more than it may."""
    parser = argparse.ArgumentParser(description="what it costs to give a folder of before its cases")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--keep", type=Path, help="make the node here, or use the one that is here")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open is not None:
        print(json.dumps(asdict(asyncio.run(measure_opening(args.open)))))
        return 0
    print(f"load of the machine at the beginning {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as made:
        base = args.keep or Path(made)
        if not (base / "FR").exists():
            print_progress(f"a node of {args.conversations} conversations")
            asyncio.run(fill_nodes(base, args.conversations))
        take_cases_away(base / "FR" / "node.db")
        print_progress("the first opening, which decides, and the next one")
        first, second = run_opening(base / "FR"), run_opening(base / "FR")
    for name, one in (("first", first), ("again", second)):
        decided = ", ".join(f"{count} {of}" for of, count in one.decided.items()) or "nothing"
        print(f"{name:8}{one.wall:8.1f} s{one.most:8.0f} MiB  {one.messages} messages, decided: {decided}")
    faults = list_faults(first, second)
    print("\n".join(faults) or "everything was decided once")
    return int(bool(faults))


def list_faults(first: Opening, second: Opening) -> list[str]:
    """Say what is not as it has to be; time is judged for as many messages as the target names, or more."""
    faults = []
    if not first.decided.get("conversations") or second.decided:
        faults.append("the first opening has to decide of everything, and the second one of nothing")
    if first.wall - second.wall > SECONDS * max(1.0, first.messages / MESSAGES):
        faults.append(f"{first.wall - second.wall:.0f} s, at most {SECONDS:.0f} for {MESSAGES} messages")
    if first.most - second.most > MEMORY:
        faults.append(f"{first.most - second.most:.0f} MiB more than opening alone, at most {MEMORY:.0f}")
    return faults


def take_cases_away(database: Path) -> None:
    """Leave nothing of cases: no case, no link, nothing decided."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in OF_CASES:
            connection.execute(f"delete from {table}")
        connection.execute("delete from meta where key in (?, ?)", (DONE, COUNTS))


def run_opening(folder: Path) -> Opening:
    """Open the node in a new process, whose log is not shown."""
    command: Sequence[str] = (sys.executable, "-m", "bench.limits.upgrade", "--open", str(folder))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Opening(**json.loads(done.stdout.splitlines()[-1]))


async def measure_opening(folder: Path) -> Opening:
    """Open the node in this process, and close it."""
    reset_memory()
    began = time.monotonic()
    node, ending = await open_node(folder, PASSPHRASE, at_least=CHEAP)
    async with ending:
        wall, most = time.monotonic() - began, read_memory("VmHWM")
        messages = await node.store.read(lambda c: c.exec_driver_sql("select count(*) from message").scalar_one())
        return Opening(wall=wall, most=most, messages=int(messages), decided=dict(node.found))


if __name__ == "__main__":
    sys.exit(main())
