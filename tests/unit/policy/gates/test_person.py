"""G3, G4 and G8: a return is closed until what keeps a person safe is met."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from support.gate_facts import (
    DAY,
    GOOD,
    NOON,
    RECORD,
    SHELTER,
    SIGNED,
    TODAY,
    gates,
    refusals,
)

from gateway.consent.givers import Guardianship
from gateway.consent.rules import read, withdraw
from gateway.conversations.history import BestInterests, FamilyReport, Guardian, History, Part, Risk, Side
from gateway.errors import Code
from gateway.policy.gates.person import PROCEED, PROTECTIVE, SUITABLE

G2, G3, G4, G5, G8 = Code.GATE_G2, Code.GATE_G3, Code.GATE_G4, Code.GATE_G5, Code.GATE_G8


def risk(conclusion="proceed", *, days=0, review_on=None):
    """An assessment of so many days ago."""
    return Risk(conclusion=conclusion, at=NOON - days * DAY, review_on=review_on)


BID = BestInterests(outcome="family_reunification_origin", review_on=date(2026, 9, 1), care_place=True)
REPORT = FamilyReport(recommendation="suitable", involvement_suspected=False)
OWN, OTHERS = (Side.OURS, Part.SENDING), (Side.THEIRS, Part.RECEIVING)
PARTS = {OWN: risk(days=3), OTHERS: risk(days=3)}
ADULT = History(
    legal_status="irregular",
    nationalities=frozenset({"AL"}),
    age_group="adult",
    host=Side.OURS,
    parts=PARTS,
    joint={Side.OURS: risk(days=1)},
    travellers=("adult",),
)
CHILD = replace(
    ADULT,
    age_group="child",
    child_assent="given",
    guardians={side: Guardian(unit="g", until=date(2026, 12, 31)) for side in Side},
    best_interests=BID,
    family_report=REPORT,
    travellers=("child",),
)
OF_BOTH = read(RECORD | {"given_by": "person_and_guardian", "child_assent": "given"})
OF_PARENT = read(RECORD | {"given_by": "parent", "child_assent": "given"})
PROPOSAL = replace(
    GOOD,
    body_type="return.proposal/1",
    purpose="return",
    categories=frozenset({"location"}),
    content={"travellers": [{"age_group": "adult"}]},
    history=ADULT,
)
CONFIRM = replace(
    GOOD,
    body_type="return.response/1",
    purpose="return",
    categories=frozenset(),
    content={"answer": "confirm"},
    history=ADULT,
)
OF_CHILD = {"travellers": [{"age_group": "child"}]}
NOT_A_CHILD = "no child is returned by a decision or goes against advice: its best interests decide"
DECIDED = {
    "return_kind": "decision_based",
    "decision": {
        "decided_on": "2026-05-01",
        "remedy_exhausted": True,
        "lawyer_unit": SHELTER,
        "refoulement_statement": "x",
    },
}
OWN_WAY = {
    "return_kind": "independent_voluntary",
    "against_advice": {"signed_on": "2026-05-31", "statement_sha256": "0" * 64, "warnings_told": True},
}


@pytest.mark.parametrize("facts", [PROPOSAL, CONFIRM], ids=["proposal", "confirmation"])
def test_a_return_that_is_prepared_goes(facts):
    """Of an adult, and of a child when everything is there."""
    assert gates(facts) == []
    content = facts.content if facts is CONFIRM else OF_CHILD
    assert gates(replace(facts, history=CHILD, content=content, consent=OF_BOTH)) == []


def test_an_answer_that_moves_nobody_needs_nothing():
    """To refuse a return or to ask for a change is always possible."""
    for content in ({"answer": "refuse", "reason": "unsafe_here"}, {"answer": "change"}):
        assert gates(replace(CONFIRM, content=content, history=History(legal_status="irregular"))) == []


# --- G3 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"guardians": {Side.THEIRS: Guardian(unit="g")}}, "by this side"),
        ({"guardians": {side: Guardian(unit="g", until=date(2026, 5, 31)) for side in Side}}, "by this side"),
        ({"guardians": {side: Guardian(unit="g", since=date(2026, 6, 2)) for side in Side}}, "by this side"),
        ({"child_assent": None}, "assent"),
        ({"child_assent": "refused"}, "assent"),
        ({"family_report": None}, "family.inquiry"),
        ({"best_interests": None}, "bid.report"),
        ({"best_interests": replace(BID, outcome="postponed")}, "does not allow"),
        ({"best_interests": replace(BID, outcome="stay_integrate")}, "does not allow"),
        ({"best_interests": replace(BID, outcome="third_country_family")}, "does not allow"),
        ({"best_interests": replace(BID, review_on=date(2026, 5, 31))}, "due for review"),
        ({"best_interests": replace(BID, care_place=False)}, "place of care"),
        ({"family_report": replace(REPORT, recommendation="not_suitable")}, "suitable"),
        ({"family_report": replace(REPORT, involvement_suspected=True)}, "suitable"),
    ],
)
def test_g3_one_thing_is_missing(missing, words):
    """Each of guardian, assent, report and determination alone stops the proposal and the confirmation."""
    history = replace(CHILD, **missing)
    for facts in (replace(PROPOSAL, content=OF_CHILD), CONFIRM):
        (refusal,) = refusals(replace(facts, history=history, consent=OF_PARENT))
        assert refusal.gate is G3
        assert words in refusal.hint


def test_g3_the_other_guardian_is_needed_to_confirm():
    """A return is proposed by the side that has a guardian, and confirmed when both have one."""
    history = replace(CHILD, guardians={Side.OURS: Guardian(unit="g")})
    assert gates(replace(PROPOSAL, history=history, content=OF_CHILD, consent=OF_BOTH)) == []
    (told,) = refusals(replace(CONFIRM, history=history))
    assert told.hint == "a child needs a guardian named by the other side: send or await guardian.notice"


def test_g3_the_determination_holds_until_its_day_of_review():
    """On that day it still does."""
    facts = replace(CONFIRM, history=replace(CHILD, best_interests=replace(BID, review_on=TODAY)))
    assert gates(facts) == []
    assert gates(replace(facts, today=date(2026, 6, 2))) == [G3]


def test_g3_alternative_care_does_not_need_a_suitable_family():
    """The report has to be there; the child does not go to the family."""
    history = replace(
        CHILD,
        best_interests=replace(BID, outcome="alternative_care_origin"),
        family_report=replace(REPORT, recommendation="not_suitable"),
    )
    assert gates(replace(CONFIRM, history=history)) == []


def test_g3_age_in_doubt_counts_as_a_child():
    """An age that nobody told, or that is disputed, closes the gate as a child's does (ECAT 10(3))."""
    for told in ({"age_group": None}, {"age_group": "presumed_child", "birth_date": date(2000, 1, 1)}):
        assert gates(replace(CONFIRM, history=replace(ADULT, **told))) == [G3]


