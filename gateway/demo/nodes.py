"""The nodes of the demonstration, made in this process and run as processes of their own.

They are what `trm init` and `trm serve` make and run; only `demo = true` and the log level are particular.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.administration.create_node import Made, Plan, make_node
from gateway.demo.chronicle import wait_until
from gateway.demo.places import Country, Federation, Machine
from gateway.demo.processes import Processes
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import REGION, AdapterSection, DatabaseSection, Unit
from gateway.foundation.ids import UnitKind
from gateway.regions.files import PackFiles
from keys.keystore.keystore import system_rand
from keys.offline.administrator_key import Admin, create_admin
from keys.primitives.encoding import b64u

UNIT = "focal-point"
ROLE = "national_focal_point"
POLL_SECONDS = 1
START_SECONDS = 180.0
"""Six at once open their key files, which costs as much work as memory on purpose, where the machine is busy anyway."""
_TITLES = {
    "FR": "Cellule nationale (demo)",
    "AL": "Zyra kombëtare (demo)",
    "UA": "Національний центр (demo)",
    "MA": "اللجنة الوطنية (demo)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A node that was made, and the keys of its two administrators."""

    node: Made
    admins: tuple[Admin, ...]


def make_nodes(
    federation: Federation,
    systems: Mapping[str, Mapping[str, str]],
    databases: Mapping[str, DatabaseSection] | None = None,
) -> list[Founded]:
    """Make the nodes at once, in the order of the countries; `systems` has each adapter's settings, by country, and
    `databases` where the rows of a country are, if not in its folder.
    """
    servers = databases or {}

    async def every() -> list[Founded]:
        made = (
            _make(country, systems[country.code], servers.get(country.code, DatabaseSection()), federation.cast.pack)
            for country in federation.countries
        )
        return list(await asyncio.gather(*made))

    return asyncio.run(every())


async def make_admins(country: Country, now: int) -> tuple[Admin, ...]:
    """Make two administrators, each with a key file."""
    secret = b64u(system_rand(18))
    write_private(country.admin_secret, secret)
    made = [
        asyncio.to_thread(create_admin, path, secret, label=f"{country.code} administrator {number}", now=now)
        for number, path in enumerate(country.admin_files, 1)
    ]
    return tuple(await asyncio.gather(*made))


async def _make(
    country: Country, system: Mapping[str, str], database: DatabaseSection, pack: PackFiles | None
) -> Founded:
    admins, first = await make_admins(country, SystemClock().now()), country.machines[0]
    passphrase = b64u(system_rand(18))
    write_private(country.passphrase_file, passphrase)
    made = await make_node(
        Plan(
            folder=country.node,
            roots=country.roots,
            name=country.code,
            country=country.code,
            endpoint=country.address,
            listen=f"127.0.0.1:{first.port}",
            contact="duty desk (demo)",
            units=[
                Unit(
                    id=UNIT,
                    name=_TITLES.get(country.code, f"National focal point of {country.title} (demo)"),
                    kind=UnitKind.PUBLIC_AUTHORITY,
                    roles=(ROLE,),
                )
            ],
            demo=True,
            region=REGION if pack is None else pack.name,
            pack=pack,
            admins=[admin.card for admin in admins],
            adapter=AdapterSection.model_validate({**system, "kind": country.adapter, "poll_seconds": POLL_SECONDS}),
            database=database,
        ),
        passphrase,
        b64u(system_rand(18)),
        clock=SystemClock(),
    )
    open_doors(country, level="debug")
    return Founded(node=made, admins=admins)


def open_doors(country: Country, *, level: str) -> None:
    """Add to the settings of a node how much it logs and where people open its pages."""
    with (country.node / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[log]\nlevel = "{level}"\n\n[local]\nlisten = "127.0.0.1:{country.machines[0].console_port}"\n')
        file.write(f'\n[console]\norigin = "http://localhost:{country.console_port}"\n')


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def serve_command(machine: Machine) -> list[str]:
    """Return the command of a node as `trm serve` runs it."""
    words = ["--node", str(machine.node), "--passphrase-file", str(machine.passphrase_file)]
    return run_python(machine, "gateway.cli", "serve", *words)


def run_python(machine: Machine, module: str, *words: str) -> list[str]:
    """Return the command of a Python program with the temporary folder of a machine."""
    return ["/usr/bin/env", f"TMPDIR={machine.temporary}", sys.executable, "-m", module, *words]


class Nodes:
    """The nodes among the programs that run; of a node that is several workers, each."""

    def __init__(self, processes: Processes, program: Callable[[Machine], list[str]] = serve_command) -> None:
        """`program` is the command of a node's process."""
        self._processes = processes
        self._program = program

    def alive(self) -> None:
        """Raise RefusedError if a program has ended by itself, a node or another."""
        self._processes.alive()

    def start(self, countries: Sequence[Country]) -> None:
        """Start these nodes and wait until each takes requests."""
        self.start_machines([machine for country in countries for machine in country.machines])

    def start_machines(self, machines: Sequence[Machine]) -> None:
        """Start these processes of nodes and wait until each takes requests."""
        for machine in machines:
            self._processes.start(_name(machine), self._program(machine), machine.log)
        for machine in machines:
            wait_until(f"{_name(machine)} to take requests", partial(self._ready, machine), seconds=START_SECONDS)

    def _ready(self, machine: Machine) -> bool:
        self._processes.alive()
        return is_live(machine)

    def kill(self, country: Country) -> None:
        """Kill the node as a power cut would, without a chance to finish anything."""
        for machine in country.machines:
            self.kill_machine(machine)

    def kill_machine(self, machine: Machine) -> None:
        """Kill one process of a node, the same way."""
        self._processes.kill(_name(machine))


def _name(machine: Machine) -> str:
    return f"the node {machine.name}"


def is_live(machine: Machine) -> bool:
    """Whether it answers on its socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.connect(str(machine.socket))
            sock.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in sock.recv(64)
    except OSError:
        return False


def format_day(today: date, days: int) -> str:
    """Format the day that is so many days after today, as messages write it."""
    return (today + timedelta(days=days)).isoformat()


def read_today() -> date:
    """Return today's date in UTC by the nodes' clock."""
    return datetime.fromtimestamp(SystemClock().now(), UTC).date()
