"""A node of a pair as several workers: each a folder with the settings of the node and keys by an invitation, as
`docs/workers.md` says, and an HAProxy before them, at the address that peers know.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.nodes import find_free_port
from bench.pair import Pair
from gateway.administration.join_machine import join_machine
from gateway.cli.connection import call_node
from gateway.errors import Code, RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.node_folder import KEYSTORE, RUN
from keys.keystore.destructible.secret import Place
from keys.keystore.invitation import Invitation, write_invitation
from keys.keystore.keyring_file import read_content
from keys.primitives.encoding import b64u

FRONT = """
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen peers
    bind 127.0.0.1:{door}
    balance roundrobin
{behind}
"""
LISTEN = 'listen = "127.0.0.1:{}"'


@contextmanager
def add_workers(pair: Pair, names: Sequence[str], count: int) -> Iterator[None]:
    """Let each of these nodes be so many workers while this is open; the pair stops them.

    Raises:
        RefusedError: not_found without HAProxy; the nodes run as they were.
    """
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        raise RefusedError(Code.NOT_FOUND, "there is no HAProxy on this machine", hint="install the package haproxy")
    fronts = []
    try:
        for name in names:
            door, ports = _read_listen(pair.node(name)), [find_free_port() for _ in range(count)]
            workers = [name, *(_join(pair, name, number) for number in range(2, count + 1))]
            pair.stop(name)
            for worker, port in zip(workers, ports, strict=True):
                _change_listen(pair.node(worker), door, port)
            fronts.append(_start_front(program, pair.folder / f"{name}-front.cfg", door, ports))
            for worker in workers:
                pair.start(worker)
            pair.workers[name] = workers
        yield
    finally:
        for front in fronts:
            front.terminate()
            front.wait()


def _join(pair: Pair, name: str, number: int) -> str:
    """Make the folder of one more worker of a node that runs, and return its name."""
    worker = f"{name}-{number}"
    first, folder, passphrase = pair.node(name), pair.node(worker), pair.passphrase.read_text()
    shutil.copytree(first, folder, ignore=shutil.ignore_patterns(RUN, f"{KEYSTORE}*", "attachments"))
    (folder / "attachments").symlink_to(first / "attachments")
    made, file = Invitation.new(), pair.folder / f"{worker}.invitation"
    asked = call_node(first, "keys.invite", {"invitation": b64u(made.id), "half": b64u(made.half)})
    until = asked.get("until") if isinstance(asked, dict) else None
    if not isinstance(until, int):
        raise RuntimeError("an invitation has a time")
    code = write_invitation(file, read_content(first / KEYSTORE, passphrase), made, until=until)
    asyncio.run(join_machine(folder, file, code, passphrase, place=Place.FILE, clock=SystemClock()))
    return worker


def _read_listen(folder: Path) -> int:
    """Read the port at which a node listens, which its peers know."""
    told = (folder / "node.toml").read_text(encoding="utf-8")
    return int(told.partition(LISTEN.partition("{}")[0])[2].partition('"')[0])


def _change_listen(folder: Path, before: int, port: int) -> None:
    settings = folder / "node.toml"
    told = settings.read_text(encoding="utf-8")
    settings.write_text(told.replace(LISTEN.format(before), LISTEN.format(port)), encoding="utf-8")


def _start_front(program: str, config: Path, door: int, ports: Sequence[int]) -> subprocess.Popen[bytes]:
    behind = "\n".join(f"    server worker{number} 127.0.0.1:{port}" for number, port in enumerate(ports, 1))
    config.write_text(FRONT.format(door=door, behind=behind))
    return subprocess.Popen([program, "-q", "-db", "-f", str(config)])
