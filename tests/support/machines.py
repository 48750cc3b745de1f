"""A node on several machines: key services of their own over one database, and one store for each on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from support.databases import fresh_postgresql
from support.federation import SteeredClock
from support.keystores import CHEAP, join_keystore, new_keystore

from gateway.database import journal
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.identity import machine_store
from gateway.identity.machines import add_machine, settle_machine
from keys.keystore.keystore import Keystore


class Machines:
    """Machines of one node, by number. `stores` may be one and the same."""

    def __init__(self, folder: Path, stores: list[Store]) -> None:
        self.folder, self.stores = folder, stores
        self.clock = SteeredClock()
        self.keys: list[Keystore] = []

    def path(self, number: int) -> Path:
        """Where its key store lies."""
        return self.folder / f"machine {number}" / "keystore"

    def store(self, number: int) -> Store:
        """Its way to the database."""
        return self.stores[number % len(self.stores)]

    async def begin(self, count: int = 2) -> None:
        """Make the first machine, and let the others join."""
        self.path(0).parent.mkdir()
        self.keys.append(new_keystore(self.path(0)))
        self.keys[0].link()
        await self.settle(0)
        for number in range(1, count):
            await self.join(number)

    async def join(self, number: int) -> None:
        """One more machine, as the first one stands."""
        self.path(number).parent.mkdir()
        self.keys.append(join_keystore(self.path(0), self.path(number)))

        def move(connection: Connection) -> None:
            add_machine(connection, self.keys[number], host=f"host {number}", at=self.clock.now())

        await self.stores[0].move(move)

    def open(self, number: int) -> Keystore:
        """Open its key store anew, as its key service does at a start."""
        word = "another one" if number else "open sesame"
        self.keys[number] = Keystore.open(self.path(number), word, at_least=CHEAP)
        return self.keys[number]

    async def settle(self, number: int) -> None:
        """What a start does then."""
        await settle_machine(self.store(number), self.keys[number], host=f"host {number}", clock=self.clock)

    async def behind(self) -> list[str]:
        """The hosts that have not followed the newest step."""
        return [machine.host for machine in await self.stores[0].read(machine_store.find_behind)]

    async def entries(self) -> list[bytes]:
        """What the audit log says."""
        return [entry for _, entry in await self.stores[0].read(journal.leaves)]


@contextmanager
def stores_on(kind: str, folder: Path) -> Iterator[list[Store]]:
    """The one store of a file; two on a PostgreSQL server, which they share."""
    if kind == "sqlite":
        stores = [Store(SqliteFile(folder / "node.db"))]
    else:
        url = fresh_postgresql()
        stores = [Store(PostgresServer(url, folder / "node.db", shared=True), new=new) for new in (True, False)]
    try:
        yield stores
    finally:
        for store in stores:
            store.close()
