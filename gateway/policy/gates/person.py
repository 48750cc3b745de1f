"""The gates that keep the person safe: G3, G4, G5 and G8. They look at what the conversation said before."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.consent.rules import Consent
from gateway.conversations.history import CHILD, NO_REFOULEMENT, BestInterests, History, Risk, Side, travellers
from gateway.errors import Code
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse, UnitKind

RISK_DAYS = 30
"""How long a joint risk assessment holds (domain 9.16)."""

#: From the least to the most protective; where the sides differ, the more protective one stands (domain 9.15).
PROTECTIVE: tuple[str, ...] = (
    "proceed",
    "proceed_with_measures",
    "insufficient_information",
    "postpone",
    "do_not_return",
)
PROCEED: frozenset[str] = frozenset({"proceed", "proceed_with_measures"})

#: Outcomes of a determination that let a child return to the State of origin (ECAT 16(7), list bid_outcome).
RETURN_OUTCOMES: frozenset[str] = frozenset({"family_reunification_origin", "alternative_care_origin"})
SUITABLE: frozenset[str] = frozenset({"suitable", "suitable_with_support"})
ASSENT: frozenset[str] = frozenset({"given", "not_able"})

#: Messages that by their nature reach the State of origin or begin a return: they need a known legal status.
TOWARDS_ORIGIN: frozenset[str] = frozenset(
    {"nationality.request", "traveldoc.request", "family.inquiry", "return.proposal"}
)
#: Messages that only stop something. With a neutral reason they tell nothing, and a reception team need not wait.
STOPPING: frozenset[str] = frozenset({"return.cancel", "referral.withdraw"})


# --- G3: child ----------------------------------------------------------------------------------------------------


def g3_child(facts: GateFacts) -> Decision:
    """G3: no child returns without guardian, assent, best-interests determination and family report (ECAT 16(7),
    domain 3.3; UNICEF Guidelines 3.2; FRA: the family assessment comes before a return).

    A proposal needs all of it and the guardian of the side that proposes; the confirmation needs the guardians of both
    sides. Age in doubt, or never told, counts as a child. Nobody is moved by a danger to life: see `safety.alert`.
    """
    guardians: tuple[Side, ...]
    match facts.name:
        case "return.proposal":
            listed, guardians = tuple(travellers(facts.content)), (Side.OURS,)
        case "return.response" if facts.content.get("answer") == "confirm":
            listed, guardians = facts.history.travellers, (Side.OURS, Side.THEIRS)
        case _:
            return PERMIT
    if not _child_travels(facts.history, listed, facts.today):
        return PERMIT
    hint = _g3_missing(facts.history, guardians, facts.today)
    return PERMIT if hint is None else Refuse(gate=Code.GATE_G3, place="/content", hint=hint)


def _child_travels(history: History, listed: tuple[str, ...], today: date) -> bool:
    """Whether the person is a child, or a child travels without an adult. A mother's own children travel with her."""
    alone = any(age in CHILD for age in listed) and "adult" not in listed
    return alone or history.child(today) is not False


def _g3_missing(history: History, guardians: tuple[Side, ...], today: date) -> str | None:
    """What has to come first, in the order in which it comes in a procedure."""
    for side in guardians:
        guardian = history.guardians.get(side)
        if guardian is None or not guardian.acts(today):
            whose = "this side" if side is Side.OURS else "the other side"
            return f"a child needs a guardian named by {whose}: send or await guardian.notice"
    if history.child_assent not in ASSENT:
        return "the child's assent has to be recorded: see child_assent of consent.record"
    report = history.family_report
    if report is None:
        return "a report on family and environment comes first: send family.inquiry"
    return _not_in_best_interests(history.best_interests, report.recommendation, report.involvement_suspected, today)


def _not_in_best_interests(
    found: BestInterests | None, recommendation: str, suspected: bool, today: date
) -> str | None:
    if found is None:
        return "a determination of the child's best interests comes first: send bid.report"
    if found.outcome not in RETURN_OUTCOMES:
        return "the determination of the child's best interests does not allow a return: do not propose one"
    if found.review_on is not None and today > found.review_on:
        return "the determination of the child's best interests is due for review: send bid.report of kind bid_review"
    if not found.care_place:
        return "the place of care has to be confirmed: see care_place_confirmed of bid.report"
    if found.outcome == "family_reunification_origin" and (suspected or recommendation not in SUITABLE):
        return "the family report does not find the family suitable: the panel has to review its determination"
    return None


