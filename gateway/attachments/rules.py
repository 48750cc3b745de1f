"""The files of a message, as its sender and its receiver judge them alike (nrm1 10.4).

A body names each file by its number, in a field that says what it is; how to open and prove it, its type and its
length stand in the secret, which the statement commits to. So a file that no field names does not travel, and where a
corridor closes the field the file stays too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import schemas
from gateway.attachments.byte_source import SUFFIXES
from gateway.errors import Finding
from keys.documents.statement import Secret, SecretPart
from keys.primitives.attachment_cipher import part_length
from keys.primitives.encoding import Json

FILE_LIMIT = 100 * 1024 * 1024
"""Bytes of a file that administrators are offered to permit a peer; they may choose any other limit."""
MOST_FILES = 10
"""Files of one message: what a body can name."""


def files_of(secret: bytes) -> tuple[SecretPart, ...]:
    """The files of a secret frame. Raises RemoteError(malformed)."""
    return Secret.parse(secret).parts


def lengths(files: Sequence[SecretPart]) -> tuple[int, ...]:
    """List the lengths that header and statement say of them."""
    return tuple(part_length(file.size) for file in files)


def name_of(n: int, media: str) -> str:
    """Name a file by its number and its type. What it was called before is nobody's business."""
    return f"{n}.{SUFFIXES[media]}"


def faults(schema: str, content: Mapping[str, Json], files: Sequence[SecretPart]) -> tuple[Finding, ...]:
    """Find what is wrong with the files of a body that is valid by itself: each is named once, and is of a type that is
    taken.
    """
    named = sorted(schemas.list_parts(schema, content))
    if named != list(range(len(files))):
        hint = f"the fields name {len(named)} file(s), and {len(files)} go with the message: each is named once"
        return (Finding(place="/content", rule="attachments", hint=hint),)
    if any(file.media not in SUFFIXES for file in files):
        return (Finding(place="/content", rule="media_type", hint="a file is of a type that is not accepted"),)
    return ()


def largest(files: Sequence[SecretPart]) -> int | None:
    """Measure the largest, which a scope is asked about."""
    return max((file.size for file in files), default=None)
