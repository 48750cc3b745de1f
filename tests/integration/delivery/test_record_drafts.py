"""Many records at once: each for itself, in one transaction, and the same again after any end in the middle."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.memory_adapter import MemoryAdapter
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, changed

from gateway.composition.serving import make_intake
from gateway.delivery import intake as intake_module
from gateway.delivery.intake import Intake
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation import logs
from gateway.ports import LocalRecord, Notice, NoticeKind
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent of her..")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving, each with a case system in memory that nobody looks into yet."""
    async with two_nodes(tmp_path) as pair:
        yield pair


def referral(number: str, **more: Any) -> dict[str, Any]:
    """What the case system says of a case with this number, in the form of a draft."""
    request = example("referral.request/1", "AL", case_ref_sender=number)
    return {"conversation": None, "in_reply_to": None, "purpose": "referral", **request, **more}


def relying(number: str) -> dict[str, Any]:
    """The same, relying on her consent."""
    said = referral(number)
    return said | {"header": said["header"] | {"consent_ref": CONSENT}}


def collector(party: Party, adapter: MemoryAdapter | None = None) -> Intake:
    """The loop of a node, to be gone through by hand."""
    return make_intake(party.running, adapter or MemoryAdapter(party.system), 1)


def offer(party: Party, **fields: dict[str, Any]) -> None:
    """Records by their names."""
    for ref, said in fields.items():
        party.system.offer(LocalRecord(ref=ref, fields=said))


async def waiting(party: Party) -> list[dict[str, Any]]:
    """The drafts that wait for a person, in the order in which they were made."""
    return list((await party.call("draft.list"))["drafts"])


async def groups(party: Party) -> int:
    """How many transactions the node has written."""
    return party.running.store.writer.groups


async def test_records_of_one_number_join_one_case(two: Two) -> None:
    """Also where all of them are new and come together; those of other numbers are of other cases."""
    offer(two.fr, a=referral("n-1"), b=referral("n-2"), c=referral("n-1"))
    before = await groups(two.fr)
    assert await collector(two.fr).once() == 3
    assert await groups(two.fr) - before <= 2  # one for the three, and perhaps one of something else
    cases = [draft["of_case"]["id"] for draft in await waiting(two.fr)]
    assert cases[0] == cases[2] != cases[1]
    assert [two.fr.system.settled[ref].kind for ref in "abc"] == [NoticeKind.DRAFTED] * 3


async def test_one_bad_record_stops_no_other(two: Two) -> None:
    """It is told what is wrong with it, beside those that became drafts."""
    offer(two.fr, a=referral("n-1"), b=referral("n-2", type="no.such/1"), c=referral("n-3"))
    await collector(two.fr).once()
    assert [two.fr.system.settled[ref].kind for ref in "abc"] == ["drafted", "refused", "drafted"]
    assert two.fr.system.settled["b"].code is Code.INVALID
    assert len(await waiting(two.fr)) == 2


async def test_a_record_that_takes_the_number_of_another_case_is_refused_alone(two: Two) -> None:
    """Its case is the one that it began with: the draft of before is replaced by nothing, and the others go on."""
    offer(two.fr, a=referral("n-1"), b=referral("n-2"))
    await collector(two.fr).once()
    two.fr.system.settled.clear()
    offer(two.fr, a=referral("n-1"), b=referral("n-1"), c=referral("n-3"))
    await collector(two.fr).once()
    told = two.fr.system.settled
    assert [told[ref].kind for ref in "abc"] == ["drafted", "refused", "drafted"]
    assert [(fault.place, fault.rule) for fault in told["b"].findings] == [("/header/case_ref_sender", "another_case")]
    assert told["a"].key.startswith("again.")
    assert len(await waiting(two.fr)) == 2


async def mixed_up(two: Two) -> tuple[str, str]:
    """His record has her number by mistake, and was sent: her case, and the conversation with him."""
    fr = two.fr
    await agreed(fr, "n-1", CONSENT)
    offer(fr, hers=relying("n-1"), his=relying("n-1"))
    await collector(fr).once()
    hers, his = await waiting(fr)
    await fr.call("draft.release", id=his["id"], by=ANA)
    sent = await fr.call("draft.release", id=his["id"], by=BEN)
    fr.system.settled.clear()
    return hers["of_case"]["id"], sent["conversation"]


async def records(party: Party) -> set[tuple[str]]:
    """The cases that records are linked to."""
    return set(await party.rows("select case_id from case_link where kind = 'record'"))


async def test_a_record_goes_with_the_last_of_what_was_made_of_it(two: Two) -> None:
    """Once two people have split off what was sent of his record, what the case system says of it next is a draft of
    his case, and what it says of her one of hers. Taken back, both are of one case.
    """
    fr, (hers, his_talk) = two.fr, await mixed_up(two)
    split = await changed(fr, "case.split", id=hers, conversations=[his_talk])
    offer(fr, hers=referral("n-1"), his=referral("n-2"))
    await collector(fr).once()
    assert [draft["of_case"]["id"] for draft in await waiting(fr)] == [hers, split["into"]]
    assert await records(fr) == {(hers,), (split["into"],)}
    await fr.call("case.undo", id=split["change"], by=BEN)
    await fr.call("case.confirm", id=split["change"], by=ANA)
    assert await records(fr) == {(hers,)}