# --- G4: risk -----------------------------------------------------------------------------------------------------


def g4_joint_risk(facts: GateFacts) -> Decision:
    """G4: a return needs a joint risk assessment of at most 30 days that says proceed (ECAT 16(2) and (7), TACT Risk
    Assessment Matrix, domain 3.4).

    Joint: each side sent its own part, and one concluded for both; where both did, the more protective one stands, and
    a newer part that says stop reopens it, whoever sent it and whichever it is. With `proceed_with_measures` a return
    is proposed while they are prepared; it is confirmed when the newest joint assessment says of each on which day it
    was in place.
    """
    confirms = facts.name == "return.response" and facts.content.get("answer") == "confirm"
    if facts.name != "return.proposal" and not confirms:
        return PERMIT
    hint = _g4_missing(facts.history, facts.today)
    if hint is None and confirms and not _prepared(facts.history, facts.today):
        hint = "the measures have to be in place first: send the joint risk.assessment again with done_on for each"
    return PERMIT if hint is None else Refuse(gate=Code.GATE_G4, place="/content", hint=hint)


def _joint(history: History) -> str | None:
    """The joint conclusion that stands; one that no list has is as protective as the strictest."""
    return max((risk.conclusion for risk in history.joint.values()), key=_protective, default=None)


def _prepared(history: History, today: date) -> bool:
    """Whether the measures are in place; where the newest joint assessment needs some, it has to list them."""
    newest = max(history.joint.values(), key=lambda risk: risk.at)
    needed = _joint(history) != "proceed"
    return newest.prepared(today) and (bool(newest.measures) or not needed)


def _protective(conclusion: str) -> int:
    return PROTECTIVE.index(conclusion) if conclusion in PROTECTIVE else len(PROTECTIVE)


def _g4_missing(history: History, today: date) -> str | None:
    if not history.assessed():
        return (
            "each side assesses the risks it can see: who sent the referral sends risk.assessment with part sending, "
            "the other one with part receiving"
        )
    conclusion = _joint(history)
    if conclusion is None:
        return "the joint conclusion is missing: agree one and send risk.assessment with part joint"
    newest = max(history.joint.values(), key=lambda risk: risk.at)
    if not _holds(newest, today):
        return f"the joint risk assessment is older than {RISK_DAYS} days or due for review: agree a new one"
    if conclusion not in PROCEED:
        return "the joint risk assessment does not say proceed: look for protection alternatives (ODIHR principle 3)"
    if any(part.at > newest.at and part.conclusion not in PROCEED for part in history.parts.values()):
        return "a newer part of the risk assessment says stop: agree a new joint conclusion"
    return None


def _holds(risk: Risk, today: date) -> bool:
    in_time = today <= risk.on + timedelta(days=RISK_DAYS)
    return in_time and (risk.review_on is None or today <= risk.review_on)


# --- G5: asylum ---------------------------------------------------------------------------------------------------


def g5_asylum(facts: GateFacts) -> Decision:
    """G5: with an asylum claim pending or protection granted nothing goes to the State of nationality (Directive
    2013/32 Art. 30, domain 9.10; with several nationalities, to none of them).

    The exception is a partner NGO there, on the person's signed request and with a second person's approval. That a
    claim exists is itself not told: a reason or a correction that names it is refused, a neutral one may stop a return.
    Nationality that was not told may be that of the recipient. What asks the State of origin something, or begins a
    return, needs a legal status that is known.
    """
    if not _tells_of_a_person(facts):
        return PERMIT
    country = None if facts.recipient is None else facts.recipient.country
    history = _with_this(facts)
    if facts.name in TOWARDS_ORIGIN and (history.legal_status is None or country is None):
        return _g5(
            "/header/recipient_unit", "the legal status of the person and the State asked have to be known first"
        )
    if not (_protected(facts, history) and _may_be_origin(facts, history, country)):
        return PERMIT
    if facts.name in STOPPING and facts.content.get("reason") != "asylum_claim":
        return PERMIT
    if _ngo_on_request(facts):
        return PERMIT
    if facts.name in STOPPING:
        return _g5(
            "/content/reason",
            "choose another reason: nothing tells the State of nationality of an asylum claim (trm asylum hold)",
        )
    return _g5(
        "/header/recipient_unit",
        "nothing goes to the State of nationality while asylum is sought or granted, except to an NGO there on the "
        "person's signed request, approved by a second person",
    )


