"""Who has to hear that a consent was taken back: whoever was told of it, relies on it, or told us of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.rows import PEER

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import register
from gateway.consent.known_by import find_known_by, find_told
from gateway.consent.register import HeldConsent, Known
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId
from gateway.messages.content_codec import Facts
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.store.messages import StatementRow
from keys.primitives.encoding import canon, lp_join

ID, OTHER = "A" * 22, "B" * 22
INDEX = b"index"
THIRD, FOURTH = "n1third", "n1fourth"
CASE, ANOTHER = CaseId("A" * 22), CaseId("B" * 22)
TALK = b"conversation"


def known(*holders: str) -> Known:
    """A consent of which these hold a record."""
    held = [ConsentRow(ref=n, consent=INDEX, holder=one, state=register.ACTIVE, at=1) for n, one in enumerate(holders)]
    return Known(
        index=INDEX,
        rows=tuple(held),
        held=tuple(HeldConsent(row=row, record={"consent_id": ID}) for row in held),
        withdrawals=(),
        withdrawn_in=None,
        damaged=frozenset(),
    )


def test_who_relies_on_a_consent_knows_it(connection: Connection, vault: ContentSealer):
    """By what came from them or was sent to them; nobody knows what waits to go, or relies on another consent."""
    messages.add(
        connection,
        [
            rows.message(1, consent=INDEX, direction="in", state="opened", n=1, epoch=1),
            rows.message(2, consent=INDEX, n=1, epoch=1, prev="x", state="awaiting_receipt"),
            rows.message(3, consent=INDEX),
            rows.message(4, consent=b"another", n=2, epoch=1, prev="x", state="awaiting_receipt"),
            rows.message(5, consent=INDEX, conversation=b"second", peer=THIRD, n=1, epoch=1, state="awaiting_receipt"),
        ],
    )
    assert find_known_by(vault, connection, known(OWN)) == {
        (TALK, PEER): [(1, True), (2, False)],
        (b"second", THIRD): [(5, False)],
    }


def test_who_may_have_it_since_a_restore_knows_it(connection: Connection, vault: ContentSealer):
    """By what lost its number with a restore: the peer is asked about it, or it waits anew and was signed before."""
    messages.add(
        connection,
        [
            rows.message(1, consent=INDEX, state="voiding"),
            rows.message(2, consent=INDEX, conversation=b"second", peer=THIRD),
            rows.message(3, consent=INDEX, conversation=b"third", peer=FOURTH),
        ],
    )
    messages.add_statements(connection, [StatementRow(hash="of before", message=2, evidence=9, created=1)])
    assert find_known_by(vault, connection, known(OWN)) == {
        (TALK, PEER): [(1, False)],
        (b"second", THIRD): [(2, False)],
    }


def test_who_was_told_of_a_consent_knows_it(connection: Connection, vault: ContentSealer):
    """Also where the message that told of it did not arrive for sure, or relies on none."""
    messages.add(connection, [rows.message(1), rows.message(2, consent=INDEX)])
    local.tell_consent(connection, INDEX, PEER, 1)
    local.tell_consent(connection, b"another", PEER, 2)
    assert find_known_by(vault, connection, known(OWN)) == {(TALK, PEER): [(1, False)]}


def test_a_consent_that_stayed_here_is_known_to_nobody(connection: Connection, vault: ContentSealer):
    """The own record alone tells no peer of it."""
    assert find_known_by(vault, connection, known(OWN)) == {}


# --- a peer that told us, and nothing followed --------------------------------------------------------------------


def came(
    connection: Connection,
    vault: ContentSealer,
    ref: int,
    body_type: str = "consent.record/1",
    consent: str = ID,
    **changes: Any,
) -> None:
    """A message came from a peer, in a conversation of the case; with it the peer told of a consent."""
    facts = Facts(
        body_type=body_type, schema="", conversation="", reply_to=None, purpose=None, consent_ref=None, created=1
    )
    usual: dict[str, Any] = {"direction": "in", "state": "opened", "peer": THIRD, "n": ref, "epoch": 1}
    messages.add(connection, [rows.message(ref, **usual | changes)])
    body = canon({"header": {}, "content": {"consent_id": consent}})
    content_rows.put(connection, [vault.seal(ref, lp_join(facts.encode(), b"", body))])


@pytest.fixture
def of_case(connection: Connection) -> Connection:
    """The consent and two conversations are of one case, a third conversation is of another."""
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in (CASE, ANOTHER)])
    kind = LinkKind.CONVERSATION
    links = [(TALK, kind, CASE), (b"second", kind, CASE), (b"elsewhere", kind, ANOTHER)]
    links += [(INDEX, LinkKind.CONSENT, CASE), (b"a draft", LinkKind.DRAFT, CASE)]
    cases.link(connection, [Link(key=key, kind=kind, case_id=id) for key, kind, id in links])
    return connection


def test_who_told_us_of_a_consent_knows_it(of_case: Connection, vault: ContentSealer):
    """By the message that has its record, in whatever conversation of the case; other messages say nothing."""
    came(of_case, vault, 1)
    came(of_case, vault, 2, "info.request/1")
    came(of_case, vault, 3, consent=OTHER)
    came(of_case, vault, 4, direction="out", state="queued", n=None, epoch=None)
    came(of_case, vault, 5, peer=FOURTH)
    came(of_case, vault, 6, conversation=b"second")
    came(of_case, vault, 7, conversation=b"elsewhere")
    assert find_known_by(vault, of_case, known(OWN, THIRD)) == {
        (TALK, THIRD): [(1, True)],
        (b"second", THIRD): [(6, True)],
    }
    both = find_known_by(vault, of_case, known(THIRD, FOURTH))
    assert both[TALK, FOURTH] == [(5, True)]


def test_a_message_that_does_not_open_tells_of_nothing(of_case: Connection, vault: ContentSealer):
    """The others do."""
    came(of_case, vault, 1)
    came(of_case, vault, 2)
    content_rows.erase(of_case, 1)
    content_rows.put(of_case, [rows.sealed(1)])
    assert find_known_by(vault, of_case, known(THIRD)) == {(TALK, THIRD): [(2, True)]}


def test_who_relies_on_it_is_not_looked_for_among_those_who_told(of_case: Connection, vault: ContentSealer):
    """The messages that rely on it are enough: its record is not opened."""
    came(of_case, vault, 1)
    messages.add(of_case, [rows.message(2, consent=INDEX, conversation=b"second", peer=THIRD, n=1, epoch=1)])
    assert find_known_by(vault, of_case, known(OWN, THIRD)) == {(b"second", THIRD): [(2, False)]}


def test_a_consent_of_no_case_is_looked_for_nowhere(connection: Connection, vault: ContentSealer):
    """Nobody has said in which conversations its record could be."""
    came(connection, vault, 1)
    assert find_known_by(vault, connection, known(THIRD)) == {}


def test_of_which_consents_messages_of_before_told(connection: Connection, vault: ContentSealer):
    """By what they say, since versions before 0.2.0 named no consent beside the record that a peer sent."""
    came(connection, vault, 1)
    came(connection, vault, 2, consent=OTHER)
    came(connection, vault, 3, "info.request/1", consent="C" * 22)
    came(connection, vault, 4, consent="D" * 22, direction="out", state="queued", n=None, epoch=None)
    messages.add(connection, [rows.message(6, direction="in", consent=INDEX), rows.message(7, consent=INDEX)])
    found = messages.of_conversations(connection, [TALK])
    assert find_told(vault, connection, found) == {vault.consent_index(ID), vault.consent_index(OTHER)}
    assert find_told(vault, connection, []) == set()
