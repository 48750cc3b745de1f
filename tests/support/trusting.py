"""People who look after trust between two nodes of `support.pair`: what they read, approve and edit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from support.pair import Party
from support.patience import PATIENCE

from gateway.errors import Code, RefusedError
from keys.documents.change import Change
from keys.offline.administrator_key import Admin
from keys.primitives.encoding import canon


async def digits(party: Party) -> str:
    """What this node shows to be read out."""
    return str((await party.call("peer.code", id=party.running.peers.all()[0].name))["code"])


async def approve(party: Party, id: str, person: Admin, *, emergency: bool = False) -> Any:
    """One more person approves a pending change."""
    shown = await party.call("change.show", id=id)
    prepared = Change.parse(canon(shown["change"]))
    approval = person.approve(prepared, at=party.clock.now(), emergency=emergency).document.to_json()
    return await party.call("change.approve", id=id, approval=approval)


async def scope_of(party: Party, **members: Any) -> Any:
    """What this node permits the other one, with other members."""
    return await party.call("peer.scope", id=party.peer().name) | members


async def refused(party: Party, code: Code, words: str) -> None:
    """An enquiry is refused at submission, for this reason."""
    with pytest.raises(RefusedError, match=words) as caught:
        await party.submit("no")
    assert caught.value.code is code


def edit_by_hand(party: Party, statement: str) -> None:
    """As somebody with the sqlite3 program on the machine does it, past every constraint of ours."""
    with closing(sqlite3.connect(party.folder / "node.db", timeout=PATIENCE)) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()


HISTORY = ("change", "approval", "trust_record")
"""The tables from which the history of a peer is read."""


def copy_by_hand(party: Party) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of these tables, its place first."""
    with closing(sqlite3.connect(party.folder / "node.db", timeout=PATIENCE)) as connection:
        return {table: connection.execute(f"select rowid, * from {table}").fetchall() for table in HISTORY}


def put_back_by_hand(party: Party, written: dict[str, list[tuple[Any, ...]]]) -> None:
    """The tables hold these rows again, at the places that they had."""
    with closing(sqlite3.connect(party.folder / "node.db", timeout=PATIENCE)) as connection:
        for table, rows in written.items():
            names = [name for _, name, *_ in connection.execute(f"pragma table_info({table})")]
            connection.execute(f"delete from {table}")
            connection.executemany(
                f"insert into {table} (rowid, {', '.join(names)}) values ({', '.join('?' * (1 + len(names)))})", rows
            )
        connection.commit()
