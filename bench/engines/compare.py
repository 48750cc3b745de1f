"""The same load in turn on three pairs: rows in files of SQLite, rows on a PostgreSQL server, and nodes that are two
workers each on such a server. Then what 50 configured peers add there.

Each pair on PostgreSQL has a server of its own, so that what it takes is known apart. All run all the time, and each
round has one load of each, in reversed order every second time. Both nodes of the
last pair are two workers: what a second one can take over is the work of submissions at the sender and of envelopes at
the receiver, and what it adds is paid on both sides. The clients are as many as for the others; each goes to the next
worker with each message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import load
from bench.engines.server import Server
from bench.engines.workers import add_workers
from bench.limits import growth
from bench.limits.growth import Peers
from bench.load import Load
from bench.pair import RECEIVER, SENDER, Pair
from bench.plans import COMPARED, Plan
from bench.rounds import measure_yardstick

CLIENTS = (1, *COMPARED)
WORKERS = 2
FILES, SERVER, SEVERAL = "SQLite", "PostgreSQL", f"{WORKERS} workers"
"""The pairs by their names."""
FEW = 8
"""Clients of the load with more and more peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Results of one run: the server in words, each round by pair and clients, the milliseconds that a fixed piece of
    work took before each, and the load on the server with few and with many peers.
    """

    server: str
    rounds: Sequence[Mapping[str, Mapping[int, Load]]]
    yardsticks: Sequence[float]
    peers: Peers


def compare_engines(plan: Plan, say: Callable[[str], None]) -> Engines:
    """Measure all of it. `say` is called with what begins.

    Raises:
        RefusedError: not_found without a PostgreSQL or an HAProxy on this machine; nothing was measured.
    """
    with ExitStack() as stack:
        say("two PostgreSQL servers and three pairs of nodes")
        server, other = (stack.enter_context(Server()) for _ in range(2))
        pairs = {
            FILES: stack.enter_context(Pair()),
            SERVER: stack.enter_context(Pair(server=server)),
            SEVERAL: stack.enter_context(Pair(server=other)),
        }
        stack.enter_context(add_workers(pairs[SEVERAL], (SENDER, RECEIVER), WORKERS))
        rounds, yardsticks = [], []
        for number in range(plan.rounds):
            yardsticks.append(measure_yardstick())
            names = [*pairs] if number % 2 == 0 else [*reversed(pairs)]
            rounds.append(_run_round(pairs, names, plan, f"round {number + 1} of {plan.rounds}", say))
        say(f"{plan.peers} configured peers on the server")
        peers = growth.measure_peers(pairs[SERVER], seconds=plan.seconds, clients=FEW, configured=plan.peers)
        return Engines(server=server.describe(), rounds=rounds, yardsticks=yardsticks, peers=peers)


def _run_round(
    pairs: Mapping[str, Pair], names: Sequence[str], plan: Plan, title: str, say: Callable[[str], None]
) -> dict[str, dict[int, Load]]:
    found: dict[str, dict[int, Load]] = {name: {} for name in pairs}
    for clients in CLIENTS:
        say(f"{title}: {clients} clients")
        for name in names:
            found[name][clients] = load.run_closed_load(pairs[name], seconds=plan.seconds, clients=clients)
    return found
