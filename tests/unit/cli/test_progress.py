"""Lines about how far a file has come are for a person at a terminal, now and then, on standard error."""

from __future__ import annotations

import sys

import pytest

from gateway.cli import progress
from gateway.cli.progress import MIB, Progress


def lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, terminal: bool) -> list[str]:
    """What is printed while 10 MiB of 40 pass in each second."""
    tick = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: tick[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    told = Progress("sealed")
    for second in range(1, 5):
        tick[0] = float(second)
        told.tell(10 * second * MIB, 40 * MIB)
    seen = capsys.readouterr()
    assert seen.out == ""
    return seen.err.splitlines()


def test_a_person_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every other second: done, all, and the rate since the line before."""
    assert lines(monkeypatch, capsys, terminal=True) == [
        "trm: sealed 20 of 40 MiB, 10 MiB/s",
        "trm: sealed 40 of 40 MiB, 10 MiB/s",
    ]


def test_records_are_counted_as_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is counted has its name."""
    tick = iter([0.0, 2.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(tick))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    Progress("read", unit="records", size=1).tell(500, 10_000)
    assert capsys.readouterr().err == "trm: read 500 of 10000 records, 250 records/s\n"


def test_a_program_is_told_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads of errors stays what it was."""
    assert lines(monkeypatch, capsys, terminal=False) == []
