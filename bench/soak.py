"""A steady load for a long time, with people at the console: does anything grow?

50 messages a second about ten thousand persons in turn, 40 open pages whose people are told what is new and load the
next page twice a minute, 20 event streams that are read. A line a minute: rate, times of messages and pages, memory,
open files and disk of both nodes with their key services. At the end what minute 5 said, when everything is loaded and
warm, stands beside the last minute.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import aiohttp
from support.enrolled import inviting
from support.visitors import Visitor, enrol_by

from bench.clients import API, Exchange, connect, encode
from bench.load import find_ms, send_openly
from bench.nodes import find_free_port
from bench.pair import RECEIVER, SENDER, Pair
from bench.processes import count_files, read_size
from bench.work import make_referral
from gateway.cli.connection import credential
from gateway.console.cookies import SESSION
from gateway.foundation.json import list_objects
from gateway.operations.roles import Role
from gateway.ports import Json

PER_SECOND, PAGES, STREAMS = 50, 40, 20
CASES = 10_000
"""Persons whom the messages are about: nobody has thousands of referrals."""
RECORDING = 8
"""Consents that are recorded at once before the load begins."""
EACH = 30.0
"""Seconds after which somebody with an open page loads the next one."""
SHOWN = ("/cases", "/desk/owed", "/inbox", "/conversations", "/alerts", "/drafts", "/directory")
PATIENCE = 60.0
"""Seconds after which somebody gives a page up."""
MOST = 200
"""Messages under way at which nothing further is submitted: then the rate falls below the pace."""
WARM = 5
"""The minute with which the last one is compared."""
MOST_GROWTH = 1.1
"""Times the memory of minute 5 that the last one may have, and the fewest open files of the first five minutes that the
last five may have.
"""
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What one minute showed; memory and disk in MiB."""

    number: int
    per_second: float
    p50_ms: float
    p99_ms: float
    pages: int
    page_p50_ms: float
    page_p99_ms: float
    memory: dict[str, float]
    files: dict[str, int]
    disk: dict[str, float]

    @property
    def line(self) -> str:
        """The minute as a line of the table."""
        figures = (self.per_second, self.p50_ms, self.p99_ms, self.pages, self.page_p50_ms, self.page_p99_ms)
        nodes = [(self.memory[name], self.files[name], self.disk[name]) for name in (SENDER, RECEIVER)]
        return f"{self.number:>6}" + "".join(f"{figure:>9.0f}" for figure in (*figures, *nodes[0], *nodes[1]))


HEADING = f"{'minute':>6}" + "".join(
    f"{words:>9}"
    for words in (
        "msg/s",
        "p50 ms",
        "p99 ms",
        "pages",
        "page p50",
        "page p99",
        "FR MiB",
        "FR files",
        "FR disk",
        "AL MiB",
        "AL files",
        "AL disk",
    )
)


@dataclass
class Seen:
    """What happened since the last line: messages, seconds that pages took, events that were read."""

    done: list[Exchange] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    events: int = 0
    news: int = 0
    faults: int = 0


def run(*, minutes: float) -> int:
    """Load a pair for so long, print a line a minute, and return 1 if it grew."""
    port = find_free_port()
    with Pair(settings=f'\n[local]\nlisten = "127.0.0.1:{port}"\n') as pair:
        rows = asyncio.run(_soak(pair, port, minutes))
    return conclude(rows)


def conclude(rows: Sequence[Minute]) -> int:
    """Print minute 5 beside the last one, and return 1 if memory or open files grew by more than a tenth. Connections
    come and go with the load of a moment; of files that are never given back the fewest of several minutes tell.
    """
    if len(rows) <= WARM:
        print(f"no verdict: at least {WARM + 1} minutes are needed")
        return 0
    first, last = rows[WARM - 1], rows[-1]
    print(HEADING, first.line, last.line, sep="\n")
    grown = [
        f"{what} of {name} {was:.0f} -> {now:.0f}"
        for name in (SENDER, RECEIVER)
        for what, was, now in (
            ("memory", first.memory[name], last.memory[name]),
            ("open files", *(min(row.files[name] for row in some) for some in (rows[:WARM], rows[-WARM:]))),
        )
        if now > MOST_GROWTH * was
    ]
    print(f"NOT MET  grew by more than a tenth: {', '.join(grown)}" if grown else "met      nothing grew by a tenth")
    return int(bool(grown))


