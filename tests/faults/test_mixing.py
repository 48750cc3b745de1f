"""Nothing of one referral ever stands in another one, however many are on their way at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from support.acting import ask
from support.ceremony import ADMINS, aplay, change
from support.marked import REFERRAL, Copies, mark, referral
from support.policies import open_on, text_of
from support.running import UNIT, consent, pair, running, settled, until

from adapters.folder import FolderAdapter
from gateway.composition.node import Node
from gateway.database import content
from gateway.messages import content_codec
from gateway.messages.store import messages, receipts
from gateway.node.dispatch import NodeOperations
from gateway.operations.roles import OWNER, Caller
from gateway.ports import Delivery, Json, Notice, OperationResult
from keys.documents.envelope import compute_commitment, statement_hash
from keys.primitives.encoding import b64u

DELIVERED = "awaiting_opening"


async def send_all(node: Node, total: int, copies: Copies) -> None:
    """Record all consents and submit all referrals, each in a task of its own."""

    async def one(number: int) -> None:
        given = {"number": f"{mark(number)}-case", "content": consent(f"AL/{UNIT}")}
        recorded = await ask(node, "consent.record", given)
        copies.owner[recorded["id"]] = number
        done = await ask(node, "message.submit", referral(number, "AL", recorded["id"]), key=f"key-{number}")
        copies.owner[done["id"]] = copies.owner[done["conversation"]] = number

    await asyncio.gather(*(one(number) for number in range(total)))


async def look_at_rows(node: Node, name: str, copies: Copies) -> None:
    """Every stored message of one node: its content through the vault, its statements, its receipts."""

    def query(c: Connection) -> list[Any]:
        found = messages.page(c, limit=2_000)
        way = {"in": receipts.ISSUED, "out": receipts.RECEIVED}
        return [
            (row, messages.statements_of(c, row.ref), receipts.of_message(c, way[row.direction], row.peer, row.id))
            for row in found
        ]

    rows = await node.store.read(query)
    refs = [ref for row, made, _ in rows for ref in (row.ref, *(statement.evidence for statement in made))]
    sealed = await node.store.read(lambda c: content.get(c, refs))
    for row, made, told in rows:
        opened = content_codec.read_content(node.sealer.open(sealed[row.ref]))
        number = copies.owner[opened.facts.conversation]
        copies.owner.setdefault(row.id, number)
        is_referral = opened.facts.body_type == REFERRAL
        header, body = opened.halves()
        texts = {"facts": opened.facts.encode().decode(), "header": json.dumps(header), "content": json.dumps(body)}
        for part, text in texts.items():
            marked = part == "header" or (part == "content" and is_referral)
            copies.look(f"{name} stored {part}", number, text, marked=marked)
        for statement in made:
            signed = content_codec.read_evidence(node.sealer.open(sealed[statement.evidence])).statement
            copies.look(f"{name} statement", number, signed.decode(), marked=False)
            said = json.loads(signed)
            expected = (row.id, opened.facts.conversation, statement_hash(signed))
            if (said["id"], said["conv"], statement.hash) != expected:
                copies.complaints.append(f"{name} statement: {number} is signed as another message")
            if said["commit"] != compute_commitment(opened.secret, opened.body):
                copies.complaints.append(f"{name} statement: {number} commits to another body")
        for receipt in told:
            copies.look(f"{name} receipt", number, receipt.object.decode(), marked=False)
            if receipt.of not in {statement.hash for statement in made}:
                copies.complaints.append(f"{name} receipt: {number} is receipted by another statement")


def look_at_files(cases: Path, copies: Copies) -> None:
    """Every document that the case system was given."""
    for path in sorted((cases / "incoming").glob("*.json")):
        text = path.read_text()
        document = json.loads(text)
        number = copies.owner[document["message_id"]]
        copies.look("handed over", number, text, marked=document["type"] == REFERRAL)


async def everything_leaves(node: Node) -> None:
    """Its administrators adopt a policy that closes nothing, so that whole referrals are on their way."""

    async def call(operation: str, **arguments: Any) -> Any:
        return await ask(node, operation, arguments)

    wide = text_of(open_on(("FR", "AL")))
    await aplay(change(ADMINS, "policy.widen", "node", policy=wide), call)


async def complaints(
    base: Path, total: int, *, desk: type[NodeOperations] = NodeOperations, adapter: type[FolderAdapter] | None
) -> Copies:
    """Run `total` referrals at once from FR to AL and look at every copy of each."""
    copies = Copies()
    given = None if adapter is None else adapter(base / "AL-cases")
    async with running(base, {"FR": None, "AL": given}) as nodes:
        fr, al = nodes["FR"], nodes["AL"]
        await pair(fr, al)
        await everything_leaves(fr)
        fr.desk.__class__ = desk
        await send_all(fr, total, copies)
        await settled(fr, DELIVERED)

        async def all_written() -> bool:
            return len(list((base / "AL-cases/incoming").glob("*.json"))) >= 2 * total

        await until(all_written)
        await look_at_rows(fr, "FR", copies)
        await look_at_rows(al, "AL", copies)
        look_at_files(base / "AL-cases", copies)
    return copies


@pytest.mark.parametrize("total", [50, pytest.param(400, marks=[pytest.mark.deep, pytest.mark.timeout(1_800)])])
async def test_no_copy_of_many_referrals_carries_another(tmp_path: Path, total: int):
    """Stored, signed, decrypted, handed over and receipted: each copy carries its own number and no other."""
    copies = await complaints(tmp_path, total, adapter=None)
    assert copies.complaints == []
    every = 2 * total  # each referral is preceded by the consent it relies on
    parts = [f"{name} {kind}" for name in ("FR", "AL") for kind in ("stored facts", "stored header", "stored content")]
    assert dict.fromkeys([*parts, "FR statement", "AL statement", "handed over"], every) == {
        place: seen for place, seen in copies.seen.items() if "receipt" not in place
    }
    assert copies.seen["FR receipt"] == copies.seen["AL receipt"] == 2 * every


# --- seeded faults: the test above has to see them ----------------------------------------------------------------


class SharingDesk(NodeOperations):
    """A desk with a fault: all callers fill one buffer, and the first lets another fill it before it is used."""

    part = "content"
    _buffer: dict[str, Json]
    _second: asyncio.Event | None = None

    async def fill(self, arguments: Mapping[str, Json]) -> None:
        """Fill the buffer, and wait until it was filled twice."""
        self._buffer = dict(arguments)
        if self._second is None:
            self._second = asyncio.Event()
        else:
            self._second.set()
        await self._second.wait()

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Submit what is in the buffer by then."""
        if operation == "message.submit":
            await self.fill(arguments)
            arguments = {**arguments, self.part: self._buffer[self.part]}
        return await super().call(operation, arguments, key=key, caller=caller)


