"""What a peer's messages do to the case here: a case without a name gets the pseudonym that the peer gave, and what a
country decided about the person is noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from gateway.cases import entries, store
from gateway.cases.history import StatusEntry, read_decision
from gateway.cases.register import CaseRegister
from gateway.cases.rules import pseudonym_of
from gateway.database.sealed_content import Content
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.peers.registry import PeerRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The pseudonym in a message of a conversation, None where it gives none."""

    cases: CaseRegister
    conversation: bytes
    name: str | None

    def write(self, connection: Connection, _now: int) -> None:
        """Write it on a card that has no name."""
        if self.name is not None:
            self.cases.name_received(connection, self.conversation, self.name)


def name_case(cases: CaseRegister, row: MessageRow, message: AcceptedMessage) -> Named:
    """Make the effect of a peer's `referral.request`."""
    return Named(cases=cases, conversation=row.conversation, name=pseudonym_of(message.content))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a country decided about the person, as a message of a conversation tells it; None where it does not."""

    content: Content
    conversation: bytes
    entry: StatusEntry | None

    def write(self, connection: Connection, _now: int) -> None:
        """Note it beside what others decided."""
        case = store.cases_of(connection, [self.conversation]).get(self.conversation)
        if case is not None and self.entry is not None:
            entries.add(self.content, connection, case, self.entry)


def note_decision(content: Content, peers: PeerRegistry, row: MessageRow, message: AcceptedMessage) -> Decided:
    """Make the effect of a peer's `referral.request` or `identification.certificate`."""
    peer, day = peers.get(row.peer), datetime.fromtimestamp(row.at, UTC).date().isoformat()
    entry = None
    if peer is not None:
        country = peer.descriptor.country
        entry = read_decision(message.content, country=country, message=row.id, received=day, at=row.at)
    return Decided(content=content, conversation=row.conversation, entry=entry)
