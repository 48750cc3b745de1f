"""The drop folder over a real SFTP server: the key of the server is the one we know, nothing is followed or doubled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from pydantic import ValidationError

from adapters.kit.contract import MARKER, Trouble, a_delivery, a_notice
from adapters.sftp import KIND, SftpAdapter
from adapters.sftp.bench import SftpBench, stand_in
from gateway.errors import RefusedError, TransientError
from gateway.ports import Erasure, NoticeKind


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[SftpBench]:
    """One account of the server."""
    async with stand_in(tmp_path) as new:
        yield new()


def _line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()


async def test_another_host_key_gets_nothing(bench: SftpBench, tmp_path: Path) -> None:
    """A server that is not the known one gets neither our login nor a document."""
    other = SftpAdapter(replace(bench.server, host_key=_line()), root="", journal=bench.journal)
    with pytest.raises(TransientError, match="shows another host key"):
        await other.push(a_delivery(text=MARKER))
    assert not bench.journal.exists()
    (finding,) = await other.check()
    assert (finding.place, finding.rule) == ("server", "not_usable")
    stranger = tmp_path / "stranger"
    stranger.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    stranger.chmod(0o600)
    with pytest.raises(TransientError, match="does not take the account"):
        await SftpAdapter(replace(bench.server, key=stranger), root="", journal=bench.journal).pull()
    for bad in (replace(bench.server, host_key="no key"), replace(bench.server, key=bench.root / "outgoing")):
        with pytest.raises(RefusedError):
            await SftpAdapter(bad, root="", journal=bench.journal).pull()


async def test_links_and_strange_names_stay_harmless(bench: SftpBench) -> None:
    """A link is not read, a strange name is replaced by one that says nothing, a used name is refused."""
    (bench.root / "secret.json").write_text('{"a": 1}')
    (bench.root / "outgoing" / "link.json").symlink_to(bench.root / "secret.json")
    bench.drop("Ana Hoxha.json", "{}")
    bench.drop("half.json.part", "{}")
    bench.offer("one")
    records = {record.ref: record for record in await bench.adapter().pull()}
    assert sorted(path.name for path in bench.all("outgoing")) == ["half.json.part", "link.json"]
    (strange,) = [record for ref, record in records.items() if ref.startswith("~unnamed-")]
    assert ([fault.rule for fault in strange.faults], "Ana" in repr(strange)) == (["bad_name"], False)
    await bench.adapter().settle(records["one"], a_notice("one", NoticeKind.DRAFTED))
    bench.offer("one")
    again = [record for record in await bench.adapter().pull() if record.ref.startswith("~again-")]
    assert [fault.rule for record in again for fault in record.faults] == ["name_used"]


async def test_a_cut_before_the_last_step_is_mended(bench: SftpBench) -> None:
    """What was written under its hidden name and noted down gets its name at the repeat, and no second file."""
    adapter = bench.adapter()
    local_id = await adapter.push(a_delivery())
    final, part = bench.root / local_id, next(iter(bench.root.glob("incoming/*")))
    hidden = bench.root / await adapter._part_of(local_id)
    final.rename(hidden)
    assert (part, bench.received()) == (final, [])
    assert await bench.adapter().status(local_id) == "waiting"
    assert await bench.adapter().push(a_delivery()) == local_id
    assert [path.name for path in bench.all("incoming")] == [final.name]


async def test_what_was_collected_is_not_made_again(bench: SftpBench) -> None:
    """The office has taken the file: the repeat makes no second one, and erasing is honest about the copy."""
    local_id = await bench.adapter().push(a_delivery())
    (bench.root / local_id).unlink()
    assert await bench.adapter().push(a_delivery()) == local_id
    assert bench.received() == []
    assert await bench.adapter().status(local_id) == "collected"
    assert await bench.adapter().erase(local_id) is Erasure.NOT_SUPPORTED
    (tombstone,) = bench.all("erased")
    assert json.loads(tombstone.read_bytes())["result"] == "not_supported"


async def test_a_record_is_erased_with_all_that_is_kept_of_it(bench: SftpBench) -> None:
    """The draft, the reasons of its refusal, news that waits and news that was collected, and the names in the journal;
    a draft of another name, and one that was dropped anew, stay.
    """
    good = '{"content": {"name": "one"}}'
    bench.drop("case-1.json", '{"content": {"amount": 1.5}}')
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice("case-1", NoticeKind.REFUSED, findings=record.faults))
    for name in ("case-1.json", "case-10.json"):
        bench.drop(name, good)
    for record in await adapter.pull():
        await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    for number, kind in enumerate((NoticeKind.QUEUED, NoticeKind.RECEIVED)):
        await adapter.push(a_notice("case-1", kind, key=f"first-{number}"))
        await adapter.push(a_notice("case-10", kind, key=f"other-{number}"))
    (bench.root / "notices" / "case-1.queued.json").unlink()
    bench.drop("case-1.json", good)
    assert await adapter.erase_record("case-1") is Erasure.ERASED
    left = [path.name for name in ("taken", "refused", "notices") for path in bench.all(name)]
    assert left == ["case-10.json", "case-10.queued.json", "case-10.received.json"]
    assert b"case-1." not in bench.journal.read_bytes()
    assert (
        await bench.adapter().push(a_notice("case-10", NoticeKind.QUEUED, key="other-0"))
        == "notices/case-10.queued.json"
    )
    assert [path.name for path in bench.all("outgoing")] == ["case-1.json"]


async def test_documents_are_private_and_whole(bench: SftpBench) -> None:
    """A document has the mode 0600, and a name is never given twice even when its file is gone."""
    first = await bench.adapter().push(a_notice("one", NoticeKind.RECEIVED))
    assert (bench.root / first).stat().st_mode & 0o777 == 0o600
    (bench.root / first).unlink()
    second = await bench.adapter().push(a_notice("one", NoticeKind.RECEIVED, key="notice-2"))
    assert (first, second) == ("notices/one.received.json", "notices/one.received.2.json")


async def test_a_disk_that_is_away_is_not_an_empty_folder(bench: SftpBench) -> None:
    """Nothing is made on the wrong disk, and the words of the server are not repeated."""
    with bench.trouble(Trouble.AWAY):
        for work in (bench.adapter().pull(), bench.adapter().push(a_delivery(text=MARKER))):
            with pytest.raises(TransientError, match="cannot be used now") as caught:
                await work
            assert "/" not in str(caught.value) and MARKER not in f"{caught.value!r}{caught.value.__cause__!r}"
        assert len(await bench.adapter().check()) == 7
        assert list(bench.root.iterdir()) == []


@pytest.mark.parametrize("more", [{"root": "a b"}, {"root": "a;b"}, {"root": "é"}, {"password": "x"}, {"port": 0}])
async def test_settings_that_are_refused(bench: SftpBench, more: dict[str, object]) -> None:
    """A root is a plain path, and a password is no setting."""
    with pytest.raises(ValidationError, match=next(iter(more))):
        KIND.settings.model_validate({**bench.settings(), **more})
