"""gateway.erasure.retention: all that is stored is looked at, and what follows from what the rules decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs
from support.kept_content import name_of
from support.nodes import NOW
from support.retained import ENQUIRY, HORIZON, PACE, Desk, stands
from support.rows import PEER

from gateway.database import content, journal
from gateway.database.tables import message
from gateway.erasure import retention
from gateway.erasure import store as erasures
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.operations.models import RunRetention
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.retention_rules import DAY, RetentionDecision
from gateway.erasure.rules import What
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, TransientError
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.operations.roles import Caller

REQUEST = "referral.request/1"
ERASE, KEEP, UNDER_WAY = RetentionDecision.ERASE, RetentionDecision.KEEP, RetentionDecision.UNDER_WAY
LATER = NOW + 400 * DAY


# --- how it is looked at ----------------------------------------------------------------------------------------------


async def test_what_is_erased_is_not_looked_at(desk: Desk) -> None:
    """Of all that is stored, in as many looks as it takes."""
    row = ErasureRow(ref=501, message=1, at=1, reason="declined", epoch=1, place="not_held", told=None)
    await desk.keeps(desk.message(1), desk.message(2), lambda c: erasures.add(c, [row]))
    assert set(await desk.verdicts()) == {2}


async def test_all_that_is_stored_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is, some conversations at a time, each whole wherever its messages are stored."""
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    talks = [b"talk %d" % number for number in range(5)]
    await desk.keeps(
        *(desk.message(1 + place, conversation=talk) for place, talk in enumerate(talks)),
        *(desk.message(11 + place, conversation=talk, at=NOW + 5 * DAY) for place, talk in enumerate(reversed(talks))),
    )
    found = await desk.verdicts()
    assert set(found) == {*range(1, 6), *range(11, 16)}
    assert {due for _, _, due in found.values()} == {95}
    assert desk.others.done == ["kept"]


