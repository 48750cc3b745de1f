"""A signed erasure says what is so: each place is looked at, and nothing is claimed of one that was not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.attached import NOTE, pieces, stored
from support.dropfolder import drop_draft, drop_folder
from support.memory_adapter import MemoryAdapter
from support.pair import Party, Two, example, two_nodes
from support.relied_on import CONSENT, recorded, referral

from adapters.folder import FolderAdapter
from gateway.composition.serving import make_intake
from gateway.database import meta
from gateway.erasure import store
from gateway.erasure.places import held
from gateway.erasure.recipients import find_erased, find_sent
from gateway.erasure.rules import Backups
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.config import BackupSection
from gateway.messages.store import messages
from gateway.ports import Erasure, LocalFile, LocalRecord
from keys.primitives.encoding import sha256_hex

MARK = "Canary-name-90e2"
CASE = referral()["conversation"]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving; FR has recorded a consent."""
    async with two_nodes(tmp_path) as made:
        await recorded(made)
        yield made


def record() -> dict[str, Any]:
    """A referral as the case system of FR gives it, with a name."""
    request = referral()
    request["content"]["person"]["name_family"] = MARK
    return request


async def released(two: Two) -> str:
    """Two people at FR have released the one draft that waits, and AL has the message; its id."""

    async def waits() -> bool:
        return len((await two.fr.call("draft.list"))["drafts"]) == 1

    await two.until(waits, seconds=30)
    (draft,) = (await two.fr.call("draft.list"))["drafts"]
    await two.fr.call("draft.release", id=draft["id"], by="w-1")
    id = str((await two.fr.call("draft.release", id=draft["id"], by="w-2"))["id"])

    async def known() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(known, seconds=30)
    return id


async def asked(two: Two, *, days: int = 0) -> dict[str, Any]:
    """AL asks FR to erase the conversation, a person at FR follows; what FR signs about it after so many days."""
    request = example("erasure.request/1", "FR", consent_ref=CONSENT) | {"purpose": "referral", "conversation": CASE}
    request["content"] = {"scope": "conversation", "ground": "objection"}
    await two.al.call("message.submit", **request)

    async def there() -> bool:
        return len((await two.fr.call("erasure.list"))["requests"]) == 1

    await two.until(there, seconds=90)
    (found,) = (await two.fr.call("erasure.list"))["requests"]
    await two.fr.call("erasure.follow", id=found["id"], by="dpo")
    two.clock.advance(days * 86_400)
    said: list[dict[str, Any]] = []

    async def answered() -> bool:
        listed = (await two.al.call("message.list", direction="in"))["messages"]
        ids = [item["id"] for item in listed if item["type"] == "erasure.confirmation/1"]
        said[:] = [(await two.al.show(id))["content"] for id in ids]
        return bool(said)

    await two.until(answered, seconds=2 * 86_400)
    return said[0]


def places(said: dict[str, Any]) -> dict[str, str]:
    """What is said of each place."""
    return {place["place"]: place["done"] for place in said["places"]}


async def from_memory(two: Two) -> str:
    """The record comes from a case system in memory and goes to AL."""
    two.fr.system.offer(LocalRecord(ref="case-1", fields=record()))
    return await released(two)


def later(read: Callable[[], AsyncIterator[bytes]] = lambda: pieces(NOTE)) -> LocalRecord:
    """The next version of the record, with a file."""
    fields = record()
    fields["content"]["person"]["name_given"] = "a version later"
    fields["content"]["attachments"] = [{"part": 0, "doc_kind": "other"}]
    file = LocalFile(place="file 0", size=len(NOTE), sha256=sha256_hex(NOTE), read=read)
    return LocalRecord(ref="case-1", fields=fields, files=(file,))


async def look(two: Two, said: LocalRecord) -> None:
    """FR looks into its case system, which has this."""
    two.fr.system.settled.clear()
    two.fr.system.offer(said)
    await make_intake(two.fr.running, MemoryAdapter(two.fr.system), 1).once()


async def left_of_drafts(two: Two) -> tuple[int, ...]:
    """How many drafts wait at FR, how many have a content, and how many cases and files there are."""
    await two.fr.running.attachments.sweep()
    waiting = (await two.fr.call("draft.list"))["drafts"]
    (found,) = await two.fr.rows(
        "select (select count(*) from sealed where ref in (select ref from draft)), (select count(*) from cases)"
    )
    return (len(waiting), *found, len(stored(two.fr)))


