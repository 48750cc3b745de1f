"""TLS between nodes: 1.3 only, no resumption, the key pinned before a request begins (nrm1 9.16, 9.17)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.federation import Certificate, Party, Rand, Site, listening, make_certificate
from support.federation import spki_hash as independent_spki_hash
from support.patience import PATIENCE
from support.rest import until_at_rest

from gateway.errors import Code, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.client import FederationClient
from gateway.federation.listener import start_listener
from gateway.federation.tls import client_context, server_context
from gateway.federation.wire import Patience
from keys.primitives.tls import secret_spki_hash, self_signed, server_files, spki_hash

OTHER_PIN = b"\x01" * 32


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


async def handshake(port: int, context: ssl.SSLContext) -> ssl.SSLObject:
    """Shake hands and hang up."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return tls


async def test_the_server_speaks_tls_1_3_without_tickets(site: Site) -> None:
    """A connection is TLS 1.3 and cannot be resumed."""
    tls = await handshake(site.port, client_context())
    assert tls.version() == "TLSv1.3"
    assert tls.selected_alpn_protocol() == "http/1.1"
    assert server_context(site.certificate.cert, site.certificate.key).num_tickets == 0


async def test_the_server_refuses_tls_1_2(site: Site) -> None:
    """A client that offers no more than 1.2 gets no connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await handshake(site.port, context)
    assert site.handlers.calls == []


async def test_plain_http_is_no_way_in(site: Site) -> None:
    """Without TLS there is no answer at all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET /v1/keyset HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        received = await reader.read()
    assert b"HTTP" not in received
    writer.close()
    await writer.wait_closed()
    assert site.handlers.calls == []


async def test_serve_takes_no_weaker_context(site: Site) -> None:
    """A context that would speak 1.2 is a fault of ours, found at the start."""
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    weak.load_cert_chain(site.certificate.cert, site.certificate.key)
    with pytest.raises(RuntimeError, match=r"1\.3"):
        await start_listener(None, "127.0.0.1", 0, weak)  # type: ignore[arg-type]  # refused before an app is needed


