"""What was promised to persons over three nodes, and whether the wire keeps it: a model without a node.

It is told what people did and were answered (`Promises.withdrawn`, `cancelled` ...), and each message that a node let
go, opened as whoever receives it opens it. What is wrong is an AssertionError that names nodes and types.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass, field
from typing import TypeVar

from schemas.types import never_blocked

K = TypeVar("K")
V = TypeVar("V")
STOPPING = frozenset({"referral.withdraw/1", "return.cancel/1"})
"""Types that may go to a State that is feared: they stop what was under way."""
RECORD, WITHDRAWAL, REFERRAL = "consent.record/1", "consent.withdrawal/1", "referral.request/1"


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A message on the wire: between whom, and what stands in it. `names` is the consent that its content is about;
    `part`: it takes back some of it only; `erase`: the person wants the data erased too.
    """

    sender: str
    receiver: str
    id: str
    kind: str
    conversation: str
    consent: str | None
    names: str | None
    part: bool
    erase: bool


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message that a node took from a person: what it says carries `mark`, and nothing else does."""

    id: str
    by: str
    to: str
    kind: str
    conversation: str
    consent: str
    mark: str


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a node knows of all this at one time, and forgets of it when it is put back to that time."""

    had: frozenset[str]
    """Messages that it sent or got."""
    erased: frozenset[str]
    asked: frozenset[str]
    kept: frozenset[str]
    feared: dict[str, frozenset[str]]
    merged: dict[int, int]
    split: dict[str, int]
    relied: frozenset[tuple[str, str, str]]


