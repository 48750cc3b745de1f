"""A part is checked once while it comes, from where the disk has it, and never by bytes that are not on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from support.memory_files import MemoryFiles

from gateway.attachments import part_checks
from gateway.attachments.byte_source import PDF, TEXT
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.rules import name_of
from gateway.attachments.store import AttachmentRow
from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from keys.documents.statement import SecretPart
from keys.primitives.attachment_cipher import SEGMENT, PartSealer, part_length
from keys.primitives.encoding import b64u

NODE, ID = NodeId("nodeid"), b64u(b"i" * 16)
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 20_000 + b"\n%%EOF\n"
"""Some 5 MiB."""


class Disk(MemoryFiles):
    """Counts the bytes that are read back."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    async def get(self, name: str, at: int, most: int) -> bytes:
        """Bytes from `at` on."""
        data = await super().get(name, at, most)
        self.read += len(data)
        return data


class Arrival:
    """A part on its way to a node: its segments, what is signed of it, and where it lies."""

    def __init__(self, workers: Workers, media: str = PDF, n: int = 0) -> None:
        sealer = PartSealer(bytes([n]) * 32, id=ID, n=n, size=len(CONTENT))
        self.sealed = sealer.update(CONTENT) + b"".join(sealer.finish())
        self.part = sealer.part(name=name_of(n, media), media=media)
        self.disk = Disk()
        self.workers = workers
        self.row = AttachmentRow(
            ref=1,
            file=f"{n:032x}",
            direction="in",
            peer=NODE,
            id=ID,
            n=n,
            message=None,
            length=len(self.sealed),
            held=0,
            at=1,
        )
        self.start()

    def start(self) -> None:
        """The node begins, and is shown the envelope."""
        self.checks = PartChecks(files=self.disk, workers=self.workers)
        self.checks.begin(NODE, ID, [self.part])

    @property
    def segments(self) -> Sequence[int]:
        """Where each segment begins."""
        return range(0, len(self.sealed), SEGMENT)

    async def come(self, segments: Sequence[int]) -> None:
        """These segments come and are put."""
        for at in segments:
            data = self.sealed[at : at + SEGMENT]
            await self.disk.put(self.row.file, at, data)
            await self.checks.take(NODE, self.row, at, data)

    async def verdict(self, parts: Sequence[SecretPart] | None = None) -> Code | None:
        """What is said of the whole part."""
        try:
            await self.checks.finish(NODE, [self.row], [self.part] if parts is None else parts)
        except RemoteError as error:
            return error.code
        return None


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that are ended."""
    made = Workers()
    yield made
    made.shutdown()


@pytest.fixture
def arrival(workers: Workers) -> Arrival:
    """A part of which nothing is there."""
    return Arrival(workers)


async def test_what_came_is_not_read_again(arrival: Arrival) -> None:
    """Each byte is looked at when it comes."""
    assert len(arrival.sealed) == part_length(len(CONTENT))
    await arrival.come(arrival.segments)
    assert await arrival.verdict() is None
    assert arrival.disk.read == 0


@pytest.mark.parametrize("cut", [1, 3])
async def test_after_a_start_only_what_was_there_is_read(arrival: Arrival, cut: int) -> None:
    """The node began anew in the middle: what it had is read from disk once, what comes is not."""
    await arrival.come(arrival.segments[:cut])
    arrival.start()
    await arrival.come(arrival.segments[cut:])
    assert await arrival.verdict() is None
    assert arrival.disk.read == cut * SEGMENT


async def test_a_long_way_back_is_read_in_steps(arrival: Arrival, monkeypatch: pytest.MonkeyPatch) -> None:
    """No segment waits for all that came before a start: some of it is read beside each, until the check is there."""
    monkeypatch.setattr(part_checks, "CATCH_UP", 2)
    await arrival.come(arrival.segments[:3])
    arrival.start()
    await arrival.come(arrival.segments[3:4])
    assert arrival.disk.read == 2 * SEGMENT
    await arrival.come(arrival.segments[4:])
    assert await arrival.verdict() is None
    assert arrival.disk.read == 4 * SEGMENT


async def test_without_a_check_all_of_it_is_read(arrival: Arrival, workers: Workers) -> None:
    """A node that was started when all was there, or forgot the check, judges as well."""
    await arrival.come(arrival.segments)
    arrival.checks = PartChecks(files=arrival.disk, workers=workers)
    assert await arrival.verdict() is None
    assert arrival.disk.read == len(arrival.sealed)


async def test_bytes_in_the_place_of_lost_ones_are_looked_at(arrival: Arrival) -> None:
    """The disk lost what was checked, and other bytes came: the part is judged by what is on disk."""
    await arrival.come(arrival.segments[:3])
    other = bytes(SEGMENT)
    await arrival.disk.put(arrival.row.file, SEGMENT, other)
    await arrival.checks.take(NODE, arrival.row, SEGMENT, other)
    await arrival.come(arrival.segments[2:])
    assert await arrival.verdict() is Code.UNDECRYPTABLE


@pytest.mark.parametrize("place", [0, 100, SEGMENT, 4 * SEGMENT + 5, -1], ids=str)
async def test_a_changed_bit_is_found(arrival: Arrival, place: int) -> None:
    """Wherever it is; the segments behind it are taken as they come, and the part is refused at its end."""
    spoilt = bytearray(arrival.sealed)
    spoilt[place] ^= 1
    arrival.sealed = bytes(spoilt)
    await arrival.come(arrival.segments)
    assert await arrival.verdict() is Code.UNDECRYPTABLE


async def test_another_type_than_was_said(workers: Workers) -> None:
    """What is in the file decides."""
    arrival = Arrival(workers, media=TEXT)
    await arrival.come(arrival.segments)
    assert await arrival.verdict() is Code.WRONG_TYPE


async def test_a_check_of_other_keys_does_not_count(arrival: Arrival, workers: Workers) -> None:
    """The message that is judged says other parts than the envelope by which the check began."""
    await arrival.come(arrival.segments)
    other = Arrival(workers, n=1).part
    assert await arrival.verdict([SecretPart(**{**_members(other), "n": 0})]) is Code.UNDECRYPTABLE


async def test_the_same_envelope_again_goes_on(arrival: Arrival) -> None:
    """And one with other parts begins anew."""
    await arrival.come(arrival.segments[:2])
    arrival.checks.begin(NODE, ID, [arrival.part])
    await arrival.come(arrival.segments[2:])
    assert await arrival.verdict() is None
    assert arrival.disk.read == 0


async def test_what_is_remembered_is_bounded(arrival: Arrival, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the message that began first goes, and its part is read at its end."""
    monkeypatch.setattr(part_checks, "MOST_MESSAGES", 2)
    await arrival.come(arrival.segments)
    for number in range(2):
        arrival.checks.begin(NODE, b64u(bytes([number]) * 16), [arrival.part])
    assert await arrival.verdict() is None
    assert arrival.disk.read == len(arrival.sealed)


def _members(part: SecretPart) -> dict[str, object]:
    return {name: getattr(part, name) for name in ("n", "name", "media", "size", "key", "sha256")}
