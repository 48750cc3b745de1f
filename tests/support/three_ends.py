"""How a walk of three nodes ends: every wire and clock is mended, everything comes to rest, and what was promised is
looked for on each node.
"""

from __future__ import annotations

from contextlib import suppress

from support.holders import signed
from support.promises import WITHDRAWAL, Letter
from support.three_acts import Acts
from support.three_letters import record_name
from support.three_nodes import NAMES, WAYS, Trio
from support.three_restores import Restores

from gateway.erasure.case_system import GROUNDS
from gateway.errors import GatewayError
from gateway.federation.time_rules import Doubt

HOUR = 3_600
ROUNDS = 30
AWAY = frozenset({"awaiting_handover", "awaiting_opening", "opened"})
"""States of a message of which its sender believes that the peer has it."""
TOLD = AWAY - {"awaiting_handover"}
ENDED = AWAY | {"failed", "rejected", "cancelled"}


async def come_to_rest(trio: Trio, restores: Restores) -> None:
    """Mend everything, and let everybody work until nothing waits."""
    trio.board.mend()
    for party in trio.parties.values():
        party.system.busy = 0
    trio.set_clocks_right()
    for tried in range(ROUNDS):
        trio.pass_time(HOUR if tried < 8 else 4 * HOUR)  # a clock that was ahead of us is overtaken
        await _take_back_wrong_times(trio)
        await restores.begin_links_anew()
        await restores.withdraw_what_came_back()
        await restores.send_again()
        for name in NAMES:
            await trio.do_chores(name)
            await _replace_lost_keys(trio, name)
            for other in set(NAMES) - {name}:
                trio.node(name).wakeups.peer_called(trio.node(other).own.node)
        for way in WAYS:
            await trio.carry(*way)
        for name in NAMES:
            await trio.hand_over(name)
        if not [name for name in NAMES if await _waits(trio, name)]:
            return
    raise AssertionError("something waits for ever: " + repr({name: await _waits(trio, name) for name in NAMES}))


async def _take_back_wrong_times(trio: Trio) -> None:
    """Two administrators of a node that believed a time of the future take it back. Alone it believes none: somebody
    else whose clock was wrong too has signed one.
    """
    for name in NAMES if len(trio.misled) > 1 else ():
        if trio.node(name).time.standing().doubt is Doubt.BACK:
            with suppress(GatewayError):
                await trio.parties[name].changes("clock.reset", "clock")


async def _replace_lost_keys(trio: Trio, name: str) -> None:
    """Root holders meet where an alarm asks for it: by the time that a node wrongly believed, keys of it had ended."""
    party = trio.parties[name]
    if len(trio.misled) > 1 and "own.no_key" in await party.alarms():
        try:
            asked = await party.call("keys.request", by="admin", rotate=["sig"], at_once=True)
        except GatewayError:
            return  # it dates nothing yet
        done = await party.call("keys.publish", by="admin", document=signed(trio.base, name, asked["request"]))
        assert done["silent"] == [], f"{name} lists keys that it does not have"


async def _waits(trio: Trio, name: str) -> list[str]:
    tables = ("outbox", "inbox", "receipt_due", "link_gap")
    waits = [table for table in tables if await trio.rows(name, f"select 1 from {table} limit 1")]
    return waits + [f"clock: {doubt}" for doubt in [trio.node(name).time.standing().doubt] if doubt]


async def nothing_erased_is_readable(trio: Trio) -> None:
    """At each node, after each step: no mark of what was erased there, and each mark of what is kept by law."""
    promises = trio.promises
    for name in NAMES:
        erased = {id for id in promises.erased[name] if id in promises.letters}
        kept = [letter for letter in promises.letters.values() if (name, letter.conversation) in promises.kept]
        if not erased and not kept:
            continue
        stored, shown = await trio.readable(name), trio.shown(name)
        for id in erased:
            letter = promises.letters[id]
            if letter.mark not in stored and letter.mark not in shown:
                continue
            asked = await _still_asked(trio, name, id)
            left = stored.replace(record_name(letter.mark), "") if asked else stored  # it is asked by this name
            assert letter.mark not in left, f"{name} can read an erased {letter.kind}"
            assert letter.mark not in shown or asked, f"{name} shows an erased message"
        for letter in kept:
            assert letter.mark in stored or letter.id in erased or not _has(trio, name, letter), f"{name} lost {letter}"


async def nothing_erased_opens(trio: Trio) -> None:
    """Whoever recorded the wire and takes a node opens nothing of what the node said to be erased (nrm1 6.2), but for
    what came once more and is about to be told again.
    """
    told = "select m.id from message m join erasure e on e.message = m.ref where direction = 'in' and told is not null"
    for name in NAMES:
        state = trio.state(name)
        for (id,) in await trio.rows(name, told) if trio.shut.get(name) != state else ():
            opens = trio.heard.wiretap.is_open_to(trio.node(name).keys, id)
            assert not opens, f"the keys of {name} open an erased {trio.heard.opened[id].kind}"
        trio.shut[name] = state


async def _still_asked(trio: Trio, name: str, id: str) -> bool:
    """Whether the case system has yet to answer: the node ended before it asked."""
    query = "select e.place from erasure e join message m on m.ref = e.message where m.id = '" + id + "'"
    return await trio.rows(name, query) in ([("due",)], [])


def _has(trio: Trio, name: str, letter: Letter) -> bool:
    return name == letter.by or (name, letter.id) in trio.promises.arrived


