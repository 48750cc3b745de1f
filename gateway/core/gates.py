"""The gates of DOMAIN 2.1 that work in this release, as numbered functions over one frozen set of facts.

A gate looks at facts and answers with a value: ``Permit``, or a ``Refuse`` that names the gate, a place and what to do.
There is no override. Gates are asked twice, when a message is submitted and when it departs, because a consent may be
gone by then (DESIGN 3b.1). What a gate is not told refuses: facts that know nothing pass nothing.

    G10  never-blocked types pass every other gate; it is asked first
    G2   personal data need a consent that covers purpose, recipient unit and categories
    G6   a public authority may not transfer on the person's consent
    G7   after a withdrawal only what serves the withdrawal, erasure and safety may go
    G11  an unknown or unmapped code is refused, never replaced
    G13  who declines says why
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.core.consent import Consent, covers, read
from gateway.core.scope import never_blocked, type_name
from gateway.core.stages import Json
from gateway.errors import Code, Finding, RefusedError

#: Rules of findings that mean "this code is not known" (schema) and "this value has no code" (mapping).
CODE_RULES: frozenset[str] = frozenset({"unknown_code", "unmapped_code"})

#: The transfer basis that public authorities may not use (GDPR 49(3)).
CONSENT_BASIS = "consent_49_1_a"


class UnitKind(StrEnum):
    """What kind of organisation a unit of this node is; from its settings."""

    PUBLIC_AUTHORITY = "public_authority"
    INTERNATIONAL_ORGANISATION = "international_organisation"
    NGO = "ngo"
    SERVICE_PROVIDER = "service_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """All that the gates look at.

    ``personal`` is the catalogue's flag, None where the catalogue does not know the type; ``categories`` are those
    present in the content. ``recipient_unit`` is `n1.../unit`. ``consent`` is what ``consent_ref`` names, with its
    withdrawals, None where it is not known here. ``conversation_withdrawn``: a consent that this conversation relied on
    was withdrawn whole and no newer record took its place. ``findings`` are those of schema and mapping.
    """

    body_type: str
    personal: bool | None
    categories: frozenset[str]
    purpose: str | None
    recipient_unit: str
    sender_kind: UnitKind | None
    transfer_basis: str | None
    consent_ref: str | None
    consent: Consent | None
    conversation_withdrawn: bool
    content: Mapping[str, Json]
    findings: tuple[Finding, ...]
    today: date


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate has nothing against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The gate is closed. ``place`` is a JSON pointer into the body; ``hint`` holds no value of the case."""

    gate: Code
    place: str
    hint: str


Decision = Permit | Refuse
_PERMIT = Permit()


def g2_consent(facts: GateFacts) -> Decision:
    """G2: personal data need a consent that covers purpose, recipient unit and each category (GDPR 6, 9; IOM DP 4).

    A `consent.record` needs no other consent, but goes only to units it names (DOMAIN 2.3 row 16). A message without
    any category (references only, such as a decline) has to name purpose and consent, which need not be known here: a
    decline for want of consent must be possible. On `consent_49_1_a` the person must have been told of the risks of
    the transfer (DOMAIN message 16, GDPR 49(1)(a)).
    """
    if facts.personal is False and not facts.categories:
        return _PERMIT
    if type_name(facts.body_type) == "consent.record":
        return _g2_record(facts)
    if facts.purpose is None:
        return _g2("/purpose", "personal data need a purpose")
    if facts.consent_ref is None:
        return _g2("/header/consent_ref", "personal data need the id of a consent record: see trm consent record")
    if not facts.categories:
        return _PERMIT
    consent = facts.consent
    if consent is None or consent.consent_id != facts.consent_ref:
        return _g2("/header/consent_ref", "no such consent record is known here: record or send it first")
    if facts.transfer_basis == CONSENT_BASIS and not consent.transfer_risks_told:
        return _g2("/header/transfer_basis", "the person was not told of the risks of this transfer")
    if missing := _missing(facts, consent, facts.purpose):
        return _g2("/header/consent_ref", f"the consent does not cover {', '.join(sorted(missing))} for this recipient")
    return _PERMIT


