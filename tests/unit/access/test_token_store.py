"""Tokens in the database: which are valid, whose they are, and what ends them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.access import people_store as people
from gateway.access import token_store as tokens
from gateway.access.people_store import PersonRow
from gateway.access.token_store import TokenRow

NOW = 1_000


@pytest.fixture(autouse=True)
def _ana_and_ben(connection: Connection) -> None:
    """The people whose tokens these are."""
    for id in ("ana", "ben"):
        row = PersonRow(id=id, name=id, roles="case_worker", unit=None, language=None, made=1, ended=None)
        people.add(connection, row)


def kept(connection: Connection, id: str, **changed: Any) -> TokenRow:
    """A personal token of Ana that is valid until 2000, but for what `changed` says."""
    usual = TokenRow(
        id=id,
        hash=f"hash of {id}",
        role=None,
        person="ana",
        unit=None,
        label="a shell",
        made=100,
        expires=2_000,
        revoked=None,
    )
    row = replace(usual, **changed)
    tokens.add(connection, row)
    return row


def program(connection: Connection, id: str, **changed: Any) -> TokenRow:
    """A token of a program."""
    return kept(connection, id, **{"role": "operator", "person": None, "unit": "shelter", **changed})


def test_tokens_come_back_oldest_first(connection: Connection):
    """Those of one second by their id."""
    rows = [kept(connection, "a", made=300), program(connection, "c"), kept(connection, "b", revoked=500)]
    assert tokens.load(connection) == [rows[2], rows[1], rows[0]]


def test_a_token_is_revoked_once(connection: Connection):
    """The one that is named, and for ever: the first time stays."""
    one, other = program(connection, "a"), program(connection, "b")
    assert tokens.revoke(connection, "a", at=NOW)
    assert not tokens.revoke(connection, "a", at=NOW + 1)
    assert not tokens.revoke(connection, "nobody's", at=NOW)
    assert tokens.load(connection) == [replace(one, revoked=NOW), other]


def test_all_tokens_of_a_person_end(connection: Connection):
    """Those that were valid are counted; what expired or ended before stays as it was, and so do those of others."""
    one, two = kept(connection, "a"), kept(connection, "b", expires=NOW + 1)
    rest = [
        kept(connection, "c", expires=NOW),
        kept(connection, "d", revoked=500),
        kept(connection, "e", person="ben"),
        program(connection, "f"),
    ]
    assert tokens.revoke_personal(connection, "ana", at=NOW) == 2
    assert tokens.load(connection) == [replace(one, revoked=NOW), replace(two, revoked=NOW), *rest]


def test_valid_tokens_are_counted_by_person(connection: Connection):
    """A program is no person."""
    kept(connection, "a"), kept(connection, "b", expires=NOW + 1)
    kept(connection, "c", expires=NOW), kept(connection, "d", revoked=500)
    kept(connection, "e", person="ben"), program(connection, "f")
    assert tokens.count_personal(connection, NOW) == {"ana": 2, "ben": 1}


def test_personal_tokens_that_expired_are_taken_out(connection: Connection):
    """Those of programs stay: the audit log names nobody behind them."""
    kept(connection, "a", expires=NOW - 1)
    left = [kept(connection, "b", expires=NOW), program(connection, "c", expires=NOW - 1)]
    tokens.drop_personal(connection, before=NOW)
    assert tokens.load(connection) == left


def test_a_restored_database_has_no_valid_token(connection: Connection):
    """Whatever was ended since the backup is there again, and nobody can tell which; what had ended keeps its time."""
    one, two = kept(connection, "a"), program(connection, "b")
    ended = kept(connection, "c", revoked=500)
    tokens.revoke_all(connection, at=NOW)
    assert tokens.load(connection) == [replace(one, revoked=NOW), replace(two, revoked=NOW), ended]