async def test_a_record_stays_while_something_of_it_does(two: Two) -> None:
    """A draft of it waits in her case when what was sent of it is split off; then the draft goes, and so does it."""
    fr, (hers, his_talk) = two.fr, await mixed_up(two)
    offer(fr, his=referral("n-1"))
    await collector(fr).once()
    _, draft = await waiting(fr)
    await changed(fr, "case.split", id=hers, conversations=[his_talk])
    assert await records(fr) == {(hers,)}
    split = await changed(fr, "case.split", id=hers, drafts=[draft["id"]])
    assert await records(fr) == {(hers,), (split["into"],)}


async def test_a_draft_goes_back_as_the_one_whose_place_it_took(two: Two) -> None:
    """His draft was split off, and the case system says something else of him. That the split is taken back is about
    what was split off, whatever it says by now: her case is not left without it, nor his with it.
    """
    fr = two.fr
    offer(fr, hers=referral("n-1"), his=referral("n-1"))
    await collector(fr).once()
    hers, his = await waiting(fr)
    of_both = hers["of_case"]["id"]
    split = await changed(fr, "case.split", id=of_both, drafts=[his["id"]])
    for said in ("n-2", "n-3"):
        fr.system.settled.clear()
        offer(fr, his=referral(said))
        await collector(fr).once()
        assert [draft["of_case"]["id"] for draft in await waiting(fr)] == [of_both, split["into"]]
    await fr.call("case.undo", id=split["change"], by=BEN)
    await fr.call("case.confirm", id=split["change"], by=ANA)
    assert [draft["of_case"]["id"] for draft in await waiting(fr)] == [of_both, of_both]


async def test_what_a_second_person_is_asked_about_is_what_the_first_saw(two: Two) -> None:
    """A draft that took the place of another one since a person asked to move that is not moved unseen."""
    fr = two.fr
    offer(fr, hers=referral("n-1"), his=referral("n-1"))
    await collector(fr).once()
    hers, his = await waiting(fr)
    asked = await fr.call("case.split", id=hers["of_case"]["id"], drafts=[his["id"]], reason="two persons", by=ANA)
    fr.system.settled.clear()
    offer(fr, his=referral("n-2"))
    await collector(fr).once()
    with pytest.raises(RefusedError) as refusal:
        await fr.call("case.confirm", id=asked["change"], by=BEN)
    assert refusal.value.code is Code.CHANGED_MEANWHILE


async def test_a_record_that_stands_there_twice_is_drafted_once(two: Two) -> None:
    """The second time it is what came before, or a newer version of it that takes its place."""

    said = [LocalRecord(ref="a", fields=referral(number)) for number in ("n-1", "n-1")]
    settled: list[Notice] = []

    class Twice(MemoryAdapter):
        """A case system whose list has one record in two lines."""

        async def pull(self) -> Sequence[LocalRecord]:
            return said

        async def settle(self, record: LocalRecord, notice: Notice) -> None:
            settled.append(notice)

    await collector(two.fr, Twice(two.fr.system)).once()
    assert [notice.key.partition(".")[0] for notice in settled] == ["drafted", "again"]
    assert len(await waiting(two.fr)) == 1


@pytest.mark.parametrize("settled", [0, 2])
async def test_what_was_written_and_not_settled_is_not_drafted_again(two: Two, settled: int) -> None:
    """The case system went away after the drafts were durable: the same records change nothing when they come again."""
    offer(two.fr, a=referral("n-1"), b=referral("n-2"), c=referral("n-3"))

    class Failing(MemoryAdapter):
        """A case system that goes away in the middle."""

        async def settle(self, record: LocalRecord, notice: Notice) -> None:
            if len(two.fr.system.settled) == settled:
                raise TransientError(Code.ADAPTER_BUSY, "the case system is away")
            await super().settle(record, notice)

    with pytest.raises(TransientError):
        await collector(two.fr, Failing(two.fr.system)).once()
    drafts = await waiting(two.fr)
    assert len(drafts) == 3
    await two.fr.stop()
    await two.fr.start()
    await collector(two.fr).once()
    assert await waiting(two.fr) == drafts
    kinds = [two.fr.system.settled[ref].key.partition(".")[0] for ref in "abc"]
    assert kinds == ["drafted"] * settled + ["again"] * (3 - settled)


async def test_a_long_list_is_written_in_groups_and_told(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many records at a time; the log says how far it is, and not what they are."""
    monkeypatch.setattr(intake_module, "AT_ONCE", 4)
    monkeypatch.setattr(intake_module, "TELL_EVERY", 0.0)
    offer(two.fr, **{f"r{n}": referral(f"n-{n}") for n in range(10)})
    stream = io.StringIO()
    logs.configure("info", stream)
    loop = collector(two.fr)
    assert await loop.once() == 10 and await loop.once() == 0
    assert len(await waiting(two.fr)) == 10
    lines = [json.loads(line) for line in stream.getvalue().splitlines() if "collect.progress" in line]
    assert [line["n"] for line in lines] == [4, 8, 10]
    assert "n-7" not in stream.getvalue() and "r7" not in stream.getvalue()
