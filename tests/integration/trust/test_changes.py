"""Trust between two real nodes: digits, four eyes, delay, records, history (nrm1 8.9; threats 36, 37, 40)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.ceremony import ADMINS, change
from support.nodechild import CHEAP, SteeredClock
from support.pair import START, Party, Spoiler, Two, aplay, make_party, two_nodes

from gateway.changes.rules import DAY, HOUR
from gateway.errors import Code, RefusedError
from gateway.peers.scope import PeerState
from keys.documents.change import Change
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.offline.administrator_key import Admin, new_admin
from keys.offline.roots import load_root, new_root
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

ANA, BEN = ADMINS
YEAR = 366 * DAY


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def met(tmp_path: Path) -> AsyncIterator[Two]:
    """Two serving nodes that have proposed each other; nobody has compared digits."""
    clock = SteeredClock(START)
    two = Two(await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock), clock)
    try:
        for party in two:
            await party.start()
        await two.fr.call("peer.add", chain=await two.al.call("node.pairing"), by="admin")
        await two.al.call("peer.add", chain=await two.fr.call("node.pairing"), by="admin")
        yield two
    finally:
        for party in two:
            await party.stop()


async def digits(party: Party) -> str:
    """What this node shows to be read out."""
    return str((await party.call("peer.code", id=party.running.peers.all()[0].name))["code"])


async def approve(party: Party, id: str, person: Admin, *, emergency: bool = False) -> Any:
    """One more person approves a pending change."""
    shown = await party.call("change.show", id=id)
    prepared = Change.parse(canon(shown["change"]))
    approval = person.approve(prepared, at=party.clock.now(), emergency=emergency).document.to_json()
    return await party.call("change.approve", id=id, approval=approval)


async def scope_of(party: Party, **members: Any) -> Any:
    """What this node permits the other one, with other members."""
    return await party.call("peer.scope", id=party.peer().name) | members


async def refused(party: Party, code: Code, words: str) -> None:
    """An enquiry is refused at submission, for this reason."""
    with pytest.raises(RefusedError, match=words) as caught:
        await party.submit("no")
    assert caught.value.code is code


# --- row 36: digits and two people -----------------------------------------------------------------------------------


async def test_row_36_one_wrong_digit_refuses(met: Two) -> None:
    """Any one of the 60 digits wrong: refused, logged, and the peer stays proposed."""
    right = await digits(met.fr)
    assert right == await digits(met.al)
    for place in (0, 36, len(right) - 1):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        with pytest.raises(RefusedError, match="the digits are not those of this pair") as caught:
            await met.fr.call("change.prepare", action="peer.activate", subject="AL", digits=wrong, channel="video")
        assert caught.value.code is Code.WRONG_NODE
    assert met.fr.peer().state == "proposed"
    leaves = await met.fr.rows("select count(*) from audit where instr(cast(leaf as text), 'peer.digits_wrong')")
    assert leaves == [(3,)]


async def test_row_36_the_same_admin_twice_leaves_it_pending(met: Two) -> None:
    """One approver leaves the peer verified and messages refused; the same person again changes nothing."""
    shown = await met.fr.changes("peer.activate", people=[ANA])
    assert (shown["state"], met.fr.peer().state) == ("pending", "verified")
    await refused(met.fr, Code.NOT_ACTIVE, "the peer is verified")
    with pytest.raises(RefusedError, match="the same person") as caught:
        await approve(met.fr, shown["id"], ANA)
    assert caught.value.code is Code.CONFLICT
    await refused(met.fr, Code.NOT_ACTIVE, "the peer is verified")
    await approve(met.fr, shown["id"], BEN)
    assert met.fr.peer().state == "verified"  # the day of delay has begun


async def test_one_side_alone_is_not_enough(met: Two) -> None:
    """Active here, but nothing passes before the other side's signed record is here too; then it does, both ways."""
    await met.fr.changes("peer.activate")
    assert met.fr.peer().state == "active"
    await refused(met.fr, Code.OUT_OF_SCOPE, "their administrators have not approved it yet")
    await met.until(lambda: met.al.peer().trust.theirs is not None)
    await refused(met.al, Code.NOT_ACTIVE, "the peer is proposed")
    await met.al.changes("peer.activate")
    await met.until(lambda: all(party.agreed() for party in met))
    there, back = await met.fr.submit("there"), await met.al.submit("back")

    async def arrived() -> bool:
        return [await met.fr.state(there), await met.al.state(back)] == ["awaiting_opening"] * 2

    await met.until(arrived, seconds=60)


