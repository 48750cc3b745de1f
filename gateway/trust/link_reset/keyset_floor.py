"""The keyset of a node that does not know which ones it has issued since a backup."""

from __future__ import annotations

from sqlalchemy import Connection, text

from gateway.database import meta
from gateway.identity.own_identity import KEYSET_FLOOR
from keys.documents.keyset import KEYSETS
from keys.primitives.encoding import parse
from keys.primitives.sign import SignedDocument


def forget_keyset(connection: Connection, at: int) -> None:
    """The next keyset is above every one that was issued since."""
    keyset = meta.get_meta(connection, "keyset")
    if keyset is not None:
        connection.execute(text("delete from meta where key = 'keyset'"))
        meta.set_meta(connection, KEYSET_FLOOR, str(_floor(keyset, at)).encode())


def _floor(keyset: bytes, at: int) -> int:
    """A version no lower than any that was issued after the backup: keysets are dated by the second."""
    held = parse(SignedDocument.decode(keyset, *KEYSETS).payload, limit=200_000)
    if not isinstance(held, dict) or not isinstance(held["version"], int) or not isinstance(held["issued"], int):
        raise RuntimeError("the own keyset has its shape")
    return held["version"] + max(0, at - held["issued"]) + 1
