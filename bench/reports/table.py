"""The results as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.clients import IN_BULK
from bench.limits.durability import DELAY_MS
from bench.limits.growth import SHORT
from bench.load import CALLERS, Load
from bench.measure import Measurements
from bench.pair import RECEIVER, SENDER
from bench.plans import COMPARED
from bench.reports.targets import find_bulk_ratio, find_delivered, find_ratio
from bench.rounds import Ratio, Spread, find_spread

MIB = 2**20


def list_figures(found: Measurements) -> Iterator[str]:
    """Yield the measured figures, line by line."""
    yield from _loads(found)
    yield from _comparison(found)
    yield from _primitives(found)
    yield from _growth(found)
    yield from _machine(found)


def _loads(found: Measurements) -> Iterator[str]:
    primitives = found.primitives
    yield f"{'':<22}{'msg/s':>16}{'received p50':>14}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/msg':>12}{'x primitives':>14}"
    for clients in found.rounds[0].delivered:
        yield _row(f"{clients} clients", find_delivered(found, clients), primitives.each_signed)
    yield _row(f"bulk, {CALLERS} x {IN_BULK}", [one.bulk for one in found.rounds], primitives.each_signed)
    yield _row(f"open, {found.open_load.seconds:.0f} s", [found.open_load], primitives.each_signed)
    yield f"medians of {len(found.rounds)} rounds until `delivered`, the least and the most rate in brackets"


def _row(name: str, loads: Sequence[Load], sum_ms: float) -> str:
    def middle(figure: Callable[[Load], float]) -> float:
        return find_spread([figure(one) for one in loads]).middle

    cost = middle(lambda one: one.cpu_ms)
    return (
        f"{name:<22}{_spread(find_spread([one.per_second for one in loads])):>16}"
        f"{middle(lambda one: one.received_p50_ms):>14.1f}{middle(lambda one: one.p50_ms):>9.1f}"
        f"{middle(lambda one: one.p99_ms):>9.1f}{cost:>12.2f}{cost / sum_ms:>14.1f}"
    )


def _spread(rates: Spread) -> str:
    return f"{rates.middle:.0f} ({rates.least:.0f}-{rates.most:.0f})"


def _comparison(found: Measurements) -> Iterator[str]:
    for clients in COMPARED:
        rates = find_spread([one.received[clients].per_second for one in found.rounds])
        delivered = find_spread([one.per_second for one in find_delivered(found, clients)])
        yield f"at {clients} clients: `received` {_spread(rates)} msg/s, `delivered` {_spread(delivered)} msg/s"
        yield from _ratio("`received` is compared with its receipt", find_ratio(found, clients))
    yield from _ratio(f"bulk, against it at {max(COMPARED)} clients", find_bulk_ratio(found))


def _ratio(name: str, ratio: Ratio | None) -> Iterator[str]:
    if ratio is not None:
        yield f"    django-pyas2 {_spread(ratio.peer)} msg/s, ratio {ratio.middle:.1f} ({name})"
        if ratio.collapsed:
            yield f"    it collapsed in {ratio.collapsed} rounds; against its best round {ratio.at_its_best:.1f}"


def _primitives(found: Measurements) -> Iterator[str]:
    sums = found.primitives
    yield found.signatures.shown
    yield f"primitives: {sums.in_batches:.2f} ms of CPU per message with statements in batches; of it"
    yield from (f"    {cost:6.3f}  {name}" for name, cost in sums.costs.items())
    yield f"    with one signature for each message and no commitment: {sums.each_signed:.2f} ms"
    batches, each = 2000 / sums.in_batches, 2000 / sums.each_signed
    best = max(
        find_spread([one.per_second for one in find_delivered(found, n)]).middle for n in found.rounds[0].delivered
    )
    yield (
        f"ceiling of two cores: {batches:.0f} msg/s in batches, {each:.0f} with one signature each; "
        f"the best load reaches {100 * best / batches:.0f} % and {100 * best / each:.0f} %"
    )


def _growth(found: Measurements) -> Iterator[str]:
    lengths, peers, caught, waiting = found.lengths, found.peers, found.catch_up, found.backlog
    yield _beside(f"conversations of {SHORT} and {lengths.length}", lengths.short, lengths.long)
    yield _beside(f"3 and {peers.configured} nodes configured", peers.few, peers.many)
    if caught is not None:
        took = "later than was waited for" if caught.seconds is None else f"after {caught.seconds:.0f} s"
        yield _beside(f"before and after a start with {caught.changed} changed", caught.quiet, caught.busy)
        yield f"    the last of them was folded {took}"
    if waiting is not None:
        yield (
            f"backlog: {waiting.messages} messages written to the stopped node in {waiting.fill_seconds:.0f} s, "
            f"started in {waiting.start_seconds:.1f} s, {waiting.load.per_second:.0f} msg/s at "
            f"{waiting.load.clients} clients"
        )


def _rates(found: Measurements) -> list[Spread]:
    """The rates until `delivered`, by clients."""
    return [
        find_spread([one.per_second for one in find_delivered(found, clients)]) for clients in found.rounds[0].delivered
    ]


def _beside(name: str, one: Load, other: Load) -> str:
    return (
        f"{name}: CPU {one.cpu_ms:.2f} and {other.cpu_ms:.2f} ms/msg ({other.cpu_ms / one.cpu_ms:.2f} x), "
        f"p50 {one.p50_ms:.0f} and {other.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} and {other.p99_ms:.0f} ms"
    )


def _machine(found: Measurements) -> Iterator[str]:
    for name, node in ((SENDER, "sender"), (RECEIVER, "receiver")):
        yield f"memory of the {node}: {found.idle[name]:.0f} MiB idle, {found.worked[name]:.0f} MiB after the loads"
        yield f"disk of the {node}: {found.disk[name] * 100_000 / MIB:.0f} MiB for 100 000 messages"
        if found.fsyncs:
            yield f"fsyncs of the {node} per message at 8 clients: {found.fsyncs[name]:.2f}"
    if (slow := found.slow_disk) is not None:
        yield (
            f"traced at {slow.fast.clients} clients: {slow.fast.per_second:.0f} msg/s, "
            f"with {DELAY_MS} ms more for each fsync {slow.slow.per_second:.0f}"
        )
    if found.backlog is not None:
        yield f"memory of the sender with {found.backlog.messages} waiting: {found.backlog.idle:.0f} MiB"
    yard = find_spread([one.yardstick_ms for one in found.rounds])
    apart = max(rates.percent for rates in _rates(found))
    yield (
        f"noise: rounds of one load lie up to {apart:.0f} % apart; a fixed piece of work took {yard.least:.0f} to "
        f"{yard.most:.0f} ms of the clock ({yard.percent:.0f} %)"
    )
