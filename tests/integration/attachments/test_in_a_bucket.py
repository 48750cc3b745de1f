"""Two real nodes that keep their files in buckets: sent, received, followed, erased, and never readable there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.attached import COUNT, NOTE, PDF, Segments, added, content, delivered, opened, reached, sent, stored
from support.buckets import fresh_bucket, objects_of, section_of, server, text_of
from support.pair import Two, two_nodes
from support.proxy import Proxy

from gateway.attachments.bucket import client
from gateway.errors import RefusedError, TransientError
from gateway.foundation.config import AttachmentsSection
from gateway.ports import PIECE
from keys.primitives.attachment_cipher import SEGMENT

MARK = b"plain words of a case"
FIRST_ONES = 5
"""Segments that come before the receiver starts anew."""


@dataclass(frozen=True)
class Buckets:
    """Both nodes, each with a bucket of its own and a wire to it."""

    two: Two
    of: dict[str, str]
    wires: dict[str, Proxy]

    def pieces(self, name: str) -> dict[str, bytes]:
        """What lies in the bucket of a node, but whose it is."""
        return {path: data for path, data in objects_of(self.of[name]).items() if not path.endswith("/owner")}


@pytest.fixture
async def buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Buckets]:
    """FR and AL, each with its files in a bucket, which they reach by a wire that can be cut."""
    monkeypatch.setattr(client, "RETRIES", {**client.RETRIES, "max_retries": 1})
    async with two_nodes(tmp_path) as two:
        await opened(two)
        of, wires = {}, {}
        for party in two:
            of[party.name], wires[party.name] = fresh_bucket(), Proxy()
            wires[party.name].listen(urlsplit(server()).port or 0)
            endpoint = f"http://127.0.0.1:{wires[party.name].port}"
            settle(party.folder, section_of(of[party.name], tmp_path, endpoint=endpoint))
            await party.stop()
            await party.start()
        yield Buckets(two, of, wires)
        for wire in wires.values():
            wire.close()


def settle(folder: Path, section: AttachmentsSection) -> None:
    """Let node.toml name the bucket."""
    with (folder / "node.toml").open("a", encoding="utf-8") as settings:
        settings.write(text_of(section))


def require_nothing_readable(there: Mapping[str, bytes]) -> None:
    """Not in the bytes, and not in the names: who looks into the bucket learns how long files are."""
    assert MARK in PDF and len(there) == COUNT + 1
    for path, data in there.items():
        assert re.fullmatch(r"fr/[0-9a-f]{32}/[0-9a-f]{6}", path)
        assert MARK not in data and PDF[1_000:1_064] not in data and NOTE not in data


async def test_files_arrive_and_end(buckets: Buckets) -> None:
    """From bucket to bucket, the same bytes, and nothing there can be read; then each end takes its objects away."""
    two = buckets.two
    id = await added(two.fr, PDF)
    assert id == await added(two.fr, NOTE, id)
    await sent(two, id, 0, 1)
    await reached(two, id, "awaiting_opening")
    found = delivered(two, id)
    assert [await content(found, n) for n in (0, 1)] == [PDF, NOTE]
    listed = (await two.al.call("attachment.list", id=id))["attachments"]
    assert [item["stored"] for item in listed] == [True, True]
    for party in two:
        assert not (party.folder / "attachments").exists() or stored(party) == []
        require_nothing_readable(buckets.pieces(party.name))
    await two.fr.running.attachments.sweep()
    assert buckets.pieces("FR") == {}
    await two.al.call("message.erase", id=id, by="adm", reason="not_needed")
    await two.al.running.erasure.erase()
    assert buckets.pieces("AL") == {}


async def test_a_bucket_that_is_away(buckets: Buckets) -> None:
    """Who adds a file is told; a message on its way waits, goes on where it was, and arrives once."""
    two = buckets.two
    id = await added(two.fr, PDF)
    buckets.wires["AL"].set("cut")
    await sent(two, id, 0)
    await two.until(lambda: bool(two.al.running.uploads._arriving), seconds=30)
    buckets.wires["FR"].set("cut")
    with pytest.raises(TransientError, match="does not answer"):
        await added(two.fr, NOTE)
    for wire in buckets.wires.values():
        wire.set("open")
    await reached(two, id, "awaiting_opening", seconds=4_000)
    (found,) = [item for item in two.al.deliveries() if item.message_id == id]
    assert await content(found, 0) == PDF


async def test_a_receiver_that_starts_anew_goes_on(buckets: Buckets) -> None:
    """What it had is in the bucket: it is checked from there, and only the rest is sent."""
    two, seen, go = buckets.two, Segments(buckets.two.fr), asyncio.Event()

    async def hold(_n: int, k: int) -> None:
        if k >= FIRST_ONES:
            await go.wait()

    seen.fault = hold
    id = await added(two.fr, PDF)
    await sent(two, id, 0)

    async def there() -> bool:
        moving = (await two.al.call("attachment.moving"))["moving"]
        return any(item["done"] == FIRST_ONES * SEGMENT for item in moving)

    await two.until(there, seconds=30)
    await two.al.stop()
    await two.al.start()
    go.set()
    await reached(two, id, "awaiting_opening", seconds=4_000)
    assert [seen.sent.count((0, k)) for k in range(FIRST_ONES)] == [1] * FIRST_ONES
    assert await content(delivered(two, id), 0) == PDF


async def test_a_file_that_is_refused_leaves_nothing(buckets: Buckets) -> None:
    """A program is found at its end, when pieces of it are there."""
    with pytest.raises(RefusedError):
        await added(buckets.two.fr, b"MZ\x90\x00" + bytes(3 * PIECE))
    assert buckets.pieces("FR") == {}
