"""The results as lines for people: figures, and each target with the value that was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import IN_BULK, Load
from bench.measure import Measurements
from bench.pair import RECEIVER, SENDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target: the measured value, and whether it meets the target; None where this run did not measure it."""

    name: str
    seen: str
    met: bool | None


def list_targets(found: Measurements) -> Iterator[Target]:
    """Yield the targets that one pair of nodes can meet alone."""
    by_clients = {load.clients: load for load in found.loads}
    if 8 in by_clients:
        p99 = by_clients[8].p99_ms
        yield Target(name="p99 at 8 clients <= 100 ms", seen=f"{p99:.0f} ms", met=p99 <= 100)
    p50, p99 = found.open_load.p50_ms, found.open_load.p99_ms
    yield Target(
        name="100 messages/s, open loop: p50 <= 20 ms, p99 <= 60 ms",
        seen=f"{p50:.0f} ms, {p99:.0f} ms",
        met=p50 <= 20 and p99 <= 60,
    )
    if found.loads and found.primitives:
        best = min(load.cpu_ms for load in found.loads)
        ratio = best / found.primitive_sum
        yield Target(name="CPU of both nodes <= 1.75 x primitives", seen=f"{ratio:.2f} x", met=ratio <= 1.75)
    if found.idle:
        most = max(found.idle.values())
        yield Target(name="memory of an idle node < 120 MiB", seen=f"{most:.0f} MiB", met=most < 120)
    yield from _backlog(found)
    counted = sum(found.fsyncs.values())
    yield Target(
        name="fsyncs per message < 1 at 8 clients, both nodes and the drop folder",
        seen=f"{counted:.2f}" if found.fsyncs else "not measured",
        met=counted < 1 if found.fsyncs else None,
    )


def _backlog(found: Measurements) -> Iterator[Target]:
    waiting = found.backlog
    grown = None if waiting is None else waiting.idle - found.idle[SENDER]
    whole = waiting is not None and waiting.messages >= 100_000
    yield Target(
        name="100 000 messages waiting: at most 20 MiB more",
        seen="not measured" if waiting is None else f"{grown:+.0f} MiB with {waiting.messages} waiting",
        met=grown <= 20 if grown is not None and whole else None,
    )
    yield Target(
        name="start with 100 000 messages stored < 3 s",
        seen="not measured" if waiting is None else f"{waiting.start_seconds:.1f} s with {waiting.messages} stored",
        met=waiting.start_seconds < 3 if waiting is not None and whole else None,
    )
    alone = next((one for one in found.loads if waiting and one.clients == waiting.load.clients), None)
    if alone is not None and waiting is not None:
        part = waiting.load.per_second / alone.per_second
        yield Target(
            name="1 000 000 messages waiting: rate within 10 %",
            seen=f"{100 * part:.0f} % with {waiting.messages} waiting",
            met=part >= 0.9 if waiting.messages >= 1_000_000 else None,
        )


def list_figures(found: Measurements) -> Iterator[str]:
    """Yield the measured figures, line by line."""
    yield f"{'clients':>16}{'msg/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/msg':>12}"
    for one in found.loads:
        yield _line(f"{one.clients}", one)
    yield _line(f"bulk, {found.bulk.clients} x {IN_BULK}", found.bulk)
    yield _line("open, 100/s", found.open_load)
    if found.backlog is not None:
        yield _line(f"{found.backlog.load.clients}, backlog", found.backlog.load)
    yield found.signatures.shown
    if found.primitives:
        yield f"primitives: {found.primitive_sum:.2f} ms of CPU per message; of it"
        yield from (f"    {cost:6.3f}  {name}" for name, cost in found.primitives.items())
        yield f"ceiling of two cores: {2000 / found.primitive_sum:.0f} msg/s"
    for name, node in ((SENDER, "sender"), (RECEIVER, "receiver")):
        if found.idle:
            yield f"memory of the {node}: {found.idle[name]:.0f} MiB idle, {found.worked[name]:.0f} MiB after the load"
        if found.fsyncs:
            yield f"fsyncs of the {node} per message at 8 clients: {found.fsyncs[name]:.2f}"
    if (waiting := found.backlog) is not None:
        yield f"backlog: {waiting.messages} messages written to the stopped node in {waiting.fill_seconds:.0f} s"


def _line(name: str, one: Load) -> str:
    return f"{name:>16}{one.per_second:>9.1f}{one.p50_ms:>9.1f}{one.p99_ms:>9.1f}{one.cpu_ms:>12.2f}"


def list_verdicts(seen: list[Target]) -> Iterator[str]:
    """Yield the targets with their measured values and whether each was met."""
    words = {True: "met", False: "NOT MET", None: "-"}
    yield from (f"  {words[target.met]:<8} {target.name}: {target.seen}" for target in seen)
