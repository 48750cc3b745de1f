"""Both machines together over a wire that loses, doubles and reorders receipts: the two ends always agree."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.delivery.inbound.rules import first_state
from gateway.foundation.state_machine import IllegalStep
from gateway.messages.machines import acceptance, delivery
from gateway.messages.machines.acceptance import ACCEPTANCE, Incoming, IncomingEvent
from gateway.messages.machines.delivery import DELIVERY, Outgoing, OutgoingEvent

RECEIPT_OF = {
    Incoming.HANDED_OVER: OutgoingEvent.RECEIPT_DELIVERED,
    Incoming.OPENED: OutgoingEvent.RECEIPT_OPENED,
    Incoming.REFUSED: OutgoingEvent.RECEIPT_REJECTED,
}
AGREED = {
    Incoming.AWAITING_ORDER: Outgoing.AWAITING_HANDOVER,
    Incoming.AWAITING_HANDOVER: Outgoing.AWAITING_HANDOVER,
    Incoming.HELD: Outgoing.AWAITING_HANDOVER,
    Incoming.HANDED_OVER: Outgoing.AWAITING_OPENING,
    Incoming.OPENED: Outgoing.OPENED,
    Incoming.REFUSED: Outgoing.REJECTED,
}
FIRST_RECEIPTS = [OutgoingEvent.RECEIPT_RECEIVED, OutgoingEvent.RECEIPT_DELIVERED, OutgoingEvent.RECEIPT_OPENED]


@given(st.sampled_from(list(Outgoing)), st.lists(st.sampled_from(list(OutgoingEvent)), max_size=30))
def test_a_walk_never_leaves_a_final_state(state, events):
    """Any events in any order: legal ones move, illegal ones raise and change nothing, final states stay."""
    for event in events:
        before = state
        try:
            state = delivery.step(state, event)
        except IllegalStep:
            assert not delivery.allows(before, event)
        if before in delivery.FINAL:
            assert state == before


@given(st.sampled_from(list(Incoming)), st.lists(st.sampled_from(list(IncomingEvent)), max_size=30))
def test_an_incoming_walk_never_leaves_a_final_state(state, events):
    """The same for the incoming machine."""
    for event in events:
        before = state
        try:
            state = acceptance.step(state, event)
        except IllegalStep:
            assert not acceptance.allows(before, event)
        if before in acceptance.FINAL:
            assert state == before


@given(st.permutations(FIRST_RECEIPTS), st.lists(st.sampled_from(FIRST_RECEIPTS), max_size=6), st.booleans())
def test_the_order_of_receipts_does_not_matter(order, repeats, voiding):
    """Every order and repetition of an honest peer's receipts ends in OPENED, also when a void was asked for."""
    state = Outgoing.VOIDING if voiding else Outgoing.AWAITING_RECEIPT
    for receipt in (*repeats, *order, *repeats):
        state = delivery.step(state, receipt)
    assert state is Outgoing.OPENED


def test_every_state_can_still_end():
    """From each state of both machines a final one can be reached."""
    for machine in (DELIVERY, ACCEPTANCE):
        ends = set(machine.final)
        for _ in machine.states:
            ends |= {row.source for row in machine.table if row.target in ends}
        assert set(machine.states) == ends


