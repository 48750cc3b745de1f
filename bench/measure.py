"""All measurements of a pair of nodes, in an order in which none disturbs the next."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench import backlog, load, primitives
from bench.load import Load
from bench.pair import ABSENT, RECEIVER, SENDER, Pair
from gateway.administration.doctor.signatures import Speed, measure_speed

OPEN_LOAD = 100
"""Messages per second of the open loop."""
SETTLE = 3.0
"""Seconds after which an idle node has settled."""
COUNTED = 256
"""Messages of the pass in which fsyncs are counted."""
STRACE = ("strace", "-f", "-c", "-e", "trace=fsync,fdatasync")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of a run: seconds and clients of the loads, messages of the backlog, whether fsyncs are counted."""

    seconds: float
    clients: Sequence[int]
    backlog: int
    fsyncs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The sender while ``messages`` wait for an absent peer: ``idle`` in MiB, times in seconds."""

    messages: int
    fill_seconds: float
    start_seconds: float
    idle: float
    load: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Results of one run; empty or None where nothing was measured. Memory in MiB by node, primitives in CPU ms."""

    loads: Sequence[Load]
    bulk: Load
    open_load: Load
    signatures: Speed
    primitives: Mapping[str, float]
    idle: Mapping[str, float]
    worked: Mapping[str, float]
    fsyncs: Mapping[str, float]
    backlog: Backlog | None

    @property
    def primitive_sum(self) -> float:
        """CPU milliseconds of all primitives of one message."""
        return sum(self.primitives.values())


def read_idle_memory(pair: Pair) -> dict[str, float]:
    """Return the MiB of each node of a pair that has just started."""
    time.sleep(SETTLE)
    return {name: round(pair.memory(name), 1) for name in (SENDER, RECEIVER)}


def measure_pair(pair: Pair, plan: Plan, idle: Mapping[str, float], say: Callable[[str], None]) -> Measurements:
    """Measure everything; `idle` was measured before the first load. `say` is called with what begins."""
    say("primitives")
    signatures = measure_speed()
    costs = {name: round(cost, 4) for name, cost in primitives.measure_costs().items()}
    loads = []
    for clients in plan.clients:
        say(f"{clients} clients")
        loads.append(load.run_closed_load(pair, seconds=plan.seconds, clients=clients))
    say(f"{load.CALLERS} clients with {load.IN_BULK} drafts in a call")
    bulk = load.run_bulk_load(pair, seconds=plan.seconds)
    say(f"open loop at {OPEN_LOAD} messages a second")
    open_load = load.run_open_load(pair, seconds=plan.seconds, per_second=OPEN_LOAD)
    worked = {name: round(pair.memory(name), 1) for name in (SENDER, RECEIVER)}
    fsyncs = {}
    if plan.fsyncs and shutil.which("strace"):
        say("fsyncs, untimed")
        fsyncs = {name: count_fsyncs(pair, name) for name in (SENDER, RECEIVER)}
    waiting = None
    if plan.backlog:
        say(f"a backlog of {plan.backlog} messages for an absent peer")
        waiting = measure_backlog(pair, plan)
    return Measurements(
        loads=loads,
        bulk=bulk,
        open_load=open_load,
        signatures=signatures,
        primitives=costs,
        idle=idle,
        worked=worked,
        fsyncs=fsyncs,
        backlog=waiting,
    )


def measure_backlog(pair: Pair, plan: Plan) -> Backlog:
    """Measure start time, idle memory and a load of the sender while much waits for an absent peer."""
    pair.stop(SENDER)
    begun = time.monotonic()
    request = {**pair.referral, "to": ABSENT}
    pair.position = backlog.fill_outbox(pair.node(SENDER), pair.passphrase.read_text(), request, plan.backlog)
    fill_seconds = round(time.monotonic() - begun, 1)
    start_seconds = round(pair.start(SENDER), 2)
    time.sleep(SETTLE)
    return Backlog(
        messages=plan.backlog,
        fill_seconds=fill_seconds,
        start_seconds=start_seconds,
        idle=round(pair.memory(SENDER), 1),
        load=load.run_closed_load(pair, seconds=plan.seconds, clients=max(plan.clients)),
    )


def count_fsyncs(pair: Pair, name: str) -> float:
    """Count fsync and fdatasync calls of one node per message, at 8 clients; those of its start are subtracted."""
    idle = _counted(pair, name, 0)
    return round(max(0, _counted(pair, name, COUNTED) - idle) / COUNTED, 2)


def _counted(pair: Pair, name: str, messages: int) -> int:
    counts = pair.folder / "fsyncs"
    pair.stop(name)
    pair.start(name, (*STRACE, "-o", str(counts)))
    if messages:
        load.send_some(pair, messages=messages, clients=8)
    pair.stop(name)
    pair.start(name)
    rows = [line.split() for line in counts.read_text().splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync"))
