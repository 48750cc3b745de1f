"""Gate G6: on which basis data leave a country, held against who sends them and who receives them there."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import Code
from gateway.foundation.ids import UnitKind
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse
from schemas.law.adequacy import Law, is_adequate

#: The transfer basis that public authorities may not use (GDPR 49(3)).
CONSENT_BASIS = "consent_49_1_a"
#: The one that claims that there is no transfer to a third country.
INTRA_EEA = "intra_eea"
#: Those that rest on a decision of the Commission about the country, by the law of the decision.
ADEQUACY: Mapping[str, Law] = {"adequacy_45": Law.GDPR, "led_36": Law.LED}
#: Bases of Directive (EU) 2016/680: between police and prosecutors, and nobody else.
LAW_ENFORCEMENT: frozenset[str] = frozenset({"led_8", "led_10", "led_36", "led_37", "led_38"})
LAW_ENFORCEMENT_ROLES: frozenset[str] = frozenset({"police_liaison", "prosecutor_liaison"})
#: The European Union, Iceland, Liechtenstein and Norway (EEA Agreement, Joint Committee Decision 154/2018).
EEA: frozenset[str] = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI"),
        *("FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU"),
        *("LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)


def g6_transfer_basis(facts: GateFacts) -> Decision:
    """G6: a public authority may not transfer on the person's consent (GDPR 49(3)); an unknown kind counts as one.

    Nor does anybody claim that the data stay in the EEA when the signed directory says that they leave it, or that they
    go to an international organisation, wherever it has its office (GDPR 44, EDPB 05/2021); or rest on a decision of
    the Commission that there is not (GDPR 45). Bases for police and prosecutors are for them alone (domain 3.20).
    """
    return g6_received(facts) if facts.sender_kind is not None else _first(_judge_basis(facts), _on_consent(facts))


def g6_received(facts: GateFacts) -> Decision:
    """G6 at the receiver: where the signed directory shows that the sender is an authority (GDPR 49(3)), and for the
    own country.
    """
    authority = facts.sender_kind is UnitKind.PUBLIC_AUTHORITY
    return _first(_judge_basis(facts), _on_consent(facts) if authority else PERMIT)


def _first(*decisions: Decision) -> Decision:
    return next((found for found in decisions if isinstance(found, Refuse)), PERMIT)


def _judge_basis(facts: GateFacts) -> Decision:
    return _first(_leaves_eea(facts), _without_decision(facts), _not_police(facts))


def _leaves_eea(facts: GateFacts) -> Decision:
    if facts.transfer_basis != INTRA_EEA or facts.recipient is None:
        return PERMIT
    if facts.recipient.kind is UnitKind.INTERNATIONAL_ORGANISATION:
        return _g6(
            "the signed directory has the recipient as an international organisation: that is a transfer wherever its "
            "office is, so name the basis on which the data go there"
        )
    if facts.recipient.country in EEA:
        return PERMIT
    return _g6("the signed directory has the recipient outside the EEA: name the basis on which the data go there")


def _without_decision(facts: GateFacts) -> Decision:
    law = ADEQUACY.get(facts.transfer_basis or "")
    if law is None or facts.recipient is None:
        return PERMIT
    if facts.recipient.kind is UnitKind.INTERNATIONAL_ORGANISATION:
        return _g6("no adequacy decision covers an international organisation: name another basis")
    if is_adequate(facts.recipient.country, law, facts.today):
        return PERMIT
    return _g6("no adequacy decision covers the country of the recipient today: name another basis")


def _not_police(facts: GateFacts) -> Decision:
    """Refuse a basis of the Directive for police and prosecutors where one end is neither (Directive 2016/680, 35)."""
    listed = facts.header.get("legal_basis")
    bases = {item for item in listed if isinstance(item, str)} if isinstance(listed, list) else set[str]()
    if facts.text("sender_role") not in LAW_ENFORCEMENT_ROLES and bases & LAW_ENFORCEMENT:
        return _g6("a basis for police and prosecutors is theirs alone: name one of the GDPR", "/header/legal_basis")
    ends = {facts.text("sender_role"), facts.text("recipient_role")}
    if facts.transfer_basis in LAW_ENFORCEMENT and not ends <= LAW_ENFORCEMENT_ROLES:
        return _g6("this basis is for transfers between police and prosecutors: name one of the GDPR")
    return PERMIT


def _on_consent(facts: GateFacts) -> Decision:
    if facts.transfer_basis != CONSENT_BASIS:
        return PERMIT
    return _g6("a public authority needs another basis than consent, such as an agreement or public interest")


def _g6(hint: str, place: str = "/header/transfer_basis") -> Refuse:
    return Refuse(gate=Code.GATE_G6, place=place, hint=hint)
