"""What is held of a consent: each record and every withdrawal binds, and what does not open is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.endpoints import example
from support.nodes import NOW

from gateway.consent import register
from gateway.consent.register import ACTIVE, DAMAGED, WITHDRAWN, WITHDRAWN_PART, HeldConsent, Known
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.messages.store import local
from gateway.messages.store.local import OWN, ConsentRow
from gateway.ports import Json
from keys.primitives.encoding import canon

ID = "AAAAAAAAAAAAAAAAAAAAAA"
INDEX = b"index"
THIRD = "n1" + "c" * 32
GRANTS = [
    {"purpose": purpose, "recipient_units": ["n1al/shelter"], "data_categories": ["needs"], "until": "2030-12-31"}
    for purpose in ("referral", "monitoring")
]
RECORD: dict[str, Any] = example("consent.record.1/valid-adult")["content"] | {"consent_id": ID, "grants": GRANTS}
FIRST, SECOND = ({"scope": "grants", "grants": [place], "withdrawn_on": NOW + place} for place in (0, 1))
ALL = {"scope": "all", "withdrawn_on": NOW}


def row(ref: int, holder: str = OWN, **changed: Any) -> ConsentRow:
    """The row of one holder's record."""
    return replace(ConsentRow(ref=ref, consent=INDEX, holder=holder, state=ACTIVE, at=NOW), **changed)


def held(ref: int, holder: str = OWN, **said: Any) -> HeldConsent:
    """One holder's record, with `said` changed in it."""
    return HeldConsent(row=row(ref, holder), record=RECORD | said)


def known(*records: HeldConsent, **changed: Any) -> Known:
    """What is known where these records open and nothing was taken back."""
    usual = Known(
        index=INDEX,
        rows=tuple(item.row for item in records),
        held=records,
        withdrawals=(),
        withdrawn_in=None,
        damaged=frozenset(),
    )
    return replace(usual, **changed)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (known(held(1)), ACTIVE),
        (known(held(1), withdrawals=(FIRST,)), WITHDRAWN_PART),
        (known(held(1), withdrawals=(FIRST, SECOND)), WITHDRAWN),
        (known(held(1), withdrawals=(ALL,)), WITHDRAWN),
        (known(withdrawals=(ALL,)), WITHDRAWN),
        (known(held(1), withdrawals=None, damaged=frozenset({9})), WITHDRAWN),
        (known(held(1), damaged=frozenset({2})), DAMAGED),
        (known(), DAMAGED),
    ],
    ids=["whole", "in part", "every grant", "all", "no record came", "withdrawals do not open", "a record", "nothing"],
)
def test_the_state_of_a_consent(found: Known, state: str):
    """One word for all that is held; where nobody can tell what was taken back, all of it was."""
    assert (found.state, found.withdrawn) == (state, state == WITHDRAWN)
    assert (found.consent is None) is (not found.held or bool(found.damaged))


def test_another_record_binds_and_does_not_grant():
    """What a third node's record denies is denied here; the own record is the one that is asked."""
    consent = known(held(1), held(2, THIRD, denials=[{"data_category": "needs"}])).consent
    assert consent is not None
    assert consent.forbids("referral", "n1al/shelter", "needs")
    other = known(held(1, grants=GRANTS[:1]), held(2, THIRD)).consent
    assert other is not None
    assert [grant.purpose for grant in other.grants] == ["referral"]


def test_who_recorded_it():
    """The own record is this node's."""
    assert known(held(1), held(2, THIRD)).recorded_by("n1own") == {"n1own", THIRD}
    assert known().recorded_by("n1own") == frozenset()


@pytest.mark.parametrize(
    ("record", "withdrawals", "state"),
    [
        (RECORD, (), ACTIVE),
        (RECORD, (FIRST,), WITHDRAWN_PART),
        (RECORD, (ALL,), WITHDRAWN),
        (None, (), WITHDRAWN),
        (RECORD, None, WITHDRAWN),
    ],
    ids=["whole", "in part", "all", "does not open", "withdrawals do not open"],
)
def test_the_state_that_is_kept_beside_a_record(record: Any, withdrawals: Any, state: str):
    """Of what does not open everything was taken back."""
    assert known(held(1), withdrawals=withdrawals).state_of(record) == state


