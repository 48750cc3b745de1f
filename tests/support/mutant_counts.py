"""What mutants are called and how they are counted: the pure part of `support.mutants`."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GOAL = 92
"""Per cent of the mutants of a slice, without the equivalent ones, that its tests have to notice."""
NOTICED = ("killed", "timeout")
"""A mutant that never ends is noticed: the test does not pass."""


@dataclass(frozen=True)
class Slice:
    """What is altered (files and folders), and the tests that judge it, both as paths in the repository."""

    name: str
    code: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """One altered place, told by what stays the same when other lines of the module change."""

    function: str
    before: str
    after: str


@dataclass(frozen=True)
class Tally:
    """How many mutants of a slice ended how; `survivors` are those that were neither noticed nor named equivalent, and
    `needless` are those that are named and that a test notices, or that are no more. `left_out` counts those that are
    not in the sample which was asked about.
    """

    name: str
    counts: Mapping[str, int]
    equivalent: int
    survivors: tuple[Mutant, ...] = ()
    needless: tuple[Mutant, ...] = ()
    left_out: int = 0

    @property
    def checked(self) -> int:
        """Mutants that were asked about and are not equivalent."""
        return sum(self.counts.values()) - self.counts.get("not checked", 0) - self.equivalent

    @property
    def noticed(self) -> int:
        """Mutants that a test noticed."""
        return sum(self.counts.get(status, 0) for status in NOTICED)

    @property
    def reached(self) -> bool:
        """Whether the tests notice enough of what was checked."""
        return self.noticed * 100 >= GOAL * self.checked

    def __str__(self) -> str:
        counts, left = self.counts, self.counts.get("not checked", 0)
        others = self.checked - self.noticed - counts.get("no tests", 0)
        return (
            f"{self.name:<19}{counts.get('killed', 0):>6} killed{counts.get('timeout', 0):>5} timeout"
            f"{others:>5} survived{counts.get('no tests', 0):>5} no tests{self.equivalent:>5} equivalent"
            f"  {self.noticed / max(self.checked, 1):7.1%} of {self.checked}"
            + (f", {left} not checked" if left else "")
            + (f"; a sample, {self.left_out} are not in it" if self.left_out else "")
        )


def read_slices(pyproject: str) -> list[Slice]:
    """The slices that the text of `pyproject.toml` names, in its order."""
    named: dict[str, dict[str, list[str]]] = tomllib.loads(pyproject)["tool"]["mutmut"]["slices"]
    return [Slice(name, tuple(each["code"]), tuple(each["tests"])) for name, each in named.items()]


def configure(pyproject: str, part: Slice) -> str:
    """The text of `pyproject.toml` for the work folder of one slice."""
    code, tests = json.dumps(part.code), json.dumps(part.tests)
    lines = f"[tool.mutmut]\nsource_paths = {code}\npytest_add_cli_args_test_selection = {tests}\n"
    return pyproject.replace("[tool.mutmut]\n", lines)


def name_function(mutant: str) -> str:
    """The function that a mutant of mutmut is of: `a.b.xǁClassǁmethod__mutmut_3` is of `a.b.Class.method`."""
    module, _, key = mutant.partition("__mutmut_")[0].rpartition(".")
    return f"{module}.{key.removeprefix('x').removeprefix('_').strip('ǁ').replace('ǁ', '.')}"


def choose_sample(mutants: Iterable[str], size: int) -> list[str]:
    """So many of the mutants, the same each time: one of every function, then a second one of each, and so on. A larger
    sample has all of a smaller one, so that what was asked is not asked again.
    """
    turns = Counter[str]()
    chosen: list[tuple[int, str]] = []
    for mutant in sorted(mutants, key=lambda name: hashlib.sha256(name.encode()).digest()):
        function = name_function(mutant)
        turns[function] += 1
        chosen.append((turns[function], mutant))
    return [mutant for _, mutant in sorted(chosen, key=lambda each: each[0])[:size]]


def read_diff(function: str, diff: str) -> Mutant:
    """The mutant that a unified diff shows."""
    lines = [line for line in diff.split("\n") if not line.startswith(("---", "+++", "@@"))]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Mutant(function, before, after)


def read_equivalent(text: str) -> dict[Mutant, str]:
    """The equivalent mutants that the file names, with the reason of each."""
    return {
        Mutant(entry["function"], entry["before"], after): entry["reason"]
        for entry in tomllib.loads(text).get("equivalent", [])
        for after in entry["after"]
    }


def count_mutants(
    name: str,
    verdicts: Mapping[str, str],
    unnoticed: Iterable[Mutant],
    known: Mapping[Mutant, str],
    *,
    left_out: int = 0,
) -> Tally:
    """Count the verdicts of a slice, or of a sample that leaves so many out; `unnoticed` are those among them that
    no test noticed.
    """
    survivors = Counter(unnoticed)
    named = sum(amount for mutant, amount in survivors.items() if mutant in known)
    left = tuple(one for one in survivors if one not in known)
    whole = not left_out and "not checked" not in verdicts.values()
    functions = {name_function(mutant) for mutant in verdicts} if whole else ()
    needless = tuple(one for one in known if one.function in functions and one not in survivors)
    return Tally(name, Counter(verdicts.values()), named, left, needless, left_out)
