"""G2 with danger to life, and G7, at the sender and at the receiver."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from support.gate_facts import AL, ENQUIRY, FR, GOOD, ID, RECORD, SHELTER, UA, gates, headed, refusals

import schemas
from gateway.cases.rules import ConsentCase
from gateway.consent.rules import Denial, Handling, bound, read, withdraw
from gateway.consent.said_no import SaidNo
from gateway.conversations.history import NOTHING_SAID, Guardian, Side
from gateway.errors import Code
from gateway.policy.gates.consent import VITAL_PURPOSES, g2_vital_form
from gateway.policy.gates.gate_table import PURPOSES, Permit, UnitKind

CONSENT = read(RECORD)
TAKEN_BACK = {"consent_id": ID, "scope": "all"}
PARTLY = {"consent_id": ID, "scope": "grants", "grants": [1]}
G2, G6, G7 = Code.GATE_G2, Code.GATE_G6, Code.GATE_G7
FOR_THIS = (GOOD.purpose, SHELTER)


# --- G2 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "place", "words"),
    [
        ({"purpose": None}, "/purpose", "need a purpose"),
        ({"consent": None}, "/header/consent_ref", "no such consent"),
        ({"categories": frozenset({"health_mental", "identity"})}, "/header/consent_ref", "cover health_mental for"),
        ({"recipient_unit": f"{UA}/desk"}, "/header/consent_ref", "cover exploitation, identity for"),
        ({"purpose": "monitoring"}, "/header/consent_ref", "does not cover"),
        ({"today": date(2027, 1, 1)}, "/header/consent_ref", "exploitation, identity has ended: ask the person again"),
        (
            {"consent": read(RECORD | {"denials": [{"data_category": "exploitation"}]})},
            "/header/consent_ref",
            "the person said no to exploitation for this recipient: leave it out",
        ),
        (
            {
                "consent": read(
                    RECORD | {"denials": [{"purpose": "referral", "unit": SHELTER, "data_category": "exploitation"}]}
                )
            },
            "/header/consent_ref",
            "the person said no to exploitation for this recipient: leave it out",
        ),
    ],
    ids=[
        "no purpose",
        "unknown",
        "other category",
        "other recipient",
        "other purpose",
        "expired",
        "refused",
        "refused for this purpose and unit",
    ],
)
def test_g2_names_what_is_missing(changed, place, words):
    """The consent matrix: without consent, other category, recipient or purpose, and past its end nothing goes."""
    (refusal,) = refusals(replace(GOOD, **changed))
    assert (refusal.gate, refusal.place) == (G2, place)
    assert words in refusal.hint


def test_g2_tells_each_category_what_to_do():
    """One that was refused, one whose grant has ended, one that was taken back, one that nobody was asked about."""
    over = RECORD["grants"][0] | {"data_categories": ["contact"], "until": RECORD["taken_on"]}
    record = RECORD | {"grants": [*RECORD["grants"], over], "denials": [{"data_category": "needs"}]}
    wanted = frozenset({"contact", "exploitation", "health_mental", "identity", "needs"})
    facts = replace(GOOD, consent=read(record, [PARTLY]), categories=wanted)
    told = {refusal.gate: refusal.hint for refusal in refusals(facts)}
    assert [part.split(":")[0] for part in told[G2].split("; ")] == [
        "the person said no to needs for this recipient",
        "the consent to contact has ended",
        "the consent to exploitation was withdrawn",
        "the consent does not cover health_mental for this recipient",
    ]
    assert told[G7] == "the person withdrew consent for exploitation: leave it out"


def test_g2_needs_the_id_of_a_consent():
    """No id and another id are refused, also for a type without personal data whose content has some."""
    for facts in (headed(GOOD, consent_ref=None), headed(replace(GOOD, personal=False), consent_ref=None)):
        assert [(r.gate, r.place) for r in refusals(facts)] == [(G2, "/header/consent_ref")]
    assert gates(headed(GOOD, consent_ref="B" * 22)) == [G2]


def test_g2_lets_references_pass_on_a_named_consent():
    """A decline for want of consent carries references only and must be possible."""
    facts = replace(GOOD, body_type="referral.decline/1", categories=frozenset(), consent=None, content={"reason": "x"})
    assert gates(facts) == []
    assert gates(headed(facts, consent_ref=None)) == [G2]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (ConsentCase.OTHER, "this consent is of another case: write from the case of the person who gave it"),
        (ConsentCase.NONE, "nobody has said of which case this consent is: two people do (trm case move)"),
        (ConsentCase.UNCONFIRMED, "this node was restored without its ledger"),
    ],
)
def test_g2_relies_on_no_consent_of_another_case(case, words):
    """Whatever it covers; a record of it does not go either, and is refused at the id that it tells."""
    record = headed(replace(GOOD, body_type="consent.record/1", content=RECORD), consent_ref=None)
    for facts, place in ((GOOD, "/header/consent_ref"), (record, "/content/consent_id")):
        (refusal,) = refusals(replace(facts, consent_case=case))
        assert (refusal.gate, refusal.place) == (G2, place)
        assert refusal.hint.startswith(words)


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g2_sends_a_record_only_to_units_it_names(at_receiver):
    """A consent record relies on itself."""
    facts = headed(
        replace(GOOD, body_type="consent.record/1", categories=frozenset(), consent=None, content=RECORD),
        consent_ref=None,
    )
    assert gates(facts, at_receiver=at_receiver) == []
    assert gates(replace(facts, recipient_unit=f"{UA}/desk"), at_receiver=at_receiver) == [G2]
    assert gates(replace(facts, content={"consent_id": ID}), at_receiver=at_receiver) == [G2]


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g2_wants_the_risks_told_for_a_transfer_on_consent(at_receiver):
    """An explicit consent to the transfer needs a person who knew its risks."""
    facts = headed(replace(GOOD, sender_kind=UnitKind.NGO), transfer_basis="consent_49_1_a")
    assert gates(facts, at_receiver=at_receiver) == [G2]
    assert gates(replace(facts, consent=read(RECORD | {"transfer_risks_told": True})), at_receiver=at_receiver) == []


@pytest.mark.parametrize("name", sorted(PURPOSES))
def test_g2_keeps_purposes_apart(name):
    """A message with a purpose of its own is not sent for another one, whatever the consent to that says."""
    facts = replace(GOOD, body_type=f"{name}/1", purpose="law_enforcement", categories=frozenset())
    wanted = f"this message is for the purpose {' or '.join(sorted(PURPOSES[name]))}"
    assert (G2, "/purpose", wanted) in [(refusal.gate, refusal.place, refusal.hint) for refusal in refusals(facts)]


def test_purposes_are_codes():
    """What the tables name is in the list."""
    codes = {code.code for code in schemas.code_list("purpose").codes}
    assert set().union(*PURPOSES.values()) | VITAL_PURPOSES <= codes


def test_g2_wants_a_young_consent_to_a_return():
    """On the 91st day the consent is taken anew."""
    facts = replace(GOOD, body_type="return.proposal/1", purpose="return", categories=frozenset({"location"}))
    assert G2 not in gates(replace(facts, today=date(2026, 8, 18)))
    assert G2 in gates(replace(facts, today=date(2026, 8, 19)))


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g2_ages_no_consent_but_that_to_a_proposal(at_receiver):
    """What else goes for the purpose of a return rests on the grant until its last day."""
    facts = replace(GOOD, body_type="bid.report/1", purpose="return", categories=frozenset({"identity"}), content={})
    assert gates(replace(facts, today=date(2026, 8, 19)), at_receiver=at_receiver) == []
    assert gates(replace(facts, today=date(2026, 12, 31)), at_receiver=at_receiver) == []
    assert gates(replace(facts, today=date(2027, 1, 1)), at_receiver=at_receiver) == [G2]


@pytest.mark.parametrize(
    ("person", "record", "words"),
    [
        ({"age_group": "child"}, {"given_by": "person"}, "a child does not consent alone"),
        ({"age_group": "presumed_child"}, {"given_by": "person"}, "a child does not consent alone"),
        ({"birth_date": "2008-06-02"}, {"given_by": "person"}, "a child does not consent alone"),
        ({"age_group": "child"}, {"given_by": "guardian", "child_assent": "refused"}, "the child said no"),
        (
            {"age_group": "child"},
            {"given_by": "child_authority_interim", "child_assent": "given", "taken_on": "2026-04-01"},
            "60 days at most",
        ),
        ({"age_group": "adult"}, {"given_by": "guardian", "child_assent": "given"}, "an adult consents in person"),
        ({"birth_date": "2008-06-01"}, {"given_by": "parent", "child_assent": "given"}, "an adult consents in person"),
    ],
)
@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g2_looks_at_who_consented(person, record, words, at_receiver):
    """By the age in the message, or told before; both sides see it, and a message of references alone still goes."""
    facts = replace(GOOD, consent=read(RECORD | record))
    here = replace(facts, content=GOOD.content | {"person": person})
    before = replace(facts, content={}, body_type="info.request/1", history=_told(person))
    for one in (here, before):
        (refusal,) = refusals(one, at_receiver=at_receiver)
        assert (refusal.gate, refusal.place) == (G2, "/header/consent_ref")
        assert words in refusal.hint
        assert gates(replace(one, consent=CONSENT, history=NOTHING_SAID, content={}), at_receiver=at_receiver) == []
    assert gates(replace(before, categories=frozenset()), at_receiver=at_receiver) == []


GUARDIANS_WORD = {"given_by": "guardian", "child_assent": "given"}


@pytest.mark.parametrize(
    ("recorded_by", "ours", "theirs"),
    [({FR}, True, False), ({AL}, False, True), ({FR, AL}, True, True), ({UA}, False, False), (set(), False, False)],
    ids=["the sender", "the recipient", "both", "a third", "nobody"],
)
def test_g2_a_guardians_consent_ends_with_the_guardian(recorded_by, ours, theirs):
    """The guardian of the side that recorded it counts, seen from either side; references alone still go."""
    for teller, lapses in ((Side.OURS, ours), (Side.THEIRS, theirs)):
        for at_receiver in (False, True):
            whose = teller.other if at_receiver else teller
            history = replace(
                NOTHING_SAID,
                age_group="child",
                guardians={whose: Guardian(unit="b", since=date(2026, 6, 1))},
                earlier_terms={whose: Guardian(unit="a", until=date(2026, 5, 31)).term},
            )
            facts = replace(
                GOOD,
                consent=read(RECORD | GUARDIANS_WORD),
                recorded_by=frozenset(recorded_by),
                history=history,
                handling=(Handling(onward_sharing="named_units", onward_units=frozenset({SHELTER})),),
            )
            if recorded_by == {UA}:
                facts = replace(facts, consent=read(RECORD | GUARDIANS_WORD | {"onward_sharing": True}))
            found = refusals(facts, at_receiver=at_receiver)
            assert [(one.gate, one.place) for one in found] == [(G2, "/header/consent_ref")] * lapses
            assert all("acts for the child no more" in one.hint for one in found)
            day_before = replace(facts, today=date(2026, 5, 31))
            assert gates(day_before, at_receiver=at_receiver) == []
            assert gates(replace(facts, categories=frozenset()), at_receiver=at_receiver) == []


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g2_the_end_of_a_guardianship_is_told_on_the_consent_that_ends_with_it(at_receiver):
    """Else nobody could be told of it: what goes afterwards needs a new consent."""
    notice = {"event": "ended", "guardian_unit": "a", "until": "2026-05-31"}
    facts = replace(
        GOOD,
        body_type="guardian.notice/1",
        consent=read(RECORD | GUARDIANS_WORD),
        categories=frozenset({"identity"}),
        content=notice,
        history=_told({"age_group": "child"}),
    )
    assert gates(facts, at_receiver=at_receiver) == []
    told = facts.history.said("guardian.notice/1", notice)
    if at_receiver:
        told = replace(told, earlier_terms={Side.THEIRS: told.earlier_terms[Side.OURS]})
    assert gates(replace(facts, history=told), at_receiver=at_receiver) == [G2]


def _told(person):
    return NOTHING_SAID.said("referral.request/1", {"person": person})


def test_g2_at_the_receiver_rests_on_the_record_it_holds():
    """What the record does not cover is refused; a record that is not here may still be on its way."""
    outside = replace(GOOD, categories=frozenset({"health_mental"}))
    assert gates(outside, at_receiver=True) == [G2]
    assert gates(replace(outside, consent=None), at_receiver=True) == []


def test_g2_at_the_receiver_judges_by_the_consent_that_is_named():
    """Another record that is held says nothing about this one, whatever it covers or refuses."""
    no = read(RECORD | {"denials": [{"data_category": "identity"}]})
    assert gates(replace(GOOD, consent=no), at_receiver=True) == [G2]
    assert gates(headed(replace(GOOD, consent=no), consent_ref="B" * 22), at_receiver=True) == []


# --- onward sharing -----------------------------------------------------------------------------------------------

ONWARD = replace(GOOD, sender_node=UA, recorded_by=frozenset({FR}))
"""UA passes on to AL what FR recorded."""

AGREED = read(RECORD | {"onward_sharing": True})
NONE, WITH_NEW = (
    Handling(onward_sharing=code, onward_units=frozenset({SHELTER})) for code in ("none", "with_new_consent")
)
NAMED = Handling(onward_sharing="named_units", onward_units=frozenset({SHELTER}))
OTHERS = Handling(onward_sharing="named_units", onward_units=frozenset({f"{UA}/desk"}))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [G2]),
        ({"consent": AGREED}, []),
        ({"consent": AGREED, "handling": (NAMED,)}, []),
        ({"consent": AGREED, "handling": (NAMED, NONE)}, [G2]),
        ({"consent": AGREED, "handling": (WITH_NEW,)}, [G2]),
        ({"consent": AGREED, "handling": (OTHERS,)}, [G2]),
        ({"consent": AGREED, "categories": frozenset({"health_mental"})}, [G2]),
        ({"recorded_by": frozenset({FR, UA})}, []),
        ({"recorded_by": frozenset({AL})}, []),
    ],
    ids=[
        "not agreed",
        "agreed",
        "unit named",
        "one says none",
        "needs a new one",
        "other unit",
        "outside the grant",
        "own record",
        "back to who recorded it",
    ],
)
def test_g2_onward_sharing(changed, expected):
    """What another node recorded is passed on only with the person's and each sender's yes, and inside the grant."""
    assert gates(replace(ONWARD, **changed)) == expected


def test_g2_onward_sharing_is_seen_at_the_end_of_the_chain():
    """The last node refuses what was passed on to it without the person's yes, by the record of the first."""
    assert gates(ONWARD, at_receiver=True) == [G2]
    assert gates(replace(ONWARD, consent=AGREED), at_receiver=True) == []


