"""The rows of a node on a PostgreSQL server, and back in the file of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.databases import fresh_postgresql
from support.pair import Party, two_nodes

from gateway.administration.doctor.database import check_database
from gateway.administration.doctor.folder import State
from gateway.administration.move_database import MOVED, move_database, name_database
from gateway.errors import Code, RefusedError
from gateway.foundation.config import DatabaseSection, load
from gateway.foundation.node_folder import DATABASE


def a_server() -> DatabaseSection:
    """An empty database, as node.toml names it."""
    url = fresh_postgresql().set(drivername="postgresql")
    return DatabaseSection(url=url.render_as_string().replace("%2F", "/"), archive_days=0)


def quiet(_table: str, _rows: int) -> None:
    """Nobody is told."""


async def kept(party: Party) -> tuple[object, ...]:
    """What a node knows of its messages and its log."""
    messages = await party.rows("select id, direction, state, at from message order by direction, id")
    return messages, await party.rows("select seq, leaf from audit order by seq")


async def test_a_node_goes_to_a_server_and_back(tmp_path: Path) -> None:
    """What it knew it knows there, it exchanges messages there, and what came there it knows in its folder again."""
    async with two_nodes(tmp_path) as two:
        await two.fr.submit("in the file")
        await two.until(lambda: two.al.notes() == ["in the file"])
        await two.calm()
        before = await kept(two.fr)
        await two.fr.stop()
        moved = await move_database(two.fr.folder, a_server(), quiet)
        assert moved.rows["message"] == 1 and (two.fr.folder / MOVED).exists()
        assert not (two.fr.folder / DATABASE).exists()
        await two.fr.start()
        again = await kept(two.fr)
        assert again[0] == before[0]
        await two.fr.submit("on the server")
        await two.al.submit("to the server")
        await two.until(lambda: two.al.notes() == ["in the file", "on the server"], seconds=30)
        await two.until(lambda: two.fr.notes() == ["to the server"], seconds=30)
        await two.calm()
        there = await kept(two.fr)
        await two.fr.stop()
        await move_database(two.fr.folder, DatabaseSection(), quiet)
        await two.fr.start()
        assert (await kept(two.fr))[0] == there[0]
        assert (await two.fr.call("audit.verify"))["findings"] == []


async def test_a_move_that_fails_leaves_nothing_there(tmp_path: Path) -> None:
    """The node stays where it was, the server is as empty as before, and the move can be repeated."""
    async with two_nodes(tmp_path) as two:
        await two.fr.stop()
        server = a_server()

        def cut(table: str, _rows: int) -> None:
            if table == "audit":
                raise ConnectionError("the way to the server is cut")

        with pytest.raises(ConnectionError):
            await move_database(two.fr.folder, server, cut)
        assert (two.fr.folder / DATABASE).exists()
        assert (await move_database(two.fr.folder, server, quiet)).rows["peer"] == 1
        found = check_database(two.fr.folder, load(two.fr.folder), running=True)
        assert found.state is State.OK and "no archives" in found.found
        name_database(two.fr.folder, server.model_copy(update={"archive_days": None}))
        found = check_database(two.fr.folder, load(two.fr.folder), running=True)
        assert found.state is State.WARN and "archive_days" in found.fix
        name_database(two.fr.folder, server.model_copy(update={"archive_days": 30}))
        assert "kept for 30 days" in check_database(two.fr.folder, load(two.fr.folder), running=True).found


async def test_a_server_without_a_node_is_red(tmp_path: Path) -> None:
    """`trm doctor` asks the server, also where the node runs, and says what to look at."""
    async with two_nodes(tmp_path) as two:
        name_database(two.fr.folder, a_server())
        found = check_database(two.fr.folder, load(two.fr.folder), running=True)
        assert (found.state, found.found) == (State.RED, "the database on the server holds no node")


async def test_a_database_with_tables_is_not_filled(tmp_path: Path) -> None:
    """Nothing is moved, and the node runs where it was."""
    async with two_nodes(tmp_path) as two:
        await two.al.stop()
        await two.fr.stop()
        server = a_server()
        await move_database(two.al.folder, server, quiet)
        with pytest.raises(RefusedError) as caught:
            await move_database(two.fr.folder, server, quiet)
        assert caught.value.code is Code.EXISTS
        assert (two.fr.folder / DATABASE).exists()
        await two.fr.start()
