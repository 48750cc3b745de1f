"""gateway.cases.listing: the database finds the cases that a plain scan finds, in the same order, and counts alike."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from gateway.cases import found, listing, store
from gateway.cases.found import TalkWords
from gateway.cases.list_rules import ListedCase, Order, Owes, Talk, Wanted
from gateway.cases.listing import PARTS
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database.tables import cases, conversation
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages.store import conversations
from gateway.messages.store.conversations import ConversationStatus

NOW = 1_000
SOON = 1_001
AL, MA = NodeId("n1al"), NodeId("n1ma")
STAGES = (b"first", b"second", b"third")
RESTING = frozenset({"declined", "quiet"})
STATES = ("active", "declined", "quiet", None)
MINE, FLAGGED, KEPT, UNIT, SAID = b"mine", b"flagged", b"kept", b"unit", b"said"
ON_CARD = (MINE, FLAGGED, KEPT, UNIT, SAID)
IN_TALK = (UNIT, SAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a plain scan goes by."""

    case: ListedCase
    open: bool
    card: frozenset[bytes]
    said: frozenset[bytes]


def filled(connection: Connection, rng: random.Random, count: int) -> list[Told]:
    """Write cases with none to three conversations each; small numbers, so that many share a place."""
    told, names = list[Told](), iter(range(10_000))
    for number in range(count):
        id, open = CaseId(f"c{number:02}"), rng.random() < 0.9
        talks = [_talk(rng, next(names)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        states = [rng.choice(STATES) for _ in talks]
        card = frozenset(word for word in ON_CARD if rng.random() < 0.3)
        said = [frozenset(word for word in IN_TALK if rng.random() < 0.3) for _ in talks]
        talks = [_with_state(talk, state) for talk, state in zip(talks, states, strict=True)]
        row = CaseRow(id=id, state=CaseState.OPEN if open else CaseState.MERGED, at=rng.randint(0, 3), card=None)
        store.open_cases(connection, [row])
        for talk, state, some in zip(talks, states, said, strict=True):
            _write(connection, talk, state, some)
        store.link(connection, [Link(key=one.key[0], kind=LinkKind.CONVERSATION, case_id=id) for one in talks])
        found.write_case(connection, row, card)
        case = ListedCase(id=id, at=row.at, talks=talks)
        told.append(Told(case=case, open=open, card=card, said=frozenset[bytes]().union(*said)))
    return told


def _talk(rng: random.Random, number: int) -> Talk:
    at = (None, None, 998, 999, 1_001, 1_002)
    return Talk(
        key=(b"talk %d" % number, rng.choice((AL, MA))),
        live=True,
        ours=rng.choice(at),
        theirs=rng.choice(at),
        moved=rng.choice((None, 1, 2, 5)),
        stage=rng.choice((None, 0, 1, 2)),
    )


def _with_state(talk: Talk, state: str | None) -> Talk:
    return Talk(
        key=talk.key,
        live=state not in RESTING,
        ours=talk.ours,
        theirs=talk.theirs,
        moved=talk.moved,
        stage=talk.stage,
    )


def _write(connection: Connection, talk: Talk, state: str | None, words: frozenset[bytes]) -> None:
    index, peer = talk.key
    connection.execute(insert(conversation).values(conversation=index, peer=peer, kind="referral", changes=1))
    status = ConversationStatus(
        conversation=index, peer=peer, changes=1, state="", ours=talk.ours, theirs=talk.theirs, fold=None
    )
    assert conversations.stand(connection, [status]) == 1
    connection.execute(conversation.update().where(conversation.c.conversation == index).values(state=state))
    stage = None if talk.stage is None else STAGES[talk.stage]
    seen = TalkWords(key=talk.key, changes=1, words=sorted(words), moved=talk.moved, stage=stage)
    assert found.write_talks(connection, [seen]) == 1


def scan(told: Sequence[Told], wanted: Wanted) -> tuple[list[ListedCase], dict[str, int]]:
    """The cases that are wanted, in no order, and how many are in each part."""
    within = [one for one in told if _is_within(one, wanted)]
    counts = dict.fromkeys(PARTS, 0)
    for one in within:
        for part in _parts(one):
            counts[part] += 1
    return [one.case for one in within if _is_taken(one, wanted)], counts


def _is_within(one: Told, wanted: Wanted) -> bool:
    words, stage = one.card | one.said, None if wanted.stage is None else STAGES.index(wanted.stage)
    return (
        one.open
        and all(word in words for word in wanted.words)
        and all(unit in one.card or (unit in one.said and kept not in one.card) for unit, kept in wanted.units)
        and (stage is None or one.case.stage == stage)
        and (wanted.peer is None or wanted.peer in {talk.peer for talk in one.case.talks})
    )


def _is_taken(one: Told, wanted: Wanted) -> bool:
    case, owes = one.case, {Owes.US: one.case.ours, Owes.THEM: one.case.theirs}
    return (
        case.closed == wanted.closed
        and (not wanted.overdue or _is_late(case))
        and (not wanted.soon or _is_soon(case))
        and (not wanted.only_mine or wanted.mine in one.card)
        and (not wanted.only_flagged or FLAGGED in one.card)
        and (wanted.owes is None or owes[wanted.owes] is not None)
    )


def _is_late(case: ListedCase) -> bool:
    return any(at is not None and at < NOW for at in (case.ours, case.theirs))


def _is_soon(case: ListedCase) -> bool:
    ends = [at for at in (case.ours, case.theirs) if at is not None]
    return bool(ends) and NOW <= min(ends) <= SOON


def _parts(one: Told) -> Iterator[str]:
    if one.case.closed:
        yield "closed"
        return
    yield "open"
    goes_on = {
        "mine": MINE in one.card,
        "flagged": FLAGGED in one.card,
        "overdue": _is_late(one.case),
        "soon": _is_soon(one.case),
        "ours": one.case.ours is not None,
        "theirs": one.case.theirs is not None,
    }
    yield from (name for name, there in goes_on.items() if there)


def sorted_by(order: Order, cases: Sequence[ListedCase]) -> list[CaseId]:
    """In the order of the list; what is at the same place by its id."""

    def place(one: ListedCase) -> tuple[int, ...]:
        if order is Order.RESTS:
            return (one.moved,)
        if order is Order.NEWEST:
            return (-one.at,)
        return min((at for at in (one.ours, one.theirs) if at is not None), default=1 << 53), -one.moved

    return [one.id for one in sorted(cases, key=lambda one: (*place(one), one.id))]


def drawn(rng: random.Random) -> Wanted:
    """A question with none to three wishes."""
    wishes: dict[str, Any] = {
        "words": [SAID],
        "units": [(UNIT, KEPT)],
        "stage": rng.choice(STAGES),
        "peer": rng.choice((AL, MA)),
        "owes": rng.choice([*Owes]),
        "overdue": True,
        "soon": True,
        "only_mine": True,
        "only_flagged": True,
        "closed": True,
    }
    return Wanted(
        mine=MINE,
        flagged=FLAGGED,
        soon_until=SOON,
        **{name: wishes[name] for name in rng.sample([*wishes], rng.randint(0, 3))},
    )


def summed(connection: Connection) -> None:
    """Sum up what is marked."""
    listing.sum_up(connection, listing.cases_unlisted(connection), STAGES, RESTING)
    assert listing.cases_unlisted(connection) == []


def paged(connection: Connection, wanted: Wanted, order: Order, limit: int) -> tuple[list[CaseId], listing.FoundPage]:
    """Every page, and the last one."""
    ids, after = list[CaseId](), None
    while True:
        page = listing.find(connection, wanted, order=order, limit=limit, after=after, now=NOW)
        ids += [row.id for row in page.rows]
        after = page.behind
        if after is None:
            return ids, page


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep), pytest.param(3, marks=pytest.mark.deep)])
def test_the_list_is_that_of_a_plain_scan(connection: Connection, seed: int) -> None:
    """Whatever is wanted: each case once over all pages, in order; every page has the counts of all."""
    rng = random.Random(seed)
    told = filled(connection, rng, 60)
    summed(connection)
    for _ in range(60):
        wanted, order = drawn(rng), rng.choice([*Order])
        ids, last = paged(connection, wanted, order, rng.randint(1, 30))
        taken, counts = scan(told, wanted)
        assert (ids, last.total, dict(last.counts)) == (sorted_by(order, taken), len(taken), counts), wanted