# --- danger to life -----------------------------------------------------------------------------------------------

VITAL = headed(
    replace(GOOD, consent=None, recorded_by=frozenset(), approver="w-2"),
    consent_ref=None,
    vital_interest={"ground": "medical_emergency", "approver_ref": "w-2"},
    legal_basis=["6_1_d", "9_2_c"],
    transfer_basis="vital_interest_49_1_f",
)


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_danger_to_life_stands_for_a_consent(at_receiver):
    """With two people and the right bases a referral goes without consent, or beyond the one that is there."""
    assert gates(VITAL, at_receiver=at_receiver) == []
    beyond = headed(replace(VITAL, consent=CONSENT, categories=frozenset({"health_physical"})), consent_ref=ID)
    assert gates(beyond, at_receiver=at_receiver) == []


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ({"vital_interest": {"ground": "incapacity", "approver_ref": "w-1"}}, "/header/vital_interest/approver_ref"),
        ({"vital_interest": {"ground": "incapacity"}}, "/header/vital_interest/approver_ref"),
        ({"vital_interest": {}}, "/header/vital_interest/approver_ref"),
        ({"vital_interest": {"approver_ref": 7}}, "/header/vital_interest/approver_ref"),
        ({"vital_interest": "w-2"}, "/header/vital_interest/approver_ref"),
        ({"legal_basis": ["6_1_e", "9_2_c"]}, "/header/legal_basis"),
        ({"legal_basis": ["6_1_d"]}, "/header/legal_basis"),
        ({"legal_basis": None}, "/header/legal_basis"),
    ],
    ids=[
        "author approves",
        "nobody",
        "empty",
        "no text",
        "no object",
        "other basis",
        "no basis for special data",
        "no basis",
    ],
)
@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_danger_to_life_needs_its_form(header, place, at_receiver):
    """The author alone can not claim it, nor can it rest on a basis of another kind; both sides see that."""
    found = refusals(headed(VITAL, **header), at_receiver=at_receiver)
    assert [(refusal.gate, refusal.place) for refusal in found] == [(G2, place)]


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_danger_to_life_wants_a_second_basis_for_special_data_alone(at_receiver):
    """Where to find somebody is no special category of data (GDPR 9)."""
    facts = headed(replace(VITAL, sensitivities=frozenset({"identifying"})), legal_basis=["6_1_d"])
    assert gates(facts, at_receiver=at_receiver) == []


