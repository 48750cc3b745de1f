"""The folder of a training: four countries, two that host people and two to which people return, and what was begun.

As that of the demonstration (`gateway.demo.places`), and besides

training.json   the ports, and how many cases there are to be        steps.jsonl   what was done, one line a step
clock           by how much the nodes' clock is behind               secrets/FR-people.json   how its people sign in
files/          what was attached                                    pids          the programs that run
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gateway.database.atomic_file import write_kept
from gateway.demo.places import LONGEST_SOCKET, Country, find_free_ports
from gateway.demo.training.script import choose_cases
from gateway.errors import Code, RefusedError
from gateway.foundation.node_folder import RUN, SOCKET

PLAN = "training.json"
HOSTS = ("FR", "IT")
"""Where people are who were exploited; from here they are referred to where they come from."""
_COUNTRIES = (
    ("FR", "France", "fr"),
    ("IT", "Italy", "it"),
    ("AL", "Albania", "sq"),
    ("MA", "Morocco", "ar"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlace:
    """The folder and the countries in it; `cases` says how many cases there are to be."""

    base: Path
    countries: tuple[Country, ...]
    cases: int

    @property
    def clock(self) -> Path:
        """The file that says by how much the clock is behind."""
        return self.base / "clock"

    @property
    def steps(self) -> Path:
        """The journal of what was done."""
        return self.base / "steps.jsonl"

    @property
    def pids(self) -> Path:
        """The process ids of the programs that were left running."""
        return self.base / "pids"

    @property
    def files(self) -> Path:
        """The folder of what is attached."""
        return self.base / "files"

    def country(self, code: str) -> Country:
        """Return the country with this code."""
        return next(country for country in self.countries if country.code == code)


def people_file(country: Country) -> Path:
    """The file with the tokens and invitations of a country's people."""
    return country.secret("people").with_suffix(".json")


def find_training(base: Path) -> TrainingPlace | None:
    """Return the training that was begun in a folder, None if there is none."""
    try:
        said = json.loads((base / PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return _place(base, said["countries"], said["ports"], said["cases"])


def begin_training(base: Path, *, cases: int) -> TrainingPlace:
    """Make the folders of a new training, and write down what it is to be: all cases, or the few of one pair.

    Raises:
        RefusedError: something else is in the folder, or its path is too long for the sockets in it.
    """
    if base.exists() and (not base.is_dir() or any(base.iterdir())):
        raise RefusedError(
            Code.EXISTS,
            f"{base} is not empty and no training was begun in it; nothing was changed",
            hint="name a new folder with --dir",
        )
    scripts = choose_cases(cases)
    codes = {code for script in scripts for code in (script.sender, script.recipient)}
    chosen = [code for code, _, _ in _COUNTRIES if code in codes]
    ports = find_free_ports(2 * len(chosen))
    place = _place(base, chosen, ports, cases)
    longest = max(len(bytes(country.node / RUN / SOCKET)) for country in place.countries)
    if longest > LONGEST_SOCKET:
        raise RefusedError(
            Code.INVALID, f"the path {base} is too long for the sockets in it", hint="name a shorter one with --dir"
        )
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("nodes", "roots", "admins", "secrets", "tmp", "logs", "pairing", "files"):
        (base / name).mkdir(mode=0o700)
    for country in place.countries:
        country.temporary.mkdir(mode=0o700)
    plan = {"countries": chosen, "ports": ports, "cases": cases}
    write_kept(base / PLAN, json.dumps(plan).encode())
    return place


def _place(base: Path, codes: list[str], ports: list[int], cases: int) -> TrainingPlace:
    countries = tuple(
        Country(
            code=code,
            title=title,
            person=f"{code.lower()}-01",
            second=f"{code.lower()}-02",
            language=language,
            adapter="",
            base=base,
            port=ports[2 * place],
            console_port=ports[2 * place + 1],
        )
        for place, (code, title, language) in enumerate(each for each in _COUNTRIES if each[0] in codes)
    )
    return TrainingPlace(base=base, countries=countries, cases=cases)
