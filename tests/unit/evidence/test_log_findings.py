"""The log in a bundle, in words: what it shows, and whose witness counts."""

from __future__ import annotations

from support.bundle_reports import C_DIGITS, CASE, REFERRAL, report, resigned
from support.exhibits import (
    A,
    B,
    C,
    Logbook,
    logbook,
)
from support.nodes import NOW
from support.stranger import verify

from gateway.evidence.build import build
from keys.primitives.encoding import DAY


def test_without_a_log() -> None:
    """A node that has signed no checkpoint yet still exports: the times are its word."""
    lines = report(extract=None).lines
    assert "log: there is none in this file: not witnessed" in lines
    assert any(line.endswith("no third party vouches for them") for line in lines)


def test_a_log_without_a_witness() -> None:
    """A checkpoint of its own says only what the node says; a stranger's cosignature adds nothing."""
    for seen in ((), ((C, NOW + 5),)):
        book = Logbook(A)
        book.departed(REFERRAL)
        book.checkpoint(*seen)
        found = report(exhibits=CASE.exhibits[:1], batches=(), extract=book.extract())
        assert found.log[0].endswith("; not witnessed")
        assert found.messages[0].proven[0].endswith("; entry 1 in the log of NRM a, not witnessed")
        assert any(line.endswith("no third party vouches for them") for line in found.limits)


def test_a_third_node_is_a_witness_where_its_digits_are_given() -> None:
    """Whoever exports can invent witnesses: only a fingerprint from elsewhere makes one count."""
    book = Logbook(A)
    book.departed(REFERRAL)
    book.checkpoint((C, NOW + 5))
    data = CASE.build(exhibits=CASE.exhibits[:1], batches=(), extract=book.extract())
    found = verify(data, CASE.anchors | {C_DIGITS})
    assert found.log == (
        "NRM a signed its log at entry 1, entries in this file: 1; witnessed by NRM c at 2027-01-15 08:00:05 UTC",
    )
    assert found.messages[0].proven[0].endswith("witnessed by NRM c at 2027-01-15 08:00:05 UTC")


def test_the_log_of_the_other_side() -> None:
    """The receiver's log shows the same messages as arrived, and who saw that."""
    book = logbook(B, (CASE.sealed["enquiry"], REFERRAL), CASE.sealed["decline"], CASE.batches)
    ours, theirs = report(), report(extract=book.extract())
    assert theirs.log[0].startswith("NRM b signed its log at entry 4, entries in this file: 2; witnessed by NRM a at")
    assert theirs.messages[0].statuses == ours.messages[0].statuses
    assert theirs.doubts == ours.doubts == 0


def test_a_time_beyond_any_calendar() -> None:
    """A hostile date is told as a number and stops nothing."""
    far = 2**53 - 2 * DAY
    held = resigned(created=far, expires=far + DAY)
    assert f"on second {far}" in verify(build(CASE.chains, [held], []), CASE.anchors).messages[0].in_doubt[0]
