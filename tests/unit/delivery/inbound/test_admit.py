"""Scope, body and conversation of an authentic message: steps 13 to 17 (threats 26, 40, 55)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.endpoints import EVERYTHING, EXAMPLES, consent, example, held, purpose_of, standing, type_of
from support.incoming import PART, SENDER, A, B, arrive, framed, said
from support.nodes import NOW, refused
from support.tables import table
from support.talk import HOST, RECEIVING, Talk, requested
from support.zones import standing_in

import schemas
from gateway.conversations.history import Opened, Side
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Said, extract
from gateway.conversations.rules.fold import Impossible, JudgementPoint
from gateway.conversations.rules.machines import Kind
from gateway.conversations.rules.order import place
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.steps import ReceiverContext
from gateway.errors import Code, RemoteError
from gateway.messages.types import AcceptedMessage, AuthenticStatement, LinkPosition
from gateway.peers.scope import NOTHING, Agreed, Direction, PeerState
from gateway.policy.gates.gate_table import UnitKind
from keys.documents import envelope as wire
from keys.primitives.attachment_cipher import part_length
from keys.primitives.encoding import canon

REFERRAL = "referral.request.1/valid-minimal"
ENQUIRY = "enquiry.capacity.1/valid-minimal"
WITHDRAWAL = "consent.withdrawal.1/valid-all"
VALID = sorted(f"{found.parent.name}/{found.stem}" for found in EXAMPLES.glob("*/valid-*.json"))


def admit(
    statement: AuthenticStatement,
    *,
    state: PeerState = PeerState.ACTIVE,
    scope: Agreed = EVERYTHING,
    knows: ReceiverContext | None = None,
    around: ConversationContext | None = None,
) -> AcceptedMessage:
    """Steps 13 to 17 for an active peer that may say everything."""
    examined = steps.examine_message(statement, scope=standing(state, scope))
    return steps.accept_message(examined, known=knows or held(), conversation=around, own_node=B.first().node)


@table("name", [name for name in VALID if not name.startswith("data.correction.1")])  # those need what they correct
def test_every_valid_example_is_admitted(name: str) -> None:
    """The halves of the body and what the statement says are what the message holds."""
    stated = said(name, purpose=purpose_of(name))
    message = admit(stated)
    assert {"header": message.header, "content": message.content} == json.loads(stated.body)
    assert (message.id, message.sender, message.position.n) == (stated.statement.id, A.first().node, 1)


def test_what_is_kept_of_a_message_proves_what_its_sender_signed() -> None:
    """Statement, signatures, secret and body go on as they came, so that whoever has them can verify them again."""
    arrived = said(REFERRAL, n=2, prev="C" * 42 + "A")
    stated, message = arrived.statement, admit(arrived)
    message.proof.batch.verify(A.sig.public)
    assert wire.Statement.parse(message.statement) == stated
    assert wire.compute_commitment(message.secret, message.body) == stated.commit
    assert message.position == LinkPosition(epoch=1, n=2, prev="C" * 42 + "A")
    assert (message.statement_hash, message.conversation) == (wire.statement_hash(message.statement), stated.conv)
    assert message.proof_hash == arrived.proof_hash


# --- steps 13 and 15 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    [
        NOTHING,
        replace(EVERYTHING, directions=frozenset({Direction.SEND})),
        replace(EVERYTHING, types=frozenset({"referral.accept"})),
        replace(EVERYTHING, corridors=frozenset({("FR", "AL")})),
        replace(EVERYTHING, purposes=frozenset({"return"})),
        replace(EVERYTHING, max_bytes=100),
        replace(EVERYTHING, units=frozenset()),
        replace(EVERYTHING, peer_units=frozenset()),
        replace(EVERYTHING, roles=frozenset()),
    ],
    ids=["empty", "only sent", "type", "corridor", "purpose", "size", "our unit", "their unit", "role"],
)
def test_row_40_out_of_scope(scope: Agreed) -> None:
    """What the effective scope does not list in this direction is refused, by each of its members."""
    with refused(Code.OUT_OF_SCOPE):
        admit(said(REFERRAL), scope=scope)


@pytest.mark.parametrize("state", sorted(set(PeerState) - {PeerState.ACTIVE}))
def test_out_of_scope_by_state(state: PeerState) -> None:
    """nrm1 4.13: of a peer that is not active nothing but the never-blocked types is taken."""
    with refused(Code.OUT_OF_SCOPE):
        admit(said(REFERRAL), state=state)


TYPE_NOT_AGREED = [
    standing(PeerState.ACTIVE, NOTHING),
    standing(PeerState.ACTIVE, replace(EVERYTHING, directions=frozenset({Direction.SEND}))),
    standing(PeerState.ACTIVE, replace(EVERYTHING, types=frozenset({"referral.accept"}))),
    standing(PeerState.ACTIVE, replace(EVERYTHING, corridors=frozenset({("FR", "AL")}))),
    *(standing(state, EVERYTHING) for state in sorted(set(PeerState) - {PeerState.ACTIVE})),
]


@pytest.mark.parametrize(
    ("change", "stated", "code"),
    [
        (lambda body: body["content"].update(name="Erë"), {}, Code.SCHEMA),
        (lambda body: body["content"].update(referral_kind="no_such_code"), {}, Code.GATE_G11),
        (lambda body: None, {"schema": "sha256:" + "5a" * 32}, Code.SCHEMA),
    ],
    ids=["shape", "code", "schema"],
)
def test_what_is_not_agreed_is_refused_before_its_body_is_looked_at(
    change: Callable[[Any], object], stated: dict[str, Any], code: Code
) -> None:
    """nrm1 4.13: a type that is not agreed is told as that, whatever stands in the body, and nothing is said of the
    body; where the type is agreed the same body is refused for what is wrong with it.
    """
    message = said(REFERRAL, change, **stated)
    for scope in TYPE_NOT_AGREED:
        with pytest.raises(RemoteError) as caught:
            steps.examine_message(message, scope=scope)
        assert (caught.value.code, caught.value.findings) == (Code.OUT_OF_SCOPE, ())
    with refused(code):
        steps.examine_message(message, scope=standing())


def test_a_withdrawal_is_never_blocked() -> None:
    """nrm1 4.20, G10: it passes an empty scope, a suspension by a person, and the want of a purpose."""
    stated = said(WITHDRAWAL, purpose=None)
    assert admit(stated, state=PeerState.SUSPENDED, scope=NOTHING).body_type == "consent.withdrawal/1"
    for state in (PeerState.SUSPENDED_FOR_CAUSE, PeerState.REVOKED):
        with refused(Code.OUT_OF_SCOPE):
            admit(stated, state=state)


# --- files -----------------------------------------------------------------------------------------------------------


def with_files(count: int, named: list[int], **part: Any) -> AuthenticStatement:
    """A referral with so many files, of which the body names these."""
    files = tuple(replace(PART, n=n, **part) for n in range(count))
    secret = wire.Secret(salt=b"s" * 32, parts=files).encode()
    value = example(REFERRAL)
    value["content"]["attachments"] = [{"part": n, "doc_kind": "other"} for n in named]
    body = canon(value)
    stated = SENDER.statement(
        parts=tuple(part_length(file.size) for file in files),
        commit=wire.compute_commitment(secret, body),
        schema=schemas.load_catalogue().get("referral.request/1").schema,
    )
    return arrive(framed(stated, secret=secret, body=body))


def test_files_that_the_body_names() -> None:
    """In any order, each once."""
    assert admit(with_files(2, [1, 0])).content["attachments"]


@pytest.mark.parametrize(
    ("count", "named"), [(1, []), (0, [0]), (1, [1]), (2, [0]), (1, [0, 0]), (2, [0, 0]), (1, [0, 1])]
)
def test_a_file_that_the_body_does_not_name(count: int, named: list[int]) -> None:
    """Or names twice, or that does not go with it: nobody would know what it is."""
    if named:
        with refused(Code.SCHEMA, "files"):
            admit(with_files(count, named))
        return
    with refused(Code.SCHEMA, "files"):
        admit(replace(with_files(count, [0]), value=example(REFERRAL)))


def test_a_file_of_a_type_that_is_not_taken() -> None:
    """Whatever it is said to be."""
    with refused(Code.SCHEMA, "files"):
        admit(with_files(1, [0], media="application/x-msdownload"))


def test_a_file_larger_than_agreed() -> None:
    """Refused before any byte of it comes."""
    with refused(Code.TOO_LARGE, "agreed"):
        admit(with_files(1, [0], size=EVERYTHING.max_file_bytes + 1))
    assert admit(with_files(1, [0], size=EVERYTHING.max_file_bytes))


def test_row_55_another_length_than_the_parts_say() -> None:
    """Step 11: what stands outside is what the secret needs."""
    secret = wire.Secret(salt=b"s" * 32, parts=(PART,)).encode()
    body = canon(example(REFERRAL))
    stated = SENDER.statement(parts=(part_length(PART.size) + 1,), commit=wire.compute_commitment(secret, body))
    with refused(Code.MALFORMED, "parts"):
        arrive(framed(stated, secret=secret, body=body))


# --- step 14 ---------------------------------------------------------------------------------------------------------


def test_a_consent_record_needs_no_purpose() -> None:
    """It states purposes itself; the sender's gate G2 asks for none."""
    assert admit(said("consent.record.1/valid-adult", purpose=None)).purpose is None


