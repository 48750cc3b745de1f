"""What is kept of an asylum hold, what it says of feared States, and when it ends by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import orjson
import pytest
from sqlalchemy import Connection
from support import rows
from support.nodechild import SteeredClock

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ledger import store as ledger
from gateway.ledger.rules import Entry, Taken
from gateway.messages.content_codec import Facts
from gateway.messages.store import messages
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import HoldsOnCases, Named
from gateway.policy.store import AsylumHold
from keys.primitives.encoding import b64u, lp_join

NOW = 1_800_000_000
TALK = Named(conversation="talk", consents=("first", "second"), states=("AL", "XK"))
OTHER = Named(conversation="other", consents=())


@pytest.fixture
def content(store: Store, vault: ContentSealer) -> Content:
    """A database and what seals for it."""
    return Content(store, vault)


async def placed(content: Content, *holds: SealedRow) -> None:
    """Each hold lies over a label of its own, `hold 1` and so on."""

    def move(connection: Connection) -> None:
        content_rows.put(connection, holds)
        for number, row in enumerate(holds, 1):
            store.place(connection, AsylumHold(ref=row.ref, at=NOW, lift=None), [b"hold %d" % number])

    await content.store.move(move)


def test_a_hold_is_read_as_it_was_sealed(content: Content):
    """Each under a number of its own; one that does not open is left out."""
    sealed = [asylum_holds.sealed(content, named) for named in (TALK, OTHER)]
    assert sealed[0].ref != sealed[1].ref
    found = asylum_holds.opened(content.sealer, [rows.sealed(99), *sealed])
    assert found == {sealed[0].ref: TALK, sealed[1].ref: OTHER}
    assert asylum_holds.opened(content.sealer, []) == {}


def test_a_hold_of_the_first_release(content: Content):
    """A line for the conversation and one for each consent; it names no State."""
    sealed = content.sealer.seal(7, b"talk\nfirst\nsecond")
    assert asylum_holds.opened(content.sealer, [sealed]) == {
        7: Named(conversation="talk", consents=("first", "second"))
    }


async def test_the_states_that_holds_keep_away_from(content: Content):
    """All that are named; if one of them does not open nobody can say which, so none is named."""
    more = Named(conversation="more", consents=(), states=("MA",))
    await placed(content, *(asylum_holds.sealed(content, named) for named in (TALK, more)), rows.sealed(99))

    async def feared(*labels: bytes) -> frozenset[str]:
        return await content.store.read(lambda c: asylum_holds.feared_states(c, content.sealer, labels))

    assert await feared(b"hold 1", b"hold 2") == {"AL", "XK", "MA"}
    assert await feared(b"hold 2") == {"MA"}
    assert await feared(b"hold 1", b"hold 3") == frozenset()
    assert await feared() == frozenset()


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after holds ended by themselves."""

    holds: list[int]
    told: list[tuple[int, str]]


async def forgotten(content: Content, *but: int) -> Left:
    """End what nothing is left of; of the messages left, those of `but` do not count."""

    def find_uncounted(connection: Connection, left: Collection[int]) -> list[int]:
        return [ref for ref in messages.get(connection, [*left]) if ref in but]

    await asylum_holds.forget(content, SteeredClock(NOW), but=find_uncounted)

    def read(connection: Connection) -> Left:
        leaves = [orjson.loads(leaf) for _, leaf in journal.leaves(connection)]
        return Left([one.ref for one in store.listed(connection)], [(leaf["at"], leaf["ev"]) for leaf in leaves])

    return await content.store.read(read)


async def both_stay(content: Content) -> list[int]:
    """A message relies on a consent of the first hold, and one is in the conversation of the second."""
    found = [
        rows.message(101, conversation=b"elsewhere", consent=content.sealer.consent_index("second")),
        rows.message(102, conversation=content.sealer.conversation_index("other")),
    ]
    await content.store.move(lambda c: messages.add(c, found))
    left = await forgotten(content)
    assert (len(left.holds), left.told) == (2, [])
    return left.holds


async def test_a_hold_ends_with_the_last_of_what_it_lies_over(content: Content):
    """A message of its conversation, or of one that relied on its consents; the log tells of each end."""
    assert await forgotten(content) == Left([], [])
    await placed(content, *(asylum_holds.sealed(content, named) for named in (TALK, OTHER)))
    first, second = await both_stay(content)
    assert await forgotten(content, 102) == Left([first], [(NOW, "asylum.ended")])
    assert await forgotten(content, 101, 102) == Left([], [(NOW, "asylum.ended")] * 2)
    assert second not in await content.store.read(lambda c: content_rows.get(c, [first, second]))
    lifted = [(row.kind, row.at, row.subject, row.detail) for row, _ in await content.store.read(_ledger)]
    of = {b"hold 2": OTHER.conversation, b"hold 1": TALK.conversation}
    assert lifted == [
        ("lifted", NOW, label, b64u(content.sealer.hold_indexes(conversation, ())[0]))
        for label, conversation in of.items()
    ]