def test_g3_a_child_that_travels_alone():
    """A child in the list without an adult closes it; a mother's children travel with her."""
    alone = replace(PROPOSAL, content={"travellers": [{"age_group": "presumed_child"}]})
    assert gates(alone) == [G3]
    assert gates(replace(CONFIRM, history=replace(ADULT, travellers=("child",)))) == [G3]
    with_mother = {"travellers": [{"age_group": "adult"}, {"age_group": "child"}]}
    assert gates(replace(PROPOSAL, content=with_mother)) == []


def test_g3_no_child_is_returned_by_a_decision_or_goes_against_advice():
    """With all four conditions met it stays closed, to propose and to confirm; so is it where the age is not known."""
    for grounds in (DECIDED, OWN_WAY):
        content = OF_CHILD | grounds
        for told in (CHILD, replace(CHILD, age_group=None), replace(CHILD, age_group="presumed_child")):
            proposed = refusals(replace(PROPOSAL, history=told, content=content, consent=OF_BOTH))
            confirmed = refusals(replace(CONFIRM, history=told.said("return.proposal", content)))
            assert [one.hint for one in (*proposed, *confirmed) if one.gate is G3] == 2 * [NOT_A_CHILD]


# --- a return by a decision ---------------------------------------------------------------------------------------


def by_decision(history=ADULT, **members):
    """What the gates say to the proposal of a return by a decision, and to its confirmation."""
    content = PROPOSAL.content | DECIDED | {"decision": DECIDED["decision"] | members}
    content["decision"] = {name: value for name, value in content["decision"].items() if value is not None}
    confirmed = replace(CONFIRM, history=history.said("return.proposal", content))
    return gates(replace(PROPOSAL, content=content, history=history)), gates(confirmed)


