"""Keys in doubt: what a signature proves whose key was revoked, or not valid, when it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.bundle_reports import B_FIRST, CASE, REFERRAL, only, report, revoked
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
from support.nodes import NOW, Node, record
from support.stranger import verify

from gateway.errors import RefusedError
from gateway.evidence.build import Exhibit, build
from keys.documents.descriptor import Revocation
from keys.documents.envelope import Status, encode_signatures, statement_hash
from keys.documents.key_records import Use
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import DAY
from keys.primitives.sign import SigningKey


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
        chains[place] = next_version(node, CASE.chains[place], keys=rest, revoked=[gone], issued=NOW + DAY)
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


def test_a_receipt_that_was_signed_again_by_a_newer_key() -> None:
    """nrm1 6.6, 7.4: it stands, although its first batch is by a key that was revoked since."""
    key = SigningKey.generate(Endpoint.pair(B, A)[0].rand, hybrid=True)
    gone = Revocation(kid=B.sig.public.kid, at=NOW + DAY, since=NOW, reason="stolen")
    chain = next_version(B, CASE.chains[1], keys=[record(key, Use.SIG)], revoked=[gone], issued=NOW + DAY)
    again = batch(key, receipt(REFERRAL, Status.RECEIVED, at=NOW))
    found = only(chains=(CASE.chains[0], chain), batches=(CASE.batches[0], again))
    assert (len(found.proven), found.not_proven) == (3, ())
