"""100 000 messages from the file of a node to a PostgreSQL server and back: how long it takes, what people see
meanwhile, and that every row means the same in the three places.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from support.databases import fresh_postgresql
from support.pair import Party, closed_node
from support.seeded import seed

from gateway.audit import store as audit_store
from gateway.database.kinds.copying import COPIED, ROWS
from gateway.database.opening import open_store
from gateway.database.table_fingerprint import STORED

ROOT = Path(__file__).resolve().parents[2]
CONVERSATIONS = 10_000
"""Of ten messages each, on average; sixteen rows to a message."""
SHOWN = 5
"""Conversations whose sealed content is opened in each place."""


def describe_rows(connection: Connection) -> Mapping[str, tuple[int, str]]:
    """Count and digest of the rows of each table, in the order of their keys as this program compares them."""
    found = {}
    for table in COPIED:
        rows = connection.execute(select(table).execution_options(yield_per=ROWS))
        keys = [column.name for column in table.primary_key.columns]
        lines = []
        for row in rows.mappings():
            if row.get("key") == STORED and table.name == "meta":
                continue  # the fingerprint of the tables, which each file has of its own
            values = {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            line = repr(sorted(values.items())).encode()
            lines.append((repr([values[key] for key in keys]), sha256(line).digest()))
        lines.sort()
        found[table.name] = len(lines), sha256(b"".join(line for _, line in lines)).hexdigest()
    return found


def read_closed(party: Party, query: Callable[[Connection], Any]) -> Any:
    """Ask the database of a stopped node, wherever node.toml says it is."""
    with closing(open_store(party.folder)) as store:
        return store.read_here(query)


def root_of(connection: Connection) -> str:
    """The root of the audit log over all of its entries."""
    return audit_store.tree(connection, audit_store.size(connection)).root().hex()


async def show_some(party: Party, conversations: tuple[str, ...]) -> list[Any]:
    """What the node shows of some conversations: their content is opened for it."""
    await party.open()
    shown = [await party.call("conversation.show", id=one) for one in conversations]
    await party.stop()
    return shown


def move(folder: Path, *arguments: str) -> tuple[float, str, str]:
    """Run `trm database move`: seconds, standard output, standard error."""
    began = time.monotonic()
    command = [sys.executable, "-m", "gateway.cli", "database", "move", "--node", str(folder), "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began, done.stdout, done.stderr


@pytest.mark.deep
@pytest.mark.timeout(4 * 3_600)  # also on a machine that does other things
async def test_they_are_the_same_there_and_when_they_are_back(tmp_path: Path) -> None:
    """Every table's rows, the root of the audit log, and conversations as people see them; progress is told."""
    party = await closed_node(tmp_path)
    await party.open()
    seeded = await seed(party.running, conversations=CONVERSATIONS, rng=random.Random(1))
    await party.stop()
    some = seeded.conversations[:: len(seeded.conversations) // SHOWN][:SHOWN]
    shown = await show_some(party, some)
    rows, root = read_closed(party, describe_rows), read_closed(party, root_of)
    assert rows["message"][0] == seeded.messages
    url = fresh_postgresql().set(drivername="postgresql").render_as_string().replace("%2F", "/")

    there, answer, told = move(party.folder, "--to", url)
    assert root in answer
    assert re.search(r"^trm: message: \d+0000 rows$", told, re.MULTILINE)
    assert read_closed(party, describe_rows) == rows and read_closed(party, root_of) == root
    (party.folder / "node.db.moved").unlink()

    back, answer, _ = move(party.folder, "--to-file")
    assert root in answer
    assert read_closed(party, describe_rows) == rows and read_closed(party, root_of) == root
    assert await show_some(party, some) == shown
    count = sum(number for number, _ in rows.values())
    print(f"{seeded.messages} messages, {count} rows: {there:.0f} s to the server, {back:.0f} s back")
