"""A state machine of hypothesis over two honest nodes, a thief with a copy of one key, and a liar.

`Robbed` draws steps of honest people, of the thief (`support.robbed_thief`) and of the liar (`support.robbed_liar`).
What must never happen is looked at after each (`support.robbed_promises`); what a court finds, when somebody shows it
something and at the end (`support.robbed_court`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.robbed_attempts import try_all
from support.robbed_court import Court
from support.robbed_liar import Liar
from support.robbed_logs import witness
from support.robbed_people import accept_anew, begin_anew
from support.robbed_promises import Promises, compare_digits, move_signature
from support.robbed_table import Loot
from support.robbed_thief import Thief
from support.robbed_world import MET, NAMES, World

from gateway.errors import RemoteError
from keys.documents.key_records import Use
from keys.documents.succession import Change

HOUR, MOST_VERSIONS = 3_600, 4
WALKS = settings(
    stateful_step_count=14,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)
"""How long a walk is."""
names, peers, flags = st.sampled_from(NAMES), st.sampled_from((*NAMES, "c")), st.booleans()
numbers = st.integers(0, 11)
shifts = st.sampled_from((0, -60, 60, 200, -HOUR, -48 * HOUR))
"""How far somebody dates something back or ahead."""
seldom = st.integers(0, 7).map(lambda drawn: drawn == 7)
LIES = (
    "say",
    "say",
    "say_twice",
    "jump",
    "commit_to_something_else",
    "speak_as_another",
    "carry_for_others",
    "answer",
    "answer",
    "show_tree",
    "show_tree",
    "show_log_of_another",
    "show_another_self",
    "list_keys_of_another",
    "ask_for_reset",
    "revoke",
    "revoke",
    "date_back",
)
MOVES = st.one_of(
    *(st.tuples(st.just("exchange"), names, peers, flags, flags) for _ in range(3)),
    st.tuples(st.just("replay"), st.integers(0, 50)),
    st.tuples(st.just("time_passes"), st.sampled_from((60, HOUR, 13 * HOUR, 50 * HOUR, 80 * HOUR))),
    st.tuples(st.just("rotate"), names, st.sampled_from((Use.SIG, Use.LOG, Use.WIT)), flags),
    st.tuples(st.just("erase"), names, peers),
    st.tuples(st.just("compare"), names, st.integers(0, 2)),
    st.tuples(st.just("begin_anew"), names, peers, flags),
    *(st.tuples(st.just("use_loot"), numbers, shifts) for _ in range(3)),
    st.tuples(st.just("revoke"), st.sampled_from((0, 60, 2 * HOUR)), flags),
    st.tuples(st.just("show_stolen"), st.sampled_from(("b", "c")), seldom),
    *(st.tuples(st.just("lie"), st.sampled_from(LIES), names, numbers, seldom) for _ in range(4)),
    st.tuples(st.just("move"), numbers, numbers),
    st.tuples(st.just("show"), names, peers, seldom),
)
"""One step: the name of a method of `Robbed`, and what it is given. They are the moves of one rule, since hypothesis
leaves out rules in half of its walks, and a theft without a revocation asks little.
"""


class Robbed(RuleBasedStateMachine):
    """What three parties and a thief do to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.thief, self.liar = Thief(self.world), Liar(self.world)
        self.promises = Promises(self.world, self.thief)
        self.court = Court(self.world, self.thief, self.liar)
        MET["walks"] += 1

    @initialize(loot=st.sampled_from(Loot), seen=flags)
    def begin(self, loot: Loot, seen: bool) -> None:
        """Something was said before; what will be stolen is chosen."""
        self.loot = loot
        self.exchange("a", "b", back=True, seen=False)
        self.exchange("b", "a", back=True, seen=seen)

    @rule(move=MOVES)
    def step(self, move: tuple[Any, ...]) -> None:
        """One move."""
        getattr(self, move[0])(*move[1:])

    # --- honest people and nodes ----------------------------------------------------------------------------------

    def exchange(self, by: str, to: str, back: bool, seen: bool) -> None:
        """A message is written and sent, with all that waits; the answer may be lost, the logs are witnessed or not."""
        if by != to:
            self.world.write(by, to)
            self.world.carry(by, to, back=back)
            self._go_on(seen)

    def replay(self, number: int) -> None:
        """A request comes once more, or at last."""
        passed = [sent for sent in self.world.posts if sent.to != self.world.id_of("c")]
        if passed:
            with suppress(RemoteError):
                self.world.deliver(passed[number % len(passed)])

    def time_passes(self, seconds: int) -> None:
        """Time passes."""
        self.world.pass_time(seconds)

    def rotate(self, by: str, use: Use, told: bool) -> None:
        """The roots meet, for a new key."""
        if len(self.world.nodes[by].chain) < MOST_VERSIONS:
            self.world.change_keys(by, Change(rotate=frozenset({use}), at_once=True), told=told)

    def erase(self, at: str, by: str) -> None:
        """A person has something erased."""
        if at != by:
            self.world.erase(at, by)

    def compare(self, by: str, cut: int) -> None:
        """Two people compare digits and versions."""
        compare_digits(self.world.nodes[by], self.world.other(self.world.nodes[by]), cut)

    def begin_anew(self, by: str, of: str, begin: bool) -> None:
        """People of a node that lost something begin a link anew; or a person of the other side accepts it."""
        if begin:
            begin_anew(self.world, by)
        elif by != of:
            accept_anew(self.world, by, of)

    # --- the thief and the liar -----------------------------------------------------------------------------------

    def use_loot(self, other: int, shift: int) -> None:
        """Something is copied, and the thief tries everything with it."""
        if self.thief.loot is None:
            self.thief.steal(self.loot)
            self._go_on(seen=False)
        try_all(self.thief, other, shift)
        self._go_on(seen=False)

    def revoke(self, margin: int, told: bool) -> None:
        """The owner notices."""
        if self.thief.loot is not None:
            self.thief.owner_revokes(margin, told=told)
            self._go_on(seen=False)

    def show_stolen(self, about: str, both: bool) -> None:
        """A court is shown what came of it."""
        self.court.hear_thief(about, both=both)
        if about == "c":
            self.court.hear_witness(both=both)

    def lie(self, what: str, to: str, other: int, seen: bool) -> None:
        """The liar says something, shows something, or changes what it is."""
        match what:
            case "revoke":
                self.liar.change(revoke_since=1)
            case "date_back":
                self.liar.change(revoke_since=1, back=True)
            case "list_keys_of_another":
                self.liar.list_keys_of_another(other)
            case "say":
                self.liar.say(to)
            case _:
                getattr(self.liar, what)(to, other)
        self._go_on(seen)

    def move(self, number: int, other: int) -> None:
        """A signature is taken to where it does not belong."""
        move_signature(self.world, number, other)

    # --- a court --------------------------------------------------------------------------------------------------

    def show(self, by: str, about: str, both: bool) -> None:
        """Somebody shows what there is."""
        if by != about:
            self.court.hear_honest(by, about, both=both)
            self.court.hear_of_two(by, both=both)
            self.court.hear_swapped(by, both=both)

    @invariant()
    def promises_hold(self) -> None:
        """What must never happen did not."""
        self.promises.look()

    def teardown(self) -> None:
        """At the end everything is shown once."""
        if self.thief.loot is not None:
            self.show_stolen("c", both=False)
        self.show("a", "c", both=False)

    def _go_on(self, seen: bool) -> None:
        """A minute passes; the logs of the honest nodes are witnessed or not."""
        self.world.clock.at += 60
        for name in NAMES if seen else ():
            witness(self.world, name)
