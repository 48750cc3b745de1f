"""The duty desk: who is woken by a safety alert until a human takes it, and what waits for the end of quiet hours.

Rules are in `gateway.conversations.alert_rules`. A contact is woken by an event of the stream (`duty`); how that
reaches a telephone is the receiver's of a webhook, or of the stream. Until a human answers with `safety.alert.ack` both
sides alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from gateway.conversations.alert_rules import EMERGENCY, Escalation, escalation, ring_at, undecided
from gateway.conversations.loader import LoadedConversation
from gateway.conversations.rules.morning_list import Owed, Reminder
from gateway.database import journal
from gateway.foundation.config import DutySection
from gateway.foundation.workdays import offset
from gateway.messages.store import reminders
from gateway.messages.store.conversations import Key
from gateway.messages.store.reminders import ReminderRow

CLOCK = "alert_ack"
"""The clock of `schemas/clocks.json` that runs until a human takes an alert."""
ALARMS = ("safety.alert", "safety.unacknowledged")
"""An alert came; and nobody has taken it in time."""
DECISION = "decision"
UNDECIDED = "emergency.undecided"
"""The clock, and the alarm, of a referral in danger to life that nobody decides (domain 5.14)."""
SEEN = 1
"""What is remembered of an alert is this and how many contacts were woken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A safety alert that no human has taken, or a referral in danger to life that nobody decides: its message, whether
    this node has to act, and where it stands. ``refers`` says that it is a referral.
    """

    owed: Owed
    key: Key
    ref: int
    kind: str
    state: Escalation
    refers: bool = False

    @property
    def label(self) -> str:
        """What is remembered of it."""
        return ring_label(self.owed)


def ring_label(owed: Owed) -> str:
    """Beside the label of the reminders of what is owed."""
    return f"{Reminder(owed=owed, percent=0).label}/ring"


def alerts(
    items: Iterable[Owed], held: Mapping[str, tuple[Key, LoadedConversation]], section: DutySection, now: int
) -> tuple[Alert, ...]:
    """The alerts among what is owed. Contacts are woken on the side that has to take one."""
    found = []
    for item in items:
        key, one = held[item.ref]
        said = item.found.order.find(item.duty.because)
        if item.duty.clock != CLOCK or said is None or said.rejected:
            continue
        kind, contacts = said.said.word, section.contacts if item.ours else ()
        state = escalation(kind, said.created, contacts, None, now, step=section.step)
        ref = next(row.ref for row in one.rows if row.id == said.id)
        found.append(Alert(owed=item, key=key, ref=ref, kind=kind, state=state))
    return tuple(found)


def emergencies(
    items: Iterable[Owed], held: Mapping[str, tuple[Key, LoadedConversation]], section: DutySection, now: int
) -> tuple[Alert, ...]:
    """The referrals in danger to life among what is owed that wait for a decision. The coordinator is woken on both
    sides, after the first contact where this side decides.
    """
    led = () if section.coordinator is None else (section.coordinator,)
    found = []
    for item in items:
        said = item.found.order.find(item.duty.because)
        if item.duty.clock != DECISION or said is None or said.priority != EMERGENCY:
            continue
        people = (*section.contacts[:1], *led, *section.contacts[1:]) if item.ours else led or section.contacts[:1]
        half, due = item.duty.reminders[0][1], item.duty.until.at
        key, one = held[item.ref]
        found.append(
            Alert(
                owed=item,
                key=key,
                ref=next(row.ref for row in one.rows if row.id == said.id),
                kind=said.kind,
                state=undecided(half, due, people, now, ours=item.ours),
                refers=True,
            )
        )
    return tuple(found)


def ring(
    connection: Connection,
    found: Sequence[Alert],
    held: Collection[tuple[Key, LoadedConversation]],
    labels: Mapping[str, bytes],
    told: Mapping[bytes, int],
    now: int,
) -> bool:
    """Wake who has to be woken and was not yet, and alarm; whether anybody was told something. An alarm that was
    dismissed comes again with the next contact while nobody has taken the alert; when somebody has, it ends by itself.
    """
    settle(connection, {row.ref for _, one in held for row in one.rows} - {alert.ref for alert in found}, now)
    new = False
    for alert in found:
        before = told.get(labels[alert.label], 0)
        for rung in alert.state.rung[max(0, before - SEEN) :]:
            journal.add_event(connection, at=now, kind="duty", ref=alert.ref, state=rung.contact)
            new = True
        new |= _alarm(connection, alert, before, now)
    reminders.tell(
        connection,
        [
            ReminderRow(label=labels[alert.label], conversation=alert.key[0], percent=SEEN + len(alert.state.rung))
            for alert in found
        ],
    )
    return new


def _alarm(connection: Connection, alert: Alert, told: int, now: int) -> bool:
    """Alarm that an alert came, and that the time for it is over; whether that is new."""
    peer, new = alert.key[1], False
    if alert.refers:
        return alert.owed.overdue and journal.raise_alarm(
            connection, at=now, kind="emergency.undecided", peer=peer, ref=alert.ref
        )
    if alert.owed.ours and told == 0:
        new |= journal.raise_alarm(connection, at=now, kind="safety.alert", peer=peer, ref=alert.ref)
    if alert.owed.overdue or (alert.owed.ours and alert.state.nobody):
        new |= journal.raise_alarm(connection, at=now, kind="safety.unacknowledged", peer=peer, ref=alert.ref)
    return new


def settle(connection: Connection, refs: Collection[int], now: int) -> None:
    """End the alarms about these messages, which nobody has to take any more."""
    kinds = (*ALARMS, UNDECIDED)
    settled = journal.open_about(connection, kinds) & set(refs)
    if settled:
        journal.dismiss_about(connection, settled, kinds, at=now)


def rings_at(section: DutySection, held: LoadedConversation, owed: Owed, now: int) -> int:
    """When the desk is told of what is owed, Unix seconds: now, or when its quiet hours end. The message that asks for
    it decides.
    """
    said = owed.found.order.find(owed.duty.because)
    if said is None or said.rejected or held.conversation is None or not section.quiet.spans:
        return now
    zone = held.conversation.setting.calendars[held.ours].zone
    local = (datetime.fromtimestamp(now, UTC) + offset(zone, now)).replace(tzinfo=None)
    told = ring_at(said.kind, said.priority, section.quiet, local)
    return now + int((told - local).total_seconds())
