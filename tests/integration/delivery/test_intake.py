"""Both ways between a case system and the node go through its mapping file; what that can not say is for a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.connected import begin_with
from support.nodeproc import enquiry
from support.pair import Party, Two, example, two_nodes
from support.sheets import count_walked
from support.workbooks import spoilt_sheet

from adapters.sheet import SheetAdapter
from adapters.sheet.bench import SheetBench
from gateway.delivery.intake import PATIENCE
from gateway.ports import LocalRecord, MappedRecord, NoticeKind

OFFICE = """
format: trm-mapping/1
name: office
body_type: enquiry.capacity/1
direction: in
fields:
  content.services[]:
    from: Kind of place
    type: codes
    list: service
    codes: {Shelter: safe_accommodation, Doctor: medical}
    back:
      emergency_medical: {value: Doctor, lossy: true, note: the office has one doctor, reviewed: "A. B., 2026-11-27"}
  content.note: {from: Remark, type: text}
left_out: [content.age_group, content.referral_kind]
"""
LONG = "Lloji i vendit që kërkohet për personin, siç e ka shënuar zyra në regjistrin e saj të përbashkët"
CODES = "codes: {Shelter: safe_accommodation, Doctor: medical"


async def reads_by(party: Party, mapping: Path) -> None:
    """The node begins anew with a mapping file; the case system stays the one in memory."""
    await party.stop()
    toml = party.folder / "node.toml"
    kept = toml.read_text(encoding="utf-8").partition("[adapter]")[0]
    section = f'[adapter]\nkind = "sheet"\npath = "{mapping.parent}/x.xlsx"\nmapping = "{mapping}"\npoll_seconds = 1\n'
    toml.write_text(kept + section, encoding="utf-8")
    await party.start()


async def test_a_message_is_handed_over_as_a_record_or_held(tmp_path: Path) -> None:
    """Codes become the office's words with the loss beside them; a code without a word is held with mapping_failed and
    goes over once the file has been mended.
    """
    mapping = tmp_path / "office.yaml"
    mapping.write_text(OFFICE, encoding="utf-8")
    async with two_nodes(tmp_path) as two:
        await reads_by(two.al, mapping)
        good = {"services": ["safe_accommodation", "emergency_medical"], "note": "two beds"}
        rest = {"age_group": "adult", "referral_kind": "return_reception"}
        await two.fr.submit("", content=good | rest)
        held = await two.fr.submit("", content={"services": ["cash"], "note": "by cheque"} | rest)
        await two.until(lambda: len(two.al.deliveries()) == 1, seconds=30)
        (item,) = two.al.deliveries()
        assert isinstance(item.record, MappedRecord)
        assert item.record.fields == {"Kind of place": "Shelter; Doctor", "Remark": "two beds"}
        assert [(loss.place, loss.hint) for loss in item.record.losses] == [
            ("/content/services/*", "the office has one doctor")
        ]
        assert item.record.left_out == ("/content/age_group", "/content/referral_kind")
        assert item.content == good | rest

        async def is_held() -> bool:
            return await two.al.state(held) == "held"

        await two.until(is_held, seconds=30)
        assert (await two.al.show(held))["reason"] == "mapping_failed"
        assert "message.held" in await two.al.alarms()

        async def is_told() -> bool:
            return await two.fr.state(held) == "awaiting_handover"

        await two.until(is_told, seconds=30)

        mapping.write_text(OFFICE.replace(CODES, f"{CODES}, Money: cash"), encoding="utf-8")
        await reads_by(two.al, mapping)
        await two.al.call("message.resend", id=held)
        await two.until(lambda: len(two.al.deliveries()) == 2, seconds=30)
        assert [item.record and item.record.fields["Kind of place"] for item in two.al.deliveries()][1] == "Money"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (LocalRecord(ref="row-1", fields={"Kind of place": "Castle"}, mapping="elsewhere"), "unknown_mapping"),
        (LocalRecord(ref="row-1", fields={LONG: "Castle"}, mapping="htcds-2-0-enquiry"), "missing"),
    ],
)
async def test_a_record_that_can_not_be_mapped_makes_no_draft(tmp_path: Path, record: LocalRecord, rule: str) -> None:
    """The office is told which rule it broke, whatever letters its labels have; the node goes on."""
    mapping = tmp_path / "office.yaml"
    mapping.write_text(OFFICE, encoding="utf-8")
    async with two_nodes(tmp_path) as two:
        await reads_by(two.al, mapping)
        two.al.system.offer(record)
        await two.until(lambda: "row-1" in two.al.system.settled, seconds=30)
        notice = two.al.system.settled["row-1"]
        assert (notice.kind, str(notice.code)) == (NoticeKind.REFUSED, "mapping_failed")
        assert rule in {finding.rule for finding in notice.findings}
        assert "Castle" not in repr(notice)
        assert (await two.al.call("draft.list"))["drafts"] == []


def record(ref: str, draft: dict[str, Any]) -> LocalRecord:
    """A record that has the form of a draft already."""
    return LocalRecord(ref=ref, fields=draft)


async def collected(two: Two, *records: LocalRecord) -> dict[str, NoticeKind]:
    """What the case system of AL is told of these, which one pull finds in this order."""
    system = two.al.system
    for one in records:
        system.offered.pop(one.ref, None)
        system.settled.pop(one.ref, None)
        system.offer(one)
    refs = {one.ref for one in records}
    await two.until(lambda: refs <= system.settled.keys(), seconds=30)
    return {one.ref: system.settled[one.ref].kind for one in records}


async def test_records_of_one_pull_are_written_together(tmp_path: Path) -> None:
    """More than are taken at once, one of them wrong: each is settled for itself, and few transactions hold them."""
    async with two_nodes(tmp_path) as two:
        al, writer = two.al, two.al.running.store.writer
        records = [record(f"row-{number}", enquiry(f"n-{number}", "FR")) for number in range(100)]
        wrong = record("wrong", enquiry("wrong", "FR") | {"content": {"services": []}})
        groups = writer.groups
        told = await collected(two, *records[:50], wrong, *records[50:])
        assert told == {one.ref: NoticeKind.DRAFTED for one in records} | {"wrong": NoticeKind.REFUSED}
        assert writer.groups - groups < 20
        assert len((await al.call("draft.list", limit=500))["drafts"]) == 100
        again = await collected(two, *records)
        assert {*again.values()} == {NoticeKind.DRAFTED}
        assert len((await al.call("draft.list", limit=500))["drafts"]) == 100


async def test_a_number_that_came_with_another_record_is_refused(tmp_path: Path) -> None:
    """A record that moves to the number of a person who came in the same pull would mix two: it is refused, and they
    are taken.
    """
    async with two_nodes(tmp_path) as two:
        al = two.al

        def about(number: str) -> dict[str, Any]:
            return example("referral.request/1", "FR", case_ref_sender=number)

        assert await collected(two, record("x", about("F-1"))) == {"x": NoticeKind.DRAFTED}
        told = await collected(two, record("y", about("F-2")), record("x", about("F-2")), record("z", about("F-3")))
        assert told == {"y": NoticeKind.DRAFTED, "x": NoticeKind.REFUSED, "z": NoticeKind.DRAFTED}
        assert str(al.system.settled["x"].code) == "conflict"


async def test_a_small_workbook_that_unpacks_to_very_much_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that looks into such a workbook gives up after some of its elements at each look. Meanwhile a message of a
    peer is handed over and a person is told; once the office has mended the workbook its row becomes a draft.
    """
    (office := tmp_path / "office").mkdir(mode=0o700)
    bench, looks, walked = SheetBench(office), [0], count_walked(monkeypatch)
    bench.offer("Lunara")
    bench.cases[0] = bench.cases[0].having({"Recipient": "AL"})
    bench.write()
    bomb = spoilt_sheet(bench.source.read_bytes(), b"</sheetData>", b"<c/>" * 2_000_000 + b"</sheetData>")
    assert len(bomb) < 100_000
    bench.source.write_bytes(bomb)
    pull = SheetAdapter.pull

    async def look(adapter: SheetAdapter) -> Sequence[LocalRecord]:
        """Count a look that has ended."""
        try:
            return await pull(adapter)
        finally:
            looks[0] += 1

    monkeypatch.setattr(SheetAdapter, "pull", look)
    async with two_nodes(tmp_path) as two:
        await begin_with(two.fr, {"kind": "sheet", "path": str(bench.source)})
        await two.al.submit("a room for one?")
        await two.until(lambda: len(bench.received()) == 1 and looks[0] > 1, seconds=60, what="nothing was handed over")
        two.clock.advance(PATIENCE + 1)

        async def told() -> bool:
            return "adapter.busy" in await two.fr.alarms()

        await two.until(told, seconds=60, what="no person was told")
        assert walked[0] < 1_000_000 * (looks[0] + 1)
        assert (await two.fr.call("draft.list"))["drafts"] == []
        bench.write()

        async def drafted() -> bool:
            return len((await two.fr.call("draft.list"))["drafts"]) == 1

        await two.until(drafted, seconds=60, what="the workbook was mended, and no draft was made")