def test_purpose() -> None:
    """Personal data name a purpose, and a purpose is a code of the list (G2, G11)."""
    with refused(Code.SCHEMA, "purpose"):
        admit(said(REFERRAL, purpose=None))
    with refused(Code.GATE_G11, "purpose"):
        admit(said(ENQUIRY, purpose="curiosity"))
    assert admit(said(ENQUIRY, purpose=None)).purpose is None


def test_schema_by_hash() -> None:
    """A schema that is not held is refused; so is a true body of one type under the name of another."""
    with refused(Code.SCHEMA):
        admit(said(REFERRAL, schema="sha256:" + "5a" * 32))
    with refused(Code.SCHEMA):
        admit(said(ENQUIRY, body_type="referral.accept/1"))


@pytest.mark.parametrize(
    "data",
    [
        b'{"header": {}}',
        b'{"a":1,"a":1}',
        b"\xff",
        b"",
        b"null",
        b"[" * 30 + b"]" * 30,
        b'{"content":{},"header":{"seen":1.0}}',
        b'{"content":{},"header":{"seen":9007199254740992}}',
    ],
    ids=["space", "duplicate", "not utf-8", "empty", "null", "deep", "float", "big integer"],
)
def test_rows_23_and_24_a_body_that_is_no_canonical_json(data: bytes) -> None:
    """The body is read as strictly as everything else, before its number is looked at: it cannot be committed to."""
    with refused(Code.MALFORMED):
        arrive(framed(SENDER.statement(), body=data))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(more=1),
        lambda body: body["content"].update(name="Erë"),
        lambda body: body["header"].update(override=True),
        lambda body: body["content"].pop("person"),
        lambda body: body["header"].update(seen=True),
    ],
    ids=["body", "content", "header", "missing", "type"],
)
def test_row_55_a_body_of_another_shape(change: Callable[[Any], object]) -> None:
    """Unknown, missing and wrong members of the body are refused; the findings name places, never values."""
    with pytest.raises(RemoteError) as caught:
        admit(said(REFERRAL, change))
    assert caught.value.code is Code.SCHEMA
    assert caught.value.findings
    assert "Erë" not in repr((caught.value.findings, str(caught.value)))


