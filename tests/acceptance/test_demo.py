"""`trm demo` as a visitor runs it: four nodes and their case systems, from pairing to proof (Shows A, F and I)."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from support import keycost
from support.house import ROOT
from support.patience import PATIENCE

from gateway.demo.cluster.postgresql import find_programs

LONGEST = 480
"""Seconds; it takes about 45 alone on two cores, but tests run beside it."""

PROGRAMS = 7 if find_programs() else 6
"""Four nodes, and a case system for each but the workbook; SQLite is none."""

LINES = 42
"""Of a screen; the last one has the proofs and what to do next besides."""

TRM = [sys.executable, "-m", "gateway.cli"]

CHEAP = keycost.environment()
"""The key files of the demonstration cost nothing here: two dozen of them are most of its work."""


def trm(*words: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """One verb."""
    return subprocess.run(
        [*TRM, *words], cwd=ROOT, env=CHEAP, capture_output=True, text=True, timeout=timeout, check=False
    )


def gone(pid: int) -> bool:
    """Whether a process has ended, in time; also one that nobody has waited for."""
    for _ in range(int(10 * PATIENCE)):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One whole run whose nodes stay up: (folder, finished process, process ids)."""
    base = tmp_path_factory.mktemp("demo") / "d"
    ran = trm("demo", "--keep", "--dir", str(base), timeout=LONGEST)
    told = re.search(r"kill ([0-9 ]+); then remove them with: rm -r (.+)", ran.stdout)
    pids = [int(pid) for pid in told[1].split()] if told else []
    yield base, ran, pids
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    assert all(gone(pid) for pid in pids)
    for folder in shlex.split(told[2]) if told else []:
        shutil.rmtree(folder)


def test_each_country_has_a_console_for_a_visitor(kept):
    """The address of an invitation is told, and it is answered there."""
    _, ran, _ = kept
    found = re.findall(r"its console: (http://localhost:[0-9]+/enrol)#[A-Za-z0-9_-]+", ran.stdout)
    assert len(set(found)) == 4
    for address in found:
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200 and b"<form" in answer.read()


def test_it_ends_well_and_tells_the_whole_story(kept):
    """Exit 0, nothing on standard error, and every chapter with its outcome in the record."""
    base, ran, _ = kept
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout[-3000:] + ran.stderr
    record = (base / "logs" / "story.log").read_text(encoding="utf-8")
    parts = [
        "an Excel workbook",
        "PostgreSQL 1" if PROGRAMS == 7 else "SQLite, since no",
        "Primero v2",
        "a web API",
        "Pairing",
        "types the 60 digits and signs: Albania is verified",
        "a second administrator signs",
        "Can you take such a case?",
        "releases the enquiry; it names nobody",
        "inserts a row into its own table",
        "→ enquiry.reply: queued for FR",
        "→ enquiry.capacity: queued for MA",
        "makes an item of its list ready",
        "→ enquiry.reply: queued for FR",
        "A referral with consent",
        "refused by gate G2",
        "← consent.record: in the case system",
        "← referral.request: in the case system",
        "→ info.request: queued for FR",
        "POWER CUT",
        "→ info.reply: queued for AL",
        "the worker finds the case in Primero",
        "← referral.decline: in the case system",
        "the power is back",
        "← info.reply: in the case system",
        "Albania accepts",
        "← referral.accept: in the case system",
        "The way home",
        "refused by gate G4",
        "← return.proposal: in the case system",
        "← arrival.confirmation: in the case system",
        "A new life",
        "← monitoring.report: in the case system",
        "← closure.response: in the case system",
        "A child",
        "refused, no guardian",
        "refused, the best interests are not determined",
        "refused, the risks are not assessed together",
        "← return.proposal: in the case system",
        "A withdrawal crosses an acceptance",
        "the person comes and withdraws",
        "✗ referral.accept: ",
        "refused by gate G7",
        "← consent.withdrawal.ack: in the case system",
        "certificate of erasure",
        "Messages and receipts",
        "each arrived exactly once",
        "exit 0: it verifies with both fingerprints",
        "exit 1: with one bit changed",
        "exit 2: without a fingerprint",
        "searched",
        ": 0 found",
        "a leak planted on purpose",
        "What to try next",
    ]
    position = 0
    for part in parts:
        found = record.find(part, position)
        assert found >= 0, f"{part!r} is missing, or too early"
        position = found


def test_people_are_told_a_short_story(kept):
    """How long it takes, then four screens with their headings: what people do and not every receipt, and no None."""
    _, ran, _ = kept
    opening, *screens = re.split(r"━━ ([1-4] of 4  .+) ━━", ran.stdout)
    assert "about a minute" in opening and "A woman is in France" in opening
    assert [title[:6] for title in screens[::2]] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert max(len(told.splitlines()) for told in screens[1:6:2]) <= LINES
    assert "queued for" not in ran.stdout
    assert "None" not in ran.stdout


def test_no_marked_value_is_shown(kept):
    """What the demonstration prints is as free of case data as what the nodes write."""
    from gateway.demo.cases import MARKS

    _, ran, _ = kept
    assert [name for name, value in MARKS.items() if value in ran.stdout] == []


def test_kept_nodes_run_and_the_printed_commands_work(kept):
    """Each line under "What to try next" does what it says, as it is printed."""
    base, ran, pids = kept
    assert len(pids) == PROGRAMS
    lines = [line.strip() for line in ran.stdout.partition("What to try next")[2].strip().splitlines()]
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line)
        first = next(number for number, word in enumerate(words) if word in ("message", "doctor", "evidence"))
        done = trm(*words[first:])
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert trm("message", "list", "--node", str(base / "nodes" / "AL")).stdout.count("referral.") >= 2


def test_an_interrupt_stops_the_nodes_and_removes_the_folder(tmp_path):
    """Ctrl-C in the middle: exit 1, no process left, no file left."""
    base = tmp_path / "d"
    with subprocess.Popen(
        [*TRM, "demo", "--dir", str(base)],
        cwd=ROOT,
        env=CHEAP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout:
            if "Pairing" in line:
                break
        found = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
        nodes = [int(path.name) for path in found if str(base / "nodes").encode() in _command(path)]
        started = [int(path.name) for path in found if _parent(path) == running.pid]
        assert len(nodes) == 8, "four nodes, each with its key service"
        assert len(started) == PROGRAMS
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, errors.strip()) == (1, "trm: error: stopped before the end")
    assert all(gone(pid) for pid in {*nodes, *started})
    assert not base.exists()


def _command(path: Path) -> bytes:
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_folder_in_use_is_refused(tmp_path):
    """Exit 1 with a hint, and what is there stays."""
    (tmp_path / "mine.txt").write_text("mine")
    ran = trm("demo", "--dir", str(tmp_path))
    assert ran.returncode == 1
    assert "nothing was changed" in ran.stderr
    assert "trm: hint: name a new folder with --dir" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
