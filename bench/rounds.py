"""The loads that are compared, in rounds: each has one load of each kind of both systems, one after the other.

A machine drifts from minute to minute, so medians of rounds are told, with the least and the most beside them: by these
a reader sees how much a difference means.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench import load, pyas2_peer
from bench.clients import IN_BULK, RECEIVED
from bench.load import Load
from bench.pair import Pair
from bench.plans import COMPARED, Plan

COLLAPSED = 0.6
"""Below this part of its best round, or with failed requests, the peer system has collapsed and not worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round showed, by clients: our loads until `delivered` and until `received`, those of django-pyas2, and
    the milliseconds that a fixed piece of work took before it.
    """

    yardstick_ms: float
    delivered: Mapping[int, Load]
    received: Mapping[int, Load]
    bulk: Load
    peer: Mapping[int, pyas2_peer.Load]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of the rounds, the least and the most."""

    middle: float
    least: float
    most: float

    @property
    def percent(self) -> float:
        """How far the rounds lie apart, in percent of the median."""
        return 100 * (self.most - self.least) / self.middle if self.middle else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Our median against that of django-pyas2; `collapsed` rounds of it are named, and what its best round leaves."""

    ours: Spread
    peer: Spread
    collapsed: int

    @property
    def middle(self) -> float:
        """The ratio of the medians."""
        return self.ours.middle / self.peer.middle

    @property
    def at_its_best(self) -> float:
        """The ratio to the best round of django-pyas2."""
        return self.ours.middle / self.peer.most


def run_rounds(pair: Pair, peer: pyas2_peer.Pair | None, plan: Plan, say: Callable[[str], None]) -> list[Round]:
    """Run all rounds; without `peer` only our nodes are loaded."""
    return [_run_round(pair, peer, plan, f"round {number + 1} of {plan.rounds}", say) for number in range(plan.rounds)]


def _run_round(pair: Pair, peer: pyas2_peer.Pair | None, plan: Plan, name: str, say: Callable[[str], None]) -> Round:
    delivered, received, theirs = {}, {}, {}
    yardstick = measure_yardstick()
    for clients in plan.clients:
        say(f"{name}: {clients} clients")
        delivered[clients] = load.run_closed_load(pair, seconds=plan.seconds, clients=clients)
        if clients in COMPARED:
            received[clients] = load.run_closed_load(pair, seconds=plan.seconds, clients=clients, until=RECEIVED)
            if peer is not None:
                theirs[clients] = peer.load(seconds=plan.seconds, concurrency=clients)
    say(f"{name}: {load.CALLERS} clients with {IN_BULK} drafts in a call")
    bulk = load.run_bulk_load(pair, seconds=plan.seconds)
    return Round(yardstick_ms=yardstick, delivered=delivered, received=received, bulk=bulk, peer=theirs)


def measure_yardstick() -> float:
    """Measure the wall milliseconds of a fixed piece of work: what else a machine does shows here."""
    begun = time.monotonic()
    for _ in range(40):
        sum(number * number for number in range(10_000))
    return round(1000 * (time.monotonic() - begun), 1)


def find_spread(values: Sequence[float]) -> Spread:
    """Return the median, the least and the most."""
    return Spread(middle=statistics.median(values), least=min(values), most=max(values))


def compare(ours: Sequence[float], peer: Sequence[pyas2_peer.Load]) -> Ratio:
    """Compare our rates with the loads of django-pyas2, round by round in this order."""
    rates = [one.per_second for one in peer]
    fallen = sum(one.failed > 0 or one.per_second < COLLAPSED * max(rates) for one in peer)
    return Ratio(ours=find_spread(ours), peer=find_spread(rates), collapsed=fallen)
