"""The gates of a return: G3, G4 and G8. They look at what the conversation said before."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.consent.givers import unfit_giver
from gateway.consent.rules import Consent
from gateway.conversations.history import CHILD, BestInterests, Grounds, History, Risk, Side, travellers
from gateway.errors import Code
from gateway.foundation.ids import UnitAddress
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse
from gateway.policy.gates.transfer import EEA
from schemas.law.legal_status import is_returnable, is_transferable

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
#: The kind and the purpose of a transfer to the EU State that examines the asylum claim (domain 9.30).
EU_TRANSFER, TRANSFER_PURPOSE = "eu_transfer", "intra_eu_transfer"
#: Outcomes that let a child be transferred there: the family waits in that State (Regulation 2024/1351 article 25).
TRANSFER_OUTCOMES: frozenset[str] = frozenset({"third_country_family"})
#: Those by which the child goes to the family, which has to be found suitable.
TO_FAMILY: frozenset[str] = frozenset({"family_reunification_origin", *TRANSFER_OUTCOMES})
#: States that take part in these transfers: the EEA, and Switzerland by its agreement.
TRANSFER_STATES: frozenset[str] = EEA | {"CH"}
ASSENT: frozenset[str] = frozenset({"given", "not_able"})


# --- G3: child ----------------------------------------------------------------------------------------------------


def g3_child(facts: GateFacts) -> Decision:
    """G3: no child returns without guardian, assent, best-interests determination and family report (ECAT 16(7),
    domain 3.3; UNICEF Guidelines 3.2; FRA: the family assessment comes before a return).

    A proposal needs all of it and the guardian of the side that proposes; the confirmation needs the guardians of both
    sides. Age in doubt, or never told, counts as a child. Nobody is moved by a danger to life: see `safety.alert`. No
    child is returned by a decision (domain 9.26), and none goes against advice (domain 9.27).
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
    grounds = facts.with_this.grounds
    if grounds is not None and (grounds.kind == "decision_based" or grounds.signed_on is not None):
        hint: str | None = "no child is returned by a decision or goes against advice: its best interests decide"
    else:
        moved = grounds is not None and grounds.kind == EU_TRANSFER
        hint = _g3_missing(
            facts.history, guardians, facts.today, outcomes=TRANSFER_OUTCOMES if moved else RETURN_OUTCOMES
        )
    return PERMIT if hint is None else Refuse(gate=Code.GATE_G3, place="/content", hint=hint)


def _child_travels(history: History, listed: tuple[str, ...], today: date) -> bool:
    """Whether the person is a child, or a child travels without an adult. A mother's own children travel with her."""
    alone = any(age in CHILD for age in listed) and "adult" not in listed
    return alone or history.child(today) is not False


def _g3_missing(history: History, guardians: tuple[Side, ...], today: date, *, outcomes: frozenset[str]) -> str | None:
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
    unsuitable = report.involvement_suspected or report.recommendation not in SUITABLE
    return _not_in_best_interests(history.best_interests, unsuitable, today, outcomes=outcomes)


def _not_in_best_interests(
    found: BestInterests | None, unsuitable: bool, today: date, *, outcomes: frozenset[str]
) -> str | None:
    if found is None:
        return "a determination of the child's best interests comes first: send bid.report"
    if found.outcome not in outcomes:
        return "the determination of the child's best interests does not allow a return: do not propose one"
    if found.review_on is not None and today > found.review_on:
        return "the determination of the child's best interests is due for review: send bid.report of kind bid_review"
    if not found.care_place:
        return "the place of care has to be confirmed: see care_place_confirmed of bid.report"
    if found.outcome in TO_FAMILY and unsuitable:
        return "the family report does not find the family suitable: the panel has to review its determination"
    return None


# --- G4: risk -----------------------------------------------------------------------------------------------------


