"""Conversations between two real nodes: judged when they are written, when they go and when they come; both sides find
the same state.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.forger import Forger
from support.nodeproc import UNIT, enquiry
from support.pair import Party, Spoiler, Two, example, two_nodes

from gateway.conversations.status_updates import TRIES
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])
DAY = 86_400


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def about(body_type: str, to: str, *, reply_to: str | None = None, **content: Any) -> dict[str, Any]:
    """An example of a type as a message of the case, with what `content` says."""
    request = example(body_type, to, consent_ref=CONSENT)
    if body_type == "referral.withdraw/1":
        request["content"]["reason"] = "solved_locally"  # an asylum claim is not told to the State of origin (G5)
    request["content"] |= content
    found = request | {"purpose": "referral", "conversation": CASE}
    return found if reply_to is None else found | {"in_reply_to": reply_to}


async def requested(two: Two, **content: Any) -> str:
    """FR has written the referral of a person who consents to AL; the id of the request."""
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
            "data_categories": categories,
            "until": "2027-11-30",
        }
    ]
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=record)
    return str((await two.fr.call("message.submit", **about("referral.request/1", "AL", **content)))["id"])


async def referred(two: Two, **content: Any) -> str:
    """FR has referred a person to AL, where somebody opened it; the id of the request."""
    id = await requested(two, **content)
    await arrived(two, two.al, id)
    await two.al.call("message.open", id=id, by="w-2")
    await two.until(lambda: state_is(two.fr, id, "opened"))
    return id


async def state_is(party: Party, id: str, state: str) -> bool:
    """Whether a message has come so far."""
    return bool(await party.state(id) == state)


async def arrived(two: Two, party: Party, id: str) -> None:
    """The case system of a party has a message."""

    async def there() -> bool:
        found = await party.rows(f"select state from message where direction = 'in' and id = '{id}'")
        return found == [("handed_over",)]

    await two.until(there, seconds=30)


async def standing(party: Party, conversation: str = CASE) -> Any:
    """Where a conversation stands for one party."""
    (found,) = (await party.call("conversation.show", id=conversation))["standing"]
    return found


async def outcomes(party: Party, conversation: str = CASE) -> dict[str, str]:
    """What became of each message, by type."""
    shown = await party.call("conversation.show", id=conversation)
    return {message["type"].partition("/")[0]: message["outcome"] for message in shown["messages"]}


async def test_both_nodes_find_the_same(two: Two) -> None:
    """State, overlays and outcomes are the same on both sides, and each sees who owes the decision until when."""
    id = await referred(two)
    here, there = await standing(two.fr), await standing(two.al)
    assert (here["kind"], here["side"], there["side"]) == ("referral", "host", "receiving")
    assert here["state"] == there["state"] == "under_review"
    assert here["overlays"] == there["overlays"] == []
    assert await outcomes(two.fr) == await outcomes(two.al)
    (owed,) = here["owed"]
    assert (owed["what"], owed["owes"], owed["because"], owed["overdue"]) == ("decision", "them", id, False)
    assert there["owed"] == [owed | {"owes": "us"}]
    assert 13 * DAY < owed["until"] - two.clock.now() < 15 * DAY


async def test_each_side_is_told_what_it_may_write(two: Two) -> None:
    """With what it would answer, the units of both, and the case as each calls it; and which consents are relied on."""
    id = await referred(two)
    note = about("info.request/1", "AL")
    note["header"]["case_ref_sender"] = "2026/117"
    note = (await two.fr.call("message.submit", **note))["id"]
    await arrived(two, two.al, note)
    (ours,) = (await two.fr.call("conversation.writable", id=CASE))["peers"]
    (theirs,) = (await two.al.call("conversation.writable", id=CASE))["peers"]
    mine, yours = ({one["type"]: one["in_reply_to"] for one in side["types"]} for side in (ours, theirs))
    assert mine["referral.withdraw/1"] is None and "referral.accept/1" not in mine
    assert yours["referral.accept/1"] == id and "referral.withdraw/1" not in yours
    assert ours["header"]["sender_unit"] == theirs["header"]["recipient_unit"] == UNIT
    assert ours["header"]["case_ref_sender"] == "2026/117"
    told = (await two.fr.show(note))["header"]["case_ref_sender"]
    assert theirs["header"]["case_ref_recipient"] == told != "2026/117"
    for party in (two.fr, two.al):
        shown = await party.call("conversation.show", id=CASE)
        assert shown["consents"] == [{"id": CONSENT, "state": "active"}]
    with pytest.raises(RefusedError):
        await two.fr.call("conversation.writable", id=b64u(bytes(16)))


async def test_silence_is_provisional_and_then_final(two: Two) -> None:
    """Without a decision the referral expires: provisionally while an answer in time may still be on its way."""
    await referred(two)
    two.clock.advance(22 * DAY)
    first = await standing(two.fr)
    two.clock.advance(15 * DAY)
    last = await standing(two.fr)
    assert [(s["state"], s["provisional"]) for s in (first, last)] == [("expired", True), ("expired", False)]


async def test_what_the_conversation_does_not_allow_is_not_stored(two: Two) -> None:
    """Only the host withdraws a referral: refused at submission with the state, and nothing is stored."""
    await referred(two)
    before = await two.al.rows("select count(*) from message")
    with pytest.raises(RefusedError, match=r"referral\.withdraw is not possible in state under_review") as refusal:
        await two.al.call("message.submit", **about("referral.withdraw/1", "FR"))
    assert refusal.value.code is Code.OUT_OF_ORDER
    assert await two.al.rows("select count(*) from message") == before


async def test_two_submissions_at_once_are_judged_in_turn(two: Two) -> None:
    """Of two answers that two people give at the same moment, the second is refused."""
    id = await referred(two)
    answers = [about("referral.accept/1", "FR", reply_to=id), about("referral.decline/1", "FR", reply_to=id)]
    done = await asyncio.gather(
        *(two.al.call("message.submit", **answer) for answer in answers), return_exceptions=True
    )
    refused = [item for item in done if isinstance(item, RefusedError)]
    assert [item.code for item in refused] == [Code.OUT_OF_ORDER]


async def test_a_sender_that_does_not_care_is_refused(two: Two) -> None:
    """What no honest node would have sent gets a signed refusal, and leaves no message behind."""
    forger = Forger(two.fr)
    assert await forger.send(1, request=about("referral.withdraw/1", "AL")) == ("out_of_order", "rejected")
    assert await two.al.rows("select * from message") == []


async def test_a_question_in_a_mixed_conversation_is_refused(two: Two) -> None:
    """A person's data can not slip into an enquiry: the kind of a conversation is that of its beginning."""
    forger = Forger(two.fr)
    assert await forger.send(1, request=enquiry("n1") | {"conversation": CASE}) == (None, "received")
    assert await forger.send(2, request=about("referral.request/1", "AL")) == ("out_of_order", "rejected")