def test_g8_a_return_by_a_final_decision_names_its_safeguards():
    """Day, exhausted remedy, lawyer and refoulement: without one of them, or before its day, nobody is returned."""
    assert by_decision() == ([], [])
    assert by_decision(decided_on="2026-06-01") == ([], [])
    for missing in DECIDED["decision"]:
        assert by_decision(**{missing: None}) == ([G8], [G8])
    assert by_decision(remedy_exhausted=False) == ([G8], [G8])
    assert by_decision(decided_on="2026-06-02") == ([G8], [G8])


@pytest.mark.parametrize(
    ("status", "closed"),
    [
        ("irregular", []),
        ("eu_citizen", []),
        ("unknown", [G8]),
        ("regular", [G8]),
        ("residence_art14", [G8]),
        ("reflection_period", [G8]),
        ("asylum_pending", [G5, G8]),
        ("asylum_not_lodged", [G5, G8]),
        ("appeal_pending", [G5, G8]),
        ("eu_transfer_pending", [G5, G8]),
        ("protection_granted", [G5, G8]),
        ("temporary_protection", [G8]),
        ("tolerated", [G8]),
        (None, [G5, G8]),
    ],
)
def test_finding_a9_who_may_stay_is_not_returned_by_a_decision(status, closed):
    """Only a status without a right to stay opens it, whatever the person signed; what is not known does not."""
    proposed, confirmed = by_decision(replace(ADULT, legal_status=status, signed=(read(SIGNED),)))
    assert proposed == closed
    assert G8 in confirmed or not closed


def test_g8_the_older_form_of_the_proposal_carries_no_decision():
    """A node of before sends the kind alone: the other side does not confirm it."""
    said = ADULT.said("return.proposal", {"return_kind": "decision_based", "travellers": [{"age_group": "adult"}]})
    assert gates(replace(CONFIRM, history=said)) == [G8]
    assert gates(replace(CONFIRM, history=said, content={"answer": "change"})) == []


# --- a transfer to another EU State -------------------------------------------------------------------------------

MOVED = {
    "return_kind": "eu_transfer",
    "transfer": {"decided_on": "2026-05-01", "informed_on": "2026-05-10", "appeal_over": True},
    "travellers": [{"age_group": "adult"}],
}
WAITS = replace(ADULT, legal_status="eu_transfer_pending")
AGREED = read(RECORD | {"grants": [RECORD["grants"][2] | {"purpose": "intra_eu_transfer"}]})


def transfer(history=WAITS, country="IT", purpose="intra_eu_transfer", **changes):
    """What the gates say to the proposal of a transfer, and to its confirmation."""
    content = MOVED | changes
    there = replace(PROPOSAL.recipient, country=country)
    proposal = replace(PROPOSAL, content=content, history=history, purpose=purpose, recipient=there, consent=AGREED)
    confirmed = replace(CONFIRM, history=history.said("return.proposal", content), recipient=there)
    return gates(proposal), gates(confirmed)


def test_finding_a10_a_transfer_names_its_decision_and_that_the_person_was_informed():
    """With all of it, it goes; without one of them, or before its day, it does not."""
    assert transfer() == ([], [])
    assert transfer(transfer=MOVED["transfer"] | {"decided_on": "2026-06-01", "informed_on": "2026-06-01"}) == ([], [])
    for missing in MOVED["transfer"]:
        left = {name: value for name, value in MOVED["transfer"].items() if name != missing}
        assert transfer(transfer=left) == ([G8], [G8])
    for later in ("decided_on", "informed_on"):
        assert transfer(transfer=MOVED["transfer"] | {later: "2026-06-02"}) == ([G8], [G8])
    assert transfer(transfer=MOVED["transfer"] | {"appeal_over": False}) == ([G8], [G8])


