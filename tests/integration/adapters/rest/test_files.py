"""Files at a JSON API: under the key before the message, by number with an item, and gone with what they belong to."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit.conformance.files import a_file, with_files
from adapters.kit.contract import a_notice
from adapters.kit.setup.needs import State
from adapters.rest import KIND, RestAdapter
from adapters.rest.bench import RestBench, stand_in
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Attachment, Erasure, NoticeKind
from keys.primitives.encoding import sha256, sha256_hex

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 10_000
NOTE = b"a note"
AWAY = TransientError(Code.DISK, "the disk is away")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[RestBench]:
    """One office, which takes and gives files."""
    async with stand_in(tmp_path) as new:
        yield new()


def hashed(part: int, data: bytes) -> Attachment:
    """A file of a message with its hash."""
    return replace(a_file(part, data), sha256=sha256_hex(data))


def list_files(bench: RestBench, listed: Any) -> None:
    """Let the last item list this as its files."""
    bench.office.ready[-1]["files"] = listed


async def missing(adapter: RestAdapter) -> list[tuple[str, str]]:
    """Places and rules of what the check misses."""
    return [(need.place, need.rule) for need in await adapter.needs() if need.rule]


async def test_files_go_both_ways(bench: RestBench) -> None:
    """With type, length and hash under the key of their message, which names them; out by number; then erased."""
    adapter = bench.adapter()
    local_id = await adapter.push(with_files(hashed(0, PDF), hashed(1, NOTE)))
    assert bench.received_files() == [PDF, NOTE]
    lying = bench.office.files_of_message("key-1")
    assert [bench.office.digests[path] for path in lying] == [
        f"sha-256=:{b64encode(sha256(one)).decode()}:" for one in (PDF, NOTE)
    ]
    bench.offer_file("one", PDF)
    list_files(bench, [{"size": len(PDF), "sha256": sha256_hex(PDF), "doc_kind": "court_document", "name": "Ana.pdf"}])
    (record,) = await adapter.pull()
    (file,) = record.files
    assert (file.place, file.size, file.sha256, file.doc_kind) == (
        "file 0 of item 1",
        len(PDF),
        sha256_hex(PDF),
        "court_document",
    )
    assert b"".join([chunk async for chunk in file.read()]) == PDF
    assert await adapter.erase(local_id) is Erasure.ERASED
    assert bench.office.files_of_message("key-1") == []


async def test_what_a_kill_left_is_put_anew_or_erased(bench: RestBench) -> None:
    """Files under a key that no message has: the repeat takes their place, the key alone finds them."""
    for key in ("key-1", "key-2"):
        with pytest.raises(TransientError):
            await bench.adapter().push(with_files(hashed(0, NOTE), a_file(1, PDF, breaks=AWAY), key=key))
        assert len(bench.office.files_of_message(key)) == 1
    await bench.adapter().push(with_files(hashed(0, PDF), hashed(1, NOTE)))
    assert bench.received_files() == [PDF, NOTE]
    assert await bench.adapter().erase("key-2") is Erasure.ERASED
    assert bench.office.files_of_message("key-2") == []
    with pytest.raises(RefusedError) as caught:
        await bench.adapter().erase("key-2")
    assert caught.value.code is Code.NOT_FOUND
    assert bench.received_files() == [PDF, NOTE]


async def test_a_message_that_is_there_brings_no_file_again(bench: RestBench) -> None:
    """An API that can be asked is asked before the files go: their source is not read a second time."""
    item = with_files(hashed(0, PDF))
    await bench.adapter().push(item)
    (bench.folder / "journal.db").unlink()
    adapter = bench.adapter(find_path="/inbox?key={key}")
    assert await adapter.push(replace(item, attachments=(a_file(0, PDF, breaks=AWAY),))) == "made-key-1"
    assert bench.received_files() == [PDF]


async def test_a_file_that_the_api_refuses_holds_the_message(bench: RestBench) -> None:
    """For a person, by the number of the answer; nothing of the message stays."""
    adapter = bench.adapter(files_path="/nowhere/{key}")
    with pytest.raises(RefusedError, match=r"refuses a PUT \(404\)") as caught:
        await adapter.push(with_files(hashed(0, PDF)))
    assert caught.value.code is Code.ADAPTER_REFUSED
    assert bench.received() == []


async def test_a_message_that_cannot_be_posted_brings_no_file(bench: RestBench) -> None:
    """With the record alone asked for and no mapping that makes one."""
    with pytest.raises(RefusedError, match="no mapping file"):
        await bench.adapter(body="fields").push(with_files(hashed(0, PDF)))
    assert [*bench.office.files.iterdir()] == []


@pytest.mark.parametrize(
    ("listed", "rules"),
    [
        ({"size": 1}, ["not_a_list"]),
        ("0.pdf", ["not_a_list"]),
        (["0.pdf"], ["not_a_list"]),
        ([{}], ["bad_size"]),
        ([{"size": "1"}], ["bad_size"]),
        ([{"size": True}], ["bad_size"]),
        ([{"size": -1}], ["bad_size"]),
        ([{"size": 0}], ["file_empty"]),
        ([{"size": 1, "sha256": "A" * 64}], ["bad_hash"]),
        ([{"size": 1, "sha256": 7}, {"size": 1, "doc_kind": ["x"]}], ["bad_hash", "not_a_kind"]),
    ],
)
async def test_lists_that_are_none(bench: RestBench, listed: Any, rules: list[str]) -> None:
    """Faults of the item at their place; it is read again once its list is mended."""
    bench.offer_file("one", NOTE)
    good = bench.office.ready[-1]["files"]
    list_files(bench, listed)
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    assert ([fault.rule for fault in record.faults], record.files, record.fields) == (rules, (), {})
    assert all(fault.place.startswith("item 1, member /files") for fault in record.faults)
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED, findings=record.faults))
    list_files(bench, good)
    (record,) = await adapter.pull()
    assert (record.faults, len(record.files)) == ((), 1)


async def test_a_list_without_members_is_no_field(bench: RestBench) -> None:
    """No mapping file has to know it."""
    bench.offer("one")
    list_files(bench, [])
    (record,) = await bench.adapter().pull()
    assert ("files" in record.fields, record.files, record.faults) == (False, (), ())


async def test_a_file_that_is_changed_is_not_sent(bench: RestBench) -> None:
    """Shorter, longer, gone: the node keeps nothing of it."""
    bench.offer_file("one", PDF)
    (record,) = await bench.adapter().pull()
    path = bench.office.file_of_item("1", 0)
    for data, code in (
        (PDF[:-1], Code.CHANGED_MEANWHILE),
        (PDF + b"x", Code.CHANGED_MEANWHILE),
        (None, Code.NOT_FOUND),
    ):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(RefusedError) as caught:
            [chunk async for chunk in record.files[0].read()]
        assert caught.value.code is code


async def test_a_file_that_is_read_in_part_ends_its_connection(bench: RestBench) -> None:
    """As the node does where its type is not taken; it opens anew from its beginning."""
    bench.offer_file("one", PDF)
    (record,) = await bench.adapter().pull()
    chunks = record.files[0].read()
    assert isinstance(chunks, AsyncGenerator)
    assert PDF.startswith(await anext(chunks))
    await chunks.aclose()
    assert b"".join([chunk async for chunk in record.files[0].read()]) == PDF


async def test_no_address_of_an_item_is_followed(bench: RestBench) -> None:
    """What an item says of where its file lies is passed over."""
    bench.offer_file("one", NOTE)
    list_files(bench, [{"size": len(NOTE), "url": "https://elsewhere.example/secret", "path": "/inbox"}])
    (record,) = await bench.adapter().pull()
    assert b"".join([chunk async for chunk in record.files[0].read()]) == NOTE


async def test_an_office_without_files_goes_on(bench: RestBench) -> None:
    """Nothing is asked of paths that the settings do not name; the document says what stayed in the node."""
    bench.office.folder = None
    adapter = bench.adapter(files_path=None, record_files_path=None)
    assert (adapter.describe().takes_files, adapter.describe().gives_files) == (False, False)
    await adapter.push(with_files(hashed(0, PDF)))
    assert bench.shows("0.pdf")
    bench.offer("one")
    list_files(bench, [{"size": 1}])
    (record,) = await adapter.pull()
    assert (record.files, record.faults) == ((), ())
    assert "files of messages stay in the node, without files_path" in {need.place for need in await adapter.needs()}


async def test_the_check_begins_to_read_a_file(bench: RestBench) -> None:
    """None there is untried; one that opens is good; another size, a fault of the list and none behind it are told."""
    place, adapter = "files of items /ready/{ref}/files", bench.adapter()
    assert (place, State.UNTRIED) in {(need.place, need.state) for need in await adapter.needs()}
    bench.offer_file("one", PDF)
    assert (place, State.OK) in {(need.place, need.state) for need in await adapter.needs()}
    bench.office.file_of_item("1", 0).write_bytes(NOTE)
    assert await missing(adapter) == [("file 0 of item 1", "not_readable")]
    bench.office.file_of_item("1", 0).unlink()
    assert await missing(adapter) == [("file 0 of item 1", "not_readable")]
    list_files(bench, [{}])
    assert await missing(adapter) == [("item 1, member /files/0/size", "bad_size")]


@pytest.mark.parametrize(
    "more",
    [
        {"files_path": "/inbox/files"},
        {"files_path": "/inbox?key={key}"},
        {"files_path": "/inbox/{key}/"},
        {"record_files_path": "/ready/files"},
    ],
)
async def test_settings_that_do_not_fit(bench: RestBench, more: dict[str, str]) -> None:
    """A path without the word that it needs, one with a query, one that ends in a slash."""
    with pytest.raises(ValidationError):
        KIND.settings.model_validate({**bench.settings(), **more})
