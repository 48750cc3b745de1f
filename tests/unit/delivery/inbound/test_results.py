"""What the list of results of one request says, to the peer and to the transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import held, standing
from support.incoming import A, B, said
from support.nodes import NOW

from gateway.delivery.inbound import rules, steps
from gateway.delivery.inbound.results import (
    AnsweredBefore,
    AwaitingFiles,
    JudgedRequests,
    NumberRefused,
    Received,
    Refusal,
    Rejected,
    RequestResult,
    uses_number,
)
from gateway.delivery.inbound.rules import LinkState, NumberedRequest, NumberRefusal
from gateway.errors import Code
from gateway.foundation.ids import MessageId
from gateway.messages.machines.numbering import LinkView
from keys.documents.envelope import Receipt, Status

STATEMENT = said("enquiry.capacity.1/valid-minimal", purpose=None)
LINK = LinkState(view=LinkView(epoch=1, high=0, known={}), seen={})


def request(id: str) -> NumberedRequest:
    """A request with this id."""
    usual: dict[str, Any] = {"epoch": 1, "n": 1, "prev": None, "link_hash": "", "statement_hash": ""}
    return NumberedRequest(id=MessageId(id), message=STATEMENT, evidence=b"", **usual)


def receipt(id: str, code: Code | None = None) -> Receipt:
    """The answer of this node to it."""
    status = Status.RECEIVED if code is None else Status.REJECTED
    return rules.make_receipt(request(id), own=B.first(), peer=A.first().node, status=status, code=code, at=NOW)


def refused(id: str, code: Code, *, keep: bool = True) -> NumberRefused:
    """A refused number."""
    return NumberRefused(request=request(id), refusal=NumberRefusal(code=code, keep_evidence=keep))


def received(id: str) -> Received:
    """A message that was taken."""
    examined = steps.examine_message(STATEMENT, scope=standing())
    message = steps.accept_message(examined, known=held(), conversation=None, own_node=B.first().node)
    return Received(request=request(id), receipt=receipt(id), message=message, behind_gap=False)


def judged(*results: RequestResult, stored: dict[MessageId, Receipt] | None = None) -> JudgedRequests:
    """These results."""
    return JudgedRequests(results=results, stored=stored or {}, before=LINK, after=LINK)


REJECTED = Rejected(request=request("rejected"), receipt=receipt("rejected", Code.SCHEMA))
WAITING = AwaitingFiles(request=request("waiting"), message=STATEMENT)


@pytest.mark.parametrize(
    ("result", "used"),
    [
        (received("received"), True),
        (REJECTED, True),
        (AnsweredBefore(request=request("before"), receipt=receipt("before"), uses_number=True), True),
        (AnsweredBefore(request=request("before"), receipt=receipt("before"), uses_number=False), False),
        (WAITING, False),
        (refused("refused", Code.BAD_CHAIN), False),
    ],
    ids=["received", "rejected", "before, new number", "before", "waiting", "refused"],
)
def test_which_results_use_a_number(result: RequestResult, used: bool) -> None:
    """Only a signed answer does."""
    assert uses_number(result) is used
    assert judged(result).numbered == ((result.request,) if used else ())


def test_the_codes_of_an_answer() -> None:
    """A final answer speaks by its receipt, a refused number by its code; what waits for its files is not refused."""
    found = judged(
        received("received"),
        REJECTED,
        WAITING,
        refused("refused", Code.BAD_CHAIN),
        stored={MessageId("stored"): receipt("stored", Code.OUT_OF_SCOPE)},
    )
    codes = {id: found.code_of(MessageId(id)) for id in ("received", "rejected", "waiting", "refused", "stored")}
    assert codes == {
        "received": None,
        "rejected": Code.SCHEMA,
        "waiting": None,
        "refused": Code.BAD_CHAIN,
        "stored": Code.OUT_OF_SCOPE,
    }


def test_the_receipts_of_the_batch() -> None:
    """The stored answers come first, then the new ones by number; who waits or was refused has none."""
    stored = {MessageId("stored"): receipt("stored")}
    found = judged(REJECTED, WAITING, received("received"), refused("refused", Code.ROLLBACK), stored=stored)
    assert [*found.receipts] == ["stored", "rejected", "received"]
    assert [result.request.id for result in found.answered] == ["rejected", "received"]
    assert [result.request.id for result in found.awaiting_files] == ["waiting"]


def test_what_came_once_more() -> None:
    """A message with an answer of before was opened, with a new number or without; a question to void was not."""
    again = AnsweredBefore(request=request("again"), receipt=receipt("again"), uses_number=True)
    asked = replace(again, request=replace(request("asked"), message=None))
    repeated = AnsweredBefore(request=request("repeated"), receipt=receipt("repeated"), uses_number=False)
    assert judged(again, asked, repeated, received("new")).came_again == ("again", "repeated")


def test_evidence_is_kept_once_for_each_code() -> None:
    """One statement proves a fault; a request with 32 of them leaves one row. Some refusals prove nothing."""
    found = judged(
        refused("a", Code.BAD_CHAIN),
        refused("b", Code.EQUIVOCATION),
        refused("c", Code.BAD_CHAIN),
        refused("d", Code.LINK_RESET_REQUIRED, keep=False),
    )
    assert {result.request.id for result in found.evident} == {"b", "c"}


@pytest.mark.parametrize(
    ("code", "told"), [(Code.OUT_OF_SCOPE, Code.OUT_OF_SCOPE), (Code.DISK, Code.MALFORMED)], ids=["wire", "local"]
)
def test_a_peer_is_told_no_local_code(code: Code, told: Code) -> None:
    """How this node works is nobody's business."""
    assert Refusal.of(code) == Refusal(told)
