"""An alert goes whatever it says; what may identify somebody in it is told before, and looked at again after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.pair import Two, example, two_nodes

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
        await two.fr.call("alarm.dismiss", id=alarm["id"], by="w-2")
        assert await two.fr.alarms() == []


async def test_nothing_is_said_of_other_messages(tmp_path: Path) -> None:
    """What a gate judges is not warned about besides."""
    async with two_nodes(tmp_path) as two:
        assert await warnings(two, example("enquiry.capacity/1", "AL")) == []
