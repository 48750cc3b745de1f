"""What the gates must know and the message does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.cases.rules import ConsentCase
from gateway.consent.givers import NOTHING_TOLD, Guardianship
from gateway.consent.rules import Consent, Handling
from gateway.consent.said_no import NOTHING_REFUSED, SaidNo
from gateway.conversations.history import NOTHING_SAID, History
from gateway.foundation.ids import NodeId
from gateway.policy.gates.gate_table import Recipient, UnitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the gates must know and the message does not say; `GateFacts` says what each is.

    `node` is this one, `recipient` the unit in the peer's signed directory, `consent` what consent_ref names, if held
    here, and `consent_case` how its case stands to that of the message. What stands at its default closes gates:
    nothing was said before, nobody approved.
    """

    node: NodeId
    sender_kind: UnitKind | None
    recipient: Recipient | None
    consent: Consent | None
    consent_case: ConsentCase
    recorded_by: frozenset[str]
    conversation_withdrawn: bool
    today: date
    handling: tuple[Handling, ...] = ()
    history: History = NOTHING_SAID
    asylum_hold: bool = False
    feared_states: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()
    approver: str | None = None
    record_withdrawn: bool = False
    narrowed_untold: bool = False
    sender_roles: frozenset[str] | None = None
    guardianship_elsewhere: Guardianship = NOTHING_TOLD
    said_no: SaidNo = NOTHING_REFUSED
