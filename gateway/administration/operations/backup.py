"""Backups of this node, and where links stand that have to be reset after a restore (nrm1 5.8, 13.4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.administration.backup import BackupMaker
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.operations.arguments import Arguments, only, text
from gateway.operations.table import Operation
from gateway.ports import OperationResult


class BackupOperations:
    """Operations on backups."""

    def __init__(self, *, backups: BackupMaker, config: Config) -> None:
        self._backups = backups
        self._config = config

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "backup.make": self.make,
        }

    async def make(self, arguments: Arguments) -> OperationResult:
        """Write two encrypted files into a folder of this machine, while the node works; what is there already
        stays.
        """
        only(arguments, "folder")
        folder = Path(text(arguments, "folder"))
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
