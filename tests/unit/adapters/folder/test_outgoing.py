"""Drafts that an office drops: taken whole, by their name, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.benches import FolderBench

from adapters.folder import FolderAdapter
from adapters.kit.contract import a_notice
from adapters.kit.strict_json import LIMIT
from gateway.errors import Finding
from gateway.ports import LocalRecord, NoticeKind

GOOD = '{"body_type": "referral.request/1"}'


@pytest.fixture
def bench(tmp_path: Path) -> FolderBench:
    """An empty drop folder."""
    return FolderBench(tmp_path)


async def _settle(bench: FolderBench, kind: NoticeKind, findings: tuple[Finding, ...] = ()) -> list[LocalRecord]:
    adapter = bench.adapter()
    records = list(await adapter.pull())
    for record in records:
        await adapter.settle(record, a_notice(record.ref, kind, findings=findings))
    return records


async def test_unfinished_files_wait(bench: FolderBench) -> None:
    """What is still being written, or is no draft, stays where it is."""
    for name in ("a.tmp", "b.json.part", ".c.json", "d.pdf", "e.json.tmp"):
        (bench.root / "outgoing" / name).write_text(GOOD)
    assert await bench.adapter().pull() == []
    assert len(bench.all("outgoing")) == 5


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"\xff\xfe{\x00", "not_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"a": 1', "malformed"),
        (b'{"a": 1, "a": 2}', "duplicate_member"),
        (b'{"a": NaN}', "number_not_finite"),
        (b"[" * 100_000, "too_deep"),
        (b" " * (LIMIT + 1), "too_large"),
        (b"", "malformed"),
    ],
)
async def test_bad_documents(bench: FolderBench, text: bytes, rule: str) -> None:
    """A file that is no draft comes with its fault and no fields; the good one beside it comes as well."""
    bench.drop("bad.json", text)
    bench.drop("good.json", GOOD)
    bad, good = await bench.adapter().pull()
    assert (bad.ref, [fault.rule for fault in bad.faults], bad.fields) == ("bad", [rule], {})
    assert good.faults == ()


@pytest.mark.parametrize(
    "name", ["Marie P.json", "é.json", "a\nb.json", "-rf.json", "a.errors.json", "x" * 70 + ".json"]
)
async def test_bad_names(bench: FolderBench, name: str) -> None:
    """A name that is not plain is replaced by one that says nothing, and the draft is refused for it."""
    bench.drop(name, GOOD)
    (record,) = await bench.adapter().pull()
    assert [fault.rule for fault in record.faults] == ["bad_name"]
    assert record.ref.startswith("~unnamed-")
    assert await bench.adapter().pull() == [record]
    await _settle(bench, NoticeKind.REFUSED, record.faults)
    assert [path.name for path in bench.all("refused")] == [f"{record.ref}.errors.json", f"{record.ref}.json"]
    await bench.adapter().push(a_notice(record.ref, NoticeKind.DISCARDED))


async def test_undecodable_name(bench: FolderBench) -> None:
    """A name that is not even UTF-8 is handled like any other bad one."""
    path = os.fsencode(bench.root / "outgoing") + b"/\xff.json"
    Path(os.fsdecode(path)).write_text(GOOD)
    (record,) = await _settle(bench, NoticeKind.REFUSED)
    assert [fault.rule for fault in record.faults] == ["bad_name"]


async def test_a_name_is_used_up(bench: FolderBench) -> None:
    """A second file under the name of a taken one is a mistake, not the same record and not a silent new one."""
    bench.drop("case-1.json", GOOD)
    await _settle(bench, NoticeKind.DRAFTED)
    bench.drop("case-1.json", '{"body_type": "other/1"}')
    (record,) = await bench.adapter().pull()
    assert [fault.rule for fault in record.faults] == ["name_used"]
    assert record.ref != "case-1"
    assert bench.all("taken")[0].read_text() == GOOD


async def test_a_newer_file_waits(bench: FolderBench) -> None:
    """A file dropped while the first of its name is being judged does not take its place."""
    bench.drop("case-1.json", GOOD)
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    bench.drop("case-1.json", '{"body_type": "newer/1"}')
    assert await adapter.pull() == [record]
    await adapter.settle(record, a_notice("case-1", NoticeKind.DRAFTED))
    assert bench.all("taken")[0].read_text() == GOOD


async def test_special_files_stay(bench: FolderBench, tmp_path: Path) -> None:
    """Links, pipes, folders and second names in outgoing are not touched; check counts them and names none."""
    secret = tmp_path / "secret.json"
    secret.write_text(GOOD)
    outgoing = bench.root / "outgoing"
    (outgoing / "link.json").symlink_to(secret)
    (outgoing / "folder.json").mkdir()
    os.mkfifo(outgoing / "pipe.json")
    os.link(secret, outgoing / "second.json")
    adapter = bench.adapter()
    assert await adapter.pull() == []
    (finding,) = await adapter.check()
    assert (finding.place, finding.rule) == ("folder outgoing", "not_a_draft")
    assert finding.hint.startswith("4 of them")
    assert secret.read_text() == GOOD


async def test_a_link_in_claimed(bench: FolderBench, tmp_path: Path) -> None:
    """A link that was swapped in at the last moment is refused unread."""
    (tmp_path / "secret").write_text(GOOD)
    (bench.root / "claimed" / "a.json").symlink_to(tmp_path / "secret")
    (record,) = await _settle(bench, NoticeKind.REFUSED)
    assert [fault.rule for fault in record.faults] == ["not_a_file"]


async def test_batches(bench: FolderBench) -> None:
    """One pull returns no more than its batch; the rest comes when the first are settled."""
    for number in range(5):
        bench.drop(f"case-{number}.json", GOOD)
    adapter = FolderAdapter(bench.root, batch=3)
    first = await adapter.pull()
    assert [record.ref for record in first] == ["case-0", "case-1", "case-2"]
    for record in first:
        await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    assert [record.ref for record in await adapter.pull()] == ["case-3", "case-4"]
