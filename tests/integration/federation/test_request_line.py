"""Receive step 1 against raw bytes: what must not come in does not (nrm1 9.6; threats 16, 21, 22, 27, 29)."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.federation import Site, document, listening, raw_exchange
from support.raw_requests import BODY, answers_in, is_bare, raw, signed_fields, status_of

from gateway.federation import connections, request_line
from gateway.federation.endpoints import ENVELOPES_LIMIT
from gateway.federation.tls import client_context
from keys.primitives.domains import DESCRIPTOR, KEYSET


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Node bel, listening."""
    async with listening(tmp_path) as running:
        yield running


STEP_1: dict[str, tuple[int, list[bytes], dict[str, bytes]]] = {
    "two lengths": (400, [b"Content-Length: 7"], {}),
    "two equal lengths": (400, [b"Content-Length: 6"], {}),
    "a length and chunks": (400, [b"Transfer-Encoding: chunked"], {}),
    "a list of lengths": (400, [], {"length": b"Content-Length: 6, 6"}),
    "a length with a sign": (400, [], {"length": b"Content-Length: +6"}),
    "a length with an underscore": (400, [], {"length": b"Content-Length: 0_6"}),
    "a length in hex": (400, [], {"length": b"Content-Length: 0x6"}),
    "a length with a zero before it": (400, [], {"length": b"Content-Length: 06"}),
    "a negative length": (400, [], {"length": b"Content-Length: -6"}),
    "no length": (411, [], {"length": b"", "body": b""}),
    "chunks": (411, [], {"length": b"Transfer-Encoding: chunked", "body": b"6\r\n" + BODY + b"\r\n0\r\n\r\n"}),
    "an encoding that is hidden": (400, [b"Transfer-Encoding : chunked"], {}),
    "an unknown transfer encoding": (400, [], {"length": b"Transfer-Encoding: xchunked"}),
    "a folded line": (400, [b"X: a\r\n b"], {}),
    "a bare line feed": (400, [b"X: a\nY: b"], {}),
    "a bare carriage return": (400, [b"X: a\rY: b"], {}),
    "a null byte": (400, [b"X: a\x00b"], {}),
    "two hosts": (400, [b"Host: 127.0.0.2"], {}),
    "a header of 100 KB": (400, [b"X: " + b"a" * 100_000], {}),
    "a thousand headers": (400, [b"X-%d: a" % number for number in range(1000)], {}),
    "a request line of 100 KB": (400, [], {"line": b"POST /" + b"a" * 100_000 + b" HTTP/1.1"}),
    "a name with a space": (400, [b"X Y: a"], {}),
    "no method": (400, [], {"line": b"/v1/messages HTTP/1.1"}),
    "an old version": (400, [], {"line": b"POST /v1/messages HTTP/1.0"}),
    "a version to come": (400, [], {"line": b"POST /v1/messages HTTP/2.0"}),
    "an absolute target": (400, [], {"line": b"POST https://127.0.0.1/v1/messages HTTP/1.1"}),
    "a fragment": (400, [], {"line": b"POST /v1/messages#x HTTP/1.1"}),
    "an upgrade": (400, [b"Connection: upgrade", b"Upgrade: websocket"], {}),
    "gzip": (415, [b"Content-Encoding: gzip"], {}),
    "identity": (415, [b"Content-Encoding: identity"], {}),
    "too long": (413, [], {"length": b"Content-Length: %d" % (ENVELOPES_LIMIT + 1)}),
    "far too long": (413, [], {"length": b"Content-Length: 99999999999"}),
    "another path": (404, [], {"line": b"POST /v1/message HTTP/1.1"}),
    "an escaped path": (404, [], {"line": b"POST /v1/%6dessages HTTP/1.1"}),
    "a path with dots": (404, [], {"line": b"POST /v1/x/../messages HTTP/1.1"}),
    "a path with two slashes": (404, [], {"line": b"POST //v1/messages HTTP/1.1"}),
    "another method": (404, [], {"line": b"PUT /v1/messages HTTP/1.1"}),
    "a query": (404, [], {"line": b"POST /v1/messages?x=1 HTTP/1.1"}),
}


@pytest.mark.parametrize("name", sorted(STEP_1))
async def test_step_1_refuses(site: Site, name: str) -> None:
    """Smuggling, bombs and unknown doors: a bare status, and no key is even looked up (threats 21, 22, 27)."""
    status, extra, changes = STEP_1[name]
    answer = await raw_exchange(site.port, raw(signed_fields(site), *extra, **changes), seconds=2.0)
    assert status_of(answer) == status
    assert answers_in(answer) == 1
    assert is_bare(answer)
    assert site.handlers.calls == []
    assert site.table.asked == 0


async def test_a_small_bomb_is_not_unpacked(site: Site) -> None:
    """A gzip body with a valid signature over its packed bytes is refused as it is (threat 22)."""
    bomb = gzip.compress(bytes(3_000_000))
    request = raw(signed_fields(site, body=bomb), b"Content-Encoding: gzip", body=bomb)
    assert status_of(await raw_exchange(site.port, request)) == 415
    assert site.handlers.calls == []


