"""An HTCDS workbook under the control of a test, with the office's side of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from python_calamine import CalamineWorkbook

from adapters.kit.contract import MARKER, Trouble
from adapters.sheet import htcds
from adapters.sheet.adapter import SheetAdapter
from adapters.sheet.sample import SampleCase, sample_cases, write_sample
from gateway.ports import Adapter

TODAY = date(2025, 6, 1)


def sheet_cells(path: Path) -> dict[str, list[list[str]]]:
    """Read every cell of a workbook as text, by sheet."""
    if not path.exists():
        return {}
    with CalamineWorkbook.from_path(path) as workbook:
        return {
            name: [[str(cell) for cell in row] for row in workbook.get_sheet_by_name(name).to_python()]
            for name in workbook.sheet_names
        }


@contextmanager
def _moved(place: Path, aside: Path) -> Iterator[Path]:
    """Move something away meanwhile."""
    place.rename(aside)
    try:
        yield aside
    finally:
        aside.rename(place)


class SheetBench:
    """An HTCDS workbook."""

    troubles = (Trouble.AWAY, Trouble.GARBLED, Trouble.UNMAPPED_CODE)

    def __init__(self, folder: Path) -> None:
        self.source = folder / "cases.xlsx"
        self.results = folder / "trm-results.xlsx"
        self.journal = folder / "trm-results.db"
        folder.chmod(0o700)
        self.cases: list[SampleCase] = []
        self.cells: dict[str, str] = {}
        if not self.source.exists():
            self.write()

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Unmount the share, tear the workbook, or write a word into a cell that is on no list."""
        match kind:
            case Trouble.UNMAPPED_CODE:
                self.cells = {"Gender": MARKER}
                try:
                    yield
                finally:
                    self.cells = {}
            case Trouble.GARBLED:
                with _moved(self.source, self.source.with_name("aside")) as whole:
                    self.source.write_bytes(whole.read_bytes()[:2000])
                    yield
            case _:
                folder = self.source.parent
                with _moved(folder, folder.with_name(f"{folder.name}-away")):
                    yield

    def settings(self) -> Mapping[str, str | int | bool]:
        return {"path": str(self.source)}

    def adapter(self) -> Adapter:
        return SheetAdapter(self.source, marks={htcds.READY_TO_REFER: htcds.MAPPING})

    def write(self) -> None:
        """Save the workbook."""
        write_sample(self.source, self.cases)

    def offer(self, name: str) -> None:
        (case,) = sample_cases(TODAY, recipient="Albania", count=1, first=len(self.cases) + 1)
        self.cases.append(case.having({htcds.READY_TO_REFER: "Yes", "Working Name": name, **self.cells}))
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
        journal = self.journal.read_bytes() if self.journal.exists() else b""
        cells = [cell for rows in sheet_cells(self.results).values() for row in rows for cell in row]
        return text.encode() in journal or any(text in cell for cell in cells)

    def holds(self, text: str) -> bool:
        cells = [cell for rows in sheet_cells(self.source).values() for row in rows for cell in row]
        return self.shows(text) or any(text in cell for cell in cells)
