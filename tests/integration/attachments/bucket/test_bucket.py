"""Files in a bucket when something is wrong with it, by a real server of S3 and the real client."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from support.buckets import OWNER, ask, files_of, fresh_bucket, objects_of, section_of, server
from support.ports import free_port
from support.proxy import Proxy

from gateway.attachments.bucket import client, files
from gateway.attachments.bucket.client import Bucket
from gateway.attachments.bucket.files import BucketFiles
from gateway.attachments.bucket.setup import Setup, read_setup
from gateway.attachments.places import open_files
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.ids import NodeId
from gateway.ports import PIECE
from keys.primitives.tls import self_signed, server_files

NAME = "0123456789abcdef" * 2
FIRST, LAST = b"a" * PIECE, b"cde"


@pytest.fixture
def bucket() -> str:
    """An empty bucket."""
    return fresh_bucket()


@pytest.fixture
def wire() -> Iterator[Proxy]:
    """A wire to the server that can be cut."""
    wire = Proxy()
    wire.listen(urlsplit(server()).port or 0)
    yield wire
    wire.close()


def over(wire: Proxy, bucket: str, folder: Path) -> BucketFiles:
    """The files of a node that reaches the bucket over this wire."""
    return files_of(section_of(bucket, folder, endpoint=f"http://127.0.0.1:{wire.port}"))


async def test_what_lies_there(bucket: str, tmp_path: Path) -> None:
    """Below the prefix an object for each piece, named by the file and a number, and whose prefix it is."""
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, FIRST + LAST)
    await place.sync(NAME)
    assert objects_of(bucket) == {
        "fr/owner": OWNER.encode(),
        f"fr/{NAME}/000000": FIRST,
        f"fr/{NAME}/000001": LAST,
    }


async def test_another_process_goes_on(bucket: str, tmp_path: Path) -> None:
    """What one wrote the next one reads, measures and continues."""
    before, after = (files_of(section_of(bucket, tmp_path)) for _ in range(2))
    await before.put(NAME, 0, FIRST)
    await before.sync(NAME)
    assert await after.size(NAME) == PIECE
    await after.put(NAME, 0, FIRST)
    await after.put(NAME, PIECE, LAST)
    await after.sync(NAME)
    assert await before.size(NAME) == PIECE + len(LAST)


async def test_an_answer_that_was_lost(bucket: str, tmp_path: Path, wire: Proxy) -> None:
    """The client asks again, finds what it wrote itself, and it counts as written."""
    place = over(wire, bucket, tmp_path)
    await place.put(NAME, 0, LAST)
    await place.sync(NAME)
    wire.set("lossy")
    await place.put("f" * 32, 0, FIRST)
    with pytest.raises(TransientError, match="does not answer"):
        await place.sync("f" * 32)
    assert wire.lost > 1
    wire.set("open")
    await place.put("f" * 32, 0, FIRST)
    await place.sync("f" * 32)
    assert await place.size("f" * 32) == PIECE


async def test_other_bytes_are_refused(bucket: str, tmp_path: Path) -> None:
    """What is there stays, and the refusal does not outlast the right bytes."""
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, FIRST)
    await place.sync(NAME)
    await place.put(NAME, 0, LAST)
    with pytest.raises(TransientError, match="other bytes") as caught:
        await place.sync(NAME)
    assert caught.value.code is Code.CONFLICT
    await place.put(NAME, 0, FIRST)
    await place.sync(NAME)
    assert objects_of(bucket)[f"fr/{NAME}/000000"] == FIRST


async def test_a_bucket_that_is_away_for_a_while(bucket: str, tmp_path: Path, wire: Proxy) -> None:
    """Everything is refused with a code and the way out meanwhile, nothing of it is forgotten, and it goes on."""
    place = over(wire, bucket, tmp_path)
    await place.put(NAME, 0, FIRST)
    await place.sync(NAME)
    wire.set("cut")
    await place.put(NAME, PIECE, LAST)
    for refused in (place.sync(NAME), place.size(NAME), place.get(NAME, 0, 1), place.names(), place.erase([NAME])):
        with pytest.raises(TransientError, match="does not answer") as caught:
            await refused
        assert caught.value.code is Code.DISK and "by itself" in caught.value.hint
    wire.set("open")
    assert await place.size(NAME) == PIECE
    await place.put(NAME, PIECE, LAST)
    await place.sync(NAME)
    assert await place.get(NAME, PIECE, PIECE) == LAST


async def test_a_prefix_of_another_node(bucket: str, tmp_path: Path) -> None:
    """It writes nothing there and takes nothing away."""
    section = section_of(bucket, tmp_path)
    await files_of(section).put(NAME, 0, FIRST)
    stranger = BucketFiles(Bucket(section), owner="another-node")
    for refused in (stranger.put(NAME, 0, LAST), stranger.erase([NAME]), stranger.names()):
        with pytest.raises(TransientError, match="another node's") as caught:
            await refused
        assert caught.value.code is Code.WRONG_NODE
    assert set(objects_of(bucket)) >= {"fr/owner"}


async def test_what_others_put_there(bucket: str, tmp_path: Path) -> None:
    """Is not listed, so that nothing erases it; a piece that is too long is not read into memory."""
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, FIRST)
    await place.sync(NAME)
    ask("PUT", f"{bucket}/fr/README/x", b"of the administrator")
    ask("PUT", f"{bucket}/other/{'e' * 32}/000000", b"of another prefix")
    assert await place.names() == [NAME]
    ask("PUT", f"{bucket}/fr/{NAME}/000000", FIRST + b"x")
    with pytest.raises(TransientError, match="not one of this node"):
        await place.get(NAME, 0, PIECE)


async def test_a_piece_that_is_gone(bucket: str, tmp_path: Path) -> None:
    """The file ends before it: what a row counts behind it is wanted again."""
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, FIRST + FIRST + LAST)
    await place.sync(NAME)
    ask("DELETE", f"{bucket}/fr/{NAME}/000001")
    assert await place.size(NAME) == PIECE
    assert await place.get(NAME, PIECE, PIECE) == b""


async def test_few_pieces_are_in_memory(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is put: one more waits until one is there."""
    flying, most = 0, 0
    create = client.Bucket.create

    async def counted(self: Bucket, name: str, data: bytes) -> client.Created:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        try:
            return await create(self, name, data)
        finally:
            flying -= 1

    monkeypatch.setattr(client.Bucket, "create", counted)
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, FIRST * 12)
    assert flying <= files.AT_ONCE
    await place.sync(NAME)
    assert (most, await place.size(NAME)) == (files.AT_ONCE, 12 * PIECE)