async def test_messages_of_one_request_know_each_other(two: Two) -> None:
    """A request and its withdrawal that come together are both taken."""
    forger = Forger(two.fr)
    sealed = [
        forger.seal(n, request=about(name, "AL"))
        for n, name in enumerate(("referral.request/1", "referral.withdraw/1"), 1)
    ]
    assert await forger.post(*sealed) == [(None, "received"), (None, "received")]
    assert (await standing(two.al))["state"] == "withdrawn"


async def test_nothing_is_refused_behind_a_gap(two: Two) -> None:
    """While a lower number is missing the message is taken; the fold says what it means once the gap is filled."""
    forger = Forger(two.fr)
    first = forger.seal(1, about("referral.request/1", "AL"))
    assert await forger.send(2, request=about("referral.withdraw/1", "AL")) == (None, "received")
    assert (await outcomes(two.al))["referral.withdraw"] == "out_of_order"
    assert await forger.post(first) == [(None, "received")]
    assert (await standing(two.al))["state"] == "withdrawn"
    assert set((await outcomes(two.al)).values()) == {"applied"}


async def test_crossing_messages_are_both_kept(two: Two) -> None:
    """A withdrawal that crosses an acceptance wins on both sides, and the acceptance is shown with its outcome."""
    id = await referred(two)
    wires = [Spoiler(party) for party in two]
    for wire in wires:
        wire.away = True
    await two.fr.call("message.submit", **about("referral.withdraw/1", "AL"))
    accepted = (await two.al.call("message.submit", **about("referral.accept/1", "FR", reply_to=id)))["id"]
    assert (await standing(two.al))["state"] != (await standing(two.fr))["state"]
    for wire in wires:
        wire.away = False

    async def agree() -> bool:
        return [(await outcomes(p)).get("referral.accept") for p in two] == ["crossed", "crossed"]

    await two.until(agree, seconds=60)
    assert [(await standing(party))["state"] for party in two] == ["withdrawn", "withdrawn"]
    await two.until(lambda: state_is(two.al, accepted, "awaiting_opening"))


