"""Backups of this node, and where links stand that have to be reset after a restore (PROTOCOL B3, B9)."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import Code, RefusedError
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, only, text
from gateway.peers.link_reset_state import ResetState
from gateway.ports import Json, OperationResult
from keys.documents.link_reset import Reset, reset_hash
from keys.primitives.sign import RESET, SignedDocument


async def make(parts: Parts, arguments: Arguments) -> OperationResult:
    """Write two encrypted files into a folder of this machine, while the node works; what is there already stays."""
    only(arguments, "folder")
    folder = Path(text(arguments, "folder"))
    if not folder.is_absolute():
        raise RefusedError(Code.INVALID, "the folder of a backup is named by its whole path; nothing was made")
    made = await parts.backups.make(folder)
    return OperationResult(
        value={
            "data": str(made.data),
            "keystore": str(made.keystore),
            "recovery": made.recovery,
            "size": made.size,
            "overdue": [*made.overdue],
            "epoch_days": parts.config.storage.epoch_days,
        }
    )


def link(parts: Parts, node: str) -> Json:
    """Where the reset of one link stands; None where it never was reset and needs none."""
    row = parts.book.reset(node)
    if row is None:
        return None
    offer: Json = None
    if row.offer is not None:
        payload = SignedDocument.decode(row.offer, RESET).payload
        asked = Reset.parse(payload)
        offer = {"reset": reset_hash(payload), "epoch": asked.epoch, "backup": asked.backup, "at": asked.created}
    waits = row.state != ResetState.OPEN or row.offer is not None
    return {"state": row.state, "waits": waits, "since": row.at, "backup": row.backup, "offer": offer}
