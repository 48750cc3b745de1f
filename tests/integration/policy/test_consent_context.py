"""What a node knows about the consent of a message when the gates are asked, from what its database holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support import rows
from support.endpoints import example
from support.nodeproc import UNIT
from support.pair import START, Two, two_nodes
from support.zones import standing_in

import schemas
from gateway.cases import questions
from gateway.cases import store as cases
from gateway.cases.history import QuestionEntry
from gateway.cases.rules import CaseState, ConsentCase, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.composition.node import Node
from gateway.consent.effects import Recorded, Withdrawal
from gateway.consent.rules import Handling, read
from gateway.consent.said_no import NOTHING_REFUSED, SaidNo
from gateway.conversations.history import NOTHING_SAID, Opened, Side
from gateway.database import content as content_rows
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages.content_codec import Facts
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN
from gateway.policy import asylum_holds, store
from gateway.policy.acts import load_acts
from gateway.policy.asylum_holds import Named
from gateway.policy.circumstances import Circumstances
from gateway.policy.consent_context import ConsentContext, Question
from gateway.policy.descriptor_units import recipient_in
from gateway.policy.gates.gate_table import UnitKind
from gateway.policy.store import AsylumHold
from keys.primitives.encoding import canon, lp_join

TALK, OTHER, CONSENT = "A" * 22, "B" * 21 + "A", "C" * 21 + "A"
THIRD = "n1" + "c" * 32


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes that know each other."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest.fixture
def node(two: Two) -> Node:
    """The one that is asked."""
    return two.fr.running


@pytest.fixture
def question(two: Two) -> Question:
    """A message to the unit of the other node that relies on the consent."""
    return Question(
        conversation=TALK, consent_ref=CONSENT, to=two.al.running.own.node, sender_unit=UNIT, recipient_unit=UNIT
    )


async def load(node: Node, *questions: Question) -> list[ConsentContext]:
    """What is held about these messages."""
    return await node.store.read(lambda c: node.consent_contexts.load_consent_context(c, questions))


async def known(node: Node, question: Question, **changes: Any) -> Circumstances:
    """What the gates are told of one message."""
    (found,) = await load(node, replace(question, **changes))
    return found.circumstances


async def recorded(node: Node, holder: str, **more: Any) -> dict[str, Any]:
    """The record of the consent, told by `holder`."""
    record: dict[str, Any] = example("consent.record.1/valid-adult")["content"] | {"consent_id": CONSENT} | more
    told = Recorded(content=node.content, holder=holder, record=record, conversation=b"told")
    await node.store.move(lambda c: told.write(c, START))
    return record


async def came(node: Node, ref: int, conversation: str = TALK, **changed: Any) -> None:
    """A message of the other node that relies on the consent."""
    usual = {
        "direction": "in",
        "state": "opened",
        "conversation": node.sealer.conversation_index(conversation),
        "consent": node.sealer.consent_index(CONSENT),
    }
    await node.store.move(lambda c: messages.add(c, [rows.message(ref, **usual | changed)]))


async def test_what_is_known_where_nothing_is_held(node: Node, question: Question):
    """The unit that writes, the one it writes to as its node signed, and the day."""
    peer = node.peers.get(question.to)
    assert peer is not None
    bare = Circumstances(
        node=node.own.node,
        sender_kind=UnitKind.PUBLIC_AUTHORITY,
        recipient=recipient_in(peer.descriptor, UNIT, now=START),
        consent=None,
        consent_case=ConsentCase.SAME,
        recorded_by=frozenset(),
        conversation_withdrawn=False,
        today=date(2027, 1, 15),
        sender_roles=frozenset({"national_focal_point"}),
    )
    assert bare.recipient is not None and bare.recipient.current
    with standing_in("America/Anchorage"):
        found = await load(node, question, replace(question, consent_ref=None))
    assert [(one.circumstances, one.held, one.told) for one in found] == [(bare, (), frozenset())] * 2
    assert found[0].recorded() == []


async def test_units_that_nobody_lists(node: Node, question: Question):
    """Neither here nor in what the other node signed; what is no name is none."""
    assert (await known(node, question, sender_unit="unknown")).sender_kind is None
    assert (await known(node, question, sender_unit=7)).sender_kind is None
    for changes in ({"recipient_unit": "unknown"}, {"recipient_unit": 7}, {"to": THIRD}):
        assert (await known(node, question, **changes)).recipient is None


async def test_a_record_and_who_was_told(two: Two, node: Node, question: Question):
    """The own one first; each message has its own answer, also of several that are asked about at once."""
    record = await recorded(node, question.to)
    other, none, own = await load(node, question, replace(question, consent_ref=None), question)
    assert other == own
    assert other.circumstances.consent is not None
    assert other.circumstances.consent.consent_id == CONSENT
    assert other.circumstances.recorded_by == {question.to}
    assert (none.circumstances.consent, none.circumstances.recorded_by, none.held) == (None, frozenset(), ())
    said = Opened(body_type="consent.record/1", side=Side.THEIRS, created=START, header={}, content=record)
    assert other.recorded() == [said]
    await recorded(node, OWN)
    index = node.sealer.consent_index(CONSENT)
    await came(node, 900, direction="out", state="opened")
    await node.store.move(lambda c: local.tell_consent(c, index, question.to, 900))
    (found,) = await load(node, question)
    assert found.recorded() == [replace(said, side=Side.OURS), said]
    assert found.circumstances.recorded_by == {node.own.node, question.to}
    assert (found.told, none.told) == ({question.to}, frozenset())


async def test_what_was_recorded_here_under_a_consent(node: Node, question: Question):
    """The own record alone, of what others told under its name nothing."""
    about = replace(question, consent_ref=None, records=CONSENT)
    await recorded(node, question.to, form="oral")
    assert [one.recorded_here for one in await load(node, about, question)] == [None, None]
    record = await recorded(node, OWN)
    assert [one.recorded_here for one in await load(node, about, question)] == [record, None]


async def test_of_what_a_person_signed_that_counts_which_the_register_knows(node: Node, question: Question):
    """As it stands there, whatever was told in the conversation; of what is not known here nothing counts."""
    record = await recorded(node, OWN)
    signed = [read(record | {"consent_id": id, "grants": []}) for id in (CONSENT, OTHER)]
    held: Any = SimpleNamespace(history=lambda **_: replace(NOTHING_SAID, signed=tuple(signed)))
    (found,) = await load(node, replace(question, on_forms=[OTHER]))
    assert found.find_history(held).signed == (found.circumstances.consent,)


async def test_a_consent_of_no_case(node: Node, question: Question):
    """What is held, and said of no case, is for no message of one; a record is asked about by what it tells of."""
    await recorded(node, OWN)
    assert (await known(node, question)).consent_case is ConsentCase.NONE
    assert (await known(node, question, consent_ref=None, records=CONSENT)).consent_case is ConsentCase.NONE
    assert (await known(node, question, consent_ref=None)).consent_case is ConsentCase.SAME


async def test_what_was_taken_back(node: Node, question: Question):
    """By what the message relies on, held or not; or by what its conversation relied on last."""
    withdrawn = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": START, "erase_wanted": False}
    taken = Withdrawal(content=node.content, withdrawn=withdrawn)
    await node.store.move(lambda c: taken.write(c, START))
    assert (await known(node, question)).conversation_withdrawn
    assert not (await known(node, question, consent_ref=None)).conversation_withdrawn
    await came(node, 900)
    assert not (await known(node, question, consent_ref=None)).conversation_withdrawn
    await recorded(node, OWN)
    assert (await known(node, question, consent_ref=None)).conversation_withdrawn
    assert not (await known(node, question, consent_ref=None, conversation=OTHER)).conversation_withdrawn


async def test_the_record_of_what_was_taken_back(node: Node, question: Question):
    """A record is judged by the consent that it tells of: taken back whole, not in part."""
    told = example("consent.record.1/valid-adult")["content"] | {"consent_id": CONSENT}
    told["grants"] = told["grants"] * 2
    two_grants = Recorded(content=node.content, holder=OWN, record=told, conversation=b"told")
    await node.store.move(lambda c: two_grants.write(c, START))
    record = {"consent_ref": None, "records": CONSENT}
    part = {"consent_id": CONSENT, "scope": "grants", "grants": [0], "withdrawn_on": START, "erase_wanted": False}
    whole = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": START, "erase_wanted": False}
    found = [(await known(node, question, **record)).record_withdrawn]
    for withdrawn in (part, whole):
        taken = Withdrawal(content=node.content, withdrawn=withdrawn)
        await node.store.move(partial(taken.write, now=START))
        found.append((await known(node, question, **record)).record_withdrawn)
    assert found == [False, False, True]
    assert not (await known(node, question)).record_withdrawn


@pytest.mark.parametrize("holder", [OWN, THIRD])
async def test_a_consent_that_lost_a_part_before_it_was_told(node: Node, question: Question, holder: str):
    """Where the record would go ahead of what relies on it, which is one that was made here, or is sent by itself."""
    told = example("consent.record.1/valid-adult")["content"] | {"consent_id": CONSENT}
    told["grants"] = told["grants"] * 2
    record = Recorded(content=node.content, holder=holder, record=told, conversation=b"told")
    part = {"consent_id": CONSENT, "scope": "grants", "grants": [0], "withdrawn_on": START, "erase_wanted": False}
    alone = {"consent_ref": None, "records": CONSENT}

    async def untold() -> list[bool]:
        found = [await known(node, question), await known(node, question, **alone)]
        return [one.narrowed_untold for one in found]

    await node.store.move(lambda c: record.write(c, START))
    assert await untold() == [False, False]
    await node.store.move(partial(Withdrawal(content=node.content, withdrawn=part).write, now=START))
    assert await untold() == [holder == OWN, True]
    assert not (await known(node, question, consent_ref=None)).narrowed_untold
    index = node.sealer.consent_index(CONSENT)
    await node.store.move(lambda c: local.tell_consent(c, index, question.to, 1))
    assert await untold() == [False, False]
    await node.store.move(lambda c: local.tell_consent(c, index, NodeId(THIRD), 1))
    assert await untold() == [False, False]


async def test_what_a_judgement_rests_on(node: Node, question: Question):
    """As of now, for each its own: what its conversation relied on, what it relies on, and what it tells of."""
    await recorded(node, OWN)
    await came(node, 900, OTHER, consent=b"relied on")
    told = replace(question, conversation=OTHER, records="D" * 21 + "A")
    named = node.sealer.consent_index(CONSENT)
    wanted = {TALK: {named}, OTHER: {named, node.sealer.consent_index("D" * 21 + "A"), b"relied on"}}
    for context, (talk, consents) in zip(await load(node, question, told), wanted.items(), strict=True):
        talks = [node.sealer.conversation_index(talk)]
        acts = await node.store.read(partial(load_acts, conversations=talks, consents=consents))
        assert (context.at, context.acts) == (node.clock.now(), acts)


# --- danger to life --------------------------------------------------------------------------------------------------


async def said_no(node: Node, question: Question, **changes: Any) -> SaidNo:
    """What the person said no to, for a message that claims danger to life and names no consent."""
    return (await known(node, replace(question, consent_ref=None, vital=True), **changes)).said_no


async def linked(node: Node, case: CaseId, *links: Link) -> None:
    """A case with these."""

    def move(connection: Connection) -> None:
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
        cases.link(connection, links)

    await node.store.move(move)


async def test_what_was_said_in_any_consent_of_the_case(node: Node, question: Question):
    """Found by the case of the message, and part of what its judgement rests on; asked for in danger to life alone."""
    case, other = CaseId("A" * 22), CaseId("B" * 22)
    index = node.sealer.consent_index(CONSENT)
    record = await recorded(node, OWN, denials=[{"data_category": "needs"}])
    await linked(node, case, Link(key=index, kind=LinkKind.CONSENT, case_id=case))
    consent = read(record)
    assert await said_no(node, question, case=case) == SaidNo(denials=consent.denials, standing=(consent,))
    assert await said_no(node, question, case=other) == await said_no(node, question) == NOTHING_REFUSED
    assert await said_no(node, question, case=case, vital=False) == NOTHING_REFUSED
    (context,) = await load(node, replace(question, consent_ref=None, vital=True, case=case))
    assert context.acts.consents.keys() == {index}
    whole = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": START, "erase_wanted": False}
    await node.store.move(partial(Withdrawal(content=node.content, withdrawn=whole).write, now=START))
    assert not await node.store.read(context.acts.stands)
    assert await said_no(node, question, case=case) == SaidNo(denials=consent.denials, taken_back=consent.grants)


async def test_what_of_a_consent_of_another_case_was_said(node: Node, question: Question):
    """It is of somebody else, also where a message of the conversation relied on it by mistake."""
    case, other = CaseId("A" * 22), CaseId("B" * 22)
    await recorded(node, OWN, denials=[{"data_category": "needs"}])
    await came(node, 900)
    await linked(node, case, Link(key=node.sealer.conversation_index(TALK), kind=LinkKind.CONVERSATION, case_id=case))
    assert (await said_no(node, question)).denials
    assert (await said_no(node, question)).standing == (), "it is of no case, and carries nothing"
    await linked(node, other, Link(key=node.sealer.consent_index(CONSENT), kind=LinkKind.CONSENT, case_id=other))
    assert await said_no(node, question) == NOTHING_REFUSED


async def test_what_was_taken_back_of_a_consent_without_a_record(node: Node, question: Question):
    """Nobody can tell what it was: it counts towards the country with which it was relied on, and no other."""
    case = CaseId("A" * 22)
    await came(node, 900, peer=question.to)
    await linked(node, case, Link(key=node.sealer.conversation_index(TALK), kind=LinkKind.CONVERSATION, case_id=case))
    assert await said_no(node, question) == NOTHING_REFUSED
    part = {"consent_id": CONSENT, "scope": "grants", "grants": [0], "withdrawn_on": START, "erase_wanted": False}
    await node.store.move(partial(Withdrawal(content=node.content, withdrawn=part).write, now=START))
    assert await said_no(node, question) == SaidNo(unread=True)
    assert await said_no(node, question, conversation=OTHER, case=case) == SaidNo(unread=True)
    assert await said_no(node, question, conversation=OTHER) == NOTHING_REFUSED
    assert await said_no(node, question, conversation=OTHER, case=case, to=THIRD) == NOTHING_REFUSED


# --- asylum holds ----------------------------------------------------------------------------------------------------


async def hold(node: Node, named: Named) -> None:
    """A person places a hold."""
    sealed = asylum_holds.sealed(node.content, named)

    def move(connection: Connection) -> None:
        content_rows.put(connection, [sealed])
        labels = node.sealer.hold_indexes(named.conversation, named.consents)
        store.place(connection, AsylumHold(ref=sealed.ref, at=START, lift=None), labels)

    await node.store.move(move)


async def states(node: Node, question: Question, **changes: Any) -> tuple[bool, frozenset[str]]:
    """Whether a hold lies over a message, and which States it names."""
    found = await known(node, question, **changes)
    return found.asylum_hold, found.feared_states


async def test_a_hold_over_a_conversation_and_its_consents(node: Node, question: Question):
    """In its conversation, and wherever one of its consents is relied on, named or not."""
    free, held = (False, frozenset()), (True, frozenset({"AL"}))
    assert await states(node, question) == free
    await hold(node, Named(conversation=TALK, consents=(CONSENT,), states=("AL",)))
    assert await states(node, question, consent_ref=None) == held
    assert await states(node, question, conversation=OTHER) == held
    assert await states(node, question, conversation=OTHER, consent_ref="D" * 21 + "A") == free
    assert await states(node, question, conversation=OTHER, consent_ref=None) == free
    await came(node, 900, OTHER)
    assert await states(node, question, conversation=OTHER, consent_ref=None) == held
    assert await states(node, question, conversation="E" * 21 + "A", consent_ref=None) == free


async def test_what_is_asked_of_the_case_of_a_message(node: Node, question: Question):
    """What a linked person fears, until somebody has answered; of other cases nothing is."""
    case, other = CaseId("A" * 22), CaseId("B" * 22)

    def ask(connection: Connection) -> None:
        cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in (case, other)])
        questions.ask(node.content, connection, case, QuestionEntry(about=other, states=["AL", "XK"], at=START))

    await node.store.move(ask)
    assert (await known(node, question, case=case)).unanswered == {"AL", "XK"}
    assert (await known(node, question, case=other)).unanswered == frozenset()


# --- onward sharing --------------------------------------------------------------------------------------------------


async def said(node: Node, ref: int, body_type: str, body: dict[str, Any], **changed: Any) -> None:
    """A message of a third node that opens."""
    schema = schemas.load_catalogue().get(body_type).schema
    facts = Facts(
        body_type=body_type,
        schema=schema,
        conversation=TALK,
        reply_to=None,
        purpose=None,
        consent_ref=CONSENT,
        created=START,
    )
    await came(node, ref, peer=THIRD, **changed)
    sealed = node.sealer.seal(ref, lp_join(facts.encode(), b"", canon(body)))
    await node.store.move(lambda c: content_rows.put(c, [sealed]))


async def handling(node: Node, question: Question) -> Sequence[Handling]:
    """What the senders of data said of passing them on."""
    return (await known(node, question)).handling


async def test_what_was_said_of_passing_on(node: Node, question: Question):
    """By whoever brought personal data under a consent of another node; what does not open might say no."""
    await recorded(node, THIRD)
    assert await handling(node, question) == ()
    referral = example("referral.request.1/valid-minimal")
    units = [f"{question.to}/{UNIT}"]
    referral["header"]["handling"] = {"onward_sharing": "named_units", "onward_units": units}
    await said(node, 901, "referral.request/1", referral)
    named = Handling(onward_sharing="named_units", onward_units=frozenset(units))
    assert await handling(node, question) == (named,)
    await said(node, 902, "reminder.due/1", example("reminder.due.1/valid-due"))
    assert await handling(node, question) == (named,)
    await said(node, 903, "referral.request/1", referral)
    await node.store.move(lambda c: content_rows.erase(c, 903))
    await node.store.move(lambda c: content_rows.put(c, [rows.sealed(903)]))
    nothing = Handling(onward_sharing="none", onward_units=frozenset())
    assert sorted(await handling(node, question), key=lambda one: one.onward_sharing) == [named, nothing]
    assert (await known(node, replace(question, to=THIRD))).handling == ()
    assert (await known(node, question, consent_ref=None)).handling == ()
    await recorded(node, OWN)
    assert await handling(node, question) == ()