@pytest.mark.parametrize("purpose", ["referral", "assistance", "return"])
@pytest.mark.parametrize("entry", [one for one in schemas.load_catalogue().types if one.personal], ids=str)
def test_danger_to_life_carries_four_types(entry, purpose):
    """A referral, questions and answers on it and help, for referral or help; each by itself, and nothing else."""
    carried = {"referral.request/1", "info.request/1", "info.reply/1", "assistance.plan/1"}
    decision = g2_vital_form(replace(VITAL, body_type=entry.body_type, purpose=purpose))
    assert (decision == Permit()) is (entry.body_type in carried and purpose != "return")


@pytest.mark.parametrize("approver", [None, "w-1", "w-3"])
def test_danger_to_life_needs_a_person_who_approved(approver):
    """Who is named in the message must be who approved it here."""
    assert gates(replace(VITAL, approver=approver)) == [G2]


def test_national_law_stands_for_the_bases_of_the_gdpr():
    """A sender outside the GDPR cites its own law."""
    assert gates(headed(VITAL, legal_basis=["non_gdpr"], transfer_basis="non_eea_sender")) == []


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"body_type": "monitoring.report/1"}, G2),
        ({"body_type": "family.inquiry/1"}, G2),
        ({"purpose": "law_enforcement"}, G2),
        ({"categories": frozenset({"criminal"})}, Code.GATE_G9),
        ({"conversation_withdrawn": True}, G7),
        ({"recipient": None}, Code.GATE_G14),
        ({"asylum_hold": True}, Code.GATE_G5),
        ({"body_type": "return.proposal/1"}, Code.GATE_G4),
        ({"body_type": "return.proposal/1"}, Code.GATE_G3),
        ({"body_type": "return.proposal/1"}, Code.GATE_G8),
        ({"body_type": "nationality.request/1"}, Code.GATE_G15),
        ({"personal": None}, Code.GATE_G11),
    ],
)
def test_danger_to_life_opens_no_other_gate(changed, gate):
    """It stands for a consent and for nothing else: see `safety.alert`, which passes everything."""
    assert gate in gates(replace(VITAL, **changed))


