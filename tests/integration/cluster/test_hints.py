"""What one worker tells the others, on one real PostgreSQL server; and how they find what it could not tell."""

from __future__ import annotations

import json

from sqlalchemy import Connection
from support.joined_workers import Worker, quick, until

from gateway.database import meta


async def test_what_is_set_here_is_heard_there(make):
    """At once, and each only once; what is heard is not told back."""
    one, other = await make("one"), await make("other")
    for worker in (one, other):
        worker.begin()
    await until(lambda: not (one.member._hints._missed or other.member._hints._missed))
    other.wakeups.handover.clear()
    grown = other.events.happenings
    one.wakeups.handover.set()
    one.wakeups.peer_called("n1x")
    one.wakeups.peer_trusts("n1y")
    await one.events.happened()
    await until(lambda: other.wakeups.handover.is_set() and other.events.happenings > grown)
    assert "n1y" in other.wakeups.trusting and other.wakeups.trust.is_set()
    assert "n1x" in other.wakeups.called and other.wakeups.outgoing("n1x").is_set()
    assert other.member._hints._pending == {}


async def test_a_hint_costs_nothing_where_nothing_in_memory_changed(make, monkeypatch):
    """It says up to where its worker has read; what changed later is read within a second, and then each loop looks."""
    one, other = await make("one"), await make("other")
    hints, read, looked = other.member._hints, other.rows.writer.entry.pictures, list[None]()

    async def look() -> None:
        looked.append(None)

    with monkeypatch.context() as patch:
        patch.setattr(hints, "_look", look)
        await hints._hear(json.dumps({"by": "one", "pictures": read, "hints": ["handover"]}))
        assert other.wakeups.handover.is_set() and not looked
        await hints._hear(json.dumps({"by": "one", "pictures": read + 1, "hints": ["handover"]}))
        assert len(looked) == 1
    await heard_by_all(one, other)
    await one.rows.move(lambda c: meta.set_meta(c, "keyset", b"new"))
    await until(other.wakeups.handover.is_set)
    assert other.read[-1] == b"new"


TELLING = "select pid from pg_stat_activity where query like 'select pg_notify%%' and datname = current_database()"


async def heard_by_all(*workers: Worker) -> None:
    """Wait until all of them listen and have looked once."""
    for worker in workers:
        worker.begin()
    await until(lambda: not any(worker.member._hints._missed for worker in workers))
    for worker in workers:
        worker.wakeups.handover.clear()


async def test_a_hint_whose_connection_is_cut_is_told_over_the_next(make):
    """The others listen all the time, so nothing else would make them look."""
    one, other = await make("one"), await make("other")
    await heard_by_all(one, other)
    one.wakeups.outgoing("n1x").set()
    await until(lambda: other.wakeups.outgoing("n1x").is_set())

    def cut(connection: Connection) -> int:
        return len(connection.exec_driver_sql(f"select pg_terminate_backend(pid, 5000) from ({TELLING}) t").all())

    assert await other.rows.read(cut) == 1
    one.wakeups.handover.set()
    await until(other.wakeups.handover.is_set)


async def test_what_a_lost_worker_did_not_tell_is_found(make, monkeypatch):
    """A worker that is killed behind its commit tells nobody: the others look when it is there no more."""
    async with quick(monkeypatch):
        one, other = await make("one"), await make("other")
        await heard_by_all(one, other)
        await until(lambda: other.member.leadership._alive == {"one", "other"})
        await one.end()
        await one.rows.move(lambda c: meta.set_meta(c, "written", b"1"))
        await until(other.wakeups.handover.is_set)
