"""The run of `./dev bench`: two nodes of this project and two sites of django-pyas2, in turn.

What is compared is interleaved (`bench.rounds`); what concerns the nodes alone is measured beside it (`bench.measure`).
`--json` writes everything to `bench-out/`, from which `bench.reports.publish` makes table and picture of the page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from bench import exchange, profile, pyas2_peer, soak
from bench.against import compare_versions
from bench.engines.compare import compare_engines
from bench.engines.report import list_engines
from bench.measure import measure_all
from bench.pair import Pair
from bench.plans import COMPARED, QUICK, WHOLE, Plan
from bench.reports.table import list_figures
from bench.reports.targets import list_verdicts

OUT = Path(__file__).resolve().parents[1] / "bench-out"


def main() -> int:
    """Measure what is asked for and print it; 1 if a load grew or lost something that it must not."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="how fast two nodes are, in one run with a peer")
    parser.add_argument("--quick", action="store_true", help="short loads and a small backlog, within a few minutes")
    parser.add_argument("--rounds", type=int, help=f"rounds (default {WHOLE.rounds}, quick {QUICK.rounds})")
    parser.add_argument(
        "--backlog",
        type=int,
        help=f"messages that wait for an absent peer (default {WHOLE.backlog}, quick {QUICK.backlog})",
    )
    parser.add_argument("--without-peer", action="store_true", help="measure the nodes alone")
    parser.add_argument(
        "--json", action="store_true", help="also write bench-out/bench.json, profile.json or engines.json"
    )
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--profile", action="store_true", help="where the CPU of a message goes, and nothing else")
    alone.add_argument("--against", metavar="COMMIT", help="compare this tree with another commit, and nothing else")
    alone.add_argument("--engines", action="store_true", help="compare SQLite, PostgreSQL and two workers on it")
    alone.add_argument("--exchange", metavar="COMMIT", help="messages both ways with a node of another commit")
    parser.add_argument("--messages", type=int, default=200, help="of --exchange, each way (default 200)")
    alone.add_argument("--soak", type=float, metavar="MINUTES", help="a steady load with open pages, line by line")
    args = parser.parse_args()
    plan = QUICK if args.quick else WHOLE
    plan = replace(plan, rounds=args.rounds or plan.rounds)
    if args.backlog is not None:
        plan = replace(plan, backlog=args.backlog)
    if args.against:
        return print_lines(
            compare_versions(args.against, rounds=plan.rounds, seconds=plan.seconds, clients=(1, *COMPARED))
        )
    if args.profile:
        print_progress("nodes as they are, then nodes that sample themselves")
        found = profile.measure_profiles(seconds=plan.seconds, clients=(1, 8))
        report = [line for one in found for line in profile.list_shares(one)]
        return print_report(report, [asdict(one) for one in found], OUT / "profile.json" if args.json else None)
    if args.engines:
        return run_engines(plan, written=OUT / "engines.json" if args.json else None)
    if args.exchange:
        print_progress(f"a node of {args.exchange} and one of this tree")
        return exchange.run(args.exchange, messages=args.messages)
    if args.soak:
        print_progress("two nodes")
        return soak.run(minutes=args.soak)
    return run_bench(plan, with_peer=not args.without_peer, written=OUT / "bench.json" if args.json else None)


def run_bench(plan: Plan, *, with_peer: bool, written: Path | None) -> int:
    """Measure everything, and print or write the report."""
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        print_progress("two nodes")
        pair = stack.enter_context(Pair())
        peer = None
        if with_peer:
            print_progress("two sites of django-pyas2")
            peer = stack.enter_context(pyas2_peer.Pair())
        found = measure_all(pair, peer, plan, print_progress)
    report = [describe_machine(load), *list_figures(found), "targets:", *list_verdicts(found)]
    return print_report(report, asdict(found), written)


def run_engines(plan: Plan, *, written: Path | None) -> int:
    """Compare both kinds of database, and print or write the report."""
    load = os.getloadavg()[0]
    found = compare_engines(plan, print_progress)
    return print_report([describe_machine(load), *list_engines(found)], asdict(found), written)


def describe_machine(load: float) -> str:
    """Describe the day and the machine, which had this load when the run began."""
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}, load of the "
        f"machine {load:.1f} at the beginning"
    )


def print_report(report: Sequence[str], found: object, written: Path | None) -> int:
    """Print a report, and write it with what it is made from if asked to."""
    print_lines(report)
    if written is not None:
        written.parent.mkdir(exist_ok=True)
        written.write_text(json.dumps({"report": report, "found": found}, indent=1) + "\n")
        print_progress(
            f"written to {written.relative_to(OUT.parent)}; python -m bench.reports.publish puts it into the docs"
        )
    return 0


def print_lines(lines: Iterable[str]) -> int:
    """Print lines as they come."""
    for line in lines:
        print(line, flush=True)
    return 0


def print_progress(what: str) -> None:
    """Print progress at once, with the minutes since the beginning."""
    print(f"bench: {(time.monotonic() - BEGUN) / 60:5.1f} min  {what} ...", file=sys.stderr, flush=True)


BEGUN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
