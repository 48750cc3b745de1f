"""What an incoming message does to the consents held here, besides being handed over.

A `consent.record` of a peer is kept, so that answers can rely on it. A `consent.withdrawal` takes effect in the
accepting transaction: what waits to go and relies on that consent is refused at once (DESIGN 3.6, gate G7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from gateway.core.consent import Consent, read
from gateway.core.delivery import Outgoing, OutgoingEvent, allows
from gateway.core.scope import never_blocked, type_name
from gateway.core.stages import AcceptedMessage
from gateway.errors import Code
from gateway.ports import Json
from gateway.service import consents, moves, records
from gateway.service.book import Peer
from gateway.service.leaves import leaf
from gateway.service.moves import Change
from gateway.service.parts import Parts
from gateway.store import content, local, log, messages
from gateway.store.local import ConsentRow

WITHDRAWAL = "consent.withdrawal"


class Effect(Protocol):
    """Something to write in the transaction that accepts the message."""

    def write(self, connection: Connection, now: int) -> object:
        """Write it; part of the caller's transaction."""
        ...


def effect_of(parts: Parts, peer: Peer, message: AcceptedMessage) -> Effect | None:
    """The effect of one accepted message.

    It looks at what is held inside the accepting transaction: a record and its withdrawal may come in one request.
    """
    match type_name(message.body_type):
        case "consent.record":
            return Recorded(
                parts=parts,
                holder=peer.node,
                conversation=parts.vault.conversation_index(message.conversation),
                record=message.content,
            )
        case "consent.withdrawal":
            return Withdrawal(parts=parts, withdrawn=message.content)
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A peer's consent record, kept together with what was taken back of it before it came: messages overtake."""

    parts: Parts
    holder: str
    conversation: bytes
    record: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> None:
        """Keep it; a newer record of the same consent takes the place of the older, and never undoes a withdrawal,
        whoever told of it.
        """
        parts, reference = self.parts, str(self.record["consent_id"])
        held = consents.held_in(parts, connection, reference)
        older = [item for item in held if item.row.holder == self.holder]
        withdrawals = _withdrawals_in(parts, connection, self.conversation, reference)
        for item in held:
            withdrawals += [known for known in item.withdrawals if known not in withdrawals]
        ref = parts.store.new_ref()
        state = consents.state_of(read(self.record, withdrawals))
        content.put(connection, [parts.vault.seal(ref, consents.encode(self.record, tuple(withdrawals)))])
        index = parts.vault.consent_index(reference)
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=self.holder, state=state, at=now))
        for item in older:
            content.erase(connection, item.row.ref)
        log.append_leaf(connection, leaf(now, "consent.held", holder=self.holder))


def _withdrawals_in(
    parts: Parts, connection: Connection, conversation: bytes, reference: str
) -> list[Mapping[str, Json]]:
    """Withdrawals of this consent that the conversation holds already."""
    rows = messages.of_conversation(connection, conversation)
    found: list[Mapping[str, Json]] = []
    for sealed in content.get(connection, [row.ref for row in rows]).values():
        opened = records.read_content(parts.vault.open(sealed))
        if type_name(opened.facts.body_type) == WITHDRAWAL:
            withdrawn = opened.halves()[1]
            if withdrawn["consent_id"] == reference:
                found.append(withdrawn)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal, ours or a peer's: consents get their new form, and what relied on them goes no longer.

    What was taken back only in part closes what the gates refuse when they look at the consent as it is now; that is
    asked again at departure, so here only a whole withdrawal stops messages at once.
    """

    parts: Parts
    withdrawn: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> list[Consent]:
        """Replace the consents and refuse what relied on them, as far as it is still on the outbox.

        Returns the consents as they are now, the own one first.
        """
        parts, reference = self.parts, str(self.withdrawn["consent_id"])
        changed = [
            consents.withdrawn(parts, item, self.withdrawn) for item in consents.held_in(parts, connection, reference)
        ]
        for item in changed:
            item.write(connection)
        whole = any(item.consent.fully_withdrawn for item in changed)
        stopped = _relying(parts, connection, reference) if whole else []
        moves.advance(
            connection,
            [
                Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.GATE_G7)
                for row in stopped
                if allows(Outgoing(row.state), OutgoingEvent.REFUSE)
            ],
            at=now,
        )
        log.append_leaf(connection, leaf(now, "consent.withdrawn", stopped=len(stopped)))
        return [item.consent for item in changed]


def _relying(parts: Parts, connection: Connection, reference: str) -> list[messages.MessageRow]:
    """Outgoing messages that rely on this consent, are not answered, and may be stopped."""
    rows = messages.unsent_consenting(connection, parts.vault.consent_index(reference))
    sealed = content.get(connection, [row.ref for row in rows])
    types = {ref: records.read_content(parts.vault.open(found)).facts.body_type for ref, found in sealed.items()}
    return [row for row in rows if row.ref in types and not never_blocked(types[row.ref])]