# --- what comes in the same request ------------------------------------------------------------------------------


def test_news_of_a_holder_takes_the_place_of_their_record():
    """The last record counts, and what others hold stays as it is."""
    before = known(held(1), held(2, THIRD))
    new, newer = RECORD | {"form": "oral"}, RECORD | {"form": "video"}
    after = before.with_news(THIRD, [new, newer], [], NOW + 5)
    added = HeldConsent(row=row(0, THIRD, at=NOW + 5), record=newer)
    assert after == replace(before, held=(before.held[0], added))


@pytest.mark.parametrize(
    ("grants", "changed"),
    [
        (GRANTS, False),
        (GRANTS[::-1], True),
        ([*GRANTS, GRANTS[0]], True),
        (GRANTS[:1], True),
        ([GRANTS[0], GRANTS[1] | {"until": "2031-12-31"}], True),
        ([GRANTS[0] | {"data_categories": ["needs", "needs"]}, GRANTS[1]], False),
    ],
    ids=["the same", "in another order", "agreed to again", "fewer", "longer", "the same in other words"],
)
def test_news_with_other_grants_after_a_part_was_taken_back(grants: Any, changed: bool):
    """Nobody can tell any more what of it was: all counts as taken back, whichever came first."""
    news = [RECORD | {"grants": grants}]
    for before, withdrawals in ((known(held(1, THIRD), withdrawals=(FIRST,)), []), (known(held(1, THIRD)), [FIRST])):
        after = before.with_news(THIRD, news, withdrawals, NOW)
        assert after.withdrawals == ((FIRST, ALL | {"consent_id": ID, "erase_wanted": False}) if changed else (FIRST,))
    for before in (known(held(1, THIRD)), known(held(1), withdrawals=(FIRST,)), known(withdrawals=(FIRST,))):
        assert before.with_news(THIRD, news, [], NOW).withdrawals == before.withdrawals
    twice = known(withdrawals=(FIRST,)).with_news(THIRD, [RECORD, *news], [], NOW)
    assert twice.state == (WITHDRAWN if changed else WITHDRAWN_PART)


def test_news_of_a_withdrawal_counts_at_once():
    """Each that takes back more is kept and a repeat is not; without a record the records stay."""
    before = known(held(1), withdrawals=(FIRST,))
    assert before.with_news(THIRD, [], [FIRST, SECOND, SECOND], NOW) == replace(before, withdrawals=(FIRST, SECOND))
    both = before.with_news(THIRD, [RECORD], [ALL], NOW)
    assert (both.withdrawals, len(both.held), both.state) == ((FIRST, ALL), 2, WITHDRAWN)


def test_news_open_nothing_that_does_not_open():
    """Withdrawals that nobody can read stay everything."""
    before = known(held(1), withdrawals=None)
    assert before.with_news(THIRD, [], [FIRST], NOW).withdrawals is None


# --- in the database ---------------------------------------------------------------------------------------------


@pytest.fixture
def content(store: Store, vault: ContentSealer) -> Content:
    """A database and what seals for it."""
    return Content(store, vault)


async def keep(content: Content, holder: str = OWN, **said: Any) -> int:
    """A record in the database; the number of its row."""
    ref = content.store.new_ref()
    index = content.sealer.consent_index(ID)

    def move(connection: Connection) -> None:
        content_rows.put(connection, [content.sealer.seal(ref, register.encode(RECORD | said))])
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=holder, state=ACTIVE, at=NOW))

    await content.store.move(move)
    return ref


async def take_back(content: Content, withdrawal: Mapping[str, Json]) -> Known | None:
    """One more withdrawal of what is known now."""
    before = await register.known(content, ID)
    return await content.store.move(lambda c: register.take_back(content, c, before, withdrawal))


async def states(content: Content) -> dict[int, str]:
    """The word beside each record."""
    index = content.sealer.consent_index(ID)
    return {found.ref: found.state for found in await content.store.read(lambda c: local.consents(c, index))}


async def spoil(content: Content, ref: int) -> None:
    """The sealed row does not open any more."""

    def move(connection: Connection) -> None:
        content_rows.erase(connection, ref)
        content_rows.put(connection, [rows.sealed(ref)])

    await content.store.move(move)