async def test_the_record_in_the_drop_folder_goes_with_its_message(two: Two, tmp_path: Path) -> None:
    """What the office dropped lies in clear in a folder of the adapter: it is looked for, removed, and only then is the
    case system said to have erased.
    """
    cases = tmp_path / "FR-cases"
    FolderAdapter.create(cases)
    await two.fr.stop()
    two.fr.own = True
    settings = two.fr.folder / "node.toml"
    assert str(cases) in settings.read_text() or drop_folder(cases)
    await two.fr.start()
    drop_draft(cases, "draft-1.json", json.dumps(record()))
    await released(two)
    assert MARK in (cases / "taken" / "draft-1.json").read_text()
    said = await asked(two)
    assert [path for path in cases.rglob("*") if path.is_file() and MARK in path.read_text(errors="replace")] == []
    assert (said["result"], places(said)) == (
        "erased",
        {
            "gateway": "erased",
            "draft": "erased",
            "envelope": "not_held",
            "attachment": "not_held",
            "key_file": "erased",
            "local_system": "erased",
            "journal": "erased",
            "backup": "not_held",
            "recipient": "not_held",
        },
    )


@pytest.mark.parametrize("word", [Erasure.DISABLED_ONLY, Erasure.NOT_SUPPORTED])
async def test_a_case_system_that_keeps_the_record_is_named(two: Two, word: Erasure) -> None:
    """No more is claimed than was done, and a person is told what is left to do by hand."""
    two.fr.system.erases = word
    await from_memory(two)
    said = await asked(two)
    assert (said["result"], places(said)["local_system"]) == ("partly_erased", str(word))
    assert "erasure.left" in await two.fr.alarms()


async def test_a_record_that_was_looked_for_and_is_gone_is_not_held(two: Two) -> None:
    """The office has erased it by itself: the case system was asked, and says so."""
    await from_memory(two)
    two.fr.system.offered.clear()
    said = await asked(two)
    assert (said["result"], places(said)["local_system"]) == ("erased", "not_held")


async def test_every_place_of_the_node_is_empty(two: Two) -> None:
    """Of a message that waits to be answered: its content, its sealed bytes, the draft it was made of, and the next
    draft of the same record with its file.
    """
    id = await from_memory(two)
    ((ref,),) = await two.fr.rows(f"select ref from message where id = '{id}'")
    await two.fr.running.store.move(lambda c: messages.put_envelopes(c, [(ref, b"bytes that were repeated")]))
    await look(two, later())
    (draft,) = (await two.fr.call("draft.list"))["drafts"]
    files = (await two.fr.call("draft.show", id=draft["id"]))["draft"]["message"]
    read, sealer = two.fr.running.store.read, two.fr.running.content.sealer
    assert await read(lambda c: held(c, sealer, [ref])) == {"content", "envelope", "attachment", "draft"}
    await two.fr.call("conversation.erase", id=CASE, by="w-1", reason="not_needed")
    assert await read(lambda c: held(c, sealer, [ref])) == frozenset()
    assert await two.fr.rows("select * from envelope") == []
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("attachment.waiting", id=files)
    assert caught.value.code is Code.NOT_FOUND
    assert await left_of_drafts(two) == (0, 0, 0, 0)


async def test_a_version_that_was_being_read_meanwhile_is_not_written(two: Two) -> None:
    """Before the last bytes of its file are read, a person erases what the version before became, and the case system
    the record.
    """
    await from_memory(two)

    async def read() -> AsyncIterator[bytes]:
        yield NOTE[:5]
        await two.fr.call("conversation.erase", id=CASE, by="w-1", reason="not_needed")
        yield NOTE[5:]

    with pytest.raises(TransientError) as caught:
        await look(two, later(read))
    assert caught.value.code is Code.CHANGED_MEANWHILE
    assert await left_of_drafts(two) == (0, 0, 0, 0)


async def test_a_draft_that_came_from_no_record_goes_with_its_message(two: Two) -> None:
    """What a person wrote at the desk and two people released is erased with the message that it became."""
    draft = (await two.fr.call("draft.save", draft=record()))["id"]
    await two.fr.call("draft.release", id=draft, by="w-1")
    id = (await two.fr.call("draft.release", id=draft, by="w-2"))["id"]
    await two.fr.call("message.erase", id=id, by="w-1", reason="not_needed")
    assert await two.fr.rows(f"select * from sealed where ref = (select ref from draft where id = '{draft}')") == []


