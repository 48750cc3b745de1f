"""The outgoing machine: every way that matters, and the words that come late."""

from __future__ import annotations

import pytest
from support.tables import table

from gateway.foundation.state_machine import IllegalStep
from gateway.messages.machines.delivery import (
    DELIVERY,
    ENDING,
    FINAL,
    SENDING,
    WAITING,
    Outgoing,
    OutgoingEvent,
    allows,
    step,
    take_departed,
)

S, E = Outgoing, OutgoingEvent
RECEIPTS = (E.RECEIPT_RECEIVED, E.RECEIPT_DELIVERED, E.RECEIPT_OPENED, E.RECEIPT_REJECTED, E.VOIDED)


def walk(*events: OutgoingEvent, start: Outgoing = S.QUEUED) -> Outgoing:
    """The state after the events, one by one."""
    state = start
    for event in events:
        state = step(state, event)
    return state


@table(
    ("events", "expected"),
    [
        ((E.DEPART, E.RECEIPT_RECEIVED, E.RECEIPT_DELIVERED, E.RECEIPT_OPENED), S.OPENED),
        ((E.DEPART, E.SEAL_ANEW, E.RECEIPT_RECEIVED), S.AWAITING_HANDOVER),
        ((E.DEPART, E.RECEIPT_REJECTED), S.REJECTED),
        ((E.DEPART, E.RECEIPT_RECEIVED, E.RECEIPT_REJECTED), S.REJECTED),
        ((E.CANCEL,), S.CANCELLED),
        ((E.EXPIRE,), S.FAILED),
        ((E.REFUSE,), S.FAILED),
        ((E.DEPART, E.CANCEL, E.VOIDED), S.FAILED),
        ((E.DEPART, E.EXPIRE, E.VOIDED), S.FAILED),
        ((E.DEPART, E.SEAL_ANEW, E.REFUSE, E.VOIDED), S.FAILED),
        ((E.DEPART, E.CANCEL, E.EXPIRE), S.VOIDING),
        ((E.DEPART, E.CANCEL, E.RECEIPT_RECEIVED), S.AWAITING_HANDOVER),
        ((E.DEPART, E.EXPIRE, E.RECEIPT_REJECTED), S.REJECTED),
    ],
    ids=[
        "all receipts in order",
        "sealed anew",
        "refused at the door",
        "refused after arrival",
        "cancelled before departure",
        "expired before departure",
        "refused at departure",
        "cancelled and voided",
        "expired and voided",
        "refused before sealing anew",
        "asked for twice",
        "cancelled too late",
        "void meets a rejection",
    ],
)
def test_a_life_ends_where_the_theory_says(events, expected):
    """The named lives of a message end in the named state."""
    assert expected == walk(*events)


def test_receipts_that_overtake_each_other_end_alike():
    """Opened before delivered before received is the same as the usual order."""
    assert walk(E.DEPART, E.RECEIPT_OPENED, E.RECEIPT_DELIVERED, E.RECEIPT_RECEIVED) is S.OPENED


def test_a_late_received_changes_nothing():
    """`received` after `delivered` says less than is known."""
    assert walk(E.DEPART, E.RECEIPT_DELIVERED, E.RECEIPT_RECEIVED) is S.AWAITING_OPENING


@table("receipt", RECEIPTS)
@table("state", sorted(set(Outgoing) - {S.QUEUED, S.CANCELLED}))
def test_no_receipt_can_break_a_message_that_departed(state, receipt):
    """Whatever a peer signs has a row in each state after departure."""
    assert allows(state, receipt)


@table(
    "state, receipt",
    [(S.CANCELLED, receipt) for receipt in RECEIPTS]
    + [(S.QUEUED, receipt) for receipt in RECEIPTS if receipt not in (E.RECEIPT_DELIVERED, E.RECEIPT_OPENED)],
)
def test_a_receipt_for_what_never_departed_is_our_bug(state, receipt):
    """No statement exists that such a receipt could be of."""
    with pytest.raises(IllegalStep, match="delivery"):
        step(state, receipt)


def test_what_waits_anew_needs_not_go_where_it_was_handed_over():
    """The backup of the restored peer had it, and the peer says so before it goes again."""
    assert walk(E.DEPART, E.RECEIPT_RECEIVED, E.RENUMBER, E.RECEIPT_DELIVERED) is S.AWAITING_OPENING
    assert walk(E.DEPART, E.RECEIPT_RECEIVED, E.RENUMBER, E.RECEIPT_OPENED) is S.OPENED


@table("event", [E.CANCEL, E.EXPIRE, E.REFUSE])
@table("state", [S.AWAITING_HANDOVER, S.AWAITING_OPENING, S.OPENED, S.REJECTED, S.FAILED])
def test_what_arrived_can_not_be_called_back(state, event):
    """A person or a timer that comes too late is told so by `allows`."""
    assert not allows(state, event)


def test_states_are_either_final_or_waiting():
    """Every state is in exactly one of the two sets, and the sender works on three of the waiting ones."""
    assert set(Outgoing) == FINAL | WAITING
    assert not FINAL & WAITING
    assert SENDING <= WAITING


def test_a_number_is_never_wasted():
    """From the moment of numbering, no move of ours leads to a final state except through the peer's word."""
    ours = {E.CANCEL, E.EXPIRE, E.REFUSE, E.SEAL_ANEW, E.DEPART}
    ends = [row for row in DELIVERY.table if row.source is not S.QUEUED and row.event in ours and row.target in FINAL]
    assert ends == []


def test_what_departed_before_ends_by_the_peers_word_alone():
    """Waiting anew, for a restored peer that may have it, or anywhere else: our own end of it is a question."""
    ends = {state: {step(state, take_departed(state, event)) for event in ENDING} for state in SENDING}
    assert ends == {state: {S.VOIDING} for state in SENDING}


@table("event", sorted(set(OutgoingEvent) - ENDING))
def test_all_else_happens_to_it_as_to_any_message(event):
    """It departs again, is numbered, sealed and answered."""
    assert {take_departed(state, event) for state in Outgoing} == {event}


def test_each_row_cites_its_clause():
    """A reason ends with the clause it stands on."""
    assert [row.reason for row in DELIVERY.table if not row.reason.endswith(")")] == []