async def test_row_36_a_man_in_the_middle_gives_different_digits(met: Two, tmp_path: Path) -> None:
    """Whoever puts a node of its own under the name of Albania between the two is seen in the digits."""
    middle = await make_party(tmp_path / "middle", "AL", met.clock)
    try:
        await middle.start()
        cheated = await make_party(tmp_path / "cheated", "FR", met.clock)
        await cheated.open()
        await cheated.call("peer.add", chain=await middle.call("node.pairing"), by="admin")
        shown = await digits(cheated)
        assert shown != await digits(met.al)
        with pytest.raises(RefusedError, match="digits are not those") as caught:
            await cheated.call(
                "change.prepare", action="peer.activate", subject="AL", digits=await digits(met.al), channel="video"
            )
        assert "you: stop" in caught.value.hint
        await cheated.stop()
    finally:
        await middle.stop()


@pytest.mark.parametrize(
    "name",
    ["FR\nAL", "F\u202eR", "F" * 101, "n1" + "a" * 32],
    ids=["two lines", "another direction", "too long", "the id of a node"],
)
async def test_a_name_that_could_be_taken_for_something_else(met: Two, name: str) -> None:
    """What people here call a peer is one line that they can read, and never the id of another node."""
    chain = await met.al.call("node.pairing")
    with pytest.raises(RefusedError, match="one line of 1 to 100 characters, and no node id"):
        await met.fr.call("peer.add", chain=chain, name=name, by="admin")


async def test_strangers_approve_nothing(met: Two) -> None:
    """A key that no administrator of this node holds, a signature by another key, and an approval of something else."""
    stranger = new_admin(label="Eve", now=START)
    with pytest.raises(RefusedError, match="belongs to no administrator"):
        await met.fr.changes("peer.activate", people=[stranger])
    posing = Admin(card=ANA.card, key=stranger.key)
    with pytest.raises(RefusedError, match="is not valid: signed by another key"):
        await met.fr.changes("peer.activate", people=[posing])
    shown = await met.fr.changes("peer.activate", people=[ANA])
    other = Change.parse(canon(shown["change"] | {"at": shown["change"]["at"] + 1}))
    approval = BEN.approve(other, at=met.clock.now()).document.to_json()
    with pytest.raises(RefusedError, match="for another change"):
        await met.fr.call("change.approve", id=shown["id"], approval=approval)
    assert met.fr.peer().state == "verified"


# --- row 37: what was approved is what happens -----------------------------------------------------------------------


async def test_row_37_a_scope_changed_after_the_first_approval_is_rejected(two: Two) -> None:
    """The approvals cover one hash: neither the proposer nor whoever edits the database can change what is approved."""
    less = await scope_of(two.fr, types=["enquiry.capacity"])
    await two.fr.changes("peer.narrow", scope=less)
    asked = await two.fr.call("change.prepare", action="peer.widen", subject="AL", scope=less | {"max_bytes": 999_999})
    signed = ANA.approve(Change.parse(canon(asked["change"])), at=two.clock.now()).document.to_json()
    wider = json.loads(json.dumps(asked["change"]))
    wider["body"]["scope"]["types"].append("referral.request")
    with pytest.raises(RefusedError, match="for another change"):
        await two.fr.call("change.propose", change=wider, approval=signed)
    shown = await two.fr.call("change.propose", change=asked["change"], approval=signed)
    await two.fr.running.store.move(
        lambda c: c.exec_driver_sql(
            "update change set payload = replace(cast(payload as text), '999999', '999998') where hash = ?",
            (shown["id"],),
        )
    )
    with pytest.raises(RefusedError, match="for another change"):
        said = BEN.approve(Change.parse(canon(asked["change"])), at=two.clock.now()).document.to_json()
        await two.fr.call("change.approve", id=shown["id"], approval=said)
    assert two.fr.peer().trust.agreed.types == {"enquiry.capacity"}