def test_danger_to_life_passes_no_no_of_another_consent():
    """It names none, or one that says nothing of that; what is about another category stops nothing."""
    to_all, to_this = (Denial(purpose=p, unit=u, category="exploitation") for p, u in ((None, None), FOR_THIS))
    others = tuple(replace(to_this, **other) for other in ({"purpose": "return"}, {"unit": f"{UA}/desk"}))
    for facts in (VITAL, headed(replace(VITAL, consent=CONSENT), consent_ref=ID)):
        for denial in (to_all, to_this):
            (refusal,) = refusals(replace(facts, said_no=SaidNo(denials=(denial,))))
            assert (refusal.gate, "said no to exploitation for" in refusal.hint) == (G2, True)
        assert gates(replace(facts, said_no=SaidNo(denials=others))) == []
        (refusal,) = refusals(replace(facts, said_no=SaidNo(taken_back=CONSENT.grants[1:])))
        assert (refusal.gate, "withdrew consent for exploitation:" in refusal.hint) == (G7, True)
        assert gates(replace(facts, said_no=SaidNo(taken_back=CONSENT.grants[2:], standing=(CONSENT,)))) == []


def test_danger_to_life_is_no_transfer_on_consent():
    """A transfer that nobody consented to does not name consent as its basis; for an authority G6 says so too."""
    facts = headed(VITAL, transfer_basis="consent_49_1_a")
    assert gates(facts) == [G2, G6]
    assert gates(replace(facts, sender_kind=UnitKind.NGO)) == [G2]


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_danger_to_life_leaves_a_no_standing(at_receiver):
    """What the person refused for this recipient, or took back, stays refused."""
    no = read(RECORD | {"denials": [{"unit": SHELTER, "data_category": "health_physical"}]})
    facts = headed(replace(VITAL, consent=no, categories=frozenset({"health_physical"})), consent_ref=ID)
    assert gates(facts, at_receiver=at_receiver) == [G2]
    to_this = read(RECORD | {"denials": [{"purpose": "referral", "data_category": "health_physical"}]})
    assert gates(replace(facts, consent=to_this), at_receiver=at_receiver) == [G2]
    to_another = read(RECORD | {"denials": [{"purpose": "return", "data_category": "health_physical"}]})
    assert gates(replace(facts, consent=to_another), at_receiver=at_receiver) == []
    taken_back = replace(facts, consent=withdraw(CONSENT, PARTLY), categories=frozenset({"exploitation"}))
    assert gates(taken_back, at_receiver=at_receiver) == [G7]


