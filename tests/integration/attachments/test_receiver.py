"""The parts of a message as they come: asked for again where the disk lost them, compared with what was signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.attached import COUNT, PDF, Segments, added, content, delivered, opened, reached, sent, stored
from support.pair import Two, two_nodes

from gateway.attachments import library
from gateway.errors import Code, TransientError
from keys.primitives.attachment_cipher import SEGMENT


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving; people at FR have opened the group of files, which is closed otherwise."""
    async with two_nodes(tmp_path) as pair:
        await opened(pair)
        yield pair


async def test_what_the_receivers_disk_lost_is_asked_for_again(two: Two) -> None:
    """A segment that was counted and is not there any more comes once more, before the message counts."""
    seen = Segments(two.fr)

    async def lose(n: int, k: int) -> None:
        if k == COUNT - 1 and not lost:
            (path,) = stored(two.al)
            lost.append(path)
            path.write_bytes(path.read_bytes()[: 4 * SEGMENT])
            raise TransientError(Code.UNREACHABLE, "the wire is cut")

    lost: list[Path] = []
    seen.fault = lose
    id = await sent(two, await added(two.fr, PDF), 0)
    await reached(two, id, "awaiting_opening", seconds=600)
    assert await content(delivered(two, id), 0) == PDF


class Blind(library.Inspector):
    """What a sender that looks at nothing says of every file."""

    def feed(self, data: bytes) -> None:
        """Nothing."""

    def finish(self) -> str:
        """A text, it says."""
        return "text/plain"


@pytest.mark.parametrize("data", [b"MZ\x90\x00" + bytes(100), PDF[:100] + b"%%EOF"], ids=["program", "another type"])
async def test_the_receiver_looks_for_itself(two: Two, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that lies about a type gets a signed refusal, and nothing of the file stays."""
    with monkeypatch.context() as lying:
        lying.setattr(library, "Inspector", Blind)
        id = await added(two.fr, data)
    await sent(two, id, 0)
    await reached(two, id, "rejected")
    assert (await two.fr.show(id))["reason"] == "wrong_type"
    await two.al.running.attachments.sweep()
    assert stored(two.al) == []
    assert id not in {item.message_id for item in two.al.deliveries()}


async def test_a_file_that_is_not_the_signed_one_is_rejected(two: Two) -> None:
    """Other ciphertext of the right length, as from a sender whose disk went bad."""
    id = await added(two.fr, PDF)
    (path,) = stored(two.fr)
    data = bytearray(path.read_bytes())
    data[5 * SEGMENT] ^= 1
    path.write_bytes(data)
    await sent(two, id, 0)
    await reached(two, id, "rejected")
    assert (await two.fr.show(id))["reason"] == "undecryptable"
    assert id not in {item.message_id for item in two.al.deliveries()}
