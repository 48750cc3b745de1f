"""Two contents under one number or id stand in one bundle, and both verifiers say who signed them (nrm1 7.15)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.bundle_reports import CASE, REFERRAL, report, resigned, revoked
from support.exhibits import OTHER_ID, A, B, batch, receipt, stated
from support.nodes import NOW

from gateway.errors import RefusedError
from keys.documents.envelope import Status, statement_hash

OTHER = "A" * 43


def test_flaw_10_two_contents_under_one_number() -> None:
    """One id and one number, two contents: the link hash is another one, and the bundle is the proof."""
    other = resigned(commit=OTHER)
    found = report(exhibits=(CASE.exhibits[0], other))
    assert found.warnings == (f"NRM a signed two contents under number 2, as {REFERRAL.id}",)
    assert [message.id for message in found.messages] == [REFERRAL.id] * 2


def test_flaw_10_what_follows_names_what_was_said() -> None:
    """A number that follows one of two contents follows that one alone."""
    second = resigned(commit=OTHER)
    said = stated(REFERRAL)
    following = resigned(id=OTHER_ID, n=3, created=NOW + 1, prev=said.link)
    assert report(exhibits=(CASE.exhibits[0], following)).warnings == ()
    assert report(exhibits=(second, following), batches=(), extract=None).warnings == (
        "NRM a gave number 3 to a message that does not follow number 2",
    )
    both = report(exhibits=(CASE.exhibits[0], second, following))
    assert both.warnings == (f"NRM a signed two contents under number 2, as {REFERRAL.id}",)


def test_one_id_under_two_numbers() -> None:
    """Numbered anew after a reset it says the same; with another content its sender signed two."""
    again = resigned(epoch=2, n=1, prev=None, commit=OTHER)
    assert report(exhibits=(CASE.exhibits[0], again)).warnings == (
        f"NRM a signed two contents as {REFERRAL.id}, under the numbers 2 and 1",
    )


@pytest.mark.parametrize("confirmed", [(), (0,), (1,), (0, 1)], ids=["no receipt", "of then", "of now", "of both"])
def test_what_was_numbered_anew_is_proven_under_each_number(confirmed: tuple[int, ...]) -> None:
    """Its sender keeps both sealings of one message, of two epochs (nrm1 5.11); what has receipts is shown by those."""
    again = resigned(epoch=2, n=1, prev=None)
    both = replace(CASE.exhibits[0], sealings=[*CASE.exhibits[0].sealings, *again.sealings])
    statement = again.sealings[0][0]
    anew = receipt(REFERRAL, Status.RECEIVED, of=statement_hash(statement), n=1)
    kept = (batch(B.sig, receipt(REFERRAL, Status.RECEIVED)), batch(B.sig, anew))
    found = report(exhibits=(both,), batches=tuple(kept[place] for place in confirmed), extract=None)
    numbers = [REFERRAL.position.n, 1]
    assert sorted(message.n for message in found.messages) == sorted(numbers[place] for place in confirmed or (0, 1))
    assert [message.disclosed for message in found.messages] == [True] * len(confirmed or (0, 1))
    assert found.warnings == ()


def test_a_thief_is_not_told_as_the_owner() -> None:
    """By a key that was revoked anybody may have signed the second one: the line says that it is not proven."""
    chains = (revoked(A, CASE.chains[0], NOW + 600), CASE.chains[1])
    found = report(chains=chains, exhibits=(CASE.exhibits[0], resigned(commit=OTHER)), extract=None)
    (warning,) = found.warnings
    assert warning.endswith("; not all of these signatures are proven")
    assert found.two_contents == ()


def test_two_conversations_of_one_number_are_one_proof() -> None:
    """Whoever numbers twice seldom does so in one conversation; of several numbers they are no bundle."""
    elsewhere = {"id": OTHER_ID, "conv": "B" * 21 + "A", "commit": OTHER}
    found = report(exhibits=(CASE.exhibits[0], resigned(**elsewhere)))
    ids = " and ".join(sorted([REFERRAL.id, OTHER_ID]))
    assert found.two_contents == (f"NRM a signed two contents under number 2, as {ids}",)
    assert found.conversations == tuple(sorted([stated(REFERRAL).conv, "B" * 21 + "A"]))
    for other in ({"n": 3}, {"epoch": 2}):
        with pytest.raises(RefusedError, match="of several conversations"):
            report(exhibits=(CASE.exhibits[0], resigned(**elsewhere, **other)))


def test_what_does_not_follow_is_no_second_content() -> None:
    """A number that does not fit the one before is a warning, and proves no two contents."""
    following = resigned(id=OTHER_ID, n=3, created=NOW + 1, prev="A" * 43)
    found = report(exhibits=(CASE.exhibits[0], following))
    assert found.warnings == ("NRM a gave number 3 to a message that does not follow number 2",)
    assert found.two_contents == ()
