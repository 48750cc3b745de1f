"""What `./dev bench` runs: each system that can be measured on this machine, in turn, at the same loads.

A system is a context manager whose `load(seconds=, concurrency=)` returns what it showed; it is added to SYSTEMS.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from pyas2_peer import PEERS, Pair

SYSTEMS: dict[str, Callable[[], Pair]] = {"django-pyas2": lambda: Pair(PEERS)}


def main() -> int:
    """Run the loads on each system and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="messages per second, in one run on this machine")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each load (default 10)")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32], metavar="N", help="clients at once")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = {}
    for name, system in SYSTEMS.items():
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        with system() as running:
            found[name] = [running.load(seconds=args.seconds, concurrency=count) for count in args.concurrency]
    if args.json:
        print(json.dumps({name: [asdict(load) for load in loads] for name, loads in found.items()}))
        return 0
    print(f"{'system':<16}{'clients':>8}{'msg/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}{'MiB':>14}")
    for name, loads in found.items():
        for load in loads:
            memory = f"{load.memory_a_mib:.0f} + {load.memory_b_mib:.0f}"
            times = f"{load.per_second:>9.1f}{load.p50_ms:>9.0f}{load.p99_ms:>9.0f}"
            print(f"{name:<16}{load.concurrency:>8}{times}{load.failed:>8}{memory:>14}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
