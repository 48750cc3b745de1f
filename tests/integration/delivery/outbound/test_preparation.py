"""A draft is judged and made ready: the consent record before it, its files, a preview that stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.attached import NOTE, added, opened, sent
from support.nodeproc import UNIT, enquiry
from support.pair import Spoiler, Two, example, two_nodes
from support.persons import ANA, changed
from support.relied_on import CONSENT, record_of, recorded, referral, types

from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving, with the policy that a new node has."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_record_travels_first_and_once(two: Two) -> None:
    """The consent record precedes the first message that relies on it, and only that one."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation two"[:16])})
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1", "referral.request/1"])
    held = await two.al.call("consent.show", id=CONSENT)
    assert (held["holder"], held["state"]) == ("FR", "active")


def sent_alone(two: Two) -> dict[str, Any]:
    """The record of the consent as a message that a person sends."""
    content = record_of(f"{two.al.running.own.node}/{UNIT}")
    request = example("consent.record/1", "AL") | {"purpose": "referral", "content": content}
    return request | {"conversation": b64u(b"conversation one"[:16])}


async def test_a_consent_that_lost_a_part_is_told_to_nobody_new(two: Two) -> None:
    """It would be told whole; who knew it before has heard what was taken back, and hears more on what is left."""
    await recorded(two)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    with pytest.raises(RefusedError, match="nothing was sent") as caught:
        await two.fr.call("message.submit", **referral())
    assert caught.value.code is Code.GATE_G7
    assert [(one.place, "as a new consent" in str(one.hint)) for one in caught.value.findings] == [
        ("/header/consent_ref", True)
    ]
    assert await two.fr.rows("select count(*) from message") == [(0,)]
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("message.submit", **sent_alone(two))
    assert (caught.value.code, caught.value.findings[0].place) == (Code.GATE_G7, "/content/consent_id")


async def test_who_knew_it_hears_what_was_taken_back_and_what_is_left(two: Two) -> None:
    """The record went before; so a referral on what is left goes as any other."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation two"[:16])})
    came = ["consent.record/1", "consent.withdrawal/1", "referral.request/1", "referral.request/1"]
    await two.until(lambda: sorted(types(two)) == came, seconds=60)
    assert (await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn_in_part"


async def test_what_is_taken_back_while_a_record_is_judged_stops_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record would go without a word of that: nothing is stored."""
    await recorded(two)
    judge, loop = Submission._judge_all, asyncio.get_running_loop()
    taken = list[Future[None]]()

    async def withdraw() -> None:
        await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])

    def judge_slowly(*given: Any) -> Any:
        made = judge(*given)
        taken.append(asyncio.run_coroutine_threadsafe(withdraw(), loop))
        taken[-1].result(timeout=60)
        return made

    monkeypatch.setattr(Submission, "_judge_all", judge_slowly)
    with pytest.raises(RefusedError, match="meanwhile; nothing was stored") as caught:
        await two.fr.call("message.submit", **referral())
    assert (caught.value.code, len(taken)) == (Code.CONFLICT, 1)
    assert await two.fr.rows("select count(*) from message") == [(0,)]


async def test_whom_nothing_can_tell_what_was_taken_back_gets_no_record(two: Two) -> None:
    """Albania is suspended for a cause while a record waits for it; once people resume it, it would get it whole."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    waits = (await two.fr.call("message.submit", **referral()))["id"]
    await two.fr.running.sync.suspend_for_cause(two.fr.peer().node, Code.EQUIVOCATION, None)
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    assert (done["state"], done["told"]) == ("withdrawn_in_part", [])
    wire.away = False
    await two.fr.changes("peer.resume")

    async def decided() -> bool:
        return await two.fr.state(waits) not in ("queued", "awaiting_receipt")

    await two.until(decided, seconds=60)
    assert types(two) == []
    assert await two.fr.rows("select state, reason from message order by ref") == [("failed", "gate_g7")] * 2
    assert "message.failed" in await two.fr.alarms()


@pytest.mark.parametrize("grants", [[1], None], ids=["a part", "all of it"])
async def test_who_was_sent_a_record_by_itself_hears_of_its_withdrawal(two: Two, grants: list[int] | None) -> None:
    """A person may send it before anything relies on it; its peer knows the consent all the same."""
    await recorded(two)
    await two.fr.call("message.submit", **sent_alone(two))
    await two.until(lambda: types(two) == ["consent.record/1"])
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=grants)
    assert [told["peer"] for told in done["told"]] == ["AL"]
    await two.until(lambda: types(two) == ["consent.record/1", "consent.withdrawal/1"], seconds=60)


async def test_a_record_goes_as_it_was_recorded_here(two: Two) -> None:
    """Grants are taken back by their places: in another order, the other country would keep what the person took back
    and strike what they left.
    """
    await recorded(two)
    other = sent_alone(two)
    other["content"]["grants"].reverse()
    with pytest.raises(RefusedError, match="nothing was stored") as caught:
        await two.fr.call("message.submit", **other)
    assert (caught.value.code, caught.value.findings[0].place) == (Code.CONFLICT, "/content")
    assert await two.fr.rows("select count(*) from message") == [(0,)]


async def test_a_record_that_was_erased_here_goes_in_no_other_words(two: Two) -> None:
    """With it went what the place of the grant said that was taken back: nobody is told of that consent any more."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1"], seconds=60)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[0])
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    await two.fr.call("conversation.erase", id=referral()["conversation"], by="w-1", reason="not_needed")
    assert await two.fr.rows("select * from consent") == []
    other = sent_alone(two) | {"conversation": b64u(b"conversation two"[:16])}
    other["content"]["grants"].reverse()
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("message.submit", **other)
    assert caught.value.code is Code.GATE_G7


