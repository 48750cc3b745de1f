"""What `trm doctor` says of the place where the files of messages are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.administration.move_attachments import LEFT
from gateway.errors import RefusedError
from gateway.foundation.config import AttachmentsSection, Config
from gateway.foundation.node_folder import ATTACHMENTS

if TYPE_CHECKING:
    from gateway.attachments.bucket.setup import Versions

NAME = "attachments"
_NO_VERSIONS = "suspend versions of the bucket, and remove the old ones below the prefix"
_ASKING = "grant s3:GetBucketVersioning, s3:ListBucketVersions and s3:GetLifecycleConfiguration, or look there yourself"


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
    yield from _bucket(config.attachments, f"probe-{now}-{os.getpid()}", datetime.fromtimestamp(now, UTC))


def _bucket(section: AttachmentsSection, probe: str, at: datetime) -> Iterator[Check]:
    try:
        from gateway.attachments.bucket.client import Bucket
        from gateway.attachments.bucket.probe import try_bucket
        from gateway.attachments.bucket.setup import read_setup
    except ImportError:
        yield red(NAME, "the client of S3 is not installed", "install trm-gateway[s3]")
        return
    try:
        tried = asyncio.run(try_bucket(Bucket(section), probe))
    except RefusedError as error:
        yield red(NAME, error.what, error.hint)
        return
    if tried.faults:
        yield from (red(NAME, what, hint) for what, hint in tried.faults)
        return
    setup = read_setup(section, at=at)
    yield ok(NAME, "in a bucket, which was written, read and emptied, and writes nothing twice")
    yield from judge_versions(setup.versions, seen=tried.versions)
    yield from judge_rules(setup.removes)


def judge_versions(found: Versions | None, *, seen: bool) -> Iterator[Check]:
    """Versions that keep the ciphertext of what was erased; `seen` says that the bucket gave a number to one."""
    name = "bucket versions"
    if found is None:
        if seen:
            yield red(name, "the bucket keeps versions: the ciphertext of what is erased stays", _NO_VERSIONS)
        else:
            yield warn(name, "the access key may not ask whether the bucket keeps versions", _ASKING)
        return
    count = f"{found.old}{' or more' if found.more else ''} of them are there"
    if found.kept and found.days is not None:
        yield warn(
            name,
            f"the bucket keeps versions for {found.days} days, and so long the ciphertext of what is erased; {count}",
            "add these days to what you promise, or suspend versions",
        )
    elif found.kept:
        yield red(name, f"the bucket keeps versions: the ciphertext of what is erased stays; {count}", _NO_VERSIONS)
    elif found.old:
        yield red(
            name, f"versions are off, and the ciphertext of what was erased is still there: {count}", _NO_VERSIONS
        )
    else:
        yield ok(name, "none are kept")


def judge_rules(removes: bool | None) -> Iterator[Check]:
    """Rules of the bucket by which files would be gone."""
    name = "bucket rules"
    if removes is None:
        yield warn(name, "the access key may not ask whether a lifecycle rule removes what lies there", _ASKING)
    elif removes:
        yield red(
            name,
            "a lifecycle rule removes or archives objects of the prefix: files of messages would be gone",
            "end that rule, or name another prefix in it",
        )
    else:
        yield ok(name, "no lifecycle rule touches files of messages")
