"""Several workers of a country: the doors of their front."""

from __future__ import annotations

from gateway.demo import places
from gateway.demo.cluster.front import Spread
from gateway.demo.cluster.workers import plan_doors


def test_doors(tmp_path):
    """Peers and case systems come to any worker, people to the first one that listens, at the ports that they know."""
    host = places.plan_federation(tmp_path / "d", workers=3).host
    peers, console, systems, people = plan_doors(host)
    assert (peers.listen, peers.spread) == (host.address.removeprefix("https://"), Spread.NEXT)
    assert (console.listen, console.spread) == (f"127.0.0.1:{host.console_port}", Spread.FIRST)
    assert (systems.spread, people.listen, people.spread) == (Spread.NEXT, str(host.socket), Spread.FIRST)
    assert systems.listen.startswith(str(host.systems_door)) and systems.listen != people.listen
    assert peers.workers == tuple(f"127.0.0.1:{worker.port}" for worker in host.workers)
    assert console.workers == tuple(f"127.0.0.1:{worker.console_port}" for worker in host.workers)
    assert systems.workers == people.workers == tuple(str(worker.socket) for worker in host.workers)