@dataclass
class Promises:
    """What holds from now on. Persons are numbered; a consent and a conversation are of one of them."""

    person_of: dict[str, int] = field(default_factory=dict)
    """By id of a consent or of a conversation."""
    merged: dict[tuple[str, int], int] = field(default_factory=dict)
    """By node and person the person that people there say this one is."""
    split: dict[tuple[str, str], int] = field(default_factory=dict)
    """By node and id of a conversation whose people there say it is: somebody else, who was mixed up."""
    stopped: set[tuple[str, str]] = field(default_factory=set)
    """Node and consent: the node knows that the consent was taken back."""
    narrowed: set[tuple[str, str]] = field(default_factory=set)
    """The same of what was taken back in part: a referral relies on that part, while a question without personal data
    and the record of the consent may still go.
    """
    cancelled: set[str] = field(default_factory=set)
    erased: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By node the ids of messages that nobody can read there any more."""
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By node the ids of messages that a person wants to be erased there, as the node was told."""
    forgotten: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By node the ids of messages that are newer than the backup which it was restored from."""
    wanted: set[int] = field(default_factory=set)
    """Persons who want their data erased: what is said of them may be gone anywhere."""
    feared: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By node and conversation the nodes of States to which nothing of its person goes from there."""
    laid_again: set[tuple[str, str]] = field(default_factory=set)
    """Those of them of which only the ledger tells, which names no State: people say anew which are feared."""
    kept: set[tuple[str, str]] = field(default_factory=set)
    """Node and conversation: nothing of it is erased there."""
    spared: set[tuple[str, str]] = field(default_factory=set)
    """The same, also after the hold was lifted: whoever asked was told that it stays."""
    letters: dict[str, Letter] = field(default_factory=dict)
    arrived: set[tuple[str, str]] = field(default_factory=set)
    """Node and message: the node answered that it has it."""
    told: set[tuple[str, str, str]] = field(default_factory=set)
    """Sender, conversation and consent of each withdrawal that left."""
    relied: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Sender, receiver, conversation and consent of each message that left and relied on one, as its sender knows."""
    said: set[tuple[str, str, str, str]] = field(default_factory=set)
    """The same of all that ever left: whoever relied on a consent in a conversation is answered on it."""

    def leave(self, posted: Posted) -> None:
        """A node lets this go."""
        who = f"{posted.kind} from {posted.sender} to {posted.receiver}"
        if posted.kind == WITHDRAWAL:
            assert posted.names is not None
            self.told.add((posted.sender, posted.conversation, posted.names))
        assert posted.id not in self.cancelled, f"{who} was cancelled"
        assert posted.id not in self.erased[posted.sender], f"{who} was erased there"
        relies = posted.consent or (posted.names if posted.kind == RECORD else None)
        if relies is None or never_blocked(posted.kind):
            return
        assert (posted.sender, relies) not in self.stopped, f"{who} relies on a consent that was withdrawn"
        narrowed = posted.kind == REFERRAL and (posted.sender, relies) in self.narrowed
        assert not narrowed, f"{who} relies on what was withdrawn of a consent"
        person = self.person(posted.sender, posted.conversation)
        answers = (posted.receiver, posted.sender, posted.conversation, relies) in self.said
        own = answers or self.person(posted.sender, relies) == person
        assert own, f"{who} relies on another one's consent"
        feared = self.feared_of(posted.sender, person)
        assert posted.receiver not in feared or posted.kind in STOPPING, f"{who} went to a State that is feared"
        way = (posted.sender, posted.receiver, posted.conversation, relies)
        self.relied.add(way)
        self.said.add(way)

    def come(self, posted: Posted) -> None:
        """A node answered that it has this."""
        self.arrived.add((posted.receiver, posted.id))
        assert posted.id not in self.cancelled, f"{posted.kind} arrived at {posted.receiver} and was cancelled"
        if posted.kind == WITHDRAWAL and posted.names is not None:
            self.stop(posted.receiver, posted.names, part=posted.part)
            if posted.erase and not posted.part:
                self.asked[posted.receiver] |= self.had(posted.receiver, posted.conversation)

    # --- whose something is ---------------------------------------------------------------------------------------

    def person(self, node: str, id: str) -> int:
        """Whose a consent or a conversation is, by the word of people at this node."""
        return self.same(node, self.split.get((node, id), self.person_of[id]))

    def same(self, node: str, person: int) -> int:
        """The person that people at this node say somebody is."""
        while (node, person) in self.merged:
            person = self.merged[node, person]
        return person

    def merge(self, node: str, one: str, other: str) -> None:
        """People at this node say that two conversations are about one person."""
        was, person = self.person(node, one), self.person(node, other)
        if was != person:
            self.merged[node, was] = person

    def fear(self, node: str, conversation: str, state: str) -> None:
        """People at this node say that a State is feared, besides those of which they said so before."""
        key = (node, conversation)
        before = frozenset() if key in self.laid_again else self.feared.get(key, frozenset())
        self.laid_again.discard(key)
        self.feared[key] = before | {state}

    def feared_of(self, node: str, person: int) -> frozenset[str]:
        """Where nothing of this person goes from this node."""
        held = [(id, states) for (name, id), states in self.feared.items() if name == node]
        return frozenset().union(*(states for id, states in held if self.person(node, id) == person))

    def had(self, node: str, conversation: str | None = None) -> set[str]:
        """Messages of people that a node sent or got, in one conversation or in all."""
        return {
            one.id
            for one in self.letters.values()
            if conversation in (None, one.conversation) and (one.by == node or (node, one.id) in self.arrived)
        }

    # --- a node is put back ---------------------------------------------------------------------------------------

    def remember(self, node: str) -> Memory:
        """What the node knows now."""
        return Memory(
            had=frozenset(self.had(node)),
            erased=frozenset(self.erased[node]),
            asked=frozenset(self.asked[node]),
            kept=frozenset(id for name, id in self.kept if name == node),
            feared={id: states for (name, id), states in self.feared.items() if name == node},
            merged={one: other for (name, one), other in self.merged.items() if name == node},
            split={id: person for (name, id), person in self.split.items() if name == node},
            relied=frozenset(way[1:] for way in self.relied if way[0] == node),
        )

    def put_back(self, node: str, memory: Memory, *, ledger: bool) -> set[str]:
        """The node is restored: what was taken away stays so by its ledger, asylum holds lie again by it over whom
        the backup knows, and withdrawals stand in any case; all else is as it was. Returns the messages that had been
        erased and are back.
        """
        self.forgotten[node] |= self.had(node) - memory.had
        self.arrived -= {(node, id) for id in self.forgotten[node]}
        back = set() if ledger else self.erased[node] - memory.erased
        self.erased[node] -= back
        self.asked[node] = set(memory.asked)
        self.kept = {key for key in self.kept if key[0] != node} | {(node, id) for id in memory.kept}
        known = {self.letters[id].conversation for id in memory.had}
        alike = self._alike(node, known)
        self.merged = _others(self.merged, node) | {(node, one): other for one, other in memory.merged.items()}
        self.split = _others(self.split, node) | {(node, id): person for id, person in memory.split.items()}
        alike &= self._alike(node, known)
        self.feared = _others(self.feared, node) | self._lie_again(node, memory, known | alike, ledger=ledger)
        self.laid_again = {key for key in self.feared if key in self.laid_again or self._is_new(key, node, memory)}
        self.relied = {way for way in self.relied if way[0] != node} | {(node, *way) for way in memory.relied}
        return back

    def _alike(self, node: str, known: Set[str]) -> set[str]:
        """Find the held conversations whose person is that of one of these, by the word of people at this node."""
        persons = {self.person(node, id) for id in known}
        return {id for name, id in self.feared if name == node and self.person(node, id) in persons}

    def _lie_again(
        self, node: str, memory: Memory, known: Set[str], *, ledger: bool
    ) -> dict[tuple[str, str], frozenset[str]]:
        """Holds after a restore. One over a conversation that the backup does not know, of a person of whom it knows
        nothing either, keeps back that conversation and its consents.
        """
        if not ledger:
            return {(node, id): states for id, states in memory.feared.items()}
        return {key: states for key, states in self.feared.items() if key[0] == node and key[1] in known}

    def _is_new(self, key: tuple[str, str], node: str, memory: Memory) -> bool:
        """Whether a hold after a restore is not as the backup had it."""
        return key[0] == node and memory.feared.get(key[1]) != self.feared[key]

    # --- withdrawals ----------------------------------------------------------------------------------------------

    def stop(self, node: str, consent: str, *, part: bool) -> None:
        """The node knows that a consent was taken back."""
        (self.narrowed if part else self.stopped).add((node, consent))

    def everybody_was_told(self, node: str, consent: str) -> None:
        """`node`, which took a withdrawal from a person, told it in each conversation in which it relied on it."""
        for sender, _, conversation, relied in self.relied:
            if (sender, relied) == (node, consent):
                assert (node, conversation, consent) in self.told, f"{node} told no withdrawal in one conversation"


def _others(found: dict[tuple[str, K], V], node: str) -> dict[tuple[str, K], V]:
    return {key: value for key, value in found.items() if key[0] != node}
