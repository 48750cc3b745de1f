"""An alert goes whatever it says; what may identify somebody in it is told before, and looked at again after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.acting import FIRST, id_of
from support.pair import Two, example, two_nodes

from gateway.audit import store
from gateway.errors import Code, RefusedError
from gateway.operations.roles import Caller, Role

MINUTE, DAY = 60, 86_400

SAID = "call +355 69 123 4567, passport AB1234567"


def alert(words: str | None = None) -> dict[str, Any]:
    """A safety alert, with these words where it says what happened."""
    request = example("safety.alert/1", "AL")
    texts = [name for name, value in request["content"].items() if isinstance(value, str) and " " in value]
    assert texts
    if words is not None:
        request["content"][texts[0]] = words
    return request


async def warnings(two: Two, request: dict[str, Any]) -> list[str]:
    """What the preview warns of, and that it would go."""
    found = await two.fr.call("message.preview", draft=request)
    assert found["goes"] is True
    return [warning["hint"] for warning in found["doubts"]]


async def test_an_alert_that_may_identify_goes_and_is_looked_at_again(tmp_path: Path) -> None:
    """The writer is warned, nothing is held, and an alarm about this message stays until a person has looked."""
    async with two_nodes(tmp_path) as two:
        assert await warnings(two, alert()) == []
        await two.fr.call("message.submit", **alert())
        assert await two.fr.alarms() == []
        assert await warnings(two, alert(SAID)) == ["looks like a document number and a phone number"]
        sent = await two.fr.call("message.submit", **alert(SAID))
        (alarm,) = (await two.fr.call("alarm.list"))["alarms"]
        assert (alarm["kind"], alarm["message"], alarm["peer"]) == ("alert.second_look", sent["id"], "AL")

        async def arrived() -> bool:
            return bool(await two.al.rows(f"select 1 from message where id = '{sent['id']}'"))

        await two.until(arrived, seconds=30)
        with pytest.raises(RefusedError) as refused:
            await two.fr.call("alarm.dismiss", id=alarm["id"], by="w-2")
        assert (refused.value.code, "trm alert review" in refused.value.hint) == (Code.CONFLICT, True)
        assert await two.fr.alarms() == ["alert.second_look"]
        done = await two.fr.call("alert.review", id=sent["id"], outcome="told", by="w-2")
        assert done == {"id": sent["id"], "outcome": "told"}
        assert await two.fr.alarms() == []
        assert await reviewed(two) == [(sent["id"], "told")]
        with pytest.raises(RefusedError, match="no second look is owed"):
            await two.fr.call("alert.review", id=sent["id"], outcome="needed")


async def reviewed(two: Two) -> list[tuple[str, str]]:
    """What the audit log of FR says of second looks: of which alert, and how it ended."""
    leaves = await two.fr.running.store.read(lambda c: [json.loads(leaf) for _, leaf in store.leaves(c)])
    return [(leaf["id"], leaf["reason"]) for leaf in leaves if leaf["ev"] == "alert.reviewed"]


async def test_a_day_without_a_second_look_is_told(tmp_path: Path) -> None:
    """Until the day is over nothing more is said; then a second alarm comes by itself, and both end with the look."""
    async with two_nodes(tmp_path) as two:
        sent = await two.fr.call("message.submit", **alert(SAID))
        two.clock.advance(DAY - 60)
        await two.fr.running.second_look.escalate()
        assert await two.fr.alarms() == ["alert.second_look"]

        async def unread() -> bool:
            two.clock.advance(MINUTE)
            return "alert.unread" in await two.fr.alarms()

        await two.until(unread, what="the node looks by itself, every hour")
        assert sorted(kind for kind in await two.fr.alarms() if kind.startswith("alert.")) == [
            "alert.second_look",
            "alert.unread",
        ]
        await two.fr.call("alert.review", id=sent["id"], outcome="nobody")
        assert [kind for kind in await two.fr.alarms() if kind.startswith("alert.")] == []
        assert await reviewed(two) == [(sent["id"], "nobody")]


async def test_every_text_of_an_alert_is_looked_at(tmp_path: Path) -> None:
    """The way of contact that is not safe, and each text of an update: warned at its place, sent, looked at again."""
    async with two_nodes(tmp_path) as two:
        sent = await two.fr.call("message.submit", **alert())
        for request, text in texts(sent["conversation"]):
            found = await two.fr.call("message.preview", draft=request)
            assert (found["goes"], [doubt["place"] for doubt in found["doubts"]]) == (True, [f"/content/{text}"])
            told = await two.fr.call("message.submit", **request)
            (alarm,) = (await two.fr.call("alarm.list", kind="alert.second_look"))["alarms"]
            assert alarm["message"] == told["id"]
            await two.fr.call("alert.review", id=told["id"], outcome="needed", by="w-2")


def texts(conversation: str) -> Iterator[tuple[dict[str, Any], str]]:
    """An alert and updates that may identify somebody in one of their texts alone."""
    unsafe = alert()
    unsafe["content"] |= {"kind": "unsafe_channel", "asked_action": ["stop_channel"], "never_use_channel": SAID}
    yield unsafe, "never_use_channel"
    update = example("safety.alert.update/1", "AL") | {"conversation": conversation}
    for text in ("text", "reference"):
        content = {"status": "ongoing", "text": "The police look for her", "conversation_resume": False}
        yield update | {"content": content | {text: SAID}}, text


async def test_the_writer_takes_no_second_look(tmp_path: Path) -> None:
    """Whoever wrote the alert may say that there is nobody else, and not that somebody has read it."""
    async with two_nodes(tmp_path) as two:
        request = alert(SAID)
        writer = Caller(roles=frozenset({Role.CASE_WORKER}), person=id_of(FIRST))
        sent = await two.fr.call("message.submit", **request)
        desk = two.fr.running.desk
        for outcome in ("needed", "told"):
            with pytest.raises(RefusedError, match="the same person wrote this alert"):
                await desk.call("alert.review", {"id": sent["id"], "outcome": outcome}, caller=writer)
        assert await two.fr.alarms() == ["alert.second_look"]
        other = Caller(roles=frozenset({Role.CASE_WORKER}), person="another")
        await desk.call("alert.review", {"id": sent["id"], "outcome": "needed"}, caller=other)
        assert await two.fr.alarms() == []


async def test_nothing_is_said_of_other_messages(tmp_path: Path) -> None:
    """What a gate judges is not warned about besides."""
    async with two_nodes(tmp_path) as two:
        assert await warnings(two, example("enquiry.capacity/1", "AL")) == []
