"""Long runs in one form: rounds of a part, each with its seed, until the minutes are over.

    ./dev deep                       lists the parts and how far each has come
    ./dev deep kill --minutes 30     rounds of one part, from the next seed on; the last one is finished
    ./dev deep all --minutes 240     rounds of all parts, always of the one that has run least
    ./dev deep kill --seed 7         repeats one round; the totals stay as they are
    ./dev deep models -k two_nodes   further arguments go to pytest, or name slices of the part mutants

A round that fails ends the run and says how it is repeated. Totals are in `.deep/PART.json` and added up over all runs;
Ctrl-C keeps those of the rounds that were finished.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".deep"
TURN = 600
"""Seconds of mutants at a time where other parts want their turn too."""


@dataclass(frozen=True)
class Part:
    """One question that long runs ask; `tests` are patterns of test files, of which the deep forms are run."""

    name: str
    words: str
    tests: tuple[str, ...] = ()


PARTS = (
    Part("kill", "nodes and adapters killed at any instant", ("tests/faults/test_*kill.py",)),
    Part(
        "workers",
        "workers of one node killed, paused and cut off",
        (
            "tests/faults/test_workers.py",
            "tests/faults/test_rolling_upgrade.py",
            "tests/acceptance/test_demo_cluster.py",
        ),
    ),
    Part("patroni", "workers on hosts of their own, whose primary is lost too", ("tests/faults/test_patroni.py",)),
    Part(
        "postgresql", "the suites of stores on PostgreSQL 15 and 17", ("tests/integration/test_postgresql_versions.py",)
    ),
    Part(
        "models",
        "walks through what nodes may say to each other, compared with a model",
        (
            "tests/property/test_*_nodes_property.py",
            "tests/property/test_conversation_property.py",
            "tests/integration/cases/operations/test_finding.py",
            "tests/unit/cases/test_listing.py",
            "tests/property/test_folded_on_property.py",
            "tests/property/test_key_machines.py",
            "tests/faults/test_promises_broken.py",
        ),
    ),
    Part(
        "thieves",
        "a thief with any one key, and a liar, among three nodes",
        (
            "tests/property/test_thief_and_liar_property.py",
            "tests/property/test_contradiction_property.py",
            "tests/faults/test_thief_helped.py",
        ),
    ),
    Part(
        "training",
        "the whole demonstration to learn with: its forty cases, and its pages in a browser",
        ("tests/acceptance/test_training*.py",),
    ),
    Part("validators", "generated bodies before three validators", ("tests/property/test_three_validators.py",)),
    Part(
        "evidence",
        "bundles with a byte changed, and drawn ones, before both verifiers",
        ("tests/property/test_evidence_property.py",),
    ),
    Part("api", "requests that the description of the local API makes up", ("tests/property/test_api_description.py",)),
    Part(
        "amounts",
        "large files, long tables, many messages in flight and moved",
        (
            "tests/acceptance/test_large_file.py",
            "tests/contract/adapters/test_large_files.py",
            "tests/faults/test_mixing.py",
            "tests/acceptance/test_moving_much.py",
            "tests/integration/adapters/sheet/test_adapter.py",
            "tests/integration/identity/test_publication.py",
        ),
    ),
    Part("adapters", "each kind of adapter on each kind of database", ("tests/contract/adapters/test_contract.py",)),
    Part("releases", "today's program beside that of a release", ("tests/acceptance/test_release_*.py",)),
    Part("regions", "a region from outside the program, by the wheel alone", ("tests/acceptance/test_demo_region.py",)),
    Part(
        "networks", "an office without an address, behind a proxy and a tunnel", ("tests/acceptance/test_networks.py",)
    ),
    Part("browser", "the console in languages that are long or run from right to left", ("tests/browser/test_*.py",)),
    Part(
        "words",
        "every text out to its reviewers and back, in each language",
        ("tests/unit/translations/test_exchange.py",),
    ),
    Part("mutants", "rules altered one place at a time: does a test notice?"),
)


@dataclass(frozen=True)
class Totals:
    """What the rounds of a part came to, over all runs."""

    rounds: int = 0
    examples: int = 0
    seconds: int = 0
    failures: int = 0
    next_seed: int = 1


@dataclass(frozen=True)
class Round:
    """One finished round."""

    seed: int
    examples: int
    seconds: float
    failed: bool


def add_round(totals: Totals, done: Round) -> Totals:
    """The totals after one more round."""
    return Totals(
        rounds=totals.rounds + 1,
        examples=totals.examples + done.examples,
        seconds=totals.seconds + round(done.seconds),
        failures=totals.failures + done.failed,
        next_seed=done.seed + 1,
    )


def choose_part(totals: Mapping[str, Totals]) -> str:
    """The part that has run least so far; among equals the first."""
    return min(totals, key=lambda name: totals[name].seconds)


def count_examples(report: str) -> int:
    """What the tests of a JUnit report tried: what each recorded as its `examples`, else one for each that ran."""
    tried = 0
    for case in ElementTree.fromstring(report).iter("testcase"):
        told = [int(each.attrib["value"]) for each in case.iter("property") if each.attrib["name"] == "examples"]
        tried += sum(told) if told else int(case.find("skipped") is None)
    return tried


def find_told(report: str) -> list[str]:
    """After how many examples each test of a JUnit report found the fault that it looks for, one line each."""
    return [
        f"{case.attrib['name']}: found after {each.attrib['value']}"
        for case in ElementTree.fromstring(report).iter("testcase")
        for each in case.iter("property")
        if each.attrib["name"] == "found after"
    ]


def print_line(part: Part, totals: Totals) -> str:
    """One line of the list: what the part asks, and how far it has come."""
    far = (
        f"{totals.rounds} rounds, {totals.examples} examples, {totals.seconds} s, {totals.failures} failed"
        if totals.rounds
        else "not run yet"
    )
    return f"  {part.name:<12}{part.words}\n  {'':<12}{far}"


def make_command(part: Part, seed: int, seconds: float, further: Sequence[str]) -> list[str]:
    """What a round runs, as arguments of Python at the root of the repository."""
    if not part.tests:
        return ["tests/support/mutants.py", f"--seconds={seconds:.0f}", f"--report={KEPT / part.name}.xml", *further]
    files = sorted(str(path.relative_to(ROOT)) for pattern in part.tests for path in ROOT.glob(pattern))
    seeds = [f"--randomly-seed={seed}", f"--hypothesis-seed={seed}"]
    report = ["-o", "junit_family=xunit1", f"--junitxml={KEPT / part.name}.xml"]
    return ["-m", "pytest", "-n", "2", "--maxfail=1", "-m", "deep", *seeds, *report, *further, *files]


def read_totals(part: Part) -> Totals:
    """The totals of a part as they were kept."""
    kept = KEPT / f"{part.name}.json"
    return Totals(**json.loads(kept.read_text())) if kept.exists() else Totals()


def keep_totals(part: Part, totals: Totals) -> None:
    """Keep the totals of a part, all or nothing."""
    new = KEPT / f"{part.name}.new"
    new.write_text(json.dumps(asdict(totals)) + "\n")
    new.replace(KEPT / f"{part.name}.json")


def run_round(part: Part, seed: int, seconds: float, further: Sequence[str]) -> Round:
    """Run one round to its end; only one of mutants looks at `seconds`. What asked nothing is no round."""
    say(f"{part.name}: round with seed {seed} ...")
    report, begun = KEPT / f"{part.name}.xml", time.monotonic()
    report.unlink(missing_ok=True)
    code = subprocess.run(
        [sys.executable, *make_command(part, seed, seconds, further)], cwd=ROOT, check=False
    ).returncode
    if code not in (0, 1):  # 2 and more: wrong arguments, a file that does not load, no test chosen
        sys.exit("deep: error: this was no round; the totals are as they were\ndeep: hint: the lines above say why")
    examples = count_examples(report.read_text()) if report.exists() else 0
    for line in find_told(report.read_text()) if report.exists() else ():
        say(line)
    return Round(seed, examples, time.monotonic() - begun, code != 0)


def say(text: str) -> None:
    """One line of progress, at once."""
    print(f"deep: {text}", flush=True)


def run_parts(parts: Sequence[Part], minutes: float, further: Sequence[str]) -> int:
    """Rounds of these parts, one at least, until the minutes are over or one fails; the exit code."""
    named = {part.name: part for part in parts}
    until = time.monotonic() + 60 * minutes
    left = 60 * minutes or TURN
    while left > 0 and named:
        part = named[choose_part({name: read_totals(each) for name, each in named.items()})]
        totals = read_totals(part)
        done = run_round(part, totals.next_seed, left if len(parts) == 1 else min(left, TURN), further)
        totals = add_round(totals, done)
        keep_totals(part, totals)
        say(f"{part.name}: seed {done.seed} {'FAILED' if done.failed else 'ok'} after {done.seconds:.0f} s, in all:")
        print(print_line(part, totals), flush=True)
        if done.failed:
            say(f"this round again: ./dev deep {shlex.join([part.name, *further])} --seed {done.seed}")
            return 1
        if not part.tests:
            del named[part.name]  # one round of mutants goes through all slices
        left = until - time.monotonic()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Read the command line and run the part that it names."""
    names = {part.name: part for part in PARTS}
    parser = argparse.ArgumentParser(
        prog="./dev deep", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=[*names, "all"])
    parser.add_argument("--minutes", type=float, default=0, help="no round begins later; without it there is one")
    parser.add_argument("--seed", type=int, help="repeat the round of this seed")
    asked, further = parser.parse_known_args(arguments)
    if asked.part is None:
        print("./dev deep PART --minutes N, for example: ./dev deep kill --minutes 30; PART is all, or one of these:\n")
        print(*(print_line(part, read_totals(part)) for part in PARTS), sep="\n")
        return 0
    KEPT.mkdir(exist_ok=True)
    try:
        if asked.seed is not None and asked.part != "all":
            return int(run_round(names[asked.part], asked.seed, 60 * asked.minutes or TURN, further).failed)
        return run_parts(PARTS if asked.part == "all" else [names[asked.part]], asked.minutes, further)
    except KeyboardInterrupt:
        say("interrupted; what was finished is kept, and the next run begins with the same seed")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
