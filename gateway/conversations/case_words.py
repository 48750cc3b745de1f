"""Keeps the words by which cases are found: read from what is sealed, hashed, and written beside the rows; and with
each case what the list goes by (`gateway.cases.listing`).

What moves a message or changes a card writes none of them: it only leaves its row behind by a count of changes, or
marks its case, and what is behind is looked through here, before somebody looks at the list and once a minute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from gateway.cases import found, listing, units, words
from gateway.cases import store as cases
from gateway.cases.found import TalkWords
from gateway.cases.register import cards_in
from gateway.cases.rules import Card, pseudonym_of
from gateway.cases.store import CaseRow
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.procedure import Known, position
from gateway.conversations.procedure_facts import facts_of
from gateway.conversations.rules.fold import fold
from gateway.conversations.rules.machines import RESTING
from gateway.conversations.rules.situation import Outcome
from gateway.conversations.status_updates import PATIENCE
from gateway.database.sealed_content import Content
from gateway.foundation.batcher import Batcher
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.ids import CaseId, UnitId
from gateway.foundation.workers import Workers
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import conversations
from gateway.messages.store.conversations import Key
from gateway.ports import Clock, Json
from schemas.region_pack.regions import Region

REFERENCES = ("case_ref_sender", "case_ref_recipient")
"""Members in which messages name the case, in their header or content."""
EACH = 100
"""Conversations or cases of one go: what else the node has to do comes in between."""
RESTS = 3
"""How often the time of a pass it rests after it: under a steady load a conversation is looked through when the most of
it has happened, and not at each step.
"""
TRIES = 5
"""How often what was overtaken by a change is looked at again before it is left to the next pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What one look at a conversation read."""

    key: Key
    changes: int
    words: frozenset[str]
    moved: int | None
    stage: str | None


T = TypeVar("T")


class CaseWords:
    """Keeps the words of conversations and cases up to date."""

    def __init__(
        self, *, content: Content, loader: ConversationLoader, region: Region, workers: Workers, clock: Clock
    ) -> None:
        self._content = content
        self._loader = loader
        self._region = region
        self._workers = workers
        self._clock = clock
        self._passes: Batcher[None, None] = Batcher(self._write_all, rests=RESTS)

    def chores(self) -> Sequence[Chore]:
        """Write what is behind."""
        return (Chore("words of cases", MINUTE, self.keep),)

    async def keep(self) -> None:
        """Write the words of everything that has changed by now; all who wait at the same time share one pass."""
        await self._passes.do(None)

    async def keep_awhile(self) -> bool:
        """The same for a list: whether all was written within `status_updates.PATIENCE`."""
        return await self._passes.do_within(None, PATIENCE)

    async def _write_all(self, asked: Sequence[None]) -> Sequence[None]:
        await self._write_behind(found.talks_behind, self._write_talks)
        await self._write_behind(found.cases_behind, self._write_cases)
        await self._write_behind(listing.cases_unlisted, self._sum_up)
        return asked

    async def _write_behind(
        self, find: Callable[[Connection], list[T]], write: Callable[[Sequence[T]], Awaitable[bool]]
    ) -> None:
        """Write what is behind when this begins, and once more what a change has overtaken. What comes meanwhile is
        left to the next pass: under a steady load nobody would ever be answered otherwise.
        """
        behind = await self._content.store.read(find)
        for _ in range(1 + TRIES):
            written = [await write(behind[start : start + EACH]) for start in range(0, len(behind), EACH)]
            if all(written):
                return
            left = set(await self._content.store.read(find))
            behind = [one for one in behind if one in left]

    async def _write_talks(self, keys: Sequence[Key]) -> bool:
        """Look through these conversations; whether the words of all are written."""

        def query(
            c: Connection,
        ) -> tuple[list[tuple[Key, int]], dict[Key, LoadedConversation], dict[int, MessageContent]]:
            counts = conversations.changes_of(c, [index for index, _ in keys])
            behind = [(key, counts[key]) for key in keys if key in counts]
            return behind, *self._loader.load(c, [key for key, _ in behind])

        behind, held, contents = await self._content.store.read(query)
        now, names = self._clock.now(), [stage.name for stage in self._region.procedure.stages]
        read = await self._workers.off_loop(
            lambda: [self._read(key, changes, held[key], contents, now) for key, changes in behind]
        )
        hashes = await self._hashed([*(word for one in read for word in one.words), *map(words.stage, names)])
        rows = [
            TalkWords(
                key=one.key,
                changes=one.changes,
                words=[hashes[word] for word in sorted(one.words)],
                moved=one.moved,
                stage=None if one.stage is None else hashes[words.stage(one.stage)],
            )
            for one in read
        ]
        return await self._content.store.move(lambda c: found.write_talks(c, rows)) == len(rows)

    def _read(
        self, key: Key, changes: int, held: LoadedConversation, contents: Mapping[int, MessageContent], now: int
    ) -> _Read:
        opened = [(row, *contents[row.ref].halves()) for row in held.rows if row.ref in contents]
        own = {contents[row.ref].facts.case for row, *_ in opened}
        said: list[object] = [pseudonym_of(content) for *_, content in opened]
        said += [half.get(name) for _, *halves in opened for half in halves for name in REFERENCES]
        return _Read(
            key=key,
            changes=changes,
            words=words.said([*said, *own])
            | {words.language(code) for *_, content in opened for code in _languages(content)}
            | {words.unit(unit) for row, header, _ in opened for unit in units.named(row, header)},
            moved=max((row.at for row in held.rows), default=None),
            stage=self._stage(held, now),
        )

    def _stage(self, held: LoadedConversation, now: int) -> str | None:
        """The stage that the procedure of the region gives by what both sides said; holds of this node change none."""
        if held.conversation is None:
            return None
        folded = fold(held.conversation, now)
        applied = [
            held.said[row.ref]
            for row in held.rows
            if row.ref in held.said and folded.outcomes.get(row.id) is Outcome.APPLIED
        ]
        known = Known(
            kind=str(held.conversation.kind),
            state=str(folded.state),
            facts=facts_of(applied, datetime.fromtimestamp(now, UTC).date()),
            seen=frozenset(message.body_type for message in applied),
        )
        return position(self._region.procedure, known).stage

    async def _write_cases(self, ids: Sequence[CaseId]) -> bool:
        """Look through these cases; whether the words of all are written."""

        def query(c: Connection) -> tuple[list[CaseRow], dict[str, frozenset[str]]]:
            rows = [*cases.get(c, ids).values()]
            cards = cards_in(self._content.sealer, c, rows)
            of = units.of_drafts(self._content.sealer, c, [row.id for row in rows if cards[row.id].units is None])
            return rows, {row.id: _of_card(cards[row.id], of.get(row.id, ())) for row in rows}

        rows, said = await self._content.store.read(query)
        hashes = await self._hashed([word for some in said.values() for word in some])

        def move(connection: Connection) -> bool:
            written = [
                found.write_case(connection, row, [hashes[word] for word in sorted(said[row.id])]) for row in rows
            ]
            return all(written)

        return await self._content.store.move(move)

    async def _sum_up(self, ids: Sequence[CaseId]) -> bool:
        """Write with these cases what the list goes by; nothing can come in between."""
        names = [words.stage(stage.name) for stage in self._region.procedure.stages]
        hashes = await self._hashed(names)
        stages = [hashes[name] for name in names]
        await self._content.store.move(lambda c: listing.sum_up(c, ids, stages, RESTING))
        return True

    async def _hashed(self, names: Iterable[str]) -> dict[str, bytes]:
        wanted = [*dict.fromkeys(names)]
        hashes = await self._workers.off_loop(lambda: self._content.sealer.word_indexes(wanted))
        return dict(zip(wanted, hashes, strict=True))


def _of_card(card: Card, drafts: Collection[UnitId]) -> frozenset[str]:
    """What a card says, or the units of drafts where it says no unit."""
    return (
        words.said([card.label, card.number])
        | {words.unit(one) for one in (card.units or drafts)}
        | (set() if card.worker is None else {words.worker(card.worker)})
        | ({words.KEPT} if card.units else frozenset())
        | ({words.FLAGGED} if card.flags else frozenset())
    )


def _languages(content: Mapping[str, Json]) -> Iterator[str]:
    person = content.get("person")
    listed = person.get("languages") if isinstance(person, dict) else None
    for one in listed if isinstance(listed, list) else ():
        code = one.get("language") if isinstance(one, dict) else None
        if isinstance(code, str):
            yield code
