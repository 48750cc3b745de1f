"""The connection to an SFTP server: our key, its pinned host key, one connection for each piece of work."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.kit.secret import read_secret
from gateway.errors import Code, RefusedError, TransientError

if TYPE_CHECKING:  # the package is an extra, and is asked for when a connection is made
    import asyncssh

PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name in a folder; links are not followed."""

    name: str
    plain: bool
    size: int
    changed: int


class Remote:
    """An open connection with the few operations of the drop-folder protocol."""

    def __init__(self, client: asyncssh.SFTPClient, root: str) -> None:
        self._client = client
        self._root = root

    async def entries(self, folder: str) -> list[Entry]:
        """List the entries of a folder, sorted by name."""
        found = []
        for each in await self._client.readdir(self._path(folder)):
            name, attrs = str(each.filename), each.attrs
            if name not in {".", ".."}:
                plain = stat.S_ISREG(attrs.permissions or 0)
                found.append(Entry(name=name, plain=plain, size=attrs.size or 0, changed=attrs.mtime or 0))
        return sorted(found, key=lambda entry: entry.name)

    async def has(self, path: str) -> bool:
        """Whether anything is there; links are not followed."""
        import asyncssh

        try:
            await self._client.lstat(self._path(path))
        except asyncssh.SFTPNoSuchFile:
            return False
        return True

    async def read(self, path: str, limit: int) -> bytes:
        """Read at most `limit` bytes and one more, by which a larger file is noticed."""
        async with self._client.open(self._path(path), "rb") as file:
            data = await file.read(limit + 1)
        return data if isinstance(data, bytes) else data.encode()

    async def write(self, path: str, data: bytes) -> None:
        """Write a whole new file in place of an older one; it is on the disk of the server when this returns."""
        import asyncssh

        private = asyncssh.SFTPAttrs(permissions=0o600)
        async with self._client.open(self._path(path), "wb", attrs=private) as file:
            await file.write(data)
            await file.fsync()

    async def move(self, path: str, new: str) -> None:
        """Rename in one step; replaces what is there."""
        await self._client.posix_rename(self._path(path), self._path(new))

    async def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        import asyncssh

        try:
            await self._client.remove(self._path(path))
        except asyncssh.SFTPNoSuchFile:
            return

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
                asyncio.timeout(self.patience),
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
                ) as connection,
                connection.start_sftp_client() as client,
            ):
                yield Remote(client, root)
        except asyncssh.HostKeyNotVerifiable:
            raise _trouble("shows another host key", "ask its administrator before you change host_key") from None
        except asyncssh.PermissionDenied:
            raise _trouble("does not take the account or its key", "look at key_file and the account") from None
        except asyncssh.SFTPOpUnsupported:
            raise _trouble("cannot sync or rename files as is needed", "use OpenSSH 6.5 or newer") from None
        except (asyncssh.Error, TimeoutError, OSError) as exc:  # their words may hold a file name
            raise _trouble(f"cannot be used now ({type(exc).__name__})", "look at the server and its folders") from None


def _trouble(what: str, hint: str) -> TransientError:
    return TransientError(Code.ADAPTER_BUSY, f"the SFTP server {what}", hint=hint)
