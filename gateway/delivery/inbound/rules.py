"""Rules about one numbered request of a peer, a message or a void: whether its number is new, whether a void is true,
and what becomes of what was taken. Pure: values in, values out.

The rules about the content of an envelope are in `gateway.delivery.inbound.steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages import content_codec, probe
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.numbering import Entry, Gap, LinkView, New, Refuse, Repeat, apply, judge
from gateway.messages.types import AuthenticStatement
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import Receipt, Status, Void, statement_hash
from keys.documents.statement import link_hash
from keys.primitives.domains import VOID
from keys.primitives.encoding import SKEW
from keys.primitives.sign import SignedDocument
from schemas.types import never_blocked

MOST_GAPS = 1_000
"""Missing ranges of one link. Each costs a row that is read and written with every request; a peer that opens more does
not count its messages, it floods.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRequest:
    """One numbered request of a peer, proven to be its own: a message, or a void where ``message`` is None."""

    id: MessageId
    epoch: int
    n: int
    prev: str | None
    link_hash: str
    statement_hash: str
    message: AuthenticStatement | None
    evidence: bytes
    """What proves that the peer asked this: the statement with its proof, or the signed void."""

    @property
    def has_parts(self) -> bool:
        """Whether files belong to it."""
        return self.message is not None and bool(self.message.statement.parts)


def number_message(message: AuthenticStatement) -> NumberedRequest:
    """Take from an authentic statement what its number is judged by."""
    statement = message.statement
    return NumberedRequest(
        id=statement.id,
        epoch=statement.epoch,
        n=statement.n,
        prev=statement.prev,
        link_hash=message.link_hash,
        statement_hash=message.statement_hash,
        message=message,
        evidence=content_codec.evidence(message.statement_bytes, message.proof),
    )


def in_order(requests: Iterable[NumberedRequest]) -> list[NumberedRequest]:
    """Sort requests as their sender numbered them, so that each is judged with those before it."""
    return sorted(requests, key=lambda request: (request.epoch, request.n))


# --- void (nrm1 5.7) --------------------------------------------------------------------------------------------------


def verify_void(data: bytes, *, signer: NodeId, own_node: NodeId, sender: Descriptor, now: int) -> NumberedRequest:
    """Verify a void that ``signer`` brought, by the newest descriptor held of it.

    Raises:
        RemoteError: malformed, wrong_type, unknown_sender, misdirected, revoked_key, unknown_key, bad_signature or
            not_yet_valid; the request as a whole is refused.
    """
    document = SignedDocument.decode(data, VOID)
    void = Void.parse(document.payload)
    if void.from_ != signer:
        raise RemoteError(Code.UNKNOWN_SENDER, "the void was made by another node")
    if void.to != own_node:
        raise RemoteError(Code.MISDIRECTED, "the void is addressed to another node")
    document.verify(sender.signing_key(document.signature.kid, at=void.created))
    if void.created > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "the void was made in the future")
    return NumberedRequest(
        id=void.id,
        epoch=void.epoch,
        n=void.n,
        prev=void.prev,
        link_hash=void.link,
        statement_hash=statement_hash(document.payload),
        message=None,
        evidence=data,
    )


