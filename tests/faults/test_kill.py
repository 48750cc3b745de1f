"""`kill -9` at any instant loses nothing and doubles nothing (nrm1 12.12), nor does it between the
steps of an epoch rotation.
"""

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
from support.nodeproc import Away, Ledger, NodeProcess, Pair, enquiry, eventually, make_pair
from support.patience import PATIENCE

CLIENTS = 12
BATCH, ROTATED = 20, 45
"""Rows of one step of a node, and messages that a rotation has to seal anew: more than two steps of them."""
BEFORE_COMMIT = "before commit"
UNANSWERED = "after commit before answer"
RECEIVING = "while receiving"
HANDING_OVER = "during hand-over"
IN_FLIGHT = "with requests in flight"
CLASSES = (BEFORE_COMMIT, UNANSWERED, IN_FLIGHT, RECEIVING, HANDING_OVER)


@dataclass
class Crowd:
    """Concurrent clients of one node; each writes its own id to disk before each try and repeats what had no answer."""

    node: NodeProcess
    ledger: Ledger
    work: queue.SimpleQueue[str]
    alive: threading.Event = field(default_factory=threading.Event)
    answered: dict[str, str] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    faults: list[object] = field(default_factory=list)

    def run(self) -> None:
        """Submit until nothing is left."""
        with closing(self.node.client()) as client:
            while not self.faults:
                try:
                    reference = self.work.get_nowait()
                except queue.Empty:
                    return
                repeated = False
                while reference not in self.answered:
                    self.alive.wait(PATIENCE)
                    self.ledger.note(reference)
                    try:
                        status, value = client.submit(enquiry(reference), reference)
                    except Away:
                        repeated = True
                        time.sleep(0.01)
                        continue
                    if status not in (200, 201):
                        self.faults.append(value)
                        return
                    self.answered[reference] = value["id"]
                    if repeated:
                        self.repeats.append(status)


