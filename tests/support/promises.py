"""What was promised to persons over three nodes, and whether the wire keeps it: a model without a node.

It is told what people did and were answered (`Promises.withdrawn`, `cancelled` ...), and each message that a node let
go, opened as whoever receives it opens it. What is wrong is an AssertionError that names nodes and types.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from schemas.types import never_blocked

STOPPING = frozenset({"referral.withdraw/1", "return.cancel/1"})
"""Types that may go to a State that is feared: they stop what was under way."""
RECORD, WITHDRAWAL, REFERRAL = "consent.record/1", "consent.withdrawal/1", "referral.request/1"


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A message on the wire: between whom, and what stands in it. `names` is the consent that its content is about;
    `part`: it takes back some of it only.
    """

    sender: str
    receiver: str
    id: str
    kind: str
    conversation: str
    consent: str | None
    names: str | None
    part: bool


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


@dataclass
class Promises:
    """What holds from now on. Persons are numbered; a consent and a conversation are of one of them."""

    person_of: dict[str, int] = field(default_factory=dict)
    """By id of a consent or of a conversation."""
    stopped: set[tuple[str, str]] = field(default_factory=set)
    """Node and consent: the node knows that the consent was taken back."""
    narrowed: set[tuple[str, str]] = field(default_factory=set)
    """The same of what was taken back in part: a referral relies on that part, while a question without personal data
    and the record of the consent may still go.
    """
    cancelled: set[str] = field(default_factory=set)
    erased: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By node the ids of messages that nobody can read there any more."""
    feared: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    """By node and person the nodes of States to which nothing of the person goes from there."""
    kept: set[tuple[str, str]] = field(default_factory=set)
    """Node and conversation: nothing of it is erased there."""
    letters: dict[str, Letter] = field(default_factory=dict)
    arrived: set[tuple[str, str]] = field(default_factory=set)
    """Node and message: the node answered that it has it."""
    told: set[tuple[str, str, str]] = field(default_factory=set)
    """Sender, conversation and consent of each withdrawal that left."""
    relied: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Sender, receiver, conversation and consent of each message that left and relied on one."""

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
        assert self.person_of[relies] == self.person_of[posted.conversation], f"{who} relies on another one's consent"
        feared = self.feared.get((posted.sender, self.person_of[posted.conversation]), frozenset())
        assert posted.receiver not in feared or posted.kind in STOPPING, f"{who} went to a State that is feared"
        self.relied.add((posted.sender, posted.receiver, posted.conversation, relies))

    def come(self, posted: Posted) -> None:
        """A node answered that it has this."""
        self.arrived.add((posted.receiver, posted.id))
        assert posted.id not in self.cancelled, f"{posted.kind} arrived at {posted.receiver} and was cancelled"
        if posted.kind == WITHDRAWAL and posted.names is not None:
            self.stop(posted.receiver, posted.names, part=posted.part)

    def stop(self, node: str, consent: str, *, part: bool) -> None:
        """The node knows that a consent was taken back."""
        (self.narrowed if part else self.stopped).add((node, consent))

    def everybody_was_told(self, node: str, consent: str) -> None:
        """`node`, which took a withdrawal from a person, told it in each conversation in which it relied on it."""
        for sender, _, conversation, relied in self.relied:
            if (sender, relied) == (node, consent):
                assert (node, conversation, consent) in self.told, f"{node} told no withdrawal in one conversation"
