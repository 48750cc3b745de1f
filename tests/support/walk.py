"""Two nodes talk about one case over a bad wire, step by step, through the pure steps of `gateway.delivery`.

Everything that is written goes through `submit` and, when it leaves, `recheck`; everything that comes through
`inbound.accept_message`: scope, every gate, the schema and the conversation, with real bodies. Only keys and
numbers of the link are left out. The wire loses, doubles, delays and reorders. A walk is made of its seed alone.

What a walk asserts by itself: an honest message is refused by its receiver only over what its sender could not know; a
body that has to be stopped by a gate is stopped by this gate on both sides; what arrives has passed gates 3.1 to
3.15 of the domain by an account of its own (`support.lawful`); at rest both sides agree. `Seen` counts what happened.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from support.batches import proofs
from support.endpoints import OPEN, SIGNED, example, purpose_of, standing
from support.lawful import assert_lawful
from support.lines import (
    CASE,
    COMPLETE,
    CONSENT,
    COUNTRIES,
    HOST,
    LINES,
    MOVES,
    NODES,
    PEOPLE,
    RECEIVING,
    SMOOTH,
    THEMES,
    TRAPS,
    UNIT,
    Letter,
    Line,
    Person,
    Theme,
)
from support.talk import DAY, HOUR, START, End

import schemas
from gateway.cases.rules import ConsentCase
from gateway.consent.rules import Consent, read
from gateway.conversations.history import History, Opened, history_of
from gateway.conversations.history import Side as Whose
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.crossing import CROSSINGS
from gateway.conversations.rules.facts import Message, Side, make_message
from gateway.conversations.rules.fold import REPLIES, Fold, Overlay, fold, followed
from gateway.conversations.rules.machines import NUMBERS
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import MAY, Outcome, Situation, events
from gateway.delivery.inbound import steps as inbound
from gateway.delivery.inbound.steps import ReceiverContext
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound import steps as outbound
from gateway.errors import Code, RefusedError, RemoteError
from gateway.messages.types import Draft, ExaminedMessage, LinkPosition
from gateway.policy.circumstances import Circumstances
from gateway.policy.gates.gate_table import Recipient, UnitKind
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import b64u
from keys.primitives.hybrid_keys import SigningKey

(PROOF,) = proofs(SigningKey(bytes(32), None), (STATEMENT, b"{}"))
"""What stands beside a statement here: nobody looks at it."""
UNNUMBERED = 1 << 20
"""What has no number of the link yet stands behind all that have one, in the order in which it was written."""

_LIKENESS: dict[tuple[Line, Side, str | None], Message] = {}
"""A message of each line as far as `events` looks at it, by its side and what it answers, made once."""


@dataclass
class Seen:
    """What happened in some walks."""

    gates_at_sender: Counter[Code] = field(default_factory=Counter)
    gates_at_departure: Counter[Code] = field(default_factory=Counter)
    gates_at_receiver: Counter[Code] = field(default_factory=Counter)
    crossed: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    overlays: Counter[tuple[Overlay, bool]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


class Walk:
    """See the module."""

    def __init__(self, seed: int, seen: Seen) -> None:
        self.rng = random.Random(f"walk {seed}")
        self.seen = seen
        self.now = START
        self.ends = {side: End(side=side, skew=self.rng.randint(-300, 300)) for side in Side}
        self.flying: list[tuple[str, Side]] = []
        self.letters: dict[str, Letter] = {}
        self.basis: dict[str, dict[str, Letter]] = {}
        self.consents: dict[tuple[str, ...], Consent] = {}
        self.count = 0
        self.person = self.rng.choice(PEOPLE)
        self.turned_away = seed % 25 == 7
        self.theme: Theme | None = (2, False, ()) if self.turned_away else None
        themed = seed % 3 == 0 and not self.turned_away
        if themed:
            self.theme, self.person = THEMES[seed // 3 % len(THEMES)], Person()

    # --- the walk -------------------------------------------------------------------------------------------------

    def go(self, steps: int) -> Fold:
        """From a case that has come some way without trouble to rest."""
        if self.theme is not None:
            self._begin(*self.theme)
        else:
            self._begin(2 + self.rng.randint(0, len(SMOOTH)), False, ())
        if self.turned_away:
            self._settle()
            self._turn_away()
            steps = 0
        if self.rng.random() < 0.2:
            self._wait()
        if steps and self.rng.random() < 0.5:
            self._cross()
        doings = (
            (self._say_something, 10),
            (self._cross, 3),
            (self._try_a_trap, 1),
            (self._depart, 8),
            (self._arrive_some, 12),
            (self._lose, 1),
            (self._open_or_refuse, 3),
            (self._wait, 2),
        )
        for _ in range(steps):
            (doing,) = self.rng.choices([doing for doing, _ in doings], [often for _, often in doings])
            doing()
        for end in self.ends.values():
            kept = end.conversation()
            assert followed(kept).trail == followed(replace(kept, trail=None)).trail, "not as it is folded whole"
        self._settle()
        return self._agree()

    def _begin(self, length: int, at_once: bool, then: Sequence[tuple[Side, Line]]) -> None:
        """The smooth way, and what the theme says after it."""
        for side, line in SMOOTH[:length]:
            self.now += HOUR
            self._say(side, line)
            if length > 2:
                self._settle()
        for side, line in then:
            self._say(side, line)
            if not at_once:
                self._settle()
        for side, _ in then:
            self._depart(side)

    def _say_something(self) -> None:
        """What has a row in the table or may be said there; more often what moves the case on, or crosses something."""
        side = self.rng.choice(list(Side))
        end = self.ends[side]
        situation = fold(end.conversation(), self.now + end.skew).situation
        assert situation is not None
        found = [line for line in LINES if self._likely(end, line, situation)]
        moving = [line for line in found if line.kind in MOVES]
        self._say(side, self._pick(moving if moving and self.rng.random() < 0.7 else found, situation))

    def _pick(self, lines: list[Line], situation: Situation) -> Line:
        """Mostly one that is about the version of the return that is on the table."""
        version = (situation.proposal.said.version or 0) if situation.proposal else 0
        fitting = [
            line for line in lines if line.content.get("version") in (None, version + (line.kind == "return.proposal"))
        ]
        return self.rng.choice(fitting if fitting and self.rng.random() < 0.9 else lines)

    def _cross(self) -> None:
        """Both sides say something, neither having read the other's, of which one beats the other."""
        ends = self.rng.sample(list(self.ends.values()), 2)
        now = [fold(end.conversation(), self.now + end.skew).situation for end in ends]
        for rule in self.rng.sample(CROSSINGS, len(CROSSINGS)):
            told = [
                [line for line in LINES if names & {line.kind, f"{line.kind}:{self._word(line)}"}]
                for names in ({rule.winner}, rule.losers)
            ]
            likely = [
                [line for line in lines if situation is not None and self._likely(end, line, situation)]
                for end, lines, situation in zip(ends, told, now, strict=True)
            ]
            if all(likely):
                for end, lines, situation in zip(ends, likely, now, strict=True):
                    assert situation is not None
                    self._say(end.side, self._pick(lines, situation))
                for end in ends:
                    self._depart(end.side)
                return

    def _word(self, line: Line) -> str:
        return self._likeness(self.ends[HOST], line).said.word

    def _try_a_trap(self) -> None:
        """A body that a gate has to stop: at its sender, and at a receiver whose peer has no gates."""
        side, line = self.rng.choice(list(Side)), self.rng.choice(TRAPS)
        end, other = self.ends[side], self.ends[side.other]
        draft = self._draft(end, line)
        refusal = self._refused(end, draft)
        assert refusal is not None, f"{line.kind} went although {line.gate} has to stop it"
        told = {refusal.code, *(finding.rule for finding in refusal.findings)}
        assert str(line.gate) in {str(code) for code in told}, (line, refusal, refusal.findings)
        self.seen.gates_at_sender[line.gate or Code.INVALID] += 1
        held, _ = self._consent(other, str(draft.header.get("consent_ref")))
        if line.at_receiver and (line.gate is not Code.GATE_G2 or held is not None):  # it may be behind a gap
            assert self._admission(other, end, draft, self._as_said(draft, end), partial=True) is not None, line
            self.seen.gates_at_receiver[line.gate or Code.INVALID] += 1

    def _depart(self, side: Side | None = None) -> None:
        """The oldest written message is judged again and numbered; other conversations use numbers of the link too."""
        end = self.ends[side or self.rng.choice(list(Side))]
        if not end.queue:
            return
        message = end.queue.pop(0)
        letter, now = self.letters[message.id], self.now + end.skew
        waiting = {m.id for m in end.queue}
        try:
            departure_steps.recheck(
                letter.valid,
                standing(),
                self._circumstances(end, letter.draft, but=message.id),
                header=letter.draft.header,
                content=letter.draft.content,
                schemas_of_peer=None,
                policy=OPEN,
                around=ConversationContext(conversation=end.conversation(), side=end.side),
                n=message.n,
                now=now,
            )
        except RefusedError as error:
            self.seen.gates_at_departure[error.code] += 1
            return
        end.n += 1 + self.rng.randint(0, 3)
        told = Order(self._told(end, but=message.id)).messages
        self.basis[message.id] = {m.id: self.letters[m.id] for m in told if m.id not in waiting}
        end.known[message.id] = replace(message, n=end.n, created=now)
        self.flying.append((message.id, end.side.other))

    def _arrive_some(self) -> None:
        """In any order, perhaps twice."""
        if self.flying:
            place = self.rng.randrange(len(self.flying))
            again = self.rng.random() < 0.3
            self._arrive(*(self.flying[place] if again else self.flying.pop(place)))

    def _lose(self) -> None:
        """A loss; it is repeated when all is quiet."""
        if self.flying:
            self.flying.pop(self.rng.randrange(len(self.flying)))

    def _open_or_refuse(self) -> None:
        """A person opens a message, or it can not be handed over: a signed word of the receiver either way. What was
        built upon was handed over, and is not refused any more.
        """
        end = self.ends[self.rng.choice(list(Side))]
        fresh = [m for m in end.known.values() if m.side is not end.side and m.opened is None and not m.rejected]
        if fresh:
            message = self.rng.choice(fresh)
            opened = message.n <= end.used() or self.rng.random() < 0.85
            change = {"opened": self.now + end.skew} if opened else {"rejected": True}
            end.known[message.id] = replace(message, **change)  # type: ignore[arg-type]
            self.flying.append((message.id, end.side.other))

    def _turn_away(self) -> None:
        """The request can not be handed over after all: its receiver refuses it."""
        end = self.ends[RECEIVING]
        for message in [m for m in end.known.values() if m.kind == "referral.request"]:
            end.known[message.id] = replace(message, rejected=True)

    def _wait(self) -> None:
        self.now += self.rng.choice([60, HOUR, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 40 * DAY])

    def _settle(self) -> None:
        """Everything written departs, and everything lost is repeated."""
        for side in Side:
            while self.ends[side].queue:
                self._depart(side)
        for ours in (True, False):
            for side, end in self.ends.items():
                for id in [m.id for m in end.known.values() if (m.side is side) is ours]:
                    self._arrive(id, side.other)
        self.flying.clear()

    # --- writing --------------------------------------------------------------------------------------------------

    def _say(self, side: Side, line: Line) -> None:
        """Through the outgoing procedure; what it refuses is not said."""
        end = self.ends[side]
        draft = self._draft(end, line)
        refusal = self._refused(end, draft)
        if refusal is not None:
            if str(refusal.code).startswith("gate_"):
                self.seen.gates_at_sender[refusal.code] += 1
            return
        self.count += 1
        end.queue.append(self._as_said(draft, end))

    def _refused(self, end: End, draft: Draft) -> RefusedError | None:
        """Steps 1 to 3b; None when it may go, and then its letter is kept."""
        try:
            draft, valid = outbound.submit(
                draft,
                standing(),
                self._circumstances(end, draft),
                policy=OPEN,
                around=ConversationContext(conversation=end.conversation(), side=end.side)
                if schemas.load_catalogue().get(draft.body_type).kind in ("referral", "any")
                else None,
                now=self.now + end.skew,
            )
        except RefusedError as error:
            return error
        self.letters[draft.id] = Letter(line=self._line, draft=draft, valid=valid, schema=valid.schema)
        return None

    def _draft(self, end: End, line: Line) -> Draft:
        self._line = line
        body = example(f"{line.kind}.1/{line.stem}", NODES[end.side.other])
        header = body["header"] | {"sender_unit": UNIT, "recipient_unit": UNIT, "seen": end.seen()}
        personal = schemas.load_catalogue().get(f"{line.kind}/1").personal
        if personal and line.kind not in ("consent.record",):
            header["consent_ref"] = self._newest(end)
        header |= line.header
        content = body["content"] | line.content
        if line.kind == "consent.record":
            content["consent_id"] = b64u(((1 << 64) + self.count + 1).to_bytes(16, "big"))
        elif line.kind == "consent.withdrawal":
            content["consent_id"] = self._newest(end)
        COMPLETE.get(line.kind, lambda *_: None)(self.person, self.now, content)
        wanted = REPLIES.get(line.kind)
        asked = [m.id for m in end.known.values() if m.kind == wanted and m.side is not end.side and not m.rejected]
        return Draft(
            id=b64u((self.count + 1).to_bytes(16, "big")),
            body_type=f"{line.kind}/1",
            to=NODES[end.side.other],
            conversation=CASE,
            reply_to=asked[-1] if asked else (b64u(b"n" * 16) if wanted else None),
            purpose=line.purpose or (purpose_of(f"{line.kind}.1") if personal else None),
            header={name: value for name, value in header.items() if value is not None},
            content={name: value for name, value in content.items() if value is not None},
        )

    def _as_said(self, draft: Draft, end: End) -> Message:
        return make_message(
            id=draft.id,
            side=end.side,
            n=UNNUMBERED + self.count,
            created=self.now + end.skew,
            body_type=draft.body_type,
            reply_to=draft.reply_to,
            header=draft.header,
            content=draft.content,
        )

    def _likely(self, end: End, line: Line, situation: Situation) -> bool:
        """Whether the table has a row for it, or expects it there."""
        message = self._likeness(end, line)
        rows = [NUMBERS.get((situation.state, event)) for event in events(message, situation)]
        may = situation.state in MAY.get(line.kind, ())
        return may or any(row and row.by.allows(end.side) for row in rows)

    def _likeness(self, end: End, line: Line) -> Message:
        """A message of this line as far as `events` looks at it."""
        wanted = REPLIES.get(line.kind)
        known = () if wanted is None else reversed(end.known.values())
        asked = next((m.id for m in known if m.kind == wanted and m.side is not end.side), None)
        like = line, end.side, asked
        if like not in _LIKENESS:
            _LIKENESS[like] = replace(self._as_said(self._draft(end, line), end), reply_to=asked)
        return _LIKENESS[like]

    # --- what a side knows ----------------------------------------------------------------------------------------

    def _told(self, end: End, *, but: str | None = None) -> Iterator[Message]:
        """All that counts at one side, in the order in which it was written or came."""
        return (m for m in end.messages() if not m.rejected and m.id != but)

    def _history(self, end: End, *, but: str | None = None) -> History:
        """What was said; corrections of a walk are examples and name none of its messages, so some may be missing."""
        said = history_of(
            Opened(
                body_type=self.letters[m.id].draft.body_type,
                side=Whose.OURS if m.side is end.side else Whose.THEIRS,
                created=at,
                header=self.letters[m.id].draft.header,
                content=self.letters[m.id].draft.content,
            )
            for m, at in Order(self._told(end, but=but)).counted()
        )
        return replace(said, partial=True)

    def _newest(self, end: End) -> str:
        """The consent that a side relies on: the last record that it wrote or got."""
        records = [m for m in self._told(end) if m.kind == "consent.record"]
        return max(records, key=lambda m: m.created).said.consent if records else CONSENT

    def _consent(self, end: End, ref: str | None, *, but: str | None = None) -> tuple[Consent | None, frozenset[str]]:
        """What is held of a consent, after all that was taken back of it whenever that came; and who recorded it."""
        told = [m for m in self._told(end, but=but) if m.said.consent == ref]
        records = [m for m in told if m.kind == "consent.record"]
        if not records:
            return None, frozenset()
        taken_back = [m for m in told if m.kind == "consent.withdrawal"]
        record, told_by = self.letters[records[-1].id], (records[-1].id, *(m.id for m in taken_back))
        if told_by not in self.consents:
            self.consents[told_by] = read(record.draft.content, [self.letters[m.id].draft.content for m in taken_back])
        return self.consents[told_by], frozenset({NODES[records[-1].side]})

    def _withdrawn(self, end: End, ref: str | None, *, but: str | None = None) -> bool:
        """Whether nothing of a consent is left."""
        consent, _ = self._consent(end, ref, but=but)
        whole = (m for m in self._told(end, but=but) if m.kind == "consent.withdrawal" and m.said.grants is None)
        return any(m.said.consent == ref for m in whole) or (consent is not None and consent.fully_withdrawn)

    def _over(self, end: End, *, but: str | None = None) -> bool:
        """Whether a consent of this conversation was taken back whole and no newer record took its place."""
        told = [m for m in self._told(end, but=but) if m.kind in ("consent.record", "consent.withdrawal")]
        last = max(told, key=lambda m: (m.created, m.kind), default=None)
        return last is not None and last.kind == "consent.withdrawal" and self._withdrawn(end, last.said.consent)

    def _circumstances(self, end: End, draft: Draft, *, but: str | None = None) -> Circumstances:
        ref = draft.header.get("consent_ref")
        consent, recorded_by = self._consent(end, str(ref), but=but)
        listed = draft.header.get("recipient_unit") == UNIT
        return Circumstances(
            node=NODES[end.side],
            sender_kind=UnitKind.PUBLIC_AUTHORITY,
            sender_roles=SIGNED,
            recipient=self._unit(end.side.other) if listed else None,
            consent=consent,
            consent_case=ConsentCase.SAME,
            recorded_by=recorded_by,
            conversation_withdrawn=self._over(end, but=but) or self._withdrawn(end, str(ref), but=but),
            today=self._today(end),
            history=self._history(end, but=but),
        )

    def _unit(self, side: Side) -> Recipient:
        return Recipient(country=COUNTRIES[side], roles=SIGNED, kind=None, current=True)

    def _today(self, end: End) -> date:
        return datetime.fromtimestamp(self.now + end.skew, UTC).date()

    # --- arriving -------------------------------------------------------------------------------------------------

    def _arrive(self, id: str, to: Side) -> None:
        """A message or a receipt: what the other side knows of the message."""
        end, sender = self.ends[to], self.ends[to.other]
        theirs = sender.known[id]
        if theirs.side is to:
            mine = end.known[id]
            end.known[id] = replace(mine, received=theirs.received, opened=theirs.opened, rejected=theirs.rejected)
            return
        if id in end.known:
            self.seen.rules["the same message twice has no second effect"] += 1
        else:
            self._take_in(end, sender, theirs)
        self.flying.append((id, to.other))

    def _take_in(self, end: End, sender: End, theirs: Message) -> None:
        missing = any(m.n < theirs.n and m.side is theirs.side and m.id not in end.known for m in sender.known.values())
        self.seen.rules["behind a gap"] += missing
        refusal = self._admission(end, sender, self.letters[theirs.id].draft, theirs, partial=missing)
        if refusal is not None:
            self.seen.gates_at_receiver[refusal.code] += str(refusal.code).startswith("gate_")
            assert self._unforeseen(sender, end, theirs, refusal), (theirs, refusal, refusal.findings)
        else:
            assert_lawful(self.letters[theirs.id], theirs.side, [*self.basis[theirs.id].values()], self.person)
        end.known[theirs.id] = replace(theirs, received=self.now + end.skew, rejected=refusal is not None)

    def _admission(self, end: End, sender: End, draft: Draft, said: Message, *, partial: bool) -> RemoteError | None:
        """Steps 16 and 17 of the incoming procedure at `end`."""
        ref = str(draft.header.get("consent_ref"))
        consent, recorded_by = self._consent(end, ref)
        held = ReceiverContext(
            sender_kind=UnitKind.PUBLIC_AUTHORITY,
            sender_roles=SIGNED,
            recipient=self._unit(end.side),
            consent=consent,
            recorded_by=recorded_by,
            withdrawn=self._withdrawn(end, ref),
            history=self._history(end),
        )
        examined = ExaminedMessage(
            id=draft.id,
            sender=NODES[sender.side],
            body_type=draft.body_type,
            schema=schemas.load_catalogue().get(draft.body_type).schema,
            conversation=draft.conversation,
            reply_to=draft.reply_to,
            purpose=draft.purpose,
            created=said.created,
            position=LinkPosition(epoch=1, n=said.n, prev=None),
            statement=b"",
            statement_hash="",
            proof=PROOF,
            proof_hash="",
            secret=b"",
            body=b"",
            header=dict(draft.header),
            content=dict(draft.content),
        )
        known = replace(end.conversation(), messages=tuple(end.known.values()))
        around = ConversationContext(conversation=known, side=sender.side, partial=partial)
        try:
            inbound.accept_message(examined, known=held, conversation=around, own_node=NODES[end.side])
        except RemoteError as error:
            return error
        return None

    def _unforeseen(self, sender: End, end: End, message: Message, refusal: RemoteError) -> bool:
        """Whether an honest sender could not know why it is refused: a refusal of its own is still on its way, or the
        receiver had written or taken in what changes consent or status before the message came.
        """
        if refusal.code is Code.OUT_OF_ORDER:
            refused = (m for m in sender.known.values() if m.rejected and m.side is end.side)
            return any(not end.known[m.id].rejected for m in refused)
        news = {"consent.withdrawal", "consent.record"} if refusal.code is not Code.GATE_G5 else {"data.correction"}
        return any(m.kind in news and m.id not in self.basis[message.id] for m in end.messages())

    # --- at rest --------------------------------------------------------------------------------------------------

    def _agree(self) -> Fold:
        one, two = (end.conversation() for end in self.ends.values())
        assert {m.id: m for m in one.messages} == {m.id: m for m in two.messages}
        mixed = followed(replace(two, messages=tuple(reversed(two.messages)), trail=None))
        for later in (0, DAY, 10 * DAY, 40 * DAY, 400 * DAY):
            found, same = fold(one, self.now + later), fold(mixed, self.now + later)
            assert found == same
            assert found.order.messages == same.order.messages
        found = fold(one, self.now)
        self.seen.outcomes.update(found.outcomes.values())
        return found
