"""What a bundle proves, in words: doubtful keys, contradictions, and what is never proven (nrm1 5.2, 7.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.batches import prove
from support.bundle_reports import A_FIRST, B_FIRST, C_DIGITS, CASE, REFERRAL, only, report, resigned
from support.exhibits import (
    OTHER_ID,
    A,
    B,
    batch,
    next_version,
    receipt,
    stated,
)
from support.nodes import NOW

from gateway.evidence.build import Exhibit
from keys.documents.envelope import Receipt, Status
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import canon


def test_the_lines() -> None:
    """All of it in the order in which a person reads it."""
    early = "witnessed by NRM b at 2027-01-15 08:00:30 UTC"
    late = "witnessed by NRM b at 2027-01-15 08:02:00 UTC"
    assert report().lines == (
        f"conversation {stated(REFERRAL).conv}",
        f"party: NRM b (FR), node {B_FIRST.node}, fingerprint {B_FIRST.fingerprint} as given",
        f"party: NRM a (FR), node {A_FIRST.node}, fingerprint {A_FIRST.fingerprint} as given",
        f"log: NRM a signed its log at entry 4, entries in this file: 2; {early}; NRM c, fingerprint {C_DIGITS}, at "
        "2027-01-15 08:00:40 UTC counts for nothing: its fingerprint was not given, or a key was revoked",
        f"log: NRM a signed its log at entry 8, entries in this file: 3; {late}",
        f"message 1 of 2: referral.request/1, id {REFERRAL.id}",
        "  proven: NRM a signed referral.request/1 for NRM b on 2027-01-15 08:00:00 UTC, as number 2, "
        f"for the purpose referral; entry 3 in the log of NRM a, {early}",
        "  proven: NRM b received it, whole and with a valid signature, on 2027-01-15 08:00:00 UTC; entry 4 in the log "
        f"of NRM a, {early}",
        "  proven: NRM b handed it to its case system or desk on 2027-01-15 08:01:00 UTC; entry 7 in the log of NRM a, "
        f"{late}",
        f"  proven: NRM b says that a person opened it on 2027-01-15 08:01:30 UTC; entry 7 in the log of NRM a, {late}",
        "  proven: content disclosed and matches what was signed",
        f"message 2 of 2: referral.decline/1, id {CASE.sealed['decline'].id}",
        "  proven: NRM b signed referral.decline/1 for NRM a on 2027-01-15 08:01:00 UTC, as number 1, "
        f"for the purpose referral, in reply to {REFERRAL.id}; entry 5 in the log of NRM a, {late}",
        "  proven: NRM a received it, whole and with a valid signature, on 2027-01-15 08:01:00 UTC; entry 6 in the log "
        f"of NRM a, {late}",
        "  proven: content disclosed and matches what was signed",
        "not proven by this file: the times, but for this: what a witness saw in the log existed by then, by the clock "
        "of that witness",
        "not proven by this file: that nothing is missing: a bundle is a choice, and other messages and receipts may "
        "exist",
        "not proven by this file: that anybody read a message, or that the content is gone everywhere: a receipt says "
        "what a node did with its own copy",
        "not proven by this file: that an answer came as soon as it could: no message forces the other side to answer",
        "not proven by this file: keys that NRM b revoked after version 1 of its descriptor, "
        "issued 2027-01-15 07:43:20 UTC",
        "not proven by this file: keys that NRM a revoked after version 1 of its descriptor, "
        "issued 2027-01-15 07:43:20 UTC",
    )


def test_the_same_for_programs() -> None:
    """The JSON form is canonical JSON and says what the lines say."""
    value = report().to_json()
    assert canon(value)
    assert value["conversation"] == stated(REFERRAL).conv
    message = value["messages"][0]  # type: ignore[index, call-overload]
    assert message["receipts"][0] == {"status": "received", "at": NOW}  # type: ignore[index, call-overload]
    assert message["disclosed"] is True  # type: ignore[index, call-overload]


def test_without_a_receipt() -> None:
    """A signature shows that it was written, not that it arrived."""
    assert only(batches=()).not_proven == ("that NRM b received it: no receipt of it is in this file",)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (
            Status.REJECTED,
            "out_of_scope",
            "NRM b rejected it on 2027-01-15 08:01:00 UTC, code out_of_scope; rejected does not mean unread",
        ),
        (Status.ERASED, None, "NRM b says that it erased the content on 2027-01-15 08:01:00 UTC"),
    ],
)
def test_other_receipts(status: Status, code: str | None, words: str) -> None:
    """A rejection with its code, and an erasure."""
    assert words in only(batches=(batch(B.sig, receipt(REFERRAL, status, code=code)),)).proven


# --- contradictions --------------------------------------------------------------------------------------------------


def test_row_18_equivocation_is_proven_offline() -> None:
    """One number for two messages: the two signed statements are the proof."""
    other = resigned(id=OTHER_ID, commit="A" * 43)
    assert report(exhibits=(CASE.exhibits[0], other)).warnings == (
        f"NRM a signed two contents under number 2, as {OTHER_ID} and {REFERRAL.id}",
    )


def test_row_17_a_number_that_does_not_follow() -> None:
    """A broken chain is shown where both numbers are there; another epoch is not the same count."""
    link = stated(REFERRAL).link
    for changes, warned in [({"prev": link}, 0), ({"prev": "A" * 43}, 1), ({"prev": "A" * 43, "epoch": 2}, 0)]:
        following = resigned(id=OTHER_ID, n=3, created=NOW + 1, **changes)
        warnings = report(exhibits=(CASE.exhibits[0], following)).warnings
        assert len(warnings) == warned
        assert all("number 3 to a message that does not follow number 2" in line for line in warnings)


@pytest.mark.parametrize(
    "more",
    [
        receipt(REFERRAL, Status.REJECTED, code="void"),
        receipt(REFERRAL, Status.RECEIVED, at=NOW + 7),
    ],
    ids=["received and void", "received twice"],
)
def test_receipts_that_contradict_each_other(more: Receipt) -> None:
    """Both are shown as proven to be said, and what became of the message is not."""
    found = only(batches=(CASE.batches[0], batch(B.sig, more)))
    assert len(found.statuses) == 2
    assert found.not_proven == ("what became of it: its receipts contradict each other",)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.OPENED, Status.ERASED])
def test_rejected_after_arrival(status: Status) -> None:
    """nrm1 12.6: what was received may be rejected by a person, but not once it was handed over."""
    told = [receipt(REFERRAL, Status.RECEIVED), receipt(REFERRAL, Status.REJECTED, code="mapping_failed")]
    assert only(batches=(batch(B.sig, *told),)).not_proven == ()
    found = only(batches=(batch(B.sig, *told, receipt(REFERRAL, status)),))
    assert len(found.not_proven) == (status is not Status.ERASED)


def test_the_same_receipt_in_two_batches() -> None:
    """nrm1 6.6: a receipt that was sent again in another batch contradicts nothing."""
    again = batch(B.sig, receipt(REFERRAL, Status.RECEIVED, at=NOW), receipt(REFERRAL, Status.DELIVERED))
    found = only(batches=(CASE.batches[0], again))
    assert found.not_proven == ()
    assert [status for status, _ in found.statuses] == ["received", "delivered"]


def test_a_receipt_from_before_the_message() -> None:
    """Clocks may differ by 300 seconds and no more."""
    for at, count in ((NOW - 300, 0), (NOW - 301, 1)):
        found = only(batches=(batch(B.sig, receipt(REFERRAL, Status.RECEIVED, at=at)),))
        assert len(found.not_proven) == count


# --- names and times -------------------------------------------------------------------------------------------------


def test_two_nodes_of_one_name() -> None:
    """A name is what a node calls itself: where both are alike, the id tells them apart."""
    named = (next_version(A, CASE.chains[0], name="NRM b"), CASE.chains[1])
    lines = only(chains=named).proven
    assert f"NRM b [{A_FIRST.node}] signed" in lines[0]
    assert f"NRM b [{B_FIRST.node}] received" in lines[1]


def test_sealed_anew() -> None:
    """Each sealing that is shown is one line with its own date."""
    again = replace(stated(REFERRAL), created=NOW + 60).encode()
    frames = [*CASE.exhibits[0].sealings, (again, prove(A.sig, STATEMENT, again))]
    found = only(exhibits=(Exhibit(sealings=frames),), batches=())
    assert [line.endswith("sealed anew") for line in found.proven] == [False, True]
