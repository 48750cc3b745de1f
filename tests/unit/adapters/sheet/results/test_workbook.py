"""The sheet adapter over time: what is settled, told, corrected, shown and erased."""

from __future__ import annotations

import asyncio
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.benches import SheetBench, sheet_cells

from adapters.kit.contract import a_delivery, a_notice
from adapters.sheet import SheetAdapter, htcds
from adapters.sheet.read import _translated
from adapters.sheet.results.ledger import Journal
from adapters.sheet.results.workbook import CELL, flatten_document, render_workbook
from adapters.sheet.table import UnreadableError
from adapters.sheet.words import load_words
from gateway.errors import Finding, RefusedError, TransientError
from gateway.ports import Erasure, Json, LocalRecord, NoticeKind


async def _settle(bench: SheetBench, kind: NoticeKind) -> list[LocalRecord]:
    adapter = bench.adapter()
    records = list(await adapter.pull())
    for record in records:
        await adapter.settle(record, a_notice(record.ref, kind))
    return records


def _edit(bench: SheetBench, label: str, value: str) -> None:
    bench.cases[0] = bench.cases[0].having({label: value})
    bench.write()


# --- when a row is due ---------------------------------------------------------------------------------------------


async def test_refused_until_corrected(bench: SheetBench) -> None:
    """A refused row comes again when anything in it changes, under the same ref, and only then."""
    (record,) = await _settle(bench, NoticeKind.REFUSED)
    bench.write()
    assert await bench.adapter().pull() == []
    _edit(bench, "Email", "other@example.org")
    assert [again.ref for again in await bench.adapter().pull()] == [record.ref]


async def test_refused_until_the_mapping_changes(bench: SheetBench, tmp_path: Path) -> None:
    """A refused row also comes again when the mapping file has changed, once the node reads it: at its next start.
    Until then rows are judged by the old one, so none is settled under the new one; the check tells what is to be done.
    """
    mapping = tmp_path / "own.yaml"
    mapping.write_bytes(htcds.MAPPING.read_bytes())
    adapter = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: mapping})
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED))
    assert await adapter.pull() == []
    mapping.write_bytes(htcds.MAPPING.read_bytes() + b"# corrected\n")
    assert await adapter.pull() == []
    assert [told.rule for told in await adapter.check()] == ["mapping_changed"]
    whole = mapping.read_bytes()
    mapping.write_bytes(b"[")
    assert [told.rule for told in await adapter.check()] == ["invalid"]
    mapping.write_bytes(whole)
    anew = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: mapping})
    assert [again.ref for again in await anew.pull()] == [record.ref]
    assert [told.rule for told in await anew.check()] == []


async def test_drafted_for_good(bench: SheetBench) -> None:
    """A row that became a draft does not come again, whatever is typed into it, also when the message has failed."""
    (record,) = await _settle(bench, NoticeKind.DRAFTED)
    await bench.adapter().push(a_notice(record.ref, NoticeKind.FAILED))
    _edit(bench, "Email", "other@example.org")
    assert await bench.adapter().pull() == []


@pytest.mark.parametrize("kind", [NoticeKind.DISCARDED, NoticeKind.CANCELLED])
async def test_put_aside_and_changed(bench: SheetBench, kind: NoticeKind) -> None:
    """A row whose draft was put aside comes again once it has changed, under a new ref that stays."""
    (record,) = await _settle(bench, NoticeKind.DRAFTED)
    await bench.adapter().push(a_notice(record.ref, kind))
    assert await bench.adapter().pull() == []
    _edit(bench, "Email", "other@example.org")
    for _ in range(2):
        assert [again.ref for again in await bench.adapter().pull()] == [f"{record.ref}:2"]
    await _settle(bench, NoticeKind.DRAFTED)
    assert await bench.adapter().pull() == []