@pytest.mark.parametrize(
    "told",
    [
        {"legal_status": "reflection_period", "reflection_until": TODAY},
        {"legal_status": "reflection_period"},
        {"reflection_until": TODAY},
        {"legal_status": "irregular"},
        {"legal_status": "asylum_pending"},
        {"legal_status": "unknown"},
        {"legal_status": None},
    ],
)
def test_finding_a10_nobody_is_transferred_in_the_reflection_period(told):
    """C-66/21: it is not carried out in it, whatever was decided, and not where no other State examines the claim."""
    for closed in transfer(replace(WAITS, **told)):
        assert G8 in closed
    assert transfer(replace(WAITS, reflection_until=date(2026, 5, 31))) == ([], [])


def test_finding_a10_a_transfer_has_its_own_purpose_and_goes_to_a_state_that_takes_part():
    """A consent to a return is none to a transfer, nor the other way round; Morocco takes part in none."""
    assert transfer(purpose="return")[0] == [G2, G8]
    (told,) = refusals(replace(PROPOSAL, purpose="intra_eu_transfer", consent=AGREED))
    assert (told.gate, "another EU State have purposes of their own" in told.hint) == (G8, True)
    assert transfer(country="CH")[0] == []
    unknown = replace(PROPOSAL, content=MOVED, history=WAITS, purpose="intra_eu_transfer", recipient=None)
    (told,) = [one.hint for one in refusals(unknown) if one.gate is G8]
    assert told == "such a transfer goes to a State that takes part in the examination of asylum claims"
    other = replace(unknown, recipient=replace(PROPOSAL.recipient, country="IT"), history=ADULT, consent=AGREED)
    (told,) = [one.hint for one in refusals(other) if one.gate is G8]
    assert told == "the legal status told last is not that another EU State examines the asylum claim"
    assert transfer(replace(WAITS, nationalities=frozenset({"NG"})), country="MA")[0] == [G8]
    assert transfer(replace(WAITS, nationalities=frozenset({"IT"})))[0] == [G5]


def test_finding_a10_a_child_is_transferred_to_its_family_alone():
    """On a determination of best interests that says so, with guardians on both sides and a suitable family."""
    family = replace(BID, outcome="third_country_family")
    child = replace(CHILD, legal_status="eu_transfer_pending", best_interests=family)

    def moved(history):
        content = MOVED | OF_CHILD
        there = replace(PROPOSAL.recipient, country="IT")
        agreed = read(
            RECORD
            | {"given_by": "guardian", "child_assent": "given"}
            | {"grants": [RECORD["grants"][2] | {"purpose": "intra_eu_transfer"}]}
        )
        facts = replace(PROPOSAL, content=content, history=history, recipient=there, consent=agreed)
        return gates(replace(facts, purpose="intra_eu_transfer"))

    assert moved(child) == []
    assert moved(replace(child, best_interests=BID)) == [G3]
    assert moved(replace(child, family_report=replace(REPORT, recommendation="unsuitable"))) == [G3]
    assert moved(replace(child, guardians={})) == [G3]
    assert moved(replace(child, age_group="presumed_child", best_interests=None)) == [G3]


# --- against advice -----------------------------------------------------------------------------------------------


def own_way(history, **changes):
    """The same for somebody who goes against advice."""
    content = PROPOSAL.content | OWN_WAY | changes
    confirmed = replace(CONFIRM, history=history.said("return.proposal", content))
    return gates(replace(PROPOSAL, content=content, history=history)), gates(confirmed)


