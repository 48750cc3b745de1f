"""The two sizes of the benchmark."""

from __future__ import annotations

from bench.measure import Plan

WHOLE_BACKLOG = 100_000
QUICK_BACKLOG = 2_000


def choose_plan(*, quick: bool, backlog: int | None = None) -> Plan:
    """Return the quick plan, which ends within three minutes, or the whole one, which measures what the targets
    name.
    """
    if quick:
        return Plan(seconds=5, clients=(8, 32), backlog=QUICK_BACKLOG if backlog is None else backlog, fsyncs=True)
    waiting = WHOLE_BACKLOG if backlog is None else backlog
    return Plan(seconds=10, clients=(1, 8, 32, 128), backlog=waiting, fsyncs=True)