async def test_an_alert_waits_for_no_record(two: Two) -> None:
    """What nothing may block goes alone, also where its consent may be told to nobody any more."""
    await recorded(two)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    alert = example("safety.alert/1", "AL", consent_ref=CONSENT) | {"conversation": b64u(b"conversation one"[:16])}
    await two.fr.call("message.submit", **alert)
    await two.until(lambda: types(two) == ["safety.alert/1"], seconds=60)


async def test_a_record_that_failed_travels_again(two: Two) -> None:
    """Its peer never got it, so it precedes the next message that relies on it as it did the first."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    lost = (await two.fr.call("message.submit", **referral()))["id"]
    two.clock.advance(15 * 86_400)

    async def expired() -> bool:
        return await two.fr.state(lost) == "failed"

    await two.until(expired, seconds=90)
    wire.away = False
    await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation two"[:16])})
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1"], seconds=120)


async def test_a_preview_tells_what_stands_in_the_way(two: Two) -> None:
    """Nothing is stored by it, and every gate is there beside what would leave."""
    request = referral()
    shown = await two.fr.call("message.preview", draft=request)
    assert (shown["goes"], shown["code"]) == (False, "gate_g2")
    assert shown["leaves"]["content"]["person"]["pseudonym"] == request["content"]["person"]["pseudonym"]
    assert await two.fr.rows("select count(*) from message") == [(0,)]
    draft = (await two.fr.call("draft.save", draft=request))["id"]
    again = await two.fr.call("draft.preview", id=draft, by="Ana Doe")
    assert (again["goes"], again["code"], again["step"]) == (False, "gate_g2", "before_acceptance")
    closed = await two.fr.call("message.preview", draft=request | {"purpose": "consular"})
    assert (closed["leaves"], closed["code"]) == (None, "out_of_scope")


async def test_a_corridor_that_is_closed_keeps_files_back(two: Two) -> None:
    """A new node's policy has the group closed: nothing of the message goes without its files."""
    id = await added(two.fr, NOTE)
    with pytest.raises(RefusedError, match="corridor policy") as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.OUT_OF_SCOPE
    assert (await two.fr.call("message.list"))["messages"] == []


async def test_files_and_words_have_to_agree(two: Two) -> None:
    """A file that no field names, a field without its file, an id that nobody gave: nothing is stored."""
    await opened(two)
    id = await added(two.fr, NOTE)
    for named in ((), (1,), (0, 0), (0, 1)):
        with pytest.raises(RefusedError) as caught:
            await sent(two, id, *named)
        assert caught.value.code is Code.SCHEMA
    with pytest.raises(RefusedError) as caught:
        await sent(two, "AAAAAAAAAAAAAAAAAAAAAA", 0)
    assert caught.value.code is Code.NOT_FOUND
    await sent(two, id, 0)
    with pytest.raises(RefusedError) as caught:
        await sent(two, id, 0)
    assert caught.value.code is Code.NOT_FOUND  # a message has its files once


async def test_a_case_that_is_merged_while_a_message_of_it_is_judged_takes_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would see it there, and no hold of the case that it became would lie over it: nothing is stored."""
    judge, loop, fr = Submission._judge_all, asyncio.get_running_loop(), two.fr
    one, other = [(await fr.call("case.open", label=label, by=ANA))["id"] for label in ("Blue 7", "Green 2")]
    merged = list[Future[Any]]()

    def judge_slowly(*given: Any) -> Any:
        made = judge(*given)
        if not merged:
            merged.append(asyncio.run_coroutine_threadsafe(changed(fr, "case.merge", id=one, into=other), loop))
            merged[-1].result(timeout=60)
        return made

    monkeypatch.setattr(Submission, "_judge_all", judge_slowly)
    with pytest.raises(RefusedError, match="meanwhile; nothing was stored") as caught:
        await fr.call("message.submit", **enquiry("room?"), case=one)
    assert (caught.value.code, await fr.rows("select count(*) from message")) == (Code.CONFLICT, [(0,)])
    await fr.call("message.submit", **enquiry("room?"), case=other)
    assert await fr.rows("select case_id from case_link where kind = 'conversation'") == [(other,)]
