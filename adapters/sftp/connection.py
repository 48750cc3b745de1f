"""The connection to an SFTP server: our key, its pinned host key, one connection for each piece of work."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from adapters.kit.secret import read_secret
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import PIECE

if TYPE_CHECKING:  # the package is an extra, and is asked for when a connection is made
    import asyncssh

PATIENCE = 30.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name in a folder; links are not followed."""

    name: str
    plain: bool
    size: int
    changed: int


class Remote:
    """An open connection with the few operations of the drop-folder protocol. The server has `patience` seconds for
    each answer, and for each piece of a file.
    """

    def __init__(self, client: asyncssh.SFTPClient, root: str, patience: float) -> None:
        self._client = client
        self._root = root
        self._patience = patience

    async def entries(self, folder: str) -> list[Entry]:
        """List the entries of a folder, sorted by name."""
        listed = await self._within(self._client.readdir(self._path(folder)))
        found = [_entry(str(each.filename), each.attrs) for each in listed]
        return sorted((entry for entry in found if entry.name not in {".", ".."}), key=lambda entry: entry.name)

    async def look(self, path: str) -> Entry | None:
        """Look up what is there; None if there is nothing. Links are not followed."""
        import asyncssh

        try:
            attrs = await self._within(self._client.lstat(self._path(path)))
        except asyncssh.SFTPNoSuchFile:
            return None
        return _entry(path.rpartition("/")[2], attrs)

    async def has(self, path: str) -> bool:
        """Whether anything is there; links are not followed."""
        return await self.look(path) is not None

    async def read(self, path: str, limit: int) -> bytes:
        """Read at most `limit` bytes and one more, by which a larger file is noticed."""
        async with self._opened(path, "rb") as file:
            return await self._piece(file, limit + 1)

    async def pieces(self, path: str) -> AsyncIterator[bytes]:
        """Read a file to its end, a mebibyte at a time."""
        async with self._opened(path, "rb") as file:
            while data := await self._piece(file, PIECE):
                yield data

    async def write(self, path: str, data: bytes) -> None:
        """Write a whole new file in place of an older one; it is on the disk of the server when this returns."""

        async def whole() -> AsyncIterator[bytes]:
            yield data

        await self.write_pieces(path, whole())

    async def write_pieces(self, path: str, pieces: AsyncIterator[bytes]) -> None:
        """Write a new file like `write`, piece by piece as they come."""
        async with self._opened(path, "wb") as file:
            async for data in pieces:
                await self._within(file.write(data))
            await self._within(file.fsync())

    async def move(self, path: str, new: str) -> None:
        """Rename in one step; replaces what is there."""
        await self._within(self._client.posix_rename(self._path(path), self._path(new)))

    async def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        import asyncssh

        try:
            await self._within(self._client.remove(self._path(path)))
        except asyncssh.SFTPNoSuchFile:
            return

    @asynccontextmanager
    async def _opened(self, path: str, mode: str) -> AsyncIterator[asyncssh.SFTPClientFile]:
        import asyncssh

        private = asyncssh.SFTPAttrs(permissions=0o600) if mode == "wb" else asyncssh.SFTPAttrs()
        file = await self._within(self._client.open(self._path(path), mode, attrs=private))
        try:
            yield file
        finally:
            await self._within(file.close())

    async def _piece(self, file: asyncssh.SFTPClientFile, most: int) -> bytes:
        data = await self._within(file.read(most))
        return data if isinstance(data, bytes) else data.encode()

    async def _within(self, answer: Awaitable[T]) -> T:
        async with asyncio.timeout(self._patience):
            return await answer

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The address of the server. `host_key` is its public key as a line ("ssh-ed25519 AAAA..."): no other is accepted,
    and no file of known hosts is used.
    """

    host: str
    port: int
    host_key: str
    user: str
    key: Path
    patience: float = PATIENCE

    @asynccontextmanager
    async def open(self, root: str) -> AsyncIterator[Remote]:
        """Open a connection; faults on it are raised as TransientError without a word of the server."""
        try:
            import asyncssh
        except ImportError as exc:
            raise RefusedError(Code.INVALID, "nothing is installed for SFTP", hint="trm-gateway[sftp]") from exc
        try:
            pinned = asyncssh.import_public_key(self.host_key)
            own = asyncssh.import_private_key(read_secret(self.key, "the key file of the SFTP account") + "\n")
        except asyncssh.KeyImportError:
            raise RefusedError(Code.INVALID, "the host key or the key file is none that SSH knows") from None
        try:
            async with (
                asyncssh.connect(
                    self.host,
                    self.port,
                    username=self.user,
                    client_keys=[own],
                    known_hosts=([pinned], [], []),
                    # Nothing of the machine's SSH settings: another key or jump host there is not the office's choice.
                    config=None,
                    agent_path=None,
                    password=None,
                    connect_timeout=10,
                    login_timeout=self.patience,
                ) as connection,
                connection.start_sftp_client() as client,
            ):
                yield Remote(client, root, self.patience)
        except asyncssh.HostKeyNotVerifiable:
            raise _trouble("shows another host key", "ask its administrator before you change host_key") from None
        except asyncssh.PermissionDenied:
            raise _trouble("does not take the account or its key", "look at key_file and the account") from None
        except asyncssh.SFTPOpUnsupported:
            raise _trouble("cannot sync or rename files as is needed", "use OpenSSH 6.5 or newer") from None
        except (asyncssh.Error, TimeoutError, OSError) as exc:  # their words may hold a file name
            raise _trouble(f"cannot be used now ({type(exc).__name__})", "look at the server and its folders") from None


def _entry(name: str, attrs: asyncssh.SFTPAttrs) -> Entry:
    plain = stat.S_ISREG(attrs.permissions or 0)
    return Entry(name=name, plain=plain, size=attrs.size or 0, changed=attrs.mtime or 0)


def _trouble(what: str, hint: str) -> TransientError:
    return TransientError(Code.ADAPTER_BUSY, f"the SFTP server {what}", hint=hint)
