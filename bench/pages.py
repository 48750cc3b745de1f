"""The cost of a page at 10 000 conversations and 100 000 messages: every operation that a page needs, timed on the
server, and the pages about cases with their size.

`python -m bench.pages` makes a node, fills it (`support.seeded`) and asks each operation several times, as the
console does, through the desk of a node that is open. The first time is after a start: nothing is remembered yet.
`--keep DIR` leaves the node there and uses it the next time. `--first` asks for each page once, as the first of its
kind after a start: what the node prepares by itself is done, and nobody has asked for anything.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from support.consoles import console
from support.running import CHEAP, PASSPHRASE, pair, running
from support.seeded import seed

from gateway.app import open_node
from gateway.composition.node import Node
from gateway.console.looks import prepare_pages
from gateway.ports import Json

CONVERSATIONS = 10_000
MOST = 200
"""Milliseconds that a page may take on the server."""

Asked = tuple[str, Mapping[str, Json]]


def main() -> int:
    """Measure, print the table, and return 1 if an operation takes too long."""
    parser = argparse.ArgumentParser(description="what pages cost on a full node")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--first", action="store_true", help="each page once, after a start")
    parser.add_argument("--keep", type=Path, help="make the node here, or use the one that is here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        base = args.keep or Path(made)
        work = measure_first(base, args.conversations) if args.first else None
        found = asyncio.run(work or measure_operations(base, args.conversations, args.times))
    print(f"{'milliseconds':52}{'first':>8}{'median':>8}{'worst':>8}{'cpu':>8}")
    slow = 0
    for name, times in found.items():
        walls, cpus = [1_000 * wall for wall, _ in times], [1_000 * cpu for _, cpu in times]
        late = statistics.median(walls) > MOST
        slow += late
        figures = (walls[0], statistics.median(walls), max(walls[1:] or walls), statistics.median(cpus))
        print(f"{name:52}{''.join(f'{figure:8.1f}' for figure in figures)}{'  TOO LONG' if late else ''}")
    return int(slow > 0)


async def measure_operations(base: Path, conversations: int, times: int) -> dict[str, list[tuple[float, float]]]:
    """Return wall and CPU seconds of every run of each operation."""
    if not (base / "FR").exists():
        await fill_nodes(base, conversations)
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing:
        found: dict[str, list[tuple[float, float]]] = {}
        for operation, arguments in await list_asked(node):
            name = " ".join([operation, *(f"{key}={str(value)[:8]}" for key, value in arguments.items())])
            found[name] = [await time_work(partial(node.desk.call, operation, arguments)) for _ in range(times)]
        async with console(desk=node.desk, now=node.clock.now) as there:
            for path in await list_paths(node):
                seen = await there.get(path)
                if seen.status != 200:
                    raise RuntimeError(f"{path}: {seen.status}")
                size = len(seen.text.encode())
                name = f"{path[:40]} {size // 1_000} kB"
                found[name] = [await time_work(partial(there.get, path)) for _ in range(times)]
        return found


async def measure_first(base: Path, conversations: int) -> dict[str, list[tuple[float, float]]]:
    """Return wall and CPU seconds of the first page of each kind."""
    if not (base / "FR").exists():
        await fill_nodes(base, conversations)
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing, console(desk=node.desk, now=node.clock.now) as there:
        prepare_pages("en")
        return {path[:52]: [await time_work(partial(there.get, path))] for path in await list_paths(node)}


async def list_paths(node: Node) -> list[str]:
    """List the pages about cases, of the longest conversation among the newest, and those for the people who run and
    audit a node, and the library.
    """
    listed: Any = (await node.desk.call("conversation.list", {"limit": 50})).value
    longest = max(listed["conversations"], key=lambda one: one["messages"])["conversation"]
    shown: Any = (await node.desk.call("conversation.show", {"id": longest})).value
    message = shown["messages"][0]
    found: Any = (await node.desk.call("case.find", {"limit": 1})).value
    case = found["cases"][0]["id"]
    return [
        "/cases",
        "/cases?soon=1",
        f"/cases/{case}",
        f"/cases/{case}/messages",
        "/cases?owes=us&overdue=1",
        "/cases?peer=AL&stage=referral&sort=rests",
        "/cases?closed=1",
        "/menu",
        "/desk/owed?owes=them",
        "/inbox",
        "/conversations",
        "/conversations?kind=referral&state=active",
        f"/conversations/{longest}",
        f"/conversations/{longest}/sheet",
        f"/messages/{message['id']}?way={message['direction']}",
        "/alerts",
        "/records",
        "/records/erasures",
        "/records/statistics",
        "/operations",
        "/operations/alarms/message.failed",
        "/operations/messages",
        "/audit",
        "/audit/entries",
        "/directory",
        "/directory/AL",
        "/directory/own",
        "/guidance",
        "/guidance/withdrawal",
    ]


async def fill_nodes(base: Path, conversations: int) -> None:
    """Fill a node that is paired with two others and has exchanged messages with both."""
    began = time.monotonic()
    async with running(base, {"FR": None, "AL": None, "MA": None}, desk_only=("FR", "AL", "MA")) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        await pair(nodes["FR"], nodes["MA"])
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing:
        seeded = await seed(node, conversations=conversations, rng=random.Random(1))
    took, size = time.monotonic() - began, (base / "FR" / "node.db").stat().st_size
    print(
        f"{len(seeded.conversations)} conversations and {seeded.messages} messages in {took:.0f} s, "
        f"a database of {size / 2**20:.0f} MiB",
        file=sys.stderr,
    )


async def list_asked(node: Node) -> list[Asked]:
    """List the operations that the pages ask."""
    listed: Any = (await node.desk.call("conversation.list", {"limit": 50})).value
    message: Any = (await node.desk.call("message.list", {"limit": 1})).value
    drafts: Any = (await node.desk.call("draft.list", {"limit": 1})).value
    longest = max(listed["conversations"], key=lambda one: one["messages"])["conversation"]
    behind = {"limit": 50, "cursor": str(5_000)}
    return [
        ("case.find", {"limit": 25}),
        ("case.find", {"limit": 25, "owes": "us", "overdue": True}),
        ("conversation.due", {}),
        ("conversation.due", {"owes": "us"}),
        ("conversation.list", {"limit": 50}),
        ("conversation.list", behind),
        ("conversation.show", {"id": longest}),
        ("message.list", {"limit": 50}),
        ("message.list", behind),
        ("message.list", {"limit": 50, "state": "failed"}),
        ("message.list", {"limit": 50, "state": "queued", "direction": "out"}),
        ("message.list", {"limit": 50, "peer": "MA", "direction": "in", "state": "held"}),
        ("message.list", {"limit": 50, "conversation": longest}),
        ("message.show", {"id": message["messages"][0]["id"]}),
        ("inbox.list", {"limit": 50}),
        ("draft.list", {}),
        ("draft.show", {"id": drafts["drafts"][0]["id"]}),
        ("alert.list", {}),
        ("consent.list", {}),
        ("asylum.list", {}),
        ("retention.list", {}),
        ("erasure.list", {}),
        ("alarm.list", {}),
        ("node.show", {}),
        ("node.status", {}),
        ("peer.list", {}),
        ("audit.show", {}),
        ("audit.list", {}),
        ("audit.list", {"event": "no.such"}),
        ("audit.list", {"until": 1_700_000_000}),
        ("audit.reads", {}),
        ("audit.reads", {"conversation": longest}),
        ("directory.list", {}),
        ("directory.search", {"text": "who do I ask in Albania for a child case on a Sunday?"}),
        ("guidance.list", {}),
        ("guidance.search", {"text": "la personne retire son consentement"}),
        ("webhook.list", {}),
        ("attachment.moving", {}),
        ("review.list", {}),
    ]


async def time_work(work: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Return the wall seconds and the CPU seconds of some work; CPU is what it takes on an otherwise idle machine."""
    began, spent = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - began, time.process_time() - spent


if __name__ == "__main__":
    sys.exit(main())
