"""A drop folder on a real SFTP server, which runs in this process; the office works on its files directly."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from adapters.kit.contract import MARKER, NewBench, Trouble, in_folders
from adapters.sftp.adapter import FOLDERS, SftpAdapter
from adapters.sftp.connection import Server


class SftpBench:
    """A drop folder for the cases of the contract."""

    troubles = (Trouble.AWAY,)

    def __init__(self, port: int, host_key: str, key: Path, folder: Path) -> None:
        self.root = folder / "drop"
        self.server = Server(host="127.0.0.1", port=port, host_key=host_key, user=folder.name, key=key)
        self.journal = folder / "journal.db"
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True)

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Unmount the disk of the server: its place is there and empty."""
        away = self.root.rename(self.root.with_name("away"))
        self.root.mkdir()
        try:
            yield
        finally:
            self.root.rmdir()
            away.rename(self.root)

    def settings(self) -> Mapping[str, str | int | bool]:
        return {
            "host": self.server.host,
            "port": self.server.port,
            "host_key": self.server.host_key,
            "user": self.server.user,
            "key_file": str(self.server.key),
            "journal": str(self.journal),
        }

    def adapter(self) -> SftpAdapter:
        return SftpAdapter(self.server, root="", journal=self.journal)

    def offer(self, name: str) -> None:
        self.drop(f"{name}.json", json.dumps({"type": "referral.request/1", "content": {"name": name}}))

    def offer_file(self, name: str, data: bytes) -> None:
        (self.root / "outgoing" / f"{name}.0.pdf").write_bytes(data)
        text = {"type": "referral.request/1", "content": {"name": name}, "attachments": [{"name": "0.pdf"}]}
        self.drop(f"{name}.json", json.dumps(text))

    def offer_bad(self, name: str) -> None:
        self.drop(f"{name}.json", '{"type": "' + MARKER + '", "content": {"amount": 1.5}}')

    def drop(self, name: str, text: str) -> None:
        """Drop a file as the office does: write beside, then rename."""
        part = self.root / "outgoing" / f".{len(name)}.tmp"
        part.write_text(text)
        part.rename(self.root / "outgoing" / name)

    def received(self) -> list[str]:
        return [json.loads(path.read_bytes())["message_id"] for path in (self.root / "incoming").glob("[!.]*.json")]

    def received_files(self) -> list[bytes]:
        return [path.read_bytes() for path in self.all("incoming") if not path.name.endswith((".json", ".part"))]

    def noticed(self) -> list[str]:
        found = [json.loads(path.read_bytes())["kind"] for path in (self.root / "notices").glob("[!.]*.json")]
        return found + ["drafted" for _ in (self.root / "taken").glob("*.json")]

    def shows(self, text: str) -> bool:
        written = [path for name in ("incoming", "notices", "refused", "erased") for path in self.all(name)]
        return any(text.encode() in path.read_bytes() for path in written)

    def holds(self, text: str) -> bool:
        written = [self.journal, *self.root.rglob("*")]
        return any(text in path.name or text.encode() in path.read_bytes() for path in written if path.is_file())

    def all(self, name: str) -> list[Path]:
        """Everything in one of the folders, hidden files included."""
        return sorted((self.root / name).iterdir())


@asynccontextmanager
async def stand_in(folder: Path) -> AsyncIterator[NewBench]:
    """One server; each bench is an account that sees its own folder only."""
    host, own = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    key = folder / "key"
    key.write_bytes(own.export_private_key())
    key.chmod(0o600)

    def files(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=bytes(folder / channel.get_extra_info("username") / "drop"))

    allowed = asyncssh.import_authorized_keys(own.export_public_key().decode())
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[host], authorized_client_keys=allowed, sftp_factory=files
    )
    async with server:
        line = host.export_public_key().decode().strip()
        async with in_folders(lambda each: SftpBench(server.get_port(), line, key, each), folder) as new:
            yield new
