"""Long runs: every deep test is in one part, totals are added up, and a failed round says how it is repeated."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from support import deep
from support.deep import (
    PARTS,
    ROOT,
    Part,
    Round,
    Totals,
    add_round,
    choose_part,
    count_examples,
    find_told,
    make_command,
)

MARKED = re.compile(r"pytest\.mark\.deep\b")


def test_every_deep_test_is_in_one_part():
    """A long form that no part names would never be run."""
    marked = {path for path in (ROOT / "tests").rglob("test_*.py") if MARKED.search(path.read_text(encoding="utf-8"))}
    found = Counter(path for part in PARTS for pattern in part.tests for path in ROOT.glob(pattern))
    assert marked - {Path(__file__)} <= set(found)
    assert {path: times for path, times in found.items() if times > 1} == {}


def test_no_pattern_of_a_part_leads_nowhere():
    """A file that is renamed takes its part along."""
    assert [pattern for part in PARTS for pattern in part.tests if not list(ROOT.glob(pattern))] == []


def test_totals_are_added_up_and_the_next_seed_follows():
    """A round that failed counts too, and is not begun again by itself."""
    totals = add_round(Totals(), Round(seed=1, examples=100, seconds=9.6, failed=False))
    totals = add_round(totals, Round(seed=2, examples=1, seconds=1.0, failed=True))
    assert totals == Totals(rounds=2, examples=101, seconds=11, failures=1, next_seed=3)


def test_the_part_that_ran_least_is_next():
    """So that each has its turn, also over several runs."""
    assert choose_part({"a": Totals(seconds=30), "b": Totals(seconds=20), "c": Totals(seconds=20)}) == "b"


def test_examples_are_what_the_tests_told():
    """A test that tells none is one, and one that was skipped is none."""
    report = """<testsuites><testsuite>
        <testcase name="a"><properties><property name="examples" value="250"/></properties></testcase>
        <testcase name="b"/><testcase name="c"><skipped/></testcase></testsuite></testsuites>"""
    assert count_examples(report) == 251


def test_a_round_tells_when_faults_were_found():
    """A test of seeded faults says after how many walks it found its own; the others are silent."""
    report = """<testsuites><testsuite>
        <testcase name="f[a]"><properties><property name="found after" value="7"/></properties></testcase>
        <testcase name="b"><properties><property name="examples" value="9"/></properties></testcase>
        </testsuite></testsuites>"""
    assert find_told(report) == ["f[a]: found after 7"]


def test_a_round_gives_its_seed_to_all_that_draw():
    """pytest-randomly sets `random` and `run_seed`, hypothesis has an option of its own."""
    command = make_command(PARTS[0], 7, 0, ["-k", "rotation"])
    assert {"--randomly-seed=7", "--hypothesis-seed=7"} <= set(command)
    assert command[-4:-2] == ["-k", "rotation"]
    assert command[-2:] == ["tests/faults/test_adapter_kill.py", "tests/faults/test_kill.py"]


@pytest.fixture
def draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """A part in a folder of its own, of which the round with seed 7 fails and no other."""
    (tmp_path / "test_draws.py").write_text(
        "import pytest\n\n\n@pytest.mark.deep\ndef test_draws(request, record_property):\n"
        '    record_property("examples", 5)\n    assert request.config.getoption("randomly_seed") != 7\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = deep\n")
    monkeypatch.setattr(deep, "ROOT", tmp_path)
    monkeypatch.setattr(deep, "KEPT", tmp_path)
    return Part("draws", "a part", ("test_draws.py",))


QUICK = ["-n", "0", "-p", "no:schemathesis"]


def test_a_run_ends_at_the_first_failure_and_can_repeat_it(draws: Part, capsys: pytest.CaptureFixture[str]):
    """Two rounds are kept; the second names the command that repeats it, and that fails again and keeps nothing."""
    deep.keep_totals(draws, Totals(next_seed=6))
    assert deep.run_parts([draws], 1, QUICK) == 1
    assert f"this round again: ./dev deep draws {' '.join(QUICK)} --seed 7" in capsys.readouterr().out
    totals = deep.read_totals(draws)
    assert (totals.rounds, totals.examples, totals.failures, totals.next_seed) == (2, 10, 1, 8)
    assert deep.run_round(draws, 7, 0, QUICK).failed
    with pytest.raises(SystemExit, match="this was no round"):
        deep.run_parts([draws], 0, [*QUICK, "-k", "nothing"])
    assert deep.read_totals(draws) == totals
