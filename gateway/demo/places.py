"""The folders and ports of the demonstration: four countries under one folder, case systems apart from the nodes.

nodes/FR      node folder: keys, database, settings        cases/FR    the case system's own files, in clear
roots/FR      root keys, which are other people's          secrets/FR  the files that hold the passphrases
admins/FR-1   the administrators' key files, two a node
tmp/FR        the node's temporary folder                  logs/FR.log what the node says, at level debug
adapters/UA   what the node's adapter keeps                pairing/    the files that administrators exchange
evidence/     the exported proof

Where France is several workers, each has what a machine has of its own: nodes/FR-2, logs/FR-2.log and so on; front/ has
the sockets of what stands before them.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.cast import OF_THE_PROGRAM, Cast, Player
from gateway.errors import Code, RefusedError
from gateway.foundation.node_folder import RUN, SOCKET

LONGEST_SOCKET = 100
"""Bytes of a Unix socket's path; the kernel takes 107."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a process of a node has for itself: a folder with its keys and settings, a passphrase, ports, a log."""

    name: str
    base: Path
    port: int
    console_port: int

    @property
    def node(self) -> Path:
        """The node folder."""
        return self.base / "nodes" / self.name

    @property
    def passphrase_file(self) -> Path:
        """The file with the passphrase of its keys."""
        return self.base / "secrets" / f"{self.name}.txt"

    @property
    def temporary(self) -> Path:
        """Its own temporary folder."""
        return self.base / "tmp" / self.name

    @property
    def log(self) -> Path:
        """Its log."""
        return self.base / "logs" / f"{self.name}.log"

    @property
    def socket(self) -> Path:
        """The socket of its local API."""
        return self.node / RUN / SOCKET


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One country of the demonstration: `code` is also its node's name, `person` the staff reference of who acts
    there, `second` that of who releases what needs two. `system_port` is where the case system listens, if it does,
    `console_port` where people open the pages. `workers` are the processes of its node where it is several; then both
    ports are those of the front before them.
    """

    code: str
    title: str
    person: str
    second: str
    language: str
    adapter: str
    base: Path
    port: int
    console_port: int
    system_port: int = 0
    workers: tuple[Machine, ...] = ()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The processes of its node: one, or its workers."""
        alone = Machine(name=self.code, base=self.base, port=self.port, console_port=self.console_port)
        return self.workers or (alone,)

    @property
    def node(self) -> Path:
        """The node folder; of several workers that of the first."""
        return self.machines[0].node

    @property
    def door(self) -> Path:
        """The folder in which people and programs find the socket: that of the node, or of the front before workers."""
        return self.base / "front" / "people" if self.workers else self.node

    @property
    def systems_door(self) -> Path:
        """The folder in which programs find the socket that leads to any worker."""
        return self.base / "front" / "systems" if self.workers else self.node

    @property
    def cases(self) -> Path:
        """The folder of the case system."""
        return self.base / "cases" / self.code

    @property
    def journal(self) -> Path:
        """The journal of the node's adapter: ids and states only, so it is no case system's file."""
        return self.base / "adapters" / self.code / "journal.db"

    @property
    def roots(self) -> Path:
        """The folder of the root keys."""
        return self.base / "roots" / self.code

    @property
    def passphrase_file(self) -> Path:
        """The file with the node's passphrase."""
        return self.machines[0].passphrase_file

    def secret(self, who: str) -> Path:
        """The file with the credentials for the case system."""
        return self.base / "secrets" / f"{self.code}-{who}.txt"

    @property
    def admin_files(self) -> tuple[Path, Path]:
        """The key files of the two administrators, each on media of its own in real life."""
        folder = self.base / "admins"
        return folder / f"{self.code}-1.key", folder / f"{self.code}-2.key"

    @property
    def admin_secret(self) -> Path:
        """The file with the passphrase of both."""
        return self.base / "secrets" / f"{self.code}-admins.txt"

    @property
    def temporary(self) -> Path:
        """The node's own temporary folder."""
        return self.machines[0].temporary

    @property
    def pairing(self) -> Path:
        """The pairing file that its administrator gives away."""
        return self.base / "pairing" / f"{self.code}.json"

    @property
    def socket(self) -> Path:
        """The socket of the local API."""
        return self.door / RUN / SOCKET

    @property
    def address(self) -> str:
        """The address at which other nodes reach it."""
        return f"https://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The countries in their parts (`gateway.demo.cast`), and the folder they share."""

    base: Path
    host: Country
    home: Country
    declining: Country | None
    full: Country | None
    cast: Cast = OF_THE_PROGRAM
    database_port: int = 0
    """Where the PostgreSQL of several workers listens."""

    @property
    def countries(self) -> tuple[Country, ...]:
        """All of them, in the order in which they are shown."""
        return tuple(one for one in (self.host, self.home, self.declining, self.full) if one is not None)

    @property
    def evidence(self) -> Path:
        """The exported evidence bundle of the referral."""
        return self.base / "evidence" / "referral.json"

    @property
    def record(self) -> Path:
        """The whole story, line by line."""
        return self.base / "logs" / "story.log"

    @property
    def guarded(self) -> list[Path]:
        """Every folder in which nothing of a case may be readable: all but the case systems' own."""
        cases = self.base / "cases"
        return sorted(path for path in self.base.iterdir() if path.is_dir() and path != cases)


