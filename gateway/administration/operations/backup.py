"""Backups of this node, and where links stand that have to be reset after a restore (nrm1 5.8, 13.4)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.administration.backup import BackupMaker
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.operations.models import Answer, Asked, Count, Text
from gateway.operations.registry import About, operation
from gateway.operations.roles import OWNER_ONLY
from gateway.ports import OperationResult


class MakeBackup(Asked):
    """Where a backup goes."""

    folder: Text = Field(description="the whole path of a folder on the node's machine")


class Backup(Answer):
    """The files that were made."""

    data: str
    keystore: str
    recovery: str
    size: Count
    overdue: list[str]
    epoch_days: int


class BackupOperations:
    """Operations on backups."""

    def __init__(self, *, backups: BackupMaker, config: Config) -> None:
        self._backups = backups
        self._config = config

    @operation(
        "backup.make",
        "two encrypted files for the recovery key",
        roles=OWNER_ONLY,
        about=About.NODE,
        answer=Backup,
        example={"folder": "/srv/backups/2026-11-27"},
    )
    async def make(self, asked: MakeBackup) -> OperationResult:
        """Write two encrypted files into a folder of this machine, while the node works; what is there already
        stays.
        """
        folder = Path(asked.folder)
        if not folder.is_absolute():
            raise RefusedError(Code.INVALID, "the folder of a backup is named by its whole path; nothing was made")
        made = await self._backups.make(folder)
        return OperationResult(
            value={
                "data": str(made.data),
                "keystore": str(made.keystore),
                "recovery": made.recovery,
                "size": made.size,
                "overdue": [*made.overdue],
                "epoch_days": self._config.storage.epoch_days,
            }
        )
