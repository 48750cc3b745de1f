"""A case is one person: what opens and joins one, whose a consent is, what a withdrawal stops, between real nodes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.nodeproc import enquiry
from support.pair import Party, Spoiler, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, consented, referral, referred, stands

from gateway.database import content
from gateway.database.content import SealedRow
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, SECOND, OTHER = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation 3.."))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def stored(party: Party) -> list[Any]:
    """Everything that a refusal leaves alone."""
    tables = (
        "ref from message",
        "ref from outbox",
        "id, state, at, card from cases",  # and not what a look at the list keeps with them
        "* from case_link",
        "* from consent",
        "* from draft",
    )
    return [await party.rows(f"select {table} order by 1") for table in tables]


async def refused(party: Party, operation: str, code: Code, place: str, **arguments: Any) -> None:
    """It is refused by its code at one place, and nothing is stored."""
    before = await stored(party)
    with pytest.raises(RefusedError) as caught:
        await party.call(operation, **arguments)
    assert (caught.value.code, place in [found.place for found in caught.value.findings]) == (code, True)
    assert await stored(party) == before


async def test_a_consent_carries_nothing_of_another_person(two: Two):
    """The consent recorded for one person is refused for another's referral: written, previewed, and released as a
    draft by two people; the one it was recorded for goes.
    """
    fr, place = two.fr, "/header/consent_ref"
    await agreed(fr, "F-1", HERS)
    await refused(fr, "message.submit", Code.GATE_G2, place, **referral("F-2", HERS))
    await refused(fr, "message.submit", Code.GATE_G2, place, **referral(None, HERS))
    draft = (await fr.call("draft.save", draft=referral("F-2", None)))["id"]
    for by in (ANA, BEN):
        await refused(fr, "draft.release", Code.GATE_G2, place, id=draft, by=by, consent=HERS)
    shown = await fr.call("draft.preview", id=draft, by=ANA, consent=HERS)
    assert (shown["goes"], shown["code"]) == (False, "gate_g2")
    await referred(two, "F-1", HERS)
    assert len(two.al.deliveries()) == 2  # the record and her referral


async def test_whose_a_consent_is_has_to_be_said(two: Two):
    """Without a case, with two, or with one that is not there, a consent is not recorded."""
    record = example("consent.record/1", "AL")["content"]
    for named in ({}, {"case": b64u(bytes(16)), "number": "F-1"}):
        await refused(two.fr, "consent.record", Code.INVALID, "/case", by=ANA, content=record, **named)
    await refused(two.fr, "consent.record", Code.NOT_FOUND, "/case", by=ANA, content=record, case=b64u(bytes(16)))


async def test_a_request_names_one_case(two: Two):
    """What names another case than its conversation or its number is refused; so is a case that is not there."""
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await agreed(fr, "F-2", HIS)
    await referred(two, "F-1", HERS, conversation=TALK)

    async def gone() -> bool:
        return await fr.rows("select ref from outbox") == []

    await two.until(gone, seconds=60)
    his = (await fr.call("case.open", number="F-2", by=ANA))["id"]
    note = referral("F-2", HIS, conversation=TALK)
    await refused(fr, "message.submit", Code.CONFLICT, "/header/case_ref_sender", **note)
    await refused(fr, "message.submit", Code.CONFLICT, "/case", **referral(None, HERS, conversation=TALK, case=his))
    await refused(fr, "message.submit", Code.NOT_FOUND, "/case", **referral(None, HIS, case=b64u(bytes(16))))
    await fr.call("message.submit", **referral(None, HIS, case=his))


async def test_a_referral_opens_a_case_and_an_enquiry_joins_it(two: Two):
    """What comes is a case of its own, called by its pseudonym; the enquiry that a referral quotes is of its case; one
    without a person is of none.
    """
    fr, al = two.fr, two.al
    await agreed(fr, "F-1", HERS)
    asked = await fr.call("message.submit", **enquiry("room?", "AL"))
    other = await fr.call("message.submit", **enquiry("another?", "AL"))
    content = example("referral.request/1", "AL")["content"] | {"enquiry_id": asked["id"]}
    await referred(two, "F-1", HERS, conversation=TALK, content=content)
    for party in (fr, al):
        shown = await party.call("conversation.show", id=asked["conversation"])
        assert shown["of_case"]["id"] == await case_of(party, TALK)
    assert (await fr.call("conversation.show", id=other["conversation"]))["of_case"] is None
    (case,) = (await al.call("case.list"))["cases"]
    assert (case["name"], case["units"], case["conversations"]) == (
        content["person"]["pseudonym"],
        ["focal-point"],
        2,
    )
    await referred(two, "F-1", HERS, conversation=SECOND)
    assert len((await al.call("case.list"))["cases"]) == 2, "nobody there has said that it is the same person"
    (case,) = (await fr.call("case.list"))["cases"]
    assert (case["name"], case["conversations"]) == ("F-1", 3)


async def test_an_enquiry_that_was_sent_is_given_to_a_case(two: Two):
    """One person says whom it is about, at either side, and what follows in it is of that case. What is of a case stays
    there, and what is about a person or is not there can not be given.
    """
    fr, al = two.fr, two.al
    await agreed(fr, "F-1", HERS)
    await referred(two, "F-1", HERS, conversation=TALK)
    talk = (await fr.call("message.submit", **enquiry("room?", "AL")))["conversation"]
    await two.until(lambda: "room?" in al.notes())

    async def sent() -> bool:
        return not any([await party.rows("select ref from outbox") for party in (fr, al)])

    await two.until(sent, seconds=30, what="the receipt is still on its way")
    for party in (fr, al):
        one, other = [(await party.call("case.open", label=name, by=ANA))["id"] for name in ("Blue 7", "Green 2")]
        unknown = {"id": one, "conversation": b64u(bytes(16)), "by": ANA}
        await refused(party, "case.join", Code.NOT_FOUND, "/conversation", **unknown)
        await refused(party, "case.join", Code.NOT_FOUND, "/id", id=b64u(bytes(16)), conversation=talk, by=ANA)
        await party.call("case.join", id=one, conversation=talk, by=ANA)
        assert await case_of(party, talk) == one
        before = await stored(party)
        for conversation, case in ((talk, one), (talk, other), (TALK, one)):
            with pytest.raises(RefusedError, match="of a case already; nothing was changed"):
                await party.call("case.join", id=case, conversation=conversation, by=ANA)
        assert await stored(party) == before
    await al.call("message.submit", **example("enquiry.reply/1", "FR") | {"conversation": talk})
    await two.until(lambda: any(one.type == "enquiry.reply/1" for one in fr.deliveries()))
    shown = (await fr.call("message.list", conversation=talk))["messages"]
    assert [one["of_case"]["name"] for one in shown] == ["Blue 7", "Blue 7"]


async def test_nothing_but_a_consent_moves_without_a_case(two: Two):
    """Anything else would lie in the case as a consent, and nothing that lies over the case over it."""
    fr = two.fr
    into = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    draft = (await fr.call("draft.save", draft=enquiry("another?", "AL")))["id"]
    talk = (await fr.call("message.submit", **enquiry("room?", "AL")))["conversation"]

    async def sent() -> bool:
        return await fr.rows("select ref from outbox") == []

    await two.until(sent, seconds=30)
    wanted = {"into": into, "reason": "hers", "by": ANA}
    for name, part in (("conversations", talk), ("drafts", draft), ("numbers", "F-1")):
        await refused(fr, "case.move", Code.INVALID, f"/{name}", **wanted, **{name: [part]})
    await refused(fr, "case.move", Code.NOT_FOUND, "/consents", **wanted, consents=[HERS])
    await fr.call("case.join", id=into, conversation=talk, by=ANA)
    assert await case_of(fr, talk) == into


async def test_a_case_without_a_number_has_a_reference_to_read_out(two: Two):
    """The peer is told three groups of four, the same each time; both telephone sheets have it; another case has
    another one; and what is sent is what the preview showed.
    """
    fr, al = two.fr, two.al
    heard = []
    for label, consent, talk in (("Blue 7", HERS, TALK), ("Green 2", HIS, SECOND)):
        case = (await fr.call("case.open", label=label, by=ANA))["id"]
        await consented(fr, case, consent)
        wanted = referral(None, consent, case=case, conversation=talk)
        seen = await fr.call("message.preview", draft=wanted, by=ANA)
        await fr.call("message.submit", **wanted)
        await two.until(lambda talk=talk: any(one.conversation == talk for one in al.deliveries()), seconds=60)
        told = {one.header["case_ref_sender"] for one in al.deliveries() if one.conversation == talk}
        assert told == {seen["leaves"]["header"]["case_ref_sender"]}
        for party in (fr, al):
            (shown,) = (await party.call("conversation.writable", id=talk))["peers"]
            assert shown["known_as"] == [*told]
        heard += told
    assert len(set(heard)) == 2 and all(re.fullmatch("[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", one) for one in heard)


async def test_a_case_says_at_once_where_its_conversations_stand(two: Two):
    """Right after a referral was sent or withdrawn, and before the node has come to its rounds."""
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await fr.call("message.submit", **referral("F-1", HERS, conversation=TALK))
    case = await case_of(fr, TALK)
    (line,) = (await fr.call("case.show", id=case))["conversations"]
    assert line["state"] == "sent"
    await two.until(lambda: any(one.conversation == TALK for one in two.al.deliveries()), seconds=60)
    await fr.call("consent.withdraw_all", id=case, by=ANA)
    (line,) = (await fr.call("case.show", id=case))["conversations"]
    assert line["state"] == "withdrawn"
    (line,) = (await fr.call("case.list"))["cases"]
    assert line["theirs"] is not None, "the other country has to acknowledge"


async def test_lists_name_the_case(two: Two):
    """Conversations, messages, drafts, consents, what is owed, asylum holds and alarms say each of two persons by the
    name of the case, and never by the other's.
    """
    fr = two.fr
    rows = {what: set[tuple[str, str]]() for what in ("talks", "drafts", "consents", "alerts")}
    sent = dict[str, dict[str, Any]]()
    for number, consent, talk in (("F-1", HERS, TALK), ("F-2", HIS, OTHER)):
        await agreed(fr, number, consent)
        sent[number] = await referred(two, number, consent, conversation=talk)
        draft = await fr.call("draft.save", draft=referral(number, consent))
        await fr.call("asylum.hold", id=talk, by=ANA)
        alert = await two.al.call("message.submit", **example("safety.alert/1", "FR"), conversation=talk)
        named = str({"id": await case_of(fr, talk), "name": number})
        ids = {"talks": talk, "drafts": draft["id"], "consents": consent, "alerts": alert["id"]}
        for what, id in ids.items():
            rows[what].add((str(id), named))

    async def alarmed() -> bool:
        await fr.running.status_updates.keep()
        alarms = (await fr.call("alarm.list"))["alarms"]
        return {alarm["message"] for alarm in alarms} == {id for id, _ in rows["alerts"]}

    await two.until(alarmed, seconds=60, what="an alarm for each alert")
    lists = {
        "conversation.list": ("conversations", "conversation", "talks"),
        "message.list": ("messages", "conversation", "talks"),
        "draft.list": ("drafts", "id", "drafts"),
        "consent.list": ("consents", "id", "consents"),
        "conversation.due": ("due", "conversation", "talks"),
        "asylum.list": ("holds", "id", "talks"),
        "alarm.list": ("alarms", "message", "alerts"),
    }
    said = {
        operation: {(str(item[of]), str(item["of_case"])) for item in list_objects(await fr.call(operation), name)}
        for operation, (name, of, _) in lists.items()
    }
    assert said == {operation: rows[what] for operation, (_, _, what) in lists.items()}
    hers = {"id": await case_of(fr, TALK), "name": "F-1"}
    assert (await fr.show(sent["F-1"]["id"]))["of_case"] == (await fr.call("consent.show", id=HERS))["of_case"] == hers


async def test_a_withdrawal_stands_in_every_conversation(two: Two):
    """Before it is done it says whose it is, which conversations with which country rely on it, what stops and who is
    told; then both conversations stand still on both sides, and a third person's goes on.
    """
    fr, al = two.fr, two.al
    await agreed(fr, "F-1", HERS)
    await agreed(fr, "F-2", HIS)
    await referred(two, "F-1", HERS, conversation=TALK)
    await referred(two, "F-1", HERS, conversation=SECOND)
    await referred(two, "F-2", HIS, conversation=OTHER)
    wire = Spoiler(fr)
    wire.away = True
    waits = await fr.call("message.submit", **follow_up(TALK))
    shown = await fr.call("consent.show", id=HERS)
    assert shown["of_case"] == {"id": await case_of(fr, TALK), "name": "F-1"} and shown["tells"] == ["AL"]
    assert sorted((one["conversation"], one["country"], one["stops"]) for one in shown["relied_on"]) == sorted(
        [(TALK, "AL", 1), (SECOND, "AL", 0)]
    )
    told = await fr.call("consent.withdraw", id=HERS, by=ANA)
    assert [one["peer"] for one in told["told"]] == ["AL", "AL"]
    assert await fr.state(waits["id"]) in {"failed", "voiding"}  # the latter where it was on its way already
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)
    ids = {one["message"] for one in told["told"]}
    await two.until(lambda: ids <= {d.message_id for d in al.deliveries()}, seconds=60, what="both are told")
    for party in (fr, al):
        for talk in (TALK, SECOND):
            standing = await stands(party, talk)
            assert "consent_withdrawn" in standing["overlays"]
            assert {owed["what"] for owed in standing["owed"]} <= {"withdrawal_ack", "erasure"}
        assert (await stands(party, OTHER))["overlays"] == []
    with pytest.raises(RefusedError) as caught:
        await al.call("message.submit", **answer(SECOND))
    assert caught.value.code is Code.GATE_G7


def follow_up(conversation: str, consent: str = HERS) -> dict[str, Any]:
    """A question of France on its referral."""
    request = example("info.request/1", "AL", consent_ref=consent, case_ref_sender="F-1")
    return request | {"purpose": "referral", "conversation": conversation}


def answer(conversation: str) -> dict[str, Any]:
    """A question of Albania in a conversation."""
    request = example("info.request/1", "FR", consent_ref=HERS) | {"purpose": "referral", "conversation": conversation}
    request["header"].pop("case_ref_sender", None)
    return request


async def test_what_waits_is_judged_again_when_two_people_moved_the_consent(two: Two):
    """A consent that two people give to another case carries nothing of the first any more, also what waits; undone by
    two people it does again. One person alone changes nothing.
    """
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    wire = Spoiler(fr)
    wire.away = True
    waits = await fr.call("message.submit", **referral("F-1", HERS, conversation=TALK))
    his = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    hers = await case_of(fr, TALK)
    asked = await fr.call("case.move", source=hers, into=his, consents=[HERS], reason="it is his", by=ANA)
    with pytest.raises(RefusedError, match="the same person"):
        await fr.call("case.confirm", id=asked["change"], by=ANA)
    assert (await fr.call("consent.show", id=HERS))["of_case"]["id"] == hers
    await fr.call("case.confirm", id=asked["change"], by=BEN)
    assert "consent.two_cases" in await fr.alarms()
    wire.away = False
    fr.running.wakeups.peer_called(fr.peer().node)

    async def failed() -> bool:
        return bool(await fr.state(waits["id"]) == "failed")

    await two.until(failed, seconds=60)
    assert ((await fr.show(waits["id"]))["reason"], two.al.deliveries()) == ("gate_g2", [])
    await fr.call("case.undo", id=asked["change"], by=BEN)
    await fr.call("case.confirm", id=asked["change"], by=ANA)
    assert (await fr.call("consent.show", id=HERS))["of_case"]["id"] == hers
    assert "consent.two_cases" not in await fr.alarms()
    await referred(two, "F-1", HERS, conversation=SECOND)


async def test_nobody_is_asked_about_a_consent_that_was_withdrawn(two: Two):
    """It carries nothing any more, whatever case it is of: moved, and told again by a peer, it raises no alarm."""
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await referred(two, "F-1", HERS, conversation=TALK)
    await fr.call("consent.withdraw", id=HERS, by=ANA)
    his = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    asked = await fr.call("case.move", source=await case_of(fr, TALK), into=his, consents=[HERS], reason="his", by=ANA)
    await fr.call("case.confirm", id=asked["change"], by=BEN)
    assert (await fr.call("consent.show", id=HERS))["of_case"]["id"] == his
    assert "consent.two_cases" not in await fr.alarms()


async def test_a_wrong_merge_is_split_again(two: Two):
    """Two persons that were taken for one are apart again, each with its own consent; a merge that is undone leaves
    everything where it was before.
    """
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await agreed(fr, "F-2", HIS)
    await referred(two, "F-1", HERS, conversation=TALK)
    await referred(two, "F-2", HIS, conversation=SECOND)
    hers, his = await case_of(fr, TALK), await case_of(fr, SECOND)
    links = await fr.rows("select key, case_id from case_link order by key")
    merged = await changed(fr, "case.merge", id=hers, into=his)
    assert (await case_of(fr, TALK), [one["id"] for one in (await fr.call("case.list"))["cases"]]) == (his, [his])
    await fr.call("message.submit", **follow_up(TALK, HIS))
    await two.until(lambda: nothing_waits(fr), seconds=60, what="it left")
    with pytest.raises(RefusedError) as caught:
        await fr.call("case.show", id=hers)
    assert caught.value.code is Code.NOT_FOUND
    split = await changed(fr, "case.split", id=his, conversations=[TALK], consents=[HERS], numbers=["F-1"], label="She")
    assert await case_of(fr, TALK) == split["into"] != await case_of(fr, SECOND)
    await refused(fr, "message.submit", Code.GATE_G2, "/header/consent_ref", **follow_up(TALK, HIS))
    assert "consent.two_cases" in await fr.alarms(), "what was sent on his consent while they were one"
    await changed_back(fr, split["change"])
    await changed_back(fr, merged["change"])
    assert await fr.rows("select key, case_id from case_link order by key") == links


async def test_a_change_is_not_taken_back_into_a_case_that_was_merged(two: Two):
    """Nobody would see there what comes back, and no hold of the case that it became would lie over it; and of the
    first of two merges, one after the other, nothing would come back. The later one is taken back first.
    """
    fr = two.fr
    for number, consent, talk in (("F-1", HERS, TALK), ("F-2", HIS, OTHER)):
        await agreed(fr, number, consent)
        await referred(two, number, consent, conversation=talk)
    await referred(two, "F-1", HERS, conversation=SECOND)
    hers, his = await case_of(fr, TALK), await case_of(fr, OTHER)
    third = (await fr.call("case.open", label="Blue 7", by=ANA))["id"]
    split = await changed(fr, "case.split", id=hers, conversations=[TALK])
    first = await changed(fr, "case.merge", id=hers, into=his)
    later = await changed(fr, "case.merge", id=his, into=third)
    for change in (split, first):
        await fr.call("case.undo", id=change["change"], by=BEN)
    before = await stored(fr)
    for change in (split, first):
        with pytest.raises(RefusedError, match="merged into another one since"):
            await fr.call("case.confirm", id=change["change"], by=ANA)
    assert await stored(fr) == before
    await changed_back(fr, later["change"])
    for change in (first, split):
        await fr.call("case.confirm", id=change["change"], by=ANA)
    assert [await case_of(fr, talk) for talk in (TALK, SECOND, OTHER)] == [hers, hers, his]


async def nothing_waits(party: Party) -> bool:
    """Whether the outbox is empty."""
    return not await party.rows("select ref from outbox")


async def changed_back(party: Party, change: str) -> None:
    """Two people take a change back."""
    await party.call("case.undo", id=change, by=BEN)
    await party.call("case.confirm", id=change, by=ANA)


async def test_with_its_last_conversation_a_case_is_gone(two: Two):
    """Erasing one of two conversations leaves the case; erasing the last one leaves no row and no card of it."""
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await referred(two, "F-1", HERS, conversation=TALK)
    await referred(two, "F-1", HERS, conversation=SECOND)
    case, (card,) = await case_of(fr, TALK), await fr.rows("select card from cases")
    await fr.call("conversation.erase", id=TALK, by=ANA, reason="not_needed")
    assert (await fr.call("case.show", id=case))["conversations"][0]["conversation"] == SECOND
    await fr.call("conversation.erase", id=SECOND, by=ANA, reason="not_needed")
    left = [await fr.rows(f"select * from {table}") for table in ("cases", "case_link", "case_change")]
    assert (left, await fr.rows(f"select ref from sealed where ref = {card[0]}")) == ([[], [], []], [])


async def test_erasing_takes_a_name_from_cards_of_merged_cases_too(two: Two):
    """What Albania calls a person by her message is nowhere after that was erased: neither on the card of the case that
    people merged into another one, nor on the one of which her conversation was split off again.
    """
    al = two.al
    await agreed(two.fr, "F-1", HERS)
    await agreed(two.fr, "F-2", HIS)
    await referred(two, "F-1", HERS, conversation=TALK, content=called("Her-1d7a"))
    await referred(two, "F-2", HIS, conversation=SECOND, content=called("His-5e02"))
    hers, his = await case_of(al, TALK), await case_of(al, SECOND)
    await changed(al, "case.merge", id=his, into=hers)
    await changed(al, "case.split", id=hers, conversations=[TALK], label="She")
    assert "Her-1d7a" in await readable(al)
    await al.call("conversation.erase", id=TALK, by=ANA, reason="not_needed")
    assert "Her-1d7a" not in await readable(al)
    await al.call("conversation.erase", id=SECOND, by=ANA, reason="not_needed")
    assert "His-5e02" not in await readable(al)


async def test_a_case_takes_along_those_that_were_merged_into_it(two: Two):
    """After the last conversation of a merged case was erased there is no row and no card of either of the two."""
    fr = two.fr
    await agreed(fr, "F-1", HERS)
    await agreed(fr, "F-2", HIS)
    await referred(two, "F-1", HERS, conversation=TALK)
    await referred(two, "F-2", HIS, conversation=SECOND)
    hers, his = await case_of(fr, TALK), await case_of(fr, SECOND)
    cards = [ref for (ref,) in await fr.rows("select card from cases")]
    await changed(fr, "case.merge", id=hers, into=his)
    for conversation in (TALK, SECOND):
        await fr.call("conversation.erase", id=conversation, by=ANA, reason="not_needed")
    left = [await fr.rows(f"select * from {table}") for table in ("cases", "case_link", "case_change")]
    assert (left, await fr.rows(f"select ref from sealed where ref in {tuple(cards)}")) == ([[], [], []], [])


def called(pseudonym: str) -> dict[str, Any]:
    """The content of a referral of a person whom its sender calls so."""
    said: dict[str, Any] = referral(None, None)["content"]
    return said | {"person": said["person"] | {"pseudonym": pseudonym}}


async def readable(party: Party) -> str:
    """All that this node can open."""

    def query(connection: Connection) -> list[SealedRow]:
        refs = [ref for (ref,) in connection.exec_driver_sql("select ref from datakey")]
        return list(content.get(connection, refs).values())

    opened = party.running.sealer.open_each(await party.running.store.read(query))
    return "\n".join(item.decode("utf-8", "replace") for item in opened if isinstance(item, bytes))
