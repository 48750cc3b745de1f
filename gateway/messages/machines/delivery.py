"""The life of one outgoing message, from the outbox to a human who opened it.

A message waits in QUEUED without number and without seal. It *departs* when a connection to the peer is open: consent
and policy are checked again, then it is numbered, signed and sealed, all in one transaction, and from then on the same
bytes are repeated until the peer has given a final answer (nrm1 12.1, 12.2). Final answers are signed receipts and
nothing else. A refusal code without a receipt consumed no number: three of them ask to seal anew, which keeps the
state; all others lead to a void (nrm1 6.9), except those that stop the whole link and `stale`, which are no
business of one message and no event here.

A number is never wasted. What was numbered and may no longer go (cancelled, expired, refused) is not dropped but
voided: VOIDING asks the peer one question that is also a fence. Either the peer already had a final answer, then it is
repeated and the message counts as arrived, or the number is consumed and the answer is a signed `rejected(void)`, which
the caller reports as VOIDED (nrm1 5.6). Nothing else ends VOIDING, so it has no timer. Why a message failed
(expired, cancelled, a gate) is kept by the caller beside the state.

Receipts come on two roads, in the answer to our request and in the peer's own requests, so they overtake each other
(nrm1 6.5). A later word includes the earlier ones: `opened` before `delivered` jumps ahead and the late word changes
nothing. `erased` is kept as evidence and is no event. Where two receipts of one peer contradict each other, both are
kept and the first final word stands. Therefore every state after departure has a row for every receipt: no peer can
cause an illegal step. CANCEL, EXPIRE and REFUSE are ours: the caller asks ``allows`` first and tells the person
"already there".

A restored node knows neither what it has sent nor what was answered (nrm1 5.8): FENCE turns everything that waits
into a question. On the other side of such a link RENUMBER puts back what was not answered, and what the restored node
took and can not have handed over; it departs again, under its old id. The restored node may have it all the same: its
backup may hold what it never answered. So what departed once does not end in QUEUED, unless the peer tells meanwhile
that it was handed over. Where it may go no longer it is asked about, as at the restored node itself (nrm1 5.11,
``take_departed``).
"""

from __future__ import annotations

from enum import StrEnum

from gateway.foundation.state_machine import Entry, Machine, Transition, moves


class Outgoing(StrEnum):
    """What is known about an outgoing message, or what is owed by whom."""

    QUEUED = "queued"
    AWAITING_RECEIPT = "awaiting_receipt"
    AWAITING_HANDOVER = "awaiting_handover"
    AWAITING_OPENING = "awaiting_opening"
    OPENED = "opened"
    VOIDING = "voiding"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OutgoingEvent(StrEnum):
    """What can happen to an outgoing message."""

    DEPART = "depart"
    SEAL_ANEW = "seal_anew"
    RECEIPT_RECEIVED = "receipt_received"
    RECEIPT_DELIVERED = "receipt_delivered"
    RECEIPT_OPENED = "receipt_opened"
    RECEIPT_REJECTED = "receipt_rejected"
    VOIDED = "voided"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REFUSE = "refuse"
    FENCE = "fence"
    RENUMBER = "renumber"


_CONTRADICTION = "contradicts an earlier final word: both are kept as evidence, the first stands (nrm1 6.6)"
_FENCED = "this node was restored: it asks instead of sending again (nrm1 5.8, 5.6)"
_ASKED = "it departed before this node or its peer was restored: the peer may have it (nrm1 5.8, 5.11, 5.6)"
_RENUMBERED = "the peer was restored and the link begins anew: same id, new number (nrm1 5.11)"
_NOT_LOST = "it waits anew since its peer was restored, whose backup had it (nrm1 5.11)"
_LATE = "a late receipt says less than is known (nrm1 6.5)"
_REPEAT = "receipts are idempotent by (of, status) (nrm1 6.6)"

