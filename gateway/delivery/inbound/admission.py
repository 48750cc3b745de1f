"""Steps 12 to 13c of the receive order with what this node holds: scope and body, then gates and conversation.

The gates ask for the consent that a message names. All of a request are looked up at once; what came before in the same
request and is not stored yet counts too, since a record, its withdrawal and what relies on it may travel together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.consent import register
from gateway.consent.register import Known
from gateway.conversations.history import History
from gateway.conversations.rules.context import ConversationContext
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.steps import ReceiverContext
from gateway.errors import WIRE_CODES, Code, RemoteError
from gateway.messages.types import AcceptedMessage, AuthenticStatement, ExaminedMessage
from gateway.node.parts import Parts
from gateway.peers.registry import Peer
from gateway.policy.descriptor_units import recipient_in, sender_kind_in
from gateway.policy.gates.gate_table import UnitKind
from keys.primitives.encoding import maybe_text
from schemas.types import never_blocked, type_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A message that passed steps 12 and 13, and what is known of the consent that it names, if it names one."""

    message: ExaminedMessage
    known: Known | None


async def examine(
    parts: Parts, peer: Peer, messages: Mapping[str, AuthenticStatement]
) -> Mapping[str, Examined | Code]:
    """Steps 12 and 13 for each message by its id: what it is, or the code of its refusal.

    A verdict is used once the message has its number (step 11); what is refused there is refused for that.
    """
    standing = peer.standing(parts.clock.now())
    examined: dict[str, ExaminedMessage | Code] = {}
    for id, message in messages.items():
        try:
            examined[id] = steps.examine(message, standing=standing)
        except RemoteError as error:
            examined[id] = error.code if error.code in WIRE_CODES else Code.MALFORMED
    named = {ref for item in examined.values() if not isinstance(item, Code) and (ref := _consent_of(item)) is not None}
    known = (
        await parts.store.read(lambda c: {ref: register.known_in(parts.vault, c, ref) for ref in named})
        if named
        else {}
    )
    return {
        id: item if isinstance(item, Code) else Examined(message=item, known=known.get(_consent_of(item) or ""))
        for id, item in examined.items()
    }


def admit(
    parts: Parts,
    peer: Peer,
    examined: Examined,
    before: Sequence[AcceptedMessage],
    around: ConversationContext | None,
    history: History,
    now: int,
) -> AcceptedMessage:
    """Steps 13b and 13c. `before` are the messages of the same request that were accepted already, `around` is the
    conversation with them, `history` what was said in it.

    Raises:
        RemoteError: the code of the gate that is closed, or out_of_order.
    """
    known, header = _after(examined, peer.node, before, now), examined.message.header
    kinds = {unit.id: UnitKind(unit.kind) for unit in parts.config.units}
    to, unit, role = (maybe_text(header.get(name)) for name in ("recipient_unit", "sender_unit", "sender_role"))
    held = ReceiverContext(
        sender_kind=sender_kind_in(peer.descriptor, unit, role),
        recipient=recipient_in(parts.own.descriptor, to, now=now, kind=kinds.get(to or "")),
        consent=None if known is None else known.consent,
        recorded_by=frozenset() if known is None else known.recorded_by(parts.own.node),
        withdrawn=known is not None and known.withdrawn,
        history=history,
    )
    return steps.admit(examined.message, held=held, around=around, to=parts.own.node)


def _consent_of(message: ExaminedMessage) -> str | None:
    """The consent that a message relies on, where its gates will ask for it."""
    return None if never_blocked(message.body_type) else maybe_text(message.header.get("consent_ref"))


def _after(examined: Examined, node: str, before: Sequence[AcceptedMessage], now: int) -> Known | None:
    """What is known of the consent after the records and withdrawals that came before in the same request."""
    if examined.known is None:
        return None
    consent = _consent_of(examined.message)
    about = [message for message in before if message.content.get("consent_id") == consent]
    recorded, withdrawn = (
        [message.content for message in about if type_name(message.body_type) == name]
        for name in ("consent.record", "consent.withdrawal")
    )
    return examined.known.with_news(node, recorded, withdrawn, now)
