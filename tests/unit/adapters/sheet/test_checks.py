"""The check of a line list names what a person has to do."""

from __future__ import annotations

import openpyxl
import pytest
from support.benches import SheetBench

from adapters.sheet import SheetAdapter, htcds
from gateway.errors import TransientError


async def test_check_finds(bench: SheetBench) -> None:
    """Check names what a person has to do: columns nobody reads, a folder open to others, a mapping that is none."""
    bench.source.parent.chmod(0o755)
    book = openpyxl.load_workbook(bench.source)
    book["Cases"].cell(row=2, column=120, value="Diary of the Case")
    book.save(bench.source)
    book.close()
    findings = [(finding.place, finding.rule) for finding in await bench.adapter().check()]
    assert findings == [("folder of the results", "open_to_others"), ("sheet Cases, column DP", "unread_column")]
    broken = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: bench.source})
    assert "invalid" in [finding.rule for finding in await broken.check()]
    lost = SheetAdapter(bench.source.with_name("none.xlsx"), marks=htcds.MARKS)
    assert "not_readable" in [finding.rule for finding in await lost.check()]
    with pytest.raises(TransientError, match="ENOENT"):
        await lost.pull()
