"""Whoever copies any one key of a node, and a node that lies, together or alone: what the protocol promises holds.

Secrecy, and that what was destroyed opens nothing; that what is accepted was stated so, once, and what is confirmed is
stored; that a signature serves what it was made for; that a thief frames nobody and a signer voids nothing that was
witnessed; that who signs two things is named, and nobody else; that a witness keeps one tree; that no link begins anew
without people. The list with its clauses is in `support.robbed_promises`; what each theft permits, and what it never
does, is the table in `support.robbed_table`. The parties are real but for sockets and threads (`support.robbed_nodes`).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.robbed_table import TABLE, Loot
from support.robbed_walks import LIES, MET, WALKS, Robbed

from keys.documents.key_records import Use

FEW, MANY = 10, 250
"""Walks of the short form, and of one half of a round of the long one."""
HALVES = (0, 1)
"""Both go on at once, in processes of their own."""
DONE = ("accepted", "heard", "bundles", "witnessed", "liar was believed", "signatures moved")
"""What was seen even in the short form."""
TOLD = (
    "liar was believed",
    "liar confirmed",
    "liar named",
    "liar could not void",
    "liar dated its roots back",
    "liar's log cosigned",
    "another content was noticed",
    "committed to something else",
    "listed a key of another",
    "log is unknown",
    "new epoch without people",
    "not cosigned",
    "reset offered",
    "second content kept as proof",
    "two selves proven",
)
"""What came of lies, each of which is told once."""


def walk(loot: Loot) -> Robbed:
    """The beginning of a walk that is led by a test."""
    walked = Robbed()
    walked.begin(loot, seen=True)
    return walked


def end(walked: Robbed) -> None:
    """Its end."""
    walked.promises_hold()
    walked.teardown()


@pytest.mark.parametrize("loot", Loot, ids=lambda loot: loot.name)
def test_a_theft_permits_what_the_table_says_and_nothing_else(loot: Loot) -> None:
    """Everything in both columns was tried: the one came true, the other never did, before and after the revocation."""
    before = MET.copy()
    walked = walk(loot)
    for other, shift in ((0, 0), (1, -60), (2, 0), (3, 60), (6, 0)):
        walked.use_loot(other, shift)
        walked.exchange("b", "a", back=True, seen=False)
        walked.promises_hold()
    walked.show_stolen("b", both=True)
    walked.erase("b", "a")
    walked.rotate("a", Use.LOG, told=True)
    walked.use_loot(1, -60)
    walked.revoke(60, told=True)
    for other, shift in ((0, 0), (2, -3_600), (4, 0)):
        walked.use_loot(other, shift)
        walked.show_stolen("c", both=other == 0)
        walked.promises_hold()
    walked.show_stolen("b", both=False)
    end(walked)
    power = TABLE[loot]
    assert MET["erased"] > before["erased"]
    assert [words for words in (*power.can, *power.never) if MET[loot, words] == before[loot, words]] == []


def test_a_liar_tells_every_lie() -> None:
    """What each lie comes to, told to both nodes in one walk of which the thief has nothing."""
    before = MET.copy()
    walked = walk(Loot.FILE)
    for to in ("a", "b"):
        for other in range(4):
            walked.lie("say", to, other, seen=True)
            walked.exchange(to, "c", back=True, seen=False)
            for what in ("say_twice", "jump", "commit_to_something_else", "answer", "show_tree"):
                walked.lie(what, to, other, seen=False)
        walked.show(to, "c", both=True)
        walked.promises_hold()
    walked.lie("revoke", "a", 0, seen=False)
    walked.show("a", "c", both=True)
    walked.lie("say", "a", 0, seen=True)
    walked.lie("date_back", "a", 0, seen=False)
    walked.show("a", "c", both=False)
    for what in [*dict.fromkeys(LIES)]:
        walked.lie(what, "b", 1, seen=False)
    end(walked)
    assert [words for words in TOLD if MET[words] == before[words]] == []


def test_no_thief_and_no_liar_breaks_a_promise() -> None:
    """A few walks, the same ones each time, and honest nodes do not only refuse in them."""
    run_state_machine_as_test(Robbed, settings=settings(WALKS, max_examples=FEW, derandomize=True))
    assert [words for words in DONE if not MET[words]] == []


@pytest.mark.deep
@pytest.mark.timeout(7_200)  # also on a machine that does other things
@pytest.mark.parametrize("half", HALVES)
def test_no_thief_and_no_liar_ever_breaks_a_promise(
    half: int, run_seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Half a round of other walks breaks no promise."""
    before = MET["walks"]

    @seed(run_seed * len(HALVES) + half)
    class Walks(Robbed):
        """These walks."""

    run_state_machine_as_test(Walks, settings=settings(WALKS, max_examples=MANY, phases=[Phase.generate]))
    record_property("examples", MET["walks"] - before)
