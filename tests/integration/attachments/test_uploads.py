"""Segments as a peer brings them: several under way, in any order, made durable together, each answered once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from support.patience import PATIENCE
from support.rest import until_at_rest

from gateway.attachments import store, uploads
from gateway.attachments.folder import FileFolder
from gateway.attachments.pace import Pace
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.store import AttachmentRow, UploadRow
from gateway.attachments.uploads import Uploads
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, RemoteError, TransientError
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Reply
from gateway.foundation.clock import SystemClock
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from keys.primitives.attachment_cipher import SEGMENT, count_segments, segment_length
from keys.primitives.encoding import b64u

NODE, ID = NodeId("nodeid"), b64u(b"i" * 16)
LENGTHS = (5 * SEGMENT + 9, 2 * SEGMENT)
FILES = tuple(f"{n:032x}" for n in range(len(LENGTHS)))


class Disk(FileFolder):
    """A real folder that counts its syncs; one of them may fail, and all of them wait for `go`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.syncs = 0
        self.fails_at = 0
        self.go = asyncio.Event()
        self.go.set()

    async def sync(self, name: str) -> None:
        """Wait, fail, or do it."""
        await self.go.wait()
        self.syncs += 1
        if self.syncs == self.fails_at:
            raise TransientError(Code.DISK, "the disk is full")
        await super().sync(name)


class Place:
    """A node to which one message with two files comes, and what it was asked to judge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(SqliteFile(folder / "node.db"))
        self.disk = Disk(folder / "attachments")
        self.workers = Workers()
        self.judged = 0
        self.uploads = self.started()

    def started(self) -> Uploads:
        """What answers requests, as it is after a start."""
        checks = PartChecks(files=self.disk, workers=self.workers)
        clock = SystemClock()
        return Uploads(
            store=self.store, files=self.disk, checks=checks, pace=Pace(clock), clock=clock, judge=self._judge
        )

    async def shown(self) -> None:
        """The envelope is kept."""
        upload = UploadRow(peer=NODE, id=ID, envelope=b"envelope", began=1, at=1, expires=1 << 40)
        rows = [
            AttachmentRow(
                ref=self.store.new_ref(),
                file=file,
                direction="in",
                peer=NODE,
                id=ID,
                n=n,
                message=None,
                length=length,
                held=0,
                at=1,
            )
            for n, (file, length) in enumerate(zip(FILES, LENGTHS, strict=True))
        ]
        await self.store.move(lambda c: store.begin(c, upload, rows))

    async def _judge(self, node: NodeId, envelopes: bytes) -> bytes:
        assert envelopes.endswith(b"envelope")
        self.judged += 1
        return b"judged"

    async def put(self, n: int, k: int) -> Reply:
        """One segment is brought."""
        return await self.uploads.put(NODE, Segment(ID, n, k), piece(n, k))

    async def put_all(self, n: int, segments: Sequence[int]) -> list[tuple[int, bytes]]:
        """Several at the same time, in this order; status and body of each answer."""
        replies = await asyncio.gather(*(self.put(n, k) for k in segments))
        return [(reply.status, reply.body) for reply in replies]

    async def held(self) -> list[int]:
        """How many segments of each part are counted."""
        rows = await self.store.read(lambda c: store.coming(c, NODE, ID))
        return [row.held for row in rows]

    async def close(self) -> None:
        """The end."""
        self.workers.shutdown()
        self.store.close()


def piece(n: int, k: int) -> bytes:
    """The bytes of a segment, which tell which one it is."""
    return bytes([n * 16 + k]) * segment_length(LENGTHS[n], k)


def nexts(*segments: int) -> list[tuple[int, bytes]]:
    """The answers that say what is wanted behind each of these."""
    return [(200, b'{"next":%d}' % (k + 1)) for k in segments]


REFUSED = (409, b'{"code":"out_of_order"}')
UNKNOWN = (404, b'{"code":"out_of_order"}')


@pytest_asyncio.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A node that keeps the envelope and has nothing of its files; what comes early waits as long as it takes."""
    monkeypatch.setattr(uploads, "EARLY_SECONDS", PATIENCE)
    made = Place(tmp_path)
    await made.shown()
    yield made
    await made.close()


async def test_in_whichever_order_they_come_they_count_in_theirs(place: Place) -> None:
    """Each is answered as if it had come alone, and the bytes lie where they belong."""
    assert await place.put_all(0, [3, 1, 4, 0, 2]) == nexts(3, 1, 4, 0, 2)
    assert await place.put_all(1, [1, 0]) == nexts(1, 0)
    assert (await place.put(0, 5)).body == b"judged" and place.judged == 1
    assert await place.held() == [6, 2]
    for n, file in enumerate(FILES):
        whole = b"".join(piece(n, k) for k in range(count_segments(LENGTHS[n])))
        assert (place.folder / "attachments" / file).read_bytes() == whole


