"""One pair of nodes that is loaded on demand: `bench.against` starts it for each version, with the `bench` of that one.

A line `load CLIENTS SECONDS` is answered by the figures of that load, `size CLIENTS MESSAGES` by bytes per message,
each as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench import load
from bench.pair import RECEIVER, SENDER, Pair


def main() -> None:
    """Start the pair, say `ready`, and do what is asked for until the input ends."""
    with Pair() as pair:
        print("ready", flush=True)
        for line in sys.stdin:
            task, clients, amount = line.split()
            if task == "load":
                answer = asdict(load.run_closed_load(pair, seconds=float(amount), clients=int(clients)))
            else:
                answer = measure_size(pair, clients=int(clients), messages=int(amount))
            print(json.dumps(answer), flush=True)


def measure_size(pair: Pair, *, clients: int, messages: int) -> dict[str, float]:
    """Bytes per message on the wire, TLS included and whatever else passes the loopback interface, and at rest in both
    folders after an orderly end.
    """
    stored, passed = _stored(pair), _passed()
    load.send_some(pair, messages=messages, clients=clients)
    wire = _passed() - passed
    return {"wire": round(wire / messages), "rest": round((_stored(pair) - stored) / messages)}


def _stored(pair: Pair) -> int:
    for name in (SENDER, RECEIVER):
        pair.stop(name)
    found = sum(
        path.stat().st_size
        for name in (SENDER, RECEIVER)
        for path in pair.node(name).rglob("*")
        if path.is_file() and not path.is_symlink()
    )
    for name in (SENDER, RECEIVER):
        pair.start(name)
    return found


def _passed() -> int:
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))


if __name__ == "__main__":
    main()
