"""gateway.cases.units: who looks after each case of a list, by its card, else by what was said in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import rows

from gateway.cases import store, units
from gateway.cases.operations.views import CaseViews
from gateway.cases.rules import Card, CaseState, Keeper, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, ConversationId, UnitId
from gateway.messages.content_codec import Facts
from gateway.messages.store import local, messages
from gateway.messages.store.local import DraftRow
from keys.primitives.encoding import lp_join

FACTS = Facts(
    body_type="referral.request/1",
    schema="x",
    conversation=ConversationId("c"),
    reply_to=None,
    purpose=None,
    consent_ref=None,
    created=1,
)


class Cases:
    """Writes cases with what says who looks after them; numbers of rows are drawn one after the other."""

    def __init__(self, vault: ContentSealer, connection: Connection) -> None:
        self._vault = vault
        self._connection = connection
        self._ref = 100

    def open(self, id: str, card: Card | None = None) -> None:
        """A case, with a card or without."""
        ref = None if card is None else self._seal(orjson.dumps(card.to_json()))
        store.open_cases(self._connection, [CaseRow(id=CaseId(id), state=CaseState.OPEN, at=1, card=ref)])

    def say(self, id: str, *header: dict[str, str]) -> None:
        """A conversation of the case with messages of these headers, the first of them ours."""
        key = f"talk {id} {self._ref}".encode()
        self._link(id, key, LinkKind.CONVERSATION)
        for way, one in zip(("out", "in"), header, strict=False):
            ref = self._seal(lp_join(FACTS.encode(), b"", orjson.dumps({"header": one, "content": {}})))
            messages.add(self._connection, [rows.message(ref, conversation=key, direction=way)])

    def draft(self, id: str, unit: str) -> None:
        """A draft of the case from a unit."""
        ref = self._seal(orjson.dumps({"header": {"sender_unit": unit}}))
        local.add_draft(self._connection, DraftRow(ref=ref, id=f"d{ref}", origin=None, state="waiting", at=1))
        self._link(id, b"draft/d%d" % ref, LinkKind.DRAFT)

    def forget(self) -> None:
        """Erase what was sealed last."""
        content.erase(self._connection, self._ref)

    def _link(self, id: str, key: bytes, kind: LinkKind) -> None:
        store.link(self._connection, [Link(key=key, kind=kind, case_id=CaseId(id))])

    def _seal(self, plain: bytes) -> int:
        self._ref += 1
        content.put(self._connection, [self._vault.seal(self._ref, plain)])
        return self._ref


@pytest.fixture
def made(vault: ContentSealer, connection: Connection) -> Cases:
    """Nothing yet."""
    content.open_epochs(connection)
    return Cases(vault, connection)


def test_a_card_says_it_else_all_that_was_said(made: Cases, vault: ContentSealer, connection: Connection):
    """What each message names of this side, and drafts; of what was erased nothing is known, and nothing fails."""
    kept = Keeper(unit=UnitId("shelter"), worker=None, since=1, reason="she moved")
    made.open("kept", Card(keepers=(kept,)))
    made.say("kept", {"sender_unit": "focal"})
    made.open("said")
    made.say("said", {"sender_unit": "focal", "recipient_unit": "theirs"}, {"recipient_unit": "police"})
    made.draft("said", "shelter")
    made.open("erased")
    made.say("erased", {"sender_unit": "focal"})
    made.forget()
    made.open("new")
    asked = [CaseId(id) for id in ("kept", "said", "erased", "new", "nowhere")]
    assert units.of_cases(vault, connection, asked) == {
        "kept": {"shelter"},
        "said": {"focal", "police", "shelter"},
        "erased": set(),
        "new": set(),
    }


@pytest.mark.parametrize("connection", ["sqlite"], indirect=True)
def test_a_long_list_asks_the_database_no_more_often(made: Cases, vault: ContentSealer, connection: Connection):
    """It is read for every form in which a case can be chosen."""
    for number in range(60):
        made.open(f"c{number:02}")
        made.say(f"c{number:02}", {"sender_unit": "focal"})
    unused: Any = None  # neither the store nor the peers are asked for the lines of a list
    views, asked = CaseViews(Content(store=unused, sealer=vault), peers=unused), list[str]()
    driver: Any = connection.connection.dbapi_connection  # that of SQLite, which tells each statement
    driver.set_trace_callback(asked.append)
    counts = []
    for size in (2, 60):
        asked.clear()
        lines = views.lines(
            connection, [*store.get(connection, [CaseId(f"c{n:02}") for n in range(size)]).values()], None
        )
        assert [line["units"] for line in lines if isinstance(line, dict)] == [["focal"]] * size
        counts.append(len(asked))
    assert counts[0] == counts[1] < 12
