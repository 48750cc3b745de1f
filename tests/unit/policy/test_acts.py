"""What people decided that judgements rest on: of one message, of several, and whether it stands."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import questions
from gateway.cases import store as cases
from gateway.cases.history import QuestionEntry
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import unconfirmed_store
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId
from gateway.messages.store import local
from gateway.messages.store.local import OWN, ConsentRow
from gateway.policy import store as policy
from gateway.policy.acts import join_acts, load_acts
from gateway.policy.store import AsylumHold


def held(connection: Connection, *indexes: bytes) -> None:
    """Consents that were recorded here."""
    for ref, index in enumerate(indexes, 1):
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=OWN, state="active", at=1))


def test_acts_stand_until_one_of_them_changes(connection: Connection):
    """Each kind of act; what is about another consent changes nothing."""
    held(connection, b"one", b"two")
    acts = load_acts(connection, conversations=[b"talk"], consents=[b"one"])
    local.set_consent(connection, 2, state="withdrawn")
    local.set_withdrawals(connection, b"two", 9)
    assert acts.stands(connection)
    for number, act in enumerate(
        (
            lambda: unconfirmed_store.doubt_all(connection, at=1),
            lambda: local.set_consent(connection, 1, state="withdrawn"),
            lambda: local.set_withdrawals(connection, b"one", 8),
            lambda: policy.place(connection, AsylumHold(ref=7, at=1, lift=None), [b"label"]),
            lambda: policy.replace(connection, 7, 6),  # it names a further State; a worker's number may be lower
        )
    ):
        before = load_acts(connection, conversations=[b"talk"], consents=[b"one"])
        act()
        assert not before.stands(connection), number


async def test_a_question_about_a_linked_case_is_an_act(store: Store, vault: ContentSealer):
    """What was judged before it was asked, or answered, does not stand; no hold need lie, since a message may tell."""
    content = Content(store, vault)
    case = CaseId("A" * 22)

    def ask(connection: Connection) -> None:
        entry = QuestionEntry(about=CaseId("B" * 22), states=["AL"], at=1)
        questions.ask(content, connection, case, entry)

    def move(connection: Connection) -> list[bool]:
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
        stood = []
        for act in (ask, lambda c: questions.withdraw(c, questions.places(c), at=2)):
            before = load_acts(connection, conversations=[b"talk"], consents=[])
            act(connection)
            stood.append(before.stands(connection))
        return stood

    assert await store.move(move) == [False, False]


def test_the_acts_of_several_messages(connection: Connection):
    """Together they are what was looked up for all; where two do not agree there is no whole."""
    held(connection, b"one", b"two")
    for index, ref in ((b"one", 8), (b"two", 9)):
        local.set_withdrawals(connection, index, ref)
    policy.place(connection, AsylumHold(ref=7, at=1, lift=None), [b"hold"])
    talks = {b"talk": CaseId("A" * 22), b"other": CaseId("B" * 22)}
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in talks.values()])
    cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=id) for key, id in talks.items()])
    whole = load_acts(connection, conversations=[*talks], consents=[b"one", b"two"])
    first, second = whole.about([b"talk"], [b"one"]), whole.about([b"other"], [b"one", b"two"])
    assert first == load_acts(connection, conversations=[b"talk"], consents=[b"one"])
    assert second == load_acts(connection, conversations=[b"other"], consents=[b"one", b"two"])
    assert join_acts([first, second]) == whole
    assert join_acts([first]) == first
    assert join_acts([first, replace(second, cases={**second.cases, b"talk": None})]) is None
    assert join_acts([first, replace(second, consents={**second.consents, b"one": ()})]) is None
    assert join_acts([first, replace(second, taken_back={b"one": 3})]) is None
    assert join_acts([first, replace(second, doubted=frozenset({b"one"}))]) is None
    assert join_acts([first, replace(second, holds=frozenset({b"label"}))]) is None
    assert join_acts([first, replace(second, hold_refs=frozenset({6}))]) is None
