"""`trm backup`: two files for an offline recovery key, made while the node works (nrm1 13.4).

    NAME-DATE.data       own chain, node.toml, the checkpoint kept beside the database, and a snapshot of the database
    NAME-DATE.keystore   own chain and the keyring without encryption seeds, closed inside of the key service

What was erased comes back only where a key of its storage epoch is left. Therefore a keystore backup is overdue as soon
as its epoch has ended: kept longer, it makes the erasure horizon longer, and it is named here each time.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.audit.log import AuditLog
from gateway.database import journal, meta
from gateway.database.atomic_file import read_kept
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.ledger import store as ledger
from gateway.ledger.files import LedgerWriter
from gateway.ports import Clock
from keys.backups.backup import CHUNK, Member, chain_member, read_header, read_pieces, seal_backup
from keys.backups.backup_header import Header, Kind, RecoveryPublic
from keys.documents.signed_note import NOTE_LIMIT

DATABASE: Final = "node.db"
SETTINGS: Final = "node.toml"
CHECKPOINT: Final = "checkpoint"
_PUBLIC_LIMIT: Final = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was written. `overdue` are keystore backups in the same folder that must be destroyed now."""

    data: Path
    keystore: Path
    recovery: str
    size: int
    overdue: tuple[str, ...]


class BackupMaker:
    """Makes backups of the running node, one at a time."""

    def __init__(
        self,
        *,
        store: Store,
        identity: Identity,
        log: AuditLog,
        ledger: LedgerWriter,
        config: Config,
        workers: Workers,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._identity = identity
        self._log = log
        self._config = config
        self._workers = workers
        self._clock = clock
        self._rand = rand
        self._backing_up = asyncio.Lock()

    async def make(self, folder: Path) -> Made:
        """Write both files into `folder`, which is made if it is not there; nothing is ever overwritten.

        Raises:
            RefusedError: invalid (no recovery key in node.toml, or the folder lies inside the node's), exists.
            TransientError: disk; no half file is left.
        """
        recovery = self._recovery()
        node = self._store.path.parent
        if folder.resolve().is_relative_to(node.resolve()):
            raise RefusedError(
                Code.INVALID,
                "the backup would lie inside the node folder; nothing was made",
                hint="name a folder on another disk",
            )
        async with self._backing_up:
            return await self._make(folder, node, recovery)

    async def _make(self, folder: Path, node: Path, recovery: RecoveryPublic) -> Made:
        now = self._clock.now()
        stem = f"{self._config.node.name}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
        data, keystore = folder / f"{stem}.data", folder / f"{stem}.keystore"
        copy = node / "run" / "backup.db"
        kept = read_kept(
            self._log.kept, NOTE_LIMIT
        )  # before the snapshot: the log in it is never shorter than this says
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            await asyncio.to_thread(self._store.database.copy, copy)
            header, sealed = await self._workers.off_loop(
                lambda: seal_backup(
                    self._members(node, kept, copy),
                    recovery,
                    node=self._identity.own.node,
                    at=now,
                    kind=Kind.DATA,
                    gen=self._identity.keys.gen,
                    epoch=self._identity.keys.epoch,
                    sign=self._identity.keys.sign,
                    rand=self._rand,
                )
            )
            await asyncio.to_thread(write_new, data, sealed)
            try:
                closed = await self._workers.off_loop(
                    lambda: self._identity.keys.backup(recovery, self._identity.own.chain_from(1), now)
                )
                await asyncio.to_thread(write_new, keystore, [closed])
            except BaseException:
                data.unlink(missing_ok=True)  # half a backup is none
                raise
        except OSError as exc:
            raise TransientError(
                Code.DISK, f"the backup cannot be written: {exc.strerror}", hint="check the disk"
            ) from exc
        finally:
            copy.unlink(missing_ok=True)

        def note(connection: Connection) -> None:
            meta.set_meta(connection, meta.BACKUP_MADE, str(now).encode())
            ledger.add_mark(connection, at=now)  # so that a ledger tells whether it goes beyond this backup
            made = leaf(now, "backup.made", of=header.sha256, kid=recovery.kid, epoch=header.epoch)
            journal.append_leaf(connection, made)

        await self._store.move(note)
        await self._ledger.write()
        overdue = await asyncio.to_thread(
            lambda: tuple(_overdue(folder, self._identity.own.node, self._identity.keys.epoch))
        )
        return Made(data=data, keystore=keystore, recovery=recovery.kid, size=header.size, overdue=overdue)

    def _recovery(self) -> RecoveryPublic:
        """The key to which backups are closed: who could change its file would read the next backup."""
        section = self._config.backup
        if section is None:
            raise RefusedError(
                Code.INVALID,
                "node.toml names no recovery key; nothing was made",
                hint="trm backup key new FILE on another machine, then [backup] recovery_key = FILE.public here",
            )
        path = section.recovery_key
        try:
            with path.open("rb") as file:
                mode, data = os.fstat(file.fileno()).st_mode, file.read(_PUBLIC_LIMIT)
        except OSError as exc:
            raise RefusedError(
                Code.NOT_FOUND, f"the recovery key {path} cannot be read", hint="see backup.recovery_key in node.toml"
            ) from exc
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise RefusedError(Code.INVALID, f"{path} can be changed by others", hint=f"chmod go-w {path}")
        try:
            return RecoveryPublic.parse(data)
        except RemoteError as exc:
            raise RefusedError(Code.INVALID, f"{path} is not the public half of a recovery key: {exc.what}") from exc

    def _members(self, node: Path, kept: bytes | None, copy: Path) -> list[Member]:
        return [
            chain_member(self._identity.own.chain_from(1)),
            Member.of(SETTINGS, (node / SETTINGS).read_bytes()),
            *([] if kept is None else [Member.of(CHECKPOINT, kept)]),
            Member(DATABASE, copy.stat().st_size, partial(_chunks, copy)),
        ]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from read_pieces(file.read)


def write_new(path: Path, content: Iterable[bytes]) -> None:
    """Write a new file, mode 0600, which is there whole or not at all. Raises RefusedError(exists), OSError."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb", buffering=CHUNK) as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # unlike a rename, never replaces
    except FileExistsError as exc:
        raise RefusedError(Code.EXISTS, f"{path.name} exists already", hint="nothing was overwritten") from exc
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _overdue(folder: Path, node: NodeId, epoch: int) -> Iterator[str]:
    """Keystore backups of this node that hold the key of a storage epoch that has ended."""
    for path in sorted(folder.glob("*.keystore")):
        with suppress(OSError, RemoteError), path.open("rb") as file:
            header: Header = read_header(file.read)[0]
            if (header.node, header.kind) == (node, Kind.KEYSTORE) and header.epoch < epoch:
                yield path.name