async def test_a_consent_that_nobody_told_of(content: Content):
    """Nothing is known but its index."""
    found = await register.known(content, ID)
    assert found == known(index=content.sealer.consent_index(ID))


async def test_every_record_of_a_consent_is_found(content: Content):
    """The own one first, whoever came first; those of another consent are not among them."""
    theirs, ours = await keep(content, THIRD, form="oral"), await keep(content)
    found = await register.known(content, ID)
    assert [(item.row.ref, item.row.holder) for item in found.held] == [(ours, OWN), (theirs, THIRD)]
    assert [item.record["form"] for item in found.held] == [RECORD["form"], "oral"]
    assert (found.rows, found.damaged) == (tuple(item.row for item in found.held), frozenset())
    assert (await register.known(content, "BBBBBBBBBBBBBBBBBBBBBB")).rows == ()


async def test_a_withdrawal_is_kept_and_told_beside_every_record(content: Content):
    """Each narrows what is left; the row of the withdrawals before is destroyed, and a repeat writes nothing."""
    ours, theirs = await keep(content), await keep(content, THIRD, grants=GRANTS[:1])
    first = await take_back(content, FIRST)
    assert first is not None
    assert first.withdrawals == (FIRST,)
    assert await states(content) == {ours: WITHDRAWN_PART, theirs: WITHDRAWN}
    assert await take_back(content, FIRST | {"withdrawn_on": NOW + 9}) is None
    second = await take_back(content, SECOND)
    assert second is not None
    found = await register.known(content, ID)
    assert (found.withdrawals, found.withdrawn_in) == ((FIRST, SECOND), second.withdrawn_in)
    assert await states(content) == {ours: WITHDRAWN, theirs: WITHDRAWN}
    assert first.withdrawn_in is not None
    assert await content.store.read(lambda c: content_rows.get(c, [first.withdrawn_in])) == {}


async def test_a_withdrawal_before_any_record(content: Content):
    """It waits for the record, which comes withdrawn."""
    await take_back(content, ALL)
    await keep(content, THIRD)
    assert (await register.known(content, ID)).state == WITHDRAWN


async def test_a_record_that_does_not_open(content: Content):
    """It is named; a withdrawal is taken all the same and takes back all of it."""
    ours, theirs = await keep(content), await keep(content, THIRD)
    await spoil(content, theirs)
    found = await register.known(content, ID)
    assert ([item.row.ref for item in found.held], found.damaged) == ([ours], {theirs})
    assert [item.ref for item in found.rows] == [ours, theirs]
    await take_back(content, FIRST)
    assert await states(content) == {ours: WITHDRAWN_PART, theirs: WITHDRAWN}


async def test_withdrawals_that_do_not_open_are_not_replaced(content: Content):
    """What would replace them might take back less: they stay, and count as everything."""
    ours = await keep(content)
    kept = await take_back(content, FIRST)
    assert kept is not None and kept.withdrawn_in is not None
    await spoil(content, kept.withdrawn_in)
    found = await register.known(content, ID)
    assert (found.withdrawals, found.damaged, found.state) == (None, {kept.withdrawn_in}, WITHDRAWN)
    assert await take_back(content, ALL) is None
    assert await states(content) == {ours: WITHDRAWN_PART}
    again = await register.known(content, ID)
    assert again.withdrawn_in == kept.withdrawn_in


async def test_what_a_sealed_row_says(content: Content):
    """None where it is gone or does not open."""
    sealed = content.sealer.seal(7, register.encode(RECORD))
    assert register.opened(content.sealer, sealed) == RECORD
    assert register.encode(RECORD) == canon(RECORD)
    assert register.opened(content.sealer, None) is None
    assert register.opened(content.sealer, rows.sealed(7)) is None


def test_what_does_not_open_is_told_to_a_person(connection: Connection):
    """One alarm for each row, in their order."""
    register.alarm(connection, {8, 3}, NOW)
    told = [(alarm.at, alarm.kind, alarm.peer, alarm.ref) for alarm in journal.open_alarms(connection)]
    assert told == [(NOW, "content.damaged", None, 3), (NOW, "content.damaged", None, 8)]
