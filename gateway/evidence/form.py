"""What differs between the forms of what is signed: the number in a payload type says which one it is (nrm1 1.17).

The first form is what release 0.1.0 signed. Nobody makes or takes it any more, but what was kept of it stays evidence;
a bundle of the second form may hold messages of both. The base of a signature is in ``keys.primitives.sign``, what is
signed in batches in ``gateway.evidence.signed``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.evidence.types import Chain
from keys.documents.envelope import Statement, compute_commitment, link_hash
from keys.documents.statement import compute_whole_commitment
from keys.primitives.domains import RECEIPT, RECEIPT_1, RECEIPTS_1, STATEMENT, STATEMENT_1


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form: the payload types of its statements and receipts, how a statement commits to its content and what the
    next one names as `prev`, and what people are told of each of its signatures.
    """

    number: int
    statement: str
    receipts: tuple[str, ...]
    commitment: Callable[[bytes, bytes], str]
    link: Callable[[Statement], str]
    caveat: str | None = None


def _link_without_content(statement: Statement) -> str:
    return link_hash(epoch=statement.epoch, n=statement.n, id=statement.id, commit=None, prev=statement.prev)


def _link(statement: Statement) -> str:
    return statement.link


FIRST: Final = Form(
    number=1,
    statement=STATEMENT_1,
    receipts=(RECEIPTS_1, RECEIPT_1),
    commitment=compute_whole_commitment,
    link=_link_without_content,
    caveat="signed in the first form, in which a signature does not name its whole key",
)
SECOND: Final = Form(number=2, statement=STATEMENT, receipts=(RECEIPT,), commitment=compute_commitment, link=_link)
BUNDLES: Final[Mapping[str, tuple[Form, ...]]] = {"nrm.evidence/2": (FIRST,), "nrm.evidence/3": (FIRST, SECOND)}
"""The types of bundles that are read, with the forms of what may be in each."""
ISSUED: Final = "nrm.evidence/3"
"""The type of the bundles that are made."""
_BY_TYPE: Final = {name: form for form in (FIRST, SECOND) for name in (form.statement, *form.receipts)}


def form_of(payload_type: str) -> Form:
    """Return the form of a statement, of a receipt, or of a batch of receipts of the first form."""
    return _BY_TYPE[payload_type]


def check_form(form: Form, chain: Chain, from_desc: int) -> None:
    """Check that nothing of the first form names a descriptor of the second: its node had left the first by then.

    Raises RemoteError(wrong_type).
    """
    if form is FIRST and not all(descriptor.is_first_form for descriptor in chain[:from_desc]):
        raise RemoteError(Code.WRONG_TYPE, "something is signed in a form that its node had left by then")