@pytest.mark.parametrize(
    "told",
    [
        {"joint": {Side.OURS: risk("do_not_return", days=1)}},
        {"joint": {}},
        {"parts": {}, "joint": {}},
        {"joint": {Side.OURS: risk(days=31)}},
        {"parts": PARTS | {OTHERS: risk("do_not_return", days=1)}, "joint": {Side.OURS: risk(days=2)}},
    ],
)
def test_g4_who_goes_against_advice_is_announced_and_met(told):
    """Also after do_not_return, and without an assessment: the statement is signed, the warnings are told."""
    history = replace(ADULT, **told)
    assert own_way(history) == ([], [])
    assert own_way(history, against_advice={}) == ([G4], [G4])
    for missing in OWN_WAY["against_advice"]:
        left = {name: value for name, value in OWN_WAY["against_advice"].items() if name != missing}
        assert own_way(history, against_advice=left) == ([G4], [G4])
    assert own_way(history, return_kind="assisted_voluntary") == ([G4], [G4])


def test_g4_warnings_are_those_of_the_newest_assessment():
    """What was learned after the statement is told first, and a statement of a later day is none."""
    newer = replace(ADULT, parts=PARTS | {OTHERS: risk("do_not_return")})
    assert own_way(newer) == ([G4], [G4])
    assert own_way(newer, against_advice=OWN_WAY["against_advice"] | {"signed_on": "2026-06-01"}) == ([], [])
    assert own_way(ADULT, against_advice=OWN_WAY["against_advice"] | {"signed_on": "2026-06-02"}) == ([], [])
    assert own_way(ADULT, against_advice=OWN_WAY["against_advice"] | {"signed_on": "2026-06-03"}) == ([G4], [G4])


def test_going_against_advice_opens_no_other_gate():
    """Asylum and the reflection period close it as before."""
    assert own_way(replace(ADULT, legal_status="asylum_pending"))[0] == [G5]
    assert own_way(replace(ADULT, legal_status="reflection_period"))[0] == [G8]


# --- G4 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parts": {}}, "each side"),
        ({"parts": {OWN: risk()}}, "each side"),
        ({"parts": {OWN: risk(), (Side.THEIRS, Part.SENDING): risk()}}, "part receiving"),
        ({"parts": {OTHERS: risk(), (Side.OURS, Part.RECEIVING): risk()}}, "part sending"),
        ({"host": Side.THEIRS}, "each side"),
        ({"host": None}, "each side"),
        ({"joint": {}}, "joint conclusion is missing"),
        ({"joint": {Side.OURS: risk(days=31)}}, "older than 30 days"),
        ({"joint": {Side.OURS: risk(review_on=date(2026, 5, 31))}}, "due for review"),
        ({"joint": {Side.OURS: risk("postpone")}}, "does not say proceed"),
        ({"joint": {Side.OURS: risk("do_not_return")}}, "does not say proceed"),
        ({"joint": {Side.OURS: risk("insufficient_information")}}, "does not say proceed"),
        ({"joint": {Side.OURS: risk("of no list")}}, "does not say proceed"),
        ({"joint": {Side.OURS: risk(), Side.THEIRS: risk("postpone", days=9)}}, "does not say proceed"),
        ({"parts": PARTS | {OTHERS: risk("do_not_return")}}, "newer part"),
        ({"parts": PARTS | {(Side.OURS, Part.RECEIVING): risk("do_not_return")}}, "newer part"),
    ],
)
def test_g4_a_joint_assessment_that_says_proceed(changed, words):
    """Two parts, one young conclusion, the more protective one stands, and newer facts reopen it."""
    for facts in (PROPOSAL, CONFIRM):
        (refusal,) = refusals(replace(facts, history=replace(ADULT, **changed)))
        assert refusal.gate is G4
        assert words in refusal.hint


def test_g4_holds_for_thirty_days():
    """On the thirtieth day it still holds."""
    assert gates(replace(CONFIRM, history=replace(ADULT, joint={Side.THEIRS: risk(days=30)}))) == []