# --- step 12: the number (nrm1 5.2) -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What is held of the incoming link of a peer; ``seen`` is when each gap was first seen, in Unix seconds."""

    view: LinkView
    seen: Mapping[Gap, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNumber:
    """The number is new. ``behind_gap``: a lower one is missing."""

    behind_gap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRefusal:
    """The number is refused and nothing is consumed.

    ``keep_evidence``: what the peer signed shows a fault, which a person has to see. ``held`` is the id of the message
    that has the number, where the code is equivocation.
    """

    code: Code
    keep_evidence: bool
    held: MessageId | None = None


NumberingDecision: TypeAlias = NewNumber | NumberRefusal


def decide_number(link: LinkState, request: NumberedRequest, *, reset_pending: bool) -> NumberingDecision:
    """Decide whether a number is new on its link (step 12).

    ``reset_pending``: this node was restored from a backup and the peer has not accepted the new epoch yet. Such a peer
    still counts in the old one without being at fault, so it is asked for the reset and nothing is kept against it.
    """
    decision = judge(
        link.view,
        epoch=request.epoch,
        n=request.n,
        id=request.id,
        prev=request.prev,
        link_hash=request.link_hash,
    )
    match decision:
        case Refuse(code=Code.ROLLBACK) if reset_pending:
            return NumberRefusal(code=Code.LINK_RESET_REQUIRED, keep_evidence=False)
        case Refuse(code=Code.EQUIVOCATION):
            held = MessageId(link.view.known[request.n].id)
            return NumberRefusal(code=Code.EQUIVOCATION, keep_evidence=True, held=held)
        case Refuse(code=code):
            return NumberRefusal(code=code, keep_evidence=True)
        case Repeat():  # a number is consumed together with its answer; one without an answer is a fault, stop the link
            return NumberRefusal(code=Code.BAD_CHAIN, keep_evidence=False)
        case New() if _floods(link.view, request.n):
            return NumberRefusal(code=Code.BAD_CHAIN, keep_evidence=False)
        case New(behind_gap=behind_gap):
            return NewNumber(behind_gap=behind_gap)


def was_of_first_form(entry: Entry, epoch: int, n: int) -> bool:
    """Whether a used number has a link of the first form, which said nothing of its content; so has one under which
    nothing was ever signed (nrm1 5.5).
    """
    return entry.link_hash == link_hash(epoch=epoch, n=n, id=entry.id, commit=None, prev=entry.prev)


def follows_anew(link: LinkState, request: NumberedRequest) -> bool:
    """Whether a message that was answered in the first form comes again in the second, at its place: its number then
    has the link that it has now, for that is what the next one names (nrm1 5.5).
    """
    view, n = link.view, request.n
    entry = view.known.get(n)
    if request.message is None or entry is None or entry.id != request.id or request.epoch != view.epoch:
        return False
    before = view.known.get(n - 1)
    fits = request.prev == (entry.prev if before is None else before.link_hash)
    return fits and view.missing(n + 1) and was_of_first_form(entry, view.epoch, n)


def link_anew(link: LinkState, request: NumberedRequest) -> LinkState:
    """Return the link after a used number was given another link hash."""
    entry = Entry(id=request.id, prev=request.prev, link_hash=request.link_hash)
    return replace(link, view=replace(link.view, known={**link.view.known, request.n: entry}))


def _floods(view: LinkView, n: int) -> bool:
    """Whether the number would leave more missing ranges than there are, and more than one link may have.

    A number that fills a gap always passes, so that a link at its limit recovers.
    """
    _, gaps = apply(view, n)
    return len(gaps) > MOST_GAPS and len(gaps) > len(view.gaps)


def use_number(link: LinkState, request: NumberedRequest, now: int) -> LinkState:
    """Return the link after the number of a request was consumed.

    Raises:
        RuntimeError: it was consumed before.
    """
    high, gaps = apply(link.view, request.n)
    entry = Entry(id=request.id, prev=request.prev, link_hash=request.link_hash)
    return LinkState(
        view=replace(link.view, high=high, gaps=gaps, known={**link.view.known, request.n: entry}),
        seen={gap: _first_seen(link.seen, gap, now) for gap in gaps},
    )


def _first_seen(seen: Mapping[Gap, int], gap: Gap, now: int) -> int:
    """Find when a gap was first seen: a rest of a wider gap keeps the time of that one, since the patience with a
    missing number must not begin anew with each number that arrives beside it (nrm1 12.4).
    """
    return next((at for old, at in seen.items() if old.first <= gap.first and gap.last <= old.last), now)


# --- what was decided -------------------------------------------------------------------------------------------------


def make_receipt(
    request: NumberedRequest, *, own: Descriptor, peer: NodeId, status: Status, code: Code | None, at: int
) -> Receipt:
    """Make the final answer to a request; it is stored, and repeated unchanged."""
    return Receipt(
        of=request.statement_hash,
        msg=request.id,
        from_=own.node,
        from_desc=own.version,
        to=peer,
        n=request.n,
        status=status,
        at=at,
        code=None if code is None else str(code),
    )


def goes_at_once(body_type: str) -> bool:
    """Whether a message is handed over whatever is missing before it: what nothing may hold up, and the test message,
    which no case system sees.
    """
    return never_blocked(body_type) or body_type == probe.TYPE


def first_state(body_type: str, *, behind_gap: bool) -> Incoming:
    """Return the state in which an accepted message is stored: hand-over follows the numbers (nrm1 12.4)."""
    waits = behind_gap and not goes_at_once(body_type)
    return Incoming.AWAITING_ORDER if waits else Incoming.AWAITING_HANDOVER