async def test_activation_waits_a_day(met: Two) -> None:
    """Two people without an emergency: verified for 24 hours, the other side is told, then active by itself."""
    await met.fr.changes("peer.activate", emergency=False)
    assert met.fr.peer().state == "verified"
    await met.until(lambda: met.al.peer().trust.theirs is not None)
    await met.al.changes("peer.activate")
    await met.until(lambda: met.fr.peer().trust.theirs is not None)
    await refused(met.al, Code.OUT_OF_SCOPE, "their approval is not in force yet")
    met.clock.advance(DAY - 120)
    await met.calm()
    assert met.fr.peer().state == "verified"
    await met.until(lambda: met.fr.peer().state == "active", seconds=300)
    assert all(party.agreed() for party in met)


async def test_one_emergency_is_no_emergency(met: Two) -> None:
    """Both have to say so; and one person can stop what waits."""
    shown = await met.fr.changes("peer.activate", people=[ANA])
    done = await approve(met.fr, shown["id"], BEN, emergency=False)
    assert (done["state"], met.fr.peer().state) == ("waiting", "verified")
    await met.fr.changes("peer.suspend", people=[BEN])
    met.clock.advance(DAY + HOUR)
    await met.calm()
    await met.until(lambda: met.fr.peer().state == "suspended", seconds=120)
    assert met.fr.peer().trust.mine is not None
    assert str(met.fr.peer().trust.mine.state) == "suspended"


async def test_proposals_end_after_a_day(met: Two) -> None:
    """A second person who comes too late approves nothing, and the peer is proposed again."""
    shown = await met.fr.changes("peer.activate", people=[ANA])
    met.clock.advance(DAY)
    with pytest.raises(RefusedError, match="this change is expired"):
        await approve(met.fr, shown["id"], BEN)
    await met.until(lambda: met.fr.peer().state == "proposed", seconds=120)
    assert (await met.fr.call("change.show", id=shown["id"]))["state"] == "expired"
    again = await met.fr.changes("peer.activate", people=[BEN])
    await met.fr.call("change.withdraw", id=again["id"], by="Ben C.")
    assert met.fr.peer().state == "proposed"


async def test_a_change_that_was_overtaken_is_refused(two: Two) -> None:
    """Two pending changes of one peer: the first that is completed makes the other one void."""
    renewal = await two.fr.changes("peer.renew", people=[ANA])
    await two.fr.changes("peer.suspend", people=[BEN])
    with pytest.raises(RefusedError, match="something else was changed meanwhile") as caught:
        await approve(two.fr, renewal["id"], BEN)
    assert caught.value.code is Code.CONFLICT


async def test_unknown_actions_are_refused(two: Two) -> None:
    """Nothing outside the table, nothing for another node, nothing twice, no first administrators a second time."""
    begins = "how a node begins"
    for action, words in (("peer.trust_all", "not known"), ("admins.begin", begins), ("policy.begin", begins)):
        with pytest.raises(RefusedError, match=words):
            await two.fr.call("change.prepare", action=action, subject="AL")
    asked = await two.fr.call("change.prepare", action="peer.suspend", subject="AL")
    here = Change.parse(canon(asked["change"]))
    for payload, words in (
        (asked["change"] | {"action": "peer.trust_all"}, "unknown action"),
        (asked["change"] | {"node": two.al.running.own.node}, "for another node"),
        (asked["change"] | {"at": here.at - HOUR}, "too long ago"),
        (asked["change"] | {"body": {"note": "her name"}}, "unknown member"),
    ):
        approval = ANA.approve(here, at=two.clock.now()).document.to_json()
        with pytest.raises(RefusedError, match=words):
            await two.fr.call("change.propose", change=payload, approval=approval)


