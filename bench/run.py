"""The run of `./dev bench`: two nodes of this project and two sites of django-pyas2, in turn.

The loads that are compared are interleaved: a round has one load of each system, and the medians of the rounds are
compared. What concerns the nodes alone is measured by `bench.measure`. `--json` writes everything to `bench-out/`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import load, pyas2_peer
from bench.against import compare_versions
from bench.measure import Measurements, measure_pair, read_idle_memory
from bench.pair import Pair
from bench.plans import choose_plan
from bench.table import Target, list_figures, list_targets, list_verdicts

OUT = Path(__file__).resolve().parents[1] / "bench-out"
COMPARED = (8, 32)
LEAST = 15
"""Times the rate of django-pyas2 that the nodes must reach; the aim is 30."""
IN_BULK, LEAST_IN_BULK = f"in calls of {load.IN_BULK} drafts", 40
"""The same for a case system that submits in bulk, against django-pyas2 at most clients: it has no such call."""

Rounds = dict[str, list[tuple[float, float]]]
"""By load: (messages per second of the nodes, of django-pyas2) of each round."""


def main() -> int:
    """Measure, print the table, and write the JSON if asked to."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="how fast two nodes are, in one run with a peer")
    parser.add_argument("--quick", action="store_true", help="short loads and a small backlog, within three minutes")
    parser.add_argument("--rounds", type=int, help="interleaved rounds of each system (default 5, quick 3)")
    parser.add_argument(
        "--backlog", type=int, help="messages that wait for an absent peer (default 100000, quick 2000)"
    )
    parser.add_argument("--without-peer", action="store_true", help="measure the nodes alone")
    parser.add_argument("--json", action="store_true", help="also write bench-out/bench.json")
    parser.add_argument("--against", metavar="COMMIT", help="compare this tree with another commit, and nothing else")
    args = parser.parse_args()
    rounds = args.rounds or (3 if args.quick else 5)
    seconds = 4.0 if args.quick else 8.0
    if args.against:
        for line in compare_versions(args.against, rounds=rounds, seconds=seconds, clients=(1, *COMPARED)):
            print(line, flush=True)
        return 0
    print_progress("two nodes")
    with Pair() as pair:
        idle = read_idle_memory(pair)
        compared: Rounds = {}
        if not args.without_peer:
            print_progress("two sites of django-pyas2")
            with pyas2_peer.Pair() as peer:
                compared = compare_systems(pair, peer, rounds, seconds)
        found = measure_pair(pair, choose_plan(quick=args.quick, backlog=args.backlog), idle, print_progress)
    print("\n".join(make_report(found, compared)))
    if args.json:
        OUT.mkdir(exist_ok=True)
        written = OUT / "bench.json"
        written.write_text(json.dumps({"at": int(time.time()), "rounds": compared, "nodes": asdict(found)}, indent=1))
        print_progress(f"written to {written.relative_to(OUT.parent)}")
    return 0


def compare_systems(pair: Pair, peer: pyas2_peer.Pair, rounds: int, seconds: float) -> Rounds:
    """Load both systems at each number of clients, one after the other, in each round."""
    found: Rounds = {**{_at(clients): [] for clients in COMPARED}, IN_BULK: []}
    for number in range(rounds):
        print_progress(f"round {number + 1} of {rounds}")
        for clients in COMPARED:
            ours = load.run_closed_load(pair, seconds=seconds, clients=clients)
            theirs = peer.load(seconds=seconds, concurrency=clients)
            found[_at(clients)].append((ours.per_second, theirs.per_second))
        bulk = load.run_bulk_load(pair, seconds=seconds)
        found[IN_BULK].append((bulk.per_second, theirs.per_second))  # beside its load at most clients
    return found


def _at(clients: int) -> str:
    return f"at {clients} clients"


def make_report(found: Measurements, compared: Rounds) -> list[str]:
    """Return figures, comparison and targets as lines."""
    lines = [*list_figures(found)]
    seen = [*list_peer_targets(compared), *list_targets(found)]
    for name, rates in compared.items():
        ours, theirs = find_medians(rates)
        lines.append(
            f"{name}, medians of {len(rates)} interleaved rounds: "
            f"{ours:.0f} msg/s, django-pyas2 {theirs:.1f} msg/s, ratio {ours / theirs:.1f}"
        )
    return [*lines, "targets:", *list_verdicts(seen)]


def list_peer_targets(compared: Rounds) -> list[Target]:
    """List the ratios that the nodes must reach."""
    seen = []
    for name, rates in compared.items():
        ours, theirs = find_medians(rates)
        ratio, least = ours / theirs, LEAST_IN_BULK if name == IN_BULK else LEAST
        aim = "" if name == IN_BULK else " (aim 30 x)"
        seen.append(Target(name=f"{name} >= {least} x django-pyas2{aim}", seen=f"{ratio:.1f} x", met=ratio >= least))
    return seen


def find_medians(rates: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the median of each system."""
    return statistics.median(ours for ours, _ in rates), statistics.median(theirs for _, theirs in rates)


def print_progress(what: str) -> None:
    """Print progress at once."""
    print(f"bench: {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
