"""The drop folder, with an office that makes every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.benches import FolderBench

from adapters.folder import FolderAdapter
from adapters.kit.contract import a_delivery, a_notice
from adapters.kit.names import key_name
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.ports import Erasure, LocalRecord, NoticeKind

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


async def test_a_draft_is_taken(bench: FolderBench) -> None:
    """A dropped file becomes a record by its name, with the canonical draft as it is, and ends in taken unchanged."""
    bench.drop("case-1.json", GOOD)
    (record,) = await _settle(bench, NoticeKind.DRAFTED)
    assert record == LocalRecord(
        ref="case-1", fields={"body_type": "referral.request/1"}, places={"": "file case-1.json"}
    )
    assert [path.read_text() for path in bench.all("taken")] == [GOOD]
    assert bench.all("outgoing") == bench.all("claimed") == bench.all("refused") == []


async def test_a_refused_draft_keeps_its_reasons(bench: FolderBench) -> None:
    """The reasons lie beside the draft: place, rule and hint, no value; a corrected file of that name is welcome."""
    bench.drop("case-1.json", '{"content": {"name": "Xanthippe"}}')
    finding = Finding(place="/content/name", rule="unknown_member", hint="not in the schema")
    await _settle(bench, NoticeKind.REFUSED, (finding,))
    assert [path.name for path in bench.all("refused")] == ["case-1.errors.json", "case-1.json"]
    reasons = json.loads(bench.all("refused")[0].read_bytes())
    assert reasons["findings"] == [{"place": "/content/name", "rule": "unknown_member", "hint": "not in the schema"}]
    assert (reasons["file"], reasons["code"]) == ("case-1.json", "schema")
    assert "Xanthippe" not in json.dumps(reasons)

    bench.drop("case-1.json", "{}")
    assert [record.ref for record in await _settle(bench, NoticeKind.REFUSED)] == ["case-1"]
    assert "case-1.2.errors.json" in [path.name for path in bench.all("refused")]


async def test_deliveries_are_named_by_type_and_id(bench: FolderBench) -> None:
    """A received message is one private file named by type and message id, with everything that is known of it."""
    item = a_delivery()
    await bench.adapter().push(item)
    (path,) = bench.all("incoming")
    assert path.name == f"referral.request.1-{item.message_id}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    document = json.loads(path.read_bytes())
    assert document["format"] == "trm-delivery/1"
    assert (document["content"], document["sender_name"]) == (dict(item.content), "France")


async def test_collected_once(bench: FolderBench) -> None:
    """A file that the office has taken away is not put there again by a repeat of its key."""
    adapter = bench.adapter()
    local_id = await adapter.push(a_delivery())
    bench.all("incoming")[0].unlink()
    assert await adapter.push(a_delivery()) == local_id
    assert bench.all("incoming") == []
    assert await adapter.status(local_id) == "collected"


async def test_erasing_is_honest(bench: FolderBench) -> None:
    """What waits is erased; what was collected is not ours to erase, and the tombstone tells the office."""
    adapter = bench.adapter()
    here = await adapter.push(a_delivery())
    gone = await adapter.push(a_delivery(key="key-2", message_id="C" * 22))
    (bench.root / "incoming" / f"referral.request.1-{'C' * 22}.json").unlink()
    assert await adapter.status(here) == "waiting"
    assert await adapter.erase(here) is Erasure.ERASED
    assert await adapter.erase(gone) is await adapter.erase(gone) is Erasure.NOT_SUPPORTED
    assert await adapter.status(here) == await adapter.status(gone) == "erased"
    tombstones = [json.loads(path.read_bytes()) for path in bench.all("erased")]
    assert [tombstone["result"] for tombstone in tombstones] == ["erased", "not_supported"]
    assert bench.all("incoming") == []


async def test_what_a_kill_left_is_erased_by_its_key(bench: FolderBench, tmp_path: Path) -> None:
    """A document whose key the journal does not have yet is there all the same: removed, and told so (threat 148)."""
    item = a_delivery(text="written before the kill")
    await bench.adapter().push(a_delivery(key="key-2", message_id="C" * 22))
    left = next(iter(tmp_path.rglob("incoming"))) / f".{key_name(item.key)}.part"
    left.write_text("written before the kill")
    assert await bench.adapter().erase(item.key) is Erasure.ERASED
    assert not left.exists() and len(bench.all("incoming")) == 1
    with pytest.raises(RefusedError) as refused:
        await bench.adapter().erase(item.key)
    assert refused.value.code is Code.NOT_FOUND


async def test_two_keys_of_one_message(bench: FolderBench) -> None:
    """Another key for the same message makes another file beside the first."""
    adapter = bench.adapter()
    ids = {await adapter.push(a_delivery()), await adapter.push(a_delivery(key="key-2"))}
    assert len(ids) == len(bench.all("incoming")) == 2


async def test_missing_folders(bench: FolderBench) -> None:
    """A share that is not mounted is the world's fault, is said so, and nothing is built in its place."""
    (bench.root / "journal").rmdir()
    with pytest.raises(TransientError, match="ENOENT"):
        await bench.adapter().push(a_delivery())
    (finding,) = await bench.adapter().check()
    assert (finding.place, finding.rule) == ("folder journal", "missing_folder")
    assert not (bench.root / "journal").exists()


