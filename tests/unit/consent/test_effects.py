"""What a peer's consent record and a withdrawal do here, each in its own transaction."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import endpoints, rows
from support.endpoints import example, standing
from support.incoming import B, said
from support.nodes import NOW
from support.rows import LIFE, PEER

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import effects, register, unconfirmed_store
from gateway.consent.effects import Recorded, Withdrawal
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.inbound import steps
from gateway.foundation.ids import CaseId
from gateway.ledger import store as ledger
from gateway.messages.content_codec import Facts
from gateway.messages.store import local, messages
from gateway.messages.store.local import ConsentRow
from gateway.messages.types import AcceptedMessage
from keys.primitives.encoding import lp_join

ID = "AAAAAAAAAAAAAAAAAAAAAA"
THEIRS, OTHERS = b"their conversation", b"another conversation"
FIRST_CASE, SECOND_CASE = CaseId("A" * 22), CaseId("B" * 22)
GRANTS = [
    {"purpose": purpose, "recipient_units": ["n1al/shelter"], "data_categories": ["needs"], "until": "2030-12-31"}
    for purpose in ("referral", "monitoring")
]
RECORD: dict[str, Any] = example("consent.record.1/valid-adult")["content"] | {"consent_id": ID, "grants": GRANTS}
ALL = {"consent_id": ID, "scope": "all", "withdrawn_on": NOW, "erase_wanted": False}
PART = ALL | {"scope": "grants", "grants": [0]}


@pytest.fixture
def content(store: Store, vault: ContentSealer) -> Content:
    """A database and what seals for it."""
    return Content(store, vault)


async def told(content: Content, record: dict[str, Any] = RECORD, *, holder: str = PEER, of: bytes = THEIRS) -> None:
    """A peer tells of the consent in a conversation."""
    told_of = Recorded(content=content, holder=holder, record=record, conversation=of)
    await content.store.move(lambda c: told_of.write(c, NOW))


async def taken_back(content: Content, withdrawn: dict[str, Any] = ALL) -> str:
    """The state of the consent after a withdrawal."""
    taken = Withdrawal(content=content, withdrawn=withdrawn)
    return await content.store.move(lambda c: taken.write(c, NOW))


async def held(content: Content) -> list[ConsentRow]:
    """The rows of the consent."""
    index = content.sealer.consent_index(ID)
    return await content.store.read(lambda c: local.consents(c, index))


async def leaves(content: Content) -> list[Any]:
    """The log: what happened, without number and time."""
    found = [orjson.loads(leaf) for _, leaf in await content.store.read(journal.leaves)]
    assert {leaf["at"] for leaf in found} <= {NOW}
    return [{k: v for k, v in leaf.items() if k not in ("seq", "at")} for leaf in found]


async def alarms(content: Content) -> list[tuple[str, int | None]]:
    """What a person has to look at."""
    found = await content.store.read(journal.open_alarms)
    assert {alarm.at for alarm in found} <= {NOW}
    return [(alarm.kind, alarm.ref) for alarm in found]


def accepted(name: str) -> AcceptedMessage:
    """An example as it was taken from a peer."""
    examined = steps.examine_message(said(name, purpose=None), scope=standing())
    return steps.accept_message(examined, known=endpoints.held(), conversation=None, own_node=B.first().node)


def test_what_a_message_of_a_peer_does(content: Content):
    """The peer holds the record that it tells of, in the conversation in which it tells."""
    row, record = rows.message(1, direction="in", conversation=THEIRS), accepted("consent.record.1/valid-adult")
    assert effects.record_consent(content, row, record) == Recorded(
        content=content, holder=PEER, record=record.content, conversation=THEIRS
    )
    withdrawal = accepted("consent.withdrawal.1/valid-all")
    assert effects.withdraw_consent(content, row, withdrawal) == Withdrawal(
        content=content, withdrawn=withdrawal.content
    )


# --- a record ----------------------------------------------------------------------------------------------------


async def test_a_record_is_kept(content: Content):
    """As the peer said it, and the log tells who told of it."""
    await told(content)
    (row,) = await held(content)
    assert row == ConsentRow(
        ref=row.ref, consent=content.sealer.consent_index(ID), holder=PEER, state=register.ACTIVE, at=NOW
    )
    (item,) = (await register.known(content, ID)).held
    assert item.record == RECORD
    assert (await leaves(content), await alarms(content)) == ([{"ev": "consent.held", "holder": PEER}], [])


async def test_a_newer_record_takes_the_place_of_the_older(content: Content):
    """Of the same holder alone; the bytes of the older one are destroyed."""
    await told(content)
    await told(content, RECORD | {"form": "oral"}, holder="n1third")
    (old, _) = await held(content)
    await told(content, RECORD | {"form": "video"})
    found = (await register.known(content, ID)).held
    assert {item.row.holder: item.record["form"] for item in found} == {PEER: "video", "n1third": "oral"}
    assert await content.store.read(lambda c: content_rows.get(c, [old.ref])) == {}


async def test_a_record_never_undoes_a_withdrawal(content: Content):
    """Messages overtake each other, and a third node may not have heard."""
    await taken_back(content)
    await told(content)
    assert [row.state for row in await held(content)] == [register.WITHDRAWN]


async def test_a_record_that_says_other_grants_after_a_part_was_taken_back(content: Content):
    """A place means something else in it, so that all counts as taken back, also after a restore, and a person is told;
    what was recorded by somebody else is not asked.
    """
    await told(content, RECORD | {"grants": GRANTS[::-1]}, holder="n1third")
    await told(content)
    await taken_back(content, PART)
    await told(content, RECORD | {"form": "video"})
    assert ([row.state for row in await held(content)], await alarms(content)) == ([register.WITHDRAWN_PART] * 2, [])
    await told(content, RECORD | {"grants": GRANTS[::-1]})
    assert [row.state for row in await held(content)] == [register.WITHDRAWN] * 2
    ref = next(row.ref for row in await held(content) if row.holder == PEER)
    assert await alarms(content) == [("consent.changed", ref)]
    assert (await register.known(content, ID)).withdrawals == (PART, ALL)
    assert await entries(content) == [(NOW, (0,)), (NOW, None)]


@pytest.mark.parametrize(
    ("before", "closes"), [((), False), ((PART,), True), ((ALL,), False)], ids=["nothing", "a part", "all of it"]
)
async def test_what_is_closed_once_its_record_is_gone(content: Content, before: Any, closes: bool):
    """What lost a part, in the ledger and the log too, and once: a record that comes later gives nothing back."""
    for withdrawn in before:
        await taken_back(content, withdrawn)
    known, closed = await entries(content), ALL.items() - {("consent_id", ID)}
    for _ in range(2):
        await content.store.move(lambda c: effects.close_narrowed(content, c, content.sealer.consent_index(ID), NOW))
    assert await entries(content) == [*known, *[(NOW, None)] * closes]
    assert (await register.known(content, ID)).withdrawals == (*before, *[dict(closed)] * closes)
    assert [leaf["ev"] for leaf in await leaves(content)] == ["consent.withdrawn"] * (len(before) + closes)
    await told(content, RECORD | {"grants": GRANTS[::-1]})
    assert [row.state for row in await held(content)] == [register.WITHDRAWN if before else register.ACTIVE]


async def test_a_record_beside_one_that_does_not_open(content: Content):
    """It is kept, and a person is told of the other."""
    await told(content)
    (row,) = await held(content)
    await content.store.move(lambda c: content_rows.erase(c, row.ref))
    await told(content, holder="n1third")
    assert (len(await held(content)), await alarms(content)) == (2, [("content.damaged", row.ref)])


# --- of which case -----------------------------------------------------------------------------------------------


@pytest.fixture
async def two_cases(content: Content) -> Content:
    """Two cases with one conversation each."""

    def move(connection: Connection) -> None:
        found = [CaseRow(id=id, state=CaseState.OPEN, at=NOW, card=None) for id in (FIRST_CASE, SECOND_CASE)]
        cases.open_cases(connection, found)
        of = ((THEIRS, FIRST_CASE), (OTHERS, SECOND_CASE))
        cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=case) for key, case in of])

    await content.store.move(move)
    return content


async def of_case(content: Content) -> list[Link]:
    """To which case the consent belongs."""
    links = await content.store.read(lambda c: cases.links(c, FIRST_CASE) + cases.links(c, SECOND_CASE))
    return [link for link in links if link.kind == LinkKind.CONSENT]


async def test_a_consent_is_of_the_case_in_which_it_was_told(two_cases: Content):
    """Also when it is told again there; without a case it is of none."""
    await told(two_cases, of=b"a conversation without a case")
    assert await of_case(two_cases) == []
    await told(two_cases)
    await told(two_cases)
    index = two_cases.sealer.consent_index(ID)
    assert await of_case(two_cases) == [Link(key=index, kind=LinkKind.CONSENT, case_id=FIRST_CASE)]
    assert await alarms(two_cases) == []


async def test_a_consent_that_is_told_in_two_cases(two_cases: Content):
    """It stays where it was, and a person is told of the record that came then, unless it was taken back already."""
    await told(two_cases)
    await told(two_cases, holder="n1third", of=OTHERS)
    ref = next(row.ref for row in await held(two_cases) if row.holder == "n1third")
    assert await alarms(two_cases) == [("consent.two_cases", ref)]
    assert [link.case_id for link in await of_case(two_cases)] == [FIRST_CASE]


async def test_a_withdrawn_consent_in_two_cases_asks_nobody(two_cases: Content):
    """There is nothing left to decide."""
    await told(two_cases)
    await taken_back(two_cases)
    await told(two_cases, of=OTHERS)
    assert await alarms(two_cases) == []


# --- a withdrawal ------------------------------------------------------------------------------------------------


async def relying(content: Content, ref: int, body_type: str = "referral.request/1", **changes: Any) -> int:
    """A message on the outbox that relies on the consent."""
    facts = Facts(
        body_type=body_type, schema="", conversation="", reply_to=None, purpose=None, consent_ref=ID, created=NOW
    )
    plain = lp_join(facts.encode(), b"", b"{}")
    row = rows.message(ref, **{"consent": content.sealer.consent_index(ID), **changes})

    def move(connection: Connection) -> None:
        messages.add(connection, [row])
        messages.enqueue(connection, [(ref, PEER, LIFE)])
        content_rows.put(connection, [content.sealer.seal(ref, plain)])

    await content.store.move(move)
    return ref


async def ended(content: Content) -> dict[int, tuple[str, str | None]]:
    """The state of each message and why it has it."""
    found = await content.store.read(lambda c: messages.get(c, list(range(100, 110))))
    return {ref: (row.state, row.reason) for ref, row in found.items()}


async def test_a_withdrawal_stops_what_relies_on_it(content: Content):
    """Whatever may still be stopped; what nothing may block goes, and what relies on nothing."""
    await told(content)
    answered = await relying(content, 100, state="awaiting_handover")
    voiding = await relying(content, 105, state="voiding", reason="gate_g2")
    queued, sent, alert, other = [
        await relying(content, 101),
        await relying(content, 102, state="awaiting_receipt"),
        await relying(content, 103, "safety.alert/1"),
        await relying(content, 104, consent=None),
    ]
    assert await taken_back(content) == register.WITHDRAWN
    assert await ended(content) == {
        answered: ("awaiting_handover", None),
        queued: ("failed", "gate_g7"),
        sent: ("voiding", "gate_g7"),
        alert: ("queued", None),
        other: ("queued", None),
        voiding: ("voiding", "gate_g2"),
    }
    assert {"ev": "consent.withdrawn", "stopped": 3} in await leaves(content)


async def test_what_does_not_open_goes_neither(content: Content):
    """Gone or damaged, nobody can say whether it relies on what is left: it ends, and a person is told."""
    await told(content)
    gone, damaged = await relying(content, 100), await relying(content, 101)

    def spoil(connection: Connection) -> None:
        for ref in (gone, damaged):
            content_rows.erase(connection, ref)
        content_rows.put(connection, [rows.sealed(damaged)])

    await content.store.move(spoil)
    await taken_back(content)
    assert await ended(content) == dict.fromkeys((gone, damaged), ("failed", "not_found"))
    assert {("content.damaged", gone), ("content.damaged", damaged)} <= {*await alarms(content)}


async def test_a_withdrawal_in_part_stops_nothing_at_once(content: Content):
    """The gates look at what is left when a message departs."""
    await told(content)
    ref = await relying(content, 100)
    assert await taken_back(content, PART) == register.WITHDRAWN_PART
    assert await ended(content) == {ref: ("queued", None)}


async def test_a_withdrawal_in_part_of_what_does_not_open(content: Content):
    """Nobody can say what is left, so everything stops."""
    await told(content)
    (row,) = await held(content)
    ref = await relying(content, 100)
    await content.store.move(lambda c: content_rows.erase(c, row.ref))
    await taken_back(content, PART)
    assert await ended(content) == {ref: ("failed", "gate_g7")}
    assert ("content.damaged", row.ref) in await alarms(content)


async def test_the_record_that_waits_for_whom_no_withdrawal_reaches_is_stopped(content: Content):
    """Of this consent, for these peers, and only as far as it has not gone; it is told which messages told of it."""
    index, third, other = content.sealer.consent_index(ID), "n1third", content.sealer.consent_index("B" * 22)
    told_to = ((100, PEER, index, "queued"), (101, third, index, "queued"), (102, "n1far", index, "awaiting_handover"))
    for ref, peer, consent, state in (*told_to, (103, PEER, other, "queued")):
        await relying(content, ref, "consent.record/1", consent=None, peer=peer, state=state)
        await content.store.move(lambda c, told=(consent, peer, ref): local.tell_consent(c, *told))
    found = await content.store.move(lambda c: effects.stop_records(c, index, {PEER, "n1far"}, NOW + 1))
    assert {(row.ref, row.state) for row in found} == {(100, "queued"), (102, "awaiting_handover")}
    assert await ended(content) == {
        100: ("failed", "gate_g7"),
        101: ("queued", None),
        102: ("awaiting_handover", None),
        103: ("queued", None),
    }


@pytest.mark.parametrize(("withdrawn", "waits"), [(ALL, False), (PART, True)], ids=["all", "a part"])
async def test_what_was_taken_back_whole_is_in_doubt_no_more(content: Content, withdrawn: Any, waits: bool):
    """Nothing is left of it that a worker could confirm after a restore; of what is left somebody has to."""
    await told(content)
    await content.store.move(lambda c: unconfirmed_store.doubt_all(c, at=NOW))
    await taken_back(content, withdrawn)
    doubted = {content.sealer.consent_index(ID)} if waits else set[bytes]()
    assert await content.store.read(unconfirmed_store.unconfirmed) == doubted
    assert await alarms(content) == ([("consent.unconfirmed", None)] if waits else [])


async def test_a_repeat_changes_nothing(content: Content):
    """Neither the log nor the ledger tells of it twice."""
    await told(content)
    assert [await taken_back(content, PART), await taken_back(content, PART)] == [register.WITHDRAWN_PART] * 2
    assert [leaf["ev"] for leaf in await leaves(content)] == ["consent.held", "consent.withdrawn"]
    assert await entries(content) == [(NOW, (0,))]


async def test_a_whole_withdrawal_is_in_the_ledger(content: Content):
    """So that a restored node knows of it though no record ever came."""
    await taken_back(content)
    assert await entries(content) == [(NOW, None)]


async def entries(content: Content) -> list[tuple[int, tuple[int, ...] | None]]:
    """What the ledger says of the consent: when, and which grants."""
    found = await content.store.read(lambda c: ledger.after(c, 0, 9))
    assert {row.subject for row, _ in found} <= {content.sealer.consent_index(ID)}
    return [(row.at, row.entry(row.subject).grants) for row, _ in found]


# --- after a restore ---------------------------------------------------------------------------------------------


async def again(content: Content, grants: list[int] | None) -> bool:
    """What the ledger says is taken back once more; it was taken back a day ago."""
    index = content.sealer.consent_index(ID)
    return await content.store.move(
        lambda c: effects.withdraw_again(content, c, index, grants, at=NOW - 86_400, now=NOW)
    )


@pytest.mark.parametrize(("grants", "state"), [(None, register.WITHDRAWN), ([1], register.WITHDRAWN_PART)])
async def test_what_the_ledger_says_is_taken_back_again(content: Content, grants: list[int] | None, state: str):
    """Once; a person is told, since those who relied on it may never have heard."""
    await told(content)
    (row,) = await held(content)
    assert [await again(content, grants), await again(content, grants)] == [True, False]
    found = await register.known(content, ID)
    (withdrawal,) = found.withdrawals or ()
    scope = {"scope": "all"} if grants is None else {"scope": "grants", "grants": grants}
    assert withdrawal == scope | {"consent_id": ID, "withdrawn_on": NOW - 86_400, "erase_wanted": False}
    assert (found.state, await alarms(content)) == (state, [("consent.withdrawn_again", row.ref)])


async def test_a_withdrawal_whose_record_was_lost_binds_when_it_comes(content: Content):
    """The ledger knows the consent by its keyed hash alone; of what is not held nobody is told."""
    assert await again(content, None)
    (withdrawal,) = (await register.known(content, ID)).withdrawals or ()
    assert ("consent_id" in withdrawal, await alarms(content)) == (False, [])
    await told(content)
    assert (await register.known(content, ID)).state == register.WITHDRAWN


async def test_of_what_only_a_peer_still_knows_a_person_is_told(content: Content):
    """Its record was erased here with all that relied on it; the peer to which that went may never have heard."""
    sent = rows.message(5, consent=content.sealer.consent_index(ID), n=1, epoch=1, state="opened")
    await content.store.move(lambda c: messages.add(c, [sent]))
    assert [await again(content, None), await again(content, None)] == [True, False]
    assert await alarms(content) == [("consent.withdrawn_again", 5)]


async def test_what_was_taken_back_again_stops_what_relies_on_it(content: Content):
    """As any withdrawal does."""
    await told(content)
    ref = await relying(content, 100)
    await again(content, None)
    assert await ended(content) == {ref: ("failed", "gate_g7")}
