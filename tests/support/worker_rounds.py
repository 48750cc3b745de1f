"""Rounds of faults among the workers of a node: both sides submit all the time, in the middle a fault comes and goes,
and in the end each message is there once, both sides say the same, and there is one log.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from support.nodeproc import Away, Client, NodeProcess, Pair, enquiry, eventually
from support.worker_processes import WorkerProcesses

from gateway.cluster.rules import LIFE

CLIENTS = 4
PATIENCE = 150
"""Seconds for what has to come true after a fault."""
FEW = 10
"""More messages than these go each way in every round, however slow the machine is."""
PAST_LEASES = LIFE / 1_000 + 3
"""Seconds after which another worker leads what one led that was not seen."""

Fault = Callable[[WorkerProcesses, NodeProcess], None]
"""Brings a fault, on this worker where it is one of a worker, and ends it."""


@dataclass
class Office:
    """Clients that submit at these nodes, each at one of them for as long as that takes its messages, else at the next;
    each begins a message every `pace` seconds.
    """

    nodes: Callable[[], Sequence[NodeProcess]]
    to: str
    name: str
    pace: float
    answered: dict[str, str] = field(default_factory=dict)
    refused: list[object] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    """When each message was taken."""
    told: object = None
    """What the last one that did not take a message had to say."""
    _threads: list[threading.Thread] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def begin(self) -> None:
        """Let several clients submit."""
        self._threads = [threading.Thread(target=self._submit, args=(turn,)) for turn in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> list[str]:
        """Begin no more messages, and wait until those that were begun are taken; the references of all."""
        self._enough.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), f"not every message was taken: {self.told}"
        assert self.refused == []
        return list(self.answered)

    def longest_gap(self) -> float:
        """The longest time in which no message was taken, in seconds."""
        return max((after - before for before, after in itertools.pairwise(sorted(self.taken))), default=0.0)

    def _submit(self, turn: int) -> None:
        while not self._enough.is_set():
            reference = f"{self.name}-{next(self._numbers)}"
            end = time.monotonic() + PATIENCE
            while reference not in self.answered and time.monotonic() < end and not self.refused:
                nodes = self.nodes()
                if nodes:
                    self._ask(nodes[turn % len(nodes)].client(), reference)
                if reference not in self.answered:
                    turn += 1
                    time.sleep(0.05)
            self._enough.wait(self.pace)

    def _ask(self, client: Client, reference: str) -> None:
        with closing(client):
            try:
                status, value = client.submit(enquiry(reference, self.to), reference)
            except (Away, OSError, AssertionError) as error:
                self.told = repr(error)
                return
        if status in (200, 201):
            self.answered[reference] = value["id"]
            if not self._enough.is_set():  # afterwards nobody begins a message, so a gap says nothing
                self.taken.append(time.monotonic())
        elif status < 500:
            self.refused.append(value)
        else:
            self.told = value


@dataclass(frozen=True)
class Round:
    """How one round went: messages each way, and how long the node took none, in seconds."""

    out: int
    back: int
    away: float


def run_round(cluster: WorkerProcesses, name: str, fault: Fault, rng: random.Random, pace: float = 0.1) -> Round:
    """Both sides submit; in the middle the fault comes, and goes. In the end each message is there once, both nodes say
    the same of every conversation, one chain of the audit log verifies, and no duty is led twice.
    """
    pair = cluster.pair
    here, there = (
        Office(lambda: cluster.awake, "AL", f"{name}-out", pace),
        Office(lambda: [pair.b], "FR", f"{name}-back", 2 * pace),
    )
    here.begin()
    there.begin()
    time.sleep(rng.uniform(0.3, 2.3))
    fault(cluster, rng.choice(cluster.workers))
    time.sleep(1)
    eventually(lambda: min(len(here.answered), len(there.answered)) > FEW, "both sides submit", PATIENCE)
    out, back = here.end(), there.end()
    check_each_once(cluster, out, back)
    for worker in cluster.workers:
        if not worker.running:
            _start_again(worker)
    for worker in cluster.workers:
        try:
            check_all_well(worker)
        except Away as away:
            raise AssertionError(f"{worker.name} does not answer: {worker.log()}") from away
    assert pair.b.call("audit.verify")["findings"] == []
    newest = len(out) + len(back)
    eventually(lambda: not differ(pair, newest), "both nodes say the same of each conversation", PATIENCE, seldom=10)
    return Round(len(out), len(back), here.longest_gap())


def _start_again(worker: NodeProcess) -> None:
    """Start a worker as systemd does: once more where it ended, since its server may be away just then."""
    for left in range(5, 0, -1):
        try:
            worker.start()
        except AssertionError:
            worker.wait()
            assert left > 1, worker.log()
        else:
            return


def check_all_well(worker: NodeProcess) -> None:
    """One chain that verifies, nothing that people have to look at, and no duty that two lead."""
    assert worker.call("audit.verify")["findings"] == []
    assert worker.alarms() == []
    led = Counter(what for one in worker.call("node.workers")["workers"] for what in one["leads"])
    assert max(led.values()) == 1


def _has(node: NodeProcess, many: int) -> bool:
    """Whether so many messages are in the case system of a node."""
    return node.count() >= many


def check_each_once(cluster: WorkerProcesses, out: list[str], back: list[str]) -> None:
    """Wait until every message is in the case system of the other side; none is there twice or too many."""
    for node, sent in ((cluster.pair.b, out), (cluster.pair.a, back)):
        eventually(
            partial(_has, node, len(sent)),
            f"{node.name} has {node.count()} of {len(sent)}: {node.log()}",
            PATIENCE,
        )
    left = "select count(*) from message where direction = 'out' and state <> 'awaiting_opening'"
    eventually(
        lambda: int(str(cluster.rows(left)[0][0])) == 0, f"not every receipt came: {cluster.pair.a.log()}", PATIENCE
    )
    for node, sent in ((cluster.pair.b, out), (cluster.pair.a, back)):
        assert Counter(message["content"]["note"] for message in node.collect()) == Counter(sent)


def folded(node: NodeProcess, newest: int) -> dict[str, tuple[object, ...]]:
    """What a node says of so many conversations, the newest ones: kind, state, and how many messages each has. Not of
    all: each is opened for it, and the key service opens so many in a minute.
    """
    found, position = dict[str, tuple[object, ...]](), dict[str, object]()
    while len(found) < newest:
        page = node.call("conversation.list", limit=min(500, newest - len(found)), **position)
        for one in page["conversations"]:
            found[one["conversation"]] = (one["kind"], one["state"], one["messages"])
        if page["next"] is None:
            break
        position = {"cursor": page["next"]}
    return found


def differ(pair: Pair, newest: int) -> list[object]:
    """What the two nodes of a pair say differently of so many conversations."""
    here, there = folded(pair.a, newest), folded(pair.b, newest)
    return [(here.get(id), there.get(id)) for id in here.keys() | there.keys() if here.get(id) != there.get(id)]


def kill_worker(_cluster: WorkerProcesses, worker: NodeProcess) -> None:
    """`kill -9` of a worker."""
    worker.kill()


def pause_worker(cluster: WorkerProcesses, worker: NodeProcess) -> None:
    """Let a worker stand still past its leases, and go on where it was."""
    with cluster.paused(worker):
        time.sleep(PAST_LEASES)
