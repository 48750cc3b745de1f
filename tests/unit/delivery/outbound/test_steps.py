"""The outgoing procedure: every refusal of scope, gates and schema through `submit`, and what departs (domain 3.16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from support.endpoints import (
    EVERYTHING,
    EXAMPLES,
    MET,
    OPEN,
    TODAY,
    Endpoint,
    circumstances,
    consent,
    header_with,
    open_envelope,
)
from support.gate_facts import giver_for
from support.growth import HOSTILE, MOST, measure_growth
from support.incoming import A, B
from support.nodes import NOW, Node
from support.tables import table
from support.talk import HOST, HOUR, RECEIVING, Talk, requested

import schemas
from gateway.consent.rules import Consent, Denial, Grant, withdraw
from gateway.conversations.history import NOTHING_SAID, History
from gateway.conversations.rules.context import ConversationContext
from gateway.delivery.outbound import departure_steps, steps
from gateway.errors import Code, RefusedError
from gateway.messages.types import Draft, LinkPosition, ValidMessage
from gateway.peers.scope import NOTHING, Agreed, Direction, PeerState
from gateway.policy.circumstances import Circumstances
from gateway.policy.gates.gate_table import UnitKind
from keys.documents.envelope import Statement
from keys.documents.keyset import accept_keyset
from keys.primitives.encoding import DAY

REFERRAL = "referral.request.1/valid-minimal"
ENQUIRY = "enquiry.capacity.1/valid-minimal"
DECLINE = "referral.decline.1/valid-capacity"
RECORD = "consent.record.1/valid-adult"
WITHDRAWAL = "consent.withdrawal.1/valid-all"
VALID = sorted(f"{found.parent.name}/{found.stem}" for found in EXAMPLES.glob("*/valid-*.json"))
ONAC = f"{B.first().node}/onac"
HELD = consent(B.first().node)


def sender(**changes: Any) -> Endpoint:
    """A's end of the link to B."""
    a, _ = Endpoint.pair(A, B)
    return replace(a, **changes)


def refusal(code: Code, draft: Draft, facts: Circumstances | None = None, **end: Any) -> RefusedError:
    """The refusal of a draft, which has this code."""
    with pytest.raises(RefusedError) as caught:
        sender(**end).submit(draft, facts or circumstances(HELD))
    assert caught.value.code is code
    return caught.value


def drafted(name: str, **changes: Any) -> Draft:
    """A draft of an example."""
    return sender().draft(name, **changes)


def met(draft: Draft) -> History:
    """A history that meets what the example needs: a child's, but where only an adult can do what it says."""
    if "transfer" in draft.content:
        return replace(MET, age_group="adult", legal_status="eu_transfer_pending")
    if not {"decision", "against_advice"} & set(draft.content):
        return MET
    adult = replace(MET, age_group="adult", legal_status="irregular")
    return replace(adult, parts={}, joint={}) if "against_advice" in draft.content else adult


def covering(draft: Draft) -> Consent:
    """A consent that covers everything for this draft."""
    return Consent(
        consent_id=str(draft.header.get("consent_ref")),
        given_by=giver_for(draft.body_type, draft.content, met(draft), TODAY),
        assent=None,
        grants=(
            Grant(
                purpose=str(draft.purpose),
                recipient_units=frozenset({f"{draft.to}/{draft.header['recipient_unit']}"}),
                data_categories=frozenset(entry.code for entry in schemas.code_list("data_category").codes),
                until=None,
            ),
        ),
        denials=(),
        taken_on=date(2026, 11, 20),
        informed=True,
        transfer_risks_told=True,
        onward_sharing=False,
    )


@table("name", [name for name in VALID if not name.startswith("data.correction.1")])  # those need what they correct
def test_every_valid_example_arrives(name: str) -> None:
    """With consent and scope each example passes all steps out and in, and is the same message on the other side."""
    a, b = Endpoint.pair(A, B)
    draft = a.draft(name)
    claim = draft.header.get("vital_interest")
    approver = claim["approver_ref"] if isinstance(claim, dict) else None
    message = a.submit(draft, circumstances(covering(draft), approver=approver, history=met(draft)))
    assert b.receive(a.send(message).data).code is None
    (accepted,) = b.accepted
    assert (accepted.id, accepted.body, accepted.schema) == (message.id, message.body, message.schema)
    assert (accepted.header, accepted.content) == (draft.header, draft.content)


