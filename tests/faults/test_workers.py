"""Workers of one node die, stand still and lose their server: nothing is lost or doubled, and there is one log."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.nodeproc import NodeProcess, make_pair
from support.worker_processes import WorkerProcesses, worker_processes
from support.worker_rounds import FEW, Fault, kill_worker, pause_worker, run_round


def cut_sessions(cluster: WorkerProcesses, _worker: NodeProcess) -> None:
    """The server ends every session of this database, as when another one takes over."""
    cluster.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


FAULTS: dict[str, Fault] = {
    "a worker killed": kill_worker,
    "a worker paused past its leases": pause_worker,
    "every session cut by the server": cut_sessions,
}


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
    for number, fault in enumerate((kill_worker, cut_sessions)):
        done = run_round(cluster, f"r{number}", fault, rng)
        assert min(done.out, done.back) > FEW


@pytest.mark.deep
@pytest.mark.timeout(3_600)
def test_workers_long(
    cluster: WorkerProcesses,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
    run_seed: int,
) -> None:
    """Twenty rounds of every kind of fault."""
    record_property("examples", 20)
    rng, hit, messages = random.Random(run_seed), Counter[str](), 0
    for number in range(20):
        kind = [*FAULTS][number % len(FAULTS)]
        done = run_round(cluster, f"r{number}", FAULTS[kind], rng)
        hit[kind] += 1
        messages += done.out + done.back
    with capsys.disabled():
        print(f"\nworkers, 20 rounds, seed {run_seed}: 0 lost, 0 doubled of {messages}")
        for kind, count in hit.items():
            print(f"  {kind:40} {count}")
