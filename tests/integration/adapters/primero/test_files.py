"""Documents of cases in the stand-in of Primero: brought once, named by nothing, gone with their message; and those in
fields made for it go with referrals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit.conformance.files import a_file, with_files
from adapters.kit.contract import a_notice
from adapters.primero import KIND
from adapters.primero.attachments import LARGEST
from adapters.primero.bench import DOCUMENTS, SENDS, USER, PrimeroBench, stand_in
from adapters.primero.standin.attachments import MOST, attach
from adapters.primero.standin.rules import Refusal
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Attachment, Erasure, NoticeKind

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 10_000
NOTE = b"a note"
AWAY = TransientError(Code.DISK, "the disk is away")
COURT = f"{SENDS}court_document"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[PrimeroBench]:
    """A Primero with a worker and the gateway's account; nothing it was sent may have been dropped without a word."""
    async with stand_in(tmp_path) as new:
        made = new()
        yield made
        assert made.office.dropped == []


def names(bench: PrimeroBench) -> list[str]:
    """The names of the documents that files of messages became."""
    return [each["file_name"] for each in bench.office.attachments.values() if each["field_name"] == DOCUMENTS]


def untaken(part: int, ending: str, size: int = 6) -> Attachment:
    """A file that Primero does not take; reading it is an error."""
    return replace(a_file(part, NOTE, breaks=AWAY), name=f"{part}.{ending}", size=size)


async def test_files_of_a_message_become_documents_of_its_case(bench: PrimeroBench) -> None:
    """Under names made from the key, described as the note that lists them; removed for good with the message alone."""
    adapter = bench.adapter()
    item = with_files(a_file(0, PDF), a_file(1, NOTE))
    local_id = await adapter.push(item)
    await adapter.push(with_files(a_file(0, NOTE), key="key-2", message_id="C" * 22))
    assert bench.received_files() == [PDF, NOTE, NOTE]
    (case,) = bench.office.cases
    first, second, other = names(bench)
    assert [name.removeprefix(first.removesuffix("0.pdf")) for name in (first, second)] == ["0.pdf", "1.txt"]
    assert (len(first), other.startswith(first.removesuffix("0.pdf"))) == (len("trm-0123456789ab-0.pdf"), False)
    assert bench.shows(f"file {first}: {DOCUMENTS}\nfile {second}: {DOCUMENTS}")
    told = bench.office.attachments[1]["about"]
    assert told == {"description": f"{item.type} {item.message_id}", "date": "2025-06-15"}
    mine = bench.attach(case, DOCUMENTS, b"of a worker")
    assert await adapter.erase(local_id) is Erasure.DISABLED_ONLY
    assert (bench.received_files(), mine in bench.office.attachments) == ([NOTE, b"of a worker"], True)


async def test_an_answer_brings_its_files_before_access_ends(bench: PrimeroBench) -> None:
    """To the case of the worker, whose referral is then rejected."""
    case, referral = bench.case(name_first="Ana")
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(referral, NoticeKind.DRAFTED))
    item = with_files(a_file(0, PDF))
    await adapter.push(replace(a_notice(referral, NoticeKind.DELIVERED), conversation=item.conversation))
    await adapter.push(replace(item, type="referral.decline/1", content={"reason": "no_capacity"}))
    assert bench.office.referrals[referral]["status"] == "rejected"
    assert [each["case"] for each in bench.office.attachments.values()] == [case]


async def test_what_primero_does_not_take_stays_in_the_node(bench: PrimeroBench) -> None:
    """By its type or its size, and all of it where no field is named; the note says so, and nothing is read."""
    item = with_files(untaken(0, "odt"), untaken(1, "pdf", LARGEST + 1), a_file(2, NOTE))
    await bench.adapter().push(item)
    assert bench.received_files() == [NOTE]
    assert bench.shows("file 0.odt stays in the node of the gateway: trm attachment save\nfile 1.pdf stays in the node")
    plain = bench.adapter(files=False)
    assert (plain.describe().takes_files, plain.describe().gives_files) == (False, False)
    await plain.push(with_files(untaken(0, "pdf"), key="key-2", message_id="C" * 22))
    assert (bench.received(), bench.received_files()) == ([item.message_id, "C" * 22], [NOTE])


async def test_what_a_kill_left_is_finished_or_erased(bench: PrimeroBench) -> None:
    """A document whose message has no note: the repeat does not bring it again, the key alone finds it."""
    broken = with_files(a_file(0, PDF), a_file(1, NOTE, breaks=AWAY))
    other = replace(broken, key="key-2", message_id="C" * 22)
    for item in (broken, other):
        with pytest.raises(TransientError):
            await bench.adapter().push(item)
    assert (bench.received(), bench.received_files()) == ([], [PDF, PDF])
    late = bench.office.attachments[1]  # one more request, of which Primero was still at work when its sender was gone
    bench.office.attachments[9] = dict(late)
    await bench.adapter().push(with_files(a_file(0, PDF), a_file(1, NOTE)))
    assert sorted(bench.received_files()) == sorted([PDF, PDF, NOTE])
    assert await bench.adapter().erase(other.key) is Erasure.DISABLED_ONLY
    assert bench.received_files() == [PDF, NOTE]
    assert await bench.adapter().erase(other.key) is Erasure.DISABLED_ONLY
    with pytest.raises(RefusedError):
        await bench.adapter().erase("key-3")
    assert bench.received() == [broken.message_id]