async def _soak(pair: Pair, port: int, minutes: float) -> list[Minute]:
    seen, rows = Seen(), list[Minute]()
    print(f"soak: the consents of {CASES} persons are recorded ...", flush=True)
    bodies = await asyncio.to_thread(_prepare_referrals, pair)
    async with connect(pair) as client, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        print(f"soak: {PAGES} people enrol at the console ...", flush=True)
        people = [await _enrol(pair, http, port, number) for number in range(PAGES)]
        await client.connect(MOST)
        end = time.monotonic() + 60 * minutes
        print(HEADING, flush=True)
        open_ = [asyncio.create_task(_keep_open(one, seen)) for one in people]
        open_ += [asyncio.create_task(_listen(one, seen)) for one in people]
        open_ += [asyncio.create_task(_read_events(pair, seen)) for _ in range(STREAMS)]
        open_.append(asyncio.create_task(send_openly(client, seen.done, end, PER_SECOND, most=MOST, bodies=bodies)))
        try:
            while (now := time.monotonic()) < end:
                await asyncio.sleep(min(60.0, end - now))
                rows.append(_look(pair, len(rows) + 1, seen, time.monotonic() - now))
                print(rows[-1].line, flush=True)
                for task in open_:
                    if task.done():
                        task.result()
        finally:
            for task in open_:
                task.cancel()
            await asyncio.gather(*open_, return_exceptions=True)
    opened = sum(int(str(one["done"])) for one in _uses(pair) if one["use"] == "unwrap")
    print(f"soak: the sender opened {opened / minutes:.0f} stored messages a minute")
    print(
        f"soak: {seen.events} events were read, open pages were told {seen.news} times what is new, "
        f"{seen.faults} pages were refused or given up"
    )
    return rows


def _uses(pair: Pair) -> list[dict[str, Json]]:
    """Ask for the counts of the key service of the sender."""
    status = pair.ask(SENDER)("node.status")
    return list_objects(status, "key_service") if isinstance(status, dict) else []


def _prepare_referrals(pair: Pair) -> list[bytes]:
    """Record a case and its consent for each person, and return what is submitted about them."""

    def prepare(number: int) -> bytes:
        case = f"SOAK-{number}"
        return encode(make_referral(RECEIVER, pair.record_consent(SENDER, (RECEIVER,), case), case))

    with ThreadPoolExecutor(RECORDING) as threads:
        return [*threads.map(prepare, range(CASES))]


async def _enrol(pair: Pair, http: aiohttp.ClientSession, port: int, number: int) -> Visitor:
    """Somebody with a passkey who is signed in at the console."""
    ask = pair.ask(SENDER)
    steps = inviting(f"Person {number}", Role.CASE_WORKER, admin=pair.admins[0])
    step = next(steps)
    while True:
        answer = ask(step[0], **step[1])
        try:
            step = steps.send(answer)
        except StopIteration as made:
            code = made.value["code"]
            break
    person = Visitor(http=http, origin=f"http://localhost:{port}", name=f"Person {number}")
    await enrol_by(person, code)
    return person


async def _keep_open(person: Visitor, seen: Seen) -> None:
    """Load one page after the other, as somebody does who works at the console."""
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * EACH)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                await person.open(random.choice(SHOWN))
            seen.faults += person.status != 200
        except TimeoutError:
            seen.faults += 1
        seen.pages.append(time.monotonic() - begun)


async def _listen(person: Visitor, seen: Seen) -> None:
    """Listen to what is new, as one page of each browser does."""
    headers = {"Host": person.origin.removeprefix("http://"), "Cookie": f"{SESSION}={person.session}"}
    url = f"http://127.0.0.1:{person.origin.rpartition(':')[2]}/news"
    async with person.http.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as response:
        async for line in response.content:
            seen.news += line.startswith(b"data: ")


async def _read_events(pair: Pair, seen: Seen) -> None:
    """Read an event stream from its end on, as a case system does."""
    connector = aiohttp.UnixConnector(path=str(pair.node(SENDER) / "run" / "api.sock"))
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(connector=connector, headers=credential(pair.token)) as session,
        session.get(f"{API}/events?after={pair.positions[SENDER]}", timeout=timeout) as response,
    ):
        async for line in response.content:
            seen.events += line.startswith(b"data: ")


def _look(pair: Pair, number: int, seen: Seen, seconds: float) -> Minute:
    """One line; what was seen begins anew."""
    done, pages = sorted(one.delivered for one in seen.done), sorted(seen.pages)
    seen.done.clear()
    seen.pages.clear()
    nodes = {name: pair.pids(name) for name in (SENDER, RECEIVER)}
    return Minute(
        number=number,
        per_second=len(done) / seconds,
        p50_ms=find_ms(done, 50) if done else 0,
        p99_ms=find_ms(done, 99) if done else 0,
        pages=len(pages),
        page_p50_ms=find_ms(pages, 50) if pages else 0,
        page_p99_ms=find_ms(pages, 99) if pages else 0,
        memory={name: pair.memory(name) for name in nodes},
        files={name: count_files(pids) for name, pids in nodes.items()},
        disk={name: read_size(pair.node(name)) / MIB for name in nodes},
    )