_s, _e = Outgoing, OutgoingEvent
_TABLE: tuple[Transition[Outgoing, OutgoingEvent], ...] = (
    *moves(
        _s.QUEUED,
        (_e.DEPART, _s.AWAITING_RECEIPT, "connection open, checks passed: number, sign, seal (nrm1 12.1)"),
        (_e.CANCEL, _s.CANCELLED, "nothing was numbered, so nothing has to be voided (nrm1 12.1)"),
        (_e.EXPIRE, _s.FAILED, "message life of 14 days is over (nrm1 12.8)"),
        (_e.REFUSE, _s.FAILED, "consent or policy forbid it at departure (nrm1 12.1)"),
        (_e.FENCE, _s.VOIDING, _ASKED),
        (_e.RECEIPT_DELIVERED, _s.AWAITING_OPENING, _NOT_LOST),
        (_e.RECEIPT_OPENED, _s.OPENED, _NOT_LOST),
    ),
    *moves(
        _s.AWAITING_RECEIPT,
        (_e.RECEIPT_RECEIVED, _s.AWAITING_HANDOVER, "durable at the peer (nrm1 4.19)"),
        (_e.RECEIPT_DELIVERED, _s.AWAITING_OPENING, "overtook `received`, whose answer was lost (nrm1 6.5)"),
        (_e.RECEIPT_OPENED, _s.OPENED, "overtook the other two (nrm1 6.5)"),
        (_e.RECEIPT_REJECTED, _s.REJECTED, "a signed refusal consumes the number and is final (nrm1 4.12)"),
        (_e.SEAL_ANEW, _s.AWAITING_RECEIPT, "a key or descriptor changed: same id, n and prev (nrm1 6.9, 5.5)"),
        (_e.CANCEL, _s.VOIDING, "a number is never wasted (nrm1 12.3)"),
        (_e.EXPIRE, _s.VOIDING, "a number is never wasted (nrm1 12.3)"),
        (_e.REFUSE, _s.VOIDING, "a gate before sealing anew, or any other code without a receipt (nrm1 6.9)"),
        (_e.VOIDED, _s.FAILED, "the peer fenced the number: it can never be accepted (nrm1 5.6)"),
        (_e.FENCE, _s.VOIDING, _FENCED),
        (_e.RENUMBER, _s.QUEUED, _RENUMBERED),
    ),
    *moves(
        _s.VOIDING,
        (_e.RECEIPT_RECEIVED, _s.AWAITING_HANDOVER, "it had arrived: its receipt answers the void (nrm1 5.6)"),
        (_e.RECEIPT_DELIVERED, _s.AWAITING_OPENING, "it had arrived and was handed over (nrm1 5.6)"),
        (_e.RECEIPT_OPENED, _s.OPENED, "it had arrived and was opened (nrm1 5.6)"),
        (_e.RECEIPT_REJECTED, _s.REJECTED, "it had its final answer, a refusal (nrm1 5.7)"),
        (_e.VOIDED, _s.FAILED, "number consumed, `rejected(void)` signed (nrm1 5.6)"),
        (_e.SEAL_ANEW, _s.VOIDING, "late answer to the envelope; a void is not sealed (nrm1 5.6)"),
        (_e.CANCEL, _s.VOIDING, "the void is already asked for (nrm1 12.3)"),
        (_e.EXPIRE, _s.VOIDING, "the void is already asked for (nrm1 12.3)"),
        (_e.REFUSE, _s.VOIDING, "the void is already asked for (nrm1 12.3)"),
        (_e.FENCE, _s.VOIDING, _FENCED),
        (_e.RENUMBER, _s.VOIDING, _RENUMBERED),
    ),
    *moves(
        _s.AWAITING_HANDOVER,
        (_e.RECEIPT_RECEIVED, _s.AWAITING_HANDOVER, _REPEAT),
        (_e.RECEIPT_DELIVERED, _s.AWAITING_OPENING, "the adapter or the desk acknowledged (nrm1 12.6)"),
        (_e.RECEIPT_OPENED, _s.OPENED, "overtook `delivered` (nrm1 6.5)"),
        (_e.RECEIPT_REJECTED, _s.REJECTED, "refused after arrival: back to a draft (nrm1 12.6)"),
        (_e.VOIDED, _s.AWAITING_HANDOVER, _CONTRADICTION),
        (_e.RENUMBER, _s.QUEUED, "the peer lost it before it was handed over: same id, new number (nrm1 5.11)"),
    ),
    *moves(
        _s.AWAITING_OPENING,
        (_e.RECEIPT_RECEIVED, _s.AWAITING_OPENING, _LATE),
        (_e.RECEIPT_DELIVERED, _s.AWAITING_OPENING, _REPEAT),
        (_e.RECEIPT_OPENED, _s.OPENED, "a human opened it, or answered (nrm1 12.6)"),
        (_e.RECEIPT_REJECTED, _s.AWAITING_OPENING, _CONTRADICTION),
        (_e.VOIDED, _s.AWAITING_OPENING, _CONTRADICTION),
    ),
    *moves(
        _s.OPENED,
        (_e.RECEIPT_RECEIVED, _s.OPENED, _LATE),
        (_e.RECEIPT_DELIVERED, _s.OPENED, _LATE),
        (_e.RECEIPT_OPENED, _s.OPENED, _REPEAT),
        (_e.RECEIPT_REJECTED, _s.OPENED, _CONTRADICTION),
        (_e.VOIDED, _s.OPENED, _CONTRADICTION),
    ),
    *moves(
        _s.REJECTED,
        (_e.RECEIPT_RECEIVED, _s.REJECTED, _LATE),
        (_e.RECEIPT_DELIVERED, _s.REJECTED, _CONTRADICTION),
        (_e.RECEIPT_OPENED, _s.REJECTED, _CONTRADICTION),
        (_e.RECEIPT_REJECTED, _s.REJECTED, _REPEAT),
        (_e.VOIDED, _s.REJECTED, _CONTRADICTION),
    ),
    *moves(
        _s.FAILED,
        (_e.RECEIPT_RECEIVED, _s.FAILED, _CONTRADICTION),
        (_e.RECEIPT_DELIVERED, _s.FAILED, _CONTRADICTION),
        (_e.RECEIPT_OPENED, _s.FAILED, _CONTRADICTION),
        (_e.RECEIPT_REJECTED, _s.FAILED, _CONTRADICTION),
        (_e.VOIDED, _s.FAILED, _REPEAT),
    ),
)