# --- G7 -----------------------------------------------------------------------------------------------------------


def test_g7_after_a_full_withdrawal():
    """A message that cites a withdrawn consent is refused by both gates that look at it."""
    assert gates(replace(GOOD, consent=withdraw(CONSENT, TAKEN_BACK))) == [G7, G2]


def test_g7_in_a_conversation_whose_consent_is_gone():
    """Also what carries no personal data stays here, except a new record."""
    assert gates(replace(ENQUIRY, body_type="info.request/1", conversation_withdrawn=True)) == [G7]
    record = replace(GOOD, body_type="consent.record/1", content=RECORD, conversation_withdrawn=True)
    assert gates(record) == []


def test_g7_the_record_of_a_consent_that_was_withdrawn():
    """It stays here, while the record of another consent may go: what is agreed to now ends what was taken back."""
    record = replace(GOOD, body_type="consent.record/1", content=RECORD, record_withdrawn=True)
    assert [(one.gate, one.place) for one in refusals(record)] == [(G7, "/content/consent_id")]
    assert gates(replace(record, record_withdrawn=False)) == []
    assert gates(replace(record, record_withdrawn=False, said_no=SaidNo(taken_back=CONSENT.grants))) == []


@pytest.mark.parametrize(
    ("body_type", "place"), [("consent.record/1", "/content/consent_id"), ("referral.request/1", "/header/consent_ref")]
)
def test_g7_a_consent_that_lost_a_part_is_told_to_nobody_new(body_type: str, place: str):
    """Neither by its record nor ahead of what relies on it; what nothing may block goes all the same."""
    content = RECORD if body_type == "consent.record/1" else GOOD.content
    facts = replace(GOOD, body_type=body_type, content=content, narrowed_untold=True)
    assert [(one.gate, one.place) for one in refusals(facts)] == [(G7, place)]
    assert gates(replace(facts, body_type="safety.alert/1")) == []


