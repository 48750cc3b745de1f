"""Trying a bucket with an object of its own: whether it can be written, read and emptied, and refuses what it must."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from gateway.attachments.bucket.client import Bucket
from gateway.errors import TransientError
from gateway.ports import PIECE

_FIRST, _SECOND = b"\0" * 4_096, b"\1" * 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was found: `faults` that keep a node from working with the bucket, each with its way out; whether it keeps
    `versions`.
    """

    faults: tuple[tuple[str, str], ...]
    versions: bool


async def try_bucket(bucket: Bucket, name: str) -> Tried:
    """Write an object under `name`, once more, read it and take it away."""
    try:
        return await _try(bucket, name)
    except TransientError as error:
        return Tried(faults=((error.what, error.hint),), versions=False)
    finally:
        with suppress(TransientError):
            await bucket.remove([name])


async def _try(bucket: Bucket, name: str) -> Tried:
    faults = []
    created = await bucket.create(name, _FIRST)
    if (await bucket.create(name, _SECOND)).new:
        faults.append(
            (
                "the server writes over what is there, although it is told not to (If-None-Match)",
                "use a server that knows conditional writes: AWS, MinIO, Ceph, each in a version of 2025 or later",
            )
        )
    elif await bucket.read(name, most=PIECE) != _FIRST:
        faults.append(("the bucket does not give back what was written", "look at the log of its server"))
    await bucket.list_folders()
    await bucket.remove([name])
    if await bucket.read(name, most=PIECE) is not None:
        faults.append(("what is removed can be read afterwards", "look at the log of the bucket's server"))
    return Tried(faults=tuple(faults), versions=created.version not in (None, "null"))