# --- step 1: scope ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(set(PeerState) - {PeerState.ACTIVE}))
def test_a_peer_that_is_not_active(state: PeerState) -> None:
    """Nothing goes to it, and the administrator is told where to look."""
    assert "administrator" in refusal(Code.NOT_ACTIVE, drafted(ENQUIRY), state=state).hint


@pytest.mark.parametrize(
    "scope",
    [
        NOTHING,
        replace(EVERYTHING, directions=frozenset({Direction.RECEIVE})),
        replace(EVERYTHING, types=frozenset({"referral.accept"})),
        replace(EVERYTHING, corridors=frozenset({("FR", "AL")})),
        replace(EVERYTHING, purposes=frozenset({"return"})),
        replace(EVERYTHING, max_bytes=100),
        replace(EVERYTHING, units=frozenset()),
        replace(EVERYTHING, peer_units=frozenset()),
        replace(EVERYTHING, roles=frozenset()),
    ],
    ids=["empty", "only received", "type", "corridor", "purpose", "size", "our unit", "their unit", "role"],
)
def test_row_40_out_of_scope(scope: Agreed) -> None:
    """A message goes only where each member of the effective scope lists it; an empty scope refuses."""
    refusal(Code.OUT_OF_SCOPE, drafted(ENQUIRY), scope=scope)


def test_a_type_that_is_not_held() -> None:
    """A type without a schema is refused before anything else."""
    refusal(Code.NO_COMMON_SCHEMA, drafted(ENQUIRY, body_type="enquiry.weather/1"))


# --- step 2: gates ---------------------------------------------------------------------------------------------------


def referral(**header: Any) -> Draft:
    """A referral with other header members; None leaves one out."""
    draft = drafted(REFERRAL)
    return replace(draft, header=header_with(draft, **header))


GRANT = HELD.grants[0]
OTHER_UNIT = f"{B.first().node}/other"


@pytest.mark.parametrize(
    ("facts", "draft"),
    [
        (circumstances(None), referral()),
        (circumstances(replace(HELD, consent_id="A" * 22)), referral()),
        (circumstances(HELD), referral(consent_ref=None)),
        (circumstances(HELD), replace(referral(), purpose=None)),
        (circumstances(HELD), replace(referral(), purpose="assistance")),
        (circumstances(replace(HELD, informed=False)), referral()),
        (circumstances(replace(HELD, grants=(replace(GRANT, recipient_units=frozenset({OTHER_UNIT})),))), referral()),
        (circumstances(replace(HELD, grants=(replace(GRANT, data_categories=frozenset({"needs"})),))), referral()),
        (circumstances(replace(HELD, denials=(Denial(purpose=None, unit=ONAC, category=None),))), referral()),
        (circumstances(HELD, today=date(2027, 12, 1)), referral()),
        (circumstances(HELD), referral(transfer_basis="consent_49_1_a", transfer_instrument=None)),
    ],
    ids=[
        "unknown",
        "another",
        "not named",
        "no purpose",
        "other purpose",
        "not informed",
        "other unit",
        "categories",
        "denied",
        "over",
        "risks not told",
    ],
)
def test_gate_2_consent(facts: Circumstances, draft: Draft) -> None:
    """G2: personal data need a consent that covers purpose, recipient unit and each category."""
    assert refusal(Code.GATE_G2, draft, facts).findings[0].rule == "gate_g2"


def test_gate_2_a_record_goes_only_where_it_says() -> None:
    """G2: a consent record is itself sent only to units that it names."""
    draft = drafted(RECORD)
    content = orjson.loads(orjson.dumps(draft.content).replace(b"/onac", b"/other"))
    refusal(Code.GATE_G2, replace(draft, content=content))
    assert sender().submit(draft, circumstances(None)).body_type == "consent.record/1"