def test_g7_says_of_a_whole_withdrawal_that_it_is_one():
    """Whether or not the country knew of it: a part is said to be gone only where another part is left."""
    gone = replace(GOOD, consent=withdraw(CONSENT, TAKEN_BACK), narrowed_untold=True)
    record = replace(GOOD, body_type="consent.record/1", content=RECORD, record_withdrawn=True, narrowed_untold=True)
    for facts in (gone, replace(gone, consent=CONSENT, conversation_withdrawn=True), record):
        first = refusals(facts)[0]
        assert (first.gate, "withdrew" in first.hint, "a part" in first.hint) == (G7, True, False)


def test_g7_after_a_partial_withdrawal():
    """Only the categories that were taken back are refused, and the gate names them."""
    consent = withdraw(CONSENT, PARTLY)
    found = refusals(replace(GOOD, consent=consent))
    assert [refusal.gate for refusal in found] == [G7, G2]
    assert "exploitation" in found[0].hint
    assert "identity" not in found[0].hint
    first = replace(
        GOOD, consent=withdraw(CONSENT, PARTLY | {"grants": [0]}), categories=frozenset({"identity", "needs"})
    )
    assert refusals(first)[0].hint == "the person withdrew consent for identity, needs: leave it out"
    assert gates(replace(GOOD, consent=consent, categories=frozenset({"identity"}))) == []


