"""Administrators who come and go by changes of their own (nrm1 8.9; threat 37)."""

from __future__ import annotations

import pytest
from support.ceremony import ADMINS, change
from support.pair import START, Two, aplay
from support.trusting import approve

from gateway.errors import RefusedError
from keys.offline.administrator_key import new_admin

ANA, BEN = ADMINS


async def test_administrators_are_enrolled_and_retired_by_two(two: Two) -> None:
    """A third takes both; two always remain; who was retired approves nothing more."""
    eva = new_admin(label="Eva D.", now=START)
    with pytest.raises(RefusedError, match="at least two"):
        await two.fr.changes("admin.retire", "admins", pseudonym=BEN.card.pseudonym)
    with pytest.raises(RefusedError, match="the same person is there twice"):
        await two.fr.changes("admin.enrol", "admins", admin=BEN.card.document.to_json())
    pending = await two.fr.changes("admin.enrol", "admins", people=[ANA], admin=eva.card.document.to_json())
    assert (pending["state"], len((await two.fr.call("admin.list"))["admins"])) == ("pending", 2)
    await approve(two.fr, pending["id"], BEN)
    assert [item["label"] for item in (await two.fr.call("admin.list"))["admins"]] == ["Ana B.", "Ben C.", "Eva D."]
    await two.fr.changes("admin.retire", "admins", people=[ANA, eva], pseudonym=BEN.card.pseudonym)
    with pytest.raises(RefusedError, match="belongs to no administrator"):
        await two.fr.changes("peer.suspend", people=[BEN])
    await two.fr.changes("peer.suspend", people=[eva])
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


async def test_who_was_retired_has_no_word_in_what_is_pending(two: Two) -> None:
    """What the retired person has approved is given up: their key may be why they went."""
    eva = new_admin(label="Eva D.", now=START)
    await two.fr.changes("admin.enrol", "admins", admin=eva.card.document.to_json())
    theirs = await two.fr.changes("peer.renew", people=[BEN])
    await two.fr.changes("admin.retire", "admins", people=[ANA, eva], pseudonym=BEN.card.pseudonym)
    with pytest.raises(RefusedError, match="this change is withdrawn"):
        await approve(two.fr, theirs["id"], ANA)


async def test_a_new_administrator_counts_at_once_by_any_clock(two: Two) -> None:
    """Enrolled by somebody whose clock is ahead: what the new one signs a second later counts, also in the history."""
    eva, ahead = new_admin(label="Eva D.", now=START), two.clock.now() + 200
    enrol = change(ADMINS, "admin.enrol", "admins", at=ahead, admin=eva.card.document.to_json())
    await aplay(enrol, two.fr.call)
    await two.fr.changes("peer.suspend", people=[eva])
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []
