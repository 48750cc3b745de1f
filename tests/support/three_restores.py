"""What happens to a node of three that loses its disk: it is put back from a backup, with its ledger or without one,
people at both ends of each link let it begin anew, and those of the node do what docs/backup.md asks of them.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.nodechild import CHEAP
from support.pair import PASSPHRASE
from support.promises import WITHDRAWAL, Memory
from support.three_acts import Acts
from support.three_nodes import ANA, NAMES, WAYS, Trio

from gateway.administration.restore import restore
from gateway.errors import GatewayError, RefusedError
from gateway.foundation.node_folder import ATTACHMENTS
from gateway.peers.link_reset_state import ResetState
from gateway.peers.registry import Peer

ROUNDS = 4
"""Times that people at both ends try to agree on a reset."""
STEPS = ("approve", "ask", "accept")
"""What two people of a restored node, the node, and one person of its peer do."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """Both files, a copy of the attachments, when they were made by the clock of the node, and what it knew then."""

    data: Path
    keystore: Path
    files: Path
    at: int
    memory: Memory


class Restores:
    """Backups of three nodes, and what comes of them."""

    def __init__(self, trio: Trio, acts: Acts) -> None:
        self._trio = trio
        self._acts = acts
        self._made: dict[str, list[Backup]] = {name: [] for name in NAMES}
        self._number = 0
        self._restored: set[str] = set()

    async def back_up(self, name: str) -> None:
        """What `trm backup` writes now."""
        self._number += 1
        folder = self._trio.base / f"backup-{self._number}"
        made = await self._acts.ask(name, "backup.make", folder=str(folder))
        if made is None:
            return
        shutil.copytree(self._trio.parties[name].folder / ATTACHMENTS, folder / ATTACHMENTS)
        backup = Backup(
            data=Path(made["data"]),
            keystore=Path(made["keystore"]),
            files=folder / ATTACHMENTS,
            at=self._trio.parties[name].clock.now(),
            memory=self._trio.promises.remember(name),
        )
        self._made[name].append(backup)

    async def lose(self, name: str, *, ledger: bool) -> None:
        """The disk of a node is gone, and the node is made again of its newest backup; nothing without one."""
        party, at = self._trio.parties[name], self._trio.right_time(name)
        usable = [backup for backup in self._made[name] if backup.at <= at]
        if not usable:
            return
        backup = usable[-1]
        await self._trio.end(name)
        shutil.rmtree(party.folder)
        self._trio.set_clock_right(name)  # a clock that is earlier than the backup is refused
        told = ledger and await self._put_back(name, backup, self._trio.ledger(name))
        if not told:
            self._trio.ledger(name).unlink(missing_ok=True)
            assert await self._put_back(name, backup, None)
        shutil.copytree(backup.files, party.folder / ATTACHMENTS, dirs_exist_ok=True)
        self._acts.met[f"restored {'with' if told else 'without'} its ledger"] += 1
        self._restored.add(name)
        back = self._trio.promises.put_back(name, backup.memory, ledger=told)
        await self._trio.open(name)
        await self._trio.witness(name)
        await self._look_after(name, back)

    async def _put_back(self, name: str, backup: Backup, ledger: Path | None) -> bool:
        party = self._trio.parties[name]
        try:
            await restore(
                *(backup.data, backup.keystore, self._trio.recovery, party.folder, PASSPHRASE),
                ledger=ledger,
                clock=party.clock,
                cost=CHEAP,
            )
        except RefusedError:
            assert ledger is not None, "a backup does not open"
            return False
        return True

    async def _look_after(self, name: str, back: set[str]) -> None:
        """People withdraw once more what they know to be withdrawn, so that every country hears of it, confirm what
        is left, and erase again what is back.
        """
        promises = self._trio.promises
        for part, known in ((False, promises.stopped), (True, promises.narrowed)):
            for consent in sorted(consent for node, consent in known if node == name):
                await self._acts.withdraw_again(name, consent, part=part)
        waiting = await self._acts.ask(name, "consent.unconfirmed")
        for line in [] if waiting is None else waiting["cases"]:
            await self._acts.ask(name, "consent.confirm", by=ANA, case=line["of_case"]["id"])
        for id in sorted(back):
            await self._acts.erase(name, promises.letters[id])

    async def withdraw_what_came_back(self) -> None:
        """People answer the alarm that a consent was withdrawn again, by which nobody is told: they withdraw it too."""
        query = "select seq from alarm where kind = 'consent.withdrawn_again' and dismissed is null"
        promises = self._trio.promises
        for name in sorted(self._restored):
            alarms = await self._trio.rows(name, query)
            for consent in sorted({consent for _, consent in self._acts.withdrawn}) if alarms else ():
                whole = any(known == consent for _, known in promises.stopped)
                await self._acts.withdraw_again(name, consent, part=not whole)
            for (seq,) in alarms:
                await self._acts.ask(name, "alarm.dismiss", by=ANA, id=str(seq))

    async def begin_links_anew(self) -> None:
        """People at both ends of each link that needs it begin it anew, as far as the two reach each other."""
        for _ in range(ROUNDS):
            needed = [way for way in WAYS if self._peer(*way) and self._state(*way) != ResetState.OPEN]
            for way in needed:
                with suppress(GatewayError):
                    await self._begin(*way)
            if not needed:
                return

    async def send_again(self) -> None:
        """People send withdrawals again that came back from a restore: without having arrived, as their peers said. So
        they do with what ended at a time on which two nodes wrongly agreed: an alarm says that it failed.
        """
        for name in self._restored | (self._trio.misled if len(self._trio.misled) > 1 else set()):
            query = "select id from message where direction = 'out' and state = 'failed' and reason in {}"
            for (id,) in await self._trio.rows(name, query.format(("restored", "expired"))):
                shown = await self._acts.ask(name, "message.show", id=id)
                if shown is not None and shown["type"] == WITHDRAWAL:
                    await self._acts.ask(name, "message.resend_many", by=ANA, state="failed", message=id)

    async def _begin(self, name: str, other: str) -> None:
        """Two people here, then one there, and the node asks again."""
        for step in (*STEPS, "ask"):
            await self._decide(name, other, step)

    async def decide(self, name: str, other: str, step: str) -> None:
        """One of the steps, as far as it is possible now."""
        with suppress(GatewayError):
            await self._decide(name, other, step)

    async def _decide(self, name: str, other: str, step: str) -> None:
        here, there = self._trio.parties[name], self._trio.parties[other]
        if self._peer(name, other) is None:
            return
        match step:
            case "approve":
                refused = "peer.reset_refused" in await here.alarms()
                if self._state(name, other) in (ResetState.REQUIRED, ResetState.ASKED if refused else None):
                    await here.changes("link.reset", other)
            case "ask":
                await here.running.link_reset.press()
            case "accept":
                row = there.running.peers.reset(here.running.own.node)
                if row is not None and row.offer is not None:
                    await there.changes("link.accept_reset", name)

    def _peer(self, name: str, other: str) -> Peer | None:
        return self._trio.node(name).peers.get(self._trio.node(other).own.node)

    def _state(self, name: str, other: str) -> str:
        row = self._trio.node(name).peers.reset(self._trio.node(other).own.node)
        return ResetState.OPEN if row is None else row.state
