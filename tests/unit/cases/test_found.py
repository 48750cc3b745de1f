"""gateway.cases.found: the words of a case are kept, and asking for them costs what the case has, not what all have."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from support.steps import steps

from gateway.cases import found, store
from gateway.cases.found import TalkWords
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import migrate
from gateway.database.tables import case_word
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages.store import conversations
from gateway.messages.store.conversations import ConversationStatus

AL, UNIT, OTHER, KEPT = NodeId("n1al"), b"unit", b"other", b"kept"
ONE = CaseRow(id=CaseId("one"), state=CaseState.OPEN, at=5, card=None)


def filled(connection: Connection, count: int) -> None:
    """So many cases, the same unit in each conversation."""
    for number in range(count):
        row, key = CaseRow(id=CaseId(f"c{number:06}"), state=CaseState.OPEN, at=5, card=None), b"%06d" % number
        store.open_cases(connection, [row])
        conversations.changed(connection, [(key, AL, "referral")])
        status = ConversationStatus(
            conversation=key, peer=AL, changes=1, state="sent", ours=None, theirs=None, fold=None
        )
        conversations.stand(connection, [status])
        store.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=row.id)])
        found.write_talks(connection, [TalkWords(key=(key, AL), changes=1, words=[UNIT, key], moved=5, stage=None)])


def test_a_page_costs_the_same_whatever_else_there_is(tmp_path: Path) -> None:
    """Ten times the cases add at most a tenth to what the words of a few cost."""
    counts, page = [], [CaseId(f"c{number:06}") for number in range(5)]
    for size in (50, 500):
        engine = SqliteFile(tmp_path / f"{size}.db").open_engine(writes=True)
        migrate(engine)
        with engine.connect() as connection, connection.begin():
            filled(connection, size)
            assert found.words_of(connection, page, [UNIT, OTHER]) == {id: {UNIT} for id in page}
        counts.append(steps(engine, lambda c: found.words_of(c, page, [UNIT, OTHER])))
        engine.dispose()
    assert 0 < counts[1] <= counts[0] * 1.1 + 20, counts


@pytest.mark.parametrize("after", [[], [UNIT], [UNIT, KEPT], [OTHER, KEPT], [OTHER, OTHER]])
def test_the_words_of_a_card_are_those_of_its_last_look(connection: Connection, after: list[bytes]) -> None:
    """What is not said any more is not found any more; of another case nothing is touched."""
    two = CaseRow(id=CaseId("two"), state=CaseState.OPEN, at=5, card=None)
    store.open_cases(connection, [ONE, two])
    for row, words in ((ONE, [UNIT, KEPT]), (two, [UNIT, KEPT]), (ONE, after)):
        assert found.write_case(connection, row, words)
    kept = connection.execute(select(case_word.c.case_id, case_word.c.word)).all()
    assert set(kept) == {*(("one", word) for word in after), ("two", UNIT), ("two", KEPT)}
    assert len(kept) == len(set(kept))
