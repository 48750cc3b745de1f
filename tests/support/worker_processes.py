"""A node of a pair as several worker processes: rows on a real PostgreSQL server, a folder for each worker, one door
for peers, and one case system. `worker_processes` has all of it on the loopback, `workers_in_networks` gives each
worker a host of its own, behind HAProxy, with the server of `deploy/patroni`.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, text
from support.acting import share_tokens
from support.databases import fresh_postgresql
from support.house import ROOT
from support.namespaces import Lan
from support.nodeproc import PASSPHRASE, NodeProcess, Pair, introduce
from support.patience import PATIENCE
from support.patroni import ENTRY, MEMBERS, PatroniServer
from support.ports import free_port
from support.several_workers import Front, change_listen, join, listens_at, on_loopback

from gateway.administration.move_database import move_database
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import DatabaseSection

Rows = Callable[[str], Sequence[Sequence[object]]]
JOIN = """
import asyncio, sys, time
from pathlib import Path
from support.several_workers import join
asyncio.run(join(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(time.time())))
"""


@dataclass
class WorkerProcesses:
    """The workers of A; `rows` is what their database says to a query."""

    pair: Pair
    rows: Rows
    workers: list[NodeProcess] = field(default_factory=list)
    _asleep: list[NodeProcess] = field(default_factory=list)

    def add(self, listen: str, join: Callable[[NodeProcess], object], inside: tuple[str, ...] = ()) -> None:
        """One more worker, running; it listens there in the place of the first."""
        first = self.pair.a
        worker = replace(first, name=f"{first.name}-{len(self.workers) + 1}", inside=inside, process=None)
        join(worker)
        change_listen(worker.folder, listens_at(first.folder), listen)
        shutil.copy(first.passphrase_file, worker.passphrase_file)
        share_tokens(first.folder, worker.folder)
        self.workers.append(worker)
        worker.start()

    def end(self) -> None:
        """Kill them."""
        for worker in self.running:
            worker.kill()

    @contextmanager
    def paused(self, worker: NodeProcess) -> Iterator[None]:
        """Meanwhile the process stands still, as a machine that is suspended, and no client goes to it."""
        assert worker.process is not None
        self._asleep.append(worker)
        worker.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            worker.process.send_signal(signal.SIGCONT)
            self._asleep.remove(worker)

    @property
    def awake(self) -> Sequence[NodeProcess]:
        """The workers that answer."""
        return [worker for worker in self.running if worker not in self._asleep]

    @property
    def running(self) -> Sequence[NodeProcess]:
        """The workers that there are now."""
        return [worker for worker in self.workers if worker.running]


@contextmanager
def worker_processes(pair: Pair, count: int) -> Iterator[WorkerProcesses]:
    """A of a pair as so many workers, all running."""
    first = pair.a
    first.stop()
    url = fresh_postgresql()
    told = url.set(drivername="postgresql").render_as_string().replace("%2F", "/")
    asyncio.run(move_database(first.folder, DatabaseSection(url=told), lambda _table, _rows: None))
    door, ports = listens_at(first.folder), [free_port() for _ in range(count)]
    change_listen(first.folder, door, on_loopback(ports[0]))
    made, front, loop = WorkerProcesses(pair, partial(_ask, url), [first]), Front(ports), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(front.take, *door.split(":")))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        first.start()
        for port in ports[1:]:
            made.add(
                on_loopback(port),
                lambda worker: asyncio.run(join(first.folder, worker.folder, PASSPHRASE, int(time.time()))),
            )
        yield made
    finally:
        made.end()
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(front.end(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


def _ask(url: URL, query: str) -> Sequence[Sequence[object]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


WORKERS, PEER = {"w1": "10.0.0.21", "w2": "10.0.0.22", "w3": "10.0.0.23"}, "10.0.0.31"
HOSTS = {**MEMBERS, "front": ENTRY, **WORKERS, "al": PEER}


@contextmanager
def workers_in_networks(base: Path, hosts: Lan, server: PatroniServer) -> Iterator[WorkerProcesses]:
    """FR as three workers and AL, each on a host of `HOSTS`, paired; peers come in by the HAProxy of deploy/compose."""
    fr, al = (
        NodeProcess(name=name, base=base, inside=hosts.inside(host), listen=f"{at}:8443", endpoint=f"{entry}:8443")
        for name, host, at, entry in (("FR", "w1", WORKERS["w1"], ENTRY), ("AL", "al", PEER, PEER))
    )
    made = WorkerProcesses(Pair(a=fr, b=al), server.rows, [fr])
    clock = SystemClock()
    fr.make(clock)
    al.make(clock)
    settings = fr.folder / "node.toml"
    told = settings.read_text(encoding="utf-8").replace(
        "[federation]\n", f'[federation]\nproxy_protocol = ["{ENTRY}"]\n'
    )
    settings.write_text(told, encoding="utf-8")
    place = ["--to", server.url, "--password-file", str(server.password_file), "--ca-file", str(server.ca)]
    trm = [sys.executable, "-m", "gateway.cli"]
    hosts.run("w1", *trm, "database", "move", *place, "--node", str(fr.folder))
    _start_door(base, hosts)
    try:
        for node in (fr, al):
            node.start()
        introduce(fr, al)
        for node in (fr, al):
            node.sign_in()
        for host, address in list(WORKERS.items())[1:]:

            def join_there(worker: NodeProcess, host: str = host) -> None:
                hosts.run(host, sys.executable, "-c", JOIN, str(fr.folder), str(worker.folder), PASSPHRASE)

            made.add(f"{address}:8443", join_there, hosts.inside(host))
        yield made
    finally:
        made.end()
        if al.running:
            al.kill()


def _start_door(base: Path, hosts: Lan) -> None:
    """HAProxy before the workers, as deploy/compose has it; the names of containers are addresses here."""
    config, text = base / "peers.cfg", (ROOT / "deploy/compose/cluster/haproxy.cfg").read_text(encoding="utf-8")
    before, section, after = text.partition("resolvers containers\n")
    assert section
    text = before + after.partition("\n\n")[2].replace(" resolvers containers init-addr last,libc,none", "")
    for number, address in enumerate(WORKERS.values(), start=1):
        text = text.replace(f" worker-{number}:8443", f" {address}:8443")
    config.write_text(text, encoding="utf-8")
    hosts.serve("front", "haproxy", "-q", "-db", "-f", str(config), log=base / "peers.log")
