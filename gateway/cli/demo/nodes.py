"""The nodes of the demonstration: made in this process, run as processes of their own.

They are what `trm init` and `trm serve` make and run; only `demo = true` and the log level are particular.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from adapters.folder import FolderAdapter
from gateway.cli.demo.chronicle import wait_until
from gateway.cli.demo.places import Country, Federation
from gateway.clock import SystemClock
from gateway.config import AdapterSection, Unit
from gateway.errors import Code, RefusedError
from gateway.newnode import Made, Plan, make_node
from keys.admin import Admin, create_admin
from keys.encoding import b64u
from keys.keystore import system_rand

UNIT = "focal-point"
ROLE = "national_focal_point"
POLL_SECONDS = 1
STOP_SECONDS = 15.0
_TITLES = {"FR": "Cellule nationale (demo)", "AL": "Zyra kombëtare (demo)", "UA": "Національний центр (demo)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A node that was made, and the keys of its two administrators."""

    node: Made
    admins: tuple[Admin, ...]


def make_nodes(federation: Federation) -> list[Founded]:
    """Make the three nodes at once, in the order of the countries."""

    async def every() -> list[Founded]:
        return list(await asyncio.gather(*(_make(country) for country in federation.countries)))

    return asyncio.run(every())


async def _admins(country: Country) -> tuple[Admin, ...]:
    """Two administrators, each with a key file."""
    secret, now = b64u(system_rand(18)), SystemClock().now()
    write_private(country.admin_secret, secret)
    made = [
        asyncio.to_thread(create_admin, path, secret, label=f"{country.code} administrator {number}", now=now)
        for number, path in enumerate(country.admin_files, 1)
    ]
    return tuple(await asyncio.gather(*made))


async def _make(country: Country) -> Founded:
    admins = await _admins(country)
    passphrase = b64u(system_rand(18))
    write_private(country.passphrase_file, passphrase)
    if country.adapter == "folder":
        FolderAdapter.create(country.case_system)
    made = await make_node(
        Plan(
            folder=country.node,
            roots=country.roots,
            name=country.code,
            country=country.code,
            endpoint=country.address,
            listen=country.address.removeprefix("https://"),
            contact="duty desk (demo)",
            units=[Unit(id=UNIT, name=_TITLES[country.code], kind="public_authority", roles=(ROLE,))],
            demo=True,
            admins=[admin.card for admin in admins],
            adapter=AdapterSection.model_validate(
                {"kind": country.adapter, "path": str(country.case_system), "poll_seconds": POLL_SECONDS}
            ),
        ),
        passphrase,
        b64u(system_rand(18)),
        clock=SystemClock(),
    )
    settings = country.node / "node.toml"
    with settings.open("a", encoding="utf-8") as file:
        file.write('\n[log]\nlevel = "debug"\n')
    return Founded(node=made, admins=admins)


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


class Nodes:
    """The running processes. `alive` raises when one has ended that should run; the lock is because waits ask it from
    threads.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[Country, subprocess.Popen[bytes]]] = {}
        self._lock = threading.Lock()

    @property
    def pids(self) -> Sequence[int]:
        """The process ids of what runs."""
        return [process.pid for _, process in self._running.values()]

    def start(self, countries: Sequence[Country]) -> None:
        """Start these nodes and wait until each takes requests."""
        for country in countries:
            with country.log.open("ab") as log:
                # In a session of its own: an interrupt at the terminal is for the demonstration, which stops its nodes.
                process = subprocess.Popen(  # noqa: S603 - our own program with fixed words
                    _serve(country), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            with self._lock:
                self._running[country.code] = (country, process)
        for country in countries:
            wait_until(f"the node of {country.title} to take requests", partial(self._ready, country))

    def _ready(self, country: Country) -> bool:
        self.alive()
        return is_live(country)

    def alive(self) -> None:
        """Nothing, unless a node has ended by itself.

        Raises:
            RefusedError: it names the node and its exit code.
        """
        with self._lock:
            for country, process in self._running.values():
                code = process.poll()
                if code is not None:
                    raise RefusedError(
                        Code.UNREACHABLE,
                        f"the node of {country.title} ended by itself, exit {code}",
                        hint=f"its last words are in {country.log}",
                    )

    def kill(self, country: Country) -> None:
        """As a power cut would: no chance to finish anything."""
        with self._lock:
            _, process = self._running.pop(country.code)
        process.kill()
        process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Stop all that run, politely; what does not end in time is killed."""
        with self._lock:
            running = list(self._running.values())
            self._running.clear()
        for _, process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _, process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)

    def leave(self) -> None:
        """Let them run on after this process."""
        with self._lock:
            self._running.clear()


def _serve(country: Country) -> list[str]:
    words = ["--node", str(country.node), "--passphrase-file", str(country.passphrase_file)]
    return ["/usr/bin/env", f"TMPDIR={country.temporary}", sys.executable, "-m", "gateway.cli", "serve", *words]


def is_live(country: Country) -> bool:
    """Whether the node answers on its socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.connect(str(country.socket))
            sock.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in sock.recv(64)
    except OSError:
        return False


def today() -> date:
    """The day in UTC by the clock that the nodes use."""
    return datetime.fromtimestamp(SystemClock().now(), UTC).date()