def test_an_unknown_code_is_gate_11() -> None:
    """G11: a code that this node does not know is refused under its own name, never replaced."""
    with refused(Code.GATE_G11):
        admit(said(REFERRAL, lambda body: body["content"].update(referral_kind="no_such_code")))


def points(text: str) -> str:
    """The characters of a text as a name of a test that can be given on a command line."""
    return "-".join(f"{ord(char):x}" for char in text)


HIDDEN = ["a\u202eb", "a\u2066b", "a\u200bb", "a\u200db", "\U000e0041", "a\0b", "a\x1bb", "\ue000"]
CORRIDORS = ["Erë", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "क्\u200dष", "Оксана", "ⴰⵎⴰⵣⵉⵖ"]


@pytest.mark.parametrize("text", [*HIDDEN, unicodedata.normalize("NFD", "é")], ids=points)
def test_row_26_the_text_policy(text: str) -> None:
    """nrm1 1.15: bidi controls, invisible and control characters and other spellings are refused."""
    with refused(Code.SCHEMA):
        admit(said(REFERRAL, lambda body: body["content"]["person"].update(pseudonym=text)))


@pytest.mark.parametrize("text", CORRIDORS, ids=points)
def test_row_26_text_of_the_corridors_passes(text: str) -> None:
    """What people write passes, joiners included where a script needs them."""
    stated = said(REFERRAL, lambda body: body["content"]["person"].update(pseudonym=text))
    assert admit(stated).content["person"]["pseudonym"] == text  # type: ignore[index, call-overload]