async def test_what_is_still_here_is_not_called_erased(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that left something out would be told: the node looks at itself before it signs."""
    await from_memory(two)
    monkeypatch.setattr(store, "erase_drafts", lambda *_, **__: None)
    said = await asked(two, days=29)
    assert said["result"] == "partly_erased"
    assert (places(said)["draft"], places(said)["gateway"]) == ("due", "erased")


async def test_what_waits_for_the_case_system_is_asked_about(two: Two) -> None:
    """A hand-over whose acknowledgement was lost may be there: it is asked about, whatever the state says."""
    party: Party = two.al
    await from_memory(two)
    (item,) = party.deliveries()[-1:]
    await party.running.store.move(
        lambda c: c.exec_driver_sql("update message set state = 'awaiting_handover' where direction = 'in'")
    )
    done = await party.call("message.erase", id=item.message_id, by="w-1", reason="not_needed")
    assert done["messages"][0]["local_system"] == "erased"
    assert item.key in party.system.erased


async def test_each_place_is_named_to_the_person_who_erases(two: Two) -> None:
    """The draft, the sealed bytes that were repeated and the content were there and are gone; who had the message from
    here has not said yet that it has erased it, and does when it has.
    """
    id = await from_memory(two)
    ((ref,),) = await two.fr.rows(f"select ref from message where id = '{id}'")
    await two.fr.running.store.move(lambda c: messages.put_envelopes(c, [(ref, b"bytes that were repeated")]))
    done = await two.fr.call("message.erase", id=id, by="w-1", reason="not_needed")
    assert done["places"] == [
        {"place": "gateway", "done": "erased"},
        {"place": "draft", "done": "erased"},
        {"place": "envelope", "done": "erased"},
        {"place": "attachment", "done": "not_held"},
        {"place": "key_file", "done": "due", "by_date": "2027-01-15"},  # the epoch ends when the operation does
        {"place": "local_system", "done": "erased"},
        {"place": "journal", "done": "erased"},
        {"place": "backup", "done": "not_held"},
        {"place": "recipient", "done": "unknown"},
    ]
    al = two.al.running.own.node
    assert done["recipients"] == [{"peer": al, "erased": False}]
    rows = await two.fr.running.store.read(lambda c: messages.get(c, [ref]))
    sent = await two.fr.running.store.read(lambda c: find_sent(c, rows.values()))
    await two.al.call("message.erase", id=id, by="w-1", reason="not_needed", direction="in")

    async def told() -> bool:
        return await two.fr.running.store.read(lambda c: find_erased(c, sent)) == {al: True}

    await two.until(told, seconds=60)


async def test_how_long_backups_open_it_is_said_or_not_known(two: Two) -> None:
    """A backup was made, and nobody has said how long it is kept: that is not known, and not called erased."""
    await from_memory(two)
    await two.fr.running.store.move(lambda c: meta.set_meta(c, meta.BACKUP_MADE, b"1800000000"))
    said = await asked(two)
    assert (said["result"], places(said)["backup"]) == ("erased", "unknown")
    read = two.fr.running.store.read
    kept = BackupSection(recovery_key=Path("recovery.public"), keystore_days=5)
    assert await read(lambda c: store.find_backups(c, kept, 1_800_000_000, archive_days=None)) == Backups(
        made=True, until=1_800_000_000 + 5 * 86_400
    )


async def test_a_case_system_that_is_connected_no_longer_is_for_a_person(two: Two) -> None:
    """What it took is not called `not_held` because nobody is there to be asked."""
    two.al.system.names = True
    id = await from_memory(two)

    async def handed() -> bool:
        return await two.al.rows("select count(*) from local_item") != [(0,)]

    await two.until(handed, seconds=60)
    await two.al.stop()
    settings = two.al.folder / "node.toml"
    before, _, after = settings.read_text().partition("[adapter]")
    settings.write_text(before + "".join(f"[{part}" for part in after.split("\n[")[1:]))
    two.al.own = True
    await two.al.start()
    done = await two.al.call("message.erase", id=id, by="w-1", reason="not_needed", direction="in")
    assert done["messages"][0]["local_system"] == "not_supported"
    assert {"place": "journal", "done": "unknown"} in done["places"]


async def test_no_news_comes_of_a_record_that_was_erased(two: Two) -> None:
    """News that was still owed would name the record anew in the case system."""
    id = await from_memory(two)
    two.fr.system.items.clear()
    await two.fr.running.store.move(
        lambda c: c.exec_driver_sql(
            "insert into notice (origin, kind, at, attempts, refusals, next_try) "
            "select origin, 'opened', 1, 0, 0, 9999999999 from message where id = ?",
            (id,),
        )
    )
    await two.fr.call("message.erase", id=id, by="w-1", reason="not_needed")
    assert await two.fr.rows("select count(*) from notice") == [(0,)]
