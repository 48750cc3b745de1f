"""What a peer's referral does to the case here: a case without a name gets the pseudonym that the peer gave."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases.register import CaseRegister
from gateway.cases.rules import pseudonym_of
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage


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
