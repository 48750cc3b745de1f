"""A conversation written down in a few lines: two sides that say something, having read what they have read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Said, Side
from gateway.conversations.rules.fold import Conversation, Fold, fold, followed
from gateway.conversations.rules.machines import Kind
from schemas.region_pack.regions import load_region

HOUR, DAY = 3_600, 86_400
START = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp())
"""A Monday without a holiday near it in most of Europe."""

SETTING = Setting(
    calendars={Side.HOST: load_region("tact").calendars["FR"], Side.RECEIVING: load_region("tact").calendars["AL"]}
)
HOST, RECEIVING = Side.HOST, Side.RECEIVING
SILENT = Conversation(kind=Kind.REFERRAL, setting=SETTING)
"""A referral in which nothing was said."""


@dataclass
class Talk:
    """Messages said so far. Each side reads all at once, unless `unread` tells how many of the last it did not."""

    kind: Kind = Kind.REFERRAL
    now: int = START
    messages: list[Message] = field(default_factory=list)

    def say(
        self, side: Side, kind: str, *, after: int = HOUR, unread: int = 0, to: str | None = None, **more: object
    ) -> Message:
        """One message, `after` seconds later; `to` is the type it replies to, of which the last is meant."""
        self.now += after
        theirs = [m for m in self.messages if m.side is not side]
        read = theirs[: len(theirs) - unread]
        fields = {name: more.pop(name) for name in ("priority", "respond_by") if name in more}
        message = Message(
            id=f"m{len(self.messages) + 1}",
            side=side,
            n=10 * (1 + len(self.messages) - len(theirs)),
            seen=max((m.n for m in read), default=0),
            created=self.now,
            kind=kind,
            reply_to=next((m.id for m in reversed(read) if m.kind == to), None) if to else None,
            received=self.now + 60,
            said=Said(**more),  # type: ignore[arg-type]
            **fields,  # type: ignore[arg-type]
        )
        self.messages.append(message)
        return message

    def amend(self, message: Message, **changes: object) -> None:
        """A receipt came, or did not."""
        self.messages = [replace(m, **changes) if m.id == message.id else m for m in self.messages]  # type: ignore[arg-type]

    def conversation(self, **more: object) -> Conversation:
        """As the core takes it."""
        return Conversation(kind=self.kind, setting=SETTING, messages=tuple(self.messages), **more)  # type: ignore[arg-type]

    def fold(self, *, after: int = 0, **more: object) -> Fold:
        """Where it stands `after` seconds after the last message."""
        return fold(self.conversation(**more), self.now + after)


def then(make: Callable[[], Talk], side: Side, kind: str, **more: object) -> Talk:
    """One message after another conversation."""
    talk = make()
    talk.say(side, kind, **more)
    return talk


def sent() -> Talk:
    """A request without any receipt."""
    talk = Talk()
    talk.amend(talk.say(HOST, "referral.request"), received=None)
    return talk


def requested(**more: object) -> Talk:
    """A request that a person opened."""
    talk = Talk()
    talk.say(HOST, "consent.record", consent="c1", purposes=("referral", "return"))
    request = talk.say(HOST, "referral.request", **more)
    talk.amend(request, opened=request.created + 120)
    return talk


def asked() -> Talk:
    """A request with a blocking question."""
    return then(requested, RECEIVING, "info.request", flag=True)


def conditional() -> Talk:
    """An acceptance with conditions."""
    return then(requested, RECEIVING, "referral.accept", flag=True)


def accepted() -> Talk:
    """A request that was accepted."""
    talk = requested()
    talk.say(RECEIVING, "referral.accept", to="referral.request")
    return talk


def planning() -> Talk:
    """A case that is being planned."""
    talk = accepted()
    talk.say(HOST, "risk.assessment", word="sending")
    return talk


def proposed(version: int = 1) -> Talk:
    """A return on the table, with the arrival a week later."""
    talk = planning()
    talk.say(HOST, "return.proposal", version=version, departs=talk.now + 6 * DAY, arrives=talk.now + 7 * DAY)
    return talk


def confirmed() -> Talk:
    """A return that was confirmed."""
    talk = proposed()
    talk.say(RECEIVING, "return.response", to="return.proposal", version=1, word="confirm")
    return talk


def in_transit() -> Talk:
    """A person on the way."""
    talk = confirmed()
    talk.say(HOST, "departure.notice", after=6 * DAY, version=1, word="departed")
    return talk


def arrived() -> Talk:
    """A person who was met."""
    talk = in_transit()
    talk.say(RECEIVING, "arrival.confirmation", after=DAY, word="met_safe")
    return talk


def active() -> Talk:
    """A person in reintegration."""
    talk = arrived()
    plan = talk.say(RECEIVING, "reintegration.plan", after=DAY, points=("m1", "m3", "final"))
    talk.amend(plan, opened=talk.now + 60)
    return talk


def closing() -> Talk:
    """A case that the receiving side wants to close."""
    talk = active()
    talk.say(RECEIVING, "case.closure", after=30 * DAY)
    return talk


def closed() -> Talk:
    """A closed case."""
    talk = closing()
    talk.say(HOST, "closure.response", after=DAY, word="agree", to="case.closure")
    return talk


@dataclass
class End:
    """One side of a wire: the messages it knows, with the receipts it knows, and what it has written and not sent."""

    side: Side
    skew: int = 0
    n: int = 0
    known: dict[str, Message] = field(default_factory=dict)
    queue: list[Message] = field(default_factory=list)
    _last: Conversation = SILENT
    """It was asked for last as this: a node keeps it too, and folds it on."""

    def seen(self) -> int:
        """The highest number of the other side that was applied: what was refused is not."""
        return max((m.n for m in self.known.values() if m.side is not self.side and not m.rejected), default=0)

    def used(self) -> int:
        """The highest number that a message of this side has built upon."""
        mine = [*self.queue, *(m for m in self.known.values() if m.side is self.side)]
        return max((m.seen for m in mine), default=0)

    def messages(self) -> tuple[Message, ...]:
        """What it knows, with what it has written."""
        return (*self.known.values(), *self.queue)

    def conversation(self) -> Conversation:
        """The same as the core takes it, with its trail."""
        messages = self.messages()
        if messages != self._last.messages:
            self._last = followed(replace(self._last, messages=messages))
        return self._last
