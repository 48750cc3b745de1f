"""A bad file stops what depends on it and nothing else: key store, peer documents, keys that have ended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError
from support.holders import signed
from support.nodechild import CHEAP, SteeredClock
from support.pair import PASSPHRASE, START, introduce, make_party, two_nodes
from support.patience import PATIENCE
from support.ports import free_port
from support.rest import FEW, until_at_rest

from gateway.app import KeysUnusableError, open_node, serve_limited
from gateway.cli.administration.doctor import examine_folder
from gateway.cli.connection import call_node
from gateway.cli.root import is_database_damaged
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Delivery, LocalRecord, Notice
from keys.primitives.encoding import DAY
from keys.primitives.webhook_signature import new_secret


def damage(path: Path) -> None:
    """One bit of the sealed part."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def outlive(path: Path) -> None:
    """The database knows of a later one, as after somebody put an older file back."""
    with closing(sqlite3.connect(path.with_name("node.db"))) as database, database:
        database.execute("insert or replace into meta (key, value) values ('keystore_gen', '99')")


FAULTS: dict[str, tuple[Callable[[Path], object], Code]] = {
    "missing": (lambda path: path.unlink(), Code.NOT_FOUND),
    "damaged": (damage, Code.WRONG_PASSPHRASE),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:40]), Code.INVALID),
    "empty": (lambda path: path.write_bytes(b""), Code.INVALID),
    "readable by others": (lambda path: path.chmod(0o644), Code.INVALID),
    "older than the last one": (outlive, Code.ROLLBACK),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), Code.INVALID),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_unusable_key_store(tmp_path: Path, fault: str) -> None:
    """The node runs on its socket, serves no peer, refuses every operation with the reason, and doctor has the fix."""
    party = await make_party(tmp_path, "FR", SteeredClock(START))
    spoil, code = FAULTS[fault]
    spoil(party.folder / "keystore")
    with pytest.raises(KeysUnusableError) as caught:
        await open_node(party.folder, PASSPHRASE, clock=party.clock, at_least=CHEAP)
    assert caught.value.code is code
    assert caught.value.hint.endswith("docs/keys.md") or caught.value.hint == "chmod 600 keystore"
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve_limited(party.folder, caught.value, ready.set, stop))
    await asyncio.wait_for(ready.wait(), PATIENCE)
    for operation, arguments in (("node.show", {}), ("message.list", {}), ("keys.rotate_enc", {})):
        with pytest.raises((RefusedError, TransientError), match="runs without its keys") as refused:
            await asyncio.to_thread(call_node, party.folder, operation, arguments)
        assert refused.value.hint == caught.value.hint
    checks = await asyncio.to_thread(examine_folder, party.folder, None)
    reds = {str(item["check"]): item for item in checks if item["state"] == "red"}
    assert {"node", "key store"} & set(reds)
    if "node" in reds:
        assert reds["node"]["fix"] == caught.value.hint
    stop.set()
    await serving


@pytest.mark.parametrize("size", [None, 0])
async def test_a_database_that_is_gone_is_not_made_anew(tmp_path: Path, size: int | None) -> None:
    """A node whose database is lost or empty says so, and leaves the place free for its backup."""
    party = await make_party(tmp_path, "FR", SteeredClock(START))
    path = party.folder / "node.db"
    path.unlink()
    if size is not None:
        path.touch()
    with pytest.raises(RefusedError, match="is gone") as caught:
        await open_node(party.folder, PASSPHRASE, clock=party.clock, at_least=CHEAP)
    assert "trm restore" in caught.value.hint
    assert size == (path.stat().st_size if path.exists() else None)


@pytest.mark.parametrize("first", [0, 8_192])
async def test_a_database_that_is_damaged_is_no_fault_of_the_program(tmp_path: Path, first: int) -> None:
    """The node ends, and the operator is told of the damage, whether it is seen in the first page or behind it."""
    party = await make_party(tmp_path, "FR", SteeredClock(START))
    path = party.folder / "node.db"
    data = bytearray(path.read_bytes())
    for page in range(first, len(data), 4_096):
        data[page : page + 40] = b"X" * 40
    path.write_bytes(data)
    with pytest.raises((DatabaseError, sqlite3.DatabaseError)) as caught:
        await open_node(party.folder, PASSPHRASE, clock=party.clock, at_least=CHEAP)
    assert is_database_damaged(caught.value)


async def test_bad_peer_document_refuses_that_peer_only(tmp_path: Path) -> None:
    """With one peer's chain damaged on the disk the node starts, exchanges with the other, and tells a person."""
    async with two_nodes(tmp_path) as two:
        third = await make_party(tmp_path, "XK", two.clock)
        await third.start()
        try:
            await introduce(two.fr, third)
            alien = third.running.own.node
            await two.fr.stop()
            with closing(sqlite3.connect(two.fr.folder / "node.db")) as database, database:
                query = "update peer_descriptor set document = cast(replace(document, 'A', 'B') as blob) where node = ?"
                assert database.execute(query, (alien,)).rowcount == 1
            await two.fr.start()
            assert [peer.name for peer in two.fr.running.peers.all()] == ["AL"]
            assert set(two.fr.running.peers.damaged) == {alien}
            id = await two.fr.submit("goes on", to="AL")

            async def arrived() -> bool:
                return await two.fr.state(id) == "awaiting_opening"

            await two.until(arrived, seconds=60)
            assert "peer.damaged" in await two.fr.alarms()
        finally:
            await third.stop()


