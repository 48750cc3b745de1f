"""Mutants: mutmut alters the rules of a slice one place at a time, and the tests of the slice have to notice each.

Each slice of `[tool.mutmut.slices]` in `pyproject.toml` has a work folder below `.deep/mutants`: links to this
repository, a `pyproject.toml` of its own, and in `mutants/` what mutmut has found so far. So a slice goes on where it
stopped, and there `mutmut browse` and `mutmut show NAME` tell more. What a changed test may now notice is asked again;
`rm -r .deep/mutants` begins anew. With `--sample N` so many mutants of each slice are asked about, the same each time
and spread over all its functions: for slices whose tests take long.

`tests/mutants_equivalent.toml` names the mutants that no test can notice, each with its reason.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from support.mutant_counts import (
    NOTICED,
    Mutant,
    Slice,
    Tally,
    choose_sample,
    configure,
    count_mutants,
    name_function,
    read_diff,
    read_equivalent,
    read_slices,
)

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".deep" / "mutants"
EQUIVALENT = ROOT / "tests" / "mutants_equivalent.toml"
REPORT = '<testsuites><testcase><properties><property name="examples" value="{}"/></properties></testcase></testsuites>'
MAKE = "from mutmut import __main__ as made; made.copy_src_dir(); made.copy_also_copy_files(); made.create_mutants(1)"
UNNOTICED = ("survived", "no tests")
"""These are asked about again when the tests have changed; whatever ended otherwise, always."""


def hash_files(paths: Iterable[str]) -> str:
    """One hash of the Python files at and below some paths of the repository."""
    whole = hashlib.sha256()
    for file in sorted(
        each for path in paths for each in [ROOT / path, *(ROOT / path).rglob("*.py")] if each.is_file()
    ):
        whole.update(str(file).encode() + file.read_bytes())
    return whole.hexdigest()


class Bench:
    """The work folder of a slice; `sample` is how many of its mutants are asked about, None for all."""

    def __init__(self, part: Slice, sample: int | None = None) -> None:
        self.part = part
        self.sample = sample
        self.folder = WORK / part.name
        self.log = self.folder / "mutmut.log"
        self._stamp = self.folder / "stamp.json"

    def prepare(self) -> None:
        """Bring links and configuration up to date; forget the verdicts that another run may overturn."""
        if self._stamped().get("config") != self._current()["config"]:
            shutil.rmtree(self.folder, ignore_errors=True)  # mutants are kept by their number in a function
        place = self.folder / "mutants"
        shutil.rmtree(place / "tests", ignore_errors=True)  # mutmut adds files and takes none away
        (place / "tests").mkdir(parents=True)  # else Python takes the path of both for one that leads nowhere
        for entry in (*self._copied(), "tests"):
            (self.folder / entry).unlink(missing_ok=True)
            (self.folder / entry).symlink_to(ROOT / entry)
        (self.folder / "pyproject.toml").write_text(self._configured())
        same = self._stamped().get("tests") == self._current()["tests"]
        if not same:
            (place / "mutmut-stats.json").unlink(missing_ok=True)  # which test reaches which function
        kept = (*NOTICED, *(UNNOTICED if same else ()))
        for path, meta in self._metas():
            codes = meta["exit_code_by_key"]
            codes.update(dict.fromkeys(key for key in codes if status_by_exit_code[codes[key]] not in kept))
            path.write_text(json.dumps(meta))
        self._stamp.write_text(json.dumps(self._current() | {"code": "begun"}))

    def run(self, seconds: float) -> bool:
        """Let mutmut go on for so long; False if it gave up, and then `log` says why."""
        began = self._current()  # it copies the tests: what is changed meanwhile is asked about the next time
        try:
            with self.log.open("w") as log:
                ended = self._ask(log, time.monotonic() + seconds)
        except subprocess.TimeoutExpired:
            return True
        if ended:
            self._stamp.write_text(json.dumps(began))
        return ended

    def _ask(self, log: IO[str], until: float) -> bool:
        ask = ["-m", "mutmut", "run", "--max-children", "1"]
        if self.sample is None:
            return self._python(ask, log, until)
        if not self._python(["-c", MAKE], log, until):  # their names are what a sample is chosen from
            return False
        named = [mutant for mutant, verdict in self.verdicts().items() if verdict == "not checked"]
        return not named or self._python([*ask, *named], log, until)

    def _python(self, arguments: Sequence[str], log: IO[str], until: float) -> bool:
        """Whether Python came to a good end with these arguments. Raises TimeoutExpired if it has not ended by then."""
        place = self.folder / "mutants"
        env = {
            **os.environ,
            "PYTHONPATH": f"{place}:{place / 'tests'}",
            "PYTEST_PLUGINS": "support.mutant_order",
        }
        command = [sys.executable, *arguments]
        with started(command, cwd=self.folder, env=env, stdout=log, stderr=log) as running:
            return running.wait(until - time.monotonic()) == 0

    def complete(self) -> bool:
        """Whether all was asked about that should be, and nothing has changed since."""
        return self._stamped() == self._current() and "not checked" not in self.verdicts().values()

    def verdicts(self) -> dict[str, str]:
        """What became of each mutant that should be asked about, by its name."""
        every = self._every()
        return every if self.sample is None else {name: every[name] for name in choose_sample(every, self.sample)}

    def left_out(self) -> int:
        """How many mutants are not in the sample."""
        return len(self._every()) - len(self.verdicts())

    def checked(self) -> int:
        """How many mutants have a verdict."""
        return sum(verdict != "not checked" for verdict in self.verdicts().values())

    def unnoticed(self) -> list[Mutant]:
        """The mutants that were checked and that no test noticed."""
        passed = [name for name, verdict in self.verdicts().items() if verdict not in (*NOTICED, "not checked")]
        if not passed:  # also where the time was over before the slice had a folder
            return []
        with chdir(self.folder):
            return [read_diff(name_function(name), get_diff_for_mutant(name, path=_module(name))) for name in passed]

    def _every(self) -> dict[str, str]:
        return {
            mutant: status_by_exit_code[code]
            for _, meta in self._metas()
            for mutant, code in meta["exit_code_by_key"].items()
        }

    def _copied(self) -> list[str]:
        named: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["also_copy"]
        return named

    def _current(self) -> dict[str, str]:
        config = tomllib.loads(self._configured())["tool"]["mutmut"]
        return {
            "config": hashlib.sha256(json.dumps({**config, "slices": {}}).encode()).hexdigest(),
            "tests": hash_files((*self.part.tests, "tests/support")),
            "code": hash_files(self.part.code),
        }

    def _configured(self) -> str:
        return configure((ROOT / "pyproject.toml").read_text(), self.part)

    def _stamped(self) -> dict[str, str]:
        return json.loads(self._stamp.read_text()) if self._stamp.exists() else {}

    def _metas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        place = self.folder / "mutants"
        for path in sorted((place / "gateway").rglob("*.py.meta")):
            if (ROOT / path.relative_to(place)).with_suffix("").exists():
                yield path, json.loads(path.read_text())


@contextmanager
def started(command: Sequence[str], **named: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; when the block ends before it, it is interrupted and waited for."""
    process = subprocess.Popen(command, start_new_session=True, **named)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # mutmut ends its workers and keeps what they found
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def _module(mutant: str) -> str:
    module, _, _ = mutant.partition("__mutmut_")[0].rpartition(".")
    return module.replace(".", "/") + ".py"


