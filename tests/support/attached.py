"""Files that go with a message between two real nodes: added, sent, followed on their way and read at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from support.pair import Party, Two, example
from support.policies import open_on, text_of
from support.running import consent

from gateway.federation.client import Answered
from gateway.ports import Delivery
from keys.primitives.attachment_cipher import count_segments, part_length
from keys.primitives.encoding import sha256_hex

PDF = b"%PDF-1.7\nplain words of a case\n" + bytes(range(256)) * 40_000 + b"\n%%EOF\n"
"""Some 10 MiB."""
COUNT = count_segments(part_length(len(PDF)))
NOTE = b"a note, shorter than its padding"


async def pieces(data: bytes, step: int = 100_000) -> AsyncIterator[bytes]:
    """A file as a caller brings it."""
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def added(party: Party, data: bytes, id: str | None = None) -> str:
    """Add a file; the id of the message that has to take it."""
    arguments = {} if id is None else {"message": id}
    done: Any = (await party.running.desk.attach(arguments, pieces(data), size=len(data))).value
    assert done["sha256"] == sha256_hex(data)
    return str(done["message"])


async def sent(two: Two, id: str, *named: int) -> str:
    """Send a referral from FR that names these files, with a consent that covers it."""
    request = example("referral.request/1", "AL")
    request["content"]["attachments"] = [{"part": n, "doc_kind": "other"} for n in named]
    unit = request["header"]["recipient_unit"]
    given = await two.fr.call("consent.record", by="adm", number="fr-7f3a", content=consent(f"AL/{unit}"))
    request["header"]["consent_ref"] = given["id"]
    done = await two.fr.call("message.submit", **request, message=id, purpose="referral")
    assert done["id"] == id
    return id


async def reached(two: Two, id: str, state: str, *, seconds: int = 60) -> None:
    """Wait until the sender knows this of the message."""

    async def there() -> bool:
        return await two.fr.state(id) == state

    await two.until(there, seconds=seconds, what=f"{id} is {await two.fr.state(id)}, not {state}")


def delivered(two: Two, id: str) -> Delivery:
    """What the case system of AL was given."""
    (found,) = [item for item in two.al.deliveries() if item.message_id == id]
    return found


async def content(delivery: Delivery, part: int) -> bytes:
    """One file, read as an adapter does."""
    return b"".join([chunk async for chunk in delivery.attachments[part].read()])


def stored(party: Party) -> list[Path]:
    """The files in the folder of a node."""
    return sorted((party.folder / "attachments").iterdir())


async def opened(two: Two) -> None:
    """The administrators of FR let everything leave for AL."""
    await two.fr.changes("policy.widen", "node", policy=text_of(open_on(("FR", "AL"))))


class Segments:
    """Stands before a sender's client: counts what is sent of parts, and how often the peer was asked to its end;
    `fault(n, k)` is awaited before each segment.
    """

    def __init__(self, party: Party) -> None:
        client = party.running.client
        self.sent: list[tuple[int, int]] = []
        self.ended = 0
        self.fault: Callable[[int, int], Awaitable[None]] | None = None
        ask = client.put_part

        async def put(peer: Any, id: str, n: int, k: int, data: bytes) -> Answered:
            if self.fault is not None:
                await self.fault(n, k)
            self.sent.append((n, k))
            try:
                return await ask(peer, id, n, k, data)
            finally:
                self.ended += 1

        client.put_part = put  # type: ignore[method-assign]

    def hold_at(self, held: int) -> asyncio.Event:
        """The segment with this number waits until the event is set."""
        goes_on = asyncio.Event()

        async def wait(n: int, k: int) -> None:
            if k == held:
                await goes_on.wait()

        self.fault = wait
        return goes_on
