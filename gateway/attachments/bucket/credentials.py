"""The access key of a bucket: in a file of its own, in the form of AWS, that no other user can read."""

from __future__ import annotations

import configparser
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Code, RefusedError

LIMIT = 65_536
_NAMES = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key of S3; `token` belongs to one that ends by itself."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(repr=False)


def read_access_key(path: Path) -> AccessKey:
    """Read the key from the one section of the file.

    Raises:
        RefusedError: no_key (there is none, or it cannot be read), invalid (others can read or change the file, or it
            holds something else).
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")[:LIMIT]
    except (OSError, UnicodeDecodeError) as exc:
        raise RefusedError(
            Code.NO_KEY, "attachments.credentials_file of node.toml cannot be read", hint=f"look at {path}"
        ) from exc
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise RefusedError(
            Code.INVALID,
            f"attachments.credentials_file has mode {mode:04o}: others can read or change it",
            hint=f"chmod 0600 {path}",
        )
    return _parse(text)


def _parse(text: str) -> AccessKey:
    found = configparser.ConfigParser(interpolation=None, default_section="", strict=True)
    try:
        found.read_string(text)
        (section,) = found.sections()
        members = dict(found[section])
    except (configparser.Error, ValueError):
        raise _unreadable() from None  # what these say quotes the line, which may be the secret
    if not set(_NAMES[:2]) <= set(members) <= set(_NAMES) or not all(members.values()):
        raise _unreadable()
    return AccessKey(id=members[_NAMES[0]], secret=members[_NAMES[1]], token=members.get(_NAMES[2]))


def _unreadable() -> RefusedError:
    return RefusedError(
        Code.INVALID,
        "attachments.credentials_file does not hold one access key",
        hint="[default], then aws_access_key_id = ..., aws_secret_access_key = ... and, if need be, aws_session_token",
    )
