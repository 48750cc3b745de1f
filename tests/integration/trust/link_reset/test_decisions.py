"""What people decide about the link of a restored node, and what comes of messages on it (nrm1 5.11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from support.promises import Letter
from support.three_acts import Acts
from support.three_led import Led, led

from gateway.errors import TransientError
from gateway.peers.registry import Peer

DAY = 86_400
BEFORE_IT_IS_ASKED = 4
"""Writes of a sender until it has numbered what waits."""
End = Callable[[Acts, Letter], Awaitable[object]]
ENDS: dict[str, End] = {
    "cancelled": lambda acts, letter: acts.cancel(letter),
    "gate_g2": lambda acts, letter: acts.split(letter.by, letter),
    "gate_g7": lambda acts, letter: acts.withdraw(letter.by, letter.consent),
    "erased": lambda acts, letter: acts.erase(letter.by, letter),
}
"""Why a message may go no longer: a person stops it, says that it is about somebody else, withdraws, or erases it."""


def wait_anew(three: Led, *, known: bool) -> Letter:
    """A message of AL that came to FR, which lost its receipts, its disk, and, where it is not `known` to its backup,
    the message too; both have begun their link anew, and the message waits.
    """
    three.refer("AL", "FR", person=1)
    three.carry("AL", "FR")
    letter = three.refer("AL", "FR")
    if not known:
        three.do(three.restores.back_up("FR"))
    three.trio.board.deaf.add(("AL", "FR"))
    three.carry("AL", "FR")
    if known:
        three.do(three.restores.back_up("FR"))
    three.do(three.restores.lose("FR", ledger=True))
    three.trio.board.mend()
    three.do(three.restores.begin_links_anew())
    assert state_of(three, letter)[0] == "queued"
    return letter


def restore_both(three: Led) -> Letter:
    """FR was backed up, AL has sent it a message, which FR signed for and has not handed over, and was backed up; both
    lost their disks. The message.
    """
    three.refer("AL", "FR", person=1)
    three.carry("AL", "FR")
    three.do(three.restores.back_up("FR"))
    three.trio.parties["FR"].system.busy = 1_000
    letter = three.refer("AL", "FR")
    three.carry("AL", "FR")
    assert state_of(three, letter) == ("awaiting_handover", None)
    three.do(three.restores.back_up("AL"))
    for name in ("AL", "FR"):
        three.do(three.restores.lose(name, ledger=True))
    three.trio.parties["FR"].system.busy = 0
    return letter


@pytest.mark.parametrize("crossed", [False, True], ids=["one after the other", "both ask at once"])
def test_of_two_restored_nodes_each_is_told_what_it_forgot(crossed: bool):
    """FR asks first. AL, which was restored too, accepts that, or asks as well, and FR accepts; whoever has accepted
    without being accepted asks anew. What AL had sent after the backup of FR goes again, and nobody waits for anything.
    """
    with led() as three:
        letter = restore_both(three)
        first, second = three.trio.parties["FR"], three.trio.parties["AL"]
        three.do(first.changes("link.reset", "AL"))
        if crossed:
            three.do(second.changes("link.reset", "FR"))
            three.do(second.running.link_reset.press())
            first, second = second, first
        three.do(first.running.link_reset.press())
        three.do(second.changes("link.accept_reset", first.name))
        three.do(first.running.link_reset.press())
        assert (reset_of(three, first.name), reset_of(three, second.name)) == ("open", "required")
        three.do(three.restores.begin_links_anew())
        assert [reset_of(three, name) for name in ("AL", "FR")] == ["open", "open"]
        assert state_of(three, letter) == ("queued", None)
        three.carry("AL", "FR")
        assert letter.mark in three.do(three.trio.readable("FR"))
        asked = "select count(*) from alarm where kind like 'peer.link_reset%' and dismissed is null"
        assert [three.do(three.trio.rows(name, asked)) for name in ("AL", "FR")] == [[(0,)]] * 2


def test_a_node_that_starts_while_its_peer_asks_is_not_older():
    """Two people of FR have approved that the link begins anew, and FR has not asked yet: AL starts, compares, and
    waits for the request.
    """
    with led() as three:
        three.refer("AL", "FR")
        three.carry("AL", "FR")
        three.do(three.restores.back_up("FR"))
        three.do(three.restores.lose("FR", ledger=True))
        three.do(three.trio.parties["FR"].changes("link.reset", "AL"))
        three.do(three.trio.end("AL"))
        three.do(three.trio.open("AL"))
        with pytest.raises(TransientError, match="has yet to ask"):
            three.do(three.trio.node("AL").comparison.require(peer_of(three, "AL")))
        assert reset_of(three, "AL") == "open"
        three.do(three.trio.parties["FR"].running.link_reset.press())
        assert offer_of(three, "AL", "FR") is not None


def test_a_node_that_is_restored_twice_is_told_of_all_it_forgot():
    """It was backed up again before its link began anew, and lost again: that backup knows no more than the first."""
    with led() as three:
        three.do(three.restores.back_up("FR"))
        three.trio.parties["FR"].system.busy = 1_000
        letter = three.refer("AL", "FR")
        three.carry("AL", "FR")
        three.do(three.restores.lose("FR", ledger=True))
        three.trio.parties["FR"].system.busy = 0
        three.trio.pass_time(DAY)
        three.do(three.restores.back_up("FR"))
        three.do(three.restores.lose("FR", ledger=True))
        three.do(three.restores.begin_links_anew())
        assert state_of(three, letter) == ("queued", None)
        for name in ("FR", "AL"):
            three.do(three.trio.do_chores(name))
        three.carry("AL", "FR")
        assert letter.mark in three.do(three.trio.readable("FR"))


def peer_of(three: Led, name: str) -> Peer:
    """The one of AL and FR to the other."""
    return three.trio.node(name).peers.find(three.trio.node("FR" if name == "AL" else "AL").own.node)


def reset_of(three: Led, name: str) -> str:
    """Where the link between AL and FR stands at one of them."""
    row = three.trio.node(name).peers.reset(peer_of(three, name).node)
    return "open" if row is None else row.state


def offer_of(three: Led, name: str, other: str) -> bytes | None:
    """What the other asks of this one about their link, and nobody has answered."""
    row = three.trio.node(name).peers.reset(three.trio.node(other).own.node)
    return None if row is None else row.offer


def state_of(three: Led, letter: Letter) -> tuple[str, str | None]:
    """What its sender believes of a message, and why."""
    query = f"select state, reason from message where direction = 'out' and id = '{letter.id}'"
    ((state, reason),) = three.do(three.trio.rows(letter.by, query))
    return state, reason


@pytest.mark.parametrize("why", ENDS)
def test_what_the_restored_peer_has_is_told_as_arrived(why: str):
    """A message that may go no longer, and that the peer's backup holds, does not end as failed or cancelled."""
    with led() as three:
        letter = wait_anew(three, known=True)
        three.do(ENDS[why](three.acts, letter))
        three.carry("AL", "FR")
        assert state_of(three, letter) == ("awaiting_handover", None)