# --- scope, renewal, roots -------------------------------------------------------------------------------------------


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
    await two.until(lambda: two.fr.peer().keyset_seen == two.clock.now() or two.fr.agreed(), seconds=60)
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


async def next_roots(party: Party, base: Path, *, add: int, threshold: int) -> SignedDocument:
    """Version 2 of a node's descriptor with `add` more root keys; signed by the old root and the new ones."""
    node = party.running
    own = node.own.descriptor
    (path,) = (base / f"{party.name}-roots").iterdir()
    old = await asyncio.to_thread(load_root, path, "roots", at_least=CHEAP)
    roots = [old, *(new_root(now=node.clock.now()) for _ in range(add))]
    payload = build_descriptor(
        node=own.node,
        version=2,
        prev=own.hash,
        name=own.name,
        issued=node.clock.now(),
        expires=node.clock.now() + 400 * DAY,
        roots=[root.record for root in roots],
        threshold=threshold,
        keys=own.keys,
        endpoints=own.endpoints,
        log=own.log,
        country=own.country,
        contact=own.contact,
        tls_spki=own.tls_spki,
        units=own.units,
    )
    return sign_descriptor(payload, [root.key for root in roots])


@pytest.mark.parametrize(("add", "threshold", "drops"), [(1, 1, False), (2, 1, True), (1, 2, True)])
async def test_new_roots_are_confirmed_by_one(two: Two, tmp_path: Path, add: int, threshold: int, drops: bool) -> None:
    """Two new root keys, or another threshold: verified until one person has compared the new digits; one new root key
    keeps the trust.
    """
    node = two.fr.running
    document = await next_roots(two.al, tmp_path, add=add, threshold=threshold)
    await node.sync.take_chain(two.fr.peer(), [document])
    assert two.fr.peer().state == ("verified" if drops else "active")
    if not drops:
        return
    assert "peer.roots_changed" in await two.fr.alarms()
    await refused(two.fr, Code.NOT_ACTIVE, "the peer is verified")
    with pytest.raises(RefusedError, match="so this cannot be done"):
        await two.fr.changes("peer.activate")
    read = await digits(two.fr)
    assert read != await digits(two.al)  # which does not hold its own version 2 here
    await two.fr.changes("peer.confirm_roots", digits=read, channel="video", people=[BEN])
    assert two.fr.peer().state == "active"
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


async def test_new_roots_while_an_activation_waits(met: Two, tmp_path: Path) -> None:
    """The digits that people compared are of other roots by the time it takes effect: verified, and told to them."""
    await met.fr.changes("peer.activate", emergency=False)
    document = await next_roots(met.al, tmp_path, add=2, threshold=1)
    await met.fr.running.sync.take_chain(met.fr.peer(), [document])
    met.clock.advance(DAY)

    async def in_force() -> bool:
        return await met.fr.rows("select state from change where subject like 'n1%'") == [("done",)]

    await met.until(in_force, seconds=120)
    await met.until(lambda: met.fr.peer().cause == "roots_changed")
    assert met.fr.peer().state == "verified"
    assert "peer.roots_changed" in await met.fr.alarms()
    await met.fr.changes("peer.confirm_roots", digits=await digits(met.fr), channel="video", people=[BEN])
    assert met.fr.peer().state == "active"


async def test_new_roots_while_stopped_for_a_cause(two: Two, tmp_path: Path) -> None:
    """Two people who resume the peer have not compared its new digits by that."""
    await two.fr.running.sync.suspend_for_cause(two.fr.peer().node, Code.EQUIVOCATION, None)
    document = await next_roots(two.al, tmp_path, add=2, threshold=1)
    await two.fr.running.sync.take_chain(two.fr.peer(), [document])
    await two.fr.changes("peer.resume")
    assert (two.fr.peer().state, two.fr.peer().cause) == ("verified", "roots_changed")
    await two.fr.changes("peer.confirm_roots", digits=await digits(two.fr), channel="video", people=[ANA])
    assert two.fr.peer().state == "active"


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


