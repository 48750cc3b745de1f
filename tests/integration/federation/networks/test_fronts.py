"""A listener behind a front: limits hold by the true address, and nobody else can claim one."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.federation import Site, listening
from support.haproxy import fronted
from support.patience import PATIENCE
from support.raw_requests import raw, signed_fields, status_of
from support.rest import until_at_rest
from support.shared import lacking

from gateway.errors import Code
from gateway.federation import listener
from gateway.federation.networks import fronts
from gateway.federation.networks.fronts import Fronts
from gateway.federation.tls import client_context

FRONT = "127.0.0.2"


def named(caller: str) -> bytes:
    """What a front says of a connection."""
    return f"PROXY TCP4 {caller} 192.0.2.1 51234 8443\r\n".encode()


@pytest.fixture
def told() -> list[Code]:
    """What was told of headers that are none."""
    return []


@pytest.fixture
async def site(tmp_path: Path, told: list[Code]) -> AsyncIterator[Site]:
    """Node bel behind a front; each address may ask once."""
    async with listening(tmp_path, burst=1.0, rate=0.0, fronts=Fronts([FRONT], told.append)) as running:
        yield running


async def asks(site: Site, host: str, header: bytes = b"", *, port: int | None = None) -> int | None:
    """The status of a good request from this address behind this header; None where it is not let in."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port or site.port, local_addr=(host, 0))
        writer.write(header)
        await writer.start_tls(client_context())
        writer.write(raw(signed_fields(site), b"Connection: close"))
        answer = await reader.read()
    except (ConnectionError, ssl.SSLError):
        return None
    writer.transport.abort()
    return status_of(answer)


async def silent(site: Site, count: int, *, said: bytes = b"") -> list[asyncio.StreamWriter]:
    """Connections of the front, on which nothing but the beginning of a header comes."""
    opened = [await asyncio.open_connection("127.0.0.1", site.port, local_addr=(FRONT, 0)) for _ in range(count)]
    for _, writer in opened:
        writer.write(said)
    await until_at_rest()
    return [writer for _, writer in opened]


async def test_limits_hold_by_the_address_that_the_front_names(site: Site) -> None:
    """Two callers behind one front have two allowances; who comes directly has one of its own."""
    answers = [await asks(site, FRONT, named(caller)) for caller in ("198.51.100.7", "198.51.100.7", "198.51.100.8")]
    assert answers == [200, 429, 200]
    assert [await asks(site, "127.0.0.1") for _ in range(2)] == [200, 429]


async def test_one_caller_behind_a_front_has_a_share_of_the_connections(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named once, held until it ends: the other callers are let in."""
    monkeypatch.setattr(listener, "CONNECTIONS_PER_ADDRESS", 2)
    held = await silent(site, 2, said=named("198.51.100.7"))
    assert await asks(site, FRONT, named("198.51.100.7")) is None
    assert await asks(site, FRONT, named("198.51.100.8")) == 200
    for writer in held:
        writer.transport.abort()


async def test_a_header_is_needed_of_the_front_and_of_nobody_else(site: Site, told: list[Code]) -> None:
    """Without one, or with half of one, the front is closed and people are told; elsewhere a header is no TLS."""
    assert await asks(site, FRONT) is None
    assert await asks(site, FRONT, b"PROXY TCP4 198.51.100.7\r\n") is None
    [cut] = await silent(site, 1, said=b"PROXY TCP4 198.51")
    cut.close()
    await until_at_rest()
    assert told == [Code.MALFORMED] * 3
    [looked] = await silent(site, 1)
    looked.close()
    assert await asks(site, "127.0.0.3", named("198.51.100.9")) is None
    assert told == [Code.MALFORMED] * 3
    assert await asks(site, FRONT, named("198.51.100.9")) == 200, "nobody had spent what is its"


async def test_slow_headers_hold_no_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many wait as may, those who come directly are served; the front is again when its time is over."""
    monkeypatch.setattr(listener, "CONNECTIONS", 1)
    monkeypatch.setattr(listener, "UNNAMED", 2)
    monkeypatch.setattr(fronts, "HEADER_SECONDS", 5.0)
    held = await silent(site, 2, said=b"PROXY ")
    assert await asks(site, FRONT, named("198.51.100.7")) is None
    assert await asks(site, "127.0.0.1") == 200
    async with asyncio.timeout(PATIENCE):
        while (status := await asks(site, FRONT, named("198.51.100.7"))) is None:  # noqa: ASYNC110 (nobody is told)
            await asyncio.sleep(0.1)
    assert status == 200
    for writer in held:
        writer.transport.abort()


@pytest.mark.parametrize("send", ["send-proxy", "send-proxy-v2"])
async def test_behind_a_real_haproxy(site: Site, tmp_path: Path, told: list[Code], send: str) -> None:
    """Both versions as HAProxy writes them; TLS is the node's own, pins and all."""
    if shutil.which("haproxy") is None:
        lacking("no haproxy")
    async with fronted(tmp_path, site.port, source=FRONT, send=send) as port:
        hosts = ("127.0.0.5", "127.0.0.5", "127.0.0.6")
        assert [await asks(site, host, port=port) for host in hosts] == [200, 429, 200]
    assert told == []
