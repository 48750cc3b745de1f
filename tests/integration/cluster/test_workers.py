"""Workers of one node on one real PostgreSQL server: each a store of its own, as in a process of its own."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog
from sqlalchemy import Connection, insert, update
from support import running
from support.joined_workers import now, quick, until

from gateway.cluster import store
from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.tables import lease, token
from gateway.database.writing.leading import LeaseLostError
from gateway.errors import Code, RefusedError, TransientError

TOKEN = {"id": "t", "hash": "h", "label": "l", "made": 1, "expires": 2}
WAITING = "select count(*) from pg_locks where not granted"


def count_up(connection: Connection) -> int:
    """A move that reads a number, lets time pass and writes the next one."""
    found = int(meta.get_meta(connection, "count") or b"0")
    connection.exec_driver_sql("select pg_sleep(0.002)")
    meta.set_meta(connection, "count", str(found + 1).encode())
    return found + 1


async def test_workers_write_one_after_another(make):
    """What one reads in a transaction that writes, no other has changed when it is committed."""
    workers = [await make(str(n)) for n in range(3)]
    numbers = await asyncio.gather(*(worker.rows.move(count_up) for _ in range(20) for worker in workers))
    assert sorted(numbers) == list(range(1, 61))


async def test_what_another_worker_changed_is_read_before_anything_is_written(make):
    """A worker that has an older picture reads again, and only then does its move run."""
    one, other = await make("one"), await make("other")
    seen = list[int]()
    await one.rows.move(lambda c: meta.set_meta(c, "keyset", b"new"))
    assert other.read == []
    await other.rows.move(lambda _: seen.append(len(other.read)))
    assert (other.read, seen) == ([b"new"], [1])
    await other.rows.move(lambda c: meta.set_meta(c, "probed", b"1"))
    assert len(other.read) == 1, "nothing that is kept in memory was changed"


async def test_a_change_counts_whoever_made_it(make):
    """Also a statement that no worker of this program ran."""
    one = await make("one")
    before = (await one.rows.read(store.counters))[1]
    await one.rows.move(lambda c: c.execute(insert(token).values(**TOKEN)))
    assert (await one.rows.read(store.counters))[1] > before


async def test_what_cannot_be_read_again_fails_the_move_and_not_the_next(make, monkeypatch):
    """The move is refused in words; nothing of it is written."""
    one, other = await make("one"), await make("other")
    await one.rows.move(lambda c: meta.set_meta(c, "keyset", b"new"))

    async def away() -> None:
        raise TransientError(Code.DISK, "away")

    entry = other.rows.writer.entry
    monkeypatch.setattr(entry, "_refresh", away)
    with pytest.raises(TransientError):
        await other.rows.move(lambda c: meta.set_meta(c, "lost", b"1"))
    monkeypatch.undo()
    await other.rows.move(lambda c: meta.set_meta(c, "kept", b"1"))
    assert await one.rows.read(lambda c: (meta.get_meta(c, "lost"), meta.get_meta(c, "kept"))) == (None, b"1")


async def test_duties_are_shared_out_and_taken_over(make, monkeypatch):
    """Every duty is led by one; what a worker that is gone led, others lead soon; one that comes gets its share."""
    async with quick(monkeypatch):
        duties = [f"send n{n}" for n in range(6)]
        workers = [await make("one"), await make("two")]
        for worker in workers:
            for what in duties:
                worker.lead(what)
        workers[0].begin()
        await until(lambda: sorted(workers[0].led) == duties)
        workers[1].begin()
        await until(lambda: len(workers[0].led) == len(workers[1].led) == 3)
        assert sorted(workers[0].led + workers[1].led) == duties
        await workers[0].end()
        await until(lambda: sorted(workers[1].led) == duties)


async def test_a_worker_that_slept_past_its_lease_writes_nothing(make, monkeypatch):
    """It does not know yet that another leads; the transaction does."""
    async with quick(monkeypatch):
        one, other = await make("one"), await make("other")
        wake, result = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def sleep_and_write() -> None:
            await wake.wait()
            (outcome,) = await asyncio.gather(
                one.rows.move(lambda c: meta.set_meta(c, "sent", b"twice")), return_exceptions=True
            )
            result.set_result(outcome)

        one.lead("send n1", sleep_and_write)
        await one.member.leadership.beat()
        await until(lambda: one.led == ["send n1"])
        await other.rows.move(lambda c: c.execute(update(lease).values(until=now() - 5_000)))
        other.lead("send n1")
        await asyncio.sleep(0)
        await other.member.leadership.beat()
        await until(lambda: other.led == ["send n1"])
        wake.set()
        assert isinstance(await result, LeaseLostError)
        assert await other.rows.read(lambda c: meta.get_meta(c, "sent")) is None
        await one.rows.move(lambda c: meta.set_meta(c, "received", b"1"))  # outside of a duty it works on


async def test_a_lease_that_cannot_be_kept_is_left_in_time(make, monkeypatch):
    """The database does not answer: the duty ends here before another may begin."""
    async with quick(monkeypatch, 20_000, 19_000):
        one = await make("one")
        one.lead("handover")
        await one.member.leadership.beat()
        await until(lambda: one.led == ["handover"])
        begun = time.monotonic()
        one.tasks.append(asyncio.create_task(one.member.leadership._watch()))
        await until(lambda: one.led == [])
        assert time.monotonic() - begun < 20.0


async def test_a_duty_left_while_the_server_was_away_is_led_again(make, monkeypatch):
    """The lease could not be given up, and the server is back before it has run out: the worker does not keep it."""

    def be_away(*_: object) -> None:
        raise TransientError(Code.DISK, "the database cannot be used now; nothing was changed")

    async with quick(monkeypatch):
        one = await make("one")
        one.lead("handover")
        await one.member.leadership.beat()
        await until(lambda: one.led == ["handover"])
        with monkeypatch.context() as away:
            away.setattr(store, "give_up", be_away)
            watch = asyncio.create_task(one.member.leadership._watch())
            await until(lambda: one.led == [])
            watch.cancel()
        await one.rows.move(lambda c: c.execute(update(lease).values(until=now() + 1_000)))
        one.begin()
        await until(lambda: one.led == ["handover"])


async def test_two_who_claim_at_once_are_told_apart(make):
    """Also where no other row keeps them apart: who comes second waits for the first, and does not get it."""
    one = await make("one")
    engine = one.rows.database.open_engine(writes=False)
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            connection.execution_options(isolation_level="READ COMMITTED")
        assert store.claim(first, "handover", "a") is not None
        late = asyncio.create_task(asyncio.to_thread(store.claim, second, "handover", "b"))

        async def waits() -> bool:
            return bool(await one.rows.read(lambda c: c.exec_driver_sql(WAITING).scalar()))

        await running.until(waits)
        first.commit()
        assert await late is None
    engine.dispose()


@pytest.mark.parametrize("ahead", [65, -65, 3_600, -3_600])
async def test_a_worker_whose_clock_is_wrong_leads_nothing(make, ahead: int):
    """By more than a minute, or an hour: it takes in what peers bring, and its clock is told, here and in the log."""
    wrong = await make("wrong", ahead=ahead * 1_000)
    wrong.lead("handover")
    await asyncio.sleep(0)
    with structlog.testing.capture_logs() as said:
        await wrong.member.leadership.beat()
    assert wrong.led == []
    (told,) = await wrong.rows.read(store.workers)
    assert abs(told.off - ahead * 1_000) < 4_000
    (line,) = [one for one in said if one["event"] == "worker.clock"]
    assert abs(line["seconds"] - ahead) <= 4
    await wrong.rows.move(lambda c: meta.set_meta(c, "received", b"1"))


@pytest.mark.parametrize("ahead", [50, -50])
async def test_a_worker_whose_clock_is_some_seconds_off_leads(make, ahead: int):
    """Its leases last by the clock of the database, beside a worker whose clock is right."""
    off, right = await make("off", ahead=ahead * 1_000), await make("right")
    for worker in (off, right):
        for what in ("handover", "housekeeping"):
            worker.lead(what)
    await asyncio.sleep(0)
    for worker in (off, right, off, right):
        await worker.member.leadership.beat()
    await until(lambda: len(off.led) == len(right.led) == 1)
    assert off.led != right.led


async def test_one_that_wants_to_be_alone_is_kept_out(make, tmp_path):
    """As are workers while one is alone."""
    one = await make("one")
    url = one.rows.database.url
    with pytest.raises(RefusedError) as caught:
        Store(PostgresServer(url, tmp_path))
    assert caught.value.code is Code.LOCKED
