"""Evidence of the first form stays readable for ever, beside that of the second, in both verifiers (nrm1 7.14)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.batches import by, prove
from support.endpoints import edited
from support.exhibits import A, B, conversation, receipt, stated
from support.first_form import first_batch, first_conversation, first_descriptor, second_version
from support.nodes import refused
from support.sign_as import sign_as
from support.stranger import verify

from gateway.errors import Code
from gateway.evidence.build import Exhibit
from gateway.evidence.form import FIRST
from gateway.messages.answers import sign_receipts
from keys.documents.envelope import Status
from keys.primitives.domains import STATEMENT, STATEMENT_1
from keys.primitives.encoding import canon, unb64u

CASE, USUAL = first_conversation(), conversation()
ANCHORS = CASE.anchors
SECOND = (second_version(A), second_version(B))
"""Chains that began in the first form and went on in the second."""


def caveats(report: Any) -> list[int]:
    """How many signatures of each message are told as of the first form."""
    return [sum(FIRST.caveat in told.caveats for told in message.signatures) for message in report.messages]


def bundle_of_before(**changes: Any) -> bytes:
    """What 0.1.0 would have exported."""
    return edited(CASE.build(**changes), lambda value: (value.update(type="nrm.evidence/2"), value.pop("batches")))


def test_a_bundle_of_before_is_read() -> None:
    """Everything is proven as it was, and each signature is told with the caveat of its form."""
    for shown, case in ((True, CASE), (False, CASE.erased())):
        report = verify(bundle_of_before(exhibits=case.exhibits), ANCHORS)
        assert [message.disclosed for message in report.messages] == [shown, shown]
        assert caveats(report) == [4, 2]
        assert all(len(message.proven) >= 2 for message in report.messages)
        assert report.doubts == report.disputes == 0


def test_what_was_kept_is_exported_again() -> None:
    """A bundle that is made today holds it beside chains of the second form."""
    report = verify(CASE.build(chains=SECOND), ANCHORS)
    assert caveats(report) == [4, 2]


def test_a_conversation_that_went_on() -> None:
    """Messages of both forms in one bundle: the second has no caveat."""
    said = replace(stated(USUAL.sealed["decline"]), from_desc=2)
    again = Exhibit(sealings=[(said.encode(), prove(B.sig, STATEMENT, said.encode()))])
    case = replace(CASE, chains=SECOND, exhibits=(CASE.exhibits[0], again), extract=None)
    report = verify(case.build(batches=CASE.batches[:1]), ANCHORS)
    assert caveats(report) == [2, 0]


def test_a_receipt_of_the_second_form_for_a_message_of_the_first() -> None:
    """A node that was brought up to date says what became of what it had: no caveat on what it says."""
    told = receipt(CASE.sealed["referral"], Status.ERASED, from_desc=2)
    batch = sign_receipts([told], by(B.sig))
    report = verify(replace(CASE, chains=SECOND).build(exhibits=CASE.exhibits[:1], batches=(batch,)), ANCHORS)
    (message,) = report.messages
    assert [FIRST.caveat in signature.caveats for signature in message.signatures] == [True, False]


def test_a_message_that_was_sealed_in_both() -> None:
    """Without a receipt the second form goes in; with one, the form that was received."""
    first, second = CASE.sealed["referral"], USUAL.sealed["referral"]
    both = Exhibit(sealings=[(one.statement, one.proof) for one in (first, second)])
    for batches, count in (((), 0), (CASE.batches[:1], 2)):
        case = replace(CASE, chains=SECOND, exhibits=(both,), batches=batches, extract=None)
        assert caveats(verify(case.build(), ANCHORS)) == [count]


@pytest.mark.parametrize("part", ["messages", "receipts"])
def test_what_is_of_the_second_form_is_nothing_in_a_bundle_of_before(part: str) -> None:
    """0.1.0 can not have exported it."""
    value = json.loads(bundle_of_before(extract=None))
    value[part] = json.loads(replace(USUAL, extract=None).build())[part]
    with refused(Code.MALFORMED, "document"):
        verify(canon(value), ANCHORS)


def test_nothing_of_the_first_form_names_a_descriptor_of_the_second() -> None:
    """A node that left the form signs nothing in it: whoever took its key apart since can not go back."""
    said = replace(stated(CASE.sealed["referral"]), from_desc=2).encode()
    data = json.loads(replace(CASE, chains=SECOND).build(batches=(), exhibits=CASE.exhibits[:1], extract=None))
    document = sign_as(STATEMENT_1, said, A.sig).to_json()
    data["messages"][0] = {"statements": [document], "disclosure": None}
    with refused(Code.WRONG_TYPE, "something is signed in a form that its node had left by then"):
        verify(canon(data), ANCHORS)


def test_a_receipt_of_the_first_form_says_nothing_of_the_second() -> None:
    """It would be older than what it is about."""
    document = first_batch(B.sig, receipt(USUAL.sealed["referral"], Status.OPENED)).to_json()
    chains = ((first_descriptor(A),), (first_descriptor(B),))
    data = json.loads(replace(USUAL, chains=chains, extract=None).build(exhibits=USUAL.exhibits[:1], batches=()))
    data["receipts"] = [document]
    with refused(Code.WRONG_TYPE, "a receipt is of an older form than the statement it names"):
        verify(canon(data), ANCHORS)


def test_two_forms_of_one_message_do_not_stand_together() -> None:
    """Each commits to its content in its own way."""
    data = json.loads(replace(CASE, extract=None).build(exhibits=CASE.exhibits[:1], batches=()))
    usual = json.loads(replace(USUAL, extract=None).build(exhibits=USUAL.exhibits[:1], batches=()))
    both = data["messages"][0]["statements"] + usual["messages"][0]["statements"]
    data["messages"][0]["statements"] = sorted(both, key=lambda one: unb64u(one["payload"]))
    data["batches"] = usual["batches"]
    with refused(Code.SPLICED):
        verify(canon(data), ANCHORS)
