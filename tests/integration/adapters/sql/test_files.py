"""Files in the office's database: pieces beside the inbox and in a view; on each kind of server that has a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.databases import KINDS, office_on

from adapters.kit.conformance.files import a_file, with_files
from adapters.sql.bench import Office, SqlBench
from adapters.sql.office_files import Files
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Erasure

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 10_000
NOTE = b"a note"


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """An office of each kind, made by its script."""
    return office_on(request.param, tmp_path)


async def test_files_go_both_ways(office: Office) -> None:
    """In pieces into the inbox, by the account of the script; out of the view with the kind of each; then erased."""
    bench = SqlBench(office)
    adapter = bench.adapter()
    assert await adapter.check() == []
    local_id = await adapter.push(with_files(a_file(0, PDF), a_file(1, NOTE)))
    assert bench.received_files() == [PDF, NOTE]
    assert [row[0] for row in office.run("SELECT count(*) FROM trm_inbox_file")] == [4]
    bench.offer_file("one", PDF)
    (record,) = await adapter.pull()
    (file,) = record.files
    assert (file.place, file.size, file.doc_kind) == ("file 0 of row 1", len(PDF), "court_document")
    chunks = [chunk async for chunk in file.read()]
    assert (b"".join(chunks), max(map(len, chunks))) == (PDF, 1 << 20)
    assert await adapter.erase(local_id) is Erasure.ERASED
    assert office.run("SELECT item_key FROM trm_inbox_file WHERE data IS NOT NULL") == []


async def test_what_a_kill_left_is_written_anew_or_erased(office: Office) -> None:
    """Pieces without a row of the inbox belong to nothing: the repeat takes their place, the key alone finds them."""
    bench = SqlBench(office)
    away = TransientError(Code.DISK, "the disk is away")
    for key in ("key-1", "key-2"):
        with pytest.raises(TransientError):
            await bench.adapter().push(with_files(a_file(0, b"%PDF" + bytes(2_000_000), breaks=away), key=key))
    await bench.adapter().push(with_files(a_file(0, PDF)))
    assert bench.received_files() == [PDF]
    assert await bench.adapter().erase("key-2") is Erasure.ERASED
    with pytest.raises(RefusedError):
        await bench.adapter().erase("key-2")
    assert bench.received_files() == [PDF]


async def test_messages_with_and_without_files_keep_their_order(office: Office) -> None:
    """One that breaks is refused alone; one that is away ends what is handed over together."""
    bench = SqlBench(office)
    items = [
        with_files(key="a", message_id="A" * 22),
        with_files(a_file(0, NOTE, breaks=RefusedError(Code.UNDECRYPTABLE, "no")), key="b", message_id="B" * 22),
        with_files(a_file(0, NOTE), key="c", message_id="C" * 22),
        with_files(a_file(0, NOTE, breaks=TransientError(Code.DISK, "away")), key="d", message_id="D" * 22),
        with_files(key="e", message_id="E" * 22),
    ]
    outcomes = await bench.adapter().push_all(items)
    assert [type(one).__name__ for one in outcomes] == ["str", "RefusedError", "str", "TransientError"]
    assert sorted(bench.received()) == ["A" * 22, "C" * 22]


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE case_files SET part = 1", "file_number"),
        ("UPDATE case_files SET data = NULL", "file_empty"),
        ("UPDATE case_files SET data = ''", "file_empty"),
        ("UPDATE case_files SET piece = 5 WHERE piece = 1", "file_pieces"),
        ("UPDATE case_files SET piece = 0", "file_pieces"),
        ("UPDATE case_files SET data = zeroblob(8388609) WHERE piece = 1", "too_large"),
    ],
)
async def test_rows_that_are_no_files(tmp_path: Path, statement: str, rule: str) -> None:
    """Faults of the record, at the file."""
    bench = SqlBench(office_on("sqlite", tmp_path))
    bench.offer_file("one", PDF)
    bench.office.run(statement)
    (record,) = await bench.adapter().pull()
    assert ([fault.rule for fault in record.faults], record.files) == ([rule], ())


CHANGES = ["DELETE FROM case_files", "UPDATE case_files SET data = 'other' WHERE piece = 2"]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_is_changed_is_not_sent(tmp_path: Path, change: str) -> None:
    """Between two pieces too."""
    bench = SqlBench(office_on("sqlite", tmp_path))
    bench.offer_file("one", PDF)
    (record,) = await bench.adapter().pull()
    chunks = record.files[0].read()
    await anext(chunks)
    bench.office.run(change)
    with pytest.raises(RefusedError) as caught:
        [chunk async for chunk in chunks]
    assert caught.value.code is Code.CHANGED_MEANWHILE


async def test_an_office_without_files_goes_on(tmp_path: Path) -> None:
    """Nothing is asked of tables that the settings do not name; the document says what stayed in the node."""
    bench = SqlBench(office_on("sqlite", tmp_path))
    bench.office.run("DROP TABLE trm_inbox_file", "DROP VIEW trm_outbox_file")
    named = {finding.place: finding.rule for finding in await bench.adapter().check()}
    assert named == {"file_view": "missing_view", "file_inbox": "missing_inbox"}
    adapter = bench.office.adapter(files=Files())
    assert await adapter.check() == []
    assert (adapter.describe().takes_files, adapter.describe().gives_files) == (False, False)
    await adapter.push(with_files(a_file(0, NOTE)))
    bench.offer("one")
    assert len(await adapter.pull()) == 1
    assert bench.shows('"0.txt"')
