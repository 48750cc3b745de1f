"""What `trm doctor` says of the place where the files of messages are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.administration.move_attachments import LEFT
from gateway.errors import RefusedError
from gateway.foundation.config import AttachmentsSection, Config
from gateway.foundation.node_folder import ATTACHMENTS

NAME = "attachments"


def check_attachments(folder: Path, config: Config | None, *, now: int) -> Iterator[Check]:
    """That the place can be used: a bucket is tried with an object that is removed again. `now` in Unix seconds."""
    if config is None:
        return
    if (folder / LEFT).exists():
        yield warn(NAME, "a move was cut off: files may be left where they were", "stop the node and repeat the move")
    if config.attachments.url is None:
        yield ok(NAME, "in the folder of the node")
        return
    if not (folder / LEFT).exists() and any((folder / ATTACHMENTS).glob("*")):
        yield warn(
            NAME,
            f"node.toml names a bucket, and files lie in {ATTACHMENTS}/",
            "trm attachment move brings files there; what was left over can be removed",
        )
    yield from _bucket(config.attachments, f"probe-{now}-{os.getpid()}")


def _bucket(section: AttachmentsSection, probe: str) -> Iterator[Check]:
    try:
        from gateway.attachments.bucket.client import Bucket
        from gateway.attachments.bucket.probe import try_bucket
    except ImportError:
        yield red(NAME, "the client of S3 is not installed", "install trm-gateway[s3]")
        return
    try:
        tried = asyncio.run(try_bucket(Bucket(section), probe))
    except RefusedError as error:
        yield red(NAME, error.what, error.hint)
        return
    for what, hint in tried.faults:
        yield red(NAME, what, hint)
    if tried.versions:
        yield red(
            NAME,
            "the bucket keeps versions: the ciphertext of what is erased stays there",
            "suspend versions of the bucket, and remove those that are there",
        )
    if not tried.faults:
        yield ok(NAME, "in a bucket, which was written, read and emptied, and writes nothing twice")
