"""Lists of a node with much in it, page by page: everything comes once, in order, whatever the size of a page."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.running import CHEAP, PASSPHRASE, asked, pair, running
from support.seeded import seed

from gateway.app import open_node
from gateway.composition.node import Node
from gateway.database import journal
from gateway.errors import Code, RefusedError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """A node that is not served and has 36 conversations with a peer."""
    base: Path = tmp_path_factory.mktemp("pages")
    async with running(base, {"FR": None, "AL": None}, desk_only=("FR", "AL")) as nodes:
        await pair(nodes["FR"], nodes["AL"])
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing:
        await seed(node, conversations=36, drafts=5, rng=random.Random(1))
        yield node


async def every(node: Node, operation: str, member: str, **arguments: Any) -> list[Any]:
    """What all pages have together, and that they are more than one."""
    found, cursor, pages = [], None, 0
    while cursor is not None or not pages:
        page = await asked(node, operation, arguments | ({} if cursor is None else {"cursor": cursor}))
        found += page[member]
        cursor, pages = page["next"], pages + 1
    assert pages > 1
    return found


@pytest.mark.parametrize("owes", [{}, {"owes": "us"}, {"owes": "them"}])
async def test_what_is_owed_comes_once(full: Node, owes: dict[str, str]):
    """The pages of the morning list have what the whole list has, for each side too."""
    whole = (await asked(full, "conversation.due", {"limit": 500} | owes))["due"]
    found = await every(full, "conversation.due", "due", limit=3, **owes)

    def name(line: dict[str, Any]) -> tuple[str, str]:
        return line["because"], line["what"]

    assert sorted(map(name, found)) == sorted(map(name, whole))
    assert {line["owes"] for line in found} == set(owes.values() or ("us", "them"))


async def test_conversations_come_by_their_last_message(full: Node):
    """Each once, the most recently active first."""
    found = await every(full, "conversation.list", "conversations", limit=5)
    assert len({one["conversation"] for one in found}) == len(found) == 36
    whole = (await asked(full, "conversation.list", {"limit": 500}))["conversations"]
    assert found == whole
    listed = (await asked(full, "message.list", {"limit": 500}))["messages"]
    order = list(dict.fromkeys(message["conversation"] for message in listed))
    assert [one["conversation"] for one in found] == order


async def test_lists_are_narrowed(full: Node):
    """By country, unit, kind and state: what is left out is all of the others; an unknown country is an error."""
    listed = (await asked(full, "conversation.list", {"limit": 500}))["conversations"]
    peers, kinds, states = ({one[name] for one in listed} for name in ("peer", "kind", "state"))
    assert len(kinds) > 1 and len(states) > 2 and None not in states
    for name, values in (("peer", peers), ("kind", kinds), ("state", states)):
        for value in values:
            found = (await asked(full, "conversation.list", {"limit": 500, name: value}))["conversations"]
            assert found == [one for one in listed if one[name] == value]
    due = (await asked(full, "conversation.due", {"limit": 500}))["due"]
    for name in ("peer", "unit"):
        for value in {line[name] for line in due}:
            found = (await asked(full, "conversation.due", {"limit": 500, name: value}))["due"]
            assert found == [line for line in due if line[name] == value]
    assert (await asked(full, "conversation.due", {"unit": "other"}))["due"] == []
    for operation in ("conversation.list", "conversation.due"):
        with pytest.raises(Exception, match="not_found"):
            await full.desk.call(operation, {"peer": "nobody"})


async def test_a_cursor_of_another_list_is_refused(full: Node):
    """A number is no place on the morning list."""
    with pytest.raises(Exception, match="the cursor is not valid"):
        await full.desk.call("conversation.due", {"cursor": "17"})


async def test_alarms_come_oldest_first(full: Node):
    """Each once, of all kinds or of one; how many there are is said on every page; a strange cursor is refused."""

    def raised(connection: Connection) -> None:
        for number in range(7):
            kind = "adapter.busy" if number % 2 else "peer.silent"
            journal.raise_alarm(connection, at=number, kind=kind, peer=f"n{number}")

    await full.store.move(raised)
    found = await every(full, "alarm.list", "alarms", limit=2)
    assert [int(one["id"]) for one in found] == sorted({int(one["id"]) for one in found})
    assert len([one for one in found if one["kind"] in ("adapter.busy", "peer.silent")]) == 7
    first = await asked(full, "alarm.list", {"limit": 1, "kind": "adapter.busy"})
    assert (first["open"], len(first["alarms"])) == (3, 1)
    assert len(await every(full, "alarm.list", "alarms", limit=2, kind="adapter.busy")) == 3
    assert (await asked(full, "alarm.list", {"limit": 1}))["open"] == len(found)
    assert (await asked(full, "node.show", {}))["alarms"] == len(found)
    with pytest.raises(RefusedError) as refused:
        await asked(full, "alarm.list", {"cursor": "x"})
    assert refused.value.code is Code.INVALID
