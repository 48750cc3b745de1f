"""How the cost of a message grows: with its conversation, with the peers of its node, with what waits and is stored,
and while a node that has just started catches up with what changed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.clients import Client, connect, encode
from bench.limits import backlog
from bench.limits.peers import introduce_peers
from bench.load import Load
from bench.pair import ABSENT, SENDER, Pair
from bench.work import make_question

SHORT, LONG = 4, 300
"""Messages of a conversation."""
AT_ONCE = 4
"""Conversations in which a message is sent at the same time."""
FILLING = 16
"""Clients that fill conversations before a load."""
SETTLE = 3.0
"""Seconds after which an idle node has settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """The same number of messages, each the last of a short conversation or a further one of a long one."""

    short: Load
    long: Load
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The same load with the peers of the bench alone, and with so many configured."""

    few: Load
    many: Load
    configured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The sender while ``messages`` wait for an absent peer: ``idle`` in MiB, times in seconds."""

    messages: int
    fill_seconds: float
    start_seconds: float
    idle: float
    load: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """A load before and right after a start in which so many conversations had changed, and the seconds until the
    last of them was folded; None where that took longer than was waited for.
    """

    changed: int
    quiet: Load
    busy: Load
    seconds: float | None


def measure_lengths(pair: Pair, *, messages: int, length: int) -> Lengths:
    """Send so many messages into short conversations, one into each, and as many into long ones.

    Both loads send questions of the same size, by as many clients. What they go into was filled before.
    """
    short = asyncio.run(_fill(pair, conversations=messages, length=SHORT - 1))
    bodies = [encode(make_question(pair.referral, one, SHORT)) for one in short]
    brief = load.run_given_load(pair, bodies=bodies, clients=AT_ONCE)
    long = asyncio.run(_fill(pair, conversations=AT_ONCE, length=length))
    bodies = [encode(make_question(pair.referral, long[n % AT_ONCE], length + n)) for n in range(messages)]
    return Lengths(short=brief, long=load.run_given_load(pair, bodies=bodies, clients=AT_ONCE), length=length)


async def _fill(pair: Pair, *, conversations: int, length: int) -> list[str]:
    """Begin conversations by a referral, and send questions until each has so many messages; return their ids."""
    found: list[str] = []
    left = iter(range(conversations))

    async def one(client: Client) -> None:
        for _ in left:
            conversation = (await client.exchange()).conversation
            for number in range(1, length):
                await client.exchange(encode(make_question(pair.referral, conversation, number)))
            found.append(conversation)

    async with connect(pair) as client:
        await asyncio.gather(*(one(client) for _ in range(FILLING)))
    return found


def measure_peers(pair: Pair, *, seconds: float, clients: int, configured: int) -> Peers:
    """Measure the same load before and after further peers are configured, none of which answers."""
    few = load.run_closed_load(pair, seconds=seconds, clients=clients)
    introduce_peers(pair, configured - 2)  # the receiver and the absent one are there
    time.sleep(SETTLE)
    many = load.run_closed_load(pair, seconds=seconds, clients=clients)
    return Peers(few=few, many=many, configured=configured)


def measure_backlog(pair: Pair, *, messages: int, seconds: float, clients: int, say: Callable[[str], None]) -> Backlog:
    """Measure start time, idle memory and a load of the sender while much waits for an absent peer."""
    pair.stop(SENDER)
    begun = time.monotonic()
    request = {**pair.referral, "to": ABSENT}
    secret = pair.passphrase.read_text()
    pair.positions[SENDER] = backlog.fill_outbox(pair.node(SENDER), secret, request, messages, say)
    fill_seconds = round(time.monotonic() - begun, 1)
    start_seconds = round(pair.start(SENDER), 2)
    time.sleep(SETTLE)
    return Backlog(
        messages=messages,
        fill_seconds=fill_seconds,
        start_seconds=start_seconds,
        idle=round(pair.memory(SENDER), 1),
        load=load.run_closed_load(pair, seconds=seconds, clients=clients),
    )


def measure_catch_up(pair: Pair, *, changed: int, seconds: float, clients: int, patience: float) -> CatchUp:
    """Measure a load, mark conversations as changed while the sender is stopped, start it, and measure again."""
    quiet = load.run_closed_load(pair, seconds=seconds, clients=clients)
    pair.stop(SENDER)
    marked = mark_changed(pair.node(SENDER) / "node.db", changed)
    begun = time.monotonic()
    pair.start(SENDER)
    busy = load.run_closed_load(pair, seconds=seconds, clients=clients)
    left = count_changed(pair.node(SENDER) / "node.db", marked)
    while left and time.monotonic() < begun + patience:
        time.sleep(1)
        left = count_changed(pair.node(SENDER) / "node.db", marked)
    took = None if left else round(time.monotonic() - begun, 1)
    return CatchUp(changed=marked, quiet=quiet, busy=busy, seconds=took)


def mark_changed(database: Path, conversations: int) -> int:
    """Mark the oldest conversations as a message does that moved in them; return how many there were."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(
            f"update conversation set fold = 0, changes = changes + 1 where {_OLDEST}", (conversations,)
        ).rowcount


def count_changed(database: Path, conversations: int) -> int:
    """Count those of the oldest conversations that changed and were not folded since."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = f"select count(*) from conversation where fold = 0 and {_OLDEST}"
        ((found,),) = connection.execute(query, (conversations,))
        return int(found)


_OLDEST = "rowid in (select rowid from conversation order by rowid limit ?)"
