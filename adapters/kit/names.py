"""Make file names from ids, and check names made by others.

A name is visible to everybody who can list the folder and to every backup, so it never carries anything about a case:
ours are made from random ids and message types, those of the office are checked and replaced where they are not plain.
"""

from __future__ import annotations

import base64
import re

from gateway.errors import Code, RefusedError
from gateway.ports import Delivery, Notice

KEY_BYTES = 96
"""Longest idempotency key: its base32 form stays far below the 255 bytes of a file name."""

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}(?:\.[a-z][a-z0-9_]{0,31}){0,3}(?:/[0-9]{1,3})?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_plain(name: str) -> bool:
    """Whether `name` is 1 to 64 of letters, digits, `.`, `_`, `-`, begins with one of the first two, ends in no dot."""
    return _PLAIN.fullmatch(name) is not None


def is_key(text: str) -> bool:
    """Whether this can be an idempotency key."""
    return 1 <= len(text.encode("utf-8", "surrogatepass")) <= KEY_BYTES


def key_name(key: str) -> str:
    """Return a file name that stands for an idempotency key: base32 of its bytes, so that no two keys share a name.

    Lower-case base32 holds on a file system that knows no case. Raises RefusedError(invalid) for an empty or long key.
    """
    if not is_key(key):
        raise RefusedError(Code.INVALID, f"an idempotency key has 1 to {KEY_BYTES} bytes")
    return base64.b32encode(key.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=").lower()


def message_name(message_type: str, message_id: str) -> str:
    """Name a message file: `referral.request.1-<id>.json`; RefusedError(invalid) where type or id is not one."""
    if _TYPE.fullmatch(message_type) is None or _ID.fullmatch(message_id) is None:
        raise RefusedError(Code.INVALID, "message type or id cannot name a file")
    return f"{message_type.replace('/', '.')}-{message_id}.json"


def item_name(item: Delivery | Notice) -> str:
    """The name of the file by which a drop folder is told of an item: a notice is named after the file it is about."""
    if isinstance(item, Delivery):
        return message_name(item.type, item.message_id)
    ref = item.ref.removeprefix("~")
    if not is_plain(ref):
        raise RefusedError(Code.INVALID, "the notice is not about a file of this folder")
    return f"{ref}.{item.kind}.json"


def numbered(name: str, number: int) -> str:
    """Insert a number: `a.json` with number 2 is `a.2.json`; number 1 is the name itself."""
    stem, dot, suffix = name.rpartition(".")
    return name if number == 1 else f"{stem}.{number}{dot}{suffix}"
