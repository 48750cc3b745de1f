"""What a node keeps in memory of peers, policies, tokens and time is what was read last, however reads come back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.pair import two_nodes

from gateway.access import token_store
from gateway.composition.node import Node
from gateway.peers import confirmed_time
from gateway.peers import store as peer_rows
from gateway.policy import in_force

TAKEN_BACK = "insert into meta (key, value) values ('clock_superseded', cast('7' as blob))"


def _peers(node: Node) -> object:
    return [peer.state for peer in node.peers.all()]


def _tokens(node: Node) -> object:
    return [token.revoked is None for token in node.tokens.all()]


def _policies(node: Node) -> object:
    return node.policies._changes


def _time(node: Node) -> object:
    return node.time._superseded


KINDS: dict[str, tuple[Any, str, str, Callable[[Node], Any], Callable[[Node], object]]] = {
    "peers": (peer_rows, "load", "update peer set state = 'suspended'", lambda node: node.peers.refresh(), _peers),
    "tokens": (token_store, "load", "update token set revoked = 1", lambda node: node.tokens.refresh(), _tokens),
    "policies": (
        in_force,
        "completed",
        "update change set effective = effective + 1",
        lambda node: node.policies.refresh(),
        _policies,
    ),
    "time": (confirmed_time, "read_believed", TAKEN_BACK, lambda node: node.time.refresh(), _time),
    "time of another worker": (
        confirmed_time,
        "read_believed",
        TAKEN_BACK,
        lambda node: node.time.read_again(),
        _time,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_older_read_never_replaces_a_newer_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read has its rows and comes back late; meanwhile the rows change, and they are read again. A peer that was
    suspended, a token that was revoked, stays so.
    """
    module, name, change, refresh, seen = KINDS[kind]
    ordinary, begun, released = getattr(module, name), threading.Event(), threading.Event()

    def late(*asked: Any) -> Any:
        rows = ordinary(*asked)
        if not begun.is_set():
            begun.set()
            assert released.wait(60)
        return rows

    async with two_nodes(tmp_path) as (fr, _):
        node = fr.running
        await fr.call("token.new", role="adapter", label="x")
        await refresh(node)
        before = seen(node)
        monkeypatch.setattr(module, name, late)
        first = asyncio.create_task(refresh(node))
        await asyncio.to_thread(begun.wait, 60)
        await node.store.move(lambda c: c.exec_driver_sql(change))
        second = asyncio.create_task(refresh(node))
        await asyncio.wait({second}, timeout=0.5)
        released.set()
        await asyncio.gather(first, second)
        assert seen(node) != before
        after = seen(node)
        await refresh(node)
        assert seen(node) == after
