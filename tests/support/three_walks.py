"""A state machine of hypothesis over three nodes: what people, wires, clocks and power cuts can do to them.

`ThreeNodes` draws steps; each act is one of `support.three_acts`, each walk ends as `support.three_ends` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from support.inwire import Act
from support.promises import Letter
from support.three_led import HOUR, Led
from support.three_letters import ROADS
from support.three_nodes import NAMES, WAYS
from support.three_restores import STEPS

T = TypeVar("T")
MINUTE, DAY = 60, 86_400
MET: Counter[str] = Counter()
"""What the walks of this process did, by operation and refusal."""
WALKS = settings(
    stateful_step_count=15,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)
"""How long a walk is. The first failure ends a run, and nothing looks for another one; it is made small and not
explained: for that hypothesis traces every line of each try.
"""

JUMPS = (-2 * DAY, -HOUR, 15 * MINUTE, 20 * HOUR, 2 * DAY, 400 * DAY)
STOPS = ("cancel", "withdraw", "erase", "hold")
"""What a person does that keeps a message from leaving."""
HAPPENS = ("nothing", "end of sender", "end of receiver", *STOPS)
"""What can happen while one node carries something to another."""

names, ways, persons = st.sampled_from(NAMES), st.sampled_from(WAYS), st.integers(0, 1)
sides = st.sampled_from(("by", "to"))
moments = st.integers(0, 40)
"""How many reads, writes and requests of a step pass before something else happens."""
writes = st.none() | st.integers(0, 9)
"""Before which of its writes it happens, where only these count."""
ends = st.none() | moments
"""At which of them the node ends, if it does."""


class ThreeNodes(RuleBasedStateMachine):
    """People of three countries, and what happens to their nodes."""

    letters: Bundle[Letter] = Bundle("letters")

    def __init__(self) -> None:
        super().__init__()
        self.three = Led()
        self.trio, self.acts, self.restores = self.three.trio, self.three.acts, self.three.restores
        MET["walks"] += 1

    def ask(self, work: Coroutine[Any, Any, T], name: str = "", end: int | None = None) -> T:
        """What a person asks of a node, which may end at a moment of it."""
        if end is not None:
            self.trio.moments.set(end, lambda: self.trio.kill(name))
        done = self.three.do(work)
        self.trio.moments.act = None
        return done

    def teardown(self) -> None:
        try:
            if not self.three.broken:
                self.three.end()
        finally:
            MET.update(self.acts.met)
            self.three.close()

    # --- people ---------------------------------------------------------------------------------------------------

    @initialize(target=letters, arrives=st.booleans())
    def begin(self, arrives: bool) -> Any:
        """A person of France with conversations in two countries, another one with one, and one of Albania."""
        ways = (("FR", 0, "AL"), ("FR", 0, "IT"), ("FR", 1, "AL"), ("AL", 0, "FR"))
        made = {way[:2]: self.three.do(self.acts.consent(*way[:2])) for way in ways[1:]}
        roads = zip(ways, (*ROADS, ROADS[0]), strict=True)
        letters = [
            self.three.do(self.acts.refer(made[home, who], home, who, to, road)) for (home, who, to), road in roads
        ]
        if arrives:
            self.carry_everything()
        return multiple(*letters)

    @rule(target=letters, home=names, person=persons, to=names)
    def meet(self, home: str, person: int, to: str) -> Any:
        consent = self.ask(self.acts.consent(home, person)) if to != home else None
        made = consent and self.ask(self.acts.refer(consent, home, person, to))
        return made or multiple()

    @rule(target=letters, letter=letters, to=names, road=st.sampled_from(ROADS), file=st.booleans(), end=ends)
    def refer(self, letter: Letter, to: str, road: str, file: bool, end: int | None) -> Any:
        home, person = self.acts.whose(letter.consent)
        work = self.acts.refer(letter.consent, home, person, to, road, file=file) if to != home else None
        return (work and self.ask(work, home, end)) or multiple()

    @rule(letter=letters, to=names)
    def refer_somebody_else(self, letter: Letter, to: str) -> None:
        home, person = self.acts.whose(letter.consent)
        if to != home and not self.acts.are_one(home, person, 1 - person):
            made = self.ask(self.acts.refer(letter.consent, home, 1 - person, to))
            assert made is None, "a referral of one person was taken on the consent of another"

    @rule(target=letters, letter=letters, kind=st.sampled_from(("info.request/1", "referral.accept/1")))
    def answer(self, letter: Letter, kind: str) -> Any:
        made = self.ask(self.acts.answer(letter, kind)) if self._arrived(letter) else None
        return multiple() if made is None else made

    @rule(target=letters, letter=letters, to=names)
    def pass_on(self, letter: Letter, to: str) -> Any:
        possible = self._arrived(letter) and to not in (letter.by, letter.to)
        made = self.ask(self.acts.pass_on(letter, to)) if possible else None
        return multiple() if made is None else made

    @rule(letter=letters, side=sides, part=st.booleans(), erase=st.booleans(), end=ends)
    def withdraw(self, letter: Letter, side: str, part: bool, erase: bool, end: int | None) -> None:
        name = getattr(letter, side)
        self.ask(self.acts.withdraw(name, letter.consent, part=part, erase=erase), name, end)

    @rule(letter=letters, end=ends)
    def cancel(self, letter: Letter, end: int | None) -> None:
        self.ask(self.acts.cancel(letter), letter.by, end)

    @rule(letter=letters, side=sides, whole=st.booleans(), end=ends)
    def erase(self, letter: Letter, side: str, whole: bool, end: int | None) -> None:
        if side == "by" or self._arrived(letter):
            self.ask(self.acts.erase(getattr(letter, side), letter, whole=whole), getattr(letter, side), end)

    @rule(letter=letters, side=sides, whole=st.booleans(), end=ends)
    def leave(self, letter: Letter, side: str, whole: bool, end: int | None) -> None:
        """A person wants nothing more to do with it: the other side has it, here it is erased before that is told."""
        name = getattr(letter, side)
        self.three.do(self.trio.step(self.trio.carry(letter.by, letter.to)))
        self.ask(self.acts.withdraw(name, letter.consent))
        if side == "by" or self._arrived(letter):
            self.ask(self.acts.erase(name, letter, whole=whole), name, end)

    @rule(letter=letters, side=sides, kept=st.booleans())
    def keep(self, letter: Letter, side: str, kept: bool) -> None:
        act = self.acts.keep if kept else self.acts.release
        self.ask(act(getattr(letter, side), letter))

    @rule(letter=letters, side=sides, feared=st.none() | names)
    def hold(self, letter: Letter, side: str, feared: str | None) -> None:
        name = getattr(letter, side)
        self.ask(self.acts.lift(name, letter) if feared is None else self.acts.hold(name, letter, feared))

    @rule(one=letters, other=letters, side=sides)
    def merge(self, one: Letter, other: Letter, side: str) -> None:
        name = getattr(one, side)
        if name in (other.by, other.to) and one.conversation != other.conversation:
            self.ask(self.acts.merge(name, one, other))

    @rule(letter=letters, side=sides)
    def split(self, letter: Letter, side: str) -> None:
        self.ask(self.acts.split(getattr(letter, side), letter))

    # --- nodes, wires and clocks --------------------------------------------------------------------------------------

    @rule(letter=letters, back=st.booleans(), happens=st.sampled_from(HAPPENS), moment=moments, write=writes)
    def carry(self, letter: Letter, back: bool, happens: str, moment: int, write: int | None) -> None:
        way = (letter.to, letter.by) if back else (letter.by, letter.to)
        at = moment if write is None else write
        self.three.do(
            self.trio.step(self.trio.carry(*way), self._doing(happens, letter, *way), at, writes=write is not None)
        )

    @rule(target=letters, letter=letters, to=names, happens=st.sampled_from(STOPS), write=st.integers(0, 4))
    def stop_while_it_leaves(self, letter: Letter, to: str, happens: str, write: int) -> Any:
        """A person stops a message at the moment in which it is numbered and sent."""
        home, person = self.acts.whose(letter.consent)
        made = self.ask(self.acts.refer(letter.consent, home, person, to)) if to != home else None
        if made is None:
            return multiple()
        act = self._doing(happens, made, home, to)
        self.three.do(self.trio.step(self.trio.carry(home, to), act, write, writes=True))
        return made

    def _doing(self, happens: str, letter: Letter, sender: str, receiver: str) -> Act | None:
        """What can happen while one node carries something to another."""
        return {
            "nothing": None,
            "end of sender": lambda: self.trio.kill(sender),
            "end of receiver": lambda: self.trio.kill(receiver),
            "cancel": lambda: self.acts.cancel(letter),
            "withdraw": lambda: self.acts.withdraw(letter.by, letter.consent),
            "erase": lambda: self.acts.erase(letter.by, letter),
            "hold": lambda: self.acts.hold(letter.by, letter, letter.to),
        }[happens]

    @rule()
    def carry_everything(self) -> None:
        self.three.carry_everything()

    @rule(name=names, end=ends, busy=st.booleans())
    def hand_over(self, name: str, end: int | None, busy: bool) -> None:
        self.trio.parties[name].system.busy = int(busy)
        self._work(self.trio.hand_over(name), name, end)

    @rule(name=names, end=ends)
    def do_chores(self, name: str, end: int | None) -> None:
        self._work(self.trio.do_chores(name), name, end)

    @rule(name=names, wrong=st.sampled_from((None, -2 * DAY, 20 * HOUR, 400 * DAY)))
    def end(self, name: str, wrong: int | None) -> None:
        """A node ends, and begins again by the clock of a machine that may be wrong."""
        if wrong is not None:
            self.trio.set_clock(name, wrong)
        self._work(self.trio.kill(name), name, None)

    @rule(name=names)
    def back_up(self, name: str) -> None:
        self.ask(self.restores.back_up(name))

    @rule(name=names, ledger=st.booleans())
    def lose(self, name: str, ledger: bool) -> None:
        self.ask(self.restores.lose(name, ledger=ledger))

    @rule(letter=letters, busy=st.booleans(), ledger=st.booleans())
    def lose_both(self, letter: Letter, busy: bool, ledger: bool) -> None:
        """Both ends of a link lose their disks: one knows of what the other has forgotten."""
        self.ask(self.restores.back_up(letter.to))
        self.trio.parties[letter.to].system.busy = int(busy)
        self.three.do(self.trio.step(self.trio.carry(letter.by, letter.to)))
        self.ask(self.restores.back_up(letter.by))
        for name in (letter.to, letter.by):
            self.ask(self.restores.lose(name, ledger=ledger))

    @rule()
    def begin_links_anew(self) -> None:
        self.ask(self.restores.begin_links_anew())

    @rule(way=ways, step=st.sampled_from(STEPS))
    def decide_about_a_link(self, way: tuple[str, str], step: str) -> None:
        self.ask(self.restores.decide(*way, step))

    @rule(way=ways, what=st.sampled_from(("cut", "lose answers", "mend")))
    def change_wires(self, way: tuple[str, str], what: str) -> None:
        match what:
            case "cut":
                self.trio.board.cut.add(frozenset(way))
            case "lose answers":
                self.trio.board.deaf.add(way)
            case _:
                self.trio.board.mend()

    @rule(name=st.none() | names, seconds=st.sampled_from(JUMPS))
    def change_clocks(self, name: str | None, seconds: int) -> None:
        if name is not None:
            self.trio.set_clock(name, seconds)
        elif seconds > 0:
            self.trio.pass_time(min(seconds, 2 * DAY))
        else:
            self.trio.set_clocks_right()

    @invariant()
    def erased_is_gone(self) -> None:
        self.three.look_at_what_was_erased()

    def _work(self, work: Coroutine[Any, Any, None], name: str, end: int | None) -> None:
        self.three.do(self.trio.step(work, None if end is None else lambda: self.trio.kill(name), end or 0))

    def _arrived(self, letter: Letter) -> bool:
        return (letter.to, letter.id) in self.trio.promises.arrived