def test_g7_names_what_was_taken_back_of_any_consent():
    """A part of the one that the message names, and what the person took back of another one that it went under."""
    more = SaidNo(taken_back=CONSENT.grants[:1])
    (refusal, _) = refusals(replace(GOOD, consent=withdraw(CONSENT, PARTLY), said_no=more))
    assert refusal.hint == "the person withdrew consent for exploitation, identity: leave it out"


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g7_what_another_grant_covers_still_goes(at_receiver):
    """A category stands in two grants and one of them is taken back: it goes on the other one until that is, too."""
    twice = RECORD | {"grants": [*RECORD["grants"], RECORD["grants"][1]]}
    facts = replace(GOOD, consent=withdraw(read(twice), PARTLY))
    assert gates(facts, at_receiver=at_receiver) == []
    both = PARTLY | {"grants": [1, 3]}
    assert gates(replace(facts, consent=withdraw(read(twice), both)), at_receiver=at_receiver) == [G7, G2]
    everything = PARTLY | {"grants": [0, 1, 2, 3]}
    whole = replace(facts, consent=withdraw(read(twice), everything))
    assert "withdrew consent:" in refusals(whole, at_receiver=at_receiver)[0].hint


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_g7_what_was_taken_back_in_another_record_of_the_consent(at_receiver):
    """The grant still stands in the record relied on; the withdrawal in the other holder's binds it."""
    consent = bound(CONSENT, [withdraw(read(RECORD | {"grants": RECORD["grants"][1:]}), PARTLY | {"grants": [0]})])
    assert gates(replace(GOOD, consent=consent), at_receiver=at_receiver) == [G7, G2]
    left = replace(GOOD, consent=consent, categories=frozenset({"identity"}))
    assert gates(left, at_receiver=at_receiver) == []


def test_g7_at_the_receiver_takes_a_new_record_in():
    """It ends what the withdrawal closed, although it carries data of the person."""
    facts = replace(GOOD, body_type="consent.record/1", content=RECORD, conversation_withdrawn=True)
    assert gates(facts, at_receiver=True) == []
    assert gates(replace(facts, body_type="info.reply/1"), at_receiver=True) == [G7]


def test_g7_at_the_receiver_takes_no_data_in():
    """What crossed a withdrawal and carries data is refused; references alone are for the conversation to judge."""
    gone = replace(GOOD, consent=withdraw(CONSENT, TAKEN_BACK))
    assert gates(gone, at_receiver=True) == [G7, G2]
    assert gates(replace(gone, consent=None, conversation_withdrawn=True), at_receiver=True) == [G7]
    assert gates(replace(gone, categories=frozenset()), at_receiver=True) == []
    assert gates(replace(GOOD, consent=withdraw(CONSENT, PARTLY)), at_receiver=True) == [G7, G2]
