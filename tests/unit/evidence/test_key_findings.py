"""Keys in doubt: what a signature proves whose key was revoked, or not valid, when it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.batches import prove
from support.bundle_reports import B_FIRST, C_DIGITS, CASE, REFERRAL, only, report, revoked
from support.endpoints import Endpoint
from support.exhibits import (
    A,
    B,
    Logbook,
    batch,
    next_version,
    receipt,
    stated,
)
from support.nodes import NOW, Node, record, refused
from support.stranger import verify

from gateway.errors import Code, RefusedError
from gateway.evidence.build import Exhibit, build
from keys.documents.descriptor import Revocation
from keys.documents.envelope import Status, statement_hash
from keys.documents.key_records import Use
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import DAY
from keys.primitives.hybrid_keys import SigningKey


def test_signed_since_the_revocation() -> None:
    """nrm1 7.4: what is dated after `since` and was witnessed by nobody is taken by no verifier: no bundle has it."""
    chains = (revoked(A, CASE.chains[0], NOW), CASE.chains[1])
    assert [message.id for message in report(chains=chains, extract=None).messages] == [CASE.sealed["decline"].id]
    with pytest.raises(RefusedError, match="no message"):
        CASE.build(chains=chains, exhibits=CASE.exhibits[:1], extract=None)


def test_flaw_1_a_signer_revokes_its_way_out() -> None:
    """Threat 170: a key that its owner revokes as of the first second of time does not void what B had witnessed."""
    found = only(chains=(revoked(A, CASE.chains[0], 1), CASE.chains[1]))
    assert found.disputed[0].endswith(
        "; NRM a revoked the key as of 1970-01-01 00:00:01 UTC (stolen), but published that on 2027-01-16 08:00:00 UTC "
        "only and NRM b had witnessed it on 2027-01-15 08:00:30 UTC: it counts for whoever relies on NRM b"
    )
    assert len(found.proven) == 4, "the receipts of the other side stand"


def test_flaw_1_receipts_are_not_voided_either() -> None:
    """Threat 170: B disowns its receipts; C had seen them in A's log. B's own word as a witness does not count here."""
    chains = (CASE.chains[0], revoked(B, CASE.chains[1], 1))
    data = CASE.build(chains=chains, exhibits=CASE.exhibits[:1], batches=CASE.batches[:1])
    with refused(Code.REVOKED_KEY, "no witness counts"):
        verify(data, CASE.anchors)
    (found,) = verify(data, {*CASE.anchors, C_DIGITS}).messages
    assert found.disputed == (
        "NRM b received it, whole and with a valid signature, on 2027-01-15 08:00:00 UTC; entry 4 in the log of NRM a, "
        "witnessed by NRM b at 2027-01-15 08:00:30 UTC; NRM b revoked the key as of 1970-01-01 00:00:01 UTC (stolen), "
        "but published that on 2027-01-16 08:00:00 UTC only and NRM c had witnessed it on 2027-01-15 08:00:40 UTC: it "
        "counts for whoever relies on NRM c",
    )


def test_what_a_thief_signs_after_the_revocation_was_published_is_refused() -> None:
    """Threat 170: a witness who saw it only after the owner had published the revocation helps nobody."""
    gone = Revocation(kid=A.sig.public.kid, at=NOW, since=NOW - 1, reason="stolen")
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    for issued, left in ((NOW + 30, 0), (NOW + 31, 1)):
        held = next_version(A, CASE.chains[0], keys=[record(key, Use.SIG)], revoked=[gone], issued=issued)
        found = report(chains=(held, CASE.chains[1]))
        assert sum(len(message.disputed) for message in found.messages if message.sender == A.first().node) == left


def test_a_revocation_that_reaches_further_back_later_is_published_later() -> None:
    """Threat 170: version 2 revokes from now on, version 3 from the beginning; what was seen between is disputed."""
    held = revoked(A, CASE.chains[0], NOW + 20)
    last = held[-1]
    back = [replace(last.revoked[0], since=1)]
    chain = next_version(A, held, keys=last.keys, revoked=back, issued=NOW + 2 * DAY)
    found = only(chains=(chain, CASE.chains[1]))
    assert "but published that on 2027-01-17 08:00:00 UTC only" in found.disputed[0]


def test_a_log_key_is_not_revoked_out_of_evidence_either() -> None:
    """Threat 170: A disowns the key of its log as well; B had cosigned what that key had signed."""
    gone = [Revocation(kid=key.public.kid, at=NOW + DAY, since=1, reason="stolen") for key in (A.sig, A.log)]
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    chain = next_version(A, CASE.chains[0], keys=[record(key, Use.SIG)], revoked=gone, issued=NOW + DAY)
    found = report(chains=(chain, CASE.chains[1]))
    assert len(found.messages[0].disputed) == 1
    assert "; not witnessed" in found.log[0], "for a date before `since` it counts no more"


def test_a_receipt_since_the_revocation() -> None:
    """The same for receipts that nobody witnessed: the batch stays out, what the sender signed stands."""
    chains = (CASE.chains[0], revoked(B, CASE.chains[1], NOW))
    found = only(chains=chains, batches=CASE.batches[:1], extract=None)
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
        chains[place] = next_version(node, CASE.chains[place], keys=rest, revoked=[gone], issued=NOW + DAY)
        found = report(chains=tuple(chains))
        assert ("; not witnessed" not in found.log[0]) == counts
        assert found.log[1].endswith("; not witnessed")


def test_a_leaf_names_the_signature() -> None:
    """A log that has the text of a statement but another signature shows nothing: a thief signs what was put there."""
    book = Logbook(A)
    again = replace(REFERRAL, proof=prove(A.http, STATEMENT, REFERRAL.statement))
    book.departed(again)
    book.checkpoint((B, NOW + 5))
    with pytest.raises(RefusedError, match="spliced"):
        CASE.build(exhibits=CASE.exhibits[:1], batches=(), extract=book.extract())


def test_flaw_5_a_receipt_by_a_key_that_is_listed_no_more() -> None:
    """Threat 171: a receipt that is dated years after its key had ended is in doubt, and both verifiers say why."""
    late = batch(B.sig, receipt(REFERRAL, Status.OPENED, at=NOW + 3 * 365 * DAY))
    found = only(batches=(CASE.batches[0], late))
    assert found.in_doubt == (
        "NRM b says that a person opened it on 2030-01-14 08:00:00 UTC; the key was not listed as valid on 2030-01-14 "
        "08:00:00 UTC",
    )


def test_flaw_5_a_receipt_by_a_key_that_was_delisted() -> None:
    """Threat 171: B lists another key from NOW + 60 on; what the old one dates 300 s later is in doubt."""
    key = SigningKey.generate(Endpoint.pair(B, A)[0].rand, hybrid=True)
    chain = next_version(B, CASE.chains[1], keys=[record(key, Use.SIG)], issued=NOW + 60)
    for at, doubts in ((NOW + 359, 0), (NOW + 360, 1)):
        late = batch(B.sig, receipt(REFERRAL, Status.OPENED, at=at))
        found = only(chains=(CASE.chains[0], chain), batches=(late,), extract=None)
        assert len(found.in_doubt) == doubts


def test_a_key_is_not_shortened_out_of_evidence() -> None:
    """Threat 170: A lists its key as over before it signed; what was witnessed before that version stays proven."""
    over = [record(A.sig, Use.SIG, until=NOW - 1000), *A.first().keys[1:]]
    for issued, doubts in ((NOW + 30, 1), (NOW + 31, 0)):
        chain = next_version(A, CASE.chains[0], keys=over, issued=issued)
        assert len(only(chains=(chain, CASE.chains[1])).in_doubt) == doubts


def test_a_key_that_was_not_valid_then() -> None:
    """nrm1 7.3: a statement outside the validity of its key would have been refused; it is in doubt."""
    over = [record(A.sig, Use.SIG, until=NOW - 1000)]
    node = Node("a", content={"keys": over})
    first = node.first()
    said = replace(stated(REFERRAL), from_=first.node).encode()
    held = Exhibit(sealings=[(said, prove(A.sig, STATEMENT, said))])
    found = verify(build(((first,), (B_FIRST,)), [held], []), {first.fingerprint, B_FIRST.fingerprint})
    assert found.messages[0].in_doubt[0].endswith("; the key was not listed as valid on 2027-01-15 08:00:00 UTC")


def test_a_receipt_supports_the_sealing_that_it_names() -> None:
    """A second sealing by whoever holds the key gains nothing from the receipt of the first."""
    again = replace(stated(REFERRAL), created=NOW + 1).encode()
    frames = [*CASE.exhibits[0].sealings, (again, prove(A.sig, STATEMENT, again))]
    both = (batch(B.sig, receipt(REFERRAL, Status.RECEIVED, of=statement_hash(again), at=NOW + 2000)), CASE.batches[0])
    chains = (revoked(A, CASE.chains[0], NOW + 1000), CASE.chains[1])
    found = only(chains=chains, exhibits=(Exhibit(sealings=frames),), batches=both, extract=None)
    assert [line.endswith("only its own date says so") for line in found.in_doubt] == [False, True]


def test_a_receipt_that_was_signed_again_by_a_newer_key() -> None:
    """nrm1 6.6, 7.4: it stands, although its first batch is by a key that was revoked since."""
    key = SigningKey.generate(Endpoint.pair(B, A)[0].rand, hybrid=True)
    gone = Revocation(kid=B.sig.public.kid, at=NOW + DAY, since=NOW, reason="stolen")
    chain = next_version(B, CASE.chains[1], keys=[record(key, Use.SIG)], revoked=[gone], issued=NOW + DAY)
    again = batch(key, receipt(REFERRAL, Status.RECEIVED, at=NOW))
    found = only(chains=(CASE.chains[0], chain), batches=(CASE.batches[0], again), extract=None)
    assert (len(found.proven), found.not_proven) == (3, ())
