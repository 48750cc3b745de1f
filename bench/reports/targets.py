"""What the nodes are to reach, each with the figure of this run: met, not met, or not measured by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.limits.durability import DELAY_MS
from bench.limits.growth import SHORT
from bench.load import Load
from bench.measure import FEW, OPEN_LOAD, Measurements
from bench.pair import SENDER
from bench.plans import COMPARED, WHOLE
from bench.rounds import Ratio, compare, find_spread

TIMES = {8: 12, 32: 20}
"""By clients: how often the rate of django-pyas2 is to be reached."""
TIMES_IN_BULK = 40
CPU = {8: 2.4, 32: 2.0}
"""By clients: how often the primitive sum may be used."""
MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target: the measured value, and whether it meets the target; None where this run did not measure it."""

    name: str
    seen: str
    met: bool | None


def list_targets(found: Measurements) -> Iterator[Target]:
    """Yield all targets in their order."""
    yield from _rates(found)
    yield from _costs(found)
    yield from _times(found)
    yield from _growth(found)
    yield from _backlog(found)
    yield from _memory(found)
    yield from _durability(found)
    yield _elsewhere("1 GiB of a file >= 80 MiB/s, growth < 32 MiB; 10 000 rows < 20 s, 150 MiB", "./dev deep amounts")


def find_ratio(found: Measurements, clients: int) -> Ratio | None:
    """Compare our rate until `received` with django-pyas2, whose receipt says no more; None if it was not loaded."""
    peer = [one.peer[clients] for one in found.rounds if clients in one.peer]
    return compare([one.received[clients].per_second for one in found.rounds], peer) if peer else None


def find_bulk_ratio(found: Measurements) -> Ratio | None:
    """Compare our rate in bulk, until `delivered`, with django-pyas2 at most clients: it has no such call."""
    most = max(COMPARED)
    peer = [one.peer[most] for one in found.rounds if most in one.peer]
    return compare([one.bulk.per_second for one in found.rounds], peer) if peer else None


def find_delivered(found: Measurements, clients: int) -> list[Load]:
    """List the loads until `delivered` of all rounds."""
    return [one.delivered[clients] for one in found.rounds if clients in one.delivered]


def _rates(found: Measurements) -> Iterator[Target]:
    for clients in COMPARED:
        yield _times_peer(
            f"`received` at {clients} clients >= {TIMES[clients]} x django-pyas2",
            find_ratio(found, clients),
            TIMES[clients],
        )
    yield _times_peer(f"in bulk >= {TIMES_IN_BULK} x django-pyas2", find_bulk_ratio(found), TIMES_IN_BULK)


def _times_peer(name: str, ratio: Ratio | None, least: float) -> Target:
    if ratio is None:
        return Target(name=name, seen="not measured", met=None)
    seen = f"{ratio.middle:.1f} x"
    if ratio.collapsed:
        seen += f", but it collapsed in {ratio.collapsed} rounds; of its best one {ratio.at_its_best:.1f} x"
    return Target(name=name, seen=seen, met=(ratio.at_its_best if ratio.collapsed else ratio.middle) >= least)


def _costs(found: Measurements) -> Iterator[Target]:
    for clients, most in CPU.items():
        cost = find_spread([one.cpu_ms for one in find_delivered(found, clients)]).middle
        ratio = cost / found.primitives.each_signed
        yield Target(
            name=f"CPU of both nodes at {clients} clients <= {most} x primitives",
            seen=f"{ratio:.1f} x ({cost / found.primitives.in_batches:.1f} x with statements in batches)",
            met=ratio <= most,
        )


def _times(found: Measurements) -> Iterator[Target]:
    p99 = find_spread([one.p99_ms for one in find_delivered(found, FEW)]).middle
    yield Target(name=f"p99 at {FEW} clients <= 60 ms", seen=f"{p99:.0f} ms", met=p99 <= 60)
    p50 = find_spread([one.p50_ms for one in find_delivered(found, 1)]).middle
    yield Target(name="p50 of one client <= 25 ms", seen=f"{p50:.0f} ms", met=p50 <= 25)
    one = found.open_load
    seen, whole = f"{one.p50_ms:.0f} ms, {one.p99_ms:.0f} ms", one.seconds >= MINUTE
    if one.per_second < 0.95 * OPEN_LOAD:
        seen += f": the nodes took {one.per_second:.0f} a second, the rest waited"
    yield Target(
        name=f"{OPEN_LOAD} messages/s, with the chores of a minute inside: p50 <= 20 ms, p99 <= 60 ms",
        seen=seen if whole else f"{seen}, without the chores",
        met=one.p50_ms <= 20 and one.p99_ms <= 60 if whole else None,
    )