def _g2_record(facts: GateFacts) -> Decision:
    try:
        record = read(facts.content)
    except RefusedError:
        return _g2("/content", "the consent record can not be read")
    if facts.recipient_unit not in record.units:
        return _g2("/content/grants", "a consent record goes only to units that it names")
    return _PERMIT


def _g2(place: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G2, place=place, hint=hint)


def _missing(facts: GateFacts, consent: Consent, purpose: str) -> frozenset[str]:
    return covers(consent, purpose=purpose, unit=facts.recipient_unit, categories=facts.categories, today=facts.today)


def g6_transfer_basis(facts: GateFacts) -> Decision:
    """G6: a public authority may not transfer on the person's consent (GDPR 49(3)); an unknown kind counts as one."""
    if facts.transfer_basis == CONSENT_BASIS and facts.sender_kind in (None, UnitKind.PUBLIC_AUTHORITY):
        return Refuse(
            gate=Code.GATE_G6,
            place="/header/transfer_basis",
            hint="a public authority needs another basis than consent, such as an agreement or public interest",
        )
    return _PERMIT


def g7_withdrawal(facts: GateFacts) -> Decision:
    """G7: after a withdrawal only acknowledgement, erasure and safety alert may go (GDPR 7(3), DOMAIN 3.3).

    Those and the withdrawal itself are never blocked (G10). A new `consent.record` may go too: it ends the overlay. Of
    a consent withdrawn in part, what the withdrawn grants alone covered is refused here, under this name.
    """
    if type_name(facts.body_type) == "consent.record":
        return _PERMIT
    consent = facts.consent
    if facts.conversation_withdrawn or (consent is not None and consent.fully_withdrawn):
        return _g7("the person withdrew consent: only acknowledgement, erasure and safety alerts may go")
    if consent is None or facts.purpose is None or not consent.partly_withdrawn:
        return _PERMIT
    taken_back = _missing(facts, consent, facts.purpose) - _missing(facts, consent.unwithdrawn(), facts.purpose)
    if taken_back:
        return _g7(f"the person withdrew consent for {', '.join(sorted(taken_back))}")
    return _PERMIT


def _g7(hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G7, place="/header/consent_ref", hint=hint)


def g10_never_blocked(facts: GateFacts) -> bool:
    """G10: withdrawal, erasure and safety alert are never blocked by any gate (GDPR 7(3); types: PROTOCOL B4)."""
    return never_blocked(facts.body_type)


def g11_codes(facts: GateFacts) -> Decision:
    """G11: an unknown or unmapped code, or a type that the catalogue does not know, is refused (DOMAIN 0.6)."""
    if facts.personal is None:
        return Refuse(gate=Code.GATE_G11, place="/body_type", hint="the catalogue does not know this message type")
    for finding in facts.findings:
        if finding.rule in CODE_RULES:
            hint = finding.hint or "add the value to the mapping, or choose a code of the list; there is no default"
            return Refuse(gate=Code.GATE_G11, place=finding.place, hint=hint)
    return _PERMIT


def g13_reason(facts: GateFacts) -> Decision:
    """G13: a decline needs a reason code (DOMAIN message 5, after Primero R2-1917); so does a capacity reply of no."""
    match type_name(facts.body_type):
        case "referral.decline":
            member, declines = "reason", True
        case "enquiry.reply":
            member, declines = "decline_reason", facts.content.get("answer") == "no"
        case _:
            return _PERMIT
    if declines and not facts.content.get(member):
        return Refuse(gate=Code.GATE_G13, place=f"/content/{member}", hint="say why: choose a code of decline_reason")
    return _PERMIT


#: The gates in the order in which refusals are told: what was taken back comes before what was never given.
GATES: tuple[Callable[[GateFacts], Decision], ...] = (
    g7_withdrawal,
    g2_consent,
    g6_transfer_basis,
    g11_codes,
    g13_reason,
)


def evaluate(facts: GateFacts) -> Permit | tuple[Refuse, ...]:
    """All gates: ``Permit``, or every refusal, so that a person mends all of them at once."""
    if g10_never_blocked(facts):
        return _PERMIT
    refusals = tuple(decision for gate in GATES if isinstance(decision := gate(facts), Refuse))
    return refusals or _PERMIT
