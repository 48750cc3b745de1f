"""The reading that operators and metrics share: it counts what is there, and holds nothing that somebody said."""

from __future__ import annotations

import asyncio
import json
import random
import re
import resource
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support import patience
from support.pair import Party, two_nodes
from support.running import CHEAP, PASSPHRASE, asked, pair, running
from support.seeded import Seeded, seed

from gateway.app import open_node
from gateway.composition.node import Node
from gateway.database import durability, journal
from gateway.errors import Code

HOUR = 3_600
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seeded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Node, Seeded]]:
    """A node that is not served and has messages in every state."""
    base: Path = tmp_path_factory.mktemp("status")
    async with running(base, {"FR": None, "AL": None}, desk_only=("FR", "AL")) as nodes:
        await pair(nodes["FR"], nodes["AL"])
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP)
    async with closing:
        yield node, await seed(node, conversations=120, drafts=3, rng=random.Random(2))


async def every(node: Node) -> list[dict[str, Any]]:
    """Every message as the list shows it."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await asked(node, "message.list", {"limit": 500} | ({"cursor": cursor} if cursor else {}))
        found, cursor = found + page["messages"], page["next"]
    return found


async def test_the_figures_are_those_of_the_messages(seeded: tuple[Node, Seeded]):
    """Counted from indexes, and the same as by looking at every message."""
    node, _ = seeded
    found, now = await asked(node, "node.status", {}), node.clock.now()
    messages = await every(node)
    states = Counter((message["direction"], message["state"]) for message in messages)
    (peer,) = found["peers"]
    waiting = [m for m in messages if m["direction"] == "out" and m["state"] in ("queued", "awaiting_receipt")]
    assert peer["queued"] == {"count": len(waiting), "oldest": min(m["at"] for m in waiting)}
    late = [m for m in messages if (m["direction"], m["state"]) == ("out", "awaiting_handover")]
    late = [m for m in late if m["at"] < now - 86_400]
    assert peer["undelivered"] == {"count": len(late), "oldest": min((m["at"] for m in late), default=None)}
    silent = [m for m in messages if m["state"] == "awaiting_receipt" and m["at"] < now - 3_600]
    assert peer["unreceived"] == {"count": len(silent), "oldest": min((m["at"] for m in silent), default=None)}
    assert {one["kind"]: one["count"] for one in found["failed"]} == {
        "failed": states["out", "failed"],
        "held": states["in", "held"],
    }
    assert found["hand_over"]["messages"]["count"] == states["in", "awaiting_handover"]
    assert found["hand_over"]["drafts"] == 3
    assert min(len(waiting), len(late), len(silent), states["out", "failed"], states["in", "held"]) > 0
    assert {one["kind"]: one["count"] for one in found["alarms"]}["message.failed"] == states["out", "failed"]
    assert found["storage"]["database"] > 1_000_000


async def test_no_figure_says_what_is_said(seeded: tuple[Node, Seeded]):
    """No id of a conversation or message, and no type of one, is in the reading."""
    node, made = seeded
    told = json.dumps(await asked(node, "node.status", {}))
    ids = [*made.conversations, *(message["id"] for message in await every(node))]
    assert not [id for id in ids if id in told]
    assert "referral" not in told


FINE = {"ready": True, "why": [], "maintenance": None, "sending": True, "sending_why": []}


async def test_it_says_when_it_does_not_send(seeded: tuple[Node, Seeded], monkeypatch: pytest.MonkeyPatch):
    """While nothing departs, the node takes what comes, so it is ready; that it does not send is told apart."""
    node, _ = seeded
    assert await asked(node, "node.ready", {}) == FINE
    monkeypatch.setattr(node.log, "halted", Code.LOG_ROLLED_BACK)
    assert await asked(node, "node.ready", {}) == FINE | {"sending": False, "sending_why": ["log_rolled_back"]}
    assert (await asked(node, "node.status", {}))["audit"]["halted"] == "log_rolled_back"


async def test_it_is_ready_only_while_the_disk_takes_what_it_writes(tmp_path: Path):
    """No byte fits on the disk any more: what is read still answers, and the node is not ready until there is room."""
    async with two_nodes(tmp_path) as two:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        connector = aiohttp.UnixConnector(str(two.fr.folder / "run" / "api.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:

            async def statuses() -> list[int]:
                two.clock.advance(10)
                return [
                    (await session.get(f"http://node/health/{name}")).status for name in ("live", "ready", "sending")
                ]

            assert await statuses() == [200, 200, 200]
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, before[1]))
            try:
                assert await statuses() == [200, 503, 503]
                found = await two.fr.call("node.ready")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            assert (found["ready"], found["why"]) == (False, ["disk"])
            assert await statuses() == [200, 200, 200]


async def test_a_write_that_hangs_is_none(seeded: tuple[Node, Seeded], monkeypatch: pytest.MonkeyPatch):
    """A disk that neither takes nor refuses: after its patience the node is not ready, until the write is through."""
    node, _ = seeded
    monkeypatch.setattr(durability, "GOOD_FOR", 0.0)
    assert await asked(node, "node.ready", {}) == FINE
    monkeypatch.setattr(durability, "PATIENCE", 0.1)
    begun, hangs = threading.Event(), threading.Event()

    def hang(_connection: Connection) -> bool:
        begun.set()
        return hangs.wait()

    writing = asyncio.create_task(node.store.move(hang))
    await asyncio.to_thread(begun.wait)
    try:
        async with asyncio.timeout(patience.PATIENCE):
            found = await asked(node, "node.ready", {})
        assert (found["ready"], found["why"], found["sending"]) == (False, ["disk"], False)
    finally:
        hangs.set()
    assert await writing is True
    monkeypatch.undo()
    monkeypatch.setattr(durability, "GOOD_FOR", 0.0)
    assert await asked(node, "node.ready", {}) == FINE


async def test_damage_is_counted(seeded: tuple[Node, Seeded]):
    """What does not open any more is an alarm, and a figure."""
    node, _ = seeded
    now = node.clock.now()
    await node.store.move(lambda c: journal.raise_alarm(c, at=now, kind="content.damaged", ref=1))
    found = (await asked(node, "node.status", {}))["content"]
    assert (found["damaged"], found["key_place"]) == (1, "file")


async def test_a_peer_that_is_away_is_seen(tmp_path: Path):
    """A stopped peer: its queue has a depth and an age, in the reading and in `/metrics`; back again, nothing waits."""

    async def peer_of(fr: Party) -> dict[str, Any]:
        (peer,) = (await fr.call("node.status"))["peers"]
        return dict(peer)

    async with two_nodes(tmp_path) as two:
        assert (await peer_of(two.fr))["delivery"] == "idle"
        await two.al.stop()
        id = await two.fr.submit("waits", to="AL")

        async def failing() -> bool:
            return bool((await peer_of(two.fr))["delivery"] == "failing")

        await two.until(failing, seconds=30)
        two.clock.advance(HOUR)
        peer = await peer_of(two.fr)
        assert peer["queued"]["count"] == 1
        assert two.clock.now() - peer["queued"]["oldest"] >= HOUR
        connector = aiohttp.UnixConnector(str(two.fr.folder / "run" / "api.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            text = await (await session.get("http://node/metrics")).text()
            assert (await session.get("http://node/health/ready")).status == 200
            assert (await session.get("http://node/health/sending")).status == 503
        (age,) = re.findall(r'^trm_queue_oldest_seconds\{peer="AL"\} ([\d.]+)$', text, re.MULTILINE)
        assert float(age) >= HOUR
        assert id not in text
        await two.al.start()

        async def gone() -> bool:
            return bool((await peer_of(two.fr))["queued"]["count"] == 0)

        await two.until(gone, seconds=60)
