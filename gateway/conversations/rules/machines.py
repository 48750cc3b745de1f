"""The three kinds of conversation as tables: enquiry, referral, standing.

An *enquiry* holds no personal data and asks for capacity. A *referral* is about one person, from the request to the
end of monitoring. A *standing* conversation is between two mechanisms: directory, statistics, breaches. A referral
quotes an enquiry and does not continue it, so that personal data cannot slip into the wrong kind (domain 4.1).

The state is never sent. Each side derives it from the messages of both (`fold.py`), and both find the same. What a
receipt or a message says is an event; so is silence, where a clock of `schemas/clocks.json` gives it an effect. The
rows of the referral carry the numbers of domain 4.5; a row with several sources is one number still. Number 1 is the
entry. ERASED is local: the other side learns of an erasure by certificate.

Rows that are not moves are here as well where the number exists (22, 24): the event is expected and the state stays.
Three things marked [own] stand in no guidance (domain 4.5): a case may be closed before services or travel began, or
while a person who left is not found, since else it could never end; the host agrees to conditions by its next planning
message; and a request refused after arrival is a draft again (nrm1 12.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.conversations.rules.facts import Side
from gateway.foundation.state_machine import Entry, Machine, Transition


class Kind(StrEnum):
    """The kinds of conversation."""

    ENQUIRY = "enquiry"
    REFERRAL = "referral"
    STANDING = "standing"


class Enquiry(StrEnum):
    """How far an enquiry has come."""

    ASKED = "asked"
    DELIVERED = "delivered"
    OFFERED = "offered"
    REFUSED = "refused"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class EnquiryEvent(StrEnum):
    """What can happen to an enquiry."""

    DELIVERED = "delivered"
    OFFER = "offer"
    REFUSE = "refuse"
    USE = "use"
    SILENCE = "silence"
    CANCEL = "cancel"


class Referral(StrEnum):
    """How far a referral has come, and so who has to act."""

    DRAFT = "draft"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDER_REVIEW = "under_review"
    INFO_REQUESTED = "info_requested"
    ACCEPTED_CONDITIONAL = "accepted_conditional"
    ACCEPTED = "accepted"
    PLANNING = "planning"
    RETURN_PROPOSED = "return_proposed"
    RETURN_CONFIRMED = "return_confirmed"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    ACTIVE = "active"
    CLOSING = "closing"
    CLOSED = "closed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class ReferralEvent(StrEnum):
    """What can happen to a referral."""

    REQUEST = "request"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    OPENED = "opened"
    ASK = "ask"
    ANSWER = "answer"
    ACCEPT = "accept"
    ACCEPT_CONDITIONAL = "accept_conditional"
    CONDITIONS_LAPSE = "conditions_lapse"
    DECLINE = "decline"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    PLAN = "plan"
    START_SERVICES = "start_services"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    OBJECT = "object"
    CANCEL = "cancel"
    DEPART = "depart"
    NOT_DEPART = "not_depart"
    ARRIVE = "arrive"
    NOT_MET = "not_met"
    REINTEGRATE = "reintegrate"
    REPORT = "report"
    CLOSE = "close"
    AGREE = "agree"
    DISAGREE = "disagree"
    REOPEN = "reopen"
    ERASE = "erase"


class OpenQuestionState(StrEnum):
    """Whether something is owed in a standing conversation."""

    QUIET = "quiet"
    OPEN = "open"


class OpenQuestionEvent(StrEnum):
    """What can happen in a standing conversation."""

    TELL = "tell"
    ASK = "ask"
    SETTLE = "settle"


class By(StrEnum):
    """Who may cause an event."""

    HOST = "host"
    RECEIVING = "receiving"
    EITHER = "either"
    NODE = "node"
    """A receipt of the receiving node, or the node's own care of retention."""
    SILENCE = "silence"
    """A clock ran out."""

    def allows(self, side: Side) -> bool:
        """Whether a message of ``side`` may cause it."""
        return self is By.EITHER or self.value == side.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One numbered line of the table: in each of ``sources``, ``event`` leads to ``target``."""

    number: int
    sources: tuple[Referral, ...]
    event: ReferralEvent
    target: Referral
    by: By
    why: str


_r, _e = Referral, ReferralEvent
#: Before the receiving side has taken the case, in the order in which a referral comes there.
BEFORE_ACCEPTANCE = (_r.SENT, _r.DELIVERED, _r.UNDER_REVIEW, _r.INFO_REQUESTED, _r.ACCEPTED_CONDITIONAL)
_UNFINISHED = (_r.ACCEPTED, _r.PLANNING, _r.IN_TRANSIT, _r.ARRIVED, _r.ACTIVE)


def _row(number: int, sources: tuple[Referral, ...], event: ReferralEvent, target: Referral, by: By, why: str) -> Row:
    return Row(number=number, sources=sources, event=event, target=target, by=by, why=why)


_RETURN = (_r.RETURN_PROPOSED, _r.RETURN_CONFIRMED)
_UNDECIDED = (_r.DELIVERED, _r.UNDER_REVIEW, _r.INFO_REQUESTED)
ROWS: tuple[Row, ...] = (
    _row(2, (_r.DRAFT,), _e.REQUEST, _r.SENT, By.HOST, "the request left"),
    _row(3, (_r.SENT, _r.DELIVERED), _e.REJECTED, _r.DRAFT, By.NODE, "refused at arrival or, [own], after it"),
    _row(4, (_r.SENT,), _e.DELIVERED, _r.DELIVERED, By.NODE, "the other node has it: the decision clock starts"),
    _row(5, (_r.DELIVERED,), _e.OPENED, _r.UNDER_REVIEW, By.NODE, "a person opened it, or answered (nrm1 12.6)"),
    _row(6, (_r.UNDER_REVIEW,), _e.ASK, _r.INFO_REQUESTED, By.RECEIVING, "a blocking question: the clock is paused"),
    _row(7, (_r.INFO_REQUESTED,), _e.ANSWER, _r.UNDER_REVIEW, By.HOST, "the last blocking question is answered"),
    _row(
        7,
        (_r.INFO_REQUESTED,),
        _e.EXPIRE,
        _r.EXPIRED,
        By.SILENCE,
        "no answer at 150 % of the time for it; in an emergency of the normal one",
    ),
    _row(8, (_r.UNDER_REVIEW,), _e.ACCEPT, _r.ACCEPTED, By.RECEIVING, "taken without conditions"),
    _row(9, (_r.UNDER_REVIEW,), _e.ACCEPT_CONDITIONAL, _r.ACCEPTED_CONDITIONAL, By.RECEIVING, "taken on conditions"),
    _row(9, (_r.ACCEPTED_CONDITIONAL,), _e.CONDITIONS_LAPSE, _r.UNDER_REVIEW, By.SILENCE, "the host did not agree"),
    _row(10, _UNDECIDED, _e.DECLINE, _r.DECLINED, By.RECEIVING, "declined with a reason: erase in 30 days"),
    _row(
        11,
        (_r.DELIVERED, _r.UNDER_REVIEW),
        _e.EXPIRE,
        _r.EXPIRED,
        By.SILENCE,
        "no decision at 150 % of the time; in an emergency of the normal one",
    ),
    _row(12, BEFORE_ACCEPTANCE, _e.WITHDRAW, _r.WITHDRAWN, By.HOST, "taken back, or the consent was: erase in 30 days"),
    _row(13, (_r.ACCEPTED,), _e.PLAN, _r.PLANNING, By.EITHER, "the first step of planning"),
    _row(13, (_r.ACCEPTED_CONDITIONAL,), _e.PLAN, _r.PLANNING, By.HOST, "[own] so the host agrees to the conditions"),
    _row(14, (_r.PLANNING,), _e.START_SERVICES, _r.ACTIVE, By.RECEIVING, "services start where the person is"),
    _row(15, (_r.PLANNING,), _e.PROPOSE, _r.RETURN_PROPOSED, By.HOST, "a whole arrangement, with its version"),
    _row(16, (_r.RETURN_PROPOSED,), _e.CONFIRM, _r.RETURN_CONFIRMED, By.RECEIVING, "confirmed in the same version"),
    _row(17, (_r.RETURN_PROPOSED,), _e.OBJECT, _r.PLANNING, By.RECEIVING, "changes wanted, or refused"),
    _row(18, _RETURN, _e.CANCEL, _r.PLANNING, By.EITHER, "either side; the person's wish is enough"),
    _row(19, (_r.RETURN_CONFIRMED,), _e.DEPART, _r.IN_TRANSIT, By.HOST, "departed: the arrival clock starts"),
    _row(20, (_r.RETURN_CONFIRMED,), _e.NOT_DEPART, _r.PLANNING, By.HOST, "not departed, or postponed"),
    _row(21, (_r.IN_TRANSIT,), _e.ARRIVE, _r.ARRIVED, By.RECEIVING, "met by the reception"),
    _row(22, (_r.IN_TRANSIT,), _e.NOT_MET, _r.IN_TRANSIT, By.RECEIVING, "not met: alert over it, the host raises one"),
    _row(23, (_r.ARRIVED,), _e.REINTEGRATE, _r.ACTIVE, By.RECEIVING, "the reintegration plan"),
    _row(24, (_r.ACTIVE,), _e.REPORT, _r.ACTIVE, By.RECEIVING, "a monitoring report"),
    _row(25, _UNFINISHED, _e.CLOSE, _r.CLOSING, By.EITHER, "a reason, no open alert; [own] also before services"),
    _row(26, (_r.CLOSING,), _e.AGREE, _r.CLOSED, By.EITHER, "the other side agrees, closes too, or is silent"),
    _row(27, (_r.CLOSING,), _e.DISAGREE, _r.ACTIVE, By.EITHER, "the other side wants to go on"),
    _row(28, (_r.CLOSED,), _e.REOPEN, _r.ACTIVE, By.EITHER, "within 12 months, on a new consent"),
    _row(29, (_r.CLOSED,), _e.ERASE, _r.ERASED, By.NODE, "the retention date, no legal hold"),
)

NUMBERS: dict[tuple[Referral, ReferralEvent], Row] = {
    (source, row.event): row for row in ROWS for source in row.sources
}

REFERRAL: Machine[Referral, ReferralEvent] = Machine(
    name="referral",
    about="A referral, as both sides derive it. The reason of a row begins with its number and who may cause it.",
    states=tuple(Referral),
    entries=(Entry(Referral.DRAFT, "1: a local draft, which the other side knows nothing of"),),
    final=frozenset({Referral.DECLINED, Referral.EXPIRED, Referral.WITHDRAWN, Referral.ERASED}),
    table=tuple(
        Transition(source, row.event, row.target, f"{row.number}, {row.by}: {row.why}")
        for row in ROWS
        for source in row.sources
    ),
)

_q, _v = Enquiry, EnquiryEvent
ENQUIRY: Machine[Enquiry, EnquiryEvent] = Machine(
    name="enquiry",
    about="An enquiry about capacity, as both sides derive it; it holds no personal data.",
    states=tuple(Enquiry),
    entries=(Entry(_q.ASKED, "the enquiry left"),),
    final=frozenset({_q.REFUSED, _q.USED, _q.EXPIRED, _q.CANCELLED}),
    table=(
        Transition(_q.ASKED, _v.DELIVERED, _q.DELIVERED, "node: the clock for the answer starts"),
        Transition(_q.ASKED, _v.CANCEL, _q.CANCELLED, "node: voided or refused, the other side never had it"),
        Transition(_q.DELIVERED, _v.CANCEL, _q.CANCELLED, "node: refused after arrival"),
        Transition(_q.DELIVERED, _v.OFFER, _q.OFFERED, "receiving: yes, or yes on conditions"),
        Transition(_q.DELIVERED, _v.REFUSE, _q.REFUSED, "receiving: no, or another unit is named"),
        Transition(_q.DELIVERED, _v.SILENCE, _q.EXPIRED, "silence: 150 % of the time for the answer"),
        Transition(_q.OFFERED, _v.CANCEL, _q.CANCELLED, "node: refused after arrival"),
        Transition(_q.OFFERED, _v.USE, _q.USED, "host: a referral quotes it while the offer stands"),
        Transition(_q.OFFERED, _v.SILENCE, _q.EXPIRED, "silence: the last day of the offer is over"),
    ),
)

STANDING: Machine[OpenQuestionState, OpenQuestionEvent] = Machine(
    name="standing",
    about="Two mechanisms with each other: directory, statistics, breaches. It never ends.",
    states=tuple(OpenQuestionState),
    entries=(Entry(OpenQuestionState.QUIET, "the first message between the two"),),
    final=frozenset(),
    table=(
        Transition(
            OpenQuestionState.QUIET,
            OpenQuestionEvent.TELL,
            OpenQuestionState.QUIET,
            "either: directory.update, stats.submission",
        ),
        Transition(
            OpenQuestionState.QUIET,
            OpenQuestionEvent.ASK,
            OpenQuestionState.OPEN,
            "either: breach.notice, stats.request",
        ),
        Transition(
            OpenQuestionState.OPEN,
            OpenQuestionEvent.TELL,
            OpenQuestionState.OPEN,
            "either: something else is still owed",
        ),
        Transition(OpenQuestionState.OPEN, OpenQuestionEvent.ASK, OpenQuestionState.OPEN, "either: one more is owed"),
        Transition(
            OpenQuestionState.OPEN,
            OpenQuestionEvent.SETTLE,
            OpenQuestionState.QUIET,
            "either, node: the last one is answered",
        ),
    ),
)

RESTING: frozenset[str] = frozenset(
    map(str, (*REFERRAL.final, Referral.CLOSED, *ENQUIRY.final, OpenQuestionState.QUIET))
)
"""The states in which nothing goes on any more, or not now."""
