"""One prefix of an S3 bucket, reached by obstore: the one module that imports it.

Everything that decides how the bucket is reached is stated here, so that no variable of the environment does (obstore
reads those of AWS for what is not stated).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from gateway.attachments.bucket.credentials import read_access_key
from gateway.attachments.bucket.faults import explain, find_code
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.config import AttachmentsSection

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

CONNECT = timedelta(seconds=5)
WHOLE = timedelta(seconds=30)
"""Time for one request with its answer: a piece of 1 MiB over a line that does 300 kbit/s."""
RETRIES: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""What outlasts these is told to the caller, who comes again."""
READ_AGAIN = timedelta(minutes=5)
"""After so long the access key is read anew: it may be changed without a start of the node."""
PAGE = 1_000
"""Objects that a server lists, and the client is told to remove, at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What came of writing an object that must not be there: `new`, or it was there. `version` is the number that the
    bucket gave this version of it, if it keeps versions.
    """

    new: bool
    version: str | None = None


class Bucket:
    """Objects by their names below the prefix. What cannot be reached is TransientError(disk)."""

    def __init__(self, section: AttachmentsSection) -> None:
        """Read the access key, and reach nothing yet. Raises RefusedError(no_key, invalid)."""
        if section.url is None or section.credentials_file is None:
            raise RuntimeError("a bucket has a url and a file with its key")
        self._key_file = section.credentials_file
        self._key_fault: RefusedError | None = None
        read_access_key(self._key_file)
        url = urlsplit(section.url)
        self._store = S3Store(
            url.netloc,
            prefix=url.path.strip("/") or None,
            config=_config(url.netloc, section),
            client_options=_options(section),
            retry_config=RETRIES,
            credential_provider=self._credential,
        )

    async def create(self, name: str, data: bytes) -> Created:
        """Write an object under a name that is free; one that is there stays as it is."""
        with self._reaching():
            try:
                done = await obstore.put_async(self._store, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return Created(new=False)
        return Created(new=True, version=done["version"])

    async def read(self, name: str, *, most: int) -> bytes | None:
        """Read a whole object; None where there is none. One that is longer than `most` is none of ours."""
        with self._reaching():
            try:
                found = await obstore.get_async(self._store, name)
            except FileNotFoundError as exc:
                if find_code(str(exc)) == "NoSuchBucket":
                    raise
                return None
            if found.meta["size"] > most:
                raise TransientError(
                    Code.DISK, "an object in the bucket is not one of this node", hint="look who else writes there"
                )
            return bytes(await found.bytes_async())

    async def list_below(self, folder: str) -> AsyncIterator[tuple[str, int]]:
        """Names and lengths of the objects of a folder, in the order of their names, a page at a time."""
        with self._reaching():
            async for page in obstore.list(self._store, prefix=folder, chunk_size=PAGE):
                for found in sorted((one["path"], one["size"]) for one in page):
                    yield found

    async def list_folders(self) -> Sequence[str]:
        """Names of the folders right below the prefix."""
        with self._reaching():
            return (await obstore.list_with_delimiter_async(self._store))["common_prefixes"]

    async def remove(self, names: Sequence[str]) -> None:
        """Take objects away; what is not there is no fault."""
        with self._reaching():
            for start in range(0, len(names), PAGE):
                await obstore.delete_async(self._store, names[start : start + PAGE])

    def _credential(self) -> S3Credential:
        try:
            key = read_access_key(self._key_file)
        except RefusedError as error:
            self._key_fault = error
            raise
        self._key_fault = None
        until = datetime.now(UTC) + READ_AGAIN
        return {"access_key_id": key.id, "secret_access_key": key.secret, "token": key.token, "expires_at": until}

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """The one border at which what obstore raises becomes an error of ours."""
        try:
            yield
        except (BaseError, OSError, ValueError) as exc:
            if (fault := self._key_fault) is not None:
                raise TransientError(Code.DISK, fault.what, hint=fault.hint) from exc
            raise explain(str(exc)) from exc


def _config(bucket: str, section: AttachmentsSection) -> S3Config:
    """On AWS the bucket is in the name of the host, as AWS wishes; elsewhere it is in the path, as all servers take."""
    of_aws = section.endpoint is None
    endpoint = section.endpoint or f"https://{bucket}.s3.{section.region}.amazonaws.com"
    return {
        "endpoint": endpoint,
        "aws_endpoint_url_s3": endpoint,
        "region": section.region,
        "virtual_hosted_style_request": of_aws,
        "conditional_put": "etag",
        "skip_signature": False,
        "unsigned_payload": False,
        "s3_express": False,
        "request_payer": False,
        # Not every server removes many objects at a time, and the client panics at some of their answers.
        "disable_bulk_delete": True,
    }


def _options(section: AttachmentsSection) -> ClientConfig:
    options: ClientConfig = {
        "connect_timeout": CONNECT,
        "timeout": WHOLE,
        "allow_http": (section.endpoint or "").startswith("http://"),
        "allow_invalid_certificates": False,
        # A proxy that is never used: without one the client takes that of the environment.
        "proxy_url": "http://127.0.0.1:9",
        "proxy_excludes": "*,0.0.0.0/0,::/0",
    }
    if section.ca_file is not None:
        options["root_certificate"] = _read_authorities(section.ca_file)
    return options


def _read_authorities(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise RefusedError(
            Code.INVALID, "attachments.ca_file of node.toml cannot be read", hint=f"look at {path}"
        ) from exc