async def test_a_note_without_a_journal_is_found_by_its_key(
    bench: PrimeroBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a message without files too: what ended between the note and the journal."""
    item, adapter = with_files(), bench.adapter()

    async def end(*_: str) -> str:
        raise AWAY

    monkeypatch.setattr(adapter, "_hand", end)
    with pytest.raises(TransientError):
        await adapter.push(item)
    assert bench.received() == [item.message_id]
    assert await bench.adapter().erase(item.key) is Erasure.DISABLED_ONLY
    assert bench.received() == []
    await bench.adapter().push(item)
    assert bench.received() == []


async def test_a_field_that_the_account_does_not_see_brings_nothing(bench: PrimeroBench) -> None:
    """Not knowing what is there, each repeat would bring it anew."""
    account = bench.office.accounts[USER]
    account.fields = account.fields - {DOCUMENTS}
    with pytest.raises(RefusedError, match=f"does not show the field {DOCUMENTS}"):
        await bench.adapter().push(with_files(a_file(0, PDF)))
    assert (bench.received(), bench.received_files()) == ([], [])


async def test_a_full_case_holds_the_message(bench: PrimeroBench) -> None:
    """By the number of Primero's answer; no document of the message stays."""
    await bench.adapter().push(with_files())
    (case,) = bench.office.cases
    for _ in range(MOST - 1):
        bench.attach(case, DOCUMENTS, NOTE)
    with pytest.raises(RefusedError, match=r"\(422, fields base\)"):
        await bench.adapter().push(with_files(a_file(0, PDF), a_file(1, NOTE), key="key-2", message_id="C" * 22))
    assert bench.received_files() == [NOTE] * (MOST - 1)


async def test_documents_in_fields_made_for_it_go_along(bench: PrimeroBench) -> None:
    """With the kind that the field says, in the order of their numbers, and nothing of their names; no others go."""
    case, _ = bench.case(name_first="Ana")
    for field, data in ((COURT, PDF), (DOCUMENTS, b"stays"), (COURT, NOTE)):
        bench.attach(case, field, data)
    (record,) = await bench.adapter().pull()
    assert [(file.size, file.doc_kind) for file in record.files] == [
        (len(PDF), "court_document"),
        (len(NOTE), "court_document"),
    ]
    assert [b"".join([chunk async for chunk in file.read()]) for file in record.files] == [PDF, NOTE]
    assert record.files[0].place == f"case {case[-7:]}, field {COURT}, document 1"
    assert (await bench.adapter(files=False).pull())[0].files == ()


async def test_a_document_that_is_gone_is_not_sent(bench: PrimeroBench) -> None:
    """Before it is read; one of which Primero has no byte is a finding, and another document is another record."""
    bench.offer_file("one", PDF)
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    gone = bench.office.attachments.pop(1)
    with pytest.raises(RefusedError) as caught:
        [chunk async for chunk in record.files[0].read()]
    assert caught.value.code is Code.NOT_FOUND
    bench.office.attachments[2] = gone | {"content": b""}
    (record,) = await adapter.pull()
    assert ([fault.rule for fault in record.faults], record.files) == (["file_empty"], ())
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED, findings=record.faults))
    assert await adapter.pull() == []
    bench.office.attachments[3] = bench.office.attachments.pop(2) | {"content": PDF}
    bench.office.touch(bench.office.cases[gone["case"]])
    (record,) = await adapter.pull()
    assert (record.faults, record.files[0].size) == ((), len(PDF))


async def test_the_stand_in_is_as_strict_as_primero(bench: PrimeroBench) -> None:
    """Types, size, the kind of field and the right to it."""
    case, _ = bench.case(name_first="Ana")
    good = {"field_name": DOCUMENTS, "attachment_type": "document", "file_name": "a.pdf", "attachment": "YQ=="}
    assert attach(bench.office, bench.worker, case, good)["file_name"] == "a.pdf"
    for more in (
        {"file_name": "a.odt"},
        {"attachment": ""},
        {"attachment": "a"},
        {"attachment_type": "signature"},
        {"field_name": "name_first"},
    ):
        with pytest.raises(Refusal) as caught:
            attach(bench.office, bench.worker, case, {**good, **more})
        assert caught.value.status in {403, 422}
    assert len(bench.office.attachments) == 1


async def test_check_tells_of_the_fields_for_documents(bench: PrimeroBench) -> None:
    """Each that is there; none of that name, and one of another type."""
    needs = await bench.adapter().needs()
    assert {f"field {DOCUMENTS}", f"field {COURT}"} <= {need.place for need in needs}
    for form in bench.office.forms:
        for each in form["fields"]:
            each["type"] = "text_field" if each["type"] == "document_upload_box" else each["type"]
    assert [(need.place, need.rule) for need in await bench.adapter().needs() if need.rule] == [
        (f"field {DOCUMENTS}", "missing_field"),
        (f"fields {SENDS}...", "missing_field"),
    ]
    assert "files of messages stay in the node, without files_field" in {
        need.place for need in await bench.adapter(files=False).needs()
    }


@pytest.mark.parametrize(
    "more",
    [
        {"files_field": "for_abroad_other"},
        {"files_field": "for_abroad_"},
        {"files_field": "Other documents"},
        {"sends": ""},
    ],
)
async def test_settings_that_do_not_fit(bench: PrimeroBench, more: dict[str, Any]) -> None:
    """What came from abroad would go out again; names that no field has."""
    with pytest.raises(ValidationError):
        KIND.settings.model_validate({**bench.settings(), **more})