async def test_a_stop_is_at_once_by_any_clock(two: Two) -> None:
    """The clock of the person who stops a peer is two minutes ahead of the node's: the peer is stopped now."""
    ahead = two.clock.now() + 120
    await aplay(change([ANA], "peer.suspend", "AL", at=ahead), two.fr.call)
    assert two.fr.peer().state == "suspended"
    await two.until(lambda: two.al.peer().trust.missing(two.clock.now()) == "their side has suspended it", seconds=30)
    shown = await two.fr.call("peer.show", id="AL")
    assert shown["faults"] == [] and shown["history"][-1]["effective"] < ahead


async def test_row_94_an_alarm_that_is_solved_ends(two: Two) -> None:
    """The other side suspends us: an alarm; it resumes: the alarm has ended, and nobody had to dismiss it. The history
    shows when each was completed by our clock, and what was superseded.
    """
    await two.fr.changes("peer.suspend", people=[ANA])
    await two.until(lambda: alarmed(two.al, True), seconds=30)
    two.clock.advance(100)
    await two.fr.changes("peer.resume")
    await two.until(lambda: alarmed(two.al, False), seconds=60)
    history = (await two.fr.call("peer.show", id="AL"))["history"]
    assert [(one["action"], one["superseded"]) for one in history] == [
        ("peer.activate", None),
        ("peer.suspend", 3),
        ("peer.resume", None),
    ]
    assert history[2]["completed"] - history[1]["completed"] >= 100


async def alarmed(party: Party, wanted: bool) -> bool:
    """Whether the alarm about a peer that suspended us is open, as wanted."""
    return ("peer.suspended_us" in await party.alarms()) is wanted


async def test_a_new_administrator_counts_at_once_by_any_clock(two: Two) -> None:
    """Enrolled by somebody whose clock is ahead: what the new one signs a second later counts, also in the history."""
    eva, ahead = new_admin(label="Eva D.", now=START), two.clock.now() + 200
    enrol = change(ADMINS, "admin.enrol", "admins", at=ahead, admin=eva.card.document.to_json())
    await aplay(enrol, two.fr.call)
    await two.fr.changes("peer.suspend", people=[eva])
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


async def test_a_damaged_change_holds_up_no_other(met: Two) -> None:
    """A pending change that can not be read any more: it is listed as damaged, and what is approved takes effect."""
    await met.fr.changes("peer.activate", emergency=False)
    eva = new_admin(label="Eva D.", now=START)
    await met.fr.changes("admin.enrol", "admins", people=[ANA], admin=eva.card.document.to_json())
    await asyncio.to_thread(edit_by_hand, met.fr, "update change set payload = 'x' where state = 'pending'")
    listed = (await met.fr.call("change.list", state="pending"))["changes"]
    assert [item["action"] for item in listed] == ["damaged"]
    assert len((await met.fr.call("admin.list"))["admins"]) == 2
    met.clock.advance(DAY)
    await met.until(lambda: met.fr.peer().state == "active", seconds=300)
    assert (await met.fr.call("change.list", state="pending"))["changes"] == []


# --- the history -----------------------------------------------------------------------------------------------------

