"""The event stream from a position, and from now on."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from support.paced_keys import served
from support.pair import Party, two_nodes

from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.delivery.operations import messages_shown
from gateway.errors import TransientError
from gateway.messages.content_codec import MessageContent
from gateway.node import event_feed
from gateway.ports import Json
from keys.keystore.keystore import Keystore


async def test_from_now_on_nothing_of_before_is_told(tmp_path: Path) -> None:
    """Whoever begins to listen hears what happens next; from the beginning all of it is told."""
    async with two_nodes(tmp_path) as (fr, _):
        await fr.submit("Tulpe")
        last = await fr.running.store.read(journal.last_event)
        hearing = asyncio.ensure_future(anext(aiter(fr.running.desk.events(None))))
        async with asyncio.timeout(30):
            while not hearing.done():  # it listens from some moment on, and hears one of these
                await fr.submit("Rose")
                await asyncio.wait({hearing}, timeout=0.1)
        assert last > 0 and all(seq > last for seq, _ in hearing.result())
        whole = await anext(aiter(fr.running.desk.events(0)))
        assert whole[0][0] <= last


async def test_all_who_follow_are_told_everything_and_it_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty from now on, one from the beginning who is slow, and one who comes later: each hears each event once, in
    order. What happens is not read for each of them, and no message is opened for each: once for all who follow, and
    once more for one of the two who are far behind where it comes to it at the same moment.
    """
    ordinary, reads = journal.events_after, list[int]()
    open_rows, opened = messages_shown.opened_rows, Counter[int]()

    def counted(connection: Connection, after: int, most: int) -> list[journal.Event]:
        reads.append(after)
        return ordinary(connection, after, most)

    def open_counted(sealer: ContentSealer, sealed: Mapping[int, SealedRow]) -> dict[int, MessageContent]:
        opened.update(list(sealed))
        return open_rows(sealer, sealed)

    monkeypatch.setattr(journal, "events_after", counted)
    monkeypatch.setattr(messages_shown, "opened_rows", open_counted)
    async with two_nodes(tmp_path) as (fr, _):
        await fr.submit("Tulpe")
        begun = await fr.running.store.read(journal.last_event)
        following = [Follower(fr, begun) for _ in range(40)] + [Follower(fr, 0, pause=0.05)]
        for number in range(3):
            await fr.submit(f"Rose {number}")
        following.append(Follower(fr, 0))
        end = await fr.running.store.read(journal.last_event)
        async with asyncio.timeout(30):
            *some, slow, every = [await one.until(end) for one in following]
        for one in following:
            one.task.cancel()
        assert every == sorted(set(every)) == slow
        assert all(heard == [seq for seq in every if seq > begun] for heard in some)
        assert 0 < len([after for after in reads if after > begun]) < 40
        assert set(opened.values()) <= {1, 2, 3}


async def test_a_busy_key_service_ends_no_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was more than it opens in a minute is told afterwards, once and in order; it used to cut every stream."""
    monkeypatch.setattr("keys.keystore.remote.PATIENCE", 0.1)
    monkeypatch.setattr(event_feed, "AWAY_PAUSE", 0.01)
    ordinary, refused = event_feed.EventFeed._find_after, asyncio.Event()

    async def watched(*asked: Any) -> Any:
        try:
            return await ordinary(*asked)
        except TransientError:
            refused.set()
            raise

    monkeypatch.setattr(event_feed.EventFeed, "_find_after", watched)
    async with two_nodes(tmp_path) as (fr, _):
        await fr.submit("Tulpe")
        end = await fr.running.store.read(journal.last_event)
        assert isinstance(fr.running.keys, Keystore)
        with served(fr.running.keys, tmp_path / "keyd.sock", unwraps=1) as busy, monkeypatch.context() as instead:
            instead.setattr(fr.running.content.sealer, "_keys", busy)
            row = (b"r" * 16, *busy.wrap(b"r" * 16)[1:])
            await asyncio.to_thread(busy.each, "unwrap", [row] * 2)
            follower = Follower(fr, 0)
            async with asyncio.timeout(30):
                await refused.wait()
        async with asyncio.timeout(30):
            heard = await follower.until(end)
        follower.task.cancel()
        assert heard == sorted(set(heard)) and heard[-1] == end


async def test_each_event_says_which_message_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where others fill what is remembered while somebody far behind reads: that one lost events of a unit and was
    told of others without their message.
    """
    monkeypatch.setattr(event_feed, "KNOWN_AT_MOST", 3)
    monkeypatch.setattr(event_feed, "EVENTS_AT_ONCE", 5)
    async with two_nodes(tmp_path) as (fr, _):
        for number in range(6):
            await fr.submit(f"Rose {number}")
        end = await fr.running.store.read(journal.last_event)
        following = [Follower(fr, after) for after in range(end - 1)]
        async with asyncio.timeout(30):
            for one in following:
                await one.until(end)
                one.task.cancel()
        told = [value for one in following for value in one.told if value["kind"] == "message"]
        assert [value for value in told if "id" not in value] == []


