"""gateway.federation.listener: who may hold how many connections, and how much work a peer gets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.federation import Site, listening
from support.raw_requests import raw, signed_fields, status_of
from support.rest import until_at_rest

from gateway.federation import listener
from gateway.federation.tls import client_context

SHORT = 5.0
"""Seconds that end soon, but not before what is looked at in them."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


async def held(site: Site, host: str, count: int) -> list[asyncio.StreamWriter]:
    """Connections from one address that were accepted and say nothing, not even of TLS."""
    opened = [await asyncio.open_connection("127.0.0.1", site.port, local_addr=(host, 0)) for _ in range(count)]
    await until_at_rest()
    return [writer for _, writer in opened]


async def asks(site: Site, host: str) -> int | None:
    """The status that a good request of this address gets; None where it is not let in."""
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=client_context(), local_addr=(host, 0)
        )
    except (ConnectionError, ssl.SSLError):
        return None
    writer.write(raw(signed_fields(site), b"Connection: close"))
    answer = await reader.read()
    writer.transport.abort()
    return status_of(answer)


async def test_there_are_never_too_many_connections(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection above the limit is closed at once; when others have gone the next one is served."""
    monkeypatch.setattr(listener, "CONNECTIONS", 2)
    silent = [*await held(site, "127.0.0.1", 1), *await held(site, "127.0.0.2", 1)]
    assert await asks(site, "127.0.0.3") is None
    for writer in silent:
        writer.transport.abort()
    await until_at_rest()
    assert await asks(site, "127.0.0.3") == 200


async def test_one_address_has_a_share_of_the_connections(site: Site) -> None:
    """Whoever holds as many as one address may have is closed out, from before TLS on, and others are not."""
    silent = await held(site, "127.0.0.1", 70)
    assert await asks(site, "127.0.0.1") is None
    assert await asks(site, "127.0.0.2") == 200
    for writer in silent:
        writer.transport.abort()
    await until_at_rest()
    assert await asks(site, "127.0.0.1") == 200


async def test_who_never_begins_tls_loses_its_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a handshake ends, and its place is free again."""
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", SHORT)
    monkeypatch.setattr(listener, "CONNECTIONS_PER_ADDRESS", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, local_addr=("127.0.0.1", 0))
    assert await asks(site, "127.0.0.1") is None
    assert await reader.read() == b""
    assert await asks(site, "127.0.0.1") == 200
    writer.transport.abort()


@pytest.mark.parametrize("turns", range(6))
async def test_who_comes_just_as_it_ends_is_let_go(tmp_path: Path, turns: int) -> None:
    """Wherever its greeting is: before it begins, before a transport is there that closes it, and in the handshake."""
    async with listening(tmp_path) as site:
        caller = socket.create_connection(("127.0.0.1", site.port))
        for _ in range(turns):
            await asyncio.sleep(0)
    await until_at_rest()
    caller.setblocking(False)
    with caller, contextlib.suppress(ConnectionResetError):
        assert caller.recv(1) == b""


async def test_a_peer_has_a_budget_of_work(tmp_path: Path) -> None:
    """Who used up its time of the processor gets 429 until half a second of it has come back for each second."""

    def work() -> None:
        begun = time.thread_time()
        while time.thread_time() < begun + 0.3:
            pass

    async with listening(tmp_path, saved=0.2) as site:
        site.handlers.work = work
        answers = [await asks(site, "127.0.0.1") for _ in range(2)]
        assert answers == [200, 429]
        site.clock.mono += 0.1
        assert await asks(site, "127.0.0.1") == 429
        site.clock.mono += 1.0
        assert await asks(site, "127.0.0.1") == 200
        assert [refusal.status for refusal in site.refusals] == [429, 429]
        assert site.overworked == [site.caller.node] * 2
