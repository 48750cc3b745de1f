"""Consents are taken back: what a withdrawal says, in which conversations it is said, and who has to be phoned."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from support.consent_desk import AL, CASE, CONSENT, GONE, IT, OURS, THEIRS, WORKER, Desk, Keeping
from support.incoming import STATED
from support.kept_content import name_of
from support.nodes import NOW
from support.retained import stands

from gateway.consent import register
from gateway.consent.known_by import RECORD
from gateway.consent.operations.withdrawing import MOST_GRANTS, WITHDRAWAL, take_back
from gateway.consent.rules import places_of
from gateway.database import content
from gateway.messages.store import local, messages
from gateway.messages.store.messages import StatementRow
from gateway.messages.types import Draft
from keys.primitives.encoding import canon, is_id, lp_join
from schemas import load_catalogue, validate

ID = "A" * 22
LAST = MOST_GRANTS - 1


@pytest.mark.parametrize(
    ("grants", "places"),
    [
        (None, None),
        ([], None),
        ([0, 2], [0, 2]),
        ([2, 0, 2], [0, 2]),
        ([LAST], [LAST]),
        ([0, MOST_GRANTS], None),
        ([*range(MOST_GRANTS)], [*range(MOST_GRANTS)]),
    ],
    ids=["all", "none", "two", "one twice", "the last place", "no record has it", "each by its place"],
)
@pytest.mark.parametrize("erase", [False, True])
def test_what_a_withdrawal_says(grants: list[int] | None, places: list[int] | None, erase: bool):
    """With the second in which it was taken back; what can not be told as a list is told as all (domain 2.22)."""
    content = take_back(ID, now=1_800_000_000, erase_wanted=erase, grants=grants)
    says = {"scope": "all"} if places is None else {"scope": "grants", "grants": places}
    assert content == {"consent_id": ID, "withdrawn_on": 1_800_000_000, "erase_wanted": erase} | says
    assert places_of(content) == (None if places is None else frozenset(places))
    faults = validate(WITHDRAWAL, {"header": {}, "content": content})
    assert [fault.place for fault in faults if fault.place.startswith("/content")] == []


def test_a_record_has_no_more_grants():
    """Nor can a withdrawal name more places: both schemas say so."""
    record, withdrawal = (
        load_catalogue().get(name).document["properties"]["content"]["properties"]["grants"]
        for name in (RECORD, WITHDRAWAL)
    )
    assert record["maxItems"] == withdrawal["maxItems"] == withdrawal["items"]["maximum"] + 1 == MOST_GRANTS


# --- who is told --------------------------------------------------------------------------------------------------

TAKEN_BACK = take_back(CONSENT, now=NOW, erase_wanted=True)


async def withdraw(desk: Desk) -> tuple[list[str], list[Any]]:
    """The person takes the consent back: its state, and the countries that are told, in the order of messages."""
    known = await register.known(desk.content, CONSENT)
    states, told = await desk.withdrawer.withdraw([(known, TAKEN_BACK)], "w-1", attested=False, caller=WORKER)
    assert [one["message"] for one in told if isinstance(one, dict)] == [one.id for one in desk.preparation.drafts]
    return states, [one["peer"] for one in told if isinstance(one, dict)]


def signed(desk: Desk, message: int) -> Keeping:
    """What was signed of a message outlives its content."""
    sealed = desk.content.sealer.seal(12, lp_join(STATED.encode(), canon({"proof": "of the first form"})))

    def write(connection: Connection) -> None:
        messages.add_statements(connection, [StatementRow(hash="hash", message=message, evidence=12, created=1)])
        content.put(connection, [sealed])

    return write


@pytest.mark.parametrize(("direction", "header"), [(messages.OUT, OURS), (messages.IN, THEIRS)])
async def test_it_is_said_where_the_consent_is_relied_on(desk: Desk, direction: str, header: dict[str, Any]):
    """In that conversation and for its purpose, from our unit to theirs, whichever of them wrote what is left of it;
    that country is woken at once.
    """
    facts = {"conversation": name_of(50), "purpose": "assistance"}
    await desk.keeps(
        desk.recorded(11),
        desk.said(1, None, direction=direction),
        desk.said(2, direction=direction, header=header, facts=facts),
    )
    assert await withdraw(desk) == (["withdrawn"], ["AL"])
    (draft,) = desk.preparation.drafts
    assert draft == Draft(
        id=draft.id,
        body_type="consent.withdrawal/1",
        to=AL.node,
        conversation=name_of(50),
        reply_to=None,
        purpose="assistance",
        header={
            "sender_unit": "desk",
            "sender_role": "case_manager",
            "recipient_unit": "shelter",
            "recipient_role": "shelter_provider",
            "author_ref": "w-1",
            "priority": "urgent",
            "handling": {"onward_sharing": "none", "retain_until": "2030-01-01", "export_to_local": "full"},
            "language": "sq",
        },
        content=TAKEN_BACK,
    )
    assert is_id(draft.id)
    assert desk.preparation.references == [CONSENT]
    assert [desk.wakeups.outgoing(one.node).is_set() for one in (AL, IT)] == [True, False]
    assert (desk.events.happenings, await desk.alarms()) == (1, [])
    assert await desk.entries("consent.withdraw") == [{"at": NOW, "actor": "w-1", "attested": False}]


async def test_each_country_is_told_in_each_of_its_conversations(desk: Desk):
    """Once, however many messages rely on the consent there."""
    await desk.keeps(
        desk.recorded(11),
        desk.said(1),
        desk.said(2),
        desk.said(3, conversation=b"another", facts={"conversation": name_of(51)}),
        desk.said(4, conversation=b"third", peer=IT.node, facts={"conversation": name_of(52)}),
    )
    assert await withdraw(desk) == (["withdrawn"], ["AL", "AL", "IT"])
    assert [one.conversation for one in desk.preparation.drafts] == [name_of(0), name_of(51), name_of(52)]


async def test_what_does_not_open_keeps_no_other_country_from_being_told(desk: Desk):
    """A person is told which message that is."""
    await desk.keeps(
        desk.recorded(11), desk.said(1), desk.spoilt(1), desk.said(2, conversation=b"another", peer=IT.node)
    )
    assert await withdraw(desk) == (["withdrawn"], ["IT"])
    assert await desk.alarms() == [("content.damaged", None, 1)]


@pytest.mark.parametrize("why", ["nothing that was signed is left", "it takes nothing in", "nobody knows it any more"])
async def test_who_can_not_be_told_is_for_the_telephone(desk: Desk, why: str):
    """The withdrawal counts, others are told, and an alarm names the country with the first message that it has."""
    node = GONE if why == "nobody knows it any more" else AL.node
    body_type = None if why == "nothing that was signed is left" else "referral.request/1"
    await desk.keeps(
        desk.recorded(11),
        desk.said(1, body_type, peer=node),
        desk.said(2, body_type, peer=node),
        desk.said(3, conversation=b"another", peer=IT.node),
    )
    if why == "it takes nothing in":
        desk.preparation.closed.add(AL.node)
        await desk.keeps(signed(desk, 1))
    assert await withdraw(desk) == (["withdrawn"], ["IT"])
    assert await desk.alarms() == [("consent.untold", node, 1)]


@pytest.mark.parametrize("before", [False, True], ids=["never", "before a restore"])
async def test_nobody_hears_of_what_never_left(desk: Desk, before: bool):
    """Of an erased message that was to tell of the consent its country hears only where it was signed once."""
    await desk.keeps(
        desk.recorded(11),
        desk.said(1, None, state="cancelled", n=None, epoch=None),
        lambda c: local.tell_consent(c, desk.index(), AL.node, 1),
        *([signed(desk, 1)] if before else []),
    )
    assert await withdraw(desk) == (["withdrawn"], ["AL"] if before else [])
    assert [(one.conversation, one.header["author_ref"]) for one in desk.preparation.drafts] == (
        [(STATED.conv, "w-1")] if before else []
    )
    assert await desk.alarms() == []


# --- what rests on a consent --------------------------------------------------------------------------------------


async def test_what_would_stop_is_told_before(desk: Desk):
    """By conversation: with which country, where it stands, and how much waits and would go no more. What waits alone
    has told nobody yet. A country of which nothing is held any more is told by the id of its node, and a conversation
    by the first of its messages that opens.
    """
    other = {"conversation": b"another", "peer": IT.node, "facts": {"conversation": name_of(51)}}
    await desk.keeps(
        desk.recorded(11),
        desk.of_case(CASE, CONSENT, talks=(b"talk",)),
        stands(b"talk", AL.node, state="accepted"),
        desk.said(1),
        desk.spoilt(1),
        desk.said(2, facts={"conversation": name_of(50)}),
        desk.said(3, None, conversation=b"third", peer=GONE),
        desk.waits(4),
        desk.waits(5, **other),
        desk.waits(6, **other),
    )
    known = await register.known(desk.content, CONSENT)
    lines, tells = await desk.content.store.read(lambda c: desk.withdrawer.find_relying(c, known, WORKER))
    nothing = {"conversation": None, "of_case": None, "country": None, "state": None, "stops": 0}
    assert lines == [
        {
            "conversation": name_of(50),
            "of_case": {"id": CASE, "name": None},
            "peer": "AL",
            "country": "AL",
            "state": "accepted",
            "stops": 1,
        },
        nothing | {"peer": GONE},
        nothing | {"conversation": name_of(51), "peer": "IT", "country": "IT", "stops": 2},
    ]
    assert tells == ["AL", GONE]