async def test_the_nodes_own_certificate_and_pin_fit(site: Site) -> None:
    """What keys.primitives.tls makes in memory is served, and its pin is the one that the client computes."""
    secret = Rand("tls")(48)
    certificate = self_signed(secret, node=site.party.node, hosts=["127.0.0.1"], now=site.clock.at)
    with server_files(secret, certificate) as (cert, key):
        context = server_context(cert, key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    pin = secret_spki_hash(secret)
    assert pin == spki_hash(certificate) == independent_spki_hash(certificate)
    async with listening_with(context) as port:
        client = FederationClient(
            node=site.caller.node,
            keys=site.caller,
            verify=site.table.verify,
            spki_hash=spki_hash,
            clock=site.clock,
            rand=site.caller.rand,
        )
        with pytest.raises(TransientError) as refused:
            await client.get_keyset(address(site, port, pin))
        assert refused.value.code is Code.REJECTED
        with pytest.raises(TransientError) as refused:
            await client.get_keyset(address(site, port, OTHER_PIN))
        assert refused.value.code is Code.BAD_KEY
        await client.close()


@asynccontextmanager
async def listening_with(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A listener with this context that answers 503 to everything."""

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(65536):
            writer.write(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await until_at_rest()


# --- a server that only listens -------------------------------------------------------------------------------------


class Ear:
    """What a listener heard after the handshake."""

    def __init__(self) -> None:
        self.connections = 0
        self.heard = b""


@asynccontextmanager
async def hearing(
    certificate: Certificate, *, answer: bytes = b"", highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[tuple[int, Ear]]:
    """A TLS server that writes down all it hears and then says ``answer``."""
    ear = Ear()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ear.connections += 1
        try:
            while chunk := await reader.read(65536):
                ear.heard += chunk
                if answer and b"\r\n\r\n" in ear.heard:
                    writer.write(answer)
                    await writer.drain()
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = highest
    context.load_cert_chain(certificate.cert, certificate.key)
    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], ear
    finally:
        server.close()
        await until_at_rest()


def address(site: Site, port: int, *pins: bytes) -> PeerAddress:
    """Node bel at another port, with these pins."""
    return PeerAddress.at(site.party.node, f"https://127.0.0.1:{port}", frozenset(pins))


async def test_a_wrong_pin_stops_the_request_before_its_first_byte(site: Site, tmp_path: Path) -> None:
    """A server with another key hears a handshake and nothing else (nrm1 9.16, 9.17)."""
    stranger = make_certificate(tmp_path, "stranger")
    client = site.client()
    async with hearing(stranger) as (port, ear):
        peer = address(site, port, site.certificate.pin, OTHER_PIN)
        for call in (client.get_keyset(peer), client.post_messages(peer, [b"e"]), client.push_keyset(peer, b"k")):
            with pytest.raises(TransientError) as refused:
                await call
            assert refused.value.code is Code.BAD_KEY
        await until_at_rest()
        assert ear.connections == 3
        assert ear.heard == b""
    await client.close()


async def test_a_wrong_pin_reaches_no_handler(site: Site) -> None:
    """The same against our own server."""
    client = site.client()
    with pytest.raises(TransientError) as refused:
        await client.get_link(replace(site.address, spki=frozenset({OTHER_PIN})))
    assert refused.value.code is Code.BAD_KEY
    assert site.handlers.calls == []
    assert site.table.asked == 0
    await client.close()


async def test_one_of_two_pins_is_enough(site: Site) -> None:
    """A descriptor lists the next key before it is used."""
    client = site.client()
    both = replace(site.address, spki=frozenset({OTHER_PIN, site.certificate.pin}))
    assert (await client.get_link(both)).status == 200
    await client.close()


async def test_new_pins_count_at_once(site: Site) -> None:
    """A connection that was open under the old pins is not used under new ones."""
    client = site.client()
    await client.get_link(site.address)
    with pytest.raises(TransientError) as refused:
        await client.get_link(replace(site.address, spki=frozenset({OTHER_PIN})))
    assert refused.value.code is Code.BAD_KEY
    assert (await client.get_link(site.address)).status == 200
    await client.close()


async def test_the_client_refuses_tls_1_2(site: Site) -> None:
    """Even with the right key, an old server gets no request: pinned or not."""
    client = site.client()
    async with hearing(site.certificate, highest=ssl.TLSVersion.TLSv1_2) as (port, ear):
        peer = address(site, port, site.certificate.pin)
        for call in (client.get_keyset(peer), client.fetch_descriptor_unpinned(peer.url)):
            with pytest.raises(TransientError) as refused:
                await call
            assert refused.value.code is Code.UNREACHABLE
        assert ear.heard == b""
    await client.close()


# --- answers that are not to be believed -----------------------------------------------------------------------------

ANSWERS: dict[str, tuple[bytes, Code]] = {
    "unsigned": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        Code.BAD_SIGNATURE,
    ),
    "unsigned 400": (
        b"HTTP/1.1 400 Bad\r\nContent-Length: 17\r\n\r\n" + b'{"code":"expired"}'[:17],
        Code.BAD_SIGNATURE,
    ),
    "half signed": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSignature: nrm=:AA==:\r\nContent-Length: 2\r\n\r\n{}",
        Code.BAD_SIGNATURE,
    ),
    "403": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Code.NOT_ACTIVE),
    "413": (b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", Code.TOO_LARGE),
    "429": (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", Code.REJECTED),
    "502": (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Code.REJECTED),
    "a redirect": (
        b"HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        Code.REJECTED,
    ),
    "compressed": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        Code.REJECTED,
    ),
    "announced too long": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", Code.TOO_LARGE),
    "too long in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(65536) + b"\r\n") * 10,
        Code.TOO_LARGE,
    ),
    "cut off": (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}", Code.UNREACHABLE),
    "no http": (b"220 mail.example ESMTP\r\n\r\n", Code.MALFORMED),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Code.MALFORMED),
    "a header of 100 KB": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", Code.MALFORMED),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
async def test_an_answer_that_proves_nothing_is_never_final(site: Site, name: str) -> None:
    """Unsigned, cut, too long or no answer at all: the same bytes will be sent again (nrm1 6.9)."""
    answer, code = ANSWERS[name]
    client = site.client()
    async with hearing(site.certificate, answer=answer) as (port, ear):
        with pytest.raises(TransientError) as refused:
            await client.post_messages(address(site, port, site.certificate.pin), [b"e"])
        assert refused.value.code is code
        assert ear.heard.startswith(b"POST /v1/messages HTTP/1.1\r\n")
    await client.close()


async def test_an_answer_signed_by_another_node_is_not_believed(site: Site, tmp_path: Path) -> None:
    """A valid signature of a third node proves nothing about the peer that was asked."""
    client = site.client()
    asked_for_another = replace(site.address, node=Party("carl").node)
    with pytest.raises(TransientError) as refused:
        await client.post_messages(asked_for_another, [b"e"])
    assert refused.value.code is Code.BAD_SIGNATURE
    await client.close()


async def test_a_server_that_says_nothing_is_given_up(site: Site) -> None:
    """All waits have an end."""
    client = site.client(patience=Patience(connect=1.0, read=0.2, total=0.5))
    async with hearing(site.certificate) as (port, ear):
        with pytest.raises(TransientError, match="in time"):
            await client.post_messages(address(site, port, site.certificate.pin), [b"e"])
        assert ear.connections == 1
    await client.close()


async def test_a_name_that_does_not_resolve_is_unreachable(site: Site) -> None:
    """The reserved name .invalid never resolves; the error names no address."""
    client = site.client(patience=Patience(connect=5.0, read=5.0, total=5.0))
    peer = PeerAddress.at(site.party.node, "https://node.invalid:8443", frozenset({OTHER_PIN}))
    with pytest.raises(TransientError) as refused:
        await client.get_keyset(peer)
    assert refused.value.code is Code.UNREACHABLE
    assert "invalid" not in refused.value.what
    await client.close()


async def test_our_requests_name_no_program(site: Site) -> None:
    """The head of a request holds what the profile wants and nothing about the machine."""
    client = site.client()
    async with hearing(site.certificate, answer=b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n") as (port, ear):
        with pytest.raises(TransientError):
            await client.post_messages(address(site, port, site.certificate.pin), [b"e"])
    names = {line.partition(b":")[0] for line in ear.heard.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]}
    assert names == {
        b"Host",
        b"Content-Type",
        b"Content-Digest",
        b"NRM-Recipient",
        b"Signature-Input",
        b"Signature",
        b"Content-Length",
    }
    await client.close()