async def test_a_row_is_for_the_office_to_erase(bench: SheetBench) -> None:
    """The line list is only read: a row that is there is named as left, marked or not. When the office has deleted it,
    journal and workbook say nothing of it any more, and of the others what they said.
    """
    bench.offer("Case two")
    one, two = [record.ref for record in await _settle(bench, NoticeKind.DRAFTED)]
    adapter = bench.adapter()
    for ref in (one, two):
        await adapter.push(a_notice(ref, NoticeKind.RECEIVED, key=f"received-{ref}"))
    _edit(bench, htcds.READY_TO_REFER, "No")
    assert await adapter.erase_record(one) is Erasure.NOT_SUPPORTED
    assert bench.holds(one)
    del bench.cases[0]
    bench.write()
    assert await adapter.erase_record(one) is Erasure.ERASED
    assert (bench.shows(one), bench.shows(two)) == (False, True)
    assert bench.noticed().count("received") == 1
    assert await bench.adapter().pull() == []
    with pytest.raises(RefusedError, match="no such row"):
        await bench.adapter().erase_record(one)


async def test_settled_after_a_restart(bench: SheetBench) -> None:
    """A row settled by an adapter that did not pull it is settled; a refusal of unknown state is due again."""
    (record,) = await bench.adapter().pull()
    await bench.adapter().settle(record, a_notice(record.ref, NoticeKind.REFUSED))
    assert [again.ref for again in await bench.adapter().pull()] == [record.ref]
    await bench.adapter().settle(record, a_notice(record.ref, NoticeKind.DRAFTED, key="other"))
    assert await bench.adapter().pull() == []


async def test_two_marks_two_records(bench: SheetBench) -> None:
    """One row can ask first and refer later: each mark makes its own record, for its own mapping."""
    adapter = SheetAdapter(bench.source, marks=htcds.MARKS)
    _edit(bench, htcds.READY_TO_ASK, "Yes")
    records = await adapter.pull()
    assert [(record.ref, record.mapping) for record in records] == [
        ("htcds-2-0-enquiry:R-0001", "htcds-2-0-enquiry"),
        ("htcds-2-0:R-0001", "htcds-2-0"),
    ]
    assert "Working Name" not in records[0].fields and "Birthdate" not in records[0].fields


# --- results -------------------------------------------------------------------------------------------------------


async def test_records_show_the_latest_news(bench: SheetBench) -> None:
    """Each record has its latest state, each finding its own row, and people read the reference they know."""
    (record,) = await _settle(bench, NoticeKind.DRAFTED)
    adapter = bench.adapter()
    await adapter.push(a_notice(record.ref, NoticeKind.DELIVERED, key="b", at=1_750_000_300))
    await adapter.push(a_notice(record.ref, NoticeKind.RECEIVED, key="a", at=1_750_000_300))
    heading, row = sheet_cells(bench.results)["Records"]
    assert heading[:4] == ["Reference", "Sent As", "State", "Meaning"]
    assert (row[0], row[1], row[2], row[-1]) == ("R-0001", "htcds-2-0", "delivered", "2025-06-15 15:11")
    missing = Finding(place="sheet Cases, row 3, column D", rule="missing", hint="fill it")
    findings = (missing, Finding(place="/a", rule="b"))
    await adapter.push(a_notice(record.ref, NoticeKind.REJECTED, key="c", at=1_750_000_400, findings=findings))
    rows = sheet_cells(bench.results)["Records"][1:]
    assert [(row[2], row[4], row[5], row[6]) for row in rows] == [
        ("rejected", "schema", "sheet Cases, row 3, column D", "missing"),
        ("rejected", "schema", "/a", "b"),
    ]


def _two_ways(record: LocalRecord, *labels: str) -> tuple[Finding, ...]:
    return tuple(Finding(place=record.places[label], rule="date_two_ways", hint="either way round") for label in labels)