@pytest.mark.parametrize("kind", [UnitKind.PUBLIC_AUTHORITY, None])
def test_gate_6_transfer_basis(kind: UnitKind | None) -> None:
    """G6: a public authority, and a unit of unknown kind, can not transfer on the person's consent."""
    draft = referral(transfer_basis="consent_49_1_a", transfer_instrument=None)
    told = replace(HELD, transfer_risks_told=True)
    refusal(Code.GATE_G6, draft, circumstances(told, sender_kind=kind))
    assert sender().submit(draft, circumstances(told, sender_kind=UnitKind.NGO))


PART_WITHDRAWN = replace(HELD, grants=(GRANT, replace(GRANT, purpose="return")), withdrawn_grants=frozenset({0}))


@pytest.mark.parametrize(
    "facts",
    [
        circumstances(HELD, conversation_withdrawn=True),
        circumstances(withdraw(HELD, {"consent_id": HELD.consent_id, "scope": "all"})),
        circumstances(replace(HELD, withdrawn_grants=frozenset({0}))),
        circumstances(PART_WITHDRAWN),
    ],
    ids=["conversation", "whole consent", "every grant", "this grant"],
)
def test_gate_7_withdrawal(facts: Circumstances) -> None:
    """G7: after a withdrawal nothing goes that rested on it."""
    refusal(Code.GATE_G7, referral(), facts)


def test_gate_10_never_blocked() -> None:
    """G10: a withdrawal passes without purpose and consent, out of scope, to a peer that a person suspended."""
    facts = circumstances(None, conversation_withdrawn=True, sender_kind=None)
    draft = drafted(WITHDRAWAL, purpose=None)
    for state in (PeerState.ACTIVE, PeerState.SUSPENDED):
        assert sender(state=state, scope=NOTHING).submit(draft, facts).purpose is None
    for state in (PeerState.REVOKED, PeerState.SUSPENDED_FOR_CAUSE):
        refusal(Code.NOT_ACTIVE, draft, facts, state=state)


def changed(draft: Draft, change: Callable[[Any], object]) -> Draft:
    """The draft with `change` applied to a copy of its content."""
    content = orjson.loads(orjson.dumps(draft.content))
    change(content)
    return replace(draft, content=content)


def test_gate_11_an_unknown_code() -> None:
    """G11: an unknown code is refused at its place, never replaced; so is an unknown purpose."""
    wrong = changed(drafted(ENQUIRY), lambda content: content.update(age_group="elder"))
    assert refusal(Code.GATE_G11, wrong).findings[0].place == "/content/age_group"
    assert refusal(Code.GATE_G11, drafted(ENQUIRY, purpose="curiosity")).findings[0].place == "/purpose"


def test_gate_13_a_reason() -> None:
    """G13: who declines says why."""
    refusal(Code.GATE_G13, changed(drafted(DECLINE), lambda content: content.pop("reason")))
    reply = drafted("enquiry.reply.1/valid-no")
    refusal(Code.GATE_G13, changed(reply, lambda content: content.pop("decline_reason")))


def test_gate_14_the_signed_directory() -> None:
    """G14: a unit that the peer's signed directory does not list gets nothing."""
    refusal(Code.GATE_G14, referral(), circumstances(HELD, recipient=None))


def test_gates_of_what_was_said_before() -> None:
    """G5: a hold and an earlier word on asylum stop the next message; nothing tells the place of either."""
    said = History(legal_status="protection_granted", nationalities=frozenset({"FR"}))
    for facts in (circumstances(HELD, asylum_hold=True, history=NOTHING_SAID), circumstances(HELD, history=said)):
        found = refusal(Code.GATE_G5, referral(), facts)
        assert found.findings[0].place == "/header/recipient_unit"


def test_onward_sharing() -> None:
    """G2: on a consent that a third node recorded nothing goes on without the person's yes to that."""
    third = {"recorded_by": frozenset({"n1third"})}
    assert "passed on" in refusal(Code.GATE_G2, referral(), circumstances(HELD, **third)).hint
    assert sender().submit(referral(), circumstances(replace(HELD, onward_sharing=True), **third))


