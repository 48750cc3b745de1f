"""The way out through a proxy: the same pins, nothing for the proxy to read, and a code for each of its faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.connect_proxy import OPENED, ConnectProxy, proxying, refusal
from support.federation import JSON, Site, listening, make_certificate
from support.ports import free_port

from gateway.errors import Code, TransientError
from gateway.federation import probe
from gateway.federation.client import FederationClient
from gateway.federation.handlers import Reply
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.tls import server_context
from gateway.federation.wire import Patience
from gateway.notifications.webhook_client import HookClient

CANARY = b"words of a case"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    """A proxy that carries what it is asked to."""
    async with proxying() as running:
        yield running


def way(proxy: ConnectProxy, *direct: str, login: str | None = None) -> OutboundProxy:
    """This proxy as a node knows it."""
    return OutboundProxy(host="127.0.0.1", port=proxy.port, direct=direct, login=login)


def client(site: Site, proxy: OutboundProxy, **seconds: float) -> FederationClient:
    """The calling node's client behind this proxy."""
    return site.client(proxy=proxy, patience=Patience(**({"connect": 5.0, "read": 5.0, "total": 10.0} | seconds)))


async def test_a_proxy_carries_and_reads_nothing(
    site: Site, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns host and port, and what it may know of us: no path, no field, no byte of a message; what the
    environment says of proxies does not count.
    """
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site.handlers.reply = Reply(200, JSON, b'{"answer":"' + CANARY + b'"}')
    asking = client(site, way(proxy, login="Basic dHJtOnNlY3JldA=="))
    answer = await asking.post_messages(site.address, [CANARY])
    assert CANARY in answer.body
    await asking.close()
    [head] = proxy.heads
    assert head.splitlines()[0] == f"CONNECT 127.0.0.1:{site.port} HTTP/1.1"
    fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
    assert fields.pop("Proxy-Authorization") == "Basic dHJtOnNlY3JldA=="
    assert fields == {
        "Host": f"127.0.0.1:{site.port}",
        "User-Agent": "nrm",
        "Accept": "*/*",
        "Accept-Encoding": fields["Accept-Encoding"],
    }
    assert len(proxy.passed) > 1_000
    for seen in (CANARY, b"/v1/messages", b"Signature", site.caller.node.encode()):
        assert seen not in bytes(proxy.passed)


async def test_a_host_that_is_reached_directly(site: Site, proxy: ConnectProxy) -> None:
    """The proxy is not asked for it, by requests or by a person's test of the way."""
    asking = client(site, way(proxy, "127.0.0.0/8"))
    await asking.get_link(site.address)
    assert asking.proxy_to(site.address) is None
    await asking.shake_hands(site.address)
    await asking.close()
    assert proxy.heads == []


async def test_a_wrong_pin_is_refused_through_a_proxy_too(site: Site, proxy: ConnectProxy, tmp_path: Path) -> None:
    """Nothing of a request leaves, whether another server answers or the proxy itself ends TLS."""
    asking = client(site, way(proxy))
    wrong = replace(site.address, spki=frozenset({bytes(32)}))
    own = make_certificate(tmp_path, "proxy")
    for address, context in ((wrong, None), (site.address, server_context(own.cert, own.key))):
        proxy.intercept = context
        for attempt in (asking.post_messages(address, [CANARY]), asking.shake_hands(address)):
            with pytest.raises(TransientError) as refused:
                await attempt
            assert refused.value.code is Code.BAD_KEY
            assert "if the proxy opens TLS" in refused.value.hint
    await asking.close()
    assert site.handlers.calls == []
    assert CANARY not in proxy.passed
    assert b"/v1/messages" not in proxy.passed


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(407), Code.PROXY_LOGIN),
        (refusal(403), Code.PROXY_REFUSED),
        (refusal(200).replace(b"200", b"302"), Code.PROXY_REFUSED),
        (refusal(502), Code.UNREACHABLE),
        (b"", Code.UNREACHABLE),
        (b"SSH-2.0-x\r\n\r\n", Code.PROXY_REFUSED),
        (OPENED[:-2] + b"X: " + b"x" * 9_000 + b"\r\n\r\n", Code.PROXY_REFUSED),
    ],
)
async def test_a_proxy_that_opens_no_tunnel(site: Site, proxy: ConnectProxy, answer: bytes, code: Code) -> None:
    """Requests and a person's test of the way find the same fault; nothing is a word of the peer."""
    proxy.answer = answer
    asking = client(site, way(proxy))
    for attempt in (asking.get_link(site.address), probe.connect_tcp(site.address, way(proxy))):
        with pytest.raises(TransientError) as refused:
            await attempt
        assert refused.value.code is code
    await asking.close()


async def test_a_proxy_that_is_away_or_slow_or_breaks_off(site: Site, proxy: ConnectProxy) -> None:
    """Away: its own code. Silence and a tunnel that ends are a peer that is not reached; the next request may be."""
    nobody = OutboundProxy(host="127.0.0.1", port=free_port())
    unnamed = OutboundProxy(host="proxy.invalid", port=3128)
    for away in (nobody, unnamed):
        asking = client(site, away)
        for attempt in (asking.get_link(site.address), asking.shake_hands(site.address)):
            with pytest.raises(TransientError) as refused:
                await attempt
            assert refused.value.code is Code.PROXY_AWAY
        await asking.close()
    asking = client(site, way(proxy), connect=0.3)
    for proxy.answer, proxy.most in ((None, None), (OPENED, 1_000)):
        with pytest.raises(TransientError) as refused:
            await asking.get_link(site.address)
        assert refused.value.code is Code.UNREACHABLE
        assert "the proxy" in refused.value.what
    proxy.most, proxy.answer = None, refusal(407)
    with pytest.raises(TransientError):
        await asking.get_link(site.address)
    assert asking.proxy_fault is Code.PROXY_LOGIN
    proxy.answer = OPENED
    assert (await asking.get_link(site.address)).status == 200
    assert asking.proxy_fault is None
    await asking.close()


async def test_a_webhook_goes_through_the_proxy(site: Site, proxy: ConnectProxy) -> None:
    """So does what the country's own systems are told, unless they are on this machine without TLS."""
    hooks = HookClient(way(proxy))
    with pytest.raises(TransientError):  # no authority vouches for this receiver
        await hooks.call(site.address.url, {}, CANARY, ca_file=None)
    assert len(proxy.heads) == 1
    proxy.answer = refusal(407)
    with pytest.raises(TransientError) as refused:
        await hooks.call(site.address.url, {}, CANARY, ca_file=None)
    assert refused.value.code is Code.PROXY_LOGIN
    with pytest.raises(TransientError) as refused:
        await hooks.call(f"http://127.0.0.1:{free_port()}/", {}, CANARY, ca_file=None)
    assert (refused.value.code, len(proxy.heads)) == (Code.UNREACHABLE, 2)
    await hooks.close()


async def test_a_first_contact_goes_through_the_proxy(site: Site, proxy: ConnectProxy) -> None:
    """The descriptor of a stranger is fetched the same way."""
    site.handlers.reply = Reply(200, JSON, b"[]")
    asking = client(site, way(proxy))
    assert await asking.fetch_descriptor_unpinned(site.address.url) == b"[]"
    await asking.close()
    assert len(proxy.heads) == 1
