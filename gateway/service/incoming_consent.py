"""What an incoming message does here besides being handed over: to consents, erasures, the directory.

A `consent.record` of a peer is kept, so that answers can rely on it. A `consent.withdrawal` takes effect in the
accepting transaction: what waits to go and relies on that consent is refused at once (DESIGN 3.6, gate G7). It is found
by the id of its consent, so what else the conversation holds is not opened. A `directory.update` becomes the peer's
entry in the directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from gateway.core.delivery import Outgoing, OutgoingEvent, allows
from gateway.core.scope import never_blocked, type_name
from gateway.core.stages import AcceptedMessage
from gateway.errors import Code, RefusedError
from gateway.ports import Json
from gateway.service import consents, moves, records
from gateway.service.asking import confirmed, requested
from gateway.service.book import Peer
from gateway.service.leaves import leaf
from gateway.service.listings import Listed
from gateway.service.moves import Change
from gateway.service.parts import Parts
from gateway.store import content, local, log, messages
from gateway.store.content import SealedRow
from gateway.store.local import ConsentRow
from gateway.store.messages import MessageRow


class Effect(Protocol):
    """Something to write in the transaction that accepts the message."""

    def write(self, connection: Connection, now: int) -> object:
        """Write it; part of the caller's transaction."""
        ...


def effects_of(parts: Parts, peer: Peer, row: MessageRow, message: AcceptedMessage) -> tuple[Effect, ...]:
    """The effects of one accepted message, in their order.

    They look at what is held inside the accepting transaction: a record and its withdrawal may come in one request.
    """
    match type_name(message.body_type):
        case "consent.record":
            return (Recorded(parts=parts, holder=peer.node, record=message.content),)
        case "consent.withdrawal":
            withdrawal = Withdrawal(parts=parts, withdrawn=message.content)
            return (requested(parts, row, message), withdrawal)
        case "erasure.request" | "referral.withdraw":
            return (requested(parts, row, message),)
        case "erasure.confirmation":
            return (confirmed(row, message, parts.clock.now()),)
        case "directory.update":
            place = message.position
            return (
                Listed(
                    parts=parts,
                    node=peer.node,
                    epoch=place.epoch,
                    n=place.n,
                    made=message.created,
                    said=message.content,
                ),
            )
        case _:
            return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A peer's consent record; what was taken back of that consent before it came counts: messages overtake."""

    parts: Parts
    holder: str
    record: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> None:
        """Keep it; a newer record of the same consent takes the place of the older, and never undoes a withdrawal,
        whoever told of it.
        """
        parts = self.parts
        known = consents.known_in(parts, connection, str(self.record["consent_id"]))
        consents.alarm(connection, known.damaged, now)
        ref = parts.store.new_ref()
        content.put(connection, [parts.vault.seal(ref, consents.encode(self.record))])
        state = known.state_of(self.record)
        local.add_consent(connection, ConsentRow(ref=ref, consent=known.index, holder=self.holder, state=state, at=now))
        for row in known.rows:
            if row.holder == self.holder:
                content.erase(connection, row.ref)
        log.append_leaf(connection, leaf(now, "consent.held", holder=self.holder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal, ours or a peer's: it is kept, and what relied on the consent goes no longer.

    What was taken back only in part closes what the gates refuse when they look at the consent as it is now; that is
    asked again at departure, so here only a whole withdrawal stops messages at once.
    """

    parts: Parts
    withdrawn: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> str:
        """Keep it and refuse what relied on the consent, as far as it is still on the outbox; a repeat that takes back
        nothing more changes nothing.

        Nothing that is damaged stops it. Returns the state of the consent after it.
        """
        parts = self.parts
        before = consents.known_in(parts, connection, str(self.withdrawn["consent_id"]))
        consents.alarm(connection, before.damaged, now)
        after = consents.take_back(parts, connection, before, self.withdrawn)
        if after is None:
            return before.state
        stopped = _relying(parts, connection, after.index, now) if after.withdrawn or after.damaged else []
        moves.advance(connection, stopped, at=now)
        log.append_leaf(connection, leaf(now, "consent.withdrawn", stopped=len(stopped)))
        return after.state


def _relying(parts: Parts, connection: Connection, index: bytes, now: int) -> list[Change]:
    """The end of outgoing messages that rely on this consent, are not answered, and may be stopped.

    One that does not open can not go either, as it would find when it departs.
    """
    rows = messages.unsent_consenting(connection, index)
    sealed = content.get(connection, [row.ref for row in rows])
    changes = []
    for row in rows:
        if not allows(Outgoing(row.state), OutgoingEvent.REFUSE):
            continue
        body_type = _type_of(parts, sealed.get(row.ref))
        if body_type is None:
            consents.alarm(connection, [row.ref], now)
            changes.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_FOUND))
        elif not never_blocked(body_type):
            changes.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.GATE_G7))
    return changes


def _type_of(parts: Parts, sealed: SealedRow | None) -> str | None:
    if sealed is not None:
        with suppress(RefusedError):
            return records.read_content(parts.vault.open(sealed)).facts.body_type
    return None