async def every_promise_is_kept(trio: Trio, acts: Acts) -> None:
    """At rest: nothing was lost, nothing cancelled arrived, withdrawals were told, numbers have no holes."""
    promises = trio.promises
    for letter in promises.letters.values():
        await _was_not_lost(trio, letter)
    for node, consent in acts.withdrawn:
        promises.everybody_was_told(node, consent)
    for sender, receiver in WAYS:
        await _has_no_holes(trio, sender, receiver)
    await _nobody_relies_on_what_was_withdrawn(trio, acts)
    await nothing_erased_is_readable(trio)
    await nothing_erased_opens(trio)


async def whoever_wanted_it_is_forgotten(trio: Trio) -> None:
    """What a person asked other nodes to erase is gone there a day later, but for what a legal hold kept. A node whose
    clock was wrong dated its day wrongly.
    """
    promises = trio.promises
    for name in set(NAMES) - trio.misled:
        stored = await trio.readable(name)
        for letter in [promises.letters[id] for id in promises.asked[name]]:
            kept = (name, letter.conversation) in promises.spared
            assert kept or letter.mark not in stored, f"{name} can read a {letter.kind} that it was asked to erase"


async def _was_not_lost(trio: Trio, letter: Letter) -> None:
    """At both ends, as far as these remember: a backup knows nothing of what came after it."""
    promises, who = trio.promises, f"{letter.kind} from {letter.by} to {letter.to}"
    came = (letter.to, letter.id) in promises.arrived
    if letter.id not in promises.forgotten[letter.by]:
        state = (await trio.parties[letter.by].show(letter.id))["state"]
        assert state in ENDED, f"{who} is {state} for ever"
        assert state in AWAY or not came, f"{who} arrived and is {state}"
        handed = came and letter.mark in trio.shown(letter.to) and letter.id not in promises.forgotten[letter.to]
        assert state in TOLD or not handed, f"{who} was handed over and is {state}"
        shown = letter.id in promises.forgotten[letter.to] and await _case_system_has(trio, letter)
        assert state not in AWAY or came or shown, f"{who} is {state} and never arrived"
    if promises.person_of[letter.conversation] in promises.wanted:
        return
    gone = promises.forgotten[letter.by] | promises.erased[letter.by]
    if letter.id not in gone and not await _was_over(trio, letter.by, letter):
        assert letter.mark in await trio.readable(letter.by), f"{who} is lost where it was written"
    if came and letter.id not in promises.erased[letter.to] and not await _was_over(trio, letter.to, letter):
        assert letter.mark in await trio.readable(letter.to), f"{who} is lost where it arrived"
        held = any(consent == letter.consent for _, consent in promises.stopped)  # taken back before it was handed over
        assert held or letter.mark in trio.shown(letter.to), f"{who} was never handed over"


async def _was_over(trio: Trio, name: str, letter: Letter) -> bool:
    """Whether a rule ended it at a time on which two nodes wrongly agreed, so that more said that time than another."""
    if len(trio.misled) < 2 or name not in trio.misled:
        return False
    query = f"select e.reason from erasure e join message m on m.ref = e.message where m.id = '{letter.id}'"
    return any(reason not in GROUNDS for (reason,) in await trio.rows(name, query))


async def _case_system_has(trio: Trio, letter: Letter) -> bool:
    """Whether the case system was given it before its node was put back, or it was erased there."""
    return letter.mark in trio.shown(letter.to) or letter.id in trio.promises.erased[letter.to]


async def _has_no_holes(trio: Trio, sender: str, receiver: str) -> None:
    ids = {name: trio.node(name).own.node for name in (sender, receiver)}
    query = (
        "select n, id, l.link from link_number l join link using (peer, direction, epoch) "
        "where peer = '{}' and direction = '{}' order by n"
    )
    out = await trio.rows(sender, query.format(ids[receiver], "out"))
    came = await trio.rows(receiver, query.format(ids[sender], "in"))
    assert out == came, f"{sender} and {receiver} differ about the numbers between them"
    assert [n for n, _, _ in out] == list(range(1, len(out) + 1)), f"a number from {sender} to {receiver} is missing"


async def _nobody_relies_on_what_was_withdrawn(trio: Trio, acts: Acts) -> None:
    """Whoever was told of a consent or relied on it knows that it was taken back, and says nothing more on it; where a
    node has erased all that says how to tell a peer, a person telephones.
    """
    promises, telephoned = trio.promises, await _telephoned(trio)
    for _, consent in sorted(acts.withdrawn):
        knowing = {node for way in promises.relied if way[3] == consent for node in way[:2] if _reached(trio, way)}
        for node in sorted(knowing):
            shown = await acts.ask(node, "consent.show", id=consent)
            known = shown is None or node in telephoned or shown["state"] in ("withdrawn", "withdrawn_in_part")
            assert known, f"{node} was not told of a withdrawal"
            for letter in [one for one in promises.letters.values() if one.consent == consent and one.to == node]:
                with suppress(GatewayError):
                    await acts.answer(letter, "info.request/1")
    for way in WAYS:
        await trio.carry(*way)


async def _telephoned(trio: Trio) -> set[str]:
    """Nodes of which another one has told a person that it cannot tell them what was withdrawn."""
    ids = {trio.node(name).own.node: name for name in NAMES}
    query = "select peer from alarm where kind in ('consent.untold', 'erasure.untold')"
    return {ids[peer] for name in NAMES for (peer,) in await trio.rows(name, query)}


def _reached(trio: Trio, way: tuple[str, str, str, str]) -> bool:
    _, receiver, conversation, _ = way
    return any(
        one.conversation == conversation and one.receiver == receiver and (receiver, one.id) in trio.promises.arrived
        for one in trio.heard.opened.values()
        if one.kind != WITHDRAWAL
    )