async def test_what_is_erased_while_it_is_opened_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first one follows and has opened a message; it is erased before they are told. Who asks afterwards is told that
    something happened, and not what the message was.
    """
    open_rows, opened, erased = messages_shown.opened_rows, threading.Event(), threading.Event()

    def open_late(sealer: ContentSealer, sealed: Mapping[int, SealedRow]) -> dict[int, MessageContent]:
        found = open_rows(sealer, sealed)
        if found and not opened.is_set():
            opened.set()
            assert erased.wait(60)
        return found

    async with two_nodes(tmp_path) as (fr, _):
        id = await fr.submit("Tulpe")
        end = await fr.running.store.read(journal.last_event)
        monkeypatch.setattr(messages_shown, "opened_rows", open_late)
        forget = fr.running.feed.forget
        monkeypatch.setattr(fr.running.feed, "forget", lambda: (forget(), erased.set()))
        first = Follower(fr, 0)
        await asyncio.to_thread(opened.wait, 60)
        async with asyncio.timeout(30):
            await fr.call("message.erase", id=id, reason="not_needed", by="Ana B.")
            await first.until(end)
            later = Follower(fr, 0)
            await later.until(end)
        for one in (first, later):
            one.task.cancel()
        about = [value for value in later.told if value.get("id") == id]
        assert about and {(one["type"], one["purpose"], one["unit"]) for one in about} == {(None, None, None)}


async def test_what_a_rule_or_a_peer_erased_is_forgotten_too(tmp_path: Path) -> None:
    """No person asked this node for it: the memory ends where content ends, and not where somebody asks for that."""
    async with two_nodes(tmp_path) as (fr, _):
        id = await fr.submit("Tulpe")
        end = await fr.running.store.read(journal.last_event)
        following = Follower(fr, 0)
        async with asyncio.timeout(30):
            await following.until(end)
        following.task.cancel()
        ((ref,),) = await fr.rows("select ref from message")
        await fr.running.eraser.erase({ref: "unused"})
        later = Follower(fr, 0)
        async with asyncio.timeout(30):
            await later.until(end)
        later.task.cancel()
        assert {value["type"] for value in following.told if value.get("id") == id} == {"enquiry.capacity/1"}
        assert {value["type"] for value in later.told if value.get("id") == id} == {None}


class Follower:
    """Somebody who follows from a position on, and what they heard."""

    def __init__(self, party: Party, after: int, *, pause: float = 0.0) -> None:
        self.heard: list[int] = []
        self.told: list[Mapping[str, Json]] = []
        self._more = asyncio.Event()
        self.task = asyncio.create_task(self._listen(party, after, pause))

    async def _listen(self, party: Party, after: int, pause: float) -> None:
        async for happenings in party.running.desk.events(after):
            self.heard.extend(seq for seq, _ in happenings)
            self.told.extend(value for _, value in happenings)
            self._more.set()
            await asyncio.sleep(pause)

    async def until(self, end: int) -> list[int]:
        """Wait until the event of that number was heard; return all up to it."""
        while not self.heard or self.heard[-1] < end:
            await self._more.wait()
            self._more.clear()
        return [seq for seq in self.heard if seq <= end]
