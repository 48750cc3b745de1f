"""Local systems in the hands of a test, for the adapter contract: the fake, and those that the adapters bring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.memory_adapter import MemoryAdapter, MemorySystem

from adapters.folder.bench import FolderBench
from adapters.kit.contract import MARKER, Trouble
from adapters.sheet.bench import TODAY, SheetBench, sheet_cells
from gateway.errors import Finding
from gateway.ports import Adapter, LocalRecord

__all__ = ["TODAY", "FolderBench", "MemoryBench", "SheetBench", "sheet_cells"]


class MemoryBench:
    """The fake."""

    troubles = (Trouble.AWAY,)

    def __init__(self, folder: Path) -> None:
        self.system = MemorySystem()

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        self.system.busy = 1_000
        yield
        self.system.busy = 0

    def settings(self) -> None:
        return None

    def adapter(self) -> Adapter:
        return MemoryAdapter(self.system)

    def offer(self, name: str) -> None:
        self.system.offer(LocalRecord(ref=name, fields={"body_type": "referral.request/1"}))

    def offer_bad(self, name: str) -> None:
        self.system.offer(LocalRecord(ref=name, fields={"a": MARKER}, faults=(Finding(place="/a", rule="bad"),)))

    def received(self) -> list[str]:
        return [item.message_id for item in self.system.deliveries()]

    def noticed(self) -> list[str]:
        return [str(notice.kind) for notice in self.system.notices()]

    def shows(self, text: str) -> bool:
        return text in repr((self.system.items, self.system.settled))

    def holds(self, text: str) -> bool:
        return self.shows(text) or text in repr(self.system.offered)
