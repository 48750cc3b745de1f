"""A node of a pair as several worker processes: rows on a real PostgreSQL server, a folder for each worker, one door
for peers, and one case system.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, NullPool, create_engine, text
from support.acting import share_tokens
from support.databases import fresh_postgresql
from support.nodeproc import PASSPHRASE, NodeProcess, Pair
from support.ports import free_port
from support.several_workers import Front, change_listen, join, listens_at

from gateway.administration.move_database import move_database
from gateway.foundation.config import DatabaseSection


@dataclass
class WorkerProcesses:
    """The workers of A, and the server that they share."""

    pair: Pair
    url: URL
    workers: list[NodeProcess]
    front: Front
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database says."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def cut(self) -> None:
        """The server ends every session of this database, as when another one takes over."""
        self.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    def pause(self, worker: NodeProcess) -> None:
        """The process stands still, as a machine that is suspended."""
        assert worker.process is not None
        worker.process.send_signal(signal.SIGSTOP)

    def resume(self, worker: NodeProcess) -> None:
        """It goes on where it was."""
        assert worker.process is not None
        worker.process.send_signal(signal.SIGCONT)

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
    change_listen(first.folder, door, ports[0])
    made = WorkerProcesses(pair, url, [first], Front(ports))
    loop = made._loop
    server = loop.run_until_complete(asyncio.start_server(made.front.take, "127.0.0.1", int(door)))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        first.start()
        for number in range(1, count):
            worker = NodeProcess(name=f"{first.name}-{number + 1}", base=first.base, batch=first.batch, node=first.node)
            asyncio.run(join(first.folder, worker.folder, PASSPHRASE, int(time.time())))
            change_listen(worker.folder, str(ports[0]), ports[number])
            shutil.copy(first.passphrase_file, worker.passphrase_file)
            share_tokens(first.folder, worker.folder)
            made.workers.append(worker)
            worker.start()
        yield made
    finally:
        for worker in made.running:
            made.resume(worker)
            worker.kill()
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(made.front.end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
