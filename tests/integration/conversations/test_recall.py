"""What two real nodes recall of their conversations: what a load of all of it says, and after an erasure nothing."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from integration.conversations.operations.test_conversations import about, arrived, referred, state_is
from support.pair import Two, two_nodes
from support.recalled import compare_recalls

from gateway.conversations.history import Opened
from gateway.conversations.rules.facts import Message
from gateway.errors import RefusedError
from gateway.messages.store import messages


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Each recall is compared with a load."""
    yield compare_recalls(monkeypatch)


async def asked(two: Two, count: int) -> list[str]:
    """FR sends so many messages more in the conversation, and AL has them."""
    ids = [(await two.fr.call("message.submit", **about("info.request/1", "AL")))["id"] for _ in range(count)]
    for id in ids:
        await arrived(two, two.al, id)
        await two.until(lambda id=id: state_is(two.fr, id, "awaiting_opening"))
    return ids


async def test_what_is_recalled_is_what_is_there(two: Two, met: Counter[str]) -> None:
    """After receipts, an answer, a refusal, a correction and erasures."""
    first = await referred(two)
    ids = await asked(two, 2)
    await two.al.call("message.open", id=ids[0], by="w-2")
    await two.until(lambda: state_is(two.fr, ids[0], "opened"))
    await two.al.call("message.submit", **about("referral.accept/1", "FR", reply_to=first))
    place = {"target_message": first, "path": "/content/legal_status", "new_value": "regular"}
    why = {"data_category": "immigration", "reason": "typo", "safety_relevant": False}
    corrected = (await two.fr.call("message.submit", **about("data.correction/1", "AL", **place, **why)))["id"]
    await arrived(two, two.al, corrected)
    with pytest.raises(RefusedError):
        await two.al.call("message.submit", **about("referral.decline/1", "FR", reply_to=first))
    await two.fr.call("message.erase", id=ids[1], by="w-1", reason="not_needed")
    await asked(two, 1)
    await two.al.call("message.erase", id=ids[0], by="w-1", reason="not_needed")
    await asked(two, 1)
    for party in (two.fr, two.al):
        await party.running.status_updates.keep()
    assert met["in memory"] > 10


async def test_each_change_is_counted(two: Two) -> None:
    """What was read again has the count of the change, and nothing else has."""
    await referred(two)
    store, (key,) = two.al.running.store, await keys_of(two)
    count = int((await two.al.rows("select changes from conversation"))[0][0])
    assert await store.read(lambda c: messages.changed_since(c, key, count)) == []
    rows = await store.read(lambda c: messages.of_conversation(c, key[0]))
    await store.move(lambda c: messages.mark_changed(c, [rows[0].ref]))
    again = await store.read(lambda c: messages.changed_since(c, key, count))
    assert [(row.ref, row.changed) for row in again] == [(rows[0].ref, count + 1)]


async def test_nothing_of_a_conversation_is_left_in_memory_after_an_erasure(two: Two) -> None:
    """Neither the message that was erased nor what the facts of others were folded to with it."""
    ids = [await referred(two), *await asked(two, 1)]
    gc.collect()
    assert {id for id in ids if living(id)} == {*ids}
    for party in (two.fr, two.al):
        refs = [ref for (ref,) in await party.rows("select ref from message")]
        await party.running.eraser.erase(dict.fromkeys(refs, "not_needed"))
    gc.collect()
    assert {id for id in ids if living(id)} == set()


async def test_an_epoch_that_is_destroyed_takes_what_is_in_memory_with_it(two: Two) -> None:
    """What did not open to be wrapped anew is closed for ever, also here."""
    id = await referred(two)
    await two.al.running.epochs.rotate()
    await two.fr.running.epochs.rotate()
    gc.collect()
    assert living(id) == []


async def keys_of(two: Two) -> list[tuple[bytes, str]]:
    """By what AL knows its conversations."""
    return [(bytes(index), peer) for index, peer in await two.al.rows("select conversation, peer from conversation")]


def living(id: str) -> list[object]:
    """What is in this process of what a message says."""
    return [one for one in gc.get_objects() if isinstance(one, Message | Opened) and one.id == id]
