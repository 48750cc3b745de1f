"""Files over the local API: streams both ways, with a length that is said before and a hash beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from support.local import FakeDesk, LocalApi, running_api

from gateway.api.routes import PREFIX
from gateway.errors import Code, RefusedError

DATA = bytes(range(256)) * 10_000
"""2.5 MB: more than any other body may have."""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    """A running API over a desk that says what the test wants."""
    async with running_api(tmp_path, FakeDesk()) as running:
        yield running


async def test_a_file_is_taken_as_it_is(api: LocalApi) -> None:
    """Its bytes, its length, and the message in the query; no limit of JSON bodies."""
    answer = await api.socket.ask("POST", f"{PREFIX}/attachments?message=an-id", DATA)
    assert answer.status == 201
    assert api.desk.taken == DATA
    assert api.desk.calls == [("attachment.add", {"message": "an-id", "size": len(DATA)}, None)]


@pytest.mark.parametrize(("code", "status"), [(Code.TOO_LARGE, 413), (Code.WRONG_TYPE, 415), (Code.NOT_FOUND, 404)])
async def test_a_refusal_is_a_problem(api: LocalApi, code: Code, status: int) -> None:
    """With the status that says as much."""
    api.desk.answer = RefusedError(code, "it is not taken")
    answer = await api.socket.ask("POST", f"{PREFIX}/attachments", b"x")
    assert (answer.status, answer.kind, answer.value["code"]) == (status, "application/problem+json", str(code))


async def test_a_length_is_needed(api: LocalApi) -> None:
    """Nobody seals a file whose end is not known; nor one that is packed on the way."""

    async def pieces():
        yield b"x"

    url = f"{api.socket.base}{PREFIX}/attachments"
    async with api.socket.session.post(url, data=pieces()) as response:
        assert response.status == 400
    async with api.socket.session.post(url, data=b"x", headers={"Content-Encoding": "gzip"}) as response:
        assert response.status == 400
    assert api.desk.calls == []


async def test_a_file_is_given_as_a_stream(api: LocalApi) -> None:
    """With type, length, name and hash; nothing of it is kept by anybody on the way."""
    api.desk.taken = DATA
    url = f"{api.socket.base}{PREFIX}/messages/an-id/attachments/3?direction=in"
    async with api.socket.session.get(url) as response:
        assert await response.read() == DATA
        headers = response.headers
    assert (response.status, headers["Content-Type"], headers["Content-Length"]) == (
        200,
        "application/pdf",
        str(len(DATA)),
    )
    assert headers["Content-Disposition"] == 'attachment; filename="0.pdf"'
    assert headers["Repr-Digest"].startswith("sha-256=:AAAA")
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert api.desk.calls == [("attachment.read", {"id": "an-id", "part": "3", "direction": "in"}, None)]


async def test_a_file_that_breaks_does_not_look_whole(api: LocalApi) -> None:
    """The connection ends before the length that was said."""
    api.desk.taken, api.desk.breaks = DATA, RefusedError(Code.UNDECRYPTABLE, "it does not open")
    url = f"{api.socket.base}{PREFIX}/messages/an-id/attachments/0"
    with pytest.raises(aiohttp.ClientPayloadError):
        async with api.socket.session.get(url) as response:
            await response.read()