async def test_no_more_is_opened_at_a_time_than_some_conversations(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a node with many messages needs no more memory for it than one with few."""
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    await desk.keeps(*(desk.message(ref, conversation=b"talk %d" % ref) for ref in range(1, 8)))
    at_once = list[int]()
    open_each = desk.content.sealer.open_each

    def counted(rows: Any) -> Any:
        at_once.append(len(rows))
        return open_each(rows)

    monkeypatch.setattr(desk.content.sealer, "open_each", counted)
    assert len(await desk.verdicts()) == 7
    assert at_once == [2, 2, 2, 1]


async def test_the_daily_look_rests_and_a_person_waits_for_no_rest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each go, by how much it has opened by then."""
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    await desk.keeps(*(desk.message(ref, conversation=b"talk %d" % ref) for ref in range(1, 6)))
    asked, slept = list[tuple[float, int]](), list[float]()

    def rest(taken: float, per_minute: int) -> float:
        asked.append((taken, per_minute))
        return 0.01 * taken

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(retention, "rest_after", rest)
    monkeypatch.setattr(retention, "monotonic", lambda: 7.0)
    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    await desk.retention.plan()
    await desk.retention.run(by="Ana B.")
    assert asked == []
    await desk.retention.run(rests=True)
    assert asked == [(2, PACE), (4, PACE), (5, PACE)]
    assert slept == [0.02, 0.04, 0.05]


async def test_what_people_kept_busy_is_not_made_up_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour in which the key service had no time for it comes the part of a minute at once, then rests."""
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    monkeypatch.setattr(desk.retention._config.keys, "unwraps_per_minute", 8)
    await desk.keeps(*(desk.message(ref, conversation=b"talk %d" % ref) for ref in range(1, 7)))
    took, slept, open_each = iter([3_600.0]), [0.0], desk.content.sealer.open_each

    def opened(rows: Any) -> Any:
        slept[0] += next(took, 0.0)
        return open_each(rows)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(desk.content.sealer, "open_each", opened)
    monkeypatch.setattr(retention, "monotonic", lambda: sum(slept))
    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    await desk.retention.run(rests=True)
    assert slept == [3_600, 0, 0, 0, 30, 30, 30]


async def test_what_an_alarm_is_about_by_the_end_of_the_look_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look may have taken hours: a person looks at the message first."""
    await desk.keeps(desk.message(1), desk.message(2))
    desk.clock.at = NOW + 400 * DAY

    async def sleep(_: float) -> None:
        await desk.keeps(lambda c: journal.raise_alarm(c, at=NOW, kind="message.held", ref=1))

    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    made = await desk.retention.run(rests=True)
    assert [item.ref for item in made.erase] == [2]
    assert made.lines() == [
        {"verdict": "erase", "rule": "enquiry", "messages": 1},
        {"verdict": "under_way", "rule": "enquiry", "messages": 1},
    ]
    assert set(desk.others.done[-1][1]) == {2}


@pytest.mark.parametrize("part", ["open_each", "count_first", "erase"])
async def test_a_look_goes_on_after_what_failed(desk: Desk, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """What it knows by then took hours. A person is told at once, and asks again."""
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    await desk.keeps(desk.message(1), desk.message(2, conversation=b"other"))
    desk.clock.at = LATER
    owner: Any = desk.content.sealer if part == "open_each" else desk.others
    work, failures, slept = getattr(owner, part), iter("123"), list[float]()

    def busy(*asked: Any, **named: Any) -> Any:
        if next(failures, None):
            raise TransientError(Code.BUSY, "asked more often than a node needs")
        return work(*asked, **named)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(owner, part, busy)
    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(TransientError):
        await desk.retention.run(by="Ana B.")
    assert slept == []
    made = await desk.retention.run(rests=True)
    assert [seconds for seconds in slept if seconds] == [60, 60]
    assert made.lines() == [{"verdict": "erase", "rule": "enquiry", "messages": 2}]
    assert set(desk.others.done[-1][1]) == {1, 2}


@pytest.mark.usefixtures("plain_logs")
async def test_a_look_ends_where_it_fails_for_as_long_as_it_would_have_rested(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one begins an hour later."""
    await desk.keeps(desk.message(1))
    slept = list[float]()

    def away(_: Any) -> Any:
        raise TransientError(Code.UNREACHABLE, "the key service is away")

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(desk.content.sealer, "open_each", away)
    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(TransientError), capture_logs() as said:
        await desk.retention.run(rests=True)
    assert slept == [60] * 60
    assert said == [{"event": "retention.postponed", "code": "unreachable", "log_level": "info"}] * 60


# --- what follows -----------------------------------------------------------------------------------------------------


async def test_what_may_be_kept_no_longer_goes(desk: Desk) -> None:
    """Each by its rule, after it was counted; what proves an erasure is named beside it."""
    await desk.keeps(
        desk.message(1), desk.message(2, "erasure.request/1"), desk.message(3, at=LATER, conversation=b"new")
    )
    desk.clock.at = LATER
    plan = await desk.retention.run(by="Ana B.")
    assert (plan.now, plan.horizon) == (LATER, LATER + HORIZON * DAY)
    assert desk.others.done == [
        "kept",
        ("counted", [1, 2]),
        (
            "erased",
            {1: "enquiry", 2: "enquiry"},
            {"by": "Ana B.", "newest": {b"talk": 2}},
        ),
    ]


HEADER = {
    "sender_unit": "theirs",
    "sender_role": "a",
    "recipient_unit": "ours",
    "recipient_role": "b",
    "handling": {"retain_until": "2099-12-31"},
    "language": "en",
}


async def ended(desk: Desk, how: str = "declined", **changed: Any) -> None:
    """A referral that came, and what was said in it, long ago."""
    usual = {"body_type": REQUEST, "kind": "referral", "header": HEADER, "facts": {"purpose": "assistance"}}
    await desk.keeps(
        desk.message(1, **usual | changed),
        desk.message(2, ENQUIRY, kind="referral"),
        stands(state=how, since=NOW),
    )
    desk.clock.at = LATER


@pytest.mark.parametrize("state", ["declined", "expired"])
async def test_a_referral_that_ended_becomes_a_request(desk: Desk, state: str) -> None:
    """Whoever sent it is owed a confirmation: at once, from what the referral itself says."""
    await ended(desk, state)
    for _ in range(2):
        await desk.retention.run()
    assert desk.others.done[-1] == ("erased", {}, {"by": None, "newest": {b"talk": 2}})
    (row,) = await desk.content.store.read(requests.unsettled)
    assert replace(row, ref=0) == RequestRow(
        ref=0, message=1, peer=PEER, state=State.NEW, at=LATER, follow=LATER, due=LATER
    )
    sealed = await desk.content.store.read(lambda c: content.get(c, [row.ref]))
    task = Task.decode(desk.content.sealer.open(sealed[row.ref]))
    assert (task.what, task.ground, task.withdrawn, task.reply_to) == (
        What.CONVERSATION,
        "not_needed",
        None,
        name_of(1),
    )
    assert (task.purpose, task.conversation) == ("assistance", name_of(0))
    assert (task.header["sender_unit"], task.header["recipient_unit"]) == ("ours", "theirs")


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        ("withdrawn", {}),
        ("closed", {}),
        ("declined", {"direction": "out", "state": "rejected"}),
        ("declined", {"body_type": ENQUIRY}),
    ],
    ids=["taken back", "closed", "of our own", "of another type"],
)
async def test_other_endings_go_by_their_rule(desk: Desk, state: str, changed: dict[str, Any]) -> None:
    """Nobody is owed a confirmation."""
    await ended(desk, state, **changed)
    await desk.retention.run()
    assert desk.others.done[-1][1] == {1: state, 2: state}
    assert await desk.content.store.read(requests.unsettled) == []


@pytest.mark.parametrize("state", ["awaiting_handover", "opened"], ids=["under way", "an alarm names it"])
@pytest.mark.parametrize("at", [NOW, LATER], ids=["due", "not due yet"])
async def test_a_referral_of_which_something_is_under_way_waits_for_that(desk: Desk, state: str, at: int) -> None:
    """The confirmation is made of it: the rest goes by its rule, and so does the referral when nothing waits any more.
    The others of that day become requests.
    """
    await ended(desk)
    await desk.keeps(
        desk.message(3, ENQUIRY, kind="referral", state=state, at=at),
        desk.message(4, REQUEST, kind="referral", conversation=b"second", header=HEADER),
        stands(b"second", state="declined", since=NOW),
    )
    if state == "opened":
        await desk.keeps(lambda c: journal.raise_alarm(c, at=NOW, kind="message.held", ref=3))
    made = await desk.retention.run()
    assert desk.others.done[-1][1] == {2: "declined"}
    assert [row.message for row in await desk.content.store.read(requests.unsettled)] == [4]
    assert made.counts[UNDER_WAY, "declined"] == 1 + (at == NOW)
    await desk.keeps(
        lambda c: c.execute(update(message).where(message.c.ref == 3).values(state="opened")),
        lambda c: journal.close_alarms(c, "message.held", at=NOW),
    )
    await desk.retention.run()
    assert [row.message for row in await desk.content.store.read(requests.unsettled)] == [4, 1]


async def test_a_referral_waits_where_an_alarm_is_raised_during_the_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the alarm had been open before; the report says so, and a dry run too."""
    await ended(desk)

    async def sleep(_: float) -> None:
        await desk.keeps(lambda c: journal.raise_alarm(c, at=NOW, kind="message.held", ref=2))

    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    made = await desk.retention.run(rests=True)
    assert desk.others.done[-1][1] == {}
    assert await desk.content.store.read(requests.unsettled) == []
    assert made.lines() == [{"verdict": "under_way", "rule": "declined", "messages": 2}]
    assert (await desk.retention.plan()).lines() == made.lines()


async def test_a_referral_of_which_something_is_under_way_by_the_end_of_the_look_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer was restored and has lost our answer, or an alarm is raised about a message that is not due yet."""
    await ended(desk)
    await desk.keeps(
        desk.message(3, ENQUIRY, kind="referral", direction="out", state="awaiting_handover"),
        desk.message(4, REQUEST, kind="referral", conversation=b"second", header=HEADER),
        desk.message(5, ENQUIRY, kind="referral", conversation=b"second", at=LATER),
        stands(b"second", state="declined", since=NOW),
    )

    async def sleep(_: float) -> None:
        await desk.keeps(
            lambda c: c.execute(update(message).where(message.c.ref == 3).values(state="queued")),
            lambda c: journal.raise_alarm(c, at=NOW, kind="message.held", ref=5),
        )

    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    await desk.retention.run(rests=True)
    assert desk.others.done[-1][1] == {}
    assert await desk.content.store.read(requests.unsettled) == []


# --- the report -------------------------------------------------------------------------------------------------------


async def test_what_goes_is_named_some_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement takes 65 535 values on PostgreSQL: whoever asks about more messages is told of each all the same."""
    await desk.keeps(
        *(desk.message(ref) for ref in (1, 2, 3)),
        *(partial(requests.add, row=asking(ref)) for ref in (1, 2, 3)),
    )
    desk.clock.at = LATER
    get = messages.get

    def limited(connection: Connection, refs: Sequence[int]) -> dict[int, MessageRow]:
        assert len(refs) <= 2
        return get(connection, refs)

    monkeypatch.setattr(messages, "AT_ONCE", 2)
    monkeypatch.setattr(messages, "get", limited)
    nobody: Any = None
    clock: Any = desk.clock
    operations = ErasureOperations(
        content=desk.content,
        keys=nobody,
        eraser=nobody,
        retention=desk.retention,
        status_updates=nobody,
        backup=None,
        archive_days=None,
        clock=clock,
        actor=nobody,
    )
    answer: Any = await operations.run(RunRetention(dry_run=True), Caller(roles=frozenset()))
    assert [item["id"] for item in answer.value["erase"]] == [name_of(ref) for ref in (1, 2, 3)]
    assert answer.value["requests"] == [name_of(ref) for ref in (1, 2, 3)]


def asking(ref: int) -> RequestRow:
    """What a peer asked by this message, which is due."""
    return RequestRow(ref=500 + ref, message=ref, peer=PEER, state=State.WAITING, at=NOW, follow=NOW, due=NOW)
