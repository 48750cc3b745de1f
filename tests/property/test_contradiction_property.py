"""An honest node is never proven to have signed two contents, whatever a thief of its key signs (nrm1 7.15).

That it never signs two itself, whatever is sealed anew, lost and put back, is a promise of the walks of
`test_three_nodes_property`.
"""

from __future__ import annotations

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from support.bundle_reports import CASE, resigned, revoked
from support.exhibits import A, B, C, Logbook, stated
from support.nodes import NOW
from support.stranger import verify

from gateway.errors import RefusedError
from gateway.evidence.build import build
from keys.documents.envelope import Statement, statement_hash
from keys.documents.statement import proof_hash

HONEST = CASE.exhibits[0]
SAID = Statement.parse(HONEST.sealings[0][0])
LATER = st.integers(0, 7_200)
ANCHORS = {node.first().fingerprint for node in (A, B, C)}


DRAWN = {
    "dated": st.integers(-7_200, 7_200),
    "stolen": st.integers(-3_600, 3_600),
    "earlier": LATER,
    "seen": st.lists(st.tuples(st.sampled_from([B, C]), LATER), max_size=2, unique_by=lambda one: one[0].name),
    "honest_seen": st.booleans(),
    "elsewhere": st.booleans(),
}
FEW, MANY = 20, 500


@settings(max_examples=FEW)
@given(**DRAWN)
def test_a_thief_proves_nothing_against_the_owner(dated, stolen, earlier, seen, honest_seen, elsewhere):
    """The thief dates the second content at will and has it witnessed from the theft on; the owner revokes the key as
    of the theft or before. Both verifiers name nobody.
    """
    nothing_is_proven(dated, stolen, earlier, seen, honest_seen, elsewhere)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_a_thief_never_proves_anything_against_the_owner(run_seed, record_property):
    """The same of many others for each seed."""
    record_property("examples", MANY)
    seed(run_seed)(settings(max_examples=MANY, database=None)(given(**DRAWN)(nothing_is_proven)))()


def nothing_is_proven(dated, stolen, earlier, seen, honest_seen, elsewhere):
    """What one thief brings proves nothing."""
    theft = NOW + stolen
    conv = "B" * 21 + "A" if elsewhere else SAID.conv
    forged = resigned(commit="A" * 43, conv=conv, created=NOW + dated, expires=NOW + dated + 3_600)
    book = Logbook(A)
    for exhibit, cosigned in (
        (HONEST, [(B, NOW + 30)] * honest_seen),
        (forged, [(node, theft + at) for node, at in seen]),
    ):
        ((statement, proof),) = exhibit.sealings
        said = Statement.parse(statement)
        facts = {"of": statement_hash(statement), "peer": said.to, "n": said.n, "sig": proof_hash(proof)}
        book.write(said.created, "message.departed", **facts)
        book.checkpoint(*cosigned)
    chains = (revoked(A, CASE.chains[0], theft - earlier), CASE.chains[1])
    try:
        bundle = build(chains, (HONEST, forged), (), book.extract())
    except RefusedError:  # neither proves anything: both are dated after the key was revoked
        return
    assert verify(bundle, ANCHORS).two_contents == ()


def test_the_owner_is_named_without_a_thief():
    """The same two statements by a key that was never revoked: what is found above is not for want of looking."""
    forged = resigned(commit="A" * 43)
    assert verify(build(CASE.chains, (HONEST, forged), ()), ANCHORS).two_contents == (
        f"NRM a signed two contents under number {SAID.n}, as {stated(CASE.sealed['referral']).id}",
    )