@pytest.mark.parametrize("whose", [OWN, OTHERS])
@pytest.mark.parametrize(("n", "found"), [(4, []), (5, []), (6, [G4])])
def test_g4_a_part_of_the_same_second_is_newer_where_it_was_told_later(whose, n, found):
    """The joint conclusion was agreed with all that stands before it."""
    parts = PARTS | {whose: replace(risk("do_not_return"), n=n)}
    told = replace(ADULT, parts=parts, joint={Side.OURS: replace(risk(), n=5)})
    assert gates(replace(CONFIRM, history=told)) == found


def test_g4_holds_until_its_day_of_review():
    """On that day it still does, and it is that of the newest joint assessment, whichever side sent it."""

    def reviewed(ours, theirs):
        joint = {Side.OURS: risk(days=2, review_on=ours), Side.THEIRS: risk(days=1, review_on=theirs)}
        return gates(replace(CONFIRM, history=replace(ADULT, joint=joint)))

    past = date(2026, 5, 31)
    assert reviewed(None, TODAY) == reviewed(past, TODAY) == reviewed(past, None) == []
    assert reviewed(None, past) == reviewed(TODAY, past) == [G4]


def test_g4_measures_are_in_place_before_it_is_confirmed():
    """With measures a return is proposed, and confirmed once each has its day on which it was in place."""

    def measured(*days, conclusion="proceed_with_measures"):
        return replace(ADULT, joint={Side.OURS: replace(risk(conclusion), measures=days)})

    assert gates(replace(PROPOSAL, history=measured(TODAY, None))) == []
    assert gates(replace(CONFIRM, history=measured(TODAY, None))) == [G4]
    assert gates(replace(CONFIRM, history=measured(date(2026, 6, 2)))) == [G4]
    assert gates(replace(CONFIRM, history=measured())) == [G4]
    assert gates(replace(CONFIRM, history=measured(TODAY, date(2026, 5, 20)))) == []
    assert gates(replace(CONFIRM, history=measured(None, conclusion="proceed"))) == [G4]


def test_conclusions_are_codes():
    """The order names every code of the list (domain 9.15); what says proceed is the least protective."""
    assert set(PROTECTIVE[:2]) == PROCEED
    assert {"suitable", "suitable_with_support"} == SUITABLE


# --- G8 -----------------------------------------------------------------------------------------------------------

REFLECTS = replace(ADULT, legal_status="reflection_period", reflection_until=TODAY)


def test_g8_a_return_is_not_proposed_in_the_reflection_period():
    """Up to the last day it needs the person's signed request; a period without an end has not ended."""
    facts = replace(PROPOSAL, history=REFLECTS)
    assert gates(facts) == [G8]
    assert gates(replace(facts, history=replace(REFLECTS, reflection_until=date(2026, 5, 31)))) == []
    assert gates(replace(facts, history=replace(REFLECTS, reflection_until=None))) == [G8]
    assert gates(replace(facts, consent=read(SIGNED))) == []


def test_g8_a_request_in_the_conversation_counts_until_it_is_withdrawn():
    """A signed record beside the consent relied on counts too; of the consent itself what is held here decides."""
    other = read(SIGNED | {"consent_id": "B" * 22})
    assert gates(replace(PROPOSAL, history=replace(REFLECTS, signed=(other,)))) == []
    gone = withdraw(other, {"consent_id": "B" * 22, "scope": "all"})
    assert gates(replace(PROPOSAL, history=replace(REFLECTS, signed=(gone,)))) == [G8]
    same = replace(PROPOSAL, history=replace(REFLECTS, signed=(read(SIGNED),)))
    assert gates(same) == [G8]
    untold = read(SIGNED | {"consent_id": "B" * 22, "told": {"purpose": True, "withdrawal": False}})
    assert gates(replace(PROPOSAL, history=replace(REFLECTS, signed=(untold,)))) == [G8]
    ended = read(SIGNED | {"grants": [RECORD["grants"][2] | {"until": "2026-05-31"}], "consent_id": "B" * 22})
    assert gates(replace(PROPOSAL, history=replace(REFLECTS, signed=(ended,)))) == [G8]


