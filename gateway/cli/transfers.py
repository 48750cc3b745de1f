"""Files streamed to and from the node: over its socket while it runs, else by owning the folder (see `connection`)."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode

from gateway.api.routes import PREFIX
from gateway.cli.connection import DOCTOR, SocketConnection, admit_caller, credential, to_error
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Json

CHUNK = 256 * 1024

Tell = Callable[[int, int], None]
"""Told how many bytes are through, and of how many."""
Write = Callable[[bytes, int], None]
"""Takes the next piece of a file that has so many bytes."""


def tell_nobody(done: int, total: int) -> None:
    """For who does not wait at a terminal."""


class ToldSource:
    """A file that is read once, and tells how far."""

    def __init__(self, source: BinaryIO, size: int, tell: Tell) -> None:
        self._source, self._size, self._tell = source, size, tell
        self._done = 0

    def read(self, count: int = -1) -> bytes:
        """Read the next bytes."""
        data = self._source.read(count)
        self._done += len(data)
        self._tell(self._done, self._size)
        return data


def add_file(
    folder: Path,
    file: Path,
    message: str | None,
    passphrase_file: Path | None,
    token: str | None = None,
    *,
    tell: Tell = tell_nobody,
) -> dict[str, Json]:
    """Send a file to the node and return its answer. Raises GatewayError."""
    arguments: dict[str, Json] = {} if message is None else {"message": message}
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            source = ToldSource(opened, size, tell)
            try:
                value = _put(folder, source, size, arguments, token)
            except (FileNotFoundError, ConnectionRefusedError):
                value = asyncio.run(_owning_add(folder, source, size, arguments, passphrase_file, token))
    except (OSError, http.client.HTTPException) as exc:
        raise _away(exc, file) from exc
    if not isinstance(value, dict):
        raise TransientError(Code.UNREACHABLE, "the answer on the node's socket is not as expected", hint=DOCTOR)
    return value


def save_file(
    folder: Path,
    id: str,
    part: int,
    target: Path,
    passphrase_file: Path | None,
    token: str | None = None,
    *,
    tell: Tell = tell_nobody,
) -> int:
    """Write one file of a message under a new name, whole or not at all, and return its size. Raises GatewayError."""
    partial = target.with_name(f".{target.name}.part")
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # the name is ours from here on
    except FileExistsError as exc:
        raise RefusedError(
            Code.EXISTS, f"{target} exists already; it was left as it is", hint="name another file"
        ) from exc
    except OSError as exc:
        raise _away(exc, target) from exc
    try:
        with _sink(partial, tell) as write:
            size = _fetched(folder, id, part, write, passphrase_file, token)
        partial.replace(target)
    except BaseException as exc:
        partial.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        if isinstance(exc, OSError | http.client.HTTPException):
            raise _away(exc, target) from exc
        raise
    return size


@contextmanager
def _sink(partial: Path, tell: Tell) -> Iterator[Write]:
    """Write a new file; it is durable at the end."""
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as sink:

        def write(data: bytes, total: int) -> None:
            sink.write(data)
            tell(sink.tell(), total)

        yield write
        sink.flush()
        os.fsync(sink.fileno())


def _away(exc: Exception, file: Path) -> RefusedError | TransientError:
    """Return the error for a failed connection to the node, or for the file."""
    if isinstance(exc, OSError) and not isinstance(exc, ConnectionError | TimeoutError):
        return RefusedError(Code.INVALID, f"{file}: {(exc.strerror or 'cannot be used').lower()}")
    return TransientError(Code.UNREACHABLE, "the node does not answer on its socket", hint=DOCTOR)


def _put(folder: Path, source: ToldSource, size: int, arguments: dict[str, Json], token: str | None) -> Json:
    connection = SocketConnection(folder / "run" / "api.sock", blocksize=CHUNK)
    query = "?" + urlencode({name: str(value) for name, value in arguments.items()}) if arguments else ""
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size), **credential(token)}
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent: the answer says why
            connection.request("POST", f"{PREFIX}/attachments{query}", body=source, headers=headers)
        response = connection.getresponse()
        value: Json = json.loads(response.read())
    except ValueError as exc:
        raise TransientError(Code.UNREACHABLE, "the answer on the node's socket is not JSON", hint=DOCTOR) from exc
    finally:
        connection.close()
    if response.status < 300:
        return value
    raise to_error(response.status, value if isinstance(value, dict) else {})


def _fetched(folder: Path, id: str, part: int, write: Write, secret: Path | None, token: str | None) -> int:
    try:
        return _get(folder, id, part, write, token)
    except (FileNotFoundError, ConnectionRefusedError):
        return asyncio.run(_owning_read(folder, id, part, write, secret, token))


def _get(folder: Path, id: str, part: int, write: Write, token: str | None) -> int:
    connection = SocketConnection(folder / "run" / "api.sock", blocksize=CHUNK)
    try:
        target = f"{PREFIX}/messages/{quote(id, safe='')}/attachments/{part}"
        connection.request("GET", target, headers=credential(token))
        response = connection.getresponse()
        if response.status != 200:
            problem = json.loads(response.read())
            raise to_error(response.status, problem if isinstance(problem, dict) else {})
        size, total = 0, int(response.headers["Content-Length"])
        while data := response.read(CHUNK):
            write(data, total)
            size += len(data)
        if size != total:
            raise RefusedError(Code.UNDECRYPTABLE, "the file was cut off; nothing was written")
        return size
    finally:
        connection.close()


async def _owning_add(
    folder: Path, source: ToldSource, size: int, arguments: dict[str, Json], secret: Path | None, token: str | None
) -> Json:
    """Add a file without a running node: take the folder's lock, do it, release the lock."""
    from gateway.app import open_node
    from gateway.cli.identity import unlocking

    async def chunks() -> AsyncIterator[bytes]:
        while data := await asyncio.to_thread(source.read, CHUNK):
            yield data

    node, stack = await open_node(folder, unlocking.unlock_in_process(folder, secret))
    async with stack:
        caller = admit_caller(node, "attachment.add", token)
        return (await node.desk.attach(arguments, chunks(), size=size, caller=caller)).value


async def _owning_read(folder: Path, id: str, part: int, write: Write, secret: Path | None, token: str | None) -> int:
    from gateway.app import open_node
    from gateway.cli.identity import unlocking

    node, stack = await open_node(folder, unlocking.unlock_in_process(folder, secret))
    async with stack:
        caller = admit_caller(node, "attachment.read", token)
        file = await node.desk.attached({"id": id, "part": part}, caller=caller)
        async for data in file.chunks:
            write(data, file.size)
        return file.size
