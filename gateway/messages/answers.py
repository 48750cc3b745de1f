"""Receipts and answers between two nodes (nrm1 6, 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gateway.errors import WIRE_CODES, Code, RemoteError
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.primitives.domains import RECEIPTS
from keys.primitives.encoding import Json, canon, is_int, number, parse
from keys.primitives.sign import Signature, SignedDocument

Sign = Callable[[str, bytes], Signature]

ANSWER_LIMIT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said to one envelope: `code` None means accepted; `id` None that it could not be read."""

    id: str | None
    code: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The body of a 200 to /v1/messages or /v1/void; `receipts` is the batch, verified, with its exact bytes."""

    answers: tuple[Answer, ...]
    receipts: tuple[wire.Receipt, ...]
    document: bytes | None


def sign_receipts(receipts: Sequence[wire.Receipt], sign: Sign) -> bytes:
    """One signed batch (a DSSE document) over 1 to 100 receipts for one peer."""
    payload = wire.Receipts(receipts=tuple(receipts)).encode()
    return SignedDocument(payload=payload, payload_type=RECEIPTS, signatures=(sign(RECEIPTS, payload),)).encode()


def encode_answers(answers: Iterable[Answer], document: bytes | None) -> bytes:
    """The canonical body of an answer."""
    listed: list[Json] = [{"id": a.id, "code": None if a.code is None else str(a.code)} for a in answers]
    return canon({"answers": listed, "receipts": None if document is None else parse(document, limit=len(document))})


def read_receipts(data: bytes, *, issuer: Descriptor, me: str, now: int) -> tuple[wire.Receipt, ...]:
    """Verify a live batch with the newest descriptor held (nrm1 6.4).

    Raises:
        RemoteError: the whole batch is refused for any fault.
    """
    document = SignedDocument.decode(data, RECEIPTS)
    document.verify(issuer.signing_key(document.signature.kid, at=now))
    batch = wire.Receipts.parse(document.payload)
    if batch.from_ != issuer.node or batch.to != me:
        raise RemoteError(Code.SPLICED, "the receipts are of another pair of nodes")
    return batch.receipts


def read_answers(data: bytes, *, asked: Sequence[str], issuer: Descriptor, me: str, now: int) -> Answers:
    """Read the answer to envelopes with the ids `asked`, in that order. The response signature was verified before.

    Raises:
        RemoteError: an answer that does not fit the question is no answer; the same bytes are repeated.
    """
    value = parse(data, limit=4_194_304)
    if not isinstance(value, dict) or set(value) != {"answers", "receipts"} or not isinstance(value["answers"], list):
        raise RemoteError(Code.MALFORMED, "the answer has another shape")
    if len(value["answers"]) != len(asked):
        raise RemoteError(Code.MALFORMED, "the answer is to another number of envelopes")
    answers = tuple(_one(item, id) for item, id in zip(value["answers"], asked, strict=True))
    if value["receipts"] is None:
        return Answers(answers=answers, receipts=(), document=None)
    document = canon(value["receipts"])
    receipts = read_receipts(document, issuer=issuer, me=me, now=now)
    return Answers(answers=answers, receipts=receipts, document=document)


def _one(item: Json, id: str) -> Answer:
    if not isinstance(item, dict) or set(item) != {"id", "code"}:
        raise RemoteError(Code.MALFORMED, "an answer has other members")
    if item["id"] not in (None, id):
        raise RemoteError(Code.MALFORMED, "an answer is to another envelope")
    return Answer(id=None if item["id"] is None else id, code=_code(item["code"]))


def _code(value: Json) -> Code | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in WIRE_CODES:
        raise RemoteError(Code.MALFORMED, "an answer has an unknown code")
    return Code(value)


def read_next(data: bytes) -> int | None:
    """What a peer says it wants next of a part (nrm1 10.7); None for an answer of another kind."""
    value = parse(data, limit=ANSWER_LIMIT)
    if not isinstance(value, dict) or set(value) != {"next"} or not is_int()(value["next"]):
        return None
    return number(value["next"])


def read_refusal(data: bytes) -> Code:
    """The code of a refusal of a whole request: exactly {"code": c}."""
    value = parse(data, limit=1_000)
    if not isinstance(value, dict) or set(value) != {"code"}:
        raise RemoteError(Code.MALFORMED, "the refusal has another shape")
    code = _code(value["code"])
    if code is None:
        raise RemoteError(Code.MALFORMED, "the refusal has no code")
    return code


class Reaction(Enum):
    """What a sender does about a code that came without a receipt (nrm1 6.9)."""

    SEAL_ANEW = auto()
    SIGN_ANEW = auto()
    STOP_LINK = auto()
    AWAIT_RESET = auto()
    VOID = auto()


def reaction(code: Code) -> Reaction:
    """nrm1 6.9: a code without a receipt consumed no number."""
    match code:
        case Code.UNKNOWN_RECIPIENT_KEY | Code.NEWER_DESCRIPTOR | Code.REVOKED_KEY | Code.WRONG_TYPE:
            return Reaction.SEAL_ANEW
        case Code.STALE:
            return Reaction.SIGN_ANEW
        case Code.LINK_RESET_REQUIRED:
            return Reaction.AWAIT_RESET
        case Code.EQUIVOCATION | Code.BAD_CHAIN:
            return Reaction.STOP_LINK
        case _:
            return Reaction.VOID
