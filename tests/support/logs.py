"""A node's audit log that a peer has witnessed, to be spoilt; and the stranger's verifier of docs/, as a program."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.house import ROOT
from support.nodechild import SteeredClock
from support.pair import START, Party, Two, two_nodes
from support.patience import PATIENCE

from gateway.app import open_log
from gateway.audit import reader
from gateway.database import journal
from gateway.database.audit_entries import leaf

EARLY, LATE = 300, 345
"""Sizes of the two witnessed checkpoints that the tests know: a full tile, and what is behind it."""


@dataclass(frozen=True)
class Witnessed:
    """Two nodes that are stopped: FR has checkpoints of EARLY and LATE entries, AL cosigned both.

    `yesterday` has FR's database and kept checkpoint as they were at EARLY.
    """

    base: Path
    fingerprints: tuple[str, str]
    al: str

    @property
    def yesterday(self) -> Path:
        """A folder with an old copy of two files."""
        return self.base / "yesterday"

    def copy(self, to: Path) -> Path:
        """FR's folder for one test; its path."""
        return copied(self.base / "FR", to / "FR")


def copied(folder: Path, to: Path) -> Path:
    """A stopped node's folder at another place, without its socket."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("api.sock"))
    return to


async def witnessed(base: Path) -> Witnessed:
    """Make the two nodes and the log."""
    async with two_nodes(base) as two:
        await grow(two, EARLY)
        (base / "yesterday").mkdir()
        with closing(sqlite3.connect(base / "FR" / "node.db")) as source:
            source.execute("vacuum into ?", (str(base / "yesterday" / "node.db"),))
        shutil.copy(base / "FR" / "checkpoint", base / "yesterday" / "checkpoint")
        await grow(two, LATE)
        digits = tuple(re.sub(r"\s", "", party.running.own.descriptor.fingerprint) for party in two)
        return Witnessed(base=base, fingerprints=(digits[0], digits[1]), al=two.al.running.own.node)


async def grow(two: Two, size: int) -> None:
    """Entries up to `size` in FR's log, a checkpoint of exactly that size, and AL's word on it."""
    node = two.fr.running
    now = two.clock.now()

    def move(connection: Any) -> None:
        there = journal.leaves(connection, 1, size + 1)
        assert len(there) < size, "the test needs a larger size"
        rest = range(len(there), size)
        journal.append_leaves(connection, [leaf(now, "alarm.dismissed", actor=f"{number:032x}") for number in rest])

    await node.store.move(move)
    assert (await node.log.checkpoint()).size == size
    await node.checkpointer.ask(two.al.running.own.node)


def edit(folder: Path, *statements: tuple[str, Sequence[Any]]) -> None:
    """Change the database of a stopped node by hand."""
    with closing(sqlite3.connect(folder / "node.db")) as connection, connection:
        for statement, values in statements:
            connection.execute(statement, values)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What the database of a stopped node says."""
    with closing(sqlite3.connect(folder / "node.db")) as connection:
        return connection.execute(query).fetchall()


async def our_verdict(folder: Path) -> dict[str, Any]:
    """What `trm audit verify` says of a stopped folder."""
    async with open_log(folder, clock=SteeredClock(START)) as book:
        return await reader.verify(book)


async def exported(folder: Path, to: Path) -> Path:
    """What `trm audit export` writes."""
    async with open_log(folder, clock=SteeredClock(START)) as book:
        page = await reader.export(book, None, 0)
        lines = [*page["lines"]]
        while page["next"] is not None:
            page = await reader.export(book, page["next"], page["upto"])
            lines += page["lines"]
    to.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return to


def stranger(file: Path, *fingerprints: str) -> tuple[int, list[str]]:
    """Exit code and lines of docs/verify_audit.py, run as a stranger runs it: with nothing of ours on its path."""
    command = [sys.executable, "-I", str(ROOT / "docs" / "verify_audit.py"), str(file), *fingerprints]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=file.parent)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.splitlines()


def party(folder: Path, name: str, at: int) -> Party:
    """A node of these folders, to be started."""
    return Party(name, folder, SteeredClock(at))


def leaf_of(folder: Path, seq: int) -> dict[str, Any]:
    """One entry, read."""
    ((data,),) = rows(folder, f"select leaf from audit where seq = {seq}")
    found: dict[str, Any] = json.loads(data)
    return found