class TwoEnds(RuleBasedStateMachine):
    """One message between a sender and an honest receiver; the wire holds receipts and hands them out at will."""

    def __init__(self) -> None:
        super().__init__()
        self.out = Outgoing.QUEUED
        self.peer: Incoming | None = None
        self.fenced = self.departed = False
        self.wire: list[OutgoingEvent] = []

    @precondition(lambda self: self.out is Outgoing.QUEUED)
    @rule()
    def depart(self) -> None:
        self.departed = True
        self.out = delivery.step(self.out, OutgoingEvent.DEPART)

    @rule(event=st.sampled_from([OutgoingEvent.CANCEL, OutgoingEvent.EXPIRE, OutgoingEvent.REFUSE]))
    def call_back(self, event: OutgoingEvent) -> None:
        if delivery.allows(self.out, event):
            self.out = delivery.step(self.out, delivery.take_departed(self.out, event) if self.departed else event)

    @precondition(lambda self: delivery.allows(self.out, OutgoingEvent.RENUMBER))
    @rule(forgotten=st.booleans())
    def the_peer_is_restored(self, forgotten: bool) -> None:
        """It may have lost what it had not handed over, and never said what its backup holds."""
        self.wire.clear()
        if forgotten and self.peer in (Incoming.AWAITING_ORDER, Incoming.AWAITING_HANDOVER, Incoming.HELD):
            self.peer = None
        self.out = delivery.step(self.out, OutgoingEvent.RENUMBER)

    @precondition(lambda self: self.out in (Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING))
    @rule(refused=st.booleans(), behind_gap=st.booleans(), new_key=st.booleans())
    def the_envelope_arrives(self, refused: bool, behind_gap: bool, new_key: bool) -> None:
        if self.fenced:
            self.wire.append(OutgoingEvent.VOIDED)
        elif self.peer is not None:
            self.wire += self._said()
        elif new_key:
            self.out = delivery.step(self.out, OutgoingEvent.SEAL_ANEW)
        else:
            taken = first_state("referral.request/1", behind_gap=behind_gap)
            self.peer = Incoming.REFUSED if refused else taken
            self.wire.append(OutgoingEvent.RECEIPT_REJECTED if refused else OutgoingEvent.RECEIPT_RECEIVED)

    @precondition(lambda self: self.out is Outgoing.VOIDING)
    @rule()
    def the_void_arrives(self) -> None:
        if self.peer is None:
            self.fenced = True
            self.wire.append(OutgoingEvent.VOIDED)
        else:
            self.wire += self._said()

    @precondition(lambda self: self.peer is not None)
    @rule(event=st.sampled_from(list(IncomingEvent)))
    def the_peer_moves(self, event: IncomingEvent) -> None:
        assert self.peer is not None
        if acceptance.allows(self.peer, event):
            self.peer = acceptance.step(self.peer, event)
            if self.peer in RECEIPT_OF:
                self.wire.append(RECEIPT_OF[self.peer])

    @precondition(lambda self: bool(self.wire))
    @rule(seed=st.integers(0, 1_000), keep=st.booleans())
    def a_receipt_comes(self, seed: int, keep: bool) -> None:
        index = random.Random(seed).randrange(len(self.wire))
        receipt = self.wire[index] if keep else self.wire.pop(index)
        self._hear(receipt)

    def _hear(self, receipt: OutgoingEvent) -> None:
        """A refusal that comes while the message waits anew is kept, and comes again with the answer."""
        if delivery.allows(self.out, receipt):
            self.out = delivery.step(self.out, receipt)

    def _said(self) -> list[OutgoingEvent]:
        """What a receiver answers about a message that it has: all that it ever said, also what a restore forgot."""
        last = None if self.peer is None else RECEIPT_OF.get(self.peer)
        if last is OutgoingEvent.RECEIPT_REJECTED:
            return [last]
        return [OutgoingEvent.RECEIPT_RECEIVED, *([] if last is None else [last])]

    @invariant()
    def nothing_is_believed_that_did_not_happen(self) -> None:
        """The sender never knows more than the receiver did, and a fenced message never arrives."""
        if self.out in (Outgoing.AWAITING_HANDOVER, Outgoing.AWAITING_OPENING, Outgoing.OPENED):
            assert self.peer is not None
        if self.out in (Outgoing.FAILED, Outgoing.CANCELLED) and self.peer is not None:
            raise AssertionError("a message that arrived was reported as failed")
        assert not (self.fenced and self.peer is not None)

    def teardown(self) -> None:
        """When every receipt has come, in any order, both ends say the same."""
        for receipt in self.wire:
            self._hear(receipt)
        if self.peer is not None and self.out not in delivery.SENDING:
            assert AGREED[self.peer] == self.out


TestTwoEnds = TwoEnds.TestCase
