"""What two real nodes permit each other: narrowed, widened, over after a year (nrm1 8.9; threat 40)."""

from __future__ import annotations

import pytest
from support.ceremony import ADMINS
from support.pair import Spoiler, Two
from support.trusting import approve, refused, scope_of

from gateway.changes.rules import DAY
from gateway.errors import Code, RefusedError

ANA, BEN = ADMINS
YEAR = 366 * DAY


async def test_row_40_narrowed_by_one_person_at_once(two: Two) -> None:
    """One person permits less: both sides refuse from then on, the sender before anything leaves."""
    await two.al.changes("peer.narrow", people=[BEN], scope=await scope_of(two.al, types=["referral.request"]))
    await two.until(lambda: "enquiry.capacity" not in two.fr.peer().trust.agreed.types)
    await refused(two.fr, Code.OUT_OF_SCOPE, "because of its types")
    await refused(two.al, Code.OUT_OF_SCOPE, "because of its types")
    with pytest.raises(RefusedError, match="not narrower"):
        await two.al.changes("peer.narrow", people=[BEN], scope=await scope_of(two.al, types=["info.reply"]))


async def test_row_40_widened_by_two_after_a_day(two: Two) -> None:
    """Widening takes two people and 24 hours; until then the narrow scope holds."""
    wide = await scope_of(two.fr)
    await two.fr.changes("peer.narrow", scope=wide | {"types": ["referral.request"]})
    shown = await two.fr.changes("peer.widen", scope=wide, emergency=False)
    assert shown["state"] == "waiting"
    await refused(two.fr, Code.OUT_OF_SCOPE, "because of its types")
    two.clock.advance(DAY)
    await two.until(lambda: "enquiry.capacity" in two.fr.peer().trust.agreed.types, seconds=120)


async def test_row_40_what_was_queued_before_a_narrowing_fails(two: Two) -> None:
    """A decision that a type may not go is no pause: what waits of it fails with the code, told to its sender."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("too late")
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, types=["referral.request"]))
    wire.away = False

    async def failed() -> bool:
        return await two.fr.state(id) == "failed"

    await two.until(failed, seconds=120)
    assert (await two.fr.show(id))["reason"] == "out_of_scope"
    assert two.al.notes() == []


async def test_trust_runs_out_and_is_renewed_by_two(two: Two) -> None:
    """After a year nothing passes until two people of that side confirm it; what waits is held, and goes then."""
    two.clock.advance(YEAR - 10 * DAY)
    await two.calm()
    await two.al.changes("peer.renew")

    def renewed() -> bool:
        theirs = two.fr.peer().trust.theirs
        return theirs is not None and theirs.expires > two.clock.now() + 11 * DAY

    await two.until(renewed, seconds=60)
    assert two.fr.peer().standing(two.clock.now() + 11 * DAY).missing == (
        "our approval has run out and must be renewed"
    )
    shown = await two.fr.changes("peer.renew", people=[ANA])
    assert (shown["state"], shown["needed"]) == ("pending", 2)
    await approve(two.fr, shown["id"], BEN)
    assert two.fr.peer().standing(two.clock.now() + 11 * DAY).missing is None


async def test_nothing_passes_after_a_year(two: Two) -> None:
    """Trust that nobody renewed is over by itself, on the second."""
    assert two.fr.peer().trust.mine is not None
    left = two.fr.peer().trust.mine.expires - two.clock.now()
    assert two.fr.peer().standing(two.clock.now() + left - 1).missing is None
    two.clock.advance(left)
    await two.calm()
    await refused(two.fr, Code.OUT_OF_SCOPE, "our approval has run out and must be renewed")
    await two.fr.changes("peer.renew")
    await refused(two.fr, Code.OUT_OF_SCOPE, "their approval has run out and must be renewed")
