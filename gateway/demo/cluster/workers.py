"""France's node as several workers: rows on a PostgreSQL server, keys by invitation, one front before all of them.

The steps are those of docs/workers.md: `trm init --database`, then for each further worker `trm keys invite` on the
first and `trm keys join` on the new one. All run on this machine; each has a folder, keys, a passphrase and ports of
its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from shutil import copy
from typing import Any

from gateway.cli.connection import call_node
from gateway.demo.chronicle import wait_until
from gateway.demo.cluster.front import Door, Spread, write_doors
from gateway.demo.cluster.postgresql import PostgresqlServer
from gateway.demo.nodes import is_live, write_private
from gateway.demo.places import Country, Machine
from gateway.demo.processes import Processes
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.config import DatabaseSection
from gateway.foundation.node_folder import ATTACHMENTS, RUN
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

ACCOUNT = "trm"
"""The node's account on the server, and its database."""
VERB_SECONDS = 120
Leads = Mapping[str, Sequence[str]]
"""What each worker does for all, by its name; one that is away does nothing."""


class Cluster:
    """The server, the workers and the front."""

    def __init__(self, country: Country, processes: Processes, programs: Path, port: int) -> None:
        """`programs` are those of PostgreSQL, `port` is where it shall listen."""
        self.country = country
        self._processes = processes
        self._names: dict[str, str] = {}
        self.server = PostgresqlServer(
            f"{country.title}'s PostgreSQL",
            programs,
            country.base / "logs" / f"{country.code}-postgresql.log",
            port=port,
        )

    def start_server(self) -> DatabaseSection:
        """Make and start the server, with a database for the node as docs/database.md says; returns how it is reached.

        Raises:
            RefusedError: unreachable, its programs do not run here; nothing else was started.
        """
        try:
            self.server.make()
        except (OSError, subprocess.SubprocessError) as exc:
            raise RefusedError(
                Code.UNREACHABLE,
                "the programs of PostgreSQL do not run on this machine",
                hint="initdb has to work here; without --cluster the demonstration needs none",
            ) from exc
        self.server.start(self._processes)
        password = b64u(system_rand(18))
        file = self.country.base / "secrets" / f"{self.country.code}-database.txt"
        write_private(file, password)
        self.server.execute(
            (
                f"create role {ACCOUNT} login password '{password}'",
                f"create database {ACCOUNT} owner {ACCOUNT} encoding 'UTF8' template template0",
            )
        )
        address = f"postgresql://{ACCOUNT}@127.0.0.1:{self.server.port}/{ACCOUNT}"
        return DatabaseSection(url=address, password_file=file)

    def restart_server(self) -> None:
        """Let the server crash and start it again."""
        self.server.crash(self._processes)
        self.server.start(self._processes)

    def join_workers(self) -> None:
        """Make the folders of all workers but the first, and give each the keys by an invitation of its own."""
        first, *others = self.country.workers
        (first.node / ATTACHMENTS).mkdir(mode=0o700, exist_ok=True)
        for worker in others:
            _make_folder(first, worker)
            invitation = self.country.base / "admins" / f"{worker.name}.invitation"
            told = _run("keys", "invite", str(invitation), *_reach(first))
            code = self.country.base / "admins" / f"{worker.name}.code"
            write_private(code, told.rpartition(": ")[2].strip())
            _run("keys", "join", str(invitation), "--code-file", str(code), *_reach(worker))
            invitation.unlink()
            code.unlink()

    def start_front(self) -> None:
        """Start the front, and wait until it listens; the workers need not run yet."""
        doors = plan_doors(self.country)
        for folder in (self.country.door, self.country.systems_door):
            (folder / RUN).mkdir(mode=0o700, parents=True)
        file = self.country.base / "front" / "doors.json"
        write_doors(file, doors)
        name = f"the front of {self.country.title}"
        log = self.country.base / "logs" / f"{self.country.code}-front.log"
        self._processes.start(name, [sys.executable, "-m", "gateway.demo.cluster.front", str(file)], log)
        wait_until(f"{name} to listen", partial(self._is_up, Path(doors[-1].listen)))

    def _is_up(self, socket: Path) -> bool:
        self._processes.alive()
        return socket.exists()

    def read_leads(self) -> Leads:
        """Ask the workers who leads what."""
        for worker in self.country.workers:
            if is_live(worker):
                self._names |= {each["id"]: worker.name for each in _list_workers(worker.node) if each["here"]}
        leads: dict[str, tuple[str, ...]] = {worker.name: () for worker in self.country.workers}
        for each in _list_workers(self.country.door):
            name = self._names.get(each["id"])
            if name is not None and not each["away"]:
                leads[name] += tuple(each["leads"])
        return leads


def plan_doors(country: Country) -> list[Door]:
    """Plan the doors of the front: peers and case systems come to any worker, people to the first one that listens."""
    peers = tuple(f"127.0.0.1:{worker.port}" for worker in country.workers)
    consoles = tuple(f"127.0.0.1:{worker.console_port}" for worker in country.workers)
    sockets = tuple(str(worker.socket) for worker in country.workers)
    systems = country.systems_door / country.socket.relative_to(country.door)
    return [
        Door(listen=f"127.0.0.1:{country.port}", workers=peers, spread=Spread.NEXT),
        Door(listen=f"127.0.0.1:{country.console_port}", workers=consoles, spread=Spread.FIRST),
        Door(listen=str(systems), workers=sockets, spread=Spread.NEXT),
        Door(listen=str(country.socket), workers=sockets, spread=Spread.FIRST),
    ]


def _make_folder(first: Machine, worker: Machine) -> None:
    """Make the folder of one more worker: the settings of the first but for its ports, and the same attachments."""
    worker.node.mkdir(mode=0o700)
    settings = (first.node / "node.toml").read_text(encoding="utf-8")
    for before, here in ((first.port, worker.port), (first.console_port, worker.console_port)):
        settings = settings.replace(f'"127.0.0.1:{before}"', f'"127.0.0.1:{here}"')
    write_private(worker.node / "node.toml", settings)
    copy(first.node / "api-token", worker.node)
    (worker.node / ATTACHMENTS).symlink_to(first.node / ATTACHMENTS)
    write_private(worker.passphrase_file, b64u(system_rand(18)))


def _reach(worker: Machine) -> list[str]:
    return ["--node", str(worker.node), "--passphrase-file", str(worker.passphrase_file)]


def _run(*words: str) -> str:
    """Run a verb as a person would, and return what it printed."""
    ran = subprocess.run(  # noqa: S603 (our own program, with words of our own)
        [sys.executable, "-m", "gateway.cli", *words], capture_output=True, text=True, check=False, timeout=VERB_SECONDS
    )
    if ran.returncode:
        raise RefusedError(Code.CONFLICT, f"trm {' '.join(words[:2])} failed: {ran.stderr.strip()}")
    return ran.stdout


def _list_workers(folder: Path) -> Sequence[Mapping[str, Any]]:
    """List the workers as the node of this folder sees them; none while it cannot say."""
    try:
        answer: Any = call_node(folder, "node.workers", {})
    except GatewayError:
        return []
    workers: Sequence[Mapping[str, Any]] = answer["workers"]
    return workers
