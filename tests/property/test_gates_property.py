"""What holds for whatever facts: never-blocked types pass, what is taken away opens nothing, danger opens G2 alone."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import example, given
from hypothesis import strategies as st
from support.gate_facts import AL, FR, GOOD, LISTED, NOON, NOTHING, RECORD, SHELTER, SIGNED, UA, gates

from gateway.cases.history import EVERY
from gateway.consent.rules import Handling, read, withdraw
from gateway.conversations.history import NOTHING_SAID, Guardian, History, Part, Risk, Side
from gateway.errors import Code, Finding
from gateway.policy.gates.gate_table import GateFacts, UnitKind
from schemas.types import NEVER_BLOCKED

TYPES = [
    "enquiry.capacity",
    "referral.request",
    "referral.decline",
    "info.reply",
    "consent.record",
    "assistance.plan",
    "return.proposal",
    "return.response",
    "return.cancel",
    "nationality.request",
    "x",
]
STATUS = ["regular", "reflection_period", "asylum_pending", "protection_granted"]
CONSENTS = [
    None,
    read(RECORD),
    read(SIGNED | {"onward_sharing": True}),
    read(RECORD | {"denials": [{"unit": SHELTER}]}),
]

histories = st.builds(
    History,
    legal_status=st.none() | st.sampled_from(STATUS),
    nationalities=st.none() | st.frozensets(st.sampled_from(["AL", "UA"])),
    age_group=st.none() | st.sampled_from(["adult", "child", "presumed_child"]),
    child_assent=st.none() | st.sampled_from(["given", "refused"]),
    guardians=st.dictionaries(st.sampled_from(Side), st.just(Guardian(unit="g"))),
    host=st.none() | st.sampled_from(Side),
    parts=st.dictionaries(
        st.tuples(st.sampled_from(Side), st.sampled_from(Part)),
        st.just(Risk(conclusion="proceed", at=NOON, review_on=None)),
    ),
    joint=st.dictionaries(st.sampled_from(Side), st.just(Risk(conclusion="proceed", at=NOON, review_on=None))),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "author_ref": st.just("w-1"),
        "consent_ref": st.sampled_from([RECORD["consent_id"], "B" * 22]),
        "transfer_basis": st.sampled_from(["consent_49_1_a", "public_interest_49_1_d", "vital_interest_49_1_f"]),
        "recipient_role": st.sampled_from(["case_manager", "police_liaison", "national_focal_point"]),
        "legal_basis": st.just(["6_1_e"]),
    },
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "legal_status": st.sampled_from(STATUS),
        "answer": st.sampled_from(["confirm", "refuse", "no"]),
        "reason": st.sampled_from(["other", "asylum_claim"]),
        "note": st.sampled_from(["a room", "AB1234567"]),
        "context": st.just("documentation"),
    },
)
wild = st.builds(
    GateFacts,
    body_type=st.sampled_from(TYPES).map(lambda name: f"{name}/1"),
    personal=st.sampled_from([True, False, None]),
    categories=st.frozensets(st.sampled_from(["identity", "criminal", "location"])),
    sensitivities=st.frozensets(st.sampled_from(["identifying", "special"])),
    purpose=st.none() | st.sampled_from(["referral", "return", "consular"]),
    sender_node=st.sampled_from([FR, UA]),
    recipient_unit=st.sampled_from([SHELTER, f"{AL}/desk"]),
    recipient=st.none() | st.just(LISTED) | st.just(replace(LISTED, kind=UnitKind.NGO)),
    sender_kind=st.none() | st.sampled_from(UnitKind),
    consent=st.sampled_from(CONSENTS),
    recorded_by=st.frozensets(st.sampled_from([FR, UA])),
    handling=st.lists(st.builds(Handling, onward_sharing=st.just("none"), onward_units=st.just(frozenset()))).map(
        tuple
    ),
    conversation_withdrawn=st.booleans(),
    asylum_hold=st.booleans(),
    unanswered=st.sampled_from([frozenset[str](), frozenset({"AL"}), frozenset({EVERY})]),
    history=histories,
    approver=st.none() | st.sampled_from(["w-1", "w-2"]),
    header=headers,
    content=contents,
    findings=st.lists(st.just(Finding(place="/content", rule="unknown_code")), max_size=1).map(tuple),
    today=st.dates(GOOD.today, GOOD.today.replace(year=2027)),
)


near = st.builds(
    lambda other, names: replace(GOOD, **{name: getattr(other, name) for name in names}),
    wild,
    st.sets(st.sampled_from([field.name for field in fields(GateFacts) if field.init]), max_size=4),
)
"""A referral that may go, with a few facts of another."""

facts = wild | near


@given(facts, st.sampled_from(sorted(NEVER_BLOCKED)), st.booleans())
def test_never_blocked_types_pass_whatever_the_facts(some, name, at_receiver):
    """G10 is asked before all others."""
    assert gates(replace(some, body_type=f"{name}/1"), at_receiver=at_receiver) == []


@given(facts)
def test_facts_taken_away_open_nothing(some):
    """Without recipient, approval and what was said before, at least as many gates are closed."""
    less = replace(some, recipient=None, approver=None)
    assert set(gates(some)) <= set(gates(less))
    assert gates(replace(NOTHING, body_type=some.body_type))


@given(facts)
def test_a_withdrawal_and_a_hold_only_close(some):
    """After either no gate is open that was closed before."""
    assert set(gates(some)) <= set(gates(replace(some, conversation_withdrawn=True)))
    assert set(gates(some)) <= set(gates(replace(some, asylum_hold=True)))
    unasked = replace(some, unanswered=frozenset())
    assert set(gates(unasked)) <= set(gates(some)) <= set(gates(replace(some, unanswered=frozenset({EVERY}))))
    if some.consent is not None:
        gone = withdraw(some.consent, {"consent_id": some.consent.consent_id, "scope": "all"})
        for at_receiver in (False, True):
            closed = set(gates(some, at_receiver=at_receiver))
            assert closed - {Code.GATE_G7} <= set(gates(replace(some, consent=gone), at_receiver=at_receiver))


@given(facts, st.booleans())
def test_danger_to_life_opens_g2_and_nothing_else(some, at_receiver):
    """Whatever else is closed stays closed under a claim that is in order."""
    claim = {"vital_interest": {"ground": "incapacity", "approver_ref": "w-2"}, "legal_basis": ["6_1_d", "9_2_c"]}
    claimed = replace(some, approver="w-2", header={**some.header, **claim})
    before = set(gates(replace(some, approver="w-2"), at_receiver=at_receiver))
    assert before - {Code.GATE_G2} <= set(gates(claimed, at_receiver=at_receiver))


@given(facts)
@example(replace(NOTHING, body_type="consent.record/1", personal=False, recipient=LISTED))
def test_the_receiver_refuses_nothing_that_the_sender_may_send(some):
    """What a sender with the same facts lets go, the receiver takes in: a refusal there would never be mended."""
    if not gates(some):
        assert gates(some, at_receiver=True) == []


@given(histories)
def test_an_empty_history_is_the_most_closed_one(history):
    """A return that may go with nothing said may go with nothing."""
    proposal = replace(GOOD, body_type="return.proposal/1", purpose="return", categories=frozenset())
    assert {Code.GATE_G3, Code.GATE_G4, Code.GATE_G8} <= set(gates(replace(proposal, history=NOTHING_SAID)))
    if not gates(replace(proposal, history=history)):
        assert history.legal_status is not None and {side for side, _ in history.parts} == set(Side) and history.joint