async def test_seen_leaves_out_what_is_held(two: Two) -> None:
    """What the case system refused is not what the writer of the next message has seen."""
    two.al.system.refuses = True
    first = (await two.fr.call("message.submit", **enquiry("n1") | {"conversation": CASE}))["id"]

    async def held() -> bool:
        return await two.al.rows("select state from message") == [("held",)]

    await two.until(held, seconds=30)
    reminder = example("reminder.due/1", "FR") | {"conversation": CASE}
    sent = (await two.al.call("message.submit", **reminder))["id"]
    assert (await two.al.show(sent))["header"]["seen"] == 0
    two.al.system.refuses = False
    await two.al.call("message.ack", id=first)
    sent = (await two.al.call("message.submit", **reminder))["id"]
    assert (await two.al.show(sent))["header"]["seen"] == 1


async def test_what_rested_on_a_cancelled_message_does_not_go(two: Two) -> None:
    """Judged again at departure: the withdrawal of a request that never left has nothing to withdraw."""
    await referred(two)
    wire = Spoiler(two.fr)
    wire.away = True
    other = {"conversation": b64u(b"conversation two"[:16])}
    request = (await two.fr.call("message.submit", **about("referral.request/1", "AL") | other))["id"]
    withdrawal = (await two.fr.call("message.submit", **about("referral.withdraw/1", "AL") | other))["id"]
    await two.fr.call("message.cancel", id=request, by="w-1")
    wire.away = False
    await two.until(lambda: state_is(two.fr, withdrawal, "failed"), seconds=60)
    shown = await two.fr.show(withdrawal)
    assert (shown["reason"], shown["n"]) == ("out_of_order", None)


async def test_a_referral_uses_the_offer_that_it_quotes(two: Two) -> None:
    """An enquiry whose offer a referral quotes in time is used, on both sides."""
    asked = b64u(b"an enquiry of FR"[:16])
    id = (await two.fr.call("message.submit", **enquiry("n1") | {"conversation": asked}))["id"]
    await arrived(two, two.al, id)
    reply = example("enquiry.reply/1", "FR") | {"conversation": asked, "in_reply_to": id}
    reply["content"] = {"answer": "yes", "services_available": ["safe_accommodation"], "places_held": 1}
    reply["content"] |= {"offer_valid_until": "2027-11-30"}
    answer = (await two.al.call("message.submit", **reply))["id"]
    await arrived(two, two.fr, answer)
    assert [(await standing(party, asked))["state"] for party in two] == ["offered", "offered"]
    await referred(two, enquiry_id=id)
    assert [(await standing(party, asked))["state"] for party in two] == ["used", "used"]


async def test_a_peer_that_repeats_an_id_finds_its_own_conversation(two: Two) -> None:
    """A conversation is one with one peer: another node's messages under the same id are not part of it."""
    await referred(two)
    await two.al.running.store.move(
        lambda c: c.exec_driver_sql("update message set peer = 'n1other' where kind = 'referral' and n = 1") and None
    )
    shown = (await two.al.call("conversation.show", id=CASE))["standing"]
    assert sorted(found["peer"] for found in shown) == ["FR", "n1other"]


async def test_content_that_is_gone_refuses_nothing(two: Two) -> None:
    """A conversation with a message that does not open says so, and goes on."""
    id = await referred(two)
    query = "update sealed set data = zeroblob(length(data)) where ref in (select ref from message where n = 2)"
    await two.al.running.store.move(lambda c: c.exec_driver_sql(query) and None)
    found = await standing(two.al)
    assert (found["missing"], found["state"]) == (1, "draft")
    await two.al.call("message.submit", **about("referral.accept/1", "FR", reply_to=id))


