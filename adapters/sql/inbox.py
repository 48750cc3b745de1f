"""Into the office's database: one row for each key, for ever; erasing empties the row and keeps its key.

The primary key is the promise: a second insert of one key is refused by the database itself, also from another process
and after a kill at any moment, and since nobody may delete rows, also long after.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from adapters.kit.items import item_to_json, notice_to_json
from adapters.kit.names import KEY_BYTES, key_name
from adapters.kit.strict_json import write_json
from adapters.sql.database import translate_errors
from adapters.sql.tables import ERASED, MESSAGE, NEW, NOTICE, SETTLED
from gateway.errors import Code, RefusedError
from gateway.ports import Delivery, Erasure, Json, Notice

ATTEMPT = "~"
"""Stands between the ref of a row and the number of the attempt; no ref that an office gives has it."""
_KEY = re.compile(r"[!-}]{1,160}")


def put_all(connection: Connection, inbox: Table, items: Sequence[Delivery | Notice]) -> list[str | RefusedError]:
    """Insert new items in order, in the caller's transaction; the key of an item is its local id."""
    outcomes: list[str | RefusedError] = []
    known = _known(connection, inbox, [item.key for item in items])
    for item in items:
        try:
            if item.key not in known:
                _insert(connection, inbox, _row(item))
                known.add(item.key)
            outcomes.append(item.key)
        except RefusedError as error:
            outcomes.append(error)
    return outcomes


def record_reading(connection: Connection, inbox: Table, ref: str, version: str | None, notice: Notice) -> None:
    """Record the outcome of reading a row; a later reading of the same attempt replaces an earlier one.

    Without a version, as after a restart, only a recorded outcome can be settled again.
    """
    key = f"{ATTEMPT}{key_name(ref)}"
    known = bool(_known(connection, inbox, [key]))
    if version is None:
        if not known:
            raise RefusedError(Code.NOT_FOUND, "no such record in the view")
        return
    record, attempt = split_ref(ref)
    row = {
        "kind": SETTLED,
        "type": str(notice.kind),
        "record": record,
        "attempt": attempt,
        "version": version,
        "message_id": notice.message_id,
        "conversation": notice.conversation,
        "received_at": _moment(notice.at),
        "state": NEW,
        "document": _text(notice_to_json(notice)),
    }
    if known:
        connection.execute(update(inbox).where(inbox.c.item_key == key).values(row))
    else:
        _insert(connection, inbox, row | {"item_key": key})


def read_status(connection: Connection, inbox: Table, local_id: str) -> str:
    """Read the state of the row: `new`, `erased`, or the office's own word."""
    return _find(connection, inbox, local_id)


def erase_row(connection: Connection, inbox: Table, local_id: str) -> Erasure:
    """Empty the row. Its key, type and ids stay, so that no repeat can bring the content back."""
    if _find(connection, inbox, local_id) != ERASED:
        emptied = {"document": None, "sender_name": None, "state": ERASED}
        connection.execute(update(inbox).where(inbox.c.item_key == local_id).values(emptied))
    return Erasure.ERASED


def forget_record(connection: Connection, inbox: Table, ref: str) -> bool:
    """Empty what was noted of a record: how its reading ended, and the news about it; returns whether there was any.

    The key of a reading is made from the ref, so it is replaced; nobody may delete a row.
    """
    record, attempt = split_ref(ref)
    about = (inbox.c.record == record, inbox.c.attempt == attempt)
    empty = {"record": None, "attempt": None, "version": None, "document": None, "state": ERASED}
    settled = update(inbox).where(inbox.c.kind == SETTLED, *about)
    told = update(inbox).where(inbox.c.kind == NOTICE, *about)
    gone = connection.execute(settled.values(empty | {"item_key": f"{ATTEMPT}{uuid.uuid4().hex}"})).rowcount
    return bool(connection.execute(told.values(empty)).rowcount + gone)


def split_ref(ref: str) -> tuple[str, int]:
    """Split a ref into that of the row and the number of the attempt."""
    record, _, attempt = ref.rpartition(ATTEMPT)
    return (record, int(attempt)) if record and attempt.isdecimal() else (ref, 1)


def knows(connection: Connection, inbox: Table, key: str) -> bool:
    """Whether an item of this key was inserted."""
    return bool(_known(connection, inbox, [key]))


def _known(connection: Connection, inbox: Table, keys: Sequence[str]) -> set[str]:
    return set(connection.scalars(select(inbox.c.item_key).where(inbox.c.item_key.in_(keys))))


def _insert(connection: Connection, inbox: Table, row: dict[str, Any]) -> None:
    """Insert a row; when another process was first, keep its row."""
    with translate_errors():
        try:
            # A savepoint: PostgreSQL refuses everything else in a transaction after one failed statement.
            with connection.begin_nested():
                connection.execute(insert(inbox).values(row))
        except IntegrityError:
            if not _known(connection, inbox, [row["item_key"]]):
                raise


def _find(connection: Connection, inbox: Table, local_id: str) -> str:
    if _KEY.fullmatch(local_id):
        asked = select(inbox.c.item_key, inbox.c.state)
        found = connection.execute(asked.where(inbox.c.item_key == local_id, inbox.c.kind != SETTLED)).one_or_none()
        # An inbox made with a collation that ignores case would find a key that differs from this one in its case.
        if found is not None and found.item_key == local_id:
            return str(found.state)
    raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")


def _row(item: Delivery | Notice) -> dict[str, Any]:
    if not _KEY.fullmatch(item.key) or len(item.key) > KEY_BYTES:
        raise RefusedError(Code.INVALID, f"an idempotency key has 1 to {KEY_BYTES} plain characters")
    row: dict[str, Any] = {
        "item_key": item.key,
        "message_id": item.message_id,
        "conversation": item.conversation,
        "state": NEW,
        "document": _text(item_to_json(item)),
    }
    if isinstance(item, Notice):
        record, attempt = split_ref(item.ref)
        about = {"kind": NOTICE, "type": str(item.kind), "record": record, "attempt": attempt}
        return row | about | {"received_at": _moment(item.at)}
    about = {"kind": MESSAGE, "type": item.type, "in_reply_to": item.in_reply_to, "sender_name": item.sender_name[:200]}
    return row | about | {"received_at": _moment(item.received)}


def _text(document: dict[str, Json]) -> str:
    return write_json(document).decode()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
