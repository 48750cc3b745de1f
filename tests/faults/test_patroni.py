"""Three workers and their peer, each on a host of its own, with the server of `deploy/patroni`: a worker dies, stands
still or loses its line, and the primary is lost. Nothing is lost or doubled, both sides say the same, there is one log.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.namespaces import Lan, one_network
from support.nodeproc import NodeProcess, eventually
from support.patroni import LONG, MEMBERS, PatroniServer, patroni_server, require_patroni
from support.worker_processes import HOSTS, WORKERS, WorkerProcesses, workers_in_networks
from support.worker_rounds import PAST_LEASES, Fault, kill_worker, pause_worker, run_round

ROUNDS = 20


def lose_primary(server: PatroniServer, _cluster: WorkerProcesses, _worker: NodeProcess) -> None:
    """`kill -9` of the primary, with its Patroni; a standby takes over, and the old one comes back as another."""
    lost = server.primary()
    server.kill(lost)
    eventually(lambda: server.primary() not in ("", lost), f"a standby takes over: {server.log()}", LONG)
    server.start(lost)
    eventually(server.whole, f"the old primary is a standby: {server.log()}", LONG)


def cut_line(hosts: Lan, cluster: WorkerProcesses, worker: NodeProcess) -> None:
    """A worker without its network past its leases; clients at its machine still reach it."""
    host = [*WORKERS][cluster.workers.index(worker)]
    hosts.cut(host)
    time.sleep(PAST_LEASES)
    hosts.mend(host)


def lose_majority(server: PatroniServer, _cluster: WorkerProcesses, _worker: NodeProcess) -> None:
    """Two of three etcd are killed: the primary steps down, where workers are connected, until they are back."""
    server.lose_majority()
    eventually(lambda: server.primary() == "", f"the primary has stepped down: {server.log()}", LONG)
    time.sleep(PAST_LEASES)
    server.mend_majority()
    eventually(server.whole, f"one is primary again: {server.log()}", LONG)


@pytest.fixture
def hosts() -> Iterator[Lan]:
    """The hosts and their network."""
    require_patroni()
    with one_network(HOSTS) as made:
        yield made


@pytest.fixture
def server(hosts: Lan) -> Iterator[PatroniServer]:
    """The server, whole."""
    with patroni_server(hosts) as made:
        yield made


@pytest.mark.deep
@pytest.mark.timeout(7_200)
def test_workers_and_their_server(
    hosts: Lan,
    server: PatroniServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
    run_seed: int,
) -> None:
    """Four rounds of each kind of fault in an order that is drawn; a line for each."""
    record_property("examples", ROUNDS)
    faults: dict[str, Fault] = {
        "worker killed": kill_worker,
        "worker paused past its leases": pause_worker,
        "primary killed": partial(lose_primary, server),
        "worker without network": partial(cut_line, hosts),
        "no primary": partial(lose_majority, server),
    }
    rng, messages = random.Random(run_seed), 0
    kinds = [*faults] * (ROUNDS // len(faults))
    rng.shuffle(kinds)
    with workers_in_networks(tmp_path, hosts, server) as cluster:
        for number, kind in enumerate(kinds, start=1):
            done = run_round(cluster, f"r{number}", faults[kind], rng, pace=0.4)
            messages += done.out + done.back
            with capsys.disabled():
                print(
                    f"\nround {number:2} {kind:30} {done.out:4} out, {done.back:4} back, 0 lost, 0 doubled,"
                    f" none taken for {done.away:4.1f} s",
                    end="",
                    flush=True,
                )
    with capsys.disabled():
        print(f"\npatroni, {ROUNDS} rounds, seed {run_seed}: 0 lost, 0 doubled of {messages}: {Counter(kinds)}")


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_what_the_runbook_does_by_hand(server: PatroniServer) -> None:
    """Another primary, a standby made anew, and who of etcd is away, by the verbs of docs/runbook.md."""
    before = server.primary()
    assert "Successfully switched over" in server.control(before, "switchover", "trm", "--force")
    eventually(server.whole, f"another one is primary: {server.log()}", LONG)
    assert server.primary() != before
    assert "Success: reinitialize" in server.control(server.primary(), "reinit", "trm", before, "--force")
    eventually(server.whole, f"the one of before was made anew: {server.log()}", LONG)
    assert server.examine_etcd(before).count("is healthy") == len(MEMBERS)
