"""All measurements of one run, in an order in which none disturbs the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench import load, pyas2_peer
from bench.limits import durability, growth
from bench.limits.durability import SlowDisk
from bench.limits.growth import Backlog, CatchUp, Lengths, Peers
from bench.load import Load
from bench.pair import RECEIVER, SENDER, Pair
from bench.plans import Plan
from bench.primitives import Primitives, measure_primitives
from bench.rounds import Round, run_rounds
from gateway.administration.doctor.signatures import Speed, measure_speed

OPEN_LOAD = 100
"""Messages per second of the open loop."""
FEW = 8
"""Clients of the loads that are compared with a quiet node, or with fewer peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Results of one run; empty or None where nothing was measured. Memory in MiB and disk in bytes per message, by
    node.
    """

    rounds: Sequence[Round]
    open_load: Load
    lengths: Lengths
    peers: Peers
    signatures: Speed
    primitives: Primitives
    idle: Mapping[str, float]
    worked: Mapping[str, float]
    disk: Mapping[str, int]
    fsyncs: Mapping[str, float]
    slow_disk: SlowDisk | None
    backlog: Backlog | None
    catch_up: CatchUp | None


def measure_all(pair: Pair, peer: pyas2_peer.Pair | None, plan: Plan, say: Callable[[str], None]) -> Measurements:
    """Measure everything on a pair that has just started. `say` is called with what begins."""
    say("idle memory")
    time.sleep(growth.SETTLE)
    idle = _read_memory(pair)
    say("primitives")
    signatures, primitives = measure_speed(), measure_primitives()
    rounds = run_rounds(pair, peer, plan, say)
    say(f"open loop at {OPEN_LOAD} messages a second, {plan.open_seconds:.0f} s")
    open_load = load.run_open_load(pair, seconds=plan.open_seconds, per_second=OPEN_LOAD)
    worked = _read_memory(pair)
    say(f"conversations of {growth.SHORT} and {plan.length} messages")
    lengths = growth.measure_lengths(pair, messages=plan.length_messages, length=plan.length)
    say("disk")
    disk = durability.measure_disk(pair, messages=plan.stored)
    fsyncs, slow_disk = {}, None
    if durability.can_trace():
        say("fsyncs, untimed")
        fsyncs = {name: durability.count_fsyncs(pair, name) for name in (SENDER, RECEIVER)}
        say(f"a disk with {durability.DELAY_MS} ms more for each fsync")
        slow_disk = durability.measure_slow_disk(pair, seconds=plan.seconds, clients=plan.most_clients)
    waiting, catch_up = None, None
    if plan.backlog:
        say(f"a backlog of {plan.backlog} messages for an absent peer")
        waiting = growth.measure_backlog(
            pair, messages=plan.backlog, seconds=plan.seconds, clients=plan.most_clients, say=say
        )
        say(f"a start with {min(plan.changed, plan.backlog)} changed conversations")
        catch_up = growth.measure_catch_up(
            pair, changed=plan.changed, seconds=2 * plan.seconds, clients=FEW, patience=plan.patience
        )
    say(f"{plan.peers} configured peers")
    peers = growth.measure_peers(pair, seconds=plan.seconds, clients=FEW, configured=plan.peers)
    return Measurements(
        rounds=rounds,
        open_load=open_load,
        lengths=lengths,
        peers=peers,
        signatures=signatures,
        primitives=primitives,
        idle=idle,
        worked=worked,
        disk=disk,
        fsyncs=fsyncs,
        slow_disk=slow_disk,
        backlog=waiting,
        catch_up=catch_up,
    )


def _read_memory(pair: Pair) -> dict[str, float]:
    return {name: round(pair.memory(name), 1) for name in (SENDER, RECEIVER)}
