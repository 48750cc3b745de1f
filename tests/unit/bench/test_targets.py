"""The verdicts of the bench: what was measured is judged, what was measured with less than a target names is told."""

from __future__ import annotations

from dataclasses import replace

from bench.limits.durability import SlowDisk
from bench.limits.growth import Backlog, CatchUp, Lengths, Peers
from bench.load import Load
from bench.measure import Measurements
from bench.primitives import COMMITMENT_WORK, STATEMENT_WORK, Primitives
from bench.pyas2_peer import Load as PeerLoad
from bench.reports import table, targets
from bench.rounds import Round
from gateway.administration.doctor.signatures import Speed

PRIMITIVES = Primitives(costs={STATEMENT_WORK: 0.4, COMMITMENT_WORK: 0.3, "anything else": 0.8}, alone=1.7)
"""Sums of 1.5 and 2.5 ms."""


def loaded(clients: int, per_second: float = 500, **more: float) -> Load:
    """A load that meets every target."""
    figures = {"seconds": 80.0, "p50_ms": 15, "p99_ms": 50, "received_p50_ms": 10, "received_p99_ms": 40, "cpu_ms": 5}
    return Load(clients=clients, messages=1, per_second=per_second, **(figures | more))


def peer(per_second: float) -> PeerLoad:
    """A load of the peer system."""
    memory = {"memory_a_mib": 1.0, "memory_b_mib": 1.0}
    times = {"p50_ms": 1.0, "p99_ms": 1.0}
    return PeerLoad(concurrency=8, seconds=1, messages=1, failed=0, per_second=per_second, **times, **memory)


def measured() -> Measurements:
    """A run in which every target that it measures is met."""
    one = Round(
        yardstick_ms=20,
        delivered={clients: loaded(clients) for clients in (1, 8, 32, 128)},
        received={8: loaded(8), 32: loaded(32)},
        bulk=loaded(4, 1_000),
        peer={8: peer(20), 32: peer(20)},
    )
    return Measurements(
        rounds=[one, one],
        open_load=loaded(0, 100),
        lengths=Lengths(short=loaded(4), long=loaded(4, cpu_ms=6), length=300),
        peers=Peers(few=loaded(8), many=loaded(8, cpu_ms=5.2), configured=50),
        signatures=Speed(sign=0.7, verify=0.2),
        primitives=PRIMITIVES,
        idle={"FR": 100, "AL": 90},
        worked={"FR": 140, "AL": 120},
        disk={"FR": 7_000, "AL": 6_000},
        fsyncs={"FR": 0.5, "AL": 0.9},
        slow_disk=SlowDisk(fast=loaded(128), slow=loaded(128, 480)),
        backlog=Backlog(messages=1_000_000, fill_seconds=9, start_seconds=2, idle=110, load=loaded(128, 470)),
        catch_up=CatchUp(changed=10_000, quiet=loaded(8), busy=loaded(8, p99_ms=70), seconds=30),
    )


def verdicts(found: Measurements) -> dict[bool | None, list[str]]:
    """The targets by their verdict."""
    by: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for target in targets.list_targets(found):
        by[target.met].append(target.name)
    return by


def test_a_run_that_reaches_everything_meets_all_that_it_measures() -> None:
    """What is left is measured by other programs, and their names are said."""
    by = verdicts(measured())
    assert by[False] == []
    others = [target.seen for target in targets.list_targets(measured()) if target.met is None]
    assert others and all(seen.startswith("measured by ") for seen in others)


def test_what_is_not_reached_is_not_met() -> None:
    """One figure of each kind beyond its target."""
    good = measured()
    slow = replace(good.rounds[0], delivered={n: loaded(n, p50_ms=40, p99_ms=90, cpu_ms=9) for n in (1, 8, 32, 128)})
    bad = replace(
        good,
        rounds=[slow],
        open_load=loaded(0, 60),
        idle={"FR": 111, "AL": 90},
        disk={"FR": 8_000, "AL": 6_000},
        fsyncs={"FR": 0.7, "AL": 0.9},
        lengths=replace(good.lengths, long=loaded(4, cpu_ms=7)),
    )
    assert len(verdicts(bad)[False]) == 8
    said = "\n".join(targets.list_verdicts(bad))
    assert "the nodes took 60 a second, the rest waited" in said


def test_less_than_a_target_names_is_told_and_not_judged() -> None:
    """A short run has no verdict about an hour, a million or ten thousand."""
    good = measured()
    assert good.backlog is not None and good.catch_up is not None
    short = replace(
        good,
        rounds=[replace(good.rounds[0], peer={})],
        open_load=loaded(0, 100, seconds=8),
        lengths=replace(good.lengths, length=60),
        peers=replace(good.peers, configured=5),
        backlog=replace(good.backlog, messages=2_000),
        catch_up=replace(good.catch_up, changed=1_000, seconds=None),
        slow_disk=None,
        fsyncs={},
    )
    by = verdicts(short)
    assert by[False] == [] and len(by[None]) == len(verdicts(good)[None]) + 12
    assert "with 1000, not folded in time" in "\n".join(targets.list_verdicts(short))


def test_every_figure_has_its_line() -> None:
    """Both receipts, both ceilings, the ratio, noise."""
    said = "\n".join(table.list_figures(measured()))
    for words in (
        "at 8 clients: `received` 500 (500-500) msg/s, `delivered` 500 (500-500) msg/s",
        "django-pyas2 20 (20-20) msg/s, ratio 25.0",
        "ceiling of two cores: 1333 msg/s in batches, 800 with one signature each; the best load reaches 38 % and 62 %",
        "conversations of 4 and 300: CPU 5.00 and 6.00 ms/msg (1.20 x)",
        "disk of the sender: 668 MiB for 100 000 messages",
        "noise: rounds of one load lie up to 0 % apart",
    ):
        assert words in said