async def test_an_oversize_body_is_refused_before_it_is_sent(site: Site) -> None:
    """The length alone is enough: the answer comes while the body has not begun (threat 21)."""
    request = raw(signed_fields(site), length=b"Content-Length: 4194305", body=b"")
    answer = await raw_exchange(site.port, request)
    assert status_of(answer) == 413
    assert is_bare(answer)


async def test_what_follows_a_refused_request_is_not_a_request(site: Site) -> None:
    """The connection ends with the refusal, so a body cannot be taken for the next request."""
    hidden = raw(signed_fields(site))
    answer = await raw_exchange(site.port, raw(signed_fields(site), length=b"", body=hidden))
    assert status_of(answer) == 411
    assert answers_in(answer) == 1
    assert site.handlers.calls == []


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v1/descriptor?from=0 HTTP/1.1",
        b"GET /v1/descriptor?from=-1 HTTP/1.1",
        b"GET /v1/descriptor?from=1&from=2 HTTP/1.1",
        b"GET /v1/descriptor?from=01 HTTP/1.1",
        b"GET /v1/descriptor?from=99999999999 HTTP/1.1",
        b"GET /v1/descriptor?from= HTTP/1.1",
        b"GET /v1/descriptor?until=1 HTTP/1.1",
    ],
)
async def test_a_descriptor_is_asked_for_in_one_way(site: Site, line: bytes) -> None:
    """The only query is from=k with k from 1."""
    answer = await raw_exchange(site.port, raw({}, line=line, length=b"", body=b""))
    assert status_of(answer) == 400
    assert is_bare(answer)
    assert site.handlers.calls == []


async def test_a_descriptor_is_asked_for_from_1_by_default(site: Site) -> None:
    """Without a query the chain starts at its beginning (nrm1 9.2)."""
    await raw_exchange(
        site.port, raw({}, b"Connection: close", line=b"GET /v1/descriptor HTTP/1.1", length=b"", body=b"")
    )
    assert site.handlers.calls == [("get_descriptor", None, b"1")]


async def test_a_question_with_a_body_is_refused(site: Site) -> None:
    """A GET carries nothing."""
    answer = await raw_exchange(site.port, raw({}, line=b"GET /v1/keyset HTTP/1.1"))
    assert status_of(answer) == 413


async def test_a_push_of_another_form_is_refused(site: Site) -> None:
    """A pushed document has the content type of the endpoint, and is a signed document of that type."""
    line = b"POST /v1/descriptor HTTP/1.1"
    other = {"Content-Type": "application/json"}
    for fields, body in (
        ({}, document(DESCRIPTOR)),
        (other, document(DESCRIPTOR)),
        ({"Content-Type": DESCRIPTOR}, document(KEYSET)),
        ({"Content-Type": DESCRIPTOR}, b"{}"),
        ({"Content-Type": DESCRIPTOR}, b""),
    ):
        answer = await raw_exchange(site.port, raw(fields, body=body, line=line))
        assert status_of(answer) == 400
        assert is_bare(answer)
    assert site.handlers.calls == []


async def test_a_connection_that_breaks_in_the_body_reaches_no_handler(site: Site) -> None:
    """Half a body is no request, and the node goes on."""
    await raw_exchange(site.port, raw(signed_fields(site), length=b"Content-Length: 60"), seconds=0.3)
    assert status_of(await raw_exchange(site.port, raw(signed_fields(site), b"Connection: close"))) == 200
    assert len(site.handlers.calls) == 1


async def test_bytes_that_are_no_http_are_answered_without_a_quote(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """What a stranger sends is neither quoted back nor logged, not even at DEBUG (nrm1 9.18)."""
    caplog.set_level(logging.DEBUG)
    answer = await raw_exchange(site.port, b"MARK-7f3a \x00 not http\r\nMARK-7f3a: x\r\n\r\n")
    assert status_of(answer) == 400
    assert b"MARK-7f3a" not in answer
    assert is_bare(answer)
    await raw_exchange(site.port, raw(signed_fields(site), b"X-MARK-7f3a: MARK-7f3a", b"Connection: close"))
    assert "MARK-7f3a" not in caplog.text
    assert site.caller.node not in caplog.text


async def test_a_head_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that sends one byte now and then does not live longer than a silent one."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.3)
    async with listening(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=client_context())
        received = asyncio.create_task(reader.read())
        for byte in raw(signed_fields(site))[:200]:
            if received.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)
        assert received.done()
        writer.transport.abort()
        await asyncio.gather(received, return_exceptions=True)
        assert site.handlers.calls == []


async def test_a_body_that_drips_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body has its deadline too, and the peer's place becomes free again."""
    monkeypatch.setattr(request_line, "BODY_SECONDS", 0.2)
    answer = await raw_exchange(site.port, raw(signed_fields(site), length=b"Content-Length: 60"))
    assert status_of(answer) == 408
    assert is_bare(answer)
    assert site.handlers.calls == []