async def test_one_message_costs_one_opening(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging a submission asks the key service once to open the conversation, and not at all for a new one."""
    vault, asked = two.fr.running.sealer, list[int]()
    opened = vault.open_each

    def counting(rows: Any) -> Any:
        asked.append(len(rows))
        return opened(rows)

    wire = Spoiler(two.fr)
    wire.away = True
    await two.calm()
    monkeypatch.setattr(vault, "open_each", counting)
    await two.fr.call("message.submit", **enquiry("n1") | {"conversation": CASE})
    first, asked[:] = [size for size in asked if size], []
    reminder = example("reminder.due/1", "AL") | {"conversation": CASE}
    await two.fr.call("message.submit", **reminder)
    assert (first, [size for size in asked if size]) == ([], [1])


# --- where it stands in the procedure of the region ----------------------------------------------------------------


async def steps(party: Party, conversation: str = CASE) -> dict[str, dict[str, Any]]:
    """The steps of the procedure as a party sees them, by name."""
    return {step["id"]: step for step in (await standing(party, conversation))["procedure"]["steps"]}


async def test_where_a_case_stands_in_the_procedure(two: Two) -> None:
    """Both sides see the same steps: what is done, whose the next is, until when; not what the case does not need."""
    id = await referred(two, expected_next_step="return_planning")
    here, there = await steps(two.fr), await steps(two.al)
    assert {name: step["standing"] for name, step in here.items()} == {
        name: step["standing"] for name, step in there.items()
    }
    assert {here[name]["standing"] for name in ("referral.take_consent", "referral.send_request")} == {"done"}
    (owed,) = (await standing(two.al))["owed"]
    assert (here["referral.decide"]["by"], there["referral.decide"]["by"]) == ("them", "us")
    assert here["referral.decide"]["until"] == there["referral.decide"]["until"] == owed["until"]
    assert there["referral.decide"]["responsible"] == "national_focal_point"
    assert all({"en", "fr", "sq"} <= set(text) for text in there["referral.decide"]["safeguards"])
    assert here["referral.take_consent"]["safeguards"] and here["referral.take_consent"]["tell_person"]
    assert here["return.propose"]["standing"] == "ahead"
    assert "assistance.best_interests" not in here
    answer = about("referral.accept/1", "FR", reply_to=id)
    answer["content"].pop("conditions", None)
    await two.al.call("message.submit", **answer)
    found = await steps(two.al)
    assert (found["referral.decide"]["standing"], found["referral.disclose_identity"]["by"]) == ("done", "them")


async def test_what_stops_a_step_is_named(two: Two) -> None:
    """A legal hold, which only this node knows, stops the erasure that a refusal asks for; the other side owes it."""
    id = await referred(two)
    await two.al.call("message.submit", **about("referral.decline/1", "FR", reply_to=id))
    assert (await steps(two.al))["referral.erase_refused"]["standing"] == "due"
    await two.al.call("retention.hold", id=CASE, by="w-2", ground="legal_claims_17_3_e", until="2028-01-01")
    held = (await steps(two.al))["referral.erase_refused"]
    assert (held["standing"], held["stopped_by"], held["by"]) == ("stopped", ["legal_hold"], "us")
    assert "legal_hold" not in str(await standing(two.fr))


async def test_an_enquiry_has_its_steps_and_a_standing_conversation_none(two: Two) -> None:
    """The procedure is about a case: an enquiry leads to one, statistics do not."""
    asked = b64u(b"an enquiry of FR"[:16])
    id = (await two.fr.call("message.submit", **enquiry("n1") | {"conversation": asked}))["id"]
    await arrived(two, two.al, id)
    found = await standing(two.al, asked)
    assert found["procedure"]["stage"] == "referral"
    assert (await steps(two.al, asked))["referral.answer_capacity"]["by"] == "us"
    other = example("stats.request/1", "AL") | {"conversation": CASE}
    await two.fr.call("message.submit", **other)
    assert (await standing(two.fr))["procedure"] is None


# --- who owes what until when --------------------------------------------------------------------------------------


async def due(party: Party, **arguments: Any) -> list[dict[str, Any]]:
    """The morning list of a party."""
    return list((await party.call("conversation.due", **arguments))["due"])


async def test_the_morning_list(two: Two) -> None:
    """Each side sees who owes what until when, what is overdue first, and can ask for its own part only."""
    first = await referred(two)
    asked = await two.al.call(
        "message.submit", **enquiry("n1", "FR") | {"conversation": b64u(b"an enquiry of AL"[:16])}
    )
    await arrived(two, two.fr, str(asked["id"]))
    assert [(item["what"], item["owes"]) for item in await due(two.fr)] == [
        ("enquiry_reply", "us"),
        ("decision", "them"),
    ]
    assert [item["what"] for item in await due(two.fr, owes="them")] == ["decision"]
    assert [(item["what"], item["owes"]) for item in await due(two.al)] == [
        ("enquiry_reply", "them"),
        ("decision", "us"),
    ]
    two.clock.advance(16 * DAY)
    listed = await due(two.al, owes="us")
    assert [(item["what"], item["overdue"], item["because"]) for item in listed] == [("decision", True, first)]
    assert {(item["conversation"], item["type"], item["peer"], item["unit"]) for item in listed} == {
        (CASE, "referral.request/1", "FR", UNIT)
    }


async def test_an_answer_takes_its_line_off_the_list(two: Two) -> None:
    """The row of a conversation follows the messages: what is answered is owed no longer, what the answer asks is."""
    id = await referred(two)
    assert [item["what"] for item in await due(two.al)] == ["decision"]
    answer = about("referral.accept/1", "FR", reply_to=id)
    answer["content"].pop("conditions", None)
    await two.al.call("message.submit", **answer)
    assert [(item["what"], item["owes"], item["state"]) for item in await due(two.al)] == [
        ("disclosure", "them", "accepted")
    ]


async def test_the_list_comes_in_pages_the_earliest_first(two: Two) -> None:
    """With a limit only the conversations with the earliest deadlines are opened; the next page goes on behind them."""
    for n in range(3):
        id = (await two.fr.call("message.submit", **enquiry(f"n{n}")))["id"]
        await arrived(two, two.al, id)
        two.clock.advance(3 * DAY)
    whole, page = await two.al.call("conversation.due"), await two.al.call("conversation.due", limit=2)
    assert (len(whole["due"]), whole["next"]) == (3, None)
    assert page["due"] == whole["due"][:2]
    rest = await two.al.call("conversation.due", limit=2, cursor=page["next"], owes="us")
    assert (rest["due"], rest["next"]) == (whole["due"][2:], None)


async def test_reminders_at_half_and_at_the_end(two: Two) -> None:
    """At 50 % of the time an event, at 100 % an event and an alarm, each once, kept by an index only."""
    id = await referred(two)

    async def told() -> list[Any]:
        await two.al.running.status_updates.keep()
        return await two.al.rows("select state from event where kind = 'reminder'")

    assert await told() == []
    two.clock.advance(8 * DAY)
    assert [await told(), await told()] == [[("50",)], [("50",)]]
    assert "conversation.overdue" not in await two.al.alarms()
    two.clock.advance(8 * DAY)
    assert [await told(), await told()] == [[("50",), ("100",)]] * 2
    (alarm,) = [a for a in (await two.al.call("alarm.list"))["alarms"] if a["kind"] == "conversation.overdue"]
    assert (alarm["peer"], alarm["message"]) == ("FR", id)
    assert [len(label) for (label,) in await two.al.rows("select label from reminder")] == [16]
    await two.al.call("message.submit", **about("referral.decline/1", "FR", reply_to=id))
    await told()
    assert await two.al.rows("select * from reminder") == []


async def test_expiry_is_kept_in_the_row(two: Two) -> None:
    """What silence has done stands in the row of the conversation without anybody looking at it."""
    await referred(two)
    node = two.al.running
    await node.status_updates.keep()
    assert await two.al.rows("select state, due = ours, theirs from conversation") == [("under_review", 1, None)]
    for _ in range(3):
        two.clock.advance(8 * DAY)
        await node.status_updates.keep()
    assert [state for (state,) in await two.al.rows("select state from conversation")] == ["expired"]


async def test_a_change_during_a_fold_is_not_lost(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that a message overtook leaves the mark, so that the next one sees it."""
    await referred(two)
    node = two.al.running
    await node.status_updates.keep()
    mark = "update conversation set fold = 0, changes = changes + 1"
    await node.store.move(lambda c: c.exec_driver_sql(mark) and None)
    ordinary = node.workers.off_loop

    async def overtaken(work: Any) -> Any:
        await node.store.move(lambda c: c.exec_driver_sql(mark) and None)
        return await ordinary(work)

    monkeypatch.setattr(node.workers, "off_loop", overtaken)
    await node.status_updates.keep()
    assert await two.al.rows("select fold from conversation") == [(0,)]
    monkeypatch.undo()
    await node.status_updates.keep()
    assert await two.al.rows("select fold from conversation") != [(0,)]


async def test_who_waits_does_not_wait_for_what_comes_later(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a steady load something changes whenever a fold ends: twenty who ask at once get one pass, and it ends."""
    await referred(two)
    await arrived(two, two.al, (await two.fr.call("message.submit", **enquiry("n")))["id"])
    node = two.al.running
    await node.status_updates.keep()
    ordinary, turns = node.workers.off_loop, itertools.count()

    async def met(work: Any) -> Any:
        if (turn := next(turns)) < 60:
            which = f"rowid = (select rowid from conversation order by rowid limit 1 offset {turn // 2 % 2})"
            mark = f"update conversation set fold = 0, changes = changes + 1 where {which}"
            await node.store.move(lambda c: c.exec_driver_sql(mark) and None)
        return await ordinary(work)

    mark = "update conversation set fold = 0 where rowid = (select max(rowid) from conversation)"
    await node.store.move(lambda c: c.exec_driver_sql(mark) and None)
    monkeypatch.setattr(node.workers, "off_loop", met)
    await asyncio.gather(*(node.status_updates.keep() for _ in range(20)))
    assert next(turns) <= 2 * (1 + TRIES)
