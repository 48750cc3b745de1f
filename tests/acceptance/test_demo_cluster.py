"""`trm demo --cluster` as a visitor runs it: France loses one of three workers, and its database server crashes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support import keycost
from support.house import ROOT
from support.shared import lacking

from gateway.demo.cluster.postgresql import find_programs

LONGEST = 900
"""Seconds; it takes about two minutes alone on two cores."""
TRM = [sys.executable, "-m", "gateway.cli"]
CHEAP = keycost.environment()
PROGRAMS = 11
"""Three workers and three nodes, the front, the server of the workers, and three case systems."""
STORY = (
    "its rows: on PostgreSQL",
    "worker FR-2 joins",
    "worker FR-3 joins",
    "leads to each of 3 workers",
    "Albania accepts",
    "France loses a worker while messages are under way",
    "which sends to Albania, is killed after",
    "24 of 24 arrived in each country, once each",
    "now sends to Albania",
    "France's database server crashes",
    "the database server crashes after",
    "24 of 24 arrived in each country, once each",
    "A withdrawal crosses an acceptance",
    "and 96 enquiries that came in crowds",
    "Who did what for all",
    "48 enquiries of France met the losses; each arrived once",
    "48 enquiries of Albania met the losses; each arrived once",
    "verified by each of 3 workers; no new alarm",
    ": 0 found",
    "node workers --node",
)


def trm(*words: str, timeout: int) -> subprocess.CompletedProcess[str]:
    """One verb."""
    return subprocess.run(
        [*TRM, *words], cwd=ROOT, env=CHEAP, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.mark.deep
@pytest.mark.timeout(LONGEST + 60)
def test_everything_arrives_once_whatever_france_loses(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The whole story with its two losses; what is kept runs as it is told, and three workers are there."""
    if find_programs() is None:
        lacking("there is no PostgreSQL on this machine")
    record_property("examples", 1)
    ran = trm("demo", "--cluster", "--keep", "--dir", str(tmp_path / "d"), timeout=LONGEST)
    told = re.search(r"kill ([0-9 ]+); then remove them with: rm -r (.+)", ran.stdout)
    pids = [int(pid) for pid in told[1].split()] if told else []
    try:
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout[-3000:] + ran.stderr
        position = 0
        for part in STORY:
            position = ran.stdout.find(part, position)
            assert position >= 0, f"{part!r} is missing, or too early: {ran.stdout}"
        assert len(pids) == PROGRAMS
        shown = trm("node", "workers", "--node", str(tmp_path / "d" / "nodes" / "FR"), "--json", timeout=60)
        assert sorted(worker["away"] for worker in json.loads(shown.stdout)["workers"])[:4] == [False] * 3 + [True]
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for folder in shlex.split(told[2]) if told else []:
            shutil.rmtree(folder, ignore_errors=True)
