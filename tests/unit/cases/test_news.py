"""What messages of peers say of cases: written for all of one request at once, as if they had come one by one."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from support import rows
from support.nodes import NOW
from support.tables import Faults

from gateway.cases import entries, store
from gateway.cases.history import Entry, StatusEntry
from gateway.cases.news import CaseNews, write_news
from gateway.cases.register import CaseRegister
from gateway.cases.rules import ABOUT_A_PERSON, Card, CaseState, Keeper, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import UnitId
from keys.keystore.keystore import system_rand

NAMED, NUMBERED, KEPT, BLANK = b"named", b"numbered", b"kept", b"blank"
NEW, NEWER, OF_NONE = b"new", b"newer", b"of none"
KEEPERS = (Keeper(unit=UnitId("u-1"), worker=None, since=NOW, reason="new", until=None),)
CARDS = {
    NAMED: Card(label="Willow"),
    NUMBERED: Card(number="F-1"),
    KEPT: Card(keepers=KEEPERS),
    BLANK: None,
}


def decided(day: str) -> StatusEntry:
    """A decision of a country."""
    return StatusEntry(status="formally_identified", country="FR", body=None, on=day, message="m" * 22, at=NOW)


SAID = [  # conversation, name, day of a decision
    (NAMED, "other name", "2026-01-01"),
    (NUMBERED, "no need", None),
    (KEPT, "Birch", None),
    (KEPT, "too late", "2026-01-02"),
    (BLANK, "Hazel", None),
    (NEW, "Rowan", "2026-01-03"),
    (NEW, "later name", "2026-01-04"),
    (NEWER, None, None),
    (OF_NONE, "nobody", "2026-01-05"),
]
WANTED = {  # what the card says, and which decisions are noted
    NAMED: (Card(label="Willow"), ["2026-01-01"]),
    NUMBERED: (Card(number="F-1"), []),
    KEPT: (Card(label="Birch", keepers=KEEPERS), ["2026-01-02"]),
    BLANK: (Card(label="Hazel"), []),
    NEW: (Card(label="Rowan"), ["2026-01-03", "2026-01-04"]),
    NEWER: (Card(), []),
    OF_NONE: (None, []),
}


@pytest.mark.parametrize("at_once", [1, 2, len(SAID)])
async def test_names_and_decisions_of_one_request(store_of: Content, at_once: int):
    """However many come together: a name goes on a card that has none, what else a card says stays, a decision is
    noted once, and what is of no case is noted nowhere.
    """
    cases = CaseRegister(store_of, system_rand)
    await _begin(store_of, cases)
    for first in range(0, len(SAID), at_once):
        await _write(store_of, cases, SAID[first : first + at_once])
    with Faults() as faults:
        for conversation, wanted in WANTED.items():
            with faults.row(conversation.decode()):
                card, noted = wanted
                assert await _found(store_of, cases, conversation) == (card and card.to_json(), noted)


async def test_the_transaction_waits_for_no_key(store_of: Content, monkeypatch: pytest.MonkeyPatch):
    """What a message says of a case that it begins is sealed before: the writer asks the key service nothing."""
    cases = CaseRegister(store_of, system_rand)
    news = _news(store_of, NEW, "Rowan", "2026-01-03")
    sealed = {row.ref: row for row in store_of.sealer.seal_each(news.plaintexts())}
    for asks in ("seal_each", "open_each"):
        monkeypatch.setattr(ContentSealer, asks, None)
    row = rows.message(1, conversation=NEW, kind=ABOUT_A_PERSON)
    await store_of.store.move(lambda c: write_news(cases, c, [news], cases.join_received(c, [row], NOW), sealed))
    monkeypatch.undo()
    assert await _found(store_of, cases, NEW) == (Card(label="Rowan").to_json(), ["2026-01-03"])


@pytest.fixture
def store_of(store: Store, vault: ContentSealer) -> Content:
    """A database and what seals for it."""
    return Content(store, vault)


async def _begin(content: Content, cases: CaseRegister) -> None:
    """The cases of before, each with its conversation."""
    ids = {conversation: cases.new_id() for conversation in CARDS}
    kind = LinkKind.CONVERSATION

    def move(c: Connection) -> None:
        store.open_cases(c, [CaseRow(id=id, state=CaseState.OPEN, at=NOW, card=None) for id in ids.values()])
        store.link(c, [Link(key=key, kind=kind, case_id=id) for key, id in ids.items()])
        for key, card in CARDS.items():
            if card is not None:
                cases.write_card(c, store.get(c, [ids[key]])[ids[key]], card)

    await content.store.move(move)


def _news(content: Content, conversation: bytes, name: str | None, day: str | None) -> CaseNews:
    return CaseNews(
        conversation=conversation,
        name=None if name is None else (content.store.new_ref(), name),
        decision=None if day is None else (content.store.new_ref(), decided(day)),
    )


async def _write(content: Content, cases: CaseRegister, said: list[tuple[bytes, str | None, str | None]]) -> None:
    told = [_news(content, *one) for one in said]
    plaintexts = [plain for news in told for plain in news.plaintexts()]
    sealed = {row.ref: row for row in content.sealer.seal_each(plaintexts)}
    about = [rows.message(1, conversation=one, kind=ABOUT_A_PERSON) for one, *_ in said if one in (NEW, NEWER)]
    await content.store.move(lambda c: write_news(cases, c, told, cases.join_received(c, about, NOW), sealed))


async def _found(content: Content, cases: CaseRegister, conversation: bytes) -> tuple[object, list[str]]:
    def query(c: Connection) -> tuple[Card | None, list[Entry]]:
        case = store.cases_of(c, [conversation]).get(conversation)
        if case is None:
            return None, []
        return cases.card_in(c, store.get(c, [case])[case]), entries.of_case(content.sealer, c, case)

    card, noted = await content.store.read(query)
    return card and card.to_json(), [entry.on for entry in noted if isinstance(entry, StatusEntry)]
