"""Who was shown what: recorded before it is shown, once a day, without names, and found again by everybody who asks."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.running import CHEAP, PASSPHRASE, asked, pair, running
from support.seeded import seed

from gateway.app import open_node
from gateway.audit import store
from gateway.composition.node import Node
from gateway.operations.roles import Caller, Role

DAY = 24 * 3_600
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """A node that is not served, with some conversations."""
    base: Path = tmp_path_factory.mktemp("reads")
    async with running(base, {"FR": None, "AL": None}, desk_only=("FR", "AL")) as nodes:
        await pair(nodes["FR"], nodes["AL"])
    opened, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing:
        await seed(opened, conversations=12, drafts=2, rng=random.Random(3))
        yield opened


async def token(node: Node, label: str, role: Role = Role.CASE_WORKER) -> Caller:
    """Somebody who comes in with a token."""
    made = await asked(node, "token.new", {"role": str(role), "label": label})
    return Caller(roles=frozenset({role}), token=made["id"])


async def read(node: Node, operation: str, caller: Caller, **arguments: Any) -> Any:
    """One operation as this caller."""
    return (await node.desk.call(operation, arguments, caller=caller)).value


async def some(node: Node) -> tuple[str, str]:
    """A conversation of several messages, and one of these."""
    listed = (await asked(node, "conversation.list", {"limit": 50}))["conversations"]
    id = max(listed, key=lambda one: one["messages"])["conversation"]
    page = await asked(node, "message.list", {"conversation": id, "limit": 1})
    return id, page["messages"][0]["id"]


async def reads(node: Node, **arguments: Any) -> list[tuple[str, str | None]]:
    """What was read by these two, as an auditor sees it."""
    found = (await asked(node, "audit.reads", arguments | {"limit": 500}))["reads"]
    return [(one["what"], one["name"]) for one in found if one["name"] in ("Ana", "case system")]


async def entries(node: Node) -> list[dict[str, Any]]:
    """The entries about reads, oldest first."""
    leaves = await node.store.read(lambda c: [json.loads(leaf) for _, leaf in store.leaves(c)])
    return [leaf for leaf in leaves if leaf["ev"] in ("content.read", "attachment.read")]


async def test_who_has_seen_a_case_is_answered(node: Node):
    """Everything of a conversation comes together, whoever read it and whatever of it; the newest first."""
    conversation, message = await some(node)
    ana, system = await token(node, "Ana"), await token(node, "case system", Role.ADAPTER)
    await read(node, "conversation.show", ana, id=conversation)
    await read(node, "message.show", ana, id=message)
    await read(node, "message.show", system, id=message)
    assert await reads(node, conversation=conversation) == [
        ("message", "case system"),
        ("message", "Ana"),
        ("conversation", "Ana"),
    ]
    assert await reads(node, message=message) == [("message", "case system"), ("message", "Ana")]
    assert await reads(node, reader=f"token/{ana.token}") == [("message", "Ana"), ("conversation", "Ana")]


async def test_whom_may_read_it_learns_which_conversation_it_was(node: Node):
    """The log has a keyed index; who may read content is told the id, an auditor is not."""
    conversation, message = await some(node)
    focal, auditor = await token(node, "Fatos", Role.FOCAL_POINT), await token(node, "Court", Role.AUDITOR)
    await read(node, "message.show", focal, id=message)
    await read(node, "contact.advise", focal, id=conversation, channel="call")
    found = (await read(node, "audit.reads", focal, reader=f"token/{focal.token}"))["reads"]
    assert [(one["what"], one["conversation"], one["id"] == message) for one in found] == [
        ("contact", conversation, False),
        ("message", None, True),
    ]
    for one in (await read(node, "audit.reads", auditor))["reads"]:
        assert "conversation" not in one
    with pytest.raises(Exception, match="one of message, conversation"):
        await read(node, "audit.reads", focal, message=message, conversation=conversation)


async def test_a_day_is_one_entry(node: Node, monkeypatch: pytest.MonkeyPatch):
    """Read again it is the same entry, also after a start; the next day is another one."""
    _, message = await some(node)
    drita = await token(node, "Drita")
    before = len(await entries(node))
    for _ in range(3):
        await read(node, "message.show", drita, id=message)
    monkeypatch.setattr(node.desk._reads, "_known", type(node.desk._reads._known)())
    await read(node, "message.show", drita, id=message)
    assert len(await entries(node)) == before + 1
    tomorrow = node.clock.now() + DAY
    monkeypatch.setattr(type(node.clock), "now", lambda clock: tomorrow)
    await read(node, "message.show", drita, id=message)
    assert len(await entries(node)) == before + 2


async def test_the_log_names_nobody(node: Node):
    """An entry has the id and a keyed hash: the same for one reader, another one for another."""
    conversation, message = await some(node)
    besa, ilir = await token(node, "Besa"), await token(node, "Ilir")
    for caller in (besa, ilir):
        await read(node, "message.show", caller, id=message)
        await read(node, "conversation.show", caller, id=conversation)
    found = (await entries(node))[-4:]
    assert [(one["what"], one["id"] == message) for one in found] == [
        ("message", True),
        ("conversation", False),
        ("message", True),
        ("conversation", False),
    ]
    assert found[0]["actor"] == found[1]["actor"] != found[2]["actor"]
    told = json.dumps(found)
    assert not [word for word in ("Besa", "Ilir", besa.token, ilir.token, conversation) if str(word) in told]


async def test_who_sees_no_content_reads_none(node: Node):
    """An operator who looks at a message has read nothing of it, and a refusal shows nothing to anybody."""
    _, message = await some(node)
    operator, before = await token(node, "night shift", Role.OPERATOR), len(await entries(node))
    assert "content" not in await read(node, "message.show", operator, id=message)
    with pytest.raises(Exception, match="no such message"):
        await read(node, "message.show", await token(node, "Eda"), id="q2x0bJr3QkK0m1c5n8sT4g")
    assert len(await entries(node)) == before


async def test_the_log_can_be_looked_through(node: Node):
    """By event, by what an entry names, and page by page; what no checkpoint covers yet is open."""
    _, message = await some(node)
    await read(node, "message.show", await token(node, "Gjon"), id=message)
    about = (await asked(node, "audit.list", {"subject": message, "event": "content.read"}))["entries"]
    assert {entry["facts"]["id"] for entry in about} == {message}
    assert {entry["event"] for entry in about} == {"content.read"}
    assert about[0]["covered"] == "open"
    whole, cursor = [], ""
    while cursor is not None:
        page = await asked(node, "audit.list", {"limit": 500} | ({"cursor": cursor} if cursor else {}))
        whole, cursor = whole + [entry["seq"] for entry in page["entries"]], page["next"]
    size = (await asked(node, "audit.show", {}))["entries"]
    assert whole == list(range(size, 0, -1))
    middle = (await asked(node, "audit.list", {"limit": 1, "cursor": str(size // 2)}))["entries"][0]
    assert middle["seq"] == size // 2 - 1


async def test_who_looked_at_a_case_is_recorded(node: Node):
    """A case shows a name: who was shown it is in the log, by the id of the case and with no word of it."""
    eve = await token(node, "Eve")
    id = (await asked(node, "case.open", {"label": "Blue 7", "by": "adm"}))["id"]
    await read(node, "case.show", eve, id=id)
    found = (await asked(node, "audit.reads", {"reader": f"token/{eve.token}"}))["reads"]
    assert [(one["what"], one["name"]) for one in found] == [("case", "Eve")]
    last = (await entries(node))[-1]
    assert id in last.values()
    assert "Blue" not in json.dumps(last)
