"""The history of a peer is verified from what is on the disk (nrm1 8.9; threats 37, 94)."""

from __future__ import annotations

import asyncio

from support.ceremony import ADMINS
from support.pair import Party, Two
from support.tables import Faults
from support.trusting import copy_by_hand, edit_by_hand, put_back_by_hand, scope_of

from gateway.errors import Code

ANA, BEN = ADMINS
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


async def test_row_37_an_altered_byte_is_named(two: Two) -> None:
    """Whatever is edited in the database by hand is named at its place by `peer.show`, and no longer once it is put
    back.
    """
    await two.fr.changes("peer.narrow", scope=await scope_of(two.fr, max_bytes=999_000))
    await two.fr.changes("peer.suspend")
    written = await asyncio.to_thread(copy_by_hand, two.fr)
    with Faults() as faults:
        for altered, (statement, place) in ALTERED.items():
            with faults.row(altered):
                await asyncio.to_thread(edit_by_hand, two.fr, statement)
                found = (await two.fr.call("peer.show", id="AL"))["faults"]
                await asyncio.to_thread(put_back_by_hand, two.fr, written)
                assert any(fault.startswith(place) for fault in found), found
                assert (await two.fr.call("peer.show", id="AL"))["faults"] == []


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
