"""Receipts and answers between two nodes (nrm1 6, 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gateway.errors import WIRE_CODES, Code, RemoteError
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.documents.receipts import SignedReceipts
from keys.primitives.batch import Batch, Inclusion, Unsigned
from keys.primitives.encoding import DOCUMENT_LIMIT, Json, canon, is_int, number, parse

SignBatch = Callable[[Sequence[Unsigned]], tuple[Batch, tuple[Inclusion, ...]]]

ANSWER_LIMIT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said to one envelope: `code` None means accepted; `id` None that it could not be read."""

    id: str | None
    code: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The body of a 200 to /v1/messages or /v1/void; `signed` are its receipts, verified."""

    answers: tuple[Answer, ...]
    signed: SignedReceipts | None

    @property
    def receipts(self) -> tuple[wire.Receipt, ...]:
        """What the receipts say."""
        return () if self.signed is None else self.signed.receipts


def sign_receipts(receipts: Sequence[wire.Receipt], sign: SignBatch) -> SignedReceipts:
    """Sign 1 to 128 receipts for one peer by one signature."""
    batch, inclusions = sign([receipt.unsigned for receipt in receipts])
    return SignedReceipts.of(batch, zip(receipts, inclusions, strict=True))


def encode_answers(answers: Iterable[Answer], signed: SignedReceipts | None) -> bytes:
    """The canonical body of an answer."""
    listed: list[Json] = [{"id": a.id, "code": None if a.code is None else str(a.code)} for a in answers]
    return canon({"answers": listed, "receipts": None if signed is None else signed.to_json()})


def read_receipts(data: bytes, *, issuer: Descriptor, me: str, now: int) -> SignedReceipts:
    """Verify live receipts with the newest descriptor held (nrm1 6.4).

    Raises:
        RemoteError: all of them are refused for any fault.
    """
    return _verified(parse(data, limit=DOCUMENT_LIMIT), issuer=issuer, me=me, now=now)


def _verified(value: Json, *, issuer: Descriptor, me: str, now: int) -> SignedReceipts:
    signed = SignedReceipts.from_json(value)
    signed.verify(issuer.signing_key(signed.batch.signature.kid, at=now))
    if signed.from_ != issuer.node or signed.to != me:
        raise RemoteError(Code.SPLICED, "the receipts are of another pair of nodes")
    return signed


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
    told = value["receipts"]
    return Answers(answers=answers, signed=None if told is None else _verified(told, issuer=issuer, me=me, now=now))


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