def g4_joint_risk(facts: GateFacts) -> Decision:
    """G4: a return needs a joint risk assessment of at most 30 days that says proceed (ECAT 16(2) and (7), TACT Risk
    Assessment Matrix, domain 3.4).

    Joint: each side sent its own part, and one concluded for both; where both did, the more protective one stands, and
    a newer part that says stop reopens it, whoever sent it and whichever it is. With `proceed_with_measures` a return
    is proposed while they are prepared; it is confirmed when the newest joint assessment says of each on which day it
    was in place. An adult who goes all the same is announced and met: who was warned of all that is known and signed
    so needs no assessment that says proceed (domain 9.27).
    """
    confirms = _confirms(facts)
    if facts.name != "return.proposal" and not confirms:
        return PERMIT
    grounds = facts.with_this.grounds
    if grounds is not None and grounds.kind == "independent_voluntary" and grounds.signed_on is not None:
        hint = _warned_too_early(facts.history, grounds.signed_on, facts.today)
        return PERMIT if hint is None else Refuse(gate=Code.GATE_G4, place="/content", hint=hint)
    hint = _g4_missing(facts.history, facts.today)
    if hint is None and confirms and not _prepared(facts.history, facts.today):
        hint = "the measures have to be in place first: send the joint risk.assessment again with done_on for each"
    return PERMIT if hint is None else Refuse(gate=Code.GATE_G4, place="/content", hint=hint)


def _confirms(facts: GateFacts) -> bool:
    return facts.name == "return.response" and facts.content.get("answer") == "confirm"


def _warned_too_early(history: History, signed_on: date, today: date) -> str | None:
    """A statement warns of what was known when it was signed; a newer assessment has to be told, too."""
    if signed_on > today + timedelta(days=1):  # local days run ahead of UTC by at most one
        return "the statement is signed after today: correct the day"
    if any(risk.on > signed_on for risk in (*history.parts.values(), *history.joint.values())):
        return "an assessment of the risks is newer than the statement: tell the person of it, and let them sign anew"
    return None


def _joint(history: History) -> str | None:
    """The joint conclusion that stands; one that no list has is as protective as the strictest."""
    return max((risk.conclusion for risk in history.joint.values()), key=_protective, default=None)


def _prepared(history: History, today: date) -> bool:
    """Whether the measures are in place; where the newest joint assessment needs some, it has to list them."""
    newest = max(history.joint.values(), key=_told)
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
    newest = max(history.joint.values(), key=_told)
    if not _holds(newest, today):
        return f"the joint risk assessment is older than {RISK_DAYS} days or due for review: agree a new one"
    if conclusion not in PROCEED:
        return "the joint risk assessment does not say proceed: look for protection alternatives (ODIHR principle 3)"
    if any(_told(part) > _told(newest) and part.conclusion not in PROCEED for part in history.parts.values()):
        return "a newer part of the risk assessment says stop: agree a new joint conclusion"
    return None


def _told(risk: Risk) -> tuple[int, int]:
    return risk.at, risk.n


def _holds(risk: Risk, today: date) -> bool:
    in_time = today <= risk.on + timedelta(days=RISK_DAYS)
    return in_time and (risk.review_on is None or today <= risk.review_on)


# --- G8: the right to stay -------------------------------------------------------------------------------------------


