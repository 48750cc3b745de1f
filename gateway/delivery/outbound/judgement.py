"""By what a message is judged on its way out, at submission and again at departure: the scope agreed with the peer, the
gates, the order of its conversation. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from gateway.conversations.history import Opened
from gateway.conversations.history import Side as Whose
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.conversations.rules.facts import Message, make_message
from gateway.conversations.rules.fold import Impossible, JudgementPoint
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import UnitAddress
from gateway.messages.types import Draft, ValidMessage
from gateway.peers.scope import Direction, PeerScope, may
from gateway.policy.circumstances import Circumstances
from gateway.policy.gates.gate_table import GateFacts, Permit, evaluate
from keys.primitives.encoding import Json

PeerStanding = PeerScope
"""What the node holds about a peer when it decides whether something may go there."""


def require_scope(
    standing: PeerStanding,
    body_type: str,
    purpose: str | None = None,
    header: Mapping[str, Json] | None = None,
    size: int | None = None,
    largest_file: int | None = None,
) -> None:
    """Type, direction and corridor first; purpose, sizes, units and roles once the body is known to be valid, so that a
    word that is no code at all is refused under its own name (G11).
    """
    if not may(standing.state, Direction.SEND, body_type):
        raise RefusedError(
            Code.NOT_ACTIVE,
            f"the peer is {standing.state}, nothing can be sent to it",
            hint="see trm peer show; administrators approve or resume a peer",
        )
    kept_out = standing.outside(
        body_type, Direction.SEND, purpose=purpose, size=size, header=header, largest_file=largest_file
    )
    if kept_out == "max_file_bytes" and standing.missing is None:
        raise RefusedError(
            Code.TOO_LARGE,
            f"a file is larger than the {standing.agreed.max_file_bytes} bytes agreed with this peer",
            hint="see trm peer show; administrators can change max_file_bytes of the scope",
        )
    if kept_out is not None and standing.missing is not None:
        raise RefusedError(
            Code.OUT_OF_SCOPE,
            f"nothing is agreed with this peer now: {standing.missing}",
            hint="see trm peer show; both sides' administrators have to agree",
        )
    if kept_out is not None:
        raise RefusedError(
            Code.OUT_OF_SCOPE,
            f"{body_type} is not in the scope agreed with this peer, because of its {kept_out}",
            hint="see trm peer show; administrators can change the scope",
        )


def pass_gates(facts: GateFacts) -> None:
    """All gates, and beside a closed gate whatever else is wrong with the body, so that a person mends it once."""
    decision = evaluate(facts)
    if isinstance(decision, Permit):
        return
    refusals = [Finding(place=r.place, rule=str(r.gate), hint=r.hint) for r in decision]
    named = " and ".join(dict.fromkeys(finding.rule for finding in refusals))
    raise RefusedError(
        decision[0].gate,
        f"refused by {named}; nothing was sent",
        hint=decision[0].hint,
        findings=(*refusals, *facts.findings),
    )


def gate_facts(
    body_type: str,
    schema: str,
    to: str,
    purpose: str | None,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    circumstances: Circumstances,
    findings: tuple[Finding, ...],
    *,
    written: Mapping[str, Json] | None,
) -> GateFacts:
    """What is disclosed is what leaves; what protects the person is judged by all that was `written` here."""
    sensitivities, categories = schemas.find_disclosed(schema, content)
    return GateFacts(
        body_type=body_type,
        personal=schemas.load_catalogue().by_schema(schema).personal,
        categories=categories,
        sensitivities=sensitivities,
        purpose=purpose,
        sender_node=circumstances.node,
        recipient_unit=UnitAddress(f"{to}/{text_of(header, 'recipient_unit') or ''}"),
        recipient=circumstances.recipient,
        sender_kind=circumstances.sender_kind,
        consent=circumstances.consent,
        consent_case=circumstances.consent_case,
        recorded_by=circumstances.recorded_by,
        handling=circumstances.handling,
        conversation_withdrawn=circumstances.conversation_withdrawn,
        asylum_hold=circumstances.asylum_hold,
        feared_states=circumstances.feared_states,
        unanswered=circumstances.unanswered,
        history=circumstances.history,
        approver=circumstances.approver,
        header=header,
        content=content if written is None else written,
        findings=findings,
        today=circumstances.today,
        record_withdrawn=circumstances.record_withdrawn,
        narrowed_untold=circumstances.narrowed_untold,
        sender_roles=circumstances.sender_roles,
        guardianship_elsewhere=circumstances.guardianship_elsewhere,
        said_no=circumstances.said_no,
    )


def text_of(header: Mapping[str, Json], name: str) -> str | None:
    """A member of a header where it is text."""
    value = header.get(name)
    return value if isinstance(value, str) else None


def step_at(around: ConversationContext | None, now: int, before: int | None = None) -> Disclosure:
    """How far disclosure has come there; `before` is the number of an own message that is judged without itself."""
    return Disclosure.BEFORE_ACCEPTANCE if around is None else around.step(now, before)


def to_conversation_message(
    message: ValidMessage,
    around: ConversationContext,
    *,
    n: int,
    created: int,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
) -> Message:
    """An own message as the conversation sees it."""
    return make_message(
        id=message.id,
        side=around.side,
        n=n,
        created=created,
        body_type=message.body_type,
        reply_to=message.reply_to,
        header=header,
        content=content,
    )


def require_order(around: ConversationContext, said: Message, step: JudgementPoint) -> None:
    """Return if the conversation allows this now. Raises RefusedError."""
    found = around.judge(said, step=step)
    if isinstance(found, Impossible):
        raise RefusedError(
            found.code,
            f"{found.what}; nothing was sent",
            hint="trm conversation show shows the state of the conversation and who owes what",
        )


def draft_as_said(draft: Draft, around: ConversationContext, now: int) -> Message:
    """A draft as the conversation sees it behind all that is there."""
    return make_message(
        id=draft.id,
        side=around.side,
        n=around.next,
        created=now,
        body_type=draft.body_type,
        reply_to=draft.reply_to,
        header=draft.header,
        content=draft.content,
    )


def draft_as_opened(draft: Draft, now: int) -> Opened:
    """A draft as the gates take what was said before."""
    return Opened(body_type=draft.body_type, side=Whose.OURS, created=now, header=draft.header, content=draft.content)