def _ledger(connection: Connection) -> list[ledger.Named]:
    """Everything that the ledger says."""
    return ledger.after(connection, 0, 9)


async def test_a_hold_ends_beside_one_whose_case_is_here(content: Content):
    """That one stays as long as its case, wherever it stands among them."""
    await placed(content, *(asylum_holds.sealed(content, OTHER) for _ in range(3)))

    def move(connection: Connection) -> int:
        cases.open_cases(connection, [CaseRow(id=CaseId("A" * 22), state=CaseState.OPEN, at=1, card=None)])
        cases.link(connection, [Link(key=b"hold 2", kind=LinkKind.HOLD, case_id=CaseId("A" * 22))])
        return store.over(connection, [b"hold 2"])[0]

    stays = await content.store.move(move)
    assert await forgotten(content) == Left([stays], [(NOW, "asylum.ended")] * 2)


@pytest.mark.parametrize("own", [True, False], ids=["its own", "that of before"])
async def test_under_which_name_the_ledger_ends_a_hold(content: Content, own: bool):
    """Its own, where it lies over the conversation that it names, whatever the ledger lays over a case; a lost one was
    named on another conversation, and ends under the name by which it was laid over its case.
    """
    label, before = content.sealer.hold_indexes(TALK.conversation, ())[0], b"the name before."
    labels = [label, before] if own else [before]

    def move(connection: Connection) -> None:
        row = asylum_holds.sealed(content, TALK)
        content_rows.put(connection, [row])
        store.place(connection, AsylumHold(ref=row.ref, at=NOW, lift=None), labels)
        ledger.add_over(connection, before, [b"a name of a case"], at=NOW)

    await content.store.move(move)
    assert await forgotten(content) == Left([], [(NOW, "asylum.ended")])
    told = [(row.kind, row.subject, row.detail) for row, _ in await content.store.read(_ledger)]
    assert told[0] == ("over", b"a name of a case", b64u(before))
    assert sorted(told[1:]) == sorted(("lifted", one, b64u(label if own else before)) for one in labels)


async def test_a_hold_that_does_not_open_stays(content: Content):
    """Nobody can say what it lies over."""
    await placed(content, rows.sealed(99))
    assert await forgotten(content) == Left([99], [])


async def test_a_hold_of_what_is_not_here_yet_does_not_end(content: Content):
    """Only the ledger knew it, and the conversation may come again: it stays, whatever else is erased (threat 162)."""
    await content.store.move(lambda c: asylum_holds.lay_again(c, content, {b"hold 1": [b"hold 1"]}, at=NOW))
    left = await forgotten(content)
    assert (len(left.holds), left.told) == (1, [(NOW, "asylum.held_again")])


@pytest.mark.parametrize(
    ("there", "left"),
    [((True, True), 0), ((True, False), 1), ((False, False), 1), ((), 1)],
    ids=["it was here", "a part of it may come again", "it was not here", "it lay over none"],
)
async def test_a_hold_without_a_conversation_ends_with_its_case(content: Content, there: tuple[bool, ...], left: int):
    """The ledger has an entry for each name of the case, which waits until what has that name is here."""
    label = b"a lost label" + bytes(4)
    entries = [Entry(n=n, at=NOW, kind=Taken.OVER, of=b"%016d" % n, detail=b64u(label)) for n, _ in enumerate(there)]

    def move(connection: Connection) -> None:
        ledger.add_read(connection, entries)
        ledger.settle(connection, [n for n, found in enumerate(there) if found])
        asylum_holds.lay_again(connection, content, {label: [label]}, at=NOW)

    await content.store.move(move)
    assert len((await forgotten(content)).holds) == left
    lifted = [row.detail for row, _ in await content.store.read(_ledger) if row.kind == Taken.LIFTED]
    assert lifted == [b64u(label)] * (1 - left)


async def laid_again(content: Content, *holds: list[bytes]) -> dict[bytes, int]:
    """After one hold was placed, what the ledger names of these lies again; by label since when a hold lies."""
    await placed(content, asylum_holds.sealed(content, TALK))
    by_label = {labels[0]: labels for labels in holds}
    await content.store.move(lambda c: asylum_holds.lay_again(c, content, by_label, at=NOW + 1))
    found = await content.store.read(lambda c: {label: store.get(c, label) for label in store.labels(c)})
    return {label: hold.at for label, hold in found.items() if hold is not None}


async def feared(content: Content, label: bytes) -> frozenset[str]:
    """The States that the holds over a label name."""
    return await content.store.read(lambda c: asylum_holds.feared_states(c, content.sealer, [label]))


async def test_a_hold_that_only_the_ledger_knows(content: Content):
    """It keeps from all States, also over a consent over which another hold lies: nobody knows which are feared."""
    assert await laid_again(content, [b"hold 2", b"hold 1"], [b"hold 3"]) == {
        b"hold 1": NOW,
        b"hold 2": NOW + 1,
        b"hold 3": NOW + 1,
    }
    assert [await feared(content, b"hold %d" % number) for number in (1, 2, 3)] == [frozenset()] * 3


