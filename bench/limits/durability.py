"""What it costs that everything accepted is on disk: fsyncs and bytes of a message, and a disk that is slow."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import load
from bench.load import Load
from bench.pair import RECEIVER, SENDER, Pair
from bench.processes import read_size

COUNTED = 256
"""Messages of a pass in which fsyncs are counted."""
SYNCS = ("fsync", "fdatasync")
COUNT = ("strace", "-f", "--seccomp-bpf", "-c", "-e", f"trace={','.join(SYNCS)}")
TRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={','.join(SYNCS)}")
DELAY_MS = 2
SLOWED = (*TRACE, "-e", f"inject={','.join(SYNCS)}:delay_exit={1000 * DELAY_MS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDisk:
    """The same load of two traced nodes, without and with a delay of each fsync."""

    fast: Load
    slow: Load


def can_trace() -> bool:
    """Whether there is an strace."""
    return shutil.which("strace") is not None


def count_fsyncs(pair: Pair, name: str) -> float:
    """Count fsync and fdatasync calls of one node per message, at 8 clients; those of its start are subtracted."""
    idle = _counted(pair, name, 0)
    return round(max(0, _counted(pair, name, COUNTED) - idle) / COUNTED, 2)


def _counted(pair: Pair, name: str, messages: int) -> int:
    counts = pair.folder / "fsyncs"
    _restart(pair, [name], (*COUNT, "-o", str(counts)))
    if messages:
        load.send_some(pair, messages=messages, clients=8)
    _restart(pair, [name])
    rows = [line.split() for line in counts.read_text().splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in SYNCS)


def measure_slow_disk(pair: Pair, *, seconds: float, clients: int) -> SlowDisk:
    """Load both nodes through a tracer that does nothing, then through one that adds `DELAY_MS` to each fsync."""
    both, loads = (SENDER, RECEIVER), []
    for before in (TRACE, SLOWED):
        _restart(pair, both, before)
        loads.append(load.run_closed_load(pair, seconds=seconds, clients=clients))
    _restart(pair, both)
    return SlowDisk(fast=loads[0], slow=loads[1])


def measure_disk(pair: Pair, *, messages: int) -> Mapping[str, int]:
    """Measure the bytes that a message adds to each node's folder, after an orderly end."""
    before = _at_rest(pair)
    load.send_some(pair, messages=messages, clients=8)
    after = _at_rest(pair)
    return {name: (after[name] - before[name]) // messages for name in after}


def _at_rest(pair: Pair) -> dict[str, int]:
    for name in (SENDER, RECEIVER):
        pair.stop(name)
    found = {name: read_size(pair.node(name)) for name in (SENDER, RECEIVER)}
    for name in (SENDER, RECEIVER):
        pair.start(name)
    return found


def _restart(pair: Pair, names: Sequence[str], before: Sequence[str] = ()) -> None:
    for name in names:
        pair.stop(name)
        pair.start(name, before)
