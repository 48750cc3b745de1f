"""What the steps of receiving leave: one frozen result for each numbered request, and all of them with their link.

No step changes what another one made. The last step (nrm1 4.19) writes the list (`gateway.delivery.inbound.recording`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.delivery.inbound.rules import LinkState, NumberedRequest, NumberRefusal
from gateway.errors import WIRE_CODES, Code
from gateway.foundation.ids import MessageId
from gateway.messages.types import AcceptedMessage, AuthenticStatement
from keys.documents.envelope import Receipt


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step refused a message with this code, which a peer may be told."""

    code: Code

    @classmethod
    def of(cls, code: Code) -> Refusal:
        """Keep a local code from the peer: it has no place in an answer (nrm1 6.12), and would tell how we work."""
        return cls(code if code in WIRE_CODES else Code.MALFORMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRefused:
    """The number was refused (nrm1 5.2): nothing is consumed, and the answer is a code without a receipt."""

    request: NumberedRequest
    refusal: NumberRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingFiles:
    """The message may come and its files are not all here: no number is consumed, the envelope is kept (nrm1 4.18)."""

    request: NumberedRequest
    message: AuthenticStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredBefore:
    """The id has its final answer already, of an older epoch where ``uses_number`` (nrm1 5.13), in the first form
    where it ``follows_anew`` (nrm1 5.5).
    """

    request: NumberedRequest
    receipt: Receipt
    uses_number: bool
    follows_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The number is consumed and the final answer is a signed refusal; also of a void."""

    request: NumberedRequest
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The number is consumed and the message is taken. Behind a gap its hand-over waits (nrm1 5.3)."""

    request: NumberedRequest
    receipt: Receipt
    message: AcceptedMessage
    behind_gap: bool


RequestResult: TypeAlias = NumberRefused | AwaitingFiles | AnsweredBefore | Rejected | Received


def uses_number(result: RequestResult) -> bool:
    """Whether the number of the request is consumed."""
    match result:
        case Received() | Rejected():
            return True
        case AnsweredBefore(uses_number=used):
            return used
        case NumberRefused() | AwaitingFiles():
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRequests:
    """Every numbered request of one HTTP request, judged in the order of the numbers.

    ``before`` and ``after`` are the link before and after them; ``stored`` are the final answers that ids of the
    request had before, also of envelopes that were not opened for that reason.
    """

    results: tuple[RequestResult, ...]
    stored: Mapping[MessageId, Receipt]
    before: LinkState
    after: LinkState

    @property
    def numbered(self) -> tuple[NumberedRequest, ...]:
        """The requests whose numbers are consumed, by rising number."""
        return tuple(result.request for result in self.results if uses_number(result))

    @property
    def linked_anew(self) -> tuple[NumberedRequest, ...]:
        """The requests whose numbers have another link from now on."""
        before = (result for result in self.results if isinstance(result, AnsweredBefore))
        return tuple(result.request for result in before if result.follows_anew)

    @property
    def answered(self) -> tuple[Received | Rejected, ...]:
        """Results with a new final answer."""
        return tuple(result for result in self.results if isinstance(result, Received | Rejected))

    @property
    def came_again(self) -> tuple[MessageId, ...]:
        """Messages with an answer of before that were opened once more."""
        before = (result.request for result in self.results if isinstance(result, AnsweredBefore))
        return tuple(request.id for request in before if request.message is not None)

    @property
    def received(self) -> tuple[Received, ...]:
        """Results that add a message."""
        return tuple(result for result in self.results if isinstance(result, Received))

    @property
    def awaiting_files(self) -> tuple[AwaitingFiles, ...]:
        """Results whose envelopes are kept until their files are here."""
        return tuple(result for result in self.results if isinstance(result, AwaitingFiles))

    @property
    def evident(self) -> tuple[NumberRefused, ...]:
        """Refused numbers whose signed statement is kept; the last one of each code is enough to prove it."""
        kept = [result for result in self.results if isinstance(result, NumberRefused) and result.refusal.keep_evidence]
        return tuple({result.refusal.code: result for result in kept}.values())

    @property
    def receipts(self) -> Mapping[MessageId, Receipt]:
        """Every final answer of this request, the stored ones first: what the answer tells."""
        return {**self.stored, **{result.request.id: result.receipt for result in self.answered}}

    def code_of(self, id: MessageId) -> Code | None:
        """The code in the answer to an id that was judged; None where it was received, or waits for its files."""
        receipt = self.receipts.get(id)
        if receipt is not None:
            return None if receipt.code is None else Code(receipt.code)
        refused = (result for result in self.results if isinstance(result, NumberRefused))
        return next((result.refusal.code for result in refused if result.request.id == id), None)