# --- step 16: gates -------------------------------------------------------------------------------------------------

KNOWN = consent(B.first().node)
"""What the record of the examples covers for B's unit."""


def test_gates_with_what_the_receiver_holds() -> None:
    """A referral that its record covers is admitted; with no record here the sender's word stands."""
    for knows in (held(KNOWN, recorded_by=frozenset({A.first().node})), held(None)):
        assert admit(said(REFERRAL), knows=knows).body_type == "referral.request/1"


@pytest.mark.parametrize(
    ("knows", "code"),
    [
        (held(replace(KNOWN, grants=())), Code.GATE_G2),
        (held(KNOWN, recorded_by=frozenset({"n1third"})), Code.GATE_G2),
        (held(replace(KNOWN, withdrawn_all=True)), Code.GATE_G7),
        (held(None, withdrawn=True), Code.GATE_G7),
    ],
    ids=["not covered", "passed on", "withdrawn", "withdrawal without a record"],
)
def test_gates_2_and_7_at_the_receiver(knows: ReceiverContext, code: Code) -> None:
    """The recipient enforces the scope (domain 7.8); findings name gate and place."""
    with pytest.raises(RemoteError) as caught:
        admit(said(REFERRAL), knows=knows)
    assert caught.value.code is code
    assert {(finding.rule, finding.place) for finding in caught.value.findings} >= {(code, "/header/consent_ref")}
    assert all(finding.hint for finding in caught.value.findings)


def test_a_grant_holds_on_the_day_of_the_statement() -> None:
    """What was on its way when a grant ended is not unlawful; what was signed a day later is."""
    day = datetime.fromtimestamp(NOW, UTC).date()
    for days, code in ((0, None), (-1, Code.GATE_G2)):
        ended = replace(KNOWN, grants=tuple(replace(g, until=day + timedelta(days=days)) for g in KNOWN.grants))
        if code is None:
            assert admit(said(REFERRAL), knows=held(ended))
            continue
        with refused(code):
            admit(said(REFERRAL), knows=held(ended))


def test_the_day_of_a_statement_is_one_of_utc() -> None:
    """A grant ends with the day that both sides count, wherever a node stands."""
    day = datetime.fromtimestamp(NOW, UTC).date() - timedelta(days=1)
    ended = replace(KNOWN, grants=tuple(replace(g, until=day) for g in KNOWN.grants))
    with standing_in("America/Anchorage"), refused(Code.GATE_G2):
        admit(said(REFERRAL), knows=held(ended))


def test_gate_6_at_the_receiver() -> None:
    """A transfer on consent by a unit that its directory shows to be an authority."""
    stated = said(REFERRAL, lambda body: body["header"].update(transfer_basis="consent_49_1_a"))
    assert admit(stated)
    with refused(Code.GATE_G6):
        admit(stated, knows=held(sender_kind=UnitKind.PUBLIC_AUTHORITY))


def test_gates_1_5_and_9_at_the_receiver() -> None:
    """What the message alone shows: identifiers in an enquiry, asylum towards its State, criminal data to a desk."""
    with refused(Code.GATE_G1):
        admit(said(ENQUIRY, lambda body: body["content"].update(note="her passport is AB1234567")))
    asylum = {"legal_status": "asylum_pending"}
    with refused(Code.GATE_G5):
        admit(said(REFERRAL, lambda body: (body["content"].update(asylum), _nationality(body, "FR"))))
    assert admit(said(REFERRAL, lambda body: (body["content"].update(asylum), _nationality(body, "UA"))))
    with refused(Code.GATE_G9):
        admit(said(REFERRAL, lambda body: body["content"].update(proceedings=[{"proceeding": "criminal_witness"}])))