@dataclass
class Run:
    """Rounds of one pair; the spans are how long each part of a round took in the one without a kill."""

    pair: Pair
    ledger: Ledger
    rng: random.Random
    size: int
    submitting: float = 0.0
    receiving: float = 0.0
    exchanging: float = 0.0
    hit: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    lost: int = 0
    doubled: int = 0

    def measure(self) -> None:
        """The measured run: the same work without a kill."""
        self.submitting, _ = self._submit("apart")
        self.receiving, _ = self._receive(None)
        self._settle("apart")
        self.pair.b.start()
        self.exchanging, _ = self._submit("together")
        self._settle("together")

    def instants(self, rounds: int) -> list[float]:
        """One instant for each round, as parts of a run: random, and together spread over the whole of it."""
        drawn = [(number + self.rng.random()) / rounds for number in range(rounds)]
        self.rng.shuffle(drawn)
        return drawn

    def round(self, number: int, of_a: float, of_b: float) -> None:
        """A is killed at an instant of the submitting, B at one of the receiving: one after the other in every second
        round, in the others while both are at work and requests are in flight.
        """
        a, b, name = self.pair.a, self.pair.b, f"round-{number}"
        if number % 2:
            b.start()
            classes = self._submit(name, (of_a * self.exchanging, a), (of_b * self.exchanging, b))[1]
        else:
            classes = self._submit(name, (of_a * self.submitting, a))[1]
            classes |= self._receive(of_b * self.receiving)[1]
        self.hit.update(classes)
        self._settle(name)

    def _submit(self, name: str, *kills: tuple[float, NodeProcess]) -> tuple[float, set[str]]:
        """Submit all messages of a round, and receive them if B is up; the nodes are killed after so many seconds. How
        long it took, and what was hit.
        """
        a, b, classes = self.pair.a, self.pair.b, set[str]()
        work: queue.SimpleQueue[str] = queue.SimpleQueue()
        for number in range(self.size):
            work.put(f"{name}-{number}")
        crowd = Crowd(a, self.ledger, work)
        threads = [threading.Thread(target=crowd.run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        crowd.alive.set()
        for at, node in sorted(kills, key=lambda kill: kill[0]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            node.kill()
            if node is a:
                crowd.alive.clear()
            classes |= self._sender_at_the_kill() if node is a else self._receiver_at_the_kill()
            node.start()
            crowd.alive.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert not crowd.faults
        assert len(crowd.answered) == self.size
        if b.running:
            self._wait_for_all()
        classes |= {BEFORE_COMMIT if status == 201 else UNANSWERED for status in crowd.repeats}
        return time.monotonic() - began, classes

    def _receive(self, kill_at: float | None) -> tuple[float, set[str]]:
        b = self.pair.b
        b.start()
        began, classes = time.monotonic(), set[str]()
        if kill_at is not None:
            time.sleep(kill_at)
            b.kill()
            classes = self._receiver_at_the_kill()
            b.start()
        self._wait_for_all()
        return time.monotonic() - began, classes

    def _wait_for_all(self) -> None:
        b = self.pair.b
        eventually(lambda: b.count() >= self.size, f"B has {b.count()} of {self.size}: {b.log()}")

    def _sender_at_the_kill(self) -> set[str]:
        """What A was doing, by what it left on its disk."""
        ((flying,),) = self.pair.a.rows("select count(*) from message where state = 'awaiting_receipt'")
        return {IN_FLIGHT} if flying else set()

    def _receiver_at_the_kill(self) -> set[str]:
        """What B was doing, by what it left on its disk."""
        b = self.pair.b
        ((accepted,),) = b.rows("select count(*) from message where direction = 'in'")
        ((owed,),) = b.rows("select count(*) from inbox")
        classes = set()
        if 0 < accepted - self.settled < self.size:
            classes.add(RECEIVING)
        if owed:
            classes.add(HANDING_OVER)
        return classes

    def _settle(self, name: str) -> None:
        """Everything that was answered is at B exactly once, and A knows it."""
        a, b = self.pair.a, self.pair.b
        eventually(
            lambda: a.rows("select count(*) from message where state <> 'awaiting_opening'") == [(0,)],
            f"not every message of A is delivered: {a.log()}",
        )
        found = Counter(message["content"]["note"] for message in b.collect())
        sent = {f"{name}-{number}" for number in range(self.size)}
        assert {*found} - sent == set()
        self.lost += len(sent - {*found})
        self.doubled += found.total() - len(found)
        assert (self.lost, self.doubled) == (0, 0)
        assert a.alarms() == b.alarms() == []
        self.settled += self.size
        b.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes, of which B is down."""
    made = make_pair(tmp_path, batch=BATCH)
    made.a.sign_in()
    made.b.stop()
    yield made
    made.close()


def run_rounds(pair: Pair, folder: Path, *, rounds: int, size: int, seed: int) -> Run:
    """The kill test; what it counted."""
    ledger = Ledger(folder / "clients")
    with closing(ledger):
        run = Run(pair, ledger, random.Random(seed), size)
        run.measure()
        instants = zip(run.instants(rounds), run.instants(rounds), strict=True)
        for number, (of_a, of_b) in enumerate(instants):
            run.round(number, of_a, of_b)
    return run


def test_kill_short(pair: Pair, tmp_path: Path) -> None:
    """Two rounds in which A dies while clients submit and B dies while it receives, once one after the other and once
    with requests in flight: nothing lost, nothing doubled.
    """
    run_rounds(pair, tmp_path, rounds=2, size=60, seed=random.randrange(2**32))


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_kill_long(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """Twenty rounds of 500: nothing lost, nothing doubled, and every class of instants was hit."""
    record_property("examples", 20)
    seed = random.randrange(2**32)
    run = run_rounds(pair, tmp_path, rounds=20, size=500, seed=seed)
    with capsys.disabled():
        print(f"\nkill test, 20 rounds of 500, seed {seed}: {run.lost} lost, {run.doubled} doubled of {run.settled}")
        print("rounds that hit each class:")
        for name in CLASSES:
            print(f"  {name:28} {run.hit[name]}")
    assert all(run.hit[name] for name in CLASSES), dict(run.hit)


def test_kill_during_epoch_rotation(pair: Pair) -> None:
    """Killed between any two steps of a rotation, the node ends it with the next one: all readable, old keys gone."""
    a, b = pair.a, pair.b
    with closing(a.client()) as client:
        sent = [client.call("message.submit", **enquiry(f"r-{number}"))["id"] for number in range(ROTATED)]
    places = ("begun", "rewrapped", "drained", "finished")
    a.stop()
    a.start(die=places[0])
    for place, following in zip(places, (*places[1:], None), strict=True):
        ((before,),) = a.rows("select max(epoch) from datakey")
        a.call("clock.confirm", by="admin")  # B, who would confirm it, is down
        with pytest.raises(Away), closing(a.client()) as client:
            client.call("keys.rotate_epoch", by="admin")
        assert a.wait() == -9
        left = {epoch for (epoch,) in a.rows("select distinct epoch from datakey")}
        assert left == {"begun": {before}, "rewrapped": {before, before + 1}}.get(place, {before + 1})
        a.start()
        a.call("clock.confirm", by="admin")
        a.call("keys.rotate_epoch", by="admin")
        ((after,),) = a.rows("select distinct epoch from datakey")
        assert after > before
        assert [key["kid"] for key in a.call("keys.list")["keys"] if key["use"] == "epoch"] == [str(after)]
        with closing(a.client()) as client:
            notes = [client.call("message.show", id=id)["content"]["note"] for id in sent]
        assert notes == [f"r-{number}" for number in range(ROTATED)]
        a.stop()
        a.start(die=following)
    b.start()
    eventually(lambda: b.count() == len(sent), f"not everything arrived: {a.log()}")
    assert sorted(message["content"]["note"] for message in b.received()) == sorted(notes)