async def test_what_is_asked_once_for_a_column(bench: SheetBench) -> None:
    """Dates of two readings are one question for each column, with its rows, an example and how it is answered; the
    rows say where it stands, each once, beside what is wrong with themselves alone.
    """
    for name in ("Case two", "Case three", "Case four"):
        bench.offer(name)
    adapter = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: htcds.MAPPING}, language="fr")
    one, two, three, four = await adapter.pull()
    own = Finding(place=three.places["Gender"], rule="unmapped_code", hint="correct it")
    told = {
        one.ref: _two_ways(one, "Birthdate"),
        two.ref: _two_ways(two, "Birthdate", "Retain Until"),
        three.ref: (own, *_two_ways(three, "Retain Until")),
    }
    refused = a_notice(one.ref, NoticeKind.REFUSED)
    await adapter.settle_all(
        [(row, replace(refused, ref=row.ref, findings=told.get(row.ref, ()))) for row in (one, two, three)]
    )
    await adapter.settle(four, replace(refused, ref=four.ref, findings=_two_ways(four, "Birthdate")))
    said, sheets = load_words("fr"), sheet_cells(bench.results)
    heading, born, kept = sheets[said.page("questions")]
    assert heading == [
        said("headings", name)
        for name in ("Column", "Place", "Sent As", "Rows", "Cells", "Example", "Question", "Answer")
    ]
    assert (born[0], born[3:5], kept[0], kept[3:5]) == ("Birthdate", ["3-4, 6", "3"], "Retain Until", ["4-5", "2"])
    assert born[5] == said.place(one.places["Birthdate"]) and born[6] == said("rules", "date_two_ways")
    assert "trm mapping dates FILE Birthdate day_first|month_first" in born[7]
    assert "trm mapping dates FILE 'Retain Until' day_first|month_first" in kept[7]
    rows = [(row[0], row[6], row[7]) for row in sheets[said.page("records")][1:]]
    see = said("questions", "see").format(page=said.page("questions"))
    assert rows == [
        ("R-0001", "date_two_ways", see),
        ("R-0002", "date_two_ways", see),
        ("R-0003", "unmapped_code", said("rules", "unmapped_code")),
        ("R-0003", "date_two_ways", see),
        ("R-0004", "date_two_ways", see),
    ]
    await adapter.settle(two, replace(refused, ref=two.ref, kind=NoticeKind.DRAFTED, key="later"))
    assert [row[3] for row in sheet_cells(bench.results)[said.page("questions")][1:]] == ["3, 6", "5"]


async def test_results_in_the_language_of_the_office(bench: SheetBench) -> None:
    """Headings, states, places and faults are in Arabic, from right to left; a rule without words stays English."""
    adapter = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: htcds.MAPPING}, language="ar")
    (record,) = await adapter.pull()
    place = record.places["Gender"]
    known = Finding(place=place, rule="unmapped_code", hint="add the value")
    new = Finding(place="/a", rule="never_heard_of", hint="call somebody")
    refused = a_notice(record.ref, NoticeKind.REFUSED)
    await adapter.settle(record, replace(refused, findings=(known, new)))
    said, sheets = load_words("ar"), sheet_cells(bench.results)
    heading, one, other = sheets[said.page("records")]
    assert heading[:3] == [said("headings", name) for name in ("Reference", "Sent As", "State")]
    assert heading[0] != "Reference" and one[3] == said("states", "refused")
    assert one[5:8] == ["الورقة Cases، الصف 3، العمود H (Gender)", "unmapped_code", said("rules", "unmapped_code")]
    assert other[5:8] == ["/a", "never_heard_of", "call somebody [en]"]
    book = openpyxl.load_workbook(bench.results)
    assert all(sheet.sheet_view.rightToLeft for sheet in book)
    book.close()


async def test_refused_until_the_language_changes(bench: SheetBench) -> None:
    """A label that was not understood may be one of another language, so the row comes again with it."""
    await _settle(bench, NoticeKind.REFUSED)
    assert await bench.adapter().pull() == []
    adapter = SheetAdapter(bench.source, marks={htcds.READY_TO_REFER: htcds.MAPPING}, language="fr")
    assert len(await adapter.pull()) == 1