async def test_a_bucket_that_is_not_there(tmp_path: Path) -> None:
    """Reading says so as writing does: it is no file that is gone."""
    place = files_of(section_of("no-bucket", tmp_path))
    for refused in (place.put(NAME, 0, LAST), place.get(NAME, 0, 1), place.size(NAME), place.names()):
        with pytest.raises(TransientError, match="no such bucket"):
            await refused


@asynccontextmanager
async def refusing(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that refuses everything, as one does whose clock is another."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=403, text="<Error><Code>RequestTimeTooSkewed</Code></Error>")

    app = web.Application(client_max_size=2 * PIECE)
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_clocks_that_differ(tmp_path: Path) -> None:
    """The words say whose clock to set, for whatever was asked."""
    async with refusing() as endpoint:
        place = files_of(section_of("any-bucket", tmp_path, endpoint=endpoint))
        for refused in (place.put(NAME, 0, LAST), place.get(NAME, 0, 1), place.size(NAME), place.names()):
            with pytest.raises(TransientError, match="the clock of this machine"):
                await refused


async def test_an_authority_of_the_office(tmp_path: Path) -> None:
    """A server is reached over TLS if an authority vouches for it that the system or `ca_file` knows, and not else."""
    secret, ca = b"\x07" * 48, tmp_path / "ca.pem"
    certificate = self_signed(secret, node=NodeId("n1" + "a" * 32), hosts=["127.0.0.1"], now=int(time.time()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with server_files(secret, certificate) as (certificate_file, key_file):
        ca.write_bytes(certificate_file.read_bytes())
        tls.load_cert_chain(certificate_file, key_file)
    async with refusing(tls) as endpoint:
        section = section_of("any-bucket", tmp_path, endpoint=endpoint)
        with pytest.raises(TransientError, match="certificate of the bucket's server is not trusted") as caught:
            await files_of(section).get(NAME, 0, 1)
        assert "ca_file" in caught.value.hint
        with pytest.raises(TransientError, match="the clock of this machine"):
            await files_of(section.model_copy(update={"ca_file": ca})).get(NAME, 0, 1)
        found = await asyncio.to_thread(read_setup, section.model_copy(update={"ca_file": ca}), at=datetime.now(UTC))
        assert found == Setup(versions=None, removes=None)


async def test_a_key_that_is_changed(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read anew while the node runs; one that others can read is refused with the command that mends it."""
    monkeypatch.setattr(client, "READ_AGAIN", datetime.now(UTC) - datetime.now(UTC))
    section = section_of(bucket, tmp_path)
    place = files_of(section)
    await place.put(NAME, 0, LAST)
    await place.sync(NAME)
    assert section.credentials_file is not None
    section.credentials_file.chmod(0o644)
    with pytest.raises(TransientError, match="others can read") as caught:
        await place.get(NAME, 0, 1)
    assert caught.value.hint.startswith("chmod 0600")
    section.credentials_file.chmod(0o600)
    assert await place.get(NAME, 0, PIECE) == LAST


def test_what_is_wrong_with_the_settings_is_told_at_once(bucket: str, tmp_path: Path) -> None:
    """Before anything is reached: a key that is not there, authorities that are not."""
    section = section_of(bucket, tmp_path)
    for wrong, word in (
        ({"credentials_file": tmp_path / "no"}, "credentials_file"),
        ({"ca_file": tmp_path}, "ca_file"),
    ):
        with pytest.raises(RefusedError, match=word):
            open_files(tmp_path, section.model_copy(update=wrong), node=NodeId("n"))


async def test_the_environment_decides_nothing(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of AWS, and those that name a proxy, are for other programs of this machine."""
    for name, value in (
        ("http_proxy", "http://127.0.0.1:1"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "nowhere-1"),
        ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AWS_S3_EXPRESS", "true"),
    ):
        monkeypatch.setenv(name, value)
    place = files_of(section_of(bucket, tmp_path))
    await place.put(NAME, 0, LAST)
    await place.sync(NAME)
    assert objects_of(bucket)[f"fr/{NAME}/000000"] == LAST