async def test_folder_replaced_by_a_link(bench: FolderBench, tmp_path: Path) -> None:
    """A folder that became a link leads nowhere."""
    (bench.root / "incoming").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (bench.root / "incoming").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TransientError):
        await bench.adapter().push(a_delivery())
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [finding.rule for finding in await bench.adapter().check()] == ["not_a_folder"]


async def test_open_folders_are_found(bench: FolderBench) -> None:
    """A folder that everybody on the machine can read is a finding."""
    (bench.root / "incoming").chmod(0o755)
    (finding,) = await bench.adapter().check()
    assert (finding.place, finding.rule) == ("folder incoming", "open_to_others")


async def test_tampered_journal(bench: FolderBench) -> None:
    """An entry of the journal that was spoilt is a matter for a person."""
    adapter = bench.adapter()
    await adapter.push(a_delivery())
    (entry,) = bench.all("journal")
    entry.write_text("{}")
    with pytest.raises(RefusedError, match="journal is damaged"):
        await adapter.push(a_delivery())
    entry.unlink()
    entry.symlink_to("/etc/passwd")
    with pytest.raises(RefusedError, match="was replaced"):
        await adapter.push(a_delivery())


async def test_a_record_is_erased_with_all_that_is_kept_of_it(bench: FolderBench) -> None:
    """Taken under its name and refused before, with the reasons; a draft of another name, and one that was dropped
    anew and not read yet, stay.
    """
    bench.drop("case-1.json", '{"content": {"name": "Xanthippe"}}')
    await _settle(bench, NoticeKind.REFUSED, (Finding(place="/content/name", rule="unknown_member"),))
    for name in ("case-1.json", "case-1.2x.json", "case-10.json"):
        bench.drop(name, GOOD)
    await _settle(bench, NoticeKind.DRAFTED)
    bench.drop("case-1.json", GOOD)
    adapter = bench.adapter()
    assert await adapter.erase_record("case-1") is Erasure.ERASED
    assert [path.name for path in bench.all("taken")] == ["case-1.2x.json", "case-10.json"]
    assert bench.all("refused") == []
    assert [path.name for path in bench.all("outgoing")] == ["case-1.json"]
    for ref in ("case-1", "../case-10", "case-100"):
        with pytest.raises(RefusedError) as refusal:
            await adapter.erase_record(ref)
        assert refusal.value.code is Code.NOT_FOUND


async def test_news_of_an_erased_record_goes_too(bench: FolderBench) -> None:
    """News is named after the draft: what waits goes, and what was collected is taken out of the journal."""
    adapter = bench.adapter()
    for name in ("case-1", "case-10"):
        bench.drop(f"{name}.json", GOOD)
        await _settle(bench, NoticeKind.DRAFTED)
        await adapter.push(a_notice(name, NoticeKind.QUEUED, key=f"{name}-queued"))
        await adapter.push(a_notice(name, NoticeKind.RECEIVED, key=f"{name}-received"))
    (bench.root / "notices" / "case-1.queued.json").unlink()
    assert await adapter.erase_record("case-1") is Erasure.ERASED
    assert [path.name for path in bench.all("notices")] == ["case-10.queued.json", "case-10.received.json"]
    assert len(bench.all("journal")) == 2
    assert not bench.holds('"case-1.')


async def test_settling_strangers(bench: FolderBench) -> None:
    """A ref that names no draft here is refused, above all one that is a path."""
    for ref in ("nothing", "../incoming/x", "", "~", "~../x"):
        with pytest.raises(RefusedError, match="no such draft"):
            await bench.adapter().settle(LocalRecord(ref=ref, fields={}), a_notice(ref, NoticeKind.DRAFTED))


async def test_notice_about_a_path(bench: FolderBench) -> None:
    """News about a ref that is no file name of this folder is refused."""
    with pytest.raises(RefusedError, match="not about a file"):
        await bench.adapter().push(a_notice("../x", NoticeKind.QUEUED))


def test_file_mode(tmp_path: Path) -> None:
    """Files for everybody cannot be configured."""
    with pytest.raises(RefusedError, match="0600 or 0640"):
        FolderAdapter(tmp_path, file_mode=0o644)