@pytest.mark.parametrize(
    ("changed", "closed"),
    [
        ({"grants": RECORD["grants"][2:]}, []),
        ({"grants": RECORD["grants"][:2]}, [G8]),
        ({"grants": [RECORD["grants"][2] | {"until": str(TODAY)}]}, []),
        ({"grants": [RECORD["grants"][2] | {"until": None}]}, []),
        ({"grants": [RECORD["grants"][2] | {"recipient_units": ["n1al/other"]}]}, [G8]),
        ({"denials": [{"purpose": "return"}]}, [G8]),
        ({"denials": [{"purpose": "referral"}]}, []),
        ({"denials": [{"unit": "n1al/other"}]}, []),
        ({"denials": [{"purpose": "return", "data_category": "needs"}]}, []),
    ],
    ids=[
        "for a return",
        "for another purpose",
        "on its last day",
        "without an end",
        "for another unit",
        "a no to returns",
        "a no to something else",
        "a no to another unit",
        "a no to one category",
    ],
)
def test_g8_a_request_is_for_this_purpose_and_unit(changed, closed):
    """A signed form that asks for something else opens nothing; a no to one category leaves the request."""
    asked = read(SIGNED | {"consent_id": "B" * 22} | changed)
    assert gates(replace(PROPOSAL, history=replace(REFLECTS, signed=(asked,)))) == closed


ALONE = read(SIGNED | {"consent_id": "B" * 22})
WITH_GUARDIAN = read(SIGNED | {"given_by": "person_and_guardian", "child_assent": "given", "consent_id": "B" * 22})
MINOR = replace(REFLECTS, age_group="child")


def left(side, day):
    """A guardian of the child on that side acts no more from that day on."""
    return replace(MINOR, earlier_terms={side: Guardianship(left=frozenset({day}))})


@pytest.mark.parametrize(
    ("history", "asked", "may"),
    [
        (MINOR, ALONE, False),
        (
            replace(REFLECTS, age_group=None, birth_date=date(2008, 6, 2)),
            ALONE,
            False,
        ),
        (replace(REFLECTS, age_group=None, birth_date=date(2008, 6, 1)), ALONE, True),
        (MINOR, WITH_GUARDIAN, True),
        (REFLECTS, WITH_GUARDIAN, False),
        (MINOR, replace(WITH_GUARDIAN, assent="refused"), False),
        (left(Side.OURS, TODAY), WITH_GUARDIAN, False),
        (left(Side.THEIRS, TODAY), WITH_GUARDIAN, True),
        (left(Side.OURS, date(2026, 5, 20)), WITH_GUARDIAN, True),
    ],
    ids=[
        "a child alone",
        "a child until tomorrow",
        "an adult since today",
        "a child with the guardian",
        "an adult with a guardian",
        "a child that said no",
        "a guardian who acts no more",
        "a guardian of the other side",
        "a guardian before it was given",
    ],
)
def test_finding_g10_a_signed_request_is_one_of_who_may_give_it(history, asked, may):
    """As any consent: held against the age, and it ends with the guardian; in the conversation and relied on."""
    told = replace(history, signed=(asked,), signed_by={asked.consent_id: Side.OURS})
    facts = replace(PROPOSAL, history=told, consent=read(RECORD))
    assert (G8 not in gates(facts)) is may
    relied_on = replace(PROPOSAL, history=history, consent=replace(asked, consent_id=RECORD["consent_id"]))
    assert (G8 not in gates(relied_on)) is may


def test_g4_a_newer_joint_assessment_is_told_too():
    """Not only a newer part of it."""
    newer = replace(ADULT, joint={Side.OURS: risk("do_not_return")})
    assert own_way(newer) == ([G4], [G4])


def test_g8_nobody_asked_where_there_is_no_consent():
    """Then there is no form either."""
    assert G8 in gates(replace(PROPOSAL, consent=None, history=REFLECTS))


def test_only_the_proposal_waits():
    """A reflection period does not stop help."""
    facts = replace(GOOD, body_type="assistance.plan/1", purpose="assistance", categories=frozenset(), history=REFLECTS)
    assert gates(facts) == []