async def test_a_hold_that_was_placed_once_more_after_the_backup(content: Content):
    """It lies as before, over more, and keeps from all States: those that were added are not in the backup."""
    assert await laid_again(content, [b"hold 1", b"hold 2"]) == {b"hold 1": NOW, b"hold 2": NOW}
    assert [await feared(content, label) for label in (b"hold 1", b"hold 2")] == [frozenset()] * 2
    (held,) = await content.store.read(store.listed)
    sealed = await content.store.read(lambda c: content_rows.get(c, [held.ref]))
    named = asylum_holds.opened(content.sealer, list(sealed.values()))[held.ref]
    assert (named.conversation, named.consents) == (TALK.conversation, TALK.consents)


async def test_a_hold_that_does_not_open_is_laid_again(content: Content):
    """What it lay over beside that conversation nobody can say; it keeps from all States."""
    await placed(content, rows.sealed(99))
    await content.store.move(lambda c: asylum_holds.lay_again(c, content, {b"hold 1": [b"hold 1"]}, at=NOW + 1))
    (held,) = await content.store.read(store.listed)
    sealed = await content.store.read(lambda c: content_rows.get(c, [held.ref]))
    assert held.at == NOW
    nobody_knows = Named(conversation=ConversationId(""), consents=(), states=None)
    assert asylum_holds.opened(content.sealer, list(sealed.values())) == {held.ref: nobody_knows}


async def test_a_hold_whose_conversation_is_here_is_of_its_case(content: Content):
    """It names the conversation again and lies on its case; what does not open is no conversation that it could be."""
    sealer, case = content.sealer, CaseId("A" * 22)
    label, index = sealer.hold_indexes(ConversationId("talk"), ())[0], sealer.conversation_index(ConversationId("talk"))
    facts = Facts(
        body_type="x", schema="", conversation="talk", reply_to=None, purpose=None, consent_ref=None, created=1
    )

    def move(connection: Connection) -> None:
        messages.add(connection, [rows.message(101, conversation=b"damaged"), rows.message(102, conversation=index)])
        kept = sealer.seal(102, lp_join(facts.encode(), b"", b"{}"))
        content_rows.put(connection, [rows.sealed(101), kept])
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
        cases.link(connection, [Link(key=index, kind=LinkKind.CONVERSATION, case_id=case)])
        asylum_holds.lay_again(connection, content, {label: [label], b"another": [b"another"]}, at=NOW)

    await content.store.move(move)
    (link,) = await content.store.read(lambda c: cases.links(c, case, LinkKind.HOLD))
    assert link.key == label
    held = await content.store.read(lambda c: content_rows.get(c, [one.ref for one in store.listed(c)]))
    named = asylum_holds.opened(sealer, list(held.values())).values()
    assert sorted((one.conversation, one.consents, one.states) for one in named) == [("", (), None), ("talk", (), None)]
    assert len((await forgotten(content)).holds) == 2
    assert len((await forgotten(content, 102)).holds) == 2  # of a case that is here still
    await content.store.move(lambda c: cases.unlink(c, [label, index]))
    assert len((await forgotten(content, 102)).holds) == 1


@pytest.mark.parametrize(
    ("there", "lift", "holds", "kept_from"),
    [
        (("AL",), None, 1, {"AL"}),
        (("AL",), b"first", 2, {"AL"}),
        (("MA",), None, 2, {"AL", "MA"}),
        ((), None, 2, set()),
    ],
    ids=["the same States", "somebody wants that lifted", "other States", "no State is known"],
)
async def test_what_lies_over_one_case_is_laid_over_another(
    content: Content, there: tuple[str, ...], lift: bytes | None, holds: int, kept_from: set[str]
):
    """Once, as far as no hold there does; and where one there keeps from all, all stays closed."""
    case, laid = CaseId("A" * 22), [Named(conversation="talk", consents=(), states=one) for one in (("AL",), there)]

    def move(connection: Connection) -> frozenset[str]:
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=NOW, card=None)])
        for label, named in zip((b"hold 1", b"hold 2"), laid, strict=True):
            row = asylum_holds.sealed(content, named)
            content_rows.put(connection, [row])
            store.place(connection, AsylumHold(ref=row.ref, at=NOW, lift=None), [label])
            if label == b"hold 2":
                cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])
                if lift is not None:
                    store.want_lift(connection, row.ref, lift)
        for _ in range(2):
            HoldsOnCases(content, lambda: CaseId("B" * 22)).copy(connection, [b"hold 1"], case, NOW)
        labels = [link.key for link in cases.links(connection, case, LinkKind.HOLD)]
        assert len(labels) == holds
        return asylum_holds.feared_states(connection, content.sealer, labels)

    assert await content.store.move(move) == kept_from