@pytest.mark.parametrize("why", ENDS)
def test_what_the_restored_peer_lost_can_never_arrive(why: str):
    """A message that may go no longer, and that the peer lost with its disk, is fenced and ends with its reason."""
    with led() as three:
        letter = wait_anew(three, known=False)
        three.do(ENDS[why](three.acts, letter))
        three.carry("AL", "FR")
        assert state_of(three, letter) == ("failed", "cancelled" if why == "erased" else why)
        assert letter.mark not in three.do(three.trio.readable("FR"))


def test_a_life_that_is_over_is_asked_about():
    """Whose 14 days are over before the link begins anew is told as failed at once, and as arrived once asked."""
    with led() as three:
        letter = wait_anew(three, known=True)
        three.trio.pass_time(15 * DAY)
        three.do(three.trio.do_chores("AL"))
        assert state_of(three, letter) == ("voiding", "expired")
        three.do(three.trio.do_chores("FR"))
        three.carry("AL", "FR")
        assert state_of(three, letter) == ("awaiting_handover", None)


def test_what_was_answered_before_uses_its_new_number():
    """A message that the restored peer has comes sealed to a key that was lost with the disk: the stored answer alone
    would leave its number missing for ever (nrm1 5.13).
    """
    with led() as three:
        letter = wait_anew(three, known=True)
        three.carry("AL", "FR")
        assert state_of(three, letter) == ("awaiting_handover", None)
        query = "select n, id from link_number where direction = '{}' and epoch = 2 order by n"
        sent = three.do(three.trio.rows("AL", query.format("out")))
        assert three.do(three.trio.rows("FR", query.format("in"))) == sent
        assert letter.id in [id for _, id in sent]


def test_a_word_about_the_number_of_before_leaves_no_number_missing():
    """A message that the restored peer has is numbered anew, and its sender ends before that is asked; meanwhile the
    peer tells that it was handed over. The new number is asked all the same.
    """
    with led() as three:
        letter = wait_anew(three, known=True)
        stopped = three.trio.step(
            three.trio.carry("AL", "FR"), lambda: three.trio.kill("AL"), BEFORE_IT_IS_ASKED, writes=True
        )
        three.do(stopped)
        assert state_of(three, letter) == ("awaiting_receipt", None)
        three.do(three.trio.hand_over("FR"))
        three.carry("FR", "AL")
        assert state_of(three, letter) == ("awaiting_receipt", None)
        three.carry("AL", "FR")
        assert state_of(three, letter) == ("awaiting_opening", None)


def test_the_record_of_a_withdrawn_consent_stays():
    """What the peer lost goes anew, but for the record of a consent that was withdrawn meanwhile (domain 3.7)."""
    with led() as three:
        letter = wait_anew(three, known=False)
        three.do(three.acts.withdraw("AL", letter.consent))
        left = len(three.trio.heard.opened)
        three.carry("AL", "FR")
        assert {posted.kind for posted in [*three.trio.heard.opened.values()][left:]} == {"consent.withdrawal/1"}


def test_what_is_erased_and_comes_once_more_opens_to_nobody():
    """A message that the restored peer has is erased there, and comes again, sealed to a key of today: that key goes as
    well, and the sender is told again (nrm1 6.2).
    """
    with led() as three:
        letter = wait_anew(three, known=True)
        three.do(three.acts.erase("FR", letter))
        three.carry("AL", "FR")
        keys = three.trio.node("FR").keys
        assert three.trio.heard.wiretap.is_open_to(keys, letter.id)
        three.do(three.trio.do_chores("FR"))
        assert not three.trio.heard.wiretap.is_open_to(keys, letter.id)
        three.carry("FR", "AL")
        told = "select status from receipt where direction = 'received' and id = '" + letter.id + "'"
        assert ("erased",) in three.do(three.trio.rows("AL", told))
