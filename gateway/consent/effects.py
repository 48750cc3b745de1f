"""What a peer's consent record and a withdrawal do here, in the accepting transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.consent import register, unconfirmed_store
from gateway.consent.known_by import find_known_by
from gateway.consent.register import Known
from gateway.consent.rules import places_of
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.ledger import store as ledger
from gateway.messages import content_codec, state_transitions
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import local, messages
from gateway.messages.store.local import ConsentRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.ports import Json
from schemas.types import never_blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A peer's consent record; what was taken back of that consent before it came counts: messages overtake."""

    content: Content
    holder: str
    record: Mapping[str, Json]
    conversation: bytes

    def write(self, connection: Connection, now: int) -> None:
        """Keep it; a newer record of the same consent takes the place of the older, and never undoes a withdrawal,
        whoever told of it: with other grants, after a part was taken back, it closes all of it, and a person is told.
        """
        known = register.known_in(self.content.sealer, connection, str(self.record["consent_id"]))
        register.alarm(connection, known.damaged, now)
        ref = self.content.store.new_ref()
        content.put(connection, [self.content.sealer.seal(ref, register.encode(self.record))])
        state = known.state_of(self.record)
        local.add_consent(connection, ConsentRow(ref=ref, consent=known.index, holder=self.holder, state=state, at=now))
        for row in known.rows:
            if row.holder == self.holder:
                content.erase(connection, row.ref)
        if (closed := known.closed_by(self.holder, self.record, now)) is not None:
            Withdrawal(content=self.content, withdrawn=closed).write(connection, now)
            journal.raise_alarm(connection, at=now, kind="consent.changed", ref=ref)
        self._link(connection, known.index, now)
        journal.append_leaf(connection, leaf(now, "consent.held", holder=self.holder))

    def _link(self, connection: Connection, index: bytes, now: int) -> None:
        """It is of the case in which it was told first; a person is told where a peer relies on it in two."""
        of = cases.cases_of(connection, [self.conversation, index])
        case = of.get(self.conversation)
        if case is not None and of.get(index, case) != case:
            (row,) = [row for row in local.consents(connection, index) if row.holder == self.holder]
            if row.state != register.WITHDRAWN:  # of what was taken back nobody has to decide any more
                journal.raise_alarm(connection, at=now, kind="consent.two_cases", ref=row.ref)
        elif case is not None:
            cases.link(connection, [Link(key=index, kind=LinkKind.CONSENT, case_id=case)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal, ours or a peer's: it is kept, and what relied on the consent goes no longer.

    What was taken back only in part closes what the gates refuse when they look at the consent as it is now; that is
    asked again at departure, so here only a whole withdrawal stops messages at once.
    """

    content: Content
    withdrawn: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> str:
        """Keep it and refuse what relied on the consent, as far as it is still on the outbox; a repeat that takes back
        nothing more changes nothing.

        Nothing that is damaged stops it. Returns the state of the consent after it.
        """
        before = register.known_in(self.content.sealer, connection, str(self.withdrawn["consent_id"]))
        register.alarm(connection, before.damaged, now)
        after = _take_back(self.content, connection, before, self.withdrawn, now)
        if after is None:
            return before.state
        ledger.add_withdrawn(connection, after.index, places_of(self.withdrawn), at=now)
        return after.state


def withdraw_again(
    content: Content, connection: Connection, index: bytes, grants: Sequence[int] | None, *, at: int, now: int
) -> bool:
    """Take back what was taken back at `at` and is not any more, as the ledger says after a restore; whether there was
    something to take back. A person is told: those who relied on it may never have heard of the withdrawal.

    A record of the consent that comes later finds the withdrawal under the keyed hash.
    """
    before = register.known_under(content.sealer, connection, index)
    withdrawn: dict[str, Json] = {
        "scope": "all" if grants is None else "grants",
        "withdrawn_on": at,
        "erase_wanted": False,
    }
    if grants is not None:
        withdrawn["grants"] = [*grants]
    if before.held:
        withdrawn["consent_id"] = before.held[0].record["consent_id"]
    if _take_back(content, connection, before, withdrawn, now) is None:
        return False
    refs = [row.ref for row in before.rows]
    if not refs:  # erased here with what relied on it, of which somebody else may still have the data
        refs = [ref for by in find_known_by(content.sealer, connection, before).values() for ref, _ in by]
    if refs:
        journal.raise_alarm(connection, at=now, kind="consent.withdrawn_again", ref=refs[0])
    return True


def close_narrowed(content: Content, connection: Connection, index: bytes, now: int) -> None:
    """Take all of a consent back of which a part was, where its records have just been erased: the part is known by the
    place of its grant alone, and the next record might say anything there. One that never had a record is not closed.
    """
    before = register.known_under(content.sealer, connection, index)
    withdrawn: dict[str, Json] = {"scope": "all", "withdrawn_on": now, "erase_wanted": False}
    if before.withdrawals and _take_back(content, connection, before, withdrawn, now) is not None:
        ledger.add_withdrawn(connection, index, None, at=now)


def _take_back(
    content: Content, connection: Connection, before: Known, withdrawn: Mapping[str, Json], now: int
) -> Known | None:
    after = register.take_back(content, connection, before, withdrawn)
    if after is None:
        return None
    stopped = _relying(content.sealer, connection, after.index, now) if after.withdrawn or after.damaged else []
    state_transitions.advance(connection, stopped, at=now)
    unconfirmed_store.end_doubt(connection, [after.index] if after.withdrawn else (), at=now)
    journal.append_leaf(connection, leaf(now, "consent.withdrawn", stopped=len(stopped)))
    return after


def record_consent(content: Content, row: MessageRow, message: AcceptedMessage) -> Recorded:
    """Make the effect of a peer's `consent.record`."""
    return Recorded(content=content, holder=row.peer, record=message.content, conversation=row.conversation)


def withdraw_consent(content: Content, _row: MessageRow, message: AcceptedMessage) -> Withdrawal:
    """Make the effect of a peer's `consent.withdrawal`."""
    return Withdrawal(content=content, withdrawn=message.content)


def stop_records(connection: Connection, index: bytes, peers: Collection[str], now: int) -> list[MessageRow]:
    """Stop the record of a consent that waits for one of these peers, to which no withdrawal goes, such as one that is
    suspended for a cause: the record would go whole, and alone, once people resume that peer. Returns the messages
    that tell these peers of the consent, as they were.
    """
    told = local.consent_told_to(connection, index)
    rows = messages.get_all(connection, [ref for peer, ref in told.items() if peer in peers])
    stopped = [row for row in rows if allows(Outgoing(row.state), OutgoingEvent.REFUSE)]
    changes = [Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.GATE_G7) for row in stopped]
    state_transitions.advance(connection, changes, at=now)
    return rows


def _relying(sealer: ContentSealer, connection: Connection, index: bytes, now: int) -> list[Change]:
    """The end of outgoing messages that rely on this consent, are not answered, and may be stopped.

    One that does not open can not go either, as it would find when it departs.
    """
    rows = messages.unsent_consenting(connection, index)
    sealed = content.get(connection, [row.ref for row in rows])
    changes = []
    for row in rows:
        if not allows(Outgoing(row.state), OutgoingEvent.REFUSE):
            continue
        body_type = _type_of(sealer, sealed.get(row.ref))
        if body_type is None:
            register.alarm(connection, [row.ref], now)
            changes.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_FOUND))
        elif not never_blocked(body_type):
            changes.append(Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.GATE_G7))
    return changes


def _type_of(sealer: ContentSealer, sealed: SealedRow | None) -> str | None:
    if sealed is not None:
        with suppress(RefusedError):
            return content_codec.read_content(sealer.open(sealed)).facts.body_type
    return None
