"""Two versions of this project in one run: nodes of another commit and of this tree, loaded in turn.

A machine drifts from minute to minute, so a change is judged by rounds in which both versions take turns, by the
medians of those rounds and by how far the rounds of one version differ from each other.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from gateway.errors import Code, RefusedError

ROOT = Path(__file__).resolve().parents[1]
TURN = Path(__file__).with_name("turn.py")
FIGURES = (("per_second", "msg/s"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("cpu_ms", "CPU ms/msg"))
SIZES = (("wire", "bytes on the wire"), ("rest", "bytes at rest"))
COUNTED = 256
"""Messages of the pass in which bytes are counted."""

Found = dict[tuple[str, int], list[dict[str, float]]]
"""By version and clients: the figures of each round."""


class Side:
    """The nodes of one version, in a process that runs its code."""

    def __init__(self, name: str, tree: Path) -> None:
        self.name = name
        self._tree = tree

    def __enter__(self) -> Side:
        """Start its pair and wait until it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(TURN)],
            cwd=self._tree,
            env=os.environ | {"PYTHONPATH": str(self._tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let it remove its nodes and end."""
        self._process.communicate()

    def ask(self, task: str, clients: int, amount: float) -> dict[str, float]:
        """Let it do one task and return the figures."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{task} {clients} {amount:g}\n")
            self._process.stdin.flush()
        found: dict[str, float] = json.loads(self._read())
        return found

    def _read(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RefusedError(Code.UNREACHABLE, f"the nodes of {self.name} ended; their words stand above")
        return line


def unpack(commit: str, folder: Path) -> None:
    """Write the tree of a commit of this repository into a folder."""
    made = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if made.returncode:
        hint = "name a commit of this repository"
        raise RefusedError(Code.NOT_FOUND, f"git has no tree {commit}; nothing was measured", hint=hint)
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")


def compare_versions(commit: str, *, rounds: int, seconds: float, clients: Sequence[int]) -> Iterator[str]:
    """Load both versions in turn and yield progress, then the table as lines."""
    found: Found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trm-bench-")))
        unpack(commit, folder)
        sides = [stack.enter_context(Side(name, tree)) for name, tree in ((commit, folder), ("this tree", ROOT))]
        for number in range(rounds):
            yield f"round {number + 1} of {rounds}"
            for count in clients:
                for side in sides if number % 2 == 0 else reversed(sides):
                    found.setdefault((side.name, count), []).append(side.ask("load", count, seconds))
        yield "bytes"
        sizes = {(side.name, count): side.ask("size", count, COUNTED) for count in clients for side in sides}
    names = [side.name for side in sides]
    yield from list_rates(found, names, clients)
    yield from list_sizes(sizes, names, clients)


def list_rates(found: Found, names: Sequence[str], clients: Sequence[int]) -> Iterator[str]:
    """Yield for each load the medians of both versions, their ratio, and the spread of the rounds."""
    yield f"{'clients':>8}  {'version':<14}" + "".join(f"{words:>22}" for _, words in FIGURES)
    for count in clients:
        for name in names:
            columns = "".join(f"{_spread(found[name, count], key):>22}" for key, _ in FIGURES)
            yield f"{count:>8}  {name[:14]:<14}{columns}"
        medians = [[_median(found[name, count], key) for key, _ in FIGURES] for name in names]
        ratios = "".join(f"{new / old:>21.2f}x" for old, new in zip(*medians, strict=True))
        yield f"{'':>8}  {'ratio':<14}{ratios}"


def list_sizes(
    sizes: dict[tuple[str, int], dict[str, float]], names: Sequence[str], clients: Sequence[int]
) -> Iterator[str]:
    """Yield the bytes per message of both versions."""
    for key, words in SIZES:
        for count in clients:
            old, new = (sizes[name, count][key] for name in names)
            yield f"{words} per message at {count} clients: {old:.0f} and {new:.0f} ({new / old:.2f}x)"


def _median(rounds: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(one[key] for one in rounds)


def _spread(rounds: Sequence[dict[str, float]], key: str) -> str:
    values = [one[key] for one in rounds]
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"