def plan_federation(base: Path, *, workers: int = 1, cast: Cast = OF_THE_PROGRAM) -> Federation:
    """Plan the countries under `base`, with ports that are free now; the host country as so many workers.

    Raises:
        RefusedError: there is something in the folder, or its path is too long for the sockets in it.
    """
    if base.exists() and (not base.is_dir() or any(base.iterdir())):
        raise RefusedError(
            Code.EXISTS, f"{base} exists and is not empty; nothing was changed", hint="name a new folder with --dir"
        )
    ports = find_free_ports(11 + 2 * workers)
    code = cast.host.code
    machines = [
        Machine(name=f"{code}-{number}" if number > 1 else code, base=base, port=port, console_port=console_port)
        for number, (port, console_port) in enumerate(zip(ports[11::2], ports[12::2], strict=True), 1)
    ]
    host = _plan(cast.host, base, "sheet", ("18", "21"), (ports[0], ports[6], 0), machines if workers > 1 else ())
    home = _plan(cast.home, base, "sql", ("04", "12"), (ports[1], ports[7], 0))
    declining, full = cast.declining, cast.full
    longest = max(len(bytes(folder / RUN / SOCKET)) for folder in (host.systems_door, machines[-1].node))
    if longest > LONGEST_SOCKET:
        raise RefusedError(
            Code.INVALID, f"the path {base} is too long for the sockets in it", hint="name a shorter one with --dir"
        )
    return Federation(
        base=base,
        host=host,
        home=home,
        declining=None
        if declining is None
        else _plan(declining, base, "primero", ("09", "02"), (ports[2], ports[8], ports[3])),
        full=None if full is None else _plan(full, base, "rest", ("03", "07"), (ports[4], ports[9], ports[5])),
        cast=cast,
        database_port=ports[10],
    )


def _plan(
    player: Player,
    base: Path,
    adapter: str,
    staff: tuple[str, str],
    ports: tuple[int, int, int],
    workers: Sequence[Machine] = (),
) -> Country:
    """Plan one country: `staff` are the numbers of who acts there, `ports` those of node, console and case system."""
    who, second = (f"{player.code.lower()}-{number}" for number in staff)
    return Country(
        code=player.code,
        title=player.title,
        person=who,
        second=second,
        language=player.language,
        adapter=adapter,
        base=base,
        port=ports[0],
        console_port=ports[1],
        system_port=ports[2],
        workers=tuple(workers),
    )


def make_folders(federation: Federation) -> None:
    """Make the folders, private to this user; the node folders are made by their own initialisation."""
    federation.base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("nodes", "cases", "adapters", "roots", "admins", "secrets", "tmp", "logs", "pairing", "evidence"):
        (federation.base / name).mkdir(mode=0o700)
    for country in federation.countries:
        country.cases.mkdir(mode=0o700)
        country.journal.parent.mkdir(mode=0o700)
        for machine in country.machines:
            machine.temporary.mkdir(mode=0o700)


def find_free_ports(count: int) -> list[int]:
    """Find ports of loopback that nobody listens on; all are held until the last is found, so they differ."""
    held = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for sock in held:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in held]
    finally:
        for sock in held:
            sock.close()
