"""A drop folder under the control of a test, with the office's side of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adapters.folder.adapter import FolderAdapter
from adapters.kit.contract import MARKER, Trouble
from gateway.ports import Adapter


class FolderBench:
    """A drop folder."""

    troubles = (Trouble.AWAY,)

    def __init__(self, folder: Path) -> None:
        self.root = folder / "drop"
        FolderAdapter.create(self.root)

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Unmount the share: its place is there and empty."""
        away = self.root.with_name("away")
        self.root.rename(away)
        self.root.mkdir()
        try:
            yield
        finally:
            self.root.rmdir()
            away.rename(self.root)

    def settings(self) -> Mapping[str, str | int | bool]:
        return {"path": str(self.root)}

    def adapter(self) -> Adapter:
        return FolderAdapter(self.root)

    def offer(self, name: str) -> None:
        self.drop(f"{name}.json", json.dumps({"body_type": "referral.request/1", "content": {"name": name}}))

    def offer_file(self, name: str, data: bytes) -> None:
        text = {"body_type": "referral.request/1", "content": {"name": name}, "attachments": [{"name": "0.pdf"}]}
        self.drop(f"{name}.0.pdf", data)
        self.drop(f"{name}.json", json.dumps(text))

    def offer_bad(self, name: str) -> None:
        self.drop(f"{name}.json", '{"body_type": "' + MARKER + '", "content": {"amount": 1.5}}')

    def drop(self, name: str, text: str | bytes) -> Path:
        """Drop a file as the office does: write beside, then rename."""
        part = self.root / "outgoing" / f".{len(name)}.tmp"
        part.write_bytes(text.encode() if isinstance(text, str) else text)
        return part.rename(self.root / "outgoing" / name)

    def received(self) -> list[str]:
        return [json.loads(path.read_bytes())["message_id"] for path in (self.root / "incoming").glob("*.json")]

    def received_files(self) -> list[bytes]:
        return [path.read_bytes() for path in self.all("incoming") if not path.name.endswith((".json", ".part"))]

    def noticed(self) -> list[str]:
        return [json.loads(path.read_bytes())["kind"] for path in (self.root / "notices").glob("*.json")]

    def shows(self, text: str) -> bool:
        written = [path for name in ("incoming", "notices", "refused", "erased", "journal") for path in self.all(name)]
        return any(text.encode() in path.read_bytes() for path in written)

    def holds(self, text: str) -> bool:
        return any(
            text in path.name or text.encode() in path.read_bytes() for path in self.root.rglob("*") if path.is_file()
        )

    def all(self, name: str) -> list[Path]:
        """Everything in one of the folders, hidden files included."""
        return sorted((self.root / name).iterdir())
