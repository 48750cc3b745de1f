"""The nodes of three countries with the offices and people that stories have: paired once in a process, and copied."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.ceremony import ADMINS, aplay
from support.enrolled import enrolling
from support.nodechild import SteeredClock
from support.nodeproc import UNIT
from support.pair import START, Party, Two, introduce, make_party
from support.ports import free_port

from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind
from gateway.operations.roles import Role

NAMES = ("FR", "AL", "PL")
"""Each node is called as its country."""
REFUGE, GUARD = "refuge", "border-guard"
FOCAL_POINT, DELEGATED, BORDER_GUARD = "national_focal_point", "delegated_focal_point", "border_guard"
PEOPLE = {
    "worker": ("case worker", Role.CASE_WORKER, None, 0),
    "lead": ("focal point", Role.FOCAL_POINT, None, 1),
    "refuge": ("refuge worker", Role.CASE_WORKER, REFUGE, 0),
    "guard": ("officer", Role.CASE_WORKER, GUARD, 0),
}
"""Who works in a country: name, role, the unit that binds them, and the administrator who vouched for them."""


def offices_of(country: str) -> list[Unit]:
    """A national focal point, an NGO to which it delegated, and a border guard, to which Poland alone delegated."""
    guards = (BORDER_GUARD, DELEGATED) if country == "PL" else (BORDER_GUARD,)
    return [
        Unit(id=UNIT, name=f"Focal point {country}", kind=UnitKind.PUBLIC_AUTHORITY, roles=(FOCAL_POINT,)),
        Unit(id=REFUGE, name=f"Refuge {country}", kind=UnitKind.NGO, roles=(DELEGATED, "shelter_provider")),
        Unit(id=GUARD, name=f"Border guard {country}", kind=UnitKind.PUBLIC_AUTHORITY, roles=guards),
    ]


@dataclass(frozen=True)
class Made:
    """The folders of three nodes that were paired and then stopped, when, and who works there."""

    base: Path
    at: int
    tokens: Mapping[str, Mapping[str, str]]

    def copy(self, name: str, base: Path, clock: SteeredClock) -> Party:
        """One of them as a node of `base`."""
        for folder in (name, f"{name}-roots"):
            shutil.copytree(self.base / folder, base / folder, ignore=shutil.ignore_patterns("*.sock"))
        settings = base / name / "node.toml"
        settings.write_text(settings.read_text().replace(str(self.base), str(base)))
        return Party(name, base / name, clock)


_kept: list[Made] = []


async def paired() -> Made:
    """Those of this process, made at the first time."""
    if not _kept:
        _kept.append(await _make())
    return _kept[0]


async def _make() -> Made:
    base = Path(tempfile.mkdtemp(prefix="trm-stories-"))
    atexit.register(shutil.rmtree, base)
    clock = SteeredClock(START)
    made: list[Party] = []
    try:
        for name in NAMES:
            made.append(await make_party(base, name, clock, free_port(), offices_of(name)))
            await made[-1].start()
        for a, b in itertools.combinations(made, 2):
            await introduce(a, b)
        await Two(made[0], made[1], clock).until(lambda: _all_agree(made), seconds=60, what="they agree")
        tokens = {party.name: await _enrol(party) for party in made}
    finally:
        for party in made:
            await party.stop()
    return Made(base, clock.now(), tokens)


def all_heard(parties: Sequence[Party]) -> bool:
    """Whether each of them has told its keys to each other one."""
    pairs = [(a.running.upkeep, a.running.peers.find(b.name).node) for a, b in itertools.permutations(parties, 2)]
    return all(node in upkeep._pushed for upkeep, node in pairs)


def _all_agree(made: Sequence[Party]) -> bool:
    pairs = [(a, a.running.peers.find(b.name)) for a, b in itertools.permutations(made, 2)]
    return all(peer.keyset is not None and a.agreed(peer.name) for a, peer in pairs)


async def _enrol(party: Party) -> dict[str, str]:
    """The people of a country; the token of each."""
    tokens = {}
    for who, (name, role, unit, admin) in PEOPLE.items():
        enrolled = await aplay(enrolling(f"{party.name} {name}", role, unit=unit, admin=ADMINS[admin]), party.call)
        tokens[who] = enrolled.token
    return tokens