def _growth(found: Measurements) -> Iterator[Target]:
    lengths, peers, caught = found.lengths, found.peers, found.catch_up
    ratio = lengths.long.cpu_ms / lengths.short.cpu_ms
    yield Target(
        name=f"a conversation of {WHOLE.length} messages costs <= 1.3 x one of {SHORT}",
        seen=f"{ratio:.2f} x of the CPU with {lengths.length} messages",
        met=ratio <= 1.3 if lengths.length >= WHOLE.length else None,
    )
    if caught is None:
        seen, met = "not measured", None
    else:
        ratio = caught.busy.p99_ms / caught.quiet.p99_ms
        took = "not folded in time" if caught.seconds is None else f"folded after {caught.seconds:.0f} s"
        seen = f"{ratio:.2f} x with {caught.changed}, {took}"
        met = ratio <= 1.5 if caught.changed >= WHOLE.changed else None
    yield Target(name=f"a start with {WHOLE.changed} changed conversations: p99 <= 1.5 x", seen=seen, met=met)
    ratio = peers.many.cpu_ms / peers.few.cpu_ms
    yield Target(
        name=f"{WHOLE.peers} configured peers cost <= 1.05 x",
        seen=f"{ratio:.2f} x of the CPU with {peers.configured}",
        met=ratio <= 1.05 if peers.configured >= WHOLE.peers else None,
    )


def _backlog(found: Measurements) -> Iterator[Target]:
    waiting = found.backlog
    seen, met = "not measured", None
    if waiting is not None:
        alone = find_spread([one.per_second for one in find_delivered(found, waiting.load.clients)]).middle
        part = waiting.load.per_second / alone
        seen = f"{100 * part:.0f} % with {waiting.messages} waiting"
        met = part >= 0.9 if waiting.messages >= 1_000_000 else None
    yield Target(name="1 000 000 messages waiting: rate within 10 % (--backlog 1000000)", seen=seen, met=met)
    if waiting is None:
        yield Target(name="start with 100 000 messages stored < 3 s", seen="not measured", met=None)
    else:
        yield Target(
            name="start with 100 000 messages stored < 3 s",
            seen=f"{waiting.start_seconds:.1f} s with {waiting.messages} stored",
            met=waiting.start_seconds < 3 if waiting.messages >= WHOLE.backlog else None,
        )
    yield _elsewhere("first page of each kind after a start < 200 ms", "python -m bench.pages --first")


def _memory(found: Measurements) -> Iterator[Target]:
    most, waiting = max(found.idle.values()), found.backlog
    yield Target(name="an idle node with its key service < 110 MiB", seen=f"{most:.0f} MiB", met=most < 110)
    seen, met = "not measured", None
    if waiting is not None:
        grown = waiting.idle - found.idle[SENDER]
        seen = f"{grown:+.0f} MiB with {waiting.messages} waiting"
        met = grown <= 20 if waiting.messages >= WHOLE.backlog else None
    yield Target(name="100 000 messages waiting: at most 20 MiB more", seen=seen, met=met)
    yield _elsewhere("an hour of load without growth", "./dev bench --soak 60")


def _durability(found: Measurements) -> Iterator[Target]:
    counted, slow = sum(found.fsyncs.values()), found.slow_disk
    yield Target(
        name="fsyncs per message <= 1.5 at 8 clients, both nodes and the drop folder",
        seen=f"{counted:.2f}" if found.fsyncs else "not measured",
        met=counted <= 1.5 if found.fsyncs else None,
    )
    if slow is None:
        seen, met = "not measured", None
    else:
        part = slow.slow.per_second / slow.fast.per_second
        seen = f"{100 * part:.0f} % at {slow.slow.clients} clients"
        met = part >= 0.9 if slow.slow.clients >= WHOLE.most_clients else None
    yield Target(name=f"{DELAY_MS} ms more for each fsync: >= 90 % of the rate at 128 clients", seen=seen, met=met)
    most = max(found.disk.values()) * 100_000 / 2**20
    yield Target(name="disk of a node for 100 000 messages <= 700 MiB", seen=f"{most:.0f} MiB", met=most <= 700)


def _elsewhere(name: str, tool: str) -> Target:
    return Target(name=name, seen=f"measured by {tool}", met=None)


def list_verdicts(found: Measurements) -> Iterator[str]:
    """Yield the targets with their measured values and whether each was met."""
    yield from map(format_verdict, list_targets(found))


def format_verdict(target: Target) -> str:
    """Format a target with what was seen, as one line."""
    words = {True: "met", False: "NOT MET", None: "-"}
    return f"  {words[target.met]:<8} {target.name}: {target.seen}"
