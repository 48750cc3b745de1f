"""A node as several workers: it exchanges messages with a peer as one node does, whoever of them is asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

import pytest
from support.pair import Two, two_nodes
from support.several_workers import workers_of

from gateway.administration.doctor.database import check_database
from gateway.administration.doctor.folder import State
from gateway.audit.checkpointer import LOOK
from gateway.database import journal
from gateway.errors import Code, RefusedError
from gateway.foundation.config import load
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.primitives.encoding import sha256


async def everything_arrived(two: Two, sent: Counter[str], received: Counter[str]) -> None:
    """Each once, at both sides; and both logs hold."""
    await two.until(lambda: len(two.al.notes()) >= len(sent) and len(two.fr.notes()) >= len(received), seconds=60)
    await two.calm()
    assert Counter(two.al.notes()) == sent
    assert Counter(two.fr.notes()) == received


async def test_whoever_is_asked(tmp_path):
    """Messages are given to each worker and come in at each; each arrives once, in one log that holds."""
    async with two_nodes(tmp_path) as two, workers_of(two, 3) as workers:
        sent, received = Counter[str](), Counter[str]()
        for number in range(12):
            await workers[number % 3].submit(f"out {number}")
            sent[f"out {number}"] += 1
            await two.al.submit(f"in {number}")
            received[f"in {number}"] += 1
        await everything_arrived(two, sent, received)
        leads = Counter(what for worker in workers for what in worker.running.member.leadership.leads)
        assert set(leads.values()) == {1}
        for worker in workers:
            assert (await worker.call("audit.verify"))["findings"] == []


async def test_a_worker_that_comes_asks_whether_the_log_is_the_newest(tmp_path):
    """Its folder has no checkpoint to compare the database with. It sends once the peers have confirmed to itself that
    this is the newest log, whoever asks them for all.
    """
    async with two_nodes(tmp_path) as two, workers_of(two, 3) as workers:
        await two.until(
            lambda: all((w.folder / "checkpoint").exists() for w in workers), seconds=60, what="all confirmed"
        )
        assert [worker.running.log.halted for worker in workers] == [None] * 3
        await two.al.stop()
        await workers[2].stop()
        (workers[2].folder / "checkpoint").unlink()
        await workers[2].start()
        id = await workers[2].submit("waits for nobody else")
        two.clock.advance(LOOK)
        assert [worker.running.log.halted for worker in workers] == [None, None, Code.LOG_UNCONFIRMED]
        await two.al.start()
        await two.until(lambda: workers[2].running.log.halted is None, seconds=900, what="the witness")
        await everything_arrived(two, Counter([(await workers[2].show(id))["content"]["note"]]), Counter())


async def test_what_proves_that_the_log_was_put_back_stops_every_worker(tmp_path):
    """One meets the proof; the others send nothing more either, and none starts again on this database."""
    async with two_nodes(tmp_path) as two, workers_of(two, 2) as workers:
        await two.until(
            lambda: all((w.folder / "checkpoint").exists() for w in workers), seconds=60, what="all confirmed"
        )
        node = workers[0].running
        size, root = 1, sha256(b"another log")
        text = Checkpoint(origin=node.own.descriptor.log, size=size, root=root).text
        proof = SignedNote(text=text, signatures=read_signatures(node.keys.sign_log(text))).encode()
        for kind, at, note in (("log.rolled_back", 1, b"no checkpoint"), ("peer.other", 2, proof)):
            await node.store.move(partial(journal.raise_alarm, at=at, kind=kind, ref=at, proof=note))
        two.clock.advance(LOOK)
        await two.calm()
        assert [worker.running.log.halted for worker in workers] == [None] * 2
        await node.store.move(partial(journal.raise_alarm, at=3, kind="log.rolled_back", proof=proof))
        halted = [Code.LOG_ROLLED_BACK] * 2
        await two.until(
            lambda: [worker.running.log.halted for worker in workers] == halted, seconds=60, what="both halted"
        )
        id = await workers[1].submit("stays")
        await two.calm()
        assert (await workers[0].show(id))["state"] == "queued"
        assert {(worker.folder / "checkpoint").read_bytes() for worker in workers} == {proof}
        await workers[1].stop()
        await workers[1].open()
        with pytest.raises(RefusedError) as refused:
            await workers[1].running.log.start()
        assert refused.value.code is Code.LOG_ROLLED_BACK


async def test_behind_a_pooler(tmp_path):
    """Workers that share four sessions of the server: what one is given, the others send and show within a second or
    two, though nobody is told of it.
    """
    async with two_nodes(tmp_path) as two, workers_of(two, 2, pooled=True) as workers:
        sent, received = Counter[str](), Counter[str]()
        for number in range(6):
            await workers[number % 2].submit(f"out {number}")
            sent[f"out {number}"] += 1
            await two.al.submit(f"in {number}")
            received[f"in {number}"] += 1
        await everything_arrived(two, sent, received)
        found = check_database(two.fr.folder, load(two.fr.folder), running=True)
        assert found.state is State.WARN and "behind a pooler" in found.found
        for worker in workers:
            assert (await worker.call("audit.verify"))["findings"] == []


async def test_a_worker_stops_in_the_middle(tmp_path):
    """What it led, others lead; nothing is lost or doubled."""
    async with two_nodes(tmp_path) as two, workers_of(two, 3) as workers:
        sent, received = Counter[str](), Counter[str]()
        for number in range(18):
            if number == 8:
                await workers[1].stop()
            worker = workers[0 if number % 2 else 2]
            await worker.submit(f"out {number}")
            sent[f"out {number}"] += 1
            await two.al.submit(f"in {number}")
            received[f"in {number}"] += 1
        await everything_arrived(two, sent, received)


async def test_keys_are_followed_as_soon_as_they_change(tmp_path):
    """One worker makes new keys for what is stored and for what comes in; each of the others opens both soon after."""
    async with two_nodes(tmp_path) as two, workers_of(two, 2) as workers:
        before = await workers[0].submit("before")
        await workers[0].call("clock.confirm", by="admin")
        await workers[0].call("keys.rotate_epoch", by="admin")
        await workers[1].call("keys.rotate_enc", by="admin")
        await two.until(lambda: workers[0].running.keys.step == workers[1].running.keys.step)
        assert workers[0].running.keys.step > 1
        await two.until(lambda: workers[0].running.own.keyset == workers[1].running.own.keyset)
        sent, received = Counter(["before"]), Counter[str]()
        for number in range(6):
            sent[f"out {number}"] += 1
            after = await workers[number % 2].submit(f"out {number}")
            received[f"in {number}"] += 1
            await two.al.submit(f"in {number}")
            for worker in workers:
                assert (await worker.show(after))["content"]["note"] == f"out {number}"
        for worker in workers:
            assert (await worker.show(before))["content"]["note"] == "before"
        await everything_arrived(two, sent, received)


async def test_both_issue_a_keyset_at_once(tmp_path):
    """One comes behind the other: no two keysets have one version."""
    async with two_nodes(tmp_path) as two, workers_of(two, 2) as workers:
        first = workers[0].running.own.keyset.version
        issued = await asyncio.gather(*(worker.running.own.issue_keyset() for worker in workers for _ in range(3)))
        assert sorted(keyset.version for keyset in issued) == list(range(first + 1, first + 7))
