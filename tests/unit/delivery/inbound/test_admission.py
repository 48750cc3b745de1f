"""gateway.delivery.inbound.admission: what this node holds is what the steps judge by, with what came just before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.endpoints import SIGNED, example, standing
from support.incoming import A, B, said
from support.nodes import NOW
from support.robbed_stand_ins import Clock, Memory
from support.talk import HOST, RECEIVING, SILENT, Talk

from gateway.consent.register import Known
from gateway.conversations.history import NOTHING_SAID, History, Opened
from gateway.conversations.rules.context import ConversationContext
from gateway.database.content_sealer import ContentSealer
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.admission import Admission, Examined
from gateway.delivery.inbound.results import Refusal
from gateway.errors import Code, RemoteError
from gateway.messages.store.local import OWN
from gateway.messages.types import AcceptedMessage, AuthenticStatement, ExaminedMessage
from gateway.peers.scope import NOTHING
from gateway.policy.gates.gate_table import UnitKind
from gateway.statistics import store as statistics
from gateway.statistics import submissions
from keys.documents.descriptor import Unit
from keys.primitives.encoding import b64u

REFERRAL, ENQUIRY = "referral.request.1/valid-minimal", "enquiry.capacity.1/valid-minimal"
WITHDRAWAL, RECORD = "consent.withdrawal.1/valid-all", "consent.record.1/valid-adult"
TABLE = "stats.submission.1/valid-differential-privacy"
HEADER = example(REFERRAL)["header"]
CONSENT = HEADER["consent_ref"]
PEER = A.first()


@dataclass
class Talked:
    """A conversation as it was loaded: what was said in it before."""

    also: list[Opened]

    def history(self, *, also: Iterable[Opened] = ()) -> History:
        """With what the same request has added."""
        self.also += also
        return NOTHING_SAID


class Desk:
    """A node that judges what a peer says."""

    def __init__(self, vault: ContentSealer) -> None:
        self.vault, self.clock, self.connection = vault, Clock(), Memory.empty("admission").connection
        clock: Any = self.clock
        unit = Unit(id=HEADER["recipient_unit"], name="ours", roles=(), kind=None)
        own: Any = SimpleNamespace(node=B.first().node, descriptor=replace(B.first(), units=(unit,)))
        theirs = Unit(id=HEADER["sender_unit"], name="theirs", roles=tuple(sorted(SIGNED)), kind=None)
        descriptor = replace(PEER, units=(theirs,))
        self.peer: Any = SimpleNamespace(node=PEER.node, descriptor=descriptor, standing=lambda now: self.scope)
        self.scope = standing()
        self.asked: list[str] = []
        self.loaded: list[tuple[set[Any], set[Any]]] = []
        self.contexts: list[tuple[Any, Any, str]] = []
        self.known: dict[str, Known] = {}
        self.context: ConversationContext | None = None
        self.admission = Admission(
            sealer=vault,
            own=own,
            units={HEADER["recipient_unit"]: UnitKind.NGO},
            load_conversations=self._load,
            context_of=self._context_of,
            find_consent=self._find,
            clock=clock,
        )

    def _load(self, connection: Any, keys: Collection[Any], whole: Collection[Any]) -> Any:
        assert connection is self.connection
        self.loaded.append((set(keys), set(whole)))
        return {}

    def _context_of(self, held: Any, key: Any, body_type: str) -> ConversationContext | None:
        self.contexts.append((held, key, body_type))
        return self.context

    def _find(self, connection: Any, name: str) -> Known:
        assert connection is self.connection
        self.asked.append(name)
        return self.known.get(name, known())

    def key(self, message: AuthenticStatement | ExaminedMessage) -> Any:
        """The conversation of a message with this peer."""
        talk = message.statement.conv if isinstance(message, AuthenticStatement) else message.conversation
        return self.vault.conversation_index(talk), PEER.node

    def examine(self, *messages: AuthenticStatement) -> list[Examined | Refusal]:
        """Steps 13 to 15 for these."""
        found = self.admission.examine_messages(self.connection, self.peer, messages)
        return [found[one.statement.id] for one in messages]

    def accept(
        self,
        message: AuthenticStatement,
        *before: AcceptedMessage,
        held: Any = None,
        behind_gap: bool = False,
        tables: tuple[Any, ...] | None = None,
    ) -> AcceptedMessage | Refusal:
        """Steps 16 and 17 for one, behind those of the same request; `held` is its conversation."""
        (examined,) = self.examine(message)
        assert isinstance(examined, Examined)
        if tables is not None:
            examined = replace(examined, submitted=tables)
        conversations: Any = {} if held is None else {self.key(message): held}
        return self.admission.accept_message(
            self.peer, examined, conversations=conversations, before=before, behind_gap=behind_gap
        )


@pytest.fixture
def desk(vault: ContentSealer) -> Desk:
    """With which everything is agreed, and which knows nothing."""
    return Desk(vault)


def known(*records: dict[str, Any], by: str = PEER.node, withdrawals: tuple[Any, ...] = ()) -> Known:
    """What is known of a consent."""
    empty = Known(index=b"i", rows=(), held=(), withdrawals=withdrawals, withdrawn_in=None, damaged=frozenset())
    return empty.with_news(by, records, (), NOW) if records else empty


def accepted(message: AuthenticStatement) -> AcceptedMessage:
    """A message of the same request that was taken."""
    examined = steps.examine_message(message, scope=standing())
    return AcceptedMessage(**{name: getattr(examined, name) for name in ExaminedMessage.__dataclass_fields__})


def other(name: str, talk: str = "o" * 21 + "A", **stated: Any) -> AuthenticStatement:
    """A message of another conversation."""
    return said(name, conv=talk, **stated)


# --- conversations ----------------------------------------------------------------------------------------------------


def test_the_conversations_of_what_is_judged_are_loaded(desk: Desk) -> None:
    """In the read of the request, each once, whole where words are compared; not of what nothing may stop."""
    talk, third = b64u(b"1" * 16), b64u(b"3" * 16)
    messages = [
        other(REFERRAL, talk),
        other(REFERRAL, talk),
        other(WITHDRAWAL, b64u(b"2" * 16), purpose=None),
    ]
    correction = other(ENQUIRY, third)
    messages.append(replace(correction, statement=replace(correction.statement, body_type="data.correction/1")))
    desk.admission.load_conversations(desk.connection, PEER.node, messages)
    keys = {(desk.vault.conversation_index(one), PEER.node) for one in (talk, third)}
    assert desk.loaded == [(keys, {(desk.vault.conversation_index(third), PEER.node)})]


def test_a_conversation_goes_on_with_what_came_before_it(desk: Desk) -> None:
    """In the same request and in its conversation; what came in another one says nothing here."""
    desk.context = ConversationContext(conversation=Talk().conversation(), side=RECEIVING)
    first, strange = accepted(said(REFERRAL)), accepted(other(ENQUIRY))
    message = said(REFERRAL, conv=first.conversation)
    held = Talked([])
    desk.accept(message, first, strange, held=held)
    assert desk.contexts == [(held, desk.key(message), "referral.request/1")]
    assert [one.id for one in held.also] == [first.id]


def test_what_came_just_before_may_be_what_a_message_needs(desk: Desk) -> None:
    """A referral is taken back behind its request, which is not stored yet; where none was made nothing can be."""
    desk.context = ConversationContext(conversation=SILENT, side=HOST)
    request = accepted(said(REFERRAL))
    message = said("referral.withdraw.1/valid-solved", conv=request.conversation, n=2, prev=b64u(b"1" * 32))
    assert desk.accept(message, held=Talked([])) == Refusal(Code.OUT_OF_ORDER)
    assert isinstance(desk.accept(message, request, held=Talked([])), AcceptedMessage)


def test_a_message_of_no_conversation(desk: Desk) -> None:
    """Nothing is asked of one that is not held, and nothing was said in it."""
    assert isinstance(desk.accept(said(REFERRAL)), AcceptedMessage)
    assert desk.contexts == []
    held, message = Talked([]), said(REFERRAL)
    assert isinstance(desk.accept(message, held=held), AcceptedMessage)
    assert desk.contexts == [(held, desk.key(message), "referral.request/1")]


@pytest.mark.parametrize(("behind_gap", "taken"), [(False, False), (True, True)])
def test_behind_a_gap_a_conversation_refuses_nothing(desk: Desk, behind_gap: bool, taken: bool) -> None:
    """What is missing may say why it is in place."""
    desk.context = ConversationContext(conversation=Talk().conversation(), side=RECEIVING)
    found = desk.accept(said("referral.accept.1/valid-conditions"), held=Talked([]), behind_gap=behind_gap)
    assert isinstance(found, AcceptedMessage) is taken
    assert taken or found == Refusal(Code.OUT_OF_ORDER)


@pytest.mark.parametrize(("behind_gap", "code"), [(False, Code.GATE_G2), (True, None)])
def test_behind_a_gap_a_correction_may_be_of_what_is_missing(desk: Desk, behind_gap: bool, code: Code | None) -> None:
    """Where nothing is missing the message that it corrects has to be here."""
    found = desk.accept(said("data.correction.1/valid-new-value"), behind_gap=behind_gap)
    assert (found.code if isinstance(found, Refusal) else None) == code


# --- consents ---------------------------------------------------------------------------------------------------------


def test_a_consent_is_looked_up_once_for_all_messages(desk: Desk) -> None:
    """In the read of the request, for those that passed and a gate will ask for it; each has what is found."""
    desk.known[CONSENT] = known(example(RECORD)["content"])
    first, second = said(REFERRAL), other(REFERRAL)
    withdrawal, enquiry = other(WITHDRAWAL, purpose=None), other(ENQUIRY)
    found = desk.examine(first, second, withdrawal, enquiry)
    assert desk.asked == [CONSENT]
    consents = [one.consent for one in found if isinstance(one, Examined)]
    assert consents == [desk.known[CONSENT], desk.known[CONSENT], None, None]


def test_what_is_not_agreed_asks_nothing(desk: Desk) -> None:
    """It is refused under its own code, and the others are examined."""
    unknown = said(REFERRAL, lambda body: body["content"].update(referral_kind="no_such_code"))
    refused, good = desk.examine(unknown, other(ENQUIRY))
    assert (refused, desk.asked) == (Refusal(Code.GATE_G11), [])
    assert isinstance(good, Examined)


def test_what_is_agreed_counts_as_of_now(desk: Desk) -> None:
    """From the second on in which an agreement ends nothing passes by it."""
    desk.peer.standing = lambda now: standing() if now < NOW + 5 else standing(agreed=NOTHING)
    desk.clock.at = NOW + 4
    assert isinstance(desk.examine(said(REFERRAL))[0], Examined)
    desk.clock.at = NOW + 5
    assert desk.examine(said(REFERRAL)) == [Refusal(Code.OUT_OF_SCOPE)]


RECORDED = example(RECORD, B.first().node)["content"]


def test_a_record_and_its_withdrawal_in_the_same_request_count(desk: Desk) -> None:
    """In their order, of this consent alone, and as said by who sent them."""
    record = accepted(other(RECORD, purpose=None))
    whole = replace(record, content=RECORDED | {"consent_id": CONSENT})
    narrow = replace(whole, content=whole.content | {"grants": []})
    strange = replace(record, content=RECORDED | {"consent_id": b64u(b"another consent!"), "grants": []})
    taken_back = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": NOW}
    withdrawal = replace(record, body_type="consent.withdrawal/1", content=taken_back)
    for before, expected in (
        ((), None),
        ((strange,), None),
        ((whole,), None),
        ((narrow,), Code.GATE_G2),
        ((withdrawal,), Code.GATE_G7),
        ((replace(withdrawal, content=taken_back | {"consent_id": b64u(b"another consent!")}),), None),
    ):
        found = desk.accept(said(REFERRAL), *before)
        assert (found.code if isinstance(found, Refusal) else None) == expected, before


def test_who_recorded_a_consent_counts(desk: Desk) -> None:
    """One that only a third node recorded was passed on; one of the sender or of this node was not."""
    whole = RECORDED | {"consent_id": CONSENT}
    for by, expected in ((PEER.node, None), (OWN, None), ("n1third", Code.GATE_G2)):
        desk.known[CONSENT] = known(whole, by=by)
        found = desk.accept(said(REFERRAL))
        assert (found.code if isinstance(found, Refusal) else None) == expected


def test_a_consent_that_was_taken_back_without_a_record(desk: Desk) -> None:
    """The withdrawal came first."""
    desk.known[CONSENT] = known(withdrawals=({"scope": "all", "withdrawn_on": NOW},))
    assert desk.accept(said(REFERRAL)) == Refusal(Code.GATE_G7)


# --- units ------------------------------------------------------------------------------------------------------------


def test_the_facts_are_those_of_signed_descriptors(desk: Desk) -> None:
    """Kind and roles of the sending unit by its node, those of our own by this one and its settings."""
    facts = desk.admission._build_facts(desk.peer, desk.examine(said(REFERRAL))[0], {}, ())
    assert (facts.sender_roles, facts.recipient is not None and facts.recipient.kind) == (SIGNED, UnitKind.NGO)
    assert facts.recipient is not None and facts.recipient.current
    desk.clock.at = B.first().expires
    stale = desk.admission._build_facts(desk.peer, desk.examine(said(REFERRAL))[0], {}, ())
    assert stale.recipient is not None and not stale.recipient.current
    assert (facts.consent, facts.recorded_by, facts.withdrawn) == (None, frozenset(), False)


@pytest.mark.parametrize(
    ("kind", "role", "found"),
    [
        (UnitKind.NGO, "police_liaison", UnitKind.NGO),
        (None, "police_liaison", UnitKind.PUBLIC_AUTHORITY),
        (None, "national_focal_point", None),
    ],
)
def test_the_kind_of_who_speaks(desk: Desk, kind: UnitKind | None, role: str, found: UnitKind | None) -> None:
    """As its node signed it; where it named none, by the role in which it speaks."""
    unit = Unit(id=HEADER["sender_unit"], name="theirs", roles=(), kind=kind)
    desk.peer.descriptor = replace(PEER, units=(unit,))
    (examined,) = desk.examine(said(REFERRAL))
    assert isinstance(examined, Examined)
    header = examined.message.header | {"sender_role": role}
    told = replace(examined, message=replace(examined.message, header=header))
    assert desk.admission._build_facts(desk.peer, told, {}, ()).sender_kind == found


# --- tables of statistics ---------------------------------------------------------------------------------------------


def test_what_a_peer_submitted_before_is_loaded_for_its_tables(desk: Desk) -> None:
    """Of this peer, and for no other message."""
    table = other(TABLE, purpose=None)
    read = submissions.read(accepted(table).content)
    assert read is not None
    for by in (PEER.node, "n1other"):
        statistics.add_submitted(desk.connection, by, replace(read, digest=f"of {by}"), NOW)
    found = [one.submitted for one in desk.examine(table, other(ENQUIRY)) if isinstance(one, Examined)]
    assert [one.digest for one in found[0]] == [f"of {PEER.node}"]
    assert [one.submitted for one in desk.examine(other(ENQUIRY)) if isinstance(one, Examined)] == [()]


def test_a_table_that_could_be_subtracted_is_refused(desk: Desk) -> None:
    """From one of before, or of the same request; the same table once more is none."""
    first = other(TABLE, purpose=None)
    read = submissions.read(accepted(first).content)
    assert read is not None
    overlap = replace(read, digest="another")
    assert isinstance(desk.accept(first, tables=()), AcceptedMessage)
    assert isinstance(desk.accept(first, tables=(read,)), AcceptedMessage)
    assert desk.accept(first, tables=(overlap,)) == Refusal(Code.GATE_G12)
    earlier = accepted(first)
    assert isinstance(desk.accept(first, earlier, tables=()), AcceptedMessage)
    cells = [dict(cell) for cell in earlier.content["cells"]]
    changed = replace(earlier, content=earlier.content | {"cells": cells[:-1]})
    assert desk.accept(first, changed, tables=()) == Refusal(Code.GATE_G12)
    assert isinstance(desk.accept(other(ENQUIRY), changed, tables=(overlap,)), AcceptedMessage)


def test_a_refusal_of_a_step_is_told_by_its_code(desk: Desk) -> None:
    """As it is where a peer may know it."""
    with pytest.raises(RemoteError):
        steps.examine_message(said(REFERRAL, purpose=None), scope=standing())
    assert desk.examine(said(REFERRAL, purpose=None)) == [Refusal(Code.SCHEMA)]
