"""A drop folder on a server of the office, by SFTP: the protocol of `adapters/folder`. See README.md."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from pydantic import Field

from adapters.kit.contract import NewBench
from adapters.kit.kind import Kind, Settings
from adapters.kit.setup.plan import Asked, Plan
from adapters.sftp.adapter import FOLDERS, SftpAdapter
from adapters.sftp.connection import Server
from adapters.sftp.setup import plan

__all__ = ["KIND", "Server", "SftpAdapter", "SftpSettings"]


class SftpSettings(Settings):
    """The server, its host key, and the account of the gateway there."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=22, ge=1, le=65535)
    host_key: str = Field(max_length=2000)
    user: str = Field(min_length=1, max_length=64)
    key_file: Path
    root: str = Field(default="", pattern=r"^(/?[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$", max_length=500)
    journal: Path


def _make(settings: SftpSettings) -> SftpAdapter:
    server = Server(
        host=settings.host, port=settings.port, host_key=settings.host_key, user=settings.user, key=settings.key_file
    )
    return SftpAdapter(server, root=settings.root, journal=settings.journal)


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.sftp.bench import stand_in

    return stand_in(folder)


async def _prepare(asked: Asked) -> Plan:
    return await plan(asked, FOLDERS)


KIND = Kind(
    name="sftp",
    what="a drop folder of JSON files on an SFTP server",
    whom="for programs whose files are on another machine",
    settings=SftpSettings,
    make=_make,
    stand_in=_stand_in,
    prepare=_prepare,
)
