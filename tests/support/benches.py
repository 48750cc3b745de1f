"""Local systems in the hands of a test, for the adapter contract."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from python_calamine import CalamineWorkbook
from support.memory_adapter import MemoryAdapter, MemorySystem

from adapters.folder import FolderAdapter
from adapters.kit.contract import MARKER
from adapters.sheet import SheetAdapter, htcds
from adapters.sheet.sample import SampleCase, sample_cases, write_sample
from gateway.errors import Finding
from gateway.ports import Adapter, LocalRecord

TODAY = date(2025, 6, 1)


def sheet_cells(path: Path) -> dict[str, list[list[str]]]:
    """Every cell of a workbook as text, by sheet."""
    if not path.exists():
        return {}
    with CalamineWorkbook.from_path(path) as workbook:
        return {
            name: [[str(cell) for cell in row] for row in workbook.get_sheet_by_name(name).to_python()]
            for name in workbook.sheet_names
        }


class MemoryBench:
    """The fake."""

    def __init__(self, folder: Path) -> None:
        self.system = MemorySystem()

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


class FolderBench:
    """A drop folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "drop"
        FolderAdapter.create(self.root)

    def adapter(self) -> Adapter:
        return FolderAdapter(self.root)

    def offer(self, name: str) -> None:
        self.drop(f"{name}.json", json.dumps({"body_type": "referral.request/1", "content": {"name": name}}))

    def offer_bad(self, name: str) -> None:
        self.drop(f"{name}.json", '{"body_type": "' + MARKER + '", "content": {"amount": 1.5}}')

    def drop(self, name: str, text: str | bytes) -> Path:
        """Drop a file as the office does: write beside, then rename."""
        part = self.root / "outgoing" / f".{len(name)}.tmp"
        part.write_bytes(text.encode() if isinstance(text, str) else text)
        return part.rename(self.root / "outgoing" / name)

    def received(self) -> list[str]:
        return [json.loads(path.read_bytes())["message_id"] for path in (self.root / "incoming").glob("*.json")]

    def noticed(self) -> list[str]:
        return [json.loads(path.read_bytes())["kind"] for path in (self.root / "notices").glob("*.json")]

    def shows(self, text: str) -> bool:
        written = [path for name in ("incoming", "notices", "refused", "erased", "journal") for path in self.all(name)]
        return any(text in path.read_text() for path in written)

    def all(self, name: str) -> list[Path]:
        """Everything in one of the folders, hidden files included."""
        return sorted((self.root / name).iterdir())


class SheetBench:
    """An HTCDS workbook."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "cases.xlsx"
        self.results = folder / "trm-results.xlsx"
        self.journal = folder / "trm-results.jsonl"
        folder.chmod(0o700)
        self.cases: list[SampleCase] = []
        if not self.source.exists():
            self.write()

    def adapter(self) -> Adapter:
        return SheetAdapter(self.source, marks={htcds.READY_TO_REFER: htcds.MAPPING})

    def write(self) -> None:
        """Save the workbook."""
        write_sample(self.source, self.cases)

    def offer(self, name: str) -> None:
        (case,) = sample_cases(TODAY, recipient="Albania", count=1, first=len(self.cases) + 1)
        self.cases.append(case.having({htcds.READY_TO_REFER: "Yes", "Working Name": name}))
        self.write()

    def offer_bad(self, name: str) -> None:
        self.offer(name)
        self.cases[-1] = self.cases[-1].having({"Working Name": MARKER, "Staff Reference": 17})
        self.write()

    def received(self) -> list[str]:
        return [row[0] for row in sheet_cells(self.results).get("Received", [])[1:]]

    def noticed(self) -> list[str]:
        return [row[2] for row in sheet_cells(self.results).get("Records", [])[1:]]

    def shows(self, text: str) -> bool:
        journal = self.journal.read_text() if self.journal.exists() else ""
        cells = [cell for rows in sheet_cells(self.results).values() for row in rows for cell in row]
        return text in journal or any(text in cell for cell in cells)