def _nationality(body: Any, country: str) -> None:
    body["content"]["person"]["nationalities"] = [country]


def test_danger_to_life_at_the_receiver() -> None:
    """Its form is judged; an approver who is the author is none."""
    name = "referral.request.1/valid-vital-interest"
    assert admit(said(name))
    with refused(Code.GATE_G2):
        admit(
            said(name, lambda body: body["header"]["vital_interest"].update(approver_ref=body["header"]["author_ref"]))
        )


def test_a_withdrawal_passes_closed_gates() -> None:
    """G10 at the receiver: whatever is known of the consent."""
    assert admit(said(WITHDRAWAL, purpose=None), knows=held(replace(KNOWN, withdrawn_all=True), withdrawn=True))


# --- step 17: the conversation ---------------------------------------------------------------------------------------


def test_what_no_honest_node_would_have_sent_is_refused() -> None:
    """The receiving side makes no request; who began does, and behind a gap nothing is refused."""
    stated = said(REFERRAL)
    host = ConversationContext(conversation=Talk().conversation(), side=HOST)
    assert admit(stated, around=host).body_type == "referral.request/1"
    receiving = replace(host, side=RECEIVING)
    with refused(Code.OUT_OF_ORDER):
        admit(stated, around=receiving)
    assert admit(stated, around=replace(receiving, partial=True))


def enquired() -> Talk:
    """An enquiry that the other side has received."""
    talk = Talk(kind=Kind.ENQUIRY)
    talk.say(HOST, "enquiry.capacity")
    return talk


@pytest.mark.parametrize(
    ("talk", "answer"),
    [(requested(), "referral.accept.1/valid-minimal"), (enquired(), "enquiry.reply.1/valid-no")],
    ids=["referral", "enquiry"],
)
def test_an_answer_that_came_late_is_admitted(talk: Talk, answer: str) -> None:
    """What the sender would not write any more may have left in time: it is taken, and not applied."""
    seen = talk.messages[-1].n
    stated = said(answer, lambda body: body["header"].update(seen=seen))
    around = ConversationContext(conversation=talk.conversation(), side=RECEIVING)
    late = steps.to_conversation_message(steps.examine_message(stated, scope=standing()), around)
    assert isinstance(around.judge(late, step=JudgementPoint.SUBMISSION), Impossible)
    assert admit(stated, around=around).body_type == type_of(answer)


def test_a_message_as_conversations_and_gates_take_it() -> None:
    """What its sender signed, told from this side: where it stands on the link, and that it has arrived."""
    stated = said(REFERRAL, epoch=2, reply_to="B" * 21 + "A")
    body = json.loads(stated.body)
    examined = steps.examine_message(stated, scope=standing())
    around = ConversationContext(conversation=Talk().conversation(), side=HOST)
    taken = steps.to_conversation_message(examined, around)
    assert (taken.id, taken.side, taken.kind) == (stated.statement.id, HOST, "referral.request")
    assert (taken.n, taken.created) == (place(2, stated.statement.n), stated.statement.created)
    assert (taken.reply_to, taken.seen) == ("B" * 21 + "A", body["header"]["seen"])
    accepted = said("referral.accept.1/valid-conditions")
    taken = steps.to_conversation_message(steps.examine_message(accepted, scope=standing()), around)
    assert taken.said == extract("referral.accept", json.loads(accepted.body)["content"]) != Said()
    assert steps.to_gate_message(examined) == Opened(
        body_type="referral.request/1",
        side=Side.THEIRS,
        created=stated.statement.created,
        header=body["header"],
        content=body["content"],
        id=stated.statement.id,
        schema=stated.statement.schema,
        arrived=True,
    )


def test_scope_and_gates_are_judged_before_the_conversation() -> None:
    """What is not agreed, or not permitted, is refused under that name, whatever the conversation says."""
    around = ConversationContext(conversation=Talk().conversation(), side=RECEIVING)
    with refused(Code.OUT_OF_SCOPE):
        admit(said(REFERRAL), scope=NOTHING, around=around)
    with refused(Code.GATE_G2):
        admit(said(REFERRAL), knows=held(replace(KNOWN, grants=())), around=around)
