"""A node as several workers: it exchanges messages with a peer as one node does, whoever of them is asked."""

from __future__ import annotations

from collections import Counter

from support.pair import Two, two_nodes
from support.several_workers import workers_of


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
