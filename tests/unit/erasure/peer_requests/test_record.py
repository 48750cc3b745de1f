"""gateway.erasure.peer_requests.record: what a message asks is taken down whole, once, and at its times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support.endpoints import held, standing
from support.incoming import B, said
from support.kept_content import name_of
from support.nodes import NOW
from support.robbed_stand_ins import Clock
from support.rows import PEER, message

from gateway.consent import register
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.inbound import steps
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.record import Task, record_confirmation, record_request
from gateway.erasure.peer_requests.store import OnwardRow, RequestRow, State
from gateway.erasure.rules import DAY, HOUR, What
from gateway.messages.store import messages
from gateway.messages.types import AcceptedMessage

ASKS = 90
ID = name_of(7)


def accepted(body_type: str, body: Mapping[str, Any], **changed: Any) -> AcceptedMessage:
    """A message with this content; its header and the rest are those of an enquiry."""
    stated = said("enquiry.capacity.1/valid-minimal", purpose=None)
    examined = steps.examine_message(stated, scope=standing())
    made = steps.accept_message(examined, known=held(), conversation=None, own_node=B.first().node)
    return replace(made, body_type=body_type, content=dict(body), **changed)


class Desk:
    """A node to which a message comes that may ask something."""

    def __init__(self, store: Store, vault: ContentSealer) -> None:
        self.content = Content(store, vault)

    async def takes(self, body_type: str, body: Mapping[str, Any], **changed: Any) -> AcceptedMessage:
        """The message is accepted; what it asks is taken down."""
        came = accepted(body_type, body, **changed)
        row = message(ASKS, direction="in", state="opened")
        effect = record_request(self.content, lambda data: b"actor of " + data, row, came)
        if not await self.request():
            await self.content.store.move(lambda c: messages.add(c, [row]))
        await self.content.store.move(lambda c: effect.write(c, NOW))
        return came

    async def request(self) -> RequestRow | None:
        """What was taken down."""
        return await self.content.store.read(lambda c: requests.of_message(c, ASKS))

    async def task(self) -> Task:
        """What is sealed beside it."""
        row = await self.request()
        assert row is not None
        sealed = await self.content.store.read(lambda c: content.get(c, [row.ref]))
        return Task.decode(self.content.sealer.open(sealed[row.ref]))

    async def told(self) -> list[tuple[str, str | None, int | None, int]]:
        """What people are told."""
        return [(a.kind, a.peer, a.ref, a.at) for a in await self.content.store.read(journal.open_alarms)]


@pytest.fixture
def desk(store: Store, vault: ContentSealer) -> Desk:
    """To which nothing came yet; what it stores has no number that a database would give a row by itself."""
    while store.new_ref() < 1_000:
        pass
    return Desk(store, vault)


# --- requests ---------------------------------------------------------------------------------------------------------

WITHDRAWN = {"consent_id": ID, "scope": "all", "withdrawn_on": NOW, "erase_wanted": True}


@pytest.mark.parametrize(
    ("body_type", "body", "what", "follow", "due"),
    [
        (
            "erasure.request/1",
            {"scope": "conversation", "ground": "objection"},
            What.CONVERSATION,
            NOW + 24 * HOUR,
            NOW + 30 * DAY,
        ),
        (
            "erasure.request/1",
            {"scope": "message", "targets": [name_of(3), name_of(2)], "ground": "misdirected"},
            What.MESSAGES,
            NOW,
            NOW + 24 * HOUR,
        ),
        ("erasure.request/1", {"scope": "data_category", "ground": "objection"}, What.PART, None, NOW + 30 * DAY),
        ("consent.withdrawal/1", WITHDRAWN, What.CONSENT, NOW + 24 * HOUR, NOW + 30 * DAY),
        ("consent.withdrawal/1", WITHDRAWN | {"erase_wanted": False}, None, None, NOW),
        ("referral.withdraw/1", {"erase": True}, What.CONVERSATION, NOW + 24 * HOUR, NOW + 30 * DAY),
    ],
    ids=["conversation", "messages", "part", "consent", "withdrawal alone", "referral"],
)
async def test_what_is_taken_down(
    desk: Desk, body_type: str, body: dict[str, Any], what: What | None, follow: int | None, due: int
) -> None:
    """By what it is followed, when, and until when it is answered; a part is for a person, who is told."""
    came = await desk.takes(body_type, body)
    row, task = await desk.request(), await desk.task()
    assert row is not None
    assert (row.message, row.peer, row.state, row.at) == (ASKS, PEER, State.NEW, NOW)
    assert (row.follow, row.due, row.done, row.answered) == (follow, due, None, None)
    assert (task.what, task.reply_to, task.conversation, task.purpose) == (
        what,
        came.id,
        came.conversation,
        came.purpose,
    )
    withdrawn = body if body_type == "consent.withdrawal/1" else None
    assert (task.withdrawn, task.consent) == (withdrawn, None if withdrawn is None else ID)
    assert await desk.told() == ([("erasure.asked", PEER, ASKS, NOW)] if what is What.PART else [])
    assert Task.decode(task.encode()) == task


async def test_what_the_answer_needs_is_kept(desk: Desk) -> None:
    """Its ground, the messages that it names in their order, and the header along which the answer goes."""
    came = await desk.takes(
        "erasure.request/1", {"scope": "message", "targets": [name_of(3), name_of(2)], "ground": "misdirected"}
    )
    task = await desk.task()
    assert (task.ground, task.targets) == ("misdirected", (name_of(2), name_of(3)))
    assert task.header["recipient_unit"] == came.header["sender_unit"]
    assert task.header["sender_unit"] == came.header["recipient_unit"]


async def test_the_ground_of_a_withdrawal(desk: Desk) -> None:
    """Also where nothing is to be erased."""
    await desk.takes("consent.withdrawal/1", WITHDRAWN | {"erase_wanted": False})
    task = await desk.task()
    assert (task.ground, task.targets) == ("consent_withdrawn", ())


@pytest.mark.parametrize(
    ("body_type", "body"),
    [("enquiry.capacity/1", {}), ("referral.withdraw/1", {"erase": False})],
    ids=["anything else", "a referral that is kept"],
)
async def test_what_asks_nothing_is_nothing_to_do(desk: Desk, body_type: str, body: dict[str, Any]) -> None:
    """Nothing is taken down, and nobody is told."""
    await desk.takes(body_type, body)
    assert (await desk.request(), await desk.told()) == (None, [])


@pytest.mark.parametrize(
    ("erase", "state"), [(True, State.WAITING), (False, None)], ids=["wants it erased", "takes back nothing new"]
)
async def test_a_withdrawal_of_what_is_withdrawn(desk: Desk, erase: bool, state: State | None) -> None:
    """It is not told on once more: whoever had the data has heard of it. What is to be erased is."""
    await desk.content.store.move(lambda c: withdraw(desk, c))
    await desk.takes("consent.withdrawal/1", WITHDRAWN | {"erase_wanted": erase})
    row = await desk.request()
    assert (None if row is None else row.state) == state


def withdraw(desk: Desk, connection: Connection) -> None:
    """The node knows that all of the consent was taken back."""
    known = register.known_in(desk.content.sealer, connection, ID)
    assert register.take_back(desk.content, connection, known, WITHDRAWN) is not None


# --- confirmations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "certificates", "told"),
    [
        ("erased", [], []),
        ("not_held", [], []),
        ("partly_erased", [], ["erasure.kept"]),
        ("refused", [], ["erasure.kept"]),
        ("erased", [{"node": "n1"}], ["erasure.unproven"]),
        ("refused", [{"node": "n1"}], ["erasure.kept", "erasure.unproven"]),
    ],
)
async def test_what_a_confirmation_leaves_is_told(
    desk: Desk, result: str, certificates: list[Any], told: list[str]
) -> None:
    """What is kept there, and a certificate that proves nothing; it stands beside what it answers."""
    clock: Any = Clock()
    row = message(ASKS, direction="in", state="opened")
    came = accepted(
        "erasure.confirmation/1",
        {"result": result, "onward_certificates": certificates},
        reply_to=name_of(5),
    )
    await desk.content.store.move(lambda c: messages.add(c, [row, message(5, id=name_of(5), state="received")]))
    await desk.content.store.move(
        lambda c: requests.add_onward(c, [OnwardRow(message=ref, request=1) for ref in (5, 6)])
    )
    effect = record_confirmation(clock, row, came)
    await desk.content.store.move(lambda c: effect.write(c, NOW))
    assert await desk.told() == [(kind, PEER, ASKS, NOW) for kind in told]
    onward = await desk.content.store.read(lambda c: requests.onward(c, 1))
    assert {one.message: one.answer for one in onward} == {5: ASKS, 6: None}


@pytest.mark.parametrize("changed", [{"direction": "in"}, {"peer": "n1other"}], ids=["of its own", "of somebody else"])
async def test_a_confirmation_answers_what_was_asked_of_its_sender(desk: Desk, changed: dict[str, Any]) -> None:
    """And nothing else; nor does one that answers nothing."""
    clock: Any = Clock()
    row = message(ASKS, direction="in", state="opened")
    other = message(5, **{"id": name_of(5), "state": "received"} | changed)
    await desk.content.store.move(lambda c: messages.add(c, [row, other]))
    await desk.content.store.move(lambda c: requests.add_onward(c, [OnwardRow(message=5, request=1)]))
    for reply_to in (name_of(5), None):
        came = accepted("erasure.confirmation/1", {"result": "erased"}, reply_to=reply_to)
        effect = record_confirmation(clock, row, came)
        await desk.content.store.move(lambda c, effect=effect: effect.write(c, NOW))
    (one,) = await desk.content.store.read(lambda c: requests.onward(c, 1))
    assert one.answer is None
