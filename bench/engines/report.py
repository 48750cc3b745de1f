"""What both kinds of database cost, as lines for people, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.engines.compare import CLIENTS, FILES, SERVER, SEVERAL, Engines
from bench.load import Load
from bench.plans import WHOLE
from bench.reports.targets import Target, format_verdict
from bench.rounds import Spread, find_spread

JUDGED = 32
"""Clients of the loads for which there are targets."""
OF_FILES, OF_ONE_WORKER, OF_FEW_PEERS = 0.7, 1.0, 1.05


def list_engines(found: Engines) -> Iterator[str]:
    """Yield the figures of a run, then the targets, line by line."""
    yield found.server
    yield (
        f"{'clients':>8}  {'rows in':<12}{'msg/s':>16}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/msg':>12}{'of server':>11}"
        f"{'statements/msg':>16}"
    )
    for clients in CLIENTS:
        yield from (_row(found, name, clients) for name in (FILES, SERVER, SEVERAL))
        yield (
            f"{'':>8}  {'ratios':<12}PostgreSQL to SQLite {_ratio(found, SERVER, FILES, clients):.2f}, "
            f"{SEVERAL} to one {_ratio(found, SEVERAL, SERVER, clients):.2f}"
        )
    yield f"medians of {len(found.rounds)} rounds until `delivered`, the least and the most rate in brackets"
    few, many = found.peers.few, found.peers.many
    yield (
        f"3 and {found.peers.configured} nodes configured on PostgreSQL: CPU of the nodes {few.cpu_ms:.2f} and "
        f"{many.cpu_ms:.2f} ms/msg, of the server {few.server_ms:.2f} and {many.server_ms:.2f}, statements per message "
        f"{_count(few.statements)} and {_count(many.statements)}"
    )
    rates = [_rates(found, name, clients) for name in (FILES, SERVER, SEVERAL) for clients in CLIENTS]
    yard = find_spread(found.yardsticks)
    yield (
        f"noise: rounds of one load lie up to {max(one.percent for one in rates):.0f} % apart; a fixed piece of work "
        f"took {yard.least:.0f} to {yard.most:.0f} ms of the clock ({yard.percent:.0f} %)"
    )
    yield "targets:"
    yield from map(format_verdict, list_engine_targets(found))


def list_engine_targets(found: Engines) -> Iterator[Target]:
    """Yield what is to be reached on a server, with the figures of this run."""
    ratio = _ratio(found, SERVER, FILES, JUDGED)
    yield Target(
        name=f"one worker on PostgreSQL at {JUDGED} clients >= {OF_FILES} x SQLite",
        seen=f"{ratio:.2f} x",
        met=ratio >= OF_FILES,
    )
    ratio = _ratio(found, SEVERAL, SERVER, JUDGED)
    yield Target(
        name=f"{SEVERAL} at {JUDGED} clients >= {OF_ONE_WORKER} x one",
        seen=f"{ratio:.2f} x",
        met=ratio >= OF_ONE_WORKER,
    )
    few, many = found.peers.few, found.peers.many
    ratio = (many.cpu_ms + many.server_ms) / (few.cpu_ms + few.server_ms)
    yield Target(
        name=f"{WHOLE.peers} configured peers on PostgreSQL cost <= {OF_FEW_PEERS} x",
        seen=f"{ratio:.2f} x of the CPU of nodes and server with {found.peers.configured}",
        met=ratio <= OF_FEW_PEERS if found.peers.configured >= WHOLE.peers else None,
    )


def _loads(found: Engines, name: str, clients: int) -> Sequence[Load]:
    return [one[name][clients] for one in found.rounds]


def _rates(found: Engines, name: str, clients: int) -> Spread:
    return find_spread([one.per_second for one in _loads(found, name, clients)])


def _ratio(found: Engines, name: str, other: str, clients: int) -> float:
    """The ratio of the median rates of two pairs."""
    return _rates(found, name, clients).middle / _rates(found, other, clients).middle


def _row(found: Engines, name: str, clients: int) -> str:
    loads, rates = _loads(found, name, clients), _rates(found, name, clients)

    def middle(figure: Callable[[Load], float]) -> float:
        return find_spread([figure(one) for one in loads]).middle

    counted = [one.statements for one in loads if one.statements is not None]
    return (
        f"{clients:>8}  {name:<12}{f'{rates.middle:.0f} ({rates.least:.0f}-{rates.most:.0f})':>16}"
        f"{middle(lambda one: one.p50_ms):>9.1f}{middle(lambda one: one.p99_ms):>9.1f}"
        f"{middle(lambda one: one.cpu_ms):>12.2f}{middle(lambda one: one.server_ms):>11.2f}"
        f"{_count(find_spread(counted).middle if counted else None):>16}"
    )


def _count(statements: float | None) -> str:
    return "-" if statements is None else f"{statements:.1f}"