async def test_what_is_there_together_is_made_durable_together(place: Place) -> None:
    """While the disk is busy with the first, the others come: one sync and one commit for all of them."""
    place.disk.go.clear()
    first = asyncio.create_task(place.put(0, 0))
    await until_at_rest()
    rest = asyncio.create_task(place.put_all(0, [1, 2, 3]))
    await until_at_rest()
    assert not first.done() and not rest.done() and await place.held() == [0, 0]
    groups = place.store.writer.groups
    place.disk.go.set()
    assert [(await first).body, await rest] == [b'{"next":1}', nexts(1, 2, 3)]
    assert place.disk.syncs == 2 and place.store.writer.groups - groups == 2


async def test_nothing_is_answered_before_it_is_durable(place: Place) -> None:
    """A disk that fails is told to all who wait for it, nothing of theirs is counted, and the same again is taken."""
    place.disk.go.clear()
    first = asyncio.create_task(place.put(0, 0))
    await until_at_rest()
    rest = [asyncio.create_task(place.put(0, k)) for k in (1, 2)]
    await until_at_rest()
    place.disk.fails_at = 2
    place.disk.go.set()
    assert (await first).status == 200
    for one in rest:
        with pytest.raises(TransientError, match="full"):
            await one
    assert await place.held() == [1, 0]
    assert await place.put_all(0, [1, 2]) == nexts(1, 2)


async def test_a_kill_before_the_commit_leaves_what_was_counted(place: Place) -> None:
    """More is on disk than was told: the node wants the segment behind what it told, and takes other ones over it."""
    assert await place.put_all(0, [0]) == nexts(0)
    await place.disk.put(FILES[0], SEGMENT, b"x" * (2 * SEGMENT))
    place.uploads = place.started()
    assert (await place.uploads.wanted(NODE, Segment(ID, 0, None))).body == b'{"next":1}'
    assert await place.put_all(0, [1, 2]) == nexts(1, 2)
    held = (place.folder / "attachments" / FILES[0]).read_bytes()
    assert held == piece(0, 0) + piece(0, 1) + piece(0, 2)


async def test_one_that_comes_too_early_waits_a_moment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """For those before it; when they do not come it is refused, and what comes then is taken in its turn."""
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "EARLY_SECONDS", 0.1)
        assert await place.put_all(0, [1, 2]) == [REFUSED, REFUSED]
    assert await place.put_all(0, [0, 1]) == nexts(0, 1)
    assert place.uploads._arriving == {}


async def test_what_is_out_of_its_turn_is_refused_at_once(place: Place) -> None:
    """What is held, what is far ahead, a part that is none, a message that is not awaited, another's message."""
    assert await place.put_all(0, [0, 0]) == [*nexts(0), REFUSED]
    assert await place.put_all(0, [0, 1 + uploads.MOST_EARLY]) == [REFUSED, REFUSED]
    assert await place.held() == [1, 0]
    asked = [
        place.uploads.put(NODE, Segment(ID, 2, 0), b""),
        place.uploads.put(NODE, Segment(b64u(b"o" * 16), 0, 0), piece(0, 0)),
        place.uploads.put(NodeId("other"), Segment(ID, 0, 1), piece(0, 1)),
    ]
    replies = [await one for one in asked]
    assert [(reply.status, reply.body) for reply in replies] == [UNKNOWN] * 3


@pytest.mark.parametrize("k", [1, 2])
async def test_a_segment_of_another_length_stops_no_other(place: Place, k: int) -> None:
    """It alone is refused, also when it came early; those before it are taken, those behind wait for the right one."""
    odd = asyncio.create_task(place.uploads.put(NODE, Segment(ID, 0, k), piece(0, k)[:-1]))
    assert (await place.put_all(0, range(k))) == nexts(*range(k))
    with pytest.raises(RemoteError) as caught:
        await odd
    assert caught.value.code is Code.MALFORMED
    assert await place.put_all(0, [k + 1, k]) == nexts(k + 1, k)


async def test_a_caller_that_goes_away_takes_no_other_along(place: Place) -> None:
    """Its connection ends in the middle of the writing: what others brought is taken, and answered."""
    place.disk.go.clear()
    first = asyncio.create_task(place.put(0, 0))
    await until_at_rest()
    second = asyncio.create_task(place.put(0, 1))
    await until_at_rest()
    first.cancel()
    place.disk.go.set()
    again = asyncio.create_task(place.put(0, 0))
    assert (await second).body == b'{"next":2}'
    assert (await again).status in (200, 409)
    assert await place.held() == [2, 0]
    assert place.uploads._arriving == {}


async def test_a_message_that_ended_meanwhile_waits_for_nothing(place: Place) -> None:
    """A void took its place while segments waited for one before them; as long as they did, nobody had work."""
    early = asyncio.create_task(place.put_all(0, [1, 2]))
    await until_at_rest()
    await place.store.move(lambda c: store.end(c, NODE, ID, message=None))
    assert (await place.put(0, 0)).status == 404
    assert await early == [UNKNOWN, UNKNOWN]
