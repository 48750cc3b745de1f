"""A training as `trm demo --training` leaves it, for tests that look at its pages: nodes that run, people who sign in.

It takes minutes to fill. `TRM_TRAINING` names the folder of one that is up already; a test run then takes that one and
leaves it up. Tests change what lies on its desks, so a fresh one is what counts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from playwright.async_api import Browser
from support import keycost
from support.browser import Seat, seat
from support.house import ROOT
from support.offices import enrol

from gateway.demo.people import let_in
from gateway.demo.training.crew import Crew
from gateway.demo.training.founding import Admins, load_admins
from gateway.demo.training.places import find_training
from gateway.demo.training.play import Training

RUN = "import sys; from pathlib import Path; from gateway.demo.training.tell import run_training; "
LONGEST = 600
"""Seconds; the whole takes about 200 on two cores."""
UP = "TRM_TRAINING"


def start(base: Path, cases: int) -> subprocess.CompletedProcess[str]:
    """Make or continue a training of so many cases."""
    words = [sys.executable, "-c", RUN + f"run_training(Path(sys.argv[1]), cases={cases})", str(base)]
    return subprocess.run(
        words, cwd=ROOT, env=keycost.environment(), capture_output=True, text=True, timeout=LONGEST, check=False
    )


def stop(base: Path) -> None:
    """End the nodes of a training, by the process ids that it tells people to end."""
    pids = [int(pid) for pid in (base / "pids").read_text().split()]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while any((Path("/proc") / str(pid) / "cmdline").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)


def opened(base: Path) -> Training:
    """The training in a folder, to ask its nodes as its people."""
    place = find_training(base)
    assert place is not None
    return Training(place, lambda _: None)


@dataclass(frozen=True)
class Trained:
    """A training whose nodes are up."""

    base: Path

    @cached_property
    def training(self) -> Training:
        """What was done in it, and its crews."""
        return opened(self.base)

    @cached_property
    def admins(self) -> Admins:
        """The administrators of each country."""
        with keycost.cheap():
            return load_admins(self.training.place)

    def crew(self, country: str) -> Crew:
        """The people of a country."""
        return self.training.crews[country]

    def origin(self, country: str) -> str:
        """Where the console of a country is."""
        return f"http://localhost:{self.training.place.country(country).console_port}"

    def invite(self, country: str, name: str, *roles: str, language: str, admin: int = 0) -> str:
        """Somebody new in a country; the code of their invitation. Who may release is let in by an administrator."""
        crew = self.crew(country)
        asked = crew.owner("person.add", name=name, roles=[*roles], language=language)
        if asked.get("waits"):
            asked = let_in(crew.owner, self.admins[country][admin], asked)
        return str(asked["code"])

    @asynccontextmanager
    async def person(
        self, browser: Browser, country: str, name: str, *roles: str, language: str, admin: int = 0
    ) -> AsyncIterator[Seat]:
        """Somebody new, invited and signed in at a browser of their own."""
        code = self.invite(country, name, *roles, language=language, admin=admin)
        async with seat(browser, self.origin(country), locale=language) as found:
            await enrol(found, code)
            yield found


@contextmanager
def trained(base: Path, cases: int) -> Iterator[Trained]:
    """A training that is filled, or the one that is up."""
    if there := os.environ.get(UP):
        yield Trained(Path(there))
        return
    ran = start(base, cases)
    try:
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
        yield Trained(base)
    finally:
        if (base / "pids").exists():
            stop(base)