OF_AL = "subject like 'n1%'"
FIRST_APPROVAL = "where rowid = (select min(rowid) from approval)"
ONE_BYTE_OTHERWISE = (
    "substr(document, 1, 300) || case cast(substr(document, 301, 1) as text) when 'A' then 'B' else 'A' end "
    "|| substr(document, 302)"
)
ALTERED = {
    "payload": (
        f"update change set payload = replace(cast(payload as text), 'video', 'Video') where {OF_AL}",
        "change 1",
    ),
    "payload of the narrowing": (
        f"update change set payload = replace(cast(payload as text), '999000', '999001') where seq = 2 and {OF_AL}",
        "change 2",
    ),
    "hash": (f"update change set hash = 'x' where seq = 3 and {OF_AL}", "change 3"),
    "order": (f"update change set seq = 9 where seq = 2 and {OF_AL}", "change 2"),
    "gone": (f"delete from change where seq = 2 and {OF_AL}", "change 2"),
    "time": (f"update change set effective = effective - 1 where seq = 2 and {OF_AL}", "change 2"),
    "prepared": (f"update change set at = at - 1 where seq = 1 and {OF_AL}", "change 1"),
    "approval": (
        f"update approval set document = {ONE_BYTE_OTHERWISE} {FIRST_APPROVAL}",
        "change 1",
    ),
    "approver": (f"update approval set admin = 'AAAAAAAAAAAAAAAAAAAAAA' {FIRST_APPROVAL}", "change 1"),
    "approval moved": (
        f"update approval set change = (select hash from change where seq = 2 and {OF_AL}), "
        f"admin = 'x' {FIRST_APPROVAL}",
        "change 1",
    ),
    "approval gone": (f"delete from approval {FIRST_APPROVAL}", "change 1"),
    "record": ("update trust_record set hash = 'x' where seq = 2 and direction = 'out'", "trust record 2 of ours"),
    "their record": (
        f"update trust_record set document = {ONE_BYTE_OTHERWISE} where direction = 'in'",
        "trust record 1 of theirs",
    ),
    "administrators": (
        "update change set effective = effective + 1 where subject = 'admins'",
        "change 1 of the administrators",
    ),
    "the newest record gone": (
        "delete from trust_record where seq = 3 and direction = 'out'",
        "the newest trust record of ours",
    ),
    "their record gone": ("delete from trust_record where direction = 'in'", "the newest trust record of theirs"),
    "the newest gone": (f"delete from change where seq = 3 and {OF_AL}", "the change that entry "),
    "no longer complete": (
        f"update change set seq = null, state = 'pending' where seq = 3 and {OF_AL}",
        "the change that entry ",
    ),
    "other first administrators": (
        "update change set hash = 'x', payload = replace(cast(payload as text), 'Ana B.', 'Eva E.') "
        "where subject = 'admins'",
        "change 1 of the administrators: the audit log has no entry of it",
    ),
}


async def test_every_change_in_the_history_verifies(two: Two) -> None:
    """Each completed change is there with its people and its time, and nothing is wrong with any."""
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000), people=[BEN])
    await two.fr.changes("peer.suspend", people=[ANA])
    await two.fr.changes("peer.resume")
    shown = await two.fr.call("peer.show", id="AL")
    said = [(c["action"], sorted(a["label"] for a in c["approvals"]), c["fault"]) for c in shown["history"]]
    assert said == [
        ("peer.activate", ["Ana B.", "Ben C."], None),
        ("peer.narrow", ["Ben C."], None),
        ("peer.suspend", ["Ana B."], None),
        ("peer.resume", ["Ana B.", "Ben C."], None),
    ]
    assert shown["faults"] == []
    await two.until(lambda: two.al.peer().trust.theirs is not None and two.al.agreed(), seconds=30)
    there = await two.al.call("peer.show", id="FR")
    assert (there["theirs"], there["faults"]) == (shown["ours"], [])


@pytest.mark.parametrize("altered", ALTERED)
async def test_row_37_an_altered_byte_is_named(two: Two, altered: str) -> None:
    """Whatever is edited in the database by hand is named at its place by `peer.show`."""
    statement, place = ALTERED[altered]
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000))
    await two.fr.changes("peer.suspend")

    await asyncio.to_thread(edit_by_hand, two.fr, statement)
    faults = (await two.fr.call("peer.show", id="AL"))["faults"]
    assert any(fault.startswith(place) for fault in faults), faults