async def test_many_rows_are_shown_together(bench: SheetBench) -> None:
    """The workbook of results is written once for the rows that were read together, not for each of them."""
    bench.offer("Case two")
    adapter = bench.adapter()
    one, two = await adapter.pull()
    await adapter.settle(one, a_notice(one.ref, NoticeKind.DRAFTED))
    with Journal(bench.journal).open() as ledger:
        assert not bench.results.exists() and len([*ledger.notices()]) == 1
    await adapter.settle(two, a_notice(two.ref, NoticeKind.DRAFTED))
    assert len(bench.noticed()) == 2


async def test_content_as_labels_and_values(bench: SheetBench) -> None:
    """A received message has one row in Received and one for each of its values in Content."""
    await bench.adapter().push(a_delivery(text="a summary"))
    cells = sheet_cells(bench.results)
    assert [row[:3] for row in cells["Received"][1:]] == [["A" * 22, "referral.request/1", "France"]]
    assert [row[3:] for row in cells["Content"][1:]] == [
        ["header", "priority", "normal"],
        ["header", "language", "fr"],
        ["header", "seen", "0"],
        ["content", "summary", "a summary"],
        ["content", "exploitation 1", "ForcedLabour"],
        ["content", "person / birth year", "1999"],
    ]


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A1", "http://example.org", "{=1}"]


async def test_no_formula_no_link(bench: SheetBench) -> None:
    """What looks like a formula or a link is text, and marked as text for the program that opens it."""
    adapter = bench.adapter()
    for number, text in enumerate(DANGEROUS):
        await adapter.push(a_delivery(key=f"k{number}", message_id=f"{number:022d}", text=text))
    with zipfile.ZipFile(bench.results) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert b'quotePrefix="1"' in archive.read("xl/styles.xml")
    assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets)
    book = openpyxl.load_workbook(bench.results)
    cells = [cell for row in book["Content"].iter_rows(min_row=2) for cell in row if cell.value in DANGEROUS]
    assert {cell.data_type for cell in cells} == {"s"}
    quoted = {cell.value for cell in cells if cell.quotePrefix}
    assert {text for text in DANGEROUS if text[0] in "=+-@"} <= quoted
    book.close()


def test_long_and_odd_texts(tmp_path: Path) -> None:
    """A text longer than a cell goes on in the next row, and no character spoils the file."""
    long = "ab" * CELL
    odd = "\x00\x0b\ufffe\ud800 end"
    with Journal(tmp_path / "journal.db").open() as ledger:
        for number, text in enumerate((long, odd)):
            ledger.add(a_delivery(key=f"k{number}", text=text))
        workbook = render_workbook(ledger, load_words())
        assert workbook == render_workbook(ledger, load_words())
    rows = openpyxl.load_workbook(BytesIO(workbook))["Content"].iter_rows(min_row=2, min_col=5, values_only=True)
    shown = [(path, str(value)) for path, value in rows if str(path).startswith("summary")]
    assert [path for path, _ in shown] == ["summary", "summary (continued 1)", "summary"]
    assert shown[0][1] + shown[1][1] == long
    assert shown[2][1].endswith(" end")


LEAF = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_every_leaf_has_a_row(value: Json) -> None:
    """Flattening loses no leaf, and an empty list is said to be empty."""

    def leaves(part: Json) -> int:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else None
        return sum(map(leaves, inner)) if inner else 1

    assert leaves(value) == len(list(flatten_document(value)))


async def test_many_at_once(bench: SheetBench) -> None:
    """Items that arrive together are each durable and shown."""
    adapter = bench.adapter()
    items = [a_delivery(key=f"k{number}", message_id=f"{number:022d}") for number in range(40)]
    await asyncio.gather(*(adapter.push(item) for item in items))
    assert len(bench.received()) == 40
    with Journal(bench.journal).open() as ledger:
        assert len([*ledger.deliveries()]) == 40


async def test_results_that_cannot_be_written(bench: SheetBench) -> None:
    """While the workbook cannot be replaced, a hand-over is not acknowledged; afterwards the repeat is."""
    adapter = bench.adapter()
    bench.results.unlink(missing_ok=True)
    bench.results.mkdir()
    with pytest.raises(TransientError, match="cannot be used now"):
        await adapter.push(a_delivery())
    bench.results.rmdir()
    assert await adapter.push(a_delivery()) == "key-1"
    assert bench.received() == ["A" * 22]


