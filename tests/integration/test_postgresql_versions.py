"""The oldest PostgreSQL that a node runs on, and the one of Debian 13: what runs on the packaged one by default."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.house import ROOT
from support.shared import lacking

SUITES = {
    "contracts, databases, moves between them, workers": (
        "tests/contract",
        "tests/unit/cluster",
        "tests/unit/database",
        "tests/integration/cluster",
        "tests/integration/administration",
        "tests/integration/adapters/sql",
        "tests/integration/cli/identity/test_machines.py",
        "tests/faults/test_workers.py",
    ),
    "queries of every slice": ("tests/unit", "-k", "postgresql"),
}
VERSION = """
from sqlalchemy import create_engine
from support.databases import fresh_postgresql
print(create_engine(fresh_postgresql()).connect().exec_driver_sql("show server_version_num").scalar())
"""


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("version", [15, 17])
def test_a_server_of_another_version(
    version: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """It is that version, and every suite that runs on a server passes on it."""
    programs = Path(f"/usr/lib/postgresql/{version}/bin")
    if not programs.exists():
        lacking(f"postgresql-{version} is not on this machine")
    env = {**os.environ, "TRM_TEST_POSTGRESQL": str(programs)}
    shown = subprocess.run(
        [sys.executable, "-c", VERSION], capture_output=True, text=True, check=True, cwd=ROOT, env=env
    )
    assert int(shown.stdout) // 10_000 == version
    passed = {name: run_suite(suite, tmp_path / "report.xml", env) for name, suite in SUITES.items()}
    record_property("examples", sum(passed.values()))
    with capsys.disabled():
        for name, count in passed.items():
            print(f"\nPostgreSQL {version}: {count} passed of {name}", end="")


def run_suite(suite: Sequence[str], report: Path, env: Mapping[str, str]) -> int:
    """Run these tests in their short form; how many passed, and none was skipped."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", "-m", "not deep"]
    command += [f"--junitxml={report}", *suite]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout[-8_000:]
    counts = ElementTree.parse(report).getroot()[0].attrib
    assert counts["skipped"] == "0"
    return int(counts["tests"])
