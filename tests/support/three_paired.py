"""Three nodes that are paired with each other: once in a process, and then copied. Each makes backups for one offline
key, and keeps a ledger that does not lie on its disk.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.ceremony import ADMINS, aplay, change
from support.nodechild import CHEAP, SteeredClock
from support.pair import START, Party, introduce, make_party
from support.policies import open_on, text_of
from support.ports import free_port
from support.three_nodes import NAMES, WAYS, Trio

from keys.offline.recovery_key import create_recovery, load_recovery, public_path
from keys.primitives.seal import EncPrivateKey

MEMORY = Path("/dev/shm")
RECOVERY = "recovery"


def new_folder() -> Path:
    """An empty folder, in memory where the machine has such a place."""
    return Path(tempfile.mkdtemp(prefix="trm-three-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))


@dataclass(frozen=True)
class _Paired:
    base: Path
    at: int
    recovery: EncPrivateKey


_kept: list[_Paired] = []


async def three_nodes(base: Path) -> Trio:
    """Three nodes, each pair of them paired, with policies that let everything leave: copies of those made first."""
    if not _kept:
        _kept.append(await _pair())
    made = _kept[0]
    trio = Trio(base, made.recovery)
    for name in NAMES:
        for folder in (name, f"{name}-roots"):
            shutil.copytree(made.base / folder, base / folder, ignore=shutil.ignore_patterns("*.sock"))
        settings = base / name / "node.toml"
        settings.write_text(settings.read_text() + f'ledger = "{trio.ledger(name)}"\n')
        trio.parties[name] = Party(name, base / name, SteeredClock(made.at))
        await trio.open(name)
    for name in NAMES:
        await trio.node(name).time.ask()
        await trio.witness(name)
    return trio


async def _pair() -> _Paired:
    base = new_folder()
    atexit.register(shutil.rmtree, base)
    key = base / "recovery.key"
    create_recovery(key, RECOVERY, now=0, cost=CHEAP)
    recovery = load_recovery(key, RECOVERY, at_least=CHEAP)
    clock = SteeredClock(START)
    trio = Trio(base, recovery)
    for name in NAMES:
        trio.parties[name] = await make_party(base, name, clock, free_port())
        with (base / name / "node.toml").open("a") as settings:
            settings.write(f'\n[backup]\nrecovery_key = "{public_path(key)}"\n')
        await trio.open(name)
    for a, b in itertools.combinations(NAMES, 2):
        await introduce(trio.parties[a], trio.parties[b])
    wide = text_of(open_on(*WAYS))
    for party in trio.parties.values():
        await aplay(change(ADMINS, "policy.widen", "node", policy=wide), party.call)
    for _ in range(3):
        for name in NAMES:
            await trio.do_chores(name)
    clock.advance(1)
    assert all(trio.parties[a].agreed(b) for a, b in WAYS)
    await trio.close()
    return _Paired(base, clock.now(), recovery)