class SharingHeaderDesk(SharingDesk):
    """The same with the other half, but for the consent, so that the gates see nothing wrong."""

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Submit the instrument of whoever came last."""
        if operation == "message.submit":
            await self.fill(arguments)
            own: Any = arguments["header"]
            last: Any = self._buffer["header"]
            arguments = {**arguments, "header": {**own, "transfer_instrument": last["transfer_instrument"]}}
        return await NodeOperations.call(self, operation, arguments, key=key, caller=caller)


class SharingAdapter(FolderAdapter):
    """An adapter with a fault: it acknowledges at once, and writes from one buffer in a task of its own, the first
    referral when there is a second.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._buffer: Delivery | None = None
        self._second = asyncio.Event()
        self._tasks: list[asyncio.Task[str]] = []

    async def push(self, item: Delivery | Notice) -> str:
        """Say that it is done, do it later."""
        if isinstance(item, Delivery) and item.type == REFERRAL:
            if self._buffer is not None:
                self._second.set()
            self._buffer = item
        self._tasks.append(asyncio.create_task(self._later(item)))
        return "later"

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str]:
        """The same for several."""
        return [await self.push(item) for item in items]

    async def _later(self, item: Delivery | Notice) -> str:
        if isinstance(item, Delivery) and item.type == REFERRAL:
            await self._second.wait()
            assert self._buffer is not None
            item = replace(item, content=self._buffer.content)
        return await super().push(item)


@pytest.mark.parametrize(
    ("desk", "adapter", "place"),
    [
        (SharingDesk, None, "FR stored content"),
        (SharingHeaderDesk, None, "AL stored header"),
        (NodeOperations, SharingAdapter, "handed over"),
    ],
    ids=["content of a submission", "one field of a header", "hand-over"],
)
async def test_a_shared_buffer_is_seen(tmp_path: Path, desk: type[NodeOperations], adapter: Any, place: str):
    """A fault that shares one buffer between two tasks turns the check red, at the place where it is."""
    copies = await complaints(tmp_path, 12, desk=desk, adapter=adapter)
    assert [said for said in copies.complaints if said.startswith(place)] != []


def test_an_exchanged_id_is_seen():
    """The checker knows the ids of a referral as well as its marks."""
    copies = Copies(owner={b64u(bytes(16)): 1, b64u(bytes([1] * 16)): 2})
    copies.look("here", 1, f'{{"consent_ref":"{b64u(bytes(16))}"}} {mark(1)}', marked=True)
    assert copies.complaints == []
    copies.look("here", 1, f'{{"consent_ref":"{b64u(bytes([1] * 16))}"}} {mark(1)}', marked=True)
    copies.look("here", 1, mark(2), marked=False)
    copies.look("here", 1, "nothing", marked=True)
    assert len(copies.complaints) == 3
