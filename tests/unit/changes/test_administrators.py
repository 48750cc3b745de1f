"""Who the administrators of a node are, by their own completed changes, and what a change of them may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support.authenticator import Authenticator
from support.ceremony import CARDS
from support.passkey_cards import card_of

from gateway.changes import administrators as admins
from gateway.changes import store
from gateway.changes.administrators import ADMINS
from gateway.changes.store import DONE, ChangeRow
from gateway.database import journal
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from keys.documents.change import Change
from keys.offline.administrator_key import new_admin

NODE = NodeId("n1" + "a" * 32)
ANA, BEN = CARDS
DEVICE = Authenticator()
ZOE = card_of(DEVICE, pseudonym="C" * 21 + "A", label="Zoe D.")
NOW = 1_800_000_000


def change(action: str, subject: str = ADMINS, **body: Any) -> Change:
    """A change of the administrators, but for what is named."""
    return Change(node=NODE, subject=subject, prev=None, at=NOW, action=action, body=body)


def completed(connection: Connection, seq: int, asked: Change) -> None:
    """The change has its place."""
    row = ChangeRow(hash=asked.hash, subject=ADMINS, seq=seq, payload=asked.encode(), state=DONE, at=NOW, effective=NOW)
    store.add_change(connection, row)


@pytest.fixture
def begun(connection: Connection) -> Connection:
    """A node that has just been made by Ana and Ben."""
    admins.begin(connection, NODE, CARDS, NOW)
    return connection


def test_a_node_begins_with_its_first_administrators(begun: Connection):
    """By a change that is done at once and that the log tells of, though nobody approved it."""
    assert admins.administrators(begun) == {ANA.pseudonym: ANA, BEN.pseudonym: BEN}
    (row,) = store.all_changes(begun, 9)
    asked = change("admins.begin", admins=[card.to_json() for card in CARDS])
    assert row == ChangeRow(
        hash=asked.hash, subject=ADMINS, seq=1, payload=asked.encode(), state=DONE, at=NOW, effective=NOW
    )
    ((_, told),) = journal.leaves(begun)
    assert orjson.loads(told) == {
        "seq": 1,
        "at": NOW,
        "ev": "change.completed",
        "change": asked.hash,
        "action": "admins.begin",
        "subject": ADMINS,
        "effective": NOW,
    }


def test_administrators_come_and_go(begun: Connection):
    """Who was retired is none any more, and still has a name in what was signed before."""
    completed(begun, 2, change("admin.enrol", admin=ZOE.to_json()))
    assert admins.administrators(begun) == {ANA.pseudonym: ANA, BEN.pseudonym: BEN, ZOE.pseudonym: ZOE}
    completed(begun, 3, change("admin.retire", pseudonym=ANA.pseudonym))
    assert admins.administrators(begun) == {BEN.pseudonym: BEN, ZOE.pseudonym: ZOE}
    everybody = (ANA, BEN, ZOE)
    assert admins.labels(begun) == {card.pseudonym: card.label for card in everybody}


def test_a_completed_change_without_its_shape_is_our_bug():
    """It was judged before anybody approved it."""
    with pytest.raises(RuntimeError, match="has its shape"):
        admins.enrolled_after({}, change("peer.renew", expires=NOW))


@contextmanager
def refused(code: Code, words: str, hint: str) -> Iterator[None]:
    """The block is refused, in words that say what to do."""
    with pytest.raises(RefusedError, match=words) as caught:
        yield
    assert caught.value.code is code
    assert hint in caught.value.hint


def test_an_administrator_by_their_passkey(begun: Connection):
    """A key file has none, and a passkey that nobody enrolled is nobody's."""
    completed(begun, 2, change("admin.enrol", admin=ZOE.to_json()))
    assert admins.by_passkey(begun, DEVICE.id) == ZOE
    with refused(Code.NOT_FOUND, "no administrator of this node", "the passkey that was enrolled"):
        admins.by_passkey(begun, b"another")


def test_a_new_administrator_is_somebody_else(begun: Connection):
    """Neither the same key under another name nor another key under the same one, and with a file that can be read."""
    admins.check_change(begun, change("admin.enrol", admin=ZOE.to_json()))
    twin = card_of(DEVICE, pseudonym="D" * 21 + "A", label="Dana E.")
    namesake = card_of(Authenticator(), pseudonym=ZOE.pseudonym)
    completed(begun, 2, change("admin.enrol", admin=ZOE.to_json()))
    for card in (ANA, twin, namesake):
        with refused(Code.CONFLICT, "the same person is there twice", "a key file of their own"):
            admins.check_change(begun, change("admin.enrol", admin=card.to_json()))
    altered = new_admin(label="Eva F.", now=NOW).card.to_json() | {"payload": ANA.to_json()["payload"]}
    with refused(Code.BAD_SIGNATURE, "not an administrator's public file", "trm admin new FILE"):
        admins.check_change(begun, change("admin.enrol", admin=altered))


def test_two_administrators_are_left(begun: Connection):
    """Whoever was never one cannot go; of two nobody can."""
    with refused(Code.NOT_FOUND, "no such administrator", "trm admin list"):
        admins.check_change(begun, change("admin.retire", pseudonym=ZOE.pseudonym))
    with refused(Code.CONFLICT, "at least two administrators", "enrol another one first"):
        admins.check_change(begun, change("admin.retire", pseudonym=ANA.pseudonym))
    completed(begun, 2, change("admin.enrol", admin=ZOE.to_json()))
    admins.check_change(begun, change("admin.retire", pseudonym=ANA.pseudonym))


@pytest.mark.parametrize(
    "asked",
    [
        change("admin.retire", subject="node", pseudonym=ANA.pseudonym),
        change("admins.begin", admins=[card.to_json() for card in CARDS]),
    ],
    ids=["about the node", "a second beginning"],
)
def test_a_change_of_administrators_is_about_them(begun: Connection, asked: Change):
    """The first ones begin once, when the node is made."""
    completed(begun, 2, change("admin.enrol", admin=ZOE.to_json()))
    with refused(Code.INVALID, "does not fit its action", ""):
        admins.check_change(begun, asked)