async def test_a_stop_taken_back_by_hand_is_named(two: Two) -> None:
    """A proof of misbehaviour stopped the peer: `active` written into the database is told from people who resume."""
    await two.fr.running.sync.suspend_for_cause(two.fr.peer().node, Code.EQUIVOCATION, None)
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []
    await asyncio.to_thread(edit_by_hand, two.fr, "update peer set state = 'active', cause = null")
    (fault,) = (await two.fr.call("peer.show", id="AL"))["faults"]
    assert fault.startswith("the peer counts as active, and entry ")
    await asyncio.to_thread(
        edit_by_hand, two.fr, "update peer set state = 'suspended_for_cause', cause = 'equivocation'"
    )
    await two.fr.changes("peer.resume")
    assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


def edit_by_hand(party: Party, statement: str) -> None:
    """As somebody with the sqlite3 program on the machine does it, past every constraint of ours."""
    with closing(sqlite3.connect(party.folder / "node.db", timeout=10)) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()


# --- records on the wire ---------------------------------------------------------------------------------------------


async def test_a_missed_record_is_asked_for_again(two: Two) -> None:
    """A peer that lost our chain says so and gets it whole."""
    forget = "delete from trust_record where direction = 'in'"
    await two.al.running.store.move(lambda c: c.exec_driver_sql(forget))
    await two.al.running.peers.refresh()
    assert not two.al.agreed()
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000))
    count = "select count(*) from trust_record where direction = 'in'"

    async def whole() -> bool:
        return await two.al.rows(count) == [(2,)]

    await two.until(whole, seconds=30)
    assert two.al.agreed()
    await two.calm()
    assert await two.fr.rows("select count(*) from trust_record where direction = 'out' and acked is null") == [(0,)]


async def test_a_revoked_peer_is_told_and_heard_no_more(two: Two) -> None:
    """The end reaches the peer as a signed record; its own records meet a bare 403 from then on."""
    await two.fr.changes("peer.revoke")
    await two.until(lambda: two.al.peer().standing(two.clock.now()).missing == "their side has revoked it", seconds=30)
    assert "peer.revoked_us" in await two.al.alarms()
    await two.al.changes("peer.suspend")
    await two.calm()
    assert await two.al.rows("select count(*) from trust_record where direction = 'out' and acked is null") == [(1,)]
    with pytest.raises(RefusedError, match="the peer is revoked"):
        await two.fr.changes("peer.resume")


async def test_what_waits_for_a_revoked_peer_fails_at_once(two: Two) -> None:
    """What has not departed can never go: its sender is told now, and not when its life is over. What has departed may
    have arrived, and keeps its time.
    """
    wire = Spoiler(two.fr)
    wire.deaf = True
    departed = await two.fr.submit("departed")
    await two.until(lambda: bool(wire.asked), seconds=30)
    wire.away = True
    waiting = await two.fr.submit("waiting")
    await two.fr.changes("peer.revoke")
    await two.until(lambda: two.fr.peer().state is PeerState.REVOKED, seconds=30)

    async def failed() -> bool:
        return await two.fr.state(waiting) == "failed"

    await two.until(failed, seconds=120)
    assert (await two.fr.show(waiting))["reason"] == "not_active"
    assert await two.fr.state(departed) == "awaiting_receipt"
    assert "message.failed" in await two.fr.alarms()


async def test_no_content_in_any_of_it(two: Two) -> None:
    """Changes, approvals and records hold ids, codes and times: a marked value of a case is nowhere in them."""
    await two.fr.submit("MARKED-VALUE")
    await two.fr.changes("peer.suspend")
    for table, column in (("change", "payload"), ("approval", "document"), ("trust_record", "document")):
        for (data,) in await two.fr.rows(f"select {column} from {table}"):
            assert b"MARKED-VALUE" not in bytes(data)


async def test_ten_changes_at_once_are_judged_one_after_the_other(two: Two) -> None:
    """Whoever comes second meets what the first has done: exactly one of many suspensions is made."""
    answers = await asyncio.gather(
        *(aplay(change([ANA], "peer.suspend", "AL"), two.fr.call) for _ in range(5)), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {error.code for error in answers if isinstance(error, RefusedError)} <= {Code.CONFLICT, Code.EXISTS}
