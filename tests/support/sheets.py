"""Line lists of an office as tests write them, and what an adapter reads there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from support import workbooks

from adapters.sheet import SheetAdapter, container
from gateway.errors import RefusedError
from gateway.ports import LocalRecord

GOOD = ["R-1", "Yes", "Nobody One", dt.datetime(1994, 5, 6), "F", 2, "0017", ""]


def sheet_adapter(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> SheetAdapter:
    """Make an adapter of a line list with these bytes; `more` are arguments of `SheetAdapter`."""
    (folder / "office.yaml").write_text(workbooks.MAPPING)
    source = folder / f"cases{suffix}"
    source.write_bytes(data)
    folder.chmod(0o700)
    more.setdefault("ids", ("Key", "Case"))
    return SheetAdapter(source, marks={"Ready": folder / "office.yaml"}, key="Key", **more)  # type: ignore[arg-type]


async def pull_sheet(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> list[LocalRecord]:
    """Return the records of the first pull."""
    return list(await sheet_adapter(folder, data, suffix, **more).pull())


async def refused_rules(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> list[str]:
    """Return the rules by which a list is refused as a whole, at the pull and at the check."""
    adapter = sheet_adapter(folder, data, suffix, **more)
    with pytest.raises(RefusedError, match="line list cannot be used") as caught:
        await adapter.pull()
    rules = [finding.rule for finding in caught.value.findings]
    assert rules == [finding.rule for finding in await adapter.check()][: len(rules)]
    return rules


def count_walked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One number, which grows from now on with every name that walks through workbooks come upon."""
    walked, name_of = [0], container._local

    def count(name: str) -> str:
        walked[0] += 1
        return name_of(name)

    monkeypatch.setattr(container, "_local", count)
    return walked


def faults_of(record: LocalRecord) -> list[tuple[str, str]]:
    """Return place and rule of each fault."""
    return [(fault.place, fault.rule) for fault in record.faults]