async def test_ended_keys(tmp_path: Path) -> None:
    """A node whose `sig` key has ended starts, signs nothing, says so, and is whole again after a ceremony."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    await party.start()
    await party.stop()
    clock.advance(500 * DAY)
    await party.start()
    try:
        assert not party.running.keys.may_speak
        assert "own.no_key" in await party.alarms()
        await party.call("clock.confirm", by="admin")
        asked = await party.call("keys.request", by="admin")
        await party.call("keys.publish", document=signed(tmp_path, "FR", asked["request"]), by="admin")
        assert party.running.keys.may_speak
        assert not {"own.no_key", "clock.unconfirmed"} & {*await party.alarms()}
        assert party.running.own.keyset.desc_version == 2
    finally:
        await party.stop()


async def test_ended_keys_hand_nothing_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the case system when the `sig` key ends is not shown to it, for no receipt could say so; the node
    goes on, and after a ceremony it is handed over once.
    """
    async with two_nodes(tmp_path) as two:
        adapter = two.al.running.adapter
        assert adapter is not None
        shown, push, busy = list[str](), adapter.push, [True]

        async def take(item: Delivery | Notice) -> str:
            if busy:
                raise TransientError(Code.ADAPTER_BUSY, "the case system is away")
            shown.append(item.key)
            return await push(item)

        monkeypatch.setattr(adapter, "push", take)
        await two.fr.submit("waits")

        async def arrived() -> bool:
            return await two.al.rows("select count(*) from inbox where attempts > 0") == [(1,)]

        await two.until(arrived, seconds=30)
        two.clock.advance(500 * DAY)
        node = two.al.running
        await two.until(lambda: not node.keys.may_speak, seconds=120)
        busy.clear()
        for _ in range(3):
            two.clock.advance(300)
            await two.calm()
        assert two.al.serving is not None and not two.al.serving.done()
        assert shown == []
        asked = await two.al.call("keys.request", by="admin")
        await two.al.call("keys.publish", document=signed(tmp_path, "AL", asked["request"]), by="admin")
        assert node.keys.may_speak
        await two.until(lambda: two.al.notes() == ["waits"], seconds=600)
        assert len(shown) == 1


async def test_a_database_that_fails_for_a_while(tmp_path: Path) -> None:
    """Every loop tries again: no part of the node ends because the database could not be read for a moment."""
    tables = ("trust_record", "inbox", "hook", "alarm", "outbox")
    async with two_nodes(tmp_path) as two:
        await two.al.stop()
        (two.al.folder / "webhooks").mkdir(mode=0o700)
        (two.al.folder / "webhooks" / "cases").write_text(new_secret(lambda size: bytes(size)))
        with (two.al.folder / "node.toml").open("a") as settings:
            settings.write(
                '[notify.email]\nhost = "127.0.0.1"\nsender = "gateway@example.org"\nto = ["desk@example.org"]\n'
                f'[[webhooks]]\nname = "cases"\nurl = "http://127.0.0.1:{free_port()}/trm"\n'
            )
        await two.al.start()
        node = two.al.running

        def rename(connection: Connection, *, away: bool) -> None:
            for table in tables:
                there, gone = (table, f"{table}_away") if away else (f"{table}_away", table)
                connection.exec_driver_sql(f"alter table {there} rename to {gone}")

        await node.store.move(partial(rename, away=True))
        for _ in range(4):
            two.clock.advance(61)
            node.wakeups.handover.set()
            node.wakeups.trust.set()
            await node.events.happened()
            await two.calm()
        await node.store.move(partial(rename, away=False))
        id = await two.fr.submit("goes on")

        async def opened() -> bool:
            return await two.fr.state(id) == "awaiting_opening"

        await two.until(opened, seconds=600)
        assert two.al.serving is not None and not two.al.serving.done()


async def test_a_case_system_that_shows_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes in which nothing can be collected are an alarm, once each time; a shorter silence is none."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    await party.start()
    try:
        adapter = party.running.adapter
        assert adapter is not None

        async def away() -> Sequence[LocalRecord]:
            raise TransientError(Code.ADAPTER_BUSY, "the folder is gone")

        async def silent(seconds: int) -> list[str]:
            with monkeypatch.context() as patch:
                patch.setattr(adapter, "pull", away)
                for _ in range(0, seconds, 30):
                    clock.advance(30)
                    await until_at_rest(FEW)
            clock.advance(30)
            await until_at_rest(FEW)
            return [kind for kind in await party.alarms() if kind == "adapter.busy"]

        assert await silent(540) == []
        assert await silent(540) == []
        assert await silent(720) == ["adapter.busy"]
        for alarm in (await party.call("alarm.list"))["alarms"]:
            await party.call("alarm.dismiss", id=alarm["id"], by="admin")
        assert await silent(300) == []
        assert await silent(720) == ["adapter.busy"]
    finally:
        await party.stop()


async def test_what_ends_is_told_once_each(tmp_path: Path) -> None:
    """60, 30 and 7 days before the descriptor and its keys end there is one alarm each, also when it was dismissed."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    await party.start()
    heard: list[str] = []
    try:
        while clock.now() < START + 399 * DAY:
            before = 330 * DAY if clock.now() < START + 330 * DAY else DAY
            clock.advance(before)
            await until_at_rest(FEW)
            for alarm in (await party.call("alarm.list"))["alarms"]:
                heard.append(alarm["kind"])
                await party.call("alarm.dismiss", id=alarm["id"], by="admin")
    finally:
        await party.stop()
    for subject in ("own.descriptor", "own.sig"):
        assert [kind for kind in heard if kind.startswith(f"{subject}.ends")] == [
            f"{subject}.ends_{days}" for days in (60, 30, 7)
        ]
