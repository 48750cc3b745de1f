"""`gateway.ports.Files` in a dictionary, for tests that need one and no disk."""

from __future__ import annotations

from collections.abc import Sequence


class MemoryFiles:
    """The files of one node."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def put(self, name: str, at: int, data: bytes) -> None:
        before = self.held.get(name, b"")
        if len(before) < at:
            raise RuntimeError("a piece would leave a hole before it")
        self.held[name] = before[:at] + data

    async def sync(self, name: str) -> None:
        """All of it is where it stays."""

    async def get(self, name: str, at: int, most: int) -> bytes:
        return self.held.get(name, b"")[at : at + most]

    async def size(self, name: str) -> int:
        return len(self.held.get(name, b""))

    async def erase(self, names: Sequence[str]) -> None:
        for name in names:
            self.held.pop(name, None)

    async def names(self) -> Sequence[str]:
        return sorted(self.held)

    async def free(self) -> int:
        return 1 << 40
