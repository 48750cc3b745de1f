"""People are told that a consent lapses before what waits for it fails: by its last day, by guardian and majority."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.nodeproc import UNIT
from support.pair import START, Two, example, two_nodes
from support.persons import ALL, ANA, case_of, changed, referral, referred

from gateway.consent import register
from gateway.consent.register import open_consents
from gateway.conversations.rules.machines import RESTING
from gateway.database.content_sealer import ContentSealer
from gateway.notifications import consent_lapses
from keys.primitives.encoding import b64u

FIRST, SECOND = b64u(b"consent one....."), b64u(b"consent two.....")
TALK = b64u(b"conversation one")
DAY = 86_400
NUMBER = "F-1"
ROLES = {"sender_role": "national_focal_point", "recipient_role": "national_focal_point"}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def day(offset: int) -> str:
    """A date so many days from the start."""
    return (datetime.fromtimestamp(START, UTC).date() + timedelta(days=offset)).isoformat()


async def agreed(two: Two, consent: str, until: int = 300, number: str = NUMBER, **members: Any) -> None:
    """France records a consent for a referral to Albania that ends after so many days, taken three days ago."""
    record = example("consent.record/1", "AL")["content"] | {"consent_id": consent, "taken_on": day(-3)} | members
    grant = {
        "purpose": "referral",
        "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
        "data_categories": ALL,
    }
    record["grants"] = [grant | {"until": day(until)}]
    await two.fr.call("consent.record", by=ANA, number=number, content=record)


async def lapses(two: Two) -> list[str]:
    """What the alarms that are open are about, once it was looked; each names the case."""
    await two.fr.running.consent_lapses.tell()
    alarms = (await two.fr.call("alarm.list", kind="consent.lapses"))["alarms"]
    assert all(one["of_case"]["name"] == NUMBER for one in alarms)
    return [one["id"] for one in alarms]


async def accepted(two: Two, request: str) -> None:
    """Albania accepts, and France has the answer: then it may tell who the guardian is."""
    await two.until(
        lambda: any(one.message_id == request for one in two.al.deliveries()), seconds=60, what="it arrives"
    )
    answer = example("referral.accept/1", "FR", consent_ref=FIRST, **ROLES)
    answer |= {"purpose": "referral", "conversation": TALK, "in_reply_to": request}
    id = (await two.al.call("message.submit", **answer))["id"]
    await two.until(lambda: any(one.message_id == id for one in two.fr.deliveries()), seconds=60, what="the answer")


async def dismissed(two: Two, alarm: str) -> None:
    """Somebody has seen it."""
    await two.fr.call("alarm.dismiss", id=alarm)


async def test_a_last_day_is_told_a_week_before_and_when_it_has_come(two: Two) -> None:
    """Each once, though somebody has seen it; it ends by itself when the person was asked anew and nothing waits."""
    await agreed(two, FIRST, 10)
    await referred(two, NUMBER, FIRST, conversation=TALK)
    assert await lapses(two) == []
    two.clock.advance(4 * DAY)
    (early,) = await lapses(two)
    case = (await two.fr.call("consent.show", id=FIRST, by=ANA))["of_case"]["id"]
    assert [one["lapses"] for one in (await two.fr.call("case.show", id=case, by=ANA))["consents"]] == [True]
    await dismissed(two, early)
    assert await lapses(two) == []
    two.clock.advance(7 * DAY)
    (over,) = await lapses(two)
    assert over != early and await lapses(two) == [over]
    await agreed(two, SECOND)
    assert await lapses(two) == []


async def test_an_older_consent_counts_while_a_draft_names_it(two: Two) -> None:
    """The person was asked anew, and a draft that waits still relies on what was said before."""
    await agreed(two, FIRST, 1)
    draft = (await two.fr.call("draft.save", by=ANA, draft=referral(NUMBER, FIRST)))["id"]
    await agreed(two, SECOND)
    assert len(await lapses(two)) == 1
    await two.fr.call("draft.discard", by=ANA, id=draft)
    assert await lapses(two) == []


async def test_what_ended_by_itself_is_told_again_to_who_relies_on_it_anew(two: Two) -> None:
    """Nobody has seen the alarm, or somebody has: whoever writes on the older consent once more learns of it only where
    no person was told before.
    """
    await agreed(two, FIRST, 1)
    draft = (await two.fr.call("draft.save", by=ANA, draft=referral(NUMBER, FIRST)))["id"]
    await agreed(two, SECOND)
    (first,) = await lapses(two)
    await two.fr.call("draft.discard", by=ANA, id=draft)
    assert await lapses(two) == []
    draft = (await two.fr.call("draft.save", by=ANA, draft=referral(NUMBER, FIRST)))["id"]
    (anew,) = await lapses(two)
    assert anew != first
    await dismissed(two, anew)
    await two.fr.call("draft.discard", by=ANA, id=draft)
    assert await lapses(two) == []
    await two.fr.call("draft.save", by=ANA, draft=referral(NUMBER, FIRST))
    assert await lapses(two) == []


async def test_many_cases_are_looked_at_some_at_a_time(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a node with many cases no more is opened and held in one go, whoever has to be told; and after each of them it
    rests, longer than that took.
    """
    numbers = {b64u(b"consent of case%d" % each): f"F-{each}" for each in range(3)}
    for consent, number in numbers.items():
        await agreed(two, consent, 1, number=number)
        await two.fr.call("draft.save", by=ANA, draft=referral(number, consent))
    opened: list[int] = []

    def open_counted(sealer: ContentSealer, connection: Connection, consents: Any, withdrawals: Any) -> Any:
        opened.append(len(consents))
        return open_consents(sealer, connection, consents, withdrawals)

    monkeypatch.setattr(register, "open_consents", open_counted)
    monkeypatch.setattr(consent_lapses, "AT_ONCE", 2)
    rested: list[float] = []

    async def rest(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(consent_lapses, "sleep", rest)
    await two.fr.running.consent_lapses.tell()
    assert opened == [2, 1]
    assert len(rested) == 4 and min(rested) > 0  # two goes of drafts, two of cases
    alarms = (await two.fr.call("alarm.list", kind="consent.lapses"))["alarms"]
    assert sorted(one["of_case"]["name"] for one in alarms) == sorted(numbers.values())


async def test_an_older_look_takes_nothing_back(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """It began before the day came, rests for long, and ends after a newer one has told people."""
    await agreed(two, FIRST, 8)
    await two.fr.call("message.submit", **referral(NUMBER, FIRST, conversation=TALK))
    rests, goes_on = asyncio.Event(), asyncio.Event()

    async def rest(_seconds: float) -> None:
        if not rests.is_set():
            rests.set()
            await goes_on.wait()

    monkeypatch.setattr(consent_lapses, "sleep", rest)
    older = asyncio.create_task(two.fr.running.consent_lapses.tell())
    await rests.wait()
    two.clock.advance(2 * DAY)
    newer = asyncio.create_task(two.fr.running.consent_lapses.tell())
    await two.calm()
    goes_on.set()
    await asyncio.gather(older, newer)
    assert len((await two.fr.call("alarm.list", kind="consent.lapses"))["alarms"]) == 1


@pytest.mark.parametrize("ends", ["closed", "withdrawn"])
async def test_nobody_is_told_where_nothing_is_under_way(two: Two, ends: str) -> None:
    """A consent that nothing relied on, one that was withdrawn, and one of a case that is closed."""
    await agreed(two, FIRST, 1)
    assert await lapses(two) == []
    await two.fr.call("message.submit", **referral(NUMBER, FIRST, conversation=TALK))
    assert len(await lapses(two)) == 1
    if ends == "withdrawn":
        await two.fr.call("consent.withdraw", id=FIRST, by=ANA)
    else:
        for ended in (f"update conversation set state = '{min(RESTING)}'", "delete from outbox"):
            await two.fr.running.store.move(partial(Connection.exec_driver_sql, statement=ended))
    assert await lapses(two) == []


@pytest.mark.parametrize(
    ("given_by", "told", "days"),
    [
        ("guardian", {"person": {"birth_date": 12}}, 12),
        ("guardian", {"notice": 9}, 10),
        ("parent", {"notice": 9}, None),
        ("child_authority_interim", {}, 58),
    ],
)
async def test_a_giver_who_speaks_for_the_child_no_more(
    two: Two, given_by: str, told: dict[str, Any], days: int | None
) -> None:
    """The guardian's last day, the 18th birthday and the end of the interim, each a week before it comes."""
    await agreed(two, FIRST, given_by=given_by, child_assent="given")
    request = referral(NUMBER, FIRST, conversation=TALK)
    person = request["content"]["person"] | {"age_group": "child"}
    if "person" in told:
        born = datetime.fromisoformat(day(told["person"]["birth_date"]))
        person |= {"birth_date": born.replace(year=born.year - 18).date().isoformat()}
    child = {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
    request["content"] |= {"person": person, "child": child}
    await accepted(two, (await two.fr.call("message.submit", **request))["id"])  # else it has expired by then
    if "notice" in told:
        notice = example("guardian.notice/1", "AL", consent_ref=FIRST, **ROLES)
        content = notice["content"] | {"event": "appointed", "from": day(-30), "until": day(told["notice"])}
        await two.fr.call(
            "message.submit", **notice | {"purpose": "referral", "conversation": TALK, "content": content}
        )
    assert await lapses(two) == []
    two.clock.advance((51 if days is None else days - 8) * DAY)
    assert await lapses(two) == []
    two.clock.advance(DAY)
    assert len(await lapses(two)) == (0 if days is None else 1)


async def test_a_case_that_is_merged_while_it_is_looked_at(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the conversations say of the child counts all the same: the alarm stays, and does not come a second time."""
    await agreed(two, FIRST, given_by="guardian", child_assent="given")
    request = referral(NUMBER, FIRST, conversation=TALK)
    born = datetime.fromisoformat(day(5))
    of_age = {"age_group": "child", "birth_date": born.replace(year=born.year - 18).date().isoformat()}
    child = {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
    request["content"] |= {"person": request["content"]["person"] | of_age, "child": child}
    await two.fr.call("message.submit", **request)
    alarms = await lapses(two)
    assert len(alarms) == 1
    case, other = await case_of(two.fr, TALK), (await two.fr.call("case.open", label="Blue 7", by=ANA))["id"]
    read = two.fr.running.store.read

    async def read_and_merge(query: Any) -> Any:
        found = await read(query)
        if query is consent_lapses._find_waiting:
            await changed(two.fr, "case.merge", id=case, into=other)
        return found

    monkeypatch.setattr(two.fr.running.store, "read", read_and_merge)
    await two.fr.running.consent_lapses.tell()
    found = (await two.fr.call("alarm.list", kind="consent.lapses"))["alarms"]
    assert [(one["id"], one["of_case"]["name"]) for one in found] == [(alarms[0], "Blue 7")]
