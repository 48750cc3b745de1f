"""What the bench sends goes where it is sent, by the rules of the day: none of them can break it unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pair import two_nodes

from bench import work
from bench.limits import backlog
from bench.pair import ABSENT, RECEIVER, SENDER
from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.policy.corridor import Leaves, minimise
from schemas.region_pack.regions import load_region

CONSENT = "A" * 22
COUNT = 5


@pytest.mark.parametrize("to", [RECEIVER, ABSENT])
def test_the_policy_of_a_new_node_lets_the_message_leave_for_both_peers(to: str) -> None:
    """The timed messages and those of the backlog are judged alike and lose the same fields."""
    request = work.make_referral(to, CONSENT)
    header = request["header"]
    assert isinstance(header, dict)

    def left(country: str) -> Leaves:
        found = minimise(
            str(request["type"]),
            {"header": header | {"seen": 0}, "content": request["content"]},
            policy=load_region("tact").policies["two-step"],
            corridor=(SENDER, country),
            purpose="referral",
            step=DisclosureStage.BEFORE_ACCEPTANCE,
        )
        assert isinstance(found, Leaves)
        return found

    assert left(to) == left(RECEIVER)


async def test_every_row_of_a_backlog_is_a_message_that_arrives(tmp_path: Path) -> None:
    """Written behind the checks of a submission, each row passes those of departure and of the receiver."""
    async with two_nodes(tmp_path) as two:
        held = await two.fr.call("consent.record", by="bench", number=work.CASE, content=work.make_consent([RECEIVER]))
        last = await backlog.put_messages(two.fr.running, work.make_referral(RECEIVER, held["id"]), COUNT)
        assert last == 1 + COUNT  # the record of the consent goes before
        two.fr.running.wakeups.outgoing(two.fr.peer().node).set()
        await two.until(lambda: len(two.al.deliveries()) == 1 + COUNT, what="all are handed over")

        async def receipted() -> bool:
            rows = await two.fr.rows("select state from message where direction = 'out'")
            return [state for (state,) in rows] == ["awaiting_opening"] * (1 + COUNT)

        await two.until(receipted, seconds=5, what="all are receipted")
        given = [item for item in two.al.deliveries() if item.type == "referral.request/1"]
        assert len({item.message_id for item in given}) == len({item.conversation for item in given}) == COUNT
