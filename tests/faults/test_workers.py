"""Workers of one node die, stand still and lose their server: nothing is lost or doubled, and there is one log."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.nodeproc import Away, Client, NodeProcess, enquiry, eventually, make_pair
from support.worker_processes import WorkerProcesses, worker_processes

from gateway.cluster.rules import LIFE

CLIENTS = 4
KILLED, PAUSED, CUT = "a worker killed", "a worker paused past its leases", "every session cut by the server"
FAULTS = (KILLED, PAUSED, CUT)


@dataclass
class Office:
    """Clients that submit at any of these nodes, and go to another one while there is no answer."""

    nodes: Callable[[], list[NodeProcess]]
    to: str
    rng: random.Random
    answered: dict[str, str] = field(default_factory=dict)
    refused: list[object] = field(default_factory=list)
    told: object = None
    """What the last one that did not take a message had to say."""

    def begin(self, references: list[str]) -> list[threading.Thread]:
        """Let several clients submit all of these."""
        work: queue.SimpleQueue[str] = queue.SimpleQueue()
        for reference in references:
            work.put(reference)
        threads = [threading.Thread(target=self._submit, args=(work, self.rng.randrange(99))) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def _submit(self, work: queue.SimpleQueue[str], turn: int) -> None:
        while True:
            try:
                reference = work.get_nowait()
            except queue.Empty:
                return
            end = time.monotonic() + 120
            while reference not in self.answered:
                assert time.monotonic() < end, f"{reference} was not taken: {self.told}"
                nodes = self.nodes()
                turn += 1
                if nodes:
                    self._ask(nodes[turn % len(nodes)].client(), reference)
                else:
                    time.sleep(0.05)

    def _ask(self, client: Client, reference: str) -> None:
        with closing(client):
            try:
                status, value = client.submit(enquiry(reference, self.to), reference)
            except (Away, OSError, AssertionError) as error:
                self.told = repr(error)
                time.sleep(0.05)
                return
        if status in (200, 201):
            self.answered[reference] = value["id"]
        elif status < 500:
            self.refused.append(value)
        else:
            self.told = value


def run_round(cluster: WorkerProcesses, name: str, fault: str, size: int, rng: random.Random) -> None:
    """Both sides submit; in the middle the fault comes. In the end each message is there once, and the log holds."""
    pair = cluster.pair
    paused: list[NodeProcess] = []
    here = Office(lambda: [one for one in cluster.running if one not in paused], "AL", rng)
    there = Office(lambda: [pair.b], "FR", rng)
    out, back = ([f"{name}-{way}-{number}" for number in range(size)] for way in ("out", "back"))
    threads = [*here.begin(out), *there.begin(back)]
    time.sleep(rng.uniform(0.0, 2.0))
    worker = rng.choice(cluster.workers)
    if fault == KILLED:
        worker.kill()
    elif fault == PAUSED:
        paused.append(worker)
        cluster.pause(worker)
        time.sleep(LIFE / 1_000 + 3)
        cluster.resume(worker)
        paused.clear()
    else:
        cluster.cut()
    for thread in threads:
        thread.join(150)
    assert (here.refused, there.refused) == ([], [])
    assert (len(here.answered), len(there.answered)) == (size, size)
    a = pair.a
    eventually(lambda: pair.b.count() >= size, f"AL has {pair.b.count()} of {size}: {pair.b.log()}", 120)
    eventually(lambda: a.count() >= size, f"FR has {a.count()} of {size}: {a.log()}", 120)
    left = "select count(*) from message where direction = 'out' and state <> 'awaiting_opening'"
    eventually(lambda: cluster.rows(left) == [(0,)], f"not every receipt came: {a.log()}", 120)
    for node, sent in ((pair.b, out), (a, back)):
        found = Counter(message["content"]["note"] for message in node.collect())
        assert found == Counter(sent)
    if not worker.running:
        worker.start()
    for one in cluster.workers:
        assert one.call("audit.verify")["findings"] == []
        assert one.alarms() == []
    leads = Counter(what for one in cluster.workers[0].call("node.workers")["workers"] for what in one["leads"])
    assert max(leads.values()) == 1


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[WorkerProcesses]:
    """FR as three workers, and AL."""
    pair = make_pair(tmp_path, batch=20)
    for node in (pair.a, pair.b):
        node.sign_in()
    with worker_processes(pair, 3) as made:
        yield made
    pair.close()


def test_workers_short(cluster: WorkerProcesses) -> None:
    """A worker is killed, then the server cuts every session."""
    rng = random.Random(random.randrange(2**32))
    for number, fault in enumerate((KILLED, CUT)):
        run_round(cluster, f"r{number}", fault, 25, rng)


@pytest.mark.deep
@pytest.mark.timeout(3_600)
def test_workers_long(
    cluster: WorkerProcesses, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """Twenty rounds of every kind of fault."""
    record_property("examples", 20)
    seed = random.randrange(2**32)
    rng, hit = random.Random(seed), Counter[str]()
    for number in range(20):
        fault = FAULTS[number % len(FAULTS)]
        run_round(cluster, f"r{number}", fault, 60, rng)
        hit[fault] += 1
    with capsys.disabled():
        print(f"\nworkers, 20 rounds of 60 each way, seed {seed}: 0 lost, 0 doubled of {20 * 120}")
        for fault, count in hit.items():
            print(f"  {fault:40} {count}")
