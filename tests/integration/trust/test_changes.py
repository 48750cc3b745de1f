"""Changes of trust between two real nodes: digits, four eyes, delay (nrm1 8.9; threats 36, 37)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS, change
from support.pair import START, Two, aplay, make_party
from support.trusting import approve, digits, edit_by_hand, refused, scope_of

from gateway.changes.rules import DAY, HOUR
from gateway.errors import Code, RefusedError
from keys.documents.approvals import read_approval
from keys.documents.change import Change
from keys.documents.trust_record import parse_trust
from keys.offline.administrator_key import Admin, new_admin
from keys.primitives.domains import TRUST
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

ANA, BEN = ADMINS


async def test_row_36_one_wrong_digit_refuses(met: Two) -> None:
    """Any one of the 60 digits wrong: refused, logged, and the peer stays proposed."""
    right = await digits(met.fr)
    assert right == await digits(met.al)
    for place in (0, 36, 70):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        with pytest.raises(RefusedError, match="the digits are not those of this pair") as caught:
            await met.fr.call("change.prepare", action="peer.activate", subject="AL", digits=wrong, channel="video")
        assert caught.value.code is Code.WRONG_NODE
    assert met.fr.peer().state == "proposed"
    leaves = await met.fr.rows("select count(*) from audit where instr(cast(leaf as text), 'peer.digits_wrong')")
    assert leaves == [(3,)]


async def test_row_36_what_was_compared_is_what_is_held(met: Two) -> None:
    """A change that names another fingerprint or descriptor, or a channel that nobody can compare over, is refused."""
    asked = await met.fr.call(
        "change.prepare", action="peer.activate", subject="AL", digits=await digits(met.fr), channel="video"
    )
    body = asked["change"]["body"]
    changed = "the peer's descriptor has changed meanwhile"
    for other, code, words, hint in (
        ({"fingerprint": met.fr.running.own.descriptor.fingerprint}, Code.CONFLICT, changed, "compare again"),
        ({"descriptor": body["descriptor"] | {"version": 2}}, Code.CONFLICT, changed, "compare again"),
        ({"channel": "rumour"}, Code.INVALID, "the channel is one of", ""),
    ):
        wrong = asked["change"] | {"body": body | other}
        approval = ANA.approve(Change.parse(canon(wrong)), at=met.clock.now()).document.to_json()
        with pytest.raises(RefusedError, match=words) as caught:
            await met.fr.call("change.propose", change=wrong, approval=approval)
        assert (caught.value.code, caught.value.hint) == (code, hint)
    assert met.fr.peer().state == "proposed"


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
    with pytest.raises(RefusedError, match="another change than the one that its hash names"):
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


async def test_ten_changes_at_once_are_judged_one_after_the_other(two: Two) -> None:
    """Whoever comes second meets what the first has done: exactly one of many suspensions is made."""
    answers = await asyncio.gather(
        *(aplay(change([ANA], "peer.suspend", "AL"), two.fr.call) for _ in range(5)), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {error.code for error in answers if isinstance(error, RefusedError)} <= {Code.CONFLICT, Code.EXISTS}


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


async def test_a_time_that_was_wrongly_believed_is_taken_back_by_two(two: Two) -> None:
    """While the clock is right nothing is taken back; one administrator is not enough; with two the node goes on."""
    with pytest.raises(RefusedError, match="has signed nothing of a later time"):
        await two.fr.changes("clock.reset", "clock")
    two.clock.jump(-DAY)
    shown = await two.fr.changes("clock.reset", "clock", people=[ANA])
    until = shown["change"]["body"]["until"]
    entries = 'select leaf from audit where instr(cast(leaf as text), \'"ev":"clock.reset"\')'
    assert (shown["state"], await two.fr.rows(entries)) == ("pending", [])
    assert (await approve(two.fr, shown["id"], BEN))["state"] == "done"
    ((leaf,),) = await two.fr.rows(entries)
    told = json.loads(leaf)
    assert (told["at"], told["until"]) == (two.clock.now(), until)
    assert until > two.clock.now() + HOUR


async def test_a_record_names_who_approved_it(two: Two) -> None:
    """Those of the very change that it tells, by pseudonym, key and signed approval, and nobody of an earlier one."""
    await two.fr.changes("peer.suspend", people=[BEN])
    await two.fr.changes("peer.resume")
    documents = await two.fr.rows("select document from trust_record where direction = 'out' order by seq")
    told = [parse_trust(SignedDocument.decode(document, TRUST)).approvals for (document,) in documents]
    assert [{one.admin for one in approvals} for approvals in told] == [
        {admin.card.pseudonym for admin in people} for people in (ADMINS, [BEN], ADMINS)
    ]
    approved = await two.fr.rows("select document from approval")
    hashes = {read_approval(document).hash for (document,) in approved}
    assert {one.assertion for approvals in told for one in approvals} <= hashes
    assert {one.credential for approvals in told for one in approvals} == {admin.card.kid for admin in ADMINS}


async def test_row_213_a_change_whose_bytes_were_exchanged_is_not_approved(met: Two) -> None:
    """Whoever edits the database shows another change under a hash: it is shown as damaged, and nobody approves it."""
    shown = await met.fr.changes("peer.activate", people=[ANA])
    other = Change.parse(canon(shown["change"] | {"at": shown["at"] + 1}))
    edit_by_hand(met.fr, f"update change set payload = x'{other.encode().hex()}' where hash = '{shown['id']}'")
    found = await met.fr.call("change.show", id=shown["id"])
    assert (found["action"], found["change"], found["digits"]) == ("damaged", None, None)
    assert found["words"] == [
        "this change is damaged on the disk: this is another change than the one that its hash names"
    ]
    approval = BEN.approve(other, at=met.clock.now()).document.to_json()
    with pytest.raises(RefusedError, match="another change than the one that its hash names") as caught:
        await met.fr.call("change.approve", id=shown["id"], approval=approval)
    assert (caught.value.code, met.fr.peer().state) == (Code.CONFLICT, "verified")


async def test_row_213_a_change_can_be_read_elsewhere_before_anybody_signs(met: Two) -> None:
    """It is kept as it was prepared, without any approval, does nothing yet, and takes as many people as ever."""
    prepared = await met.fr.call(
        "change.prepare", action="peer.activate", subject="AL", digits=await digits(met.fr), channel="video"
    )
    kept = await met.fr.call("change.ask", change=prepared["change"])
    assert (kept["id"], kept["state"], kept["approvals"]) == (prepared["hash"], "pending", [])
    assert (kept["change"], kept["digits"]) == (prepared["change"], prepared["digits"])
    assert met.fr.peer().state == "proposed"
    assert await met.fr.call("change.list", state="pending") == {"changes": [kept]}
    with pytest.raises(RefusedError, match="proposed already"):
        await met.fr.call("change.ask", change=prepared["change"])
    await approve(met.fr, kept["id"], ANA, emergency=True)
    assert met.fr.peer().state == "verified"
    done = await approve(met.fr, kept["id"], BEN, emergency=True)
    assert (done["state"], met.fr.peer().state) == ("done", "active")
    assert (await met.fr.call("peer.show", id="AL"))["faults"] == []


async def test_what_is_kept_unsigned_is_judged_as_what_is_signed(met: Two) -> None:
    """A change of another shape, of a person, or prepared long ago is refused, and none is kept."""
    prepared: Any = (await met.fr.call("change.prepare", action="peer.revoke", subject="AL"))["change"]
    body = {"name": "Eva", "roles": ["case_worker"], "unit": None}
    for wrong, code in (
        (prepared | {"body": {"more": 1}}, Code.INVALID),
        (prepared | {"subject": f"person/{ANA.card.pseudonym}", "action": "person.enrol", "body": body}, Code.INVALID),
        (prepared | {"at": prepared["at"] - HOUR}, Code.STALE),
        (prepared | {"node": met.al.running.own.node}, Code.WRONG_NODE),
    ):
        with pytest.raises(RefusedError) as caught:
            await met.fr.call("change.ask", change=wrong)
        assert caught.value.code is code
    assert await met.fr.call("change.list", state="pending") == {"changes": []}