def g8_stay(facts: GateFacts) -> Decision:
    """G8: in the reflection period no return is proposed without the person's signed request (ECAT 13: at least 30 days
    in which no expulsion is enforced; domain 3.8). A period without a known end has not ended.

    A return by a decision is proposed and confirmed only when the decision is final, its safeguards are named, and the
    last legal status is one that gives no right to stay (ECAT 16(2), domain 9.26). So is a transfer to the EU State
    that examines the asylum claim; it is not carried out in the reflection period, and the person is informed before
    (C-66/21; domain 9.30).
    """
    if facts.name != "return.proposal" and not _confirms(facts):
        return PERMIT
    history, grounds = facts.history, facts.with_this.grounds
    if facts.name == "return.proposal" and (facts.purpose == TRANSFER_PURPOSE) != _is_transfer(grounds):
        return _g8("a return and a transfer to another EU State have purposes of their own: name the right one")
    if grounds is not None and _is_transfer(grounds):
        return _g8_transfer(facts, grounds)
    if grounds is not None and grounds.kind == "decision_based":
        return _g8_decision(history, grounds, facts.today)
    if facts.name != "return.proposal":
        return PERMIT
    if history.legal_status is None:
        return _g8("whether a reflection period runs is not known: the referral has to say the legal status")
    runs = history.legal_status == "reflection_period" and (
        history.reflection_until is None or facts.today <= history.reflection_until
    )
    if runs and not signed_request(facts, "return"):
        return _g8("a reflection period runs: the person has to ask for the return on a signed form (consent.record)")
    return PERMIT


def _g8_decision(history: History, grounds: Grounds, today: date) -> Decision:
    if not is_returnable(history.legal_status):
        return _g8("the legal status told last is not known, or one by which the person may stay")
    if grounds.decided_on is None:
        return _g8(
            "a return by a decision names its day, that no remedy is left, the lawyer's unit and why nobody has to "
            "fear persecution or serious harm there: see decision of return.proposal"
        )
    if grounds.decided_on > today:
        return _g8("a decision of a later day is not final yet")
    return PERMIT


def _is_transfer(grounds: Grounds | None) -> bool:
    return grounds is not None and grounds.kind == EU_TRANSFER


def _g8_transfer(facts: GateFacts, grounds: Grounds) -> Decision:
    history, today = facts.history, facts.today
    if facts.name == "return.proposal" and (facts.recipient is None or facts.recipient.country not in TRANSFER_STATES):
        return _g8("such a transfer goes to a State that takes part in the examination of asylum claims")
    if history.reflection_until is not None and today <= history.reflection_until:
        return _g8("a reflection period runs: a transfer may be prepared, and is not carried out before it has ended")
    if not is_transferable(history.legal_status):
        return _g8("the legal status told last is not that another EU State examines the asylum claim")
    if grounds.decided_on is None or grounds.informed_on is None:
        return _g8(
            "a transfer names the day of its decision, that no appeal stops it, and the day on which the person was "
            "informed: see transfer of return.proposal"
        )
    if max(grounds.decided_on, grounds.informed_on) > today:
        return _g8("the decision and the information of the person come before the transfer")
    return PERMIT


def _g8(hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G8, place="/content", hint=hint)


def signed_request(facts: GateFacts, purpose: str) -> bool:
    """Whether the person asked on a signed form that this unit be told for this purpose, and could.

    The catalogue has one message that carries a person's signature: a consent record with the hash of its form. The
    consent that this message relies on, with every withdrawal known here, stands for the record of the conversation.
    Whoever gave it has to be able to at the age that was told, and still to speak for the child, as for any consent
    (domain 7.17, 7.23).
    """
    held, history = facts.consent, facts.history
    asked = {one.consent_id: (one, history.guardianship_of(one)) for one in history.signed}
    if held is not None:
        asked[held.consent_id] = held, facts.guardianship(at_receiver=False)
    child, today = facts.with_this.child(facts.today), facts.today
    return any(
        _asks(one, purpose, facts.recipient_unit, today)
        and unfit_giver(one, child=child, today=today, guardianship=guardianship) is None
        for one, guardianship in asked.values()
    )


def _asks(consent: Consent, purpose: str, unit: UnitAddress, today: date) -> bool:
    return (
        consent.signed
        and consent.informed
        and any(
            grant.purpose == purpose and unit in grant.recipient_units and (grant.until is None or today <= grant.until)
            for grant in consent.in_force
        )
        and not any(denial.category is None and denial.forbids(purpose, unit, "") for denial in consent.denials)
    )