def test_each_change_marks_its_case(connection: Connection) -> None:
    """A status, words, a link that goes elsewhere or away, an erasure: each is in the list once it is summed up."""
    talk = Talk(key=(b"talk", AL), live=True, ours=1_500, moved=7, stage=1)
    for id in ("one", "two"):
        store.open_cases(connection, [CaseRow(id=CaseId(id), state=CaseState.OPEN, at=5, card=None)])
    _write(connection, talk, "active", frozenset())
    store.link(connection, [Link(key=b"talk", kind=LinkKind.CONVERSATION, case_id=CaseId("one"))])
    assert _listed_anew(connection) == {"one": (1_500, 7, b"second"), "two": (None, 5, None)}
    status = ConversationStatus(
        conversation=b"talk", peer=AL, changes=1, state="active", ours=None, theirs=None, fold=None
    )
    conversations.stand(connection, [status])
    store.mark_unlisted(connection, [b"talk"])
    assert _listed_anew(connection)["one"] == (None, 7, b"second")
    found.write_talks(connection, [TalkWords(key=talk.key, changes=1, words=[], moved=9, stage=STAGES[2])])
    assert _listed_anew(connection)["one"] == (None, 9, b"third")
    store.move_links(connection, [b"talk"], was=CaseId("one"), to=CaseId("two"))
    assert _listed_anew(connection) == {"one": (None, 5, None), "two": (None, 9, b"third")}
    found.forget_talks(connection, [b"talk"])
    assert _listed_anew(connection)["two"] == (None, 9, None)
    store.unlink(connection, [b"talk"])
    assert _listed_anew(connection)["two"] == (None, 5, None)


def _listed_anew(connection: Connection) -> dict[str, tuple[int | None, int, bytes | None]]:
    summed(connection)
    rows = connection.execute(select(cases.c.id, cases.c.ours, cases.c.moved, cases.c.stage))
    return {row.id: (row.ours, row.moved, row.stage) for row in rows}


def test_words_are_found_on_cards_and_in_conversations(connection: Connection) -> None:
    """Only those that are asked for, of the cases that are asked for."""
    for id, on_card, said in (("one", UNIT, SAID), ("two", SAID, UNIT)):
        row, key = CaseRow(id=CaseId(id), state=CaseState.OPEN, at=5, card=None), id.encode()
        store.open_cases(connection, [row])
        _write(connection, Talk(key=(key, AL), live=True), "active", frozenset({said}))
        store.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=row.id)])
        found.write_case(connection, row, [on_card, KEPT])
    assert found.words_of(connection, [CaseId("one")], [UNIT, SAID]) == {"one": {UNIT, SAID}}
    assert found.words_of(connection, [CaseId("one"), CaseId("two")], [UNIT]) == {"one": {UNIT}, "two": {UNIT}}
