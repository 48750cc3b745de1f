"""Workers of one node are upgraded one by one under traffic: no message is lost, doubled or refused because of it.

The version before is a commit, named by TRM_UPGRADE_FROM; a release that has workers is one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.nodeproc import make_pair
from support.shared import lacking
from support.worker_processes import worker_processes
from support.worker_rounds import Office, check_all_well, check_each_once

from bench.against import unpack

BEFORE = "TRM_UPGRADE_FROM"
BETWEEN = 5
"""Seconds in which old and new ones work beside each other, before the next one is upgraded."""


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_workers_of_two_versions_serve_one_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """Three of the version before; each is stopped in order and comes again as this version, while both sides submit.
    A client whose worker stops goes to another one, and is refused nothing.
    """
    commit = os.environ.get(BEFORE)
    if commit is None:
        lacking(f"no version to upgrade from: name a commit by {BEFORE}")
    record_property("examples", 1)
    before = tmp_path / "before"
    unpack(commit, before)
    pair = make_pair(tmp_path, batch=20)
    for node in (pair.a, pair.b):
        node.sign_in()
    pair.a.packages = (before,)
    with worker_processes(pair, 3) as cluster:
        here, there = (
            Office(lambda: cluster.awake, "AL", "out", 0.1),
            Office(lambda: [pair.b], "FR", "back", 0.2),
        )
        for office in (here, there):
            office.begin()
        time.sleep(BETWEEN)
        for worker in cluster.workers:
            worker.stop()
            worker.packages = ()
            worker.start()
            time.sleep(BETWEEN)
        out, back = here.end(), there.end()
        check_each_once(cluster, out, back)
        for worker in cluster.workers:
            check_all_well(worker)
        versions = {one["version"] for one in cluster.workers[0].call("node.workers")["workers"]}
    pair.close()
    with capsys.disabled():
        print(f"\nupgraded from {commit}, versions {sorted(versions)}: {len(out)} and {len(back)} messages, 0 refused,")
        print(f"0 lost, 0 doubled; at the longest none was taken for {here.longest_gap():.1f} s")
