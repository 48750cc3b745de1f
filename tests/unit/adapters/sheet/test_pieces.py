"""A long list is handed on in pieces: read once, settled together, and from the top where anything is not as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.benches import sheet_cells
from support.sheets import GOOD, sheet_adapter
from support.workbooks import LABELS, xlsx

from adapters.kit.contract import a_notice
from adapters.sheet import SheetAdapter, adapter, source
from gateway.ports import BulkSettler, LocalRecord, NoticeKind

PIECE = 3


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "AT_ONCE", PIECE)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each reading of the file."""
    seen: list[int] = []
    read = source.read_table

    def counted(data: bytes, *args: object, **kwargs: object) -> object:
        seen.append(len(data))
        return read(data, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(source, "read_table", counted)
    return seen


def office(folder: Path, count: int) -> SheetAdapter:
    """An adapter of a list with so many marked rows."""
    return sheet_adapter(folder, xlsx([LABELS, *([f"R-{n}", *GOOD[1:]] for n in range(count))]))


async def settled(sheet: SheetAdapter, records: list[LocalRecord]) -> list[str]:
    """Settle these as drafted, together."""
    await sheet.settle_all([(record, a_notice(record.ref, NoticeKind.DRAFTED, key=record.ref)) for record in records])
    return [record.ref for record in records]


@pytest.mark.parametrize("count", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 2])
async def test_every_row_comes_once_and_the_file_is_read_once(tmp_path: Path, reads: list[int], count: int) -> None:
    """In pieces of the same size; the results are shown when the last row has its outcome, and not for each piece."""
    sheet, results = office(tmp_path, count), tmp_path / "trm-results.xlsx"
    assert isinstance(sheet, BulkSettler)
    came: list[str] = []
    while records := list(await sheet.pull()):
        assert len(reads) == 1
        assert len(records) <= PIECE and not results.exists()
        came += await settled(sheet, records)
        if len(came) == count:
            break
    assert await sheet.pull() == []  # to whose caller a full last piece looks like any other
    assert came == [f"office:R-{n}" for n in range(count)]
    assert sorted(row[0] for row in sheet_cells(results)["Records"][1:]) == [f"R-{n}" for n in range(count)]
    before = len(reads)
    assert await sheet.pull() == await sheet.pull() == []
    assert len(reads) <= before + 1  # one look that all of it is settled, then none while nothing changes


async def test_what_was_not_settled_comes_again_first(tmp_path: Path) -> None:
    """Whether nothing of a piece was settled or a part of it."""
    sheet = office(tmp_path, 5)
    first = list(await sheet.pull())
    assert await sheet.pull() == first
    await settled(sheet, first[1:])
    assert [record.ref for record in await sheet.pull()] == ["office:R-0", "office:R-3", "office:R-4"]


async def test_a_list_that_is_saved_meanwhile_is_read_anew(tmp_path: Path, reads: list[int]) -> None:
    """The rows behind a piece are those of the file as it is now."""
    sheet = office(tmp_path, 5)
    await settled(sheet, list(await sheet.pull()))
    data = xlsx([LABELS, *([f"R-{n}", "No" if n == 3 else "Yes", *GOOD[2:]] for n in range(5))])
    (tmp_path / "new").write_bytes(data)
    (tmp_path / "new").replace(tmp_path / "cases.xlsx")
    assert [record.ref for record in await sheet.pull()] == ["office:R-4"]
    assert len(reads) == 2


async def test_the_next_adapter_goes_on_behind_what_was_settled(tmp_path: Path) -> None:
    """A node that ended between two pieces, or in one."""
    sheet = office(tmp_path, 7)
    await settled(sheet, list(await sheet.pull()))
    await settled(sheet, list(await sheet.pull())[:1])
    later = office(tmp_path, 7)
    assert [record.ref for record in await later.pull()] == ["office:R-4", "office:R-5", "office:R-6"]
    assert len(sheet_cells(tmp_path / "trm-results.xlsx")["Records"]) == 1 + 4  # shown at its first look


async def test_every_marked_row_is_shown_to_who_tries_a_mapping(tmp_path: Path) -> None:
    """All of them at once, those that were settled too, and the pulls go on as if nobody had looked."""
    sheet = office(tmp_path, 5)
    await settled(sheet, list(await sheet.pull()))
    assert [record.ref for record in await sheet.marked()] == [f"office:R-{n}" for n in range(5)]
    assert [record.ref for record in await sheet.pull()] == ["office:R-3", "office:R-4"]
