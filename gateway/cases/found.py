"""The words by which conversations and cases are found, and who began a conversation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, select, update

from gateway.cases import store
from gateway.cases.store import CaseRow
from gateway.database.prepared import Prepared
from gateway.database.tables import case_link, case_word, cases, conversation, conversation_word, message
from gateway.foundation.ids import CaseId
from gateway.messages.store import conversations
from gateway.messages.store.conversations import Key

_FIRST = (
    select(func.min(message.c.ref))
    .where(message.c.conversation.in_(bindparam("which", expanding=True)))
    .group_by(message.c.conversation, message.c.peer)
)
_BEGUN = Prepared(select(message.c.conversation, message.c.peer, message.c.direction).where(message.c.ref.in_(_FIRST)))
_TALKS_BEHIND = Prepared(
    select(conversation.c.conversation, conversation.c.peer).where(conversation.c.worded < conversation.c.changes)
)
_CASES_BEHIND = Prepared(select(cases.c.id).where(~cases.c.worded))
_WORDED = Prepared(
    update(conversation)
    .where(conversation.c.conversation == bindparam("which"), conversation.c.peer == bindparam("whose"))
    .values(worded=bindparam("seen"), moved=bindparam("last"), stage=bindparam("there"))
)
_FORGET = Prepared(
    delete(conversation_word).where(
        conversation_word.c.conversation == bindparam("which"), conversation_word.c.peer == bindparam("whose")
    )
)
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_ASKED: BindParameter[bytes] = bindparam("words", expanding=True)
_ON_CARD = select(case_word.c.case_id, case_word.c.word).where(
    case_word.c.case_id.in_(_IDS), case_word.c.word.in_(_ASKED)
)
_IN_TALK = (
    select(case_link.c.case_id, conversation_word.c.word)
    .join(conversation_word, conversation_word.c.conversation == case_link.c.key)
    .where(
        conversation_word.c.word.in_(_ASKED),
        # said twice, so that what has the word elsewhere is not gone through: the word of a unit is in all of them
        conversation_word.c.conversation.in_(select(case_link.c.key).where(case_link.c.case_id.in_(_IDS))),
        case_link.c.case_id.in_(_IDS),
    )
)
_WORDS = Prepared(insert(conversation_word), columns=("word", "conversation", "peer"))
_CASE_WORDS = Prepared(insert(case_word), columns=("word", "case_id"))


def begun(connection: Connection, which: Collection[bytes]) -> dict[Key, str]:
    """The direction of the first message of each of these conversations: `in` where the peer began it."""
    rows = _BEGUN.rows(connection, which=list(which)) if which else []
    return {(conversation, peer): direction for conversation, peer, direction in rows}


def talks_behind(connection: Connection) -> list[Key]:
    """Conversations that changed since their words were written."""
    return [(index, peer) for index, peer in _TALKS_BEHIND.rows(connection)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkWords:
    """What a look at a conversation found, after so many changes of it."""

    key: Key
    changes: int
    words: Collection[bytes]
    moved: int | None
    stage: bytes | None


def write_talks(connection: Connection, found: Sequence[TalkWords]) -> int:
    """Write the words of conversations in the place of those of before, and return of how many. Of what changed
    meanwhile nothing is written: it may have been erased, and is looked at again.
    """
    counts = conversations.changes_of(connection, [one.key[0] for one in found])
    found = [one for one in found if counts.get(one.key) == one.changes]
    _FORGET.run(connection, [{"which": one.key[0], "whose": one.key[1]} for one in found])
    _WORDS.run(
        connection,
        [
            {"word": word, "conversation": one.key[0], "peer": one.key[1]}
            for one in found
            for word in dict.fromkeys(one.words)
        ],
    )
    _WORDED.run(
        connection,
        [
            {
                "which": one.key[0],
                "whose": one.key[1],
                "seen": one.changes,
                "last": one.moved,
                "there": one.stage,
            }
            for one in found
        ],
    )
    store.mark_unlisted(connection, [one.key[0] for one in found])
    return len(found)


def cases_behind(connection: Connection) -> list[CaseId]:
    """Cases whose card or links changed since their words were written."""
    return [CaseId(id) for (id,) in _CASES_BEHIND.rows(connection)]


def write_case(connection: Connection, row: CaseRow, words: Collection[bytes]) -> bool:
    """Write the words of a case. Of one with another card by now nothing is written; it is looked at again."""
    card = cases.c.card.is_(None) if row.card is None else cases.c.card == row.card
    if not connection.execute(update(cases).where(cases.c.id == row.id, card).values(worded=True)).rowcount:
        return False
    before = set(connection.scalars(select(case_word.c.word).where(case_word.c.case_id == row.id)))
    if gone := before.difference(words):
        connection.execute(delete(case_word).where(case_word.c.case_id == row.id, case_word.c.word.in_(gone)))
    new = [word for word in dict.fromkeys(words) if word not in before]
    _CASE_WORDS.run(connection, [{"word": word, "case_id": row.id} for word in new])
    return True


def forget_talks(connection: Connection, which: Collection[bytes]) -> None:
    """Forget the words of conversations of which something was erased, until what is left was looked at."""
    gone, some = list(which), conversation.c.conversation
    connection.execute(delete(conversation_word).where(conversation_word.c.conversation.in_(gone)))
    connection.execute(update(conversation).where(some.in_(gone)).values(worded=0, stage=None))
    store.mark_unlisted(connection, gone)


def words_of(connection: Connection, ids: Collection[CaseId], words: Collection[bytes]) -> dict[CaseId, set[bytes]]:
    """Which of these words each of these cases has, on its card or in its conversations."""
    named = {"ids": [*ids], "words": [*words]}
    found: dict[CaseId, set[bytes]] = {}
    for id, word in (*connection.execute(_ON_CARD, named), *connection.execute(_IN_TALK, named)):
        found.setdefault(CaseId(id), set()).add(word)
    return found
