"""Two live nodes, of which FR makes backups for an offline key, loses its disk, and comes back (docs/backup.md)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.nodechild import CHEAP
from support.pair import PASSPHRASE, Party, Two, two_nodes

from gateway.administration.restore import Restored, restore
from keys.offline.recovery_key import create_recovery, load_recovery, public_path
from keys.primitives.seal import EncPrivateKey

RECOVERY = "recovery"


@dataclass
class Drill:
    """Two live nodes, of which FR makes backups, and the offline key."""

    two: Two
    base: Path
    key: EncPrivateKey
    number: int = 0

    async def backup(self) -> tuple[Path, Path]:
        """What `trm backup` writes now."""
        self.number += 1
        made = await self.two.fr.call("backup.make", folder=str(self.base / f"backup-{self.number}"))
        return Path(made["data"]), Path(made["keystore"])

    async def lose(self) -> None:
        """The disk of FR is gone."""
        await self.two.fr.stop()
        shutil.rmtree(self.two.fr.folder)

    async def restore(
        self, data: Path, keystore: Path, ledger: Path | None = None, lost: int | None = None
    ) -> Restored:
        """FR out of two backup files, with a new passphrase file of the same word, and running."""
        made = await restore(
            *(data, keystore, self.key, self.two.fr.folder, PASSPHRASE),
            ledger=ledger,
            lost=lost,
            clock=self.two.clock,
            cost=CHEAP,
        )
        await self.two.fr.start()
        return made

    async def lose_all_but(self, data: Path, keystore: Path, ledger: Path | None = None) -> None:
        """The disk is gone, the backup is not."""
        await self.lose()
        await self.restore(data, keystore, ledger)

    @property
    def ledger(self) -> Path:
        """The ledger of FR, which does not lie on the disk that it loses."""
        return self.base / "fr.ledger"

    async def reset(self) -> None:
        """Two people at FR, then one at AL, begin the link anew; both nodes have heard of it."""
        two = self.two
        await two.fr.changes("link.reset")
        await two.until(lambda: _is_asked(two.al), seconds=200)
        await two.al.changes("link.accept_reset")
        await two.until(lambda: two.fr.running.peers.speaks(two.fr.peer().node), seconds=200)


def _is_asked(party: Party) -> bool:
    """Whether the peer asks this party to begin the link anew, and nobody has accepted it yet."""
    row = party.running.peers.reset(party.peer().node)
    return row is not None and row.offer is not None


@asynccontextmanager
async def drills(base: Path) -> AsyncIterator[Drill]:
    """Two nodes, paired and serving; FR knows the public half of a recovery key."""
    file = base / "recovery.key"
    create_recovery(file, RECOVERY, now=0, cost=CHEAP)
    async with two_nodes(base) as two:
        await two.fr.stop()
        settings = two.fr.folder / "node.toml"
        section = ["[backup]", f'recovery_key = "{public_path(file)}"', f'ledger = "{base}/fr.ledger"']
        settings.write_text("\n".join([settings.read_text(), *section, ""]))
        await two.fr.start()
        await two.until(lambda: two.fr.agreed() and two.al.agreed(), seconds=60)
        yield Drill(two=two, base=base, key=load_recovery(file, RECOVERY, at_least=CHEAP))


async def settled(party: Party, ids: list[str], state: str = "awaiting_opening") -> bool:
    """Whether all these messages are in a state."""
    return [await party.state(id) for id in ids] == [state] * len(ids)