async def test_lost_workbook_comes_back(bench: SheetBench) -> None:
    """The workbook is only a picture of the journal: lost or old, it is made again at the next pull."""
    await bench.adapter().push(a_delivery())
    bench.results.unlink()
    await bench.adapter().pull()
    assert bench.received() == ["A" * 22]


async def test_erased_from_every_file(bench: SheetBench) -> None:
    """After erasing, no file of the adapter holds a word of the message; that it was here is still told."""
    adapter = bench.adapter()
    local_id = await adapter.push(a_delivery(text="Xanthippe"))
    await adapter.erase(local_id)
    assert await adapter.status(local_id) == "erased"
    for path in bench.source.parent.iterdir():
        if path == bench.source:
            continue
        assert b"Xanthippe" not in path.read_bytes()
    assert not bench.shows("Xanthippe")
    assert [row[0] for row in sheet_cells(bench.results)["Erased"][1:]] == ["A" * 22]


async def test_private_files(bench: SheetBench) -> None:
    """Workbook and journal are for this user alone, and no other file is left behind."""
    await bench.adapter().push(a_delivery())
    assert sorted(path.name for path in bench.source.parent.iterdir()) == [
        "cases.xlsx",
        "trm-results.db",
        "trm-results.xlsx",
    ]
    assert {path.stat().st_mode & 0o777 for path in (bench.results, bench.journal)} == {0o600}


# --- configuration and checking ------------------------------------------------------------------------------------


def test_bad_configuration(tmp_path: Path) -> None:
    """What cannot work is refused when the adapter is made."""
    with pytest.raises(RefusedError, match="at least one mark"):
        SheetAdapter(tmp_path / "a.xlsx", marks={})
    with pytest.raises(RefusedError, match="0600 or 0640"):
        SheetAdapter(tmp_path / "a.xlsx", marks=htcds.MARKS, file_mode=0o666)
    with pytest.raises(RefusedError, match="take the place"):
        SheetAdapter(tmp_path / "a.xlsx", marks=htcds.MARKS, results=tmp_path / "a.xlsx")


async def test_empty_key(bench: SheetBench) -> None:
    """An item without an idempotency key is refused."""
    with pytest.raises(RefusedError, match="idempotency key"):
        await bench.adapter().push(a_delivery(key=""))


def test_a_panic_of_the_reader() -> None:
    """A panic of the compiled reader is the file's fault; an interrupt of the person at the keyboard is not."""
    panic = type("PanicException", (BaseException,), {})()
    assert isinstance(_translated(panic), UnreadableError)
    stop = KeyboardInterrupt()
    assert _translated(stop) is stop


# --- several workers -------------------------------------------------------------------------------------------------


async def test_two_workers_share_the_results(bench: SheetBench) -> None:
    """Whichever of them hands over, the workbook shows what both did; each has its own adapter on the same files."""
    one, other = bench.adapter(), bench.adapter()
    for adapter, key in ((one, "a"), (other, "b"), (one, "c")):
        await adapter.push(a_delivery(key=key))
    assert len(sheet_cells(bench.results)["Received"]) == 1 + 3
    assert [await other.status(key) for key in ("a", "b", "c")] == ["listed"] * 3


async def test_erasing_keeps_what_another_worker_has_handed_over(bench: SheetBench) -> None:
    """The journal keeps all that is in it, also what this worker has not seen."""
    one, other = bench.adapter(), bench.adapter()
    await one.push(a_delivery(key="a"))
    await other.push(a_delivery(key="b"))
    await one.erase("a")
    assert [await bench.adapter().status(key) for key in ("a", "b")] == ["erased", "listed"]
    assert [await other.status(key) for key in ("a", "b")] == ["erased", "listed"]
    assert len(sheet_cells(bench.results)["Received"]) == 1 + 1