def g5_received(facts: GateFacts) -> Decision:
    """G5 at the receiver, when the message itself says so (Directive 2013/32 Art. 30): what should never have left is
    not taken in. A partner NGO's node can not see the request that the sender relies on, so it is left to the sender.
    What only stops something, with a neutral reason, is taken in as it was let go: a reception team need not wait.
    """
    if facts.name in STOPPING and facts.content.get("reason") != "asylum_claim":
        return PERMIT
    country = None if facts.recipient is None else facts.recipient.country
    history = _with_this(facts)
    known = history.nationalities is not None and country in history.nationalities
    ngo = facts.recipient is not None and facts.recipient.kind is UnitKind.NGO
    if _tells_of_a_person(facts) and history.legal_status in NO_REFOULEMENT and known and not ngo:
        return _g5(
            "/header/recipient_unit", "nothing goes to the State of nationality while asylum is sought or granted"
        )
    return PERMIT


def _tells_of_a_person(facts: GateFacts) -> bool:
    return facts.personal is not False or bool(facts.categories)


def _with_this(facts: GateFacts) -> History:
    """The history with what this message says itself of status and nationality."""
    return facts.history.said(facts.name, facts.content)


def _protected(facts: GateFacts, history: History) -> bool:
    before = facts.history.legal_status in NO_REFOULEMENT  # a correction to the contrary does not go there first
    return facts.asylum_hold or before or history.legal_status in NO_REFOULEMENT


def _may_be_origin(facts: GateFacts, history: History, country: str | None) -> bool:
    """Whether the recipient may be the State of nationality. Where no nationality was told, it is not who alone told
    that the person is protected: one seeks asylum in another State than one's own.
    """
    if history.nationalities is None and history.status_by is Side.THEIRS and not facts.asylum_hold:
        return False
    return history.nationalities is None or country is None or country in history.nationalities


def _ngo_on_request(facts: GateFacts) -> bool:
    ngo = facts.recipient is not None and facts.recipient.kind is UnitKind.NGO
    second = facts.approver is not None and facts.approver != facts.text("author_ref")
    return ngo and second and facts.purpose is not None and signed_request(facts, facts.purpose)


def _g5(place: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G5, place=place, hint=hint)


# --- G8: reflection period ----------------------------------------------------------------------------------------


def g8_reflection(facts: GateFacts) -> Decision:
    """G8: in the reflection period no return is proposed without the person's signed request (ECAT 13: at least 30 days
    in which no expulsion is enforced; domain 3.8). A period without a known end has not ended.
    """
    if facts.name != "return.proposal":
        return PERMIT
    history = facts.history
    if history.legal_status is None:
        return _g8("whether a reflection period runs is not known: the referral has to say the legal status")
    runs = history.legal_status == "reflection_period" and (
        history.reflection_until is None or facts.today <= history.reflection_until
    )
    if runs and not signed_request(facts, "return"):
        return _g8("a reflection period runs: the person has to ask for the return on a signed form (consent.record)")
    return PERMIT


def _g8(hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G8, place="/content", hint=hint)


def signed_request(facts: GateFacts, purpose: str) -> bool:
    """Whether the person asked on a signed form that this unit be told for this purpose.

    The catalogue has one message that carries a person's signature: a consent record with the hash of its form. The
    consent that this message relies on, with every withdrawal known here, stands for the record of the conversation.
    """
    held = facts.consent
    others = [one for one in facts.history.signed if held is None or one.consent_id != held.consent_id]
    return any(_asks(one, purpose, facts.recipient_unit, facts.today) for one in [*others, *([held] if held else [])])


def _asks(consent: Consent, purpose: str, unit: str, today: date) -> bool:
    return (
        consent.signed
        and consent.informed
        and any(
            grant.purpose == purpose and unit in grant.recipient_units and (grant.until is None or today <= grant.until)
            for grant in consent.in_force
        )
        and not any(denial.category is None and denial.forbids(purpose, unit, "") for denial in consent.denials)
    )