#: No event leaves these; FAILED stays visible until a person dismisses it (nrm1 12.8).
FINAL: frozenset[Outgoing] = frozenset({Outgoing.OPENED, Outgoing.REJECTED, Outgoing.FAILED, Outgoing.CANCELLED})

#: Somebody still owes a word: the exact opposite of FINAL.
WAITING: frozenset[Outgoing] = frozenset(Outgoing) - FINAL

#: The sender's loop has something to put on the wire: the message, the same bytes again, or the void.
SENDING: frozenset[Outgoing] = frozenset({Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING})

#: By these this node itself ends a message that may go no longer.
ENDING: frozenset[OutgoingEvent] = frozenset({OutgoingEvent.CANCEL, OutgoingEvent.EXPIRE, OutgoingEvent.REFUSE})

DELIVERY: Machine[Outgoing, OutgoingEvent] = Machine(
    name="delivery",
    about="An outgoing message, as the sending node sees it.",
    states=tuple(Outgoing),
    entries=(Entry(Outgoing.QUEUED, "mapped, gated, minimised, validated and stored under a data key (nrm1 12.1)"),),
    final=FINAL,
    table=_TABLE,
)


def step(state: Outgoing, event: OutgoingEvent) -> Outgoing:
    """The state after ``event``.

    Raises:
        IllegalStep: the pair has no row; nothing was changed.
    """
    return DELIVERY.step(state, event)


def take_departed(state: Outgoing, event: OutgoingEvent) -> OutgoingEvent:
    """Turn the event into the one that happens to a message that departed before: in QUEUED its end is a question."""
    return OutgoingEvent.FENCE if state is Outgoing.QUEUED and event in ENDING else event


def allows(state: Outgoing, event: OutgoingEvent) -> bool:
    """Whether ``event`` has a row in ``state``: a person's cancel or a timer may come too late."""
    return DELIVERY.allows(state, event)