def test_danger_to_life_needs_who_approved_it_here() -> None:
    """G2: without consent it goes when the person named in the message approved it on this node."""
    draft = drafted("referral.request.1/valid-vital-interest")
    found = refusal(Code.GATE_G2, draft, circumstances(None))
    assert found.findings[0].place == "/header/vital_interest/approver_ref"
    message = sender().submit(draft, circumstances(None, approver="w-120"))
    with pytest.raises(RefusedError, match="gate_g2"):
        recheck(message, circumstances=circumstances(None))


def test_every_closed_gate_is_named_at_once() -> None:
    """A person mends all of it in one go: every gate, and beside them every fault of the schema."""
    draft = replace(referral(transfer_basis="consent_49_1_a", priority=None), purpose=None)
    found = refusal(Code.GATE_G2, draft, circumstances(None, sender_kind=None))
    assert {finding.rule for finding in found.findings} >= {"gate_g2", "gate_g6", "required"}
    assert "gate_g2 and gate_g6" in found.what


# --- step 3: schema --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("services"),
        lambda content: content.update(more=1),
        lambda content: content.update(note="a\u202eb"),
    ],
    ids=["missing", "unknown", "text policy"],
)
def test_schema(change: Callable[[Any], object]) -> None:
    """A body that does not match is refused with places and rules, never with values."""
    found = refusal(Code.SCHEMA, changed(drafted(ENQUIRY), change))
    assert found.findings
    assert "\u202e" not in repr((found.findings, str(found)))