def main(arguments: Sequence[str]) -> int:
    """Let slices go on one after another until the time is over, and print what was found.

    Returns 0 if each reached the goal, 1 if not, 3 where mutmut gave up.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    slices = {part.name: part for part in read_slices((ROOT / "pyproject.toml").read_text())}
    parser.add_argument("slices", nargs="*", metavar="SLICE", help=f"one of {', '.join(slices)}; all if none is named")
    parser.add_argument("--seconds", type=float, default=600, help="for how long; what is left goes on the next time")
    parser.add_argument("--sample", type=int, help="how many mutants of each slice; all without it")
    parser.add_argument("--report", type=Path, help="where to say how many were asked about, as a report of JUnit")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.slices) - set(slices):
        parser.error(f"there is no slice {', '.join(sorted(unknown))}")
    until = time.monotonic() + asked.seconds
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell keeps from what it starts behind it
    benches = [Bench(slices[name], asked.sample) for name in asked.slices or slices]
    before = sum(bench.checked() for bench in benches)
    for bench in benches:
        if (left := until - time.monotonic()) > 0 and not bench.complete():
            print(f"mutants of {bench.part.name} ...", flush=True)
            bench.prepare()
            if not bench.run(left):
                print(bench.log.read_text()[-3_000:])
                print(f"mutmut gave up; all it said is in {bench.log.relative_to(ROOT)}", file=sys.stderr)
                return 3
    known = read_equivalent(EQUIVALENT.read_text(encoding="utf-8"))
    tallies = [
        count_mutants(each.part.name, each.verdicts(), each.unnoticed(), known, left_out=each.left_out())
        for each in benches
    ]
    if asked.report:
        done = sum(bench.checked() for bench in benches) - before
        asked.report.write_text(REPORT.format(max(done, 0)))
    return report(tallies)


def report(tallies: Sequence[Tally]) -> int:
    """Print survivors, then what each slice and all of them come to; 1 if one did not reach the goal."""
    for tally in tallies:
        for mutant in tally.survivors:
            print(f"\n{mutant.function}\n  - {mutant.before}\n  + {mutant.after}")
        for mutant in tally.needless:
            print(f"\n{mutant.function}: named equivalent, and does not survive:\n  + {mutant.after}")
    whole = Counter[str]()
    for tally in tallies:
        whole.update(tally.counts)
    equivalent, left_out = sum(each.equivalent for each in tallies), sum(each.left_out for each in tallies)
    every = Tally("all", whole, equivalent, left_out=left_out)
    print("", *tallies, every, sep="\n", flush=True)
    return 0 if all(tally.reached for tally in tallies) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
