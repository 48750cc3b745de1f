"""What a bundle proves, in words: doubtful keys, contradictions, and what is never proven (nrm1 5.2, 7.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import Endpoint
from support.exhibits import (
    OTHER_ID,
    A,
    B,
    C,
    Case,
    Logbook,
    batch,
    conversation,
    logbook,
    next_version,
    receipt,
    stated,
)
from support.nodes import NOW, Node, record
from support.stranger import verify

from gateway.errors import RefusedError
from gateway.evidence.build import Exhibit, MessageReport, Report, build
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.envelope import Receipt, Status, encode_signatures, link_hash, statement_hash
from keys.documents.key_records import Use
from keys.primitives.encoding import DAY, canon
from keys.primitives.sign import STATEMENT, SigningKey

CASE = conversation()
REFERRAL = CASE.sealed["referral"]
A_FIRST, B_FIRST = A.first(), B.first()


def report(case: Case = CASE, **changes: Any) -> Report:
    """What the bundle of a case proves."""
    case = replace(case, **changes)
    return verify(case.build(), case.anchors)


def only(**changes: Any) -> MessageReport:
    """What is proven of the referral alone."""
    return report(**{"exhibits": CASE.exhibits[:1], **changes}).messages[0]


def revoked(node: Node, held: tuple[Descriptor, ...], since: int) -> tuple[Descriptor, ...]:
    """The chain after the node revoked its `sig` key."""
    gone = Revocation(kid=node.sig.public.kid, at=NOW + DAY, since=since, reason="stolen")
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    return next_version(node, held, keys=[record(key, Use.SIG)], revoked=[gone])


def resigned(**changes: Any) -> Exhibit:
    """The referral with other members, truly signed by A."""
    said = replace(stated(REFERRAL), **changes).encode()
    return Exhibit(sealings=[(said, encode_signatures(A.sig.sign(STATEMENT, said)))])


C_DIGITS = C.first().fingerprint


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
        (Status.REJECTED, "out_of_scope", "NRM b rejected it on 2027-01-15 08:01:00 UTC, code out_of_scope"),
        (Status.ERASED, None, "NRM b says that it erased the content on 2027-01-15 08:01:00 UTC"),
    ],
)
def test_other_receipts(status: Status, code: str | None, words: str) -> None:
    """A rejection with its code, and an erasure."""
    assert words in only(batches=(batch(B.sig, receipt(REFERRAL, status, code=code)),)).proven


# --- keys that were revoked or not valid -----------------------------------------------------------------------------


def test_signed_since_the_revocation() -> None:
    """nrm1 7.4: what is dated after `since` shows nothing about who signed: no verifier takes it, no bundle has it."""
    chains = (revoked(A, CASE.chains[0], NOW), CASE.chains[1])
    assert [message.id for message in report(chains=chains).messages] == [CASE.sealed["decline"].id]
    with pytest.raises(RefusedError, match="no message"):
        CASE.build(chains=chains, exhibits=CASE.exhibits[:1])


def test_a_receipt_since_the_revocation() -> None:
    """The same for receipts: the batch stays out, what the sender signed stands."""
    found = only(chains=(CASE.chains[0], revoked(B, CASE.chains[1], NOW)), batches=CASE.batches[:1])
    assert found.statuses == ()
    assert found.not_proven == ("that NRM b received it: no receipt of it is in this file",)


def test_signed_before_the_revocation_and_witnessed() -> None:
    """A witness who saw the statement and its signature before `since` settles it."""
    found = only(chains=(revoked(A, CASE.chains[0], NOW + 31), CASE.chains[1]))
    assert found.in_doubt == ()
    assert found.proven[0].endswith(
        "witnessed by NRM b at 2027-01-15 08:00:30 UTC; NRM a revoked the key as of 2027-01-15 08:00:31 UTC (stolen), "
        "and NRM b had witnessed it before"
    )


def test_witnessed_since_the_revocation() -> None:
    """A witness at `since` or later shows that it existed then, not that it was made before."""
    found = only(chains=(revoked(A, CASE.chains[0], NOW + 30), CASE.chains[1]))
    assert found.in_doubt[0].endswith(
        "; NRM a revoked the key as of 2027-01-15 08:00:30 UTC (stolen), and no witness saw it before: its own date "
        "and the receipt of NRM b of 2027-01-15 08:00:00 UTC say so"
    )
    assert len(found.proven) == 4, "the receipts of the other side stand"


@pytest.mark.parametrize("late", [False, True], ids=["no receipt", "a receipt after it"])
def test_signed_before_the_revocation_by_its_own_word(late: bool) -> None:
    """A thief can date a statement back: without a witness or a receipt from before `since`, the date is all."""
    batches = (batch(B.sig, receipt(REFERRAL, Status.RECEIVED, at=NOW + 2000)),) if late else ()
    found = only(chains=(revoked(A, CASE.chains[0], NOW + 1000), CASE.chains[1]), batches=batches, extract=None)
    assert found.in_doubt[0].endswith("(stolen), and no witness saw it before: only its own date says so")


def test_a_receipt_by_a_key_revoked_later() -> None:
    """Receipts are weighed like statements, and support nothing when their own key was revoked."""
    chains = (revoked(A, CASE.chains[0], NOW + 1000), revoked(B, CASE.chains[1], NOW + 1000))
    found = only(chains=chains, batches=CASE.batches[:1], extract=None)
    assert found.proven == ("content disclosed and matches what was signed",)
    assert [line.rpartition(": ")[2] for line in found.in_doubt[:1]] == ["only its own date says so"]
    assert "received it" in found.in_doubt[1]
    assert only(chains=chains, batches=CASE.batches[:1]).in_doubt == ()


@pytest.mark.parametrize("whose", ["witness", "log"])
def test_a_witness_counts_only_by_sound_keys(whose: str) -> None:
    """A key of the witness that was revoked says nothing; one of the log nothing from `since` on."""
    key = B.wit if whose == "witness" else A.log
    node, place = (B, 1) if whose == "witness" else (A, 0)
    rest = [item for item in CASE.chains[place][0].keys if item.kid != key.public.kid]
    for since, counts in ((NOW + 30, False), (NOW + 31, whose == "log")):
        gone = Revocation(kid=key.public.kid, at=NOW + DAY, since=since, reason="stolen")
        chains = list(CASE.chains)
        chains[place] = next_version(node, CASE.chains[place], keys=rest, revoked=[gone])
        found = report(chains=tuple(chains))
        assert ("; not witnessed" not in found.log[0]) == counts
        assert found.log[1].endswith("; not witnessed")


def test_a_leaf_names_the_signature() -> None:
    """A log that has the text of a statement but another signature shows nothing: a thief signs what was put there."""
    book = Logbook(A)
    again = replace(REFERRAL, signatures=encode_signatures(A.http.sign(STATEMENT, REFERRAL.statement)))
    book.departed(again)
    book.checkpoint((B, NOW + 5))
    with pytest.raises(RefusedError, match="spliced"):
        CASE.build(exhibits=CASE.exhibits[:1], batches=(), extract=book.extract())


def test_a_key_that_was_not_valid_then() -> None:
    """nrm1 7.3: a statement outside the validity of its key would have been refused; it is said, not hidden."""
    over = [record(A.sig, Use.SIG, until=NOW - 1000)]
    node = Node("a", content={"keys": over})
    first = node.first()
    said = replace(stated(REFERRAL), from_=first.node).encode()
    held = Exhibit(sealings=[(said, encode_signatures(A.sig.sign(STATEMENT, said)))])
    found = verify(build(((first,), (B_FIRST,)), [held], []), {first.fingerprint, B_FIRST.fingerprint})
    assert "its key was not valid on 2027-01-15 08:00:00 UTC" in found.messages[0].not_proven[0]


def test_a_receipt_supports_the_sealing_that_it_names() -> None:
    """A second sealing by whoever holds the key gains nothing from the receipt of the first."""
    again = replace(stated(REFERRAL), created=NOW + 1).encode()
    frames = [*CASE.exhibits[0].sealings, (again, encode_signatures(A.sig.sign(STATEMENT, again)))]
    both = (batch(B.sig, receipt(REFERRAL, Status.RECEIVED, of=statement_hash(again), at=NOW + 2000)), CASE.batches[0])
    chains = (revoked(A, CASE.chains[0], NOW + 1000), CASE.chains[1])
    found = only(chains=chains, exhibits=(Exhibit(sealings=frames),), batches=both, extract=None)
    assert [line.endswith("only its own date says so") for line in found.in_doubt] == [False, True]


# --- contradictions --------------------------------------------------------------------------------------------------


def test_row_18_equivocation_is_proven_offline() -> None:
    """One number for two messages: the two signed statements are the proof."""
    other = resigned(id=OTHER_ID, commit="A" * 43)
    assert report(exhibits=(CASE.exhibits[0], other)).warnings == (
        f"NRM a used number 2 for two messages, {OTHER_ID} and {REFERRAL.id}",
    )


def test_row_17_a_number_that_does_not_follow() -> None:
    """A broken chain is shown where both numbers are there; another epoch is not the same count."""
    link = link_hash(epoch=1, n=2, id=REFERRAL.id, prev=stated(REFERRAL).prev)
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


def test_a_receipt_that_was_signed_again_by_a_newer_key() -> None:
    """nrm1 6.6, 7.4: it stands, although its first batch is by a key that was revoked since."""
    key = SigningKey.generate(Endpoint.pair(B, A)[0].rand, hybrid=True)
    gone = Revocation(kid=B.sig.public.kid, at=NOW + DAY, since=NOW, reason="stolen")
    chain = next_version(B, CASE.chains[1], keys=[record(key, Use.SIG)], revoked=[gone])
    again = batch(key, receipt(REFERRAL, Status.RECEIVED, at=NOW))
    found = only(chains=(CASE.chains[0], chain), batches=(CASE.batches[0], again))
    assert (len(found.proven), found.not_proven) == (3, ())


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


def test_a_time_beyond_any_calendar() -> None:
    """A hostile date is told as a number and stops nothing."""
    far = 2**53 - 2 * DAY
    held = resigned(created=far, expires=far + DAY)
    assert f"on second {far}" in verify(build(CASE.chains, [held], []), CASE.anchors).messages[0].proven[0]


def test_sealed_anew() -> None:
    """Each sealing that is shown is one line with its own date."""
    again = replace(stated(REFERRAL), created=NOW + 60).encode()
    frames = [*CASE.exhibits[0].sealings, (again, encode_signatures(A.sig.sign(STATEMENT, again)))]
    found = only(exhibits=(Exhibit(sealings=frames),), batches=())
    assert [line.endswith("sealed anew") for line in found.proven] == [False, True]
