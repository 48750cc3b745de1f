"""Files beside a record of the case system come into its draft, all or none, once, and leave with the message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import id_of
from support.attached import NOTE, PDF, pieces, stored
from support.memory_adapter import MemoryAdapter
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes
from support.tables import table

from gateway.composition.serving import make_intake
from gateway.errors import Code, RefusedError, TransientError
from gateway.operations.roles import Caller, Role
from gateway.ports import LocalFile, LocalRecord, NoticeKind
from keys.primitives.encoding import sha256_hex

SMALL = b"%PDF-1.7\nplain words of a case\n%%EOF\n"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving, each with a case system in memory that nobody looks into yet."""
    async with two_nodes(tmp_path) as pair:
        yield pair


def file(data: bytes, number: int = 0, **more: Any) -> LocalFile:
    """A file as the case system has it."""
    return LocalFile(
        **{"place": f"file a.{number}", "size": len(data), "sha256": sha256_hex(data), "read": lambda: pieces(data)}
        | more
    )


def failing(error: BaseException, data: bytes = SMALL) -> Callable[[], AsyncIterator[bytes]]:
    """A file that fails after its first bytes."""

    async def read() -> AsyncIterator[bytes]:
        yield data[:10]
        raise error

    return read


def record(*files: LocalFile, named: int | None = None, ref: str = "a", **more: Any) -> LocalRecord:
    """A referral that names so many files, by default all of them."""
    draft = example("referral.request/1", "AL", case_ref_sender=f"n-{ref}")
    parts = [{"part": n, "doc_kind": "other"} for n in range(len(files) if named is None else named)]
    draft["content"] = {name: value for name, value in draft["content"].items() if name != "attachments"}
    if parts:
        draft["content"]["attachments"] = parts
    return LocalRecord(ref=ref, fields={"purpose": "referral", **draft, **more}, files=files)


def headed(said: LocalRecord, **members: Any) -> LocalRecord:
    """The record with these members in its header."""
    header: Any = said.fields["header"]
    return replace(said, fields={**said.fields, "header": {**header, **members}})


async def look(party: Party, *records: LocalRecord) -> None:
    """The node looks at these records."""
    for one in records:
        party.system.settled.pop(one.ref, None)
        party.system.offer(one)
    await make_intake(party.running, MemoryAdapter(party.system), 1).once()


async def draft_of(party: Party) -> dict[str, Any]:
    """The one draft that waits."""
    (line,) = (await party.call("draft.list"))["drafts"]
    return dict((await party.call("draft.show", id=line["id"]))["draft"])


async def waiting(party: Party, message: str) -> list[tuple[int, str]]:
    """The files that wait for a message: number and hash."""
    found = (await party.call("attachment.waiting", id=message))["attachments"]
    return [(item["part"], item["sha256"]) for item in found]


async def test_files_wait_for_the_message_of_their_draft(two: Two) -> None:
    """In their order and whole, sealed, once: the same record again changes nothing."""
    said = record(file(PDF), file(NOTE, 1))
    await look(two.fr, said)
    assert two.fr.system.settled["a"].kind is NoticeKind.DRAFTED
    draft = await draft_of(two.fr)
    assert await waiting(two.fr, draft["message"]) == [(0, sha256_hex(PDF)), (1, sha256_hex(NOTE))]
    assert not any(NOTE in path.read_bytes() for path in stored(two.fr))
    await look(two.fr, said)
    assert await draft_of(two.fr) == draft
    assert len(stored(two.fr)) == 2


async def test_the_kind_of_a_document_may_stand_beside_the_file(two: Two) -> None:
    """A record whose fields cannot name files says the kind of each instead; no kind is ever made up."""
    await look(two.fr, record(file(SMALL, doc_kind="court_document"), named=0))
    assert (await draft_of(two.fr))["content"]["attachments"] == [{"part": 0, "doc_kind": "court_document"}]
    await look(two.fr, record(file(SMALL), named=0, ref="b"))
    (finding,) = two.fr.system.settled["b"].findings
    assert (finding.place, finding.rule) == ("/content", "attachments")