def test_a_conversation_keeps_its_schema() -> None:
    """The hash that is given is the one that judges and is pinned; one that is not held refuses."""
    pinned = schemas.load_catalogue().get("enquiry.capacity/1").schema
    end, facts = sender(), circumstances()
    _, message = steps.submit(end.draft(ENQUIRY), end.standing, facts, policy=OPEN, around=None, now=NOW, schema=pinned)
    assert message.schema == pinned
    with pytest.raises(RefusedError, match="no_common_schema"):
        steps.submit(
            end.draft(ENQUIRY), end.standing, facts, policy=OPEN, around=None, now=NOW, schema="sha256:" + "0" * 64
        )


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that would not fit into an envelope is refused before it is stored."""
    monkeypatch.setattr(steps, "BODY_LIMIT", 100)
    refusal(Code.TOO_LARGE, drafted(ENQUIRY))


def test_the_valid_message() -> None:
    """What the outbox holds: canonical body, pinned schema, 14 days of life, the consent it relies on."""
    draft = referral()
    message = sender().submit(draft)
    assert message.body == orjson.dumps({"header": draft.header, "content": draft.content}, option=orjson.OPT_SORT_KEYS)
    assert (message.expires - message.submitted, message.consent_ref) == (14 * DAY, HELD.consent_id)


# --- step 3b: the conversation --------------------------------------------------------------------------------------


def test_a_second_request_is_out_of_order() -> None:
    """What the conversation does not allow is refused with its state, and in an empty one it passes."""
    end = sender()
    for around, allowed in ((at(Talk()), True), (at(requested()), False)):
        if allowed:
            assert steps.submit(referral(), end.standing, circumstances(HELD), policy=OPEN, around=around, now=NOW)
            continue
        with pytest.raises(RefusedError, match=r"referral\.request is not possible in state") as caught:
            steps.submit(referral(), end.standing, circumstances(HELD), policy=OPEN, around=around, now=NOW)
        assert caught.value.code is Code.OUT_OF_ORDER


def test_a_gate_is_named_before_the_conversation() -> None:
    """A person who may not tell anything about the case is told that first."""
    with pytest.raises(RefusedError) as caught:
        steps.submit(referral(), sender().standing, circumstances(None), policy=OPEN, around=at(requested()), now=NOW)
    assert caught.value.code is Code.GATE_G2


def test_at_departure_the_conversation_counts_as_it_was_known() -> None:
    """What the writer had before refuses; what came since, or has a higher number, does not."""
    message, talk = sender().submit(referral()), requested()
    with pytest.raises(RefusedError) as caught:
        recheck(message, around=at(talk), n=99)
    assert caught.value.code is Code.OUT_OF_ORDER
    recheck(message, around=at(talk), n=1)


def test_what_came_behind_a_gap_while_it_waited_stops_a_message() -> None:
    """It would be refused by the peer, which signed that it had told this before; so it does not leave."""
    talk = requested()
    declined = talk.say(RECEIVING, "referral.decline")
    reminder = talk.say(RECEIVING, "reminder.due")
    written = talk.now + 2 * HOUR
    talk.amend(declined, received=written + HOUR)
    question = sender().draft("info.request.1/valid-one")
    message = replace(sender(), now=written).submit(question, circumstances(covering(question)))
    how = {"header": {**question.header, "seen": reminder.n}, "circumstances": circumstances(covering(question))}
    recheck(message, around=at(talk), n=99, now=written + HOUR - 1, **how)
    with pytest.raises(RefusedError) as caught:
        recheck(message, around=at(talk), n=99, now=written + HOUR + 1, **how)
    assert caught.value.code is Code.OUT_OF_ORDER


def at(talk: Talk) -> ConversationContext:
    """A conversation in which the host writes."""
    return ConversationContext(conversation=talk.conversation(), side=HOST)


# --- step 4: recheck -------------------------------------------------------------------------------------------------


def recheck(message: ValidMessage, **changes: Any) -> None:
    """Step 4 as it was at submission, but for `changes`."""
    halves = orjson.loads(message.body)
    usual = {
        "standing": sender().standing,
        "circumstances": circumstances(HELD),
        "header": halves["header"],
        "content": halves["content"],
        "schemas_of_peer": None,
        "policy": OPEN,
        "around": None,
        "n": 1,
        "now": NOW,
    }
    departure_steps.recheck(message, **{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"now": NOW + 14 * DAY}, Code.EXPIRED),
        ({"standing": sender(state=PeerState.SUSPENDED).standing}, Code.NOT_ACTIVE),
        ({"standing": sender(scope=NOTHING).standing}, Code.OUT_OF_SCOPE),
        ({"circumstances": circumstances(None)}, Code.GATE_G2),
        ({"circumstances": circumstances(HELD, today=date(2027, 12, 1))}, Code.GATE_G2),
        ({"circumstances": circumstances(replace(HELD, withdrawn_all=True))}, Code.GATE_G7),
        ({"circumstances": circumstances(HELD, conversation_withdrawn=True)}, Code.GATE_G7),
        ({"schemas_of_peer": ["sha256:" + "0" * 64]}, Code.NO_COMMON_SCHEMA),
        ({"schemas_of_peer": []}, Code.NO_COMMON_SCHEMA),
    ],
    ids=["expired", "suspended", "scope", "consent gone", "grant over", "withdrawn", "conversation", "schema", "none"],
)
def test_what_closed_since_submission(changes: dict[str, Any], code: Code) -> None:
    """nrm1 12.1: scope, consent and policy are asked again when a message departs."""
    message = sender().submit(referral())
    recheck(message)
    with pytest.raises(RefusedError) as caught:
        recheck(message, **changes)
    assert caught.value.code is code


def test_recheck_with_the_catalogue_of_the_peer() -> None:
    """A peer that holds the schema lets it pass, until the second before the end of life."""
    message = sender().submit(referral())
    recheck(message, schemas_of_peer=[message.schema], now=NOW + 14 * DAY - 1)


def test_recheck_never_blocks_a_withdrawal() -> None:
    """G10 holds at departure too."""
    message = sender().submit(drafted(WITHDRAWAL), circumstances(None))
    suspended = sender(state=PeerState.SUSPENDED, scope=NOTHING).standing
    recheck(message, standing=suspended, circumstances=circumstances(None, conversation_withdrawn=True))


# --- steps 5 to 7: departure ------------------------------------------------------------------------------------------


def test_numbers_follow_each_other() -> None:
    """Each place names the link hash of the one before it, the first one none."""
    a, b = Endpoint.pair(A, B)
    sent = [a.send(a.submit(a.draft(ENQUIRY))) for _ in range(3)]
    assert [b.receive(envelope.data).n for envelope in sent] == [1, 2, 3]
    assert sent[0].position == LinkPosition(epoch=1, n=1, prev=None)


def test_what_a_statement_says() -> None:
    """Everything the receiver relies on is inside the signature; the clear expiry is a full hour."""
    a, b = Endpoint.pair(A, B)
    message = a.submit(a.draft(REFERRAL))
    sealed = a.send(message)
    said = open_envelope(sealed.data, own=b.own, sender=a.own, keys=[B.enc], signer=a.own.node).statement
    assert said == Statement.parse(sealed.statement)
    assert (said.from_, said.to, said.from_desc, said.to_desc) == (a.own.node, b.own.node, 1, 1)
    assert (said.expires, said.created, said.rcp) == (message.expires, NOW, (B.enc.kid,))
    assert orjson.loads(sealed.data)["exp"] % 3600 == 0
    assert {name: value for name, value in orjson.loads(sealed.data).items() if name not in ("ct", "rcp")}.keys() == {
        "exp",
        "id",
        "parts",
        "to",
        "v",
    }


def test_sealing_anew_changes_only_what_it_must() -> None:
    """nrm1 5.5: rcp, to_desc, from_desc and created may change; id, place, expiry, commitment and body may not."""
    a, _ = Endpoint.pair(A, B)
    message = a.submit(a.draft(REFERRAL))
    first = a.send(message)
    newer = Node("b2", content={"name": "NRM b"})
    listed = accept_keyset(a.peer, None, B.keyset(a.peer, version=2, enc=[newer.enc_key()]), NOW)
    again = replace(a, keyset=listed, now=NOW + 60).seal(message, first.position, first.secret)
    before, after = Statement.parse(first.statement), Statement.parse(again.statement)
    assert replace(after, rcp=before.rcp, created=before.created) == before
    assert (after.rcp, after.created) == ((newer.enc.kid,), NOW + 60)
    assert first.statement_hash != again.statement_hash


def test_a_clock_that_was_set_back() -> None:
    """The statement is dated by the clock of its departure, and lives no longer from then on than a receiver accepts:
    what was written by a clock that ran ahead would be refused as made in the future.
    """
    a, b = Endpoint.pair(A, B)
    message = replace(a, now=NOW + 60 * DAY).submit(a.draft(ENQUIRY))
    sealed = a.send(message)
    said = Statement.parse(sealed.statement)
    assert (said.created, said.expires) == (NOW, NOW + 14 * DAY)
    assert b.receive(sealed.data).code is None


def test_no_key_to_seal_for() -> None:
    """A keyset without a valid gateway key seals nothing."""
    a, _ = Endpoint.pair(A, B)
    message = a.submit(a.draft(ENQUIRY))
    with pytest.raises(RefusedError, match="no_key"):
        replace(a, now=NOW + 3 * DAY).send(message)


def test_two_sealings_share_no_bytes() -> None:
    """Salt, content key and signatures are new each time: equal messages do not look equal."""
    a, _ = Endpoint.pair(A, B)
    message = a.submit(a.draft(ENQUIRY))
    one = a.send(message)
    two = a.seal(message, one.position, departure_steps.new_secret(a.rand))
    assert Statement.parse(one.statement).commit != Statement.parse(two.statement).commit
    assert orjson.loads(one.data)["ct"] != orjson.loads(two.data)["ct"]


def test_everything_is_every_type() -> None:
    """The scope of these tests lists the whole catalogue, so that no test passes by an empty one."""
    assert len(EVERYTHING.types) == len(schemas.load_catalogue().types)


@table("unit", HOSTILE.values())
def test_a_draft_ten_times_as_long_costs_about_ten_times_as_much(unit: str) -> None:
    """An enquiry with far too long a note is looked through for identifiers, and refused, in linear time."""
    end, facts, plain = sender(), circumstances(HELD), drafted(ENQUIRY)

    def refuse(text: str) -> None:
        """Submit it in vain."""
        with pytest.raises(RefusedError) as caught:
            end.submit(replace(plain, content=dict(plain.content) | {"note": text}), facts)
        assert caught.value.code in (Code.GATE_G1, Code.SCHEMA)

    assert measure_growth(refuse, unit) < MOST
