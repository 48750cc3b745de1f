"""The gates about permission: G2 with its path for danger to life, and G7."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from gateway.cases.rules import ConsentCase
from gateway.consent.givers import unfit_giver
from gateway.consent.rules import Consent, covers, onward, passed_on, read
from gateway.errors import Code, RefusedError
from gateway.foundation.json import Json
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse
from gateway.policy.gates.transfer import CONSENT_BASIS

RETURN_CONSENT_DAYS = 90
"""How old the consent to a return may be when it is proposed (domain 7.15)."""

#: Messages with a purpose of their own, each a separate yes of the person (domain 7.6).
PURPOSES: Mapping[str, frozenset[str]] = {
    "identification.certificate": frozenset({"referral", "assistance"}),
    "nationality.request": frozenset({"consular", "return"}),
    "traveldoc.request": frozenset({"consular", "return"}),
    "family.inquiry": frozenset({"family_inquiry"}),
    "family.report": frozenset({"family_inquiry"}),
    "risk.request": frozenset({"risk_assessment"}),
    "risk.assessment": frozenset({"risk_assessment"}),
    "assistance.plan": frozenset({"assistance"}),
    "return.proposal": frozenset({"return", "intra_eu_transfer"}),
    "reintegration.plan": frozenset({"reintegration"}),
    "monitoring.report": frozenset({"monitoring"}),
    "proceedings.notice": frozenset({"legal_proceedings"}),
    "service.complaint": frozenset({"assistance", "monitoring"}),
}

#: What danger to life may carry without consent: the referral itself, what is asked and answered on it, and help.
VITAL_TYPES: frozenset[str] = frozenset({"referral.request", "info.request", "info.reply", "assistance.plan"})
VITAL_PURPOSES: frozenset[str] = frozenset({"referral", "assistance"})

VITAL_BASIS = "6_1_d"
VITAL_SPECIAL_BASIS = "9_2_c"
NATIONAL_LAW = "non_gdpr"


def g2_consent(facts: GateFacts) -> Decision:
    """G2: personal data need a consent that covers purpose, recipient unit and each category (GDPR 6, 9; IOM DP 4).

    A `consent.record` needs no other consent, but goes only to units it names (domain 7.8). A message without
    any category (references only, such as a decline) has to name purpose and consent, which need not be known here: a
    decline for want of consent must be possible. Who gave it has to be able to give it at the age that was told (domain
    7.17), and still has to speak for the child (domain 7.23). On `consent_49_1_a` the person must have been told of the
    risks of the transfer (domain 7.14, GDPR 49(1)(a)). What rests on a consent that another node recorded is onward
    sharing unless it goes back there. What is held for another case carries nothing here (domain 7.18). A claim of
    danger to life that `g2_vital_interest` lets pass stands for a consent that is missing or does not reach so far,
    never for one that was refused, whichever consent of the case says so (domain 7.13).
    """
    if (wrong := _another_case(facts)) is not None:
        return wrong
    if facts.name == "consent.record":
        return _record(facts)
    if facts.personal is False and not facts.categories:
        return PERMIT
    purposes = PURPOSES.get(facts.name)
    if facts.purpose is None:
        return _g2("/purpose", "personal data need a purpose")
    if purposes is not None and facts.purpose not in purposes:
        return _g2("/purpose", f"this message is for the purpose {' or '.join(sorted(purposes))}")
    vital = claims_vital(facts)
    if facts.consent_ref is None and not vital:
        return _g2("/header/consent_ref", "personal data need the id of a consent record: see trm consent record")
    if not facts.categories:
        return PERMIT
    if vital:
        return _denied(facts, facts.purpose)
    consent = facts.consent
    if consent is None or consent.consent_id != facts.consent_ref:
        return _g2("/header/consent_ref", "no such consent record is known here: record or send it first")
    return _covered(facts, consent, facts.purpose)


def _another_case(facts: GateFacts) -> Refuse | None:
    """The refusal of a consent that is held here for another case, or for none (domain 7.18)."""
    place = "/content/consent_id" if facts.name == "consent.record" else "/header/consent_ref"
    match facts.consent_case:
        case ConsentCase.OTHER:
            return _g2(
                place,
                "this consent is of another case: write from the case of the person who gave it, or record what this "
                "person agreed to (trm consent record)",
            )
        case ConsentCase.NONE:
            return _g2(place, "nobody has said of which case this consent is: two people do (trm case move)")
        case ConsentCase.UNCONFIRMED:
            return _g2(
                place,
                "this node was restored without its ledger, so the consent may have been withdrawn since: a worker of "
                "the case confirms it (trm consent confirm)",
            )
        case ConsentCase.SAME:
            return None


def _record(facts: GateFacts) -> Decision:
    try:
        record = read(facts.content)
    except RefusedError:
        return _g2("/content", "the consent record cannot be read")
    if facts.recipient_unit not in record.units:
        return _g2("/content/grants", "a consent record goes only to units that it names")
    return PERMIT


def _covered(facts: GateFacts, consent: Consent, purpose: str, *, at_receiver: bool = False) -> Decision:
    if facts.transfer_basis == CONSENT_BASIS and not consent.transfer_risks_told:
        return _g2(
            "/header/transfer_basis",
            "the person was not told of the risks of this transfer: tell them and record it, or name another basis",
        )
    guardianship = facts.guardianship(at_receiver=at_receiver)
    if unfit := unfit_giver(consent, child=_child(facts), today=facts.today, guardianship=guardianship):
        return _g2("/header/consent_ref", unfit)
    if missing := _missing(facts, consent, purpose):
        return _g2("/header/consent_ref", _uncovered(facts, consent, purpose, missing))
    if kept := _kept(facts, consent, purpose):
        return _g2(
            "/header/consent_ref",
            f"{', '.join(sorted(kept))} came from another node and may not be passed on to this unit: ask the person, "
            "then trm consent record",
        )
    if facts.name == "return.proposal" and facts.today > consent.taken_on + timedelta(days=RETURN_CONSENT_DAYS):
        return _g2("/header/consent_ref", f"consent to a return is taken anew after {RETURN_CONSENT_DAYS} days")
    return PERMIT


def _child(facts: GateFacts) -> bool | None:
    """Whether the person counts as a child by all that was told, this message included."""
    return facts.with_this.child(facts.today)


def _uncovered(facts: GateFacts, consent: Consent, purpose: str, missing: frozenset[str]) -> str:
    """Why these categories may not go, and what to do: refused, never granted, ended, or taken back."""
    given, unit = consent.unwithdrawn(), facts.recipient_unit

    def lacking(today: date) -> frozenset[str]:
        return covers(given, purpose=purpose, unit=unit, categories=missing, today=today) - refused

    refused = frozenset(name for name in missing if given.forbids(purpose, unit, name))
    absent, lapsed = lacking(given.taken_on), lacking(facts.today)
    said = (
        (refused, "the person said no to {} for this recipient: leave it out"),
        (lapsed - absent, "the consent to {} has ended: ask the person again, then trm consent record"),
        (missing - refused - absent - lapsed, "the consent to {} was withdrawn: leave it out"),
        (
            absent,
            "the consent does not cover {} for this recipient: leave it out, or ask the person and record one that "
            "names this unit and purpose (trm consent record)",
        ),
    )
    return "; ".join(text.format(", ".join(sorted(names))) for names, text in said if names)


def _denied(facts: GateFacts, purpose: str) -> Decision:
    """Danger to life stands for a consent nobody could ask for; what the person said no to stays no."""
    unit, consent = facts.recipient_unit, facts.consent
    refused = {
        name
        for name in facts.categories
        if (consent is not None and consent.forbids(purpose, unit, name)) or facts.said_no.refuses(purpose, unit, name)
    }
    if refused:
        return _g2(
            "/header/consent_ref",
            f"the person said no to {', '.join(sorted(refused))} for this recipient: leave it out",
        )
    return PERMIT


def _g2(place: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G2, place=place, hint=hint)


def _missing(facts: GateFacts, consent: Consent, purpose: str) -> frozenset[str]:
    return covers(consent, purpose=purpose, unit=facts.recipient_unit, categories=facts.categories, today=facts.today)


def _kept(facts: GateFacts, consent: Consent, purpose: str) -> frozenset[str]:
    if not passed_on(facts.recorded_by, facts.sender_node, facts.recipient_unit):
        return frozenset()
    return onward(
        consent,
        facts.handling,
        purpose=purpose,
        unit=facts.recipient_unit,
        categories=facts.categories,
        today=facts.today,
    )


def g2_received(facts: GateFacts) -> Decision:
    """G2 at the receiver, against the record it holds (domain 7.8: the recipient enforces the scope).

    A record that is not here may be behind a gap, and the sender's signature stands for it; an answer is final, so it
    must not rest on what has not arrived yet. Nor can the receiver see whom the sender asked in danger to life.
    """
    consent = facts.consent
    if facts.name == "consent.record":
        return _record(facts)
    if consent is None or facts.purpose is None or not facts.categories or consent.consent_id != facts.consent_ref:
        return PERMIT
    if claims_vital(facts):
        return _denied(facts, facts.purpose)
    return _covered(facts, consent, facts.purpose, at_receiver=True)


# --- danger to life -----------------------------------------------------------------------------------------------


def claims_vital(facts: GateFacts) -> bool:
    """Whether the message says that it goes without consent because a life is in danger."""
    return "vital_interest" in facts.header


def g2_vital_interest(facts: GateFacts) -> Decision:
    """G2: without consent in danger to life, and who decided so (GDPR 6(1)(d), 9(2)(c), 49(1)(f); nrm.bg SOP 1.4).

    Two people decide: the author, and another one who approved this very message on this node. The legal bases are
    those of danger to life, since a person who can be asked is asked. This opens G2 and no other gate: there are other
    transfer bases (G6), a no of the person stays one (G2, G7), a child is not moved by it (G3, G4, G8), nothing goes to
    those fled from (G5), and `safety.alert` passes everything (G10).
    """
    refused = g2_vital_form(facts)
    if isinstance(refused, Refuse) or not claims_vital(facts):
        return refused
    if facts.approver is None or facts.approver != _approver(facts):
        return _vital("/approver_ref", "another person has to approve this message on this node before it goes")
    return PERMIT


def g2_vital_form(facts: GateFacts) -> Decision:
    """G2: the claim of danger to life as far as the message shows it, which is all that a receiver sees (GDPR 6(1)(d),
    9(2)(c), 49(1)(f)).
    """
    if not claims_vital(facts):
        return PERMIT
    bases = _legal_bases(facts)
    if facts.name not in VITAL_TYPES or facts.purpose not in VITAL_PURPOSES:
        return _vital("", "danger to life carries a referral, questions and answers on it, and help; else safety.alert")
    if not _approver(facts) or _approver(facts) == facts.text("author_ref"):
        return _vital("/approver_ref", "two different people decide: the approver is not the author")
    if NATIONAL_LAW not in bases and VITAL_BASIS not in bases:
        return _basis(f"without consent in danger to life the legal basis is {VITAL_BASIS}, or the national law")
    if NATIONAL_LAW not in bases and "special" in facts.sensitivities and VITAL_SPECIAL_BASIS not in bases:
        return _basis(f"special data in danger to life need {VITAL_SPECIAL_BASIS} besides: nobody could ask the person")
    if facts.transfer_basis == CONSENT_BASIS:
        return _g2("/header/transfer_basis", "a transfer without consent needs another basis, such as vital interest")
    return PERMIT


def _approver(facts: GateFacts) -> str | None:
    claim = facts.header.get("vital_interest")
    named: Json = claim.get("approver_ref") if isinstance(claim, dict) else None
    return named if isinstance(named, str) else None


def _legal_bases(facts: GateFacts) -> frozenset[Json]:
    listed = facts.header.get("legal_basis")
    return frozenset(item for item in listed if isinstance(item, str)) if isinstance(listed, list) else frozenset()


def _vital(place: str, hint: str) -> Refuse:
    return _g2(f"/header/vital_interest{place}", hint)


def _basis(hint: str) -> Refuse:
    return _g2("/header/legal_basis", hint)


# --- withdrawal ------------------------------------------------------------------------------------------------------


def g7_withdrawal(facts: GateFacts) -> Decision:
    """G7: after a withdrawal only acknowledgement, erasure and safety alert may go (GDPR 7(3), domain 3.7).

    Those and the withdrawal itself are never blocked (G10). A new `consent.record` may go too: it ends the overlay. The
    record of a consent that was itself taken back tells a peer nothing that it may still rely on. Of a consent
    withdrawn in part, what the withdrawn grants alone covered is refused here, under this name; and nobody is told of
    it any more, who would have the whole record and no word of that.
    """
    record, consent = facts.name == "consent.record", facts.consent
    if record and facts.record_withdrawn:
        return Refuse(gate=Code.GATE_G7, place="/content/consent_id", hint="the person withdrew this consent")
    if not record and (facts.conversation_withdrawn or (consent is not None and consent.fully_withdrawn)):
        return _g7("the person withdrew consent: only acknowledgement, erasure and safety alerts may go")
    if facts.narrowed_untold:
        hint = (
            "the person took a part of this consent back before its record went to this country: record what is agreed "
            "to now as a new consent (trm consent record)"
        )
        return Refuse(gate=Code.GATE_G7, place="/content/consent_id" if record else "/header/consent_ref", hint=hint)
    return PERMIT if record else _taken_back(facts)


def g7_received(facts: GateFacts) -> Decision:
    """G7 at the receiver: personal data that rest on what it knows to be withdrawn are not taken in, also when they
    were on their way (GDPR 7(3); domain 4.10: withdrawal wins). References alone are left to the conversation.
    """
    withdrawn = facts.conversation_withdrawn or (facts.consent is not None and facts.consent.fully_withdrawn)
    if facts.name == "consent.record" or not facts.categories:
        return PERMIT
    return _g7("the person withdrew consent: nothing of it was taken in") if withdrawn else _taken_back(facts)


def _taken_back(facts: GateFacts) -> Decision:
    consent, purpose = facts.consent, facts.purpose
    if purpose is None:
        return PERMIT
    taken_back = facts.said_no.took_back(purpose, facts.recipient_unit, facts.categories, facts.today)
    if consent is not None and consent.partly_withdrawn:
        taken_back |= _missing(facts, consent, purpose) - _missing(facts, consent.unwithdrawn(), purpose)
    if taken_back:
        return _g7(f"the person withdrew consent for {', '.join(sorted(taken_back))}: leave it out")
    return PERMIT


def _g7(hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G7, place="/header/consent_ref", hint=hint)