@table(
    ("offered", "rule"),
    [
        (file(SMALL, size=len(SMALL) - 1), "file_changed"),
        (file(SMALL, size=len(SMALL) + 1), "file_changed"),
        (file(SMALL, sha256="0" * 64), "file_changed"),
        (file(b"MZ\x90\x00" + bytes(100)), "wrong_type"),
        (file(SMALL, size=10**12), "too_large"),
        (file(SMALL, read=failing(RefusedError(Code.NOT_FOUND, "it is gone"))), "file_missing"),
    ],
    ids=["longer than said", "shorter than said", "another hash", "program", "too large", "gone"],
)
async def test_a_file_that_is_not_what_was_said(two: Two, offered: LocalFile, rule: str) -> None:
    """The record is told which file it is, nothing of it stays, and the record beside it is taken."""
    await look(two.fr, record(file(SMALL), replace(offered, place="file a.1.pdf")), record(ref="good"))
    told = two.fr.system.settled
    assert [(one.place, one.rule) for one in told["a"].findings] == [("file a.1.pdf", rule)]
    assert "plain words" not in repr(told["a"])
    assert told["good"].kind is NoticeKind.DRAFTED
    assert (await two.fr.call("attachment.moving"))["moving"] == []
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []
    await look(two.fr, record(file(SMALL), file(NOTE, 1)))
    assert told["a"].kind is NoticeKind.DRAFTED


@table(
    ("said", "rule"),
    [
        (record(file(SMALL), named=2), "attachments"),
        (record(file(SMALL), named=0), "attachments"),
        (record(named=1), "attachments"),
        (record(file(SMALL), message="A" * 22), "message_with_files"),
        (record(*[file(SMALL)] * 11, named=10), "too_many_files"),
    ],
    ids=["names one that is not there", "does not name one", "has none", "names a message", "eleven"],
)
async def test_fields_and_files_that_do_not_fit(two: Two, said: LocalRecord, rule: str) -> None:
    """Refused before a byte is read."""
    unread = [replace(one, read=failing(AssertionError("read"))) for one in said.files]
    await look(two.fr, replace(said, files=tuple(unread)))
    assert rule in {finding.rule for finding in two.fr.system.settled["a"].findings}
    assert stored(two.fr) == []


async def test_a_file_that_is_away_holds_its_record_only(two: Two) -> None:
    """The others are taken; it comes again, whole."""
    away = TransientError(Code.ADAPTER_BUSY, "the case system is away")
    with pytest.raises(TransientError):
        await look(two.fr, record(file(SMALL), file(SMALL, 1, read=failing(away))), record(ref="good"))
    assert list(two.fr.system.settled) == ["good"]
    assert (await two.fr.call("attachment.moving"))["moving"] == []
    two.fr.system.offered.pop("good")
    await two.fr.call("draft.discard", id=(await two.fr.call("draft.list"))["drafts"][0]["id"], by="adm")
    await look(two.fr, record(file(SMALL), file(NOTE, 1)))
    assert len(await waiting(two.fr, (await draft_of(two.fr))["message"])) == 2


async def test_a_kill_between_two_files_leaves_none_behind(two: Two) -> None:
    """What came of the files waits for no message: the next look gives it up and takes them anew."""

    class Killed(BaseException):
        """The end of the process: nothing of the node runs after it."""

    with pytest.raises(Killed):
        await look(two.fr, record(file(SMALL), file(NOTE, 1, read=failing(Killed()))))
    assert len((await two.fr.call("attachment.moving"))["moving"]) == 1
    await look(two.fr, record(file(SMALL), file(NOTE, 1)))
    (moving,) = (await two.fr.call("attachment.moving"))["moving"]
    assert (moving["id"], moving["files"]) == ((await draft_of(two.fr))["message"], 2)
    await two.fr.running.attachments.sweep()
    assert len(stored(two.fr)) == 2


async def test_a_changed_record_gives_up_the_files_of_before(two: Two) -> None:
    """The draft that it replaces keeps nothing; neither does one that a person discards."""
    await look(two.fr, record(file(SMALL)))
    before = (await draft_of(two.fr))["message"]
    await look(two.fr, record(file(NOTE)))
    after = (await draft_of(two.fr))["message"]
    assert before != after and await waiting(two.fr, after) == [(0, sha256_hex(NOTE))]
    with pytest.raises(RefusedError):
        await waiting(two.fr, before)
    (line,) = (await two.fr.call("draft.list"))["drafts"]
    await two.fr.call("draft.discard", id=line["id"], by="adm")
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []


async def test_files_that_were_added_before_stay_the_records_own(two: Two) -> None:
    """A record may name a message whose files came over the API; a newer version of it keeps them."""
    added: Any = (await two.fr.running.desk.attach({}, pieces(SMALL), size=len(SMALL))).value
    for priority in ("normal", "urgent"):
        await look(two.fr, headed(record(named=1, message=added["message"]), priority=priority))
        assert (await draft_of(two.fr))["message"] == added["message"]
        assert await waiting(two.fr, added["message"]) == [(0, sha256_hex(SMALL))]


# --- what is left of a draft whose record changed -----------------------------------------------------------------


async def line_of(party: Party) -> dict[str, Any]:
    """The line of the one draft that waits."""
    (line,) = (await party.call("draft.list"))["drafts"]
    return dict(line)


async def left_of_drafts(party: Party) -> tuple[int, ...]:
    """How many drafts have a content, how many are of a case, and how many cases there are."""
    (found,) = await party.rows(
        "select (select count(*) from sealed where ref in (select ref from draft)),"
        " (select count(*) from case_link where kind = 'draft'), (select count(*) from cases)"
    )
    return found


async def test_nothing_is_left_of_a_draft_that_another_replaced(two: Two) -> None:
    """Its words and its place in the case go when the other one comes, and the case goes with that; until then the case
    is the same.
    """
    await look(two.fr, record())
    before = await line_of(two.fr)
    await look(two.fr, headed(record(), priority="urgent"))
    after = await line_of(two.fr)
    assert after["id"] != before["id"] and after["of_case"] == before["of_case"]
    assert await left_of_drafts(two.fr) == (1, 1, 1)
    await two.fr.call("draft.discard", id=after["id"], by="adm")
    assert await left_of_drafts(two.fr) == (0, 0, 0)


async def test_a_replaced_draft_is_shown_empty(two: Two) -> None:
    """It is listed as replaced, and nobody can preview, release or discard it."""
    await look(two.fr, record())
    id = (await line_of(two.fr))["id"]
    await look(two.fr, headed(record(), priority="urgent"))
    (line,) = (await two.fr.call("draft.list", state="replaced"))["drafts"]
    assert (line["id"], line["type"], line["of_case"]) == (id, None, None)
    assert (await two.fr.call("draft.show", id=id))["draft"] == {}
    for operation in ("draft.preview", "draft.release", "draft.discard"):
        with pytest.raises(RefusedError):
            await two.fr.call(operation, id=id, by="adm")


async def test_a_refused_version_leaves_the_case_and_nothing_of_the_draft(two: Two) -> None:
    """No draft takes its place: the case waits, with all that people laid over it, until the record is put right."""
    await look(two.fr, record())
    before = await line_of(two.fr)
    await look(two.fr, record(type="no.such/1"))
    assert two.fr.system.settled["a"].kind is NoticeKind.REFUSED
    assert await left_of_drafts(two.fr) == (0, 1, 1)
    await look(two.fr, headed(record(), priority="urgent"))
    after = await line_of(two.fr)
    assert after["of_case"] == before["of_case"]
    await two.fr.call("draft.discard", id=after["id"], by="adm")
    assert await left_of_drafts(two.fr) == (0, 0, 0)


async def test_a_unit_that_the_record_no_longer_names_sees_its_case_no_more(two: Two) -> None:
    """The case system named the wrong unit, and put that right."""
    shelter = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter", person=id_of("Eva"))
    seen: list[int] = []
    for unit in ("shelter", UNIT):
        await look(two.fr, headed(record(), sender_unit=unit))
        found: Any = (await two.fr.running.desk.call("case.list", {}, caller=shelter)).value
        seen.append(len(found["cases"]))
    assert seen == [1, 0]


async def test_what_another_process_took_meanwhile_is_not_written(two: Two) -> None:
    """While the file of a record is read, another process of the node takes the next version of it: that one stays."""
    await look(two.fr, record())

    async def read() -> AsyncIterator[bytes]:
        yield SMALL[:10]
        await look(two.fr, headed(record(), priority="urgent"))
        yield SMALL[10:]

    with pytest.raises(TransientError) as caught:
        await look(two.fr, record(file(SMALL, read=read)))
    assert caught.value.code is Code.CHANGED_MEANWHILE
    assert (await draft_of(two.fr))["header"]["priority"] == "urgent"
    await two.fr.running.attachments.sweep()
    assert stored(two.fr) == []
