"""The gates G1 to G15 (domain 3.1 to 3.15), as numbered functions over one frozen set of facts.

A gate looks at facts and answers with a value: ``Permit``, or a ``Refuse`` that names the gate, a place and what to do.
There is no override: danger to life is a path of its own with a second approver, and it opens G2 alone. What a gate is
not told refuses: facts that know nothing pass nothing.

    G10  never-blocked types pass every other gate; it is asked first
    G1   enquiries, directory and statistics carry nothing that identifies a person            content
    G2   personal data need a consent that covers purpose, recipient unit and categories       consent
    G3   no child returns without guardian, assent, best interests and family report           person
    G4   a return needs a joint risk assessment that says proceed, or the warned person's word person
    G5   with asylum sought or granted nothing goes to a State that the person fears           asylum
    G6   data leave on a basis that fits who sends and who receives them, an authority's never consent   transfer
    G7   after a withdrawal only what serves the withdrawal, erasure and safety may go         consent
    G8   no return in the reflection period unasked, or by a decision that is not final        person
    G9   criminal data go to lawyers, prosecutors and police, or with consent to a case manager    content
    G11  an unknown or unmapped code is refused, never replaced                                content
    G12  statistics give no small count away                                                   content
    G13  who declines says why                                                                 content
    G14  the recipient unit is in the signed directory                                         content
    G15  a question about nationality never tells of a victim                                  content

A correction passes them twice: as the message that it is, and as the message that it corrects would be
(`gateway.policy.gates.correction`).

The sender asks all of them twice, when a message is submitted and when it departs, because a consent may be gone by
then (nrm1 12.1). The receiver asks those that it can judge: `AT_RECEIVER`, and `LEFT_TO_SENDER` says why not the
others. A receiver's answer is final, so it rests on the message, on signed documents and on what it holds, never on
the absence of what may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.errors import Code
from gateway.foundation.ids import UnitKind
from gateway.policy.gates import correction
from gateway.policy.gates.asylum import g5_asylum, g5_received
from gateway.policy.gates.consent import (
    PURPOSES,
    g2_consent,
    g2_received,
    g2_vital_form,
    g2_vital_interest,
    g7_received,
    g7_withdrawal,
)
from gateway.policy.gates.content import (
    CODE_RULES,
    g1_no_identifiers,
    g9_criminal,
    g9_received,
    g10_never_blocked,
    g11_codes,
    g12_statistics,
    g13_reason,
    g14_directory,
    g14_roles,
    g15_neutral,
)
from gateway.policy.gates.facts import Decision, Gate, GateFacts, Permit, Recipient, Refuse, kind_by_roles
from gateway.policy.gates.person import g3_child, g4_joint_risk, g8_stay
from gateway.policy.gates.transfer import CONSENT_BASIS, g6_received, g6_transfer_basis

__all__ = [
    "AT_RECEIVER",
    "CODE_RULES",
    "CONSENT_BASIS",
    "GATES",
    "LEFT_TO_SENDER",
    "PURPOSES",
    "AtReceiver",
    "Decision",
    "Gate",
    "GateFacts",
    "Permit",
    "Recipient",
    "Refuse",
    "UnitKind",
    "evaluate",
    "kind_by_roles",
    "received",
]

#: The gates in the order in which refusals are told: what was taken back comes before what was never given, and what
#: keeps a person safe before what only has to be mended.
GATES: tuple[Gate, ...] = (
    g7_withdrawal,
    g5_asylum,
    g2_vital_interest,
    g2_consent,
    g6_transfer_basis,
    g3_child,
    g4_joint_risk,
    g8_stay,
    g9_criminal,
    g15_neutral,
    g1_no_identifiers,
    g12_statistics,
    g14_directory,
    g11_codes,
    g13_reason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtReceiver:
    """A gate that the receiver asks too, in the form in which it can, and on what that rests."""

    gate: Gate
    why: str


AT_RECEIVER: tuple[AtReceiver, ...] = (
    AtReceiver(gate=g7_received, why="the withdrawals it holds; wins over what was on its way"),
    AtReceiver(gate=g5_received, why="status and nationality in the message, or said before"),
    AtReceiver(gate=g2_vital_form, why="the form of the claim; whom the sender asked stays the sender's"),
    AtReceiver(gate=g2_received, why="the consent record it holds; one that is not here may be behind a gap"),
    AtReceiver(
        gate=g6_received, why="kinds and roles of both units in the signed descriptors, the own list of decisions"
    ),
    AtReceiver(gate=g9_received, why="the role that the message names as its reader"),
    AtReceiver(gate=g15_neutral, why="the message alone"),
    AtReceiver(gate=g1_no_identifiers, why="the message alone"),
    AtReceiver(gate=g12_statistics, why="the message alone"),
    AtReceiver(gate=g14_roles, why="newer roles, by both signed descriptors; whom a complaint is about"),
    AtReceiver(gate=g11_codes, why="its own code lists"),
    AtReceiver(gate=g13_reason, why="the message alone"),
)

LEFT_TO_SENDER: Mapping[Code, str] = {
    Code.GATE_G3: "rests on earlier messages, some of which may be behind a gap; asked again before it confirms",
    Code.GATE_G4: "rests on earlier messages, some of which may be behind a gap; asked again before it confirms",
    Code.GATE_G8: "rests on a form that only the sender has seen",
    Code.GATE_G10: "no refusal of its own: it is asked first on both sides",
}


def evaluate(facts: GateFacts) -> Permit | tuple[Refuse, ...]:
    """All gates: ``Permit``, or every refusal, so that a person mends all of them at once."""
    return _asked(GATES, facts)


def received(facts: GateFacts) -> Permit | tuple[Refuse, ...]:
    """The gates that a receiver can judge, in their order; the first refusal is the code that the sender is told."""
    return _asked((item.gate for item in AT_RECEIVER), facts)


def _asked(gates: Iterable[Gate], facts: GateFacts) -> Permit | tuple[Refuse, ...]:
    if g10_never_blocked(facts):
        return Permit()
    asked = tuple(gates)
    refusals = _refusals(asked, facts)
    if facts.name == correction.NAME:
        corrected = correction.judge_correction(facts)
        if isinstance(corrected, Refuse):
            refusals = (*refusals, corrected)
        elif corrected is not None:
            refusals = (*refusals, *map(correction.place_refusal, _refusals(asked, corrected)))
    return refusals or Permit()


def _refusals(gates: Iterable[Gate], facts: GateFacts) -> tuple[Refuse, ...]:
    return tuple(decision for gate in gates if isinstance(decision := gate(facts), Refuse))
