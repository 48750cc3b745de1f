"""Tokens in memory: who is let in, until when, and how failed attempts are slowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodechild import SteeredClock

from gateway.access import token_store as rows
from gateway.access.api_tokens import ATTEMPTS, PAUSE, ApiTokens, make
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, TransientError
from gateway.operations.roles import Role
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import DAY, sha256_hex

NOW = 1_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty folder."""
    opened = Store(tmp_path / "node.db")
    yield opened
    opened.close()


async def held(store: Store, clock: SteeredClock, **changes: object) -> tuple[str, ApiTokens]:
    """One token, and the door that knows it."""
    asked = {"role": Role.OPERATOR, "unit": None, "label": "x", "now": NOW, "days": 1} | changes
    text, row = make(system_rand, **asked)  # type: ignore[arg-type]
    await store.move(lambda c: rows.add(c, row))
    tokens = ApiTokens(store, clock)
    await tokens.refresh()
    return text, tokens


def refused(tokens: ApiTokens, text: str) -> GatewayError:
    """Why somebody is not let in."""
    with pytest.raises(GatewayError) as caught:
        tokens.admit(text)
    assert caught.value.code is Code.UNAUTHORISED
    return caught.value


async def test_a_token_is_its_row(store: Store):
    """One role, its unit, and of its text only the hash."""
    text, tokens = await held(store, SteeredClock(NOW), unit="shelter")
    caller = tokens.admit(text)
    (row,) = tokens.all()
    assert (caller.roles, caller.unit, caller.owner, caller.token) == ({Role.OPERATOR}, "shelter", False, row.id)
    assert row.hash == sha256_hex(text.encode())
    assert text.split(".")[2] not in repr(row)


async def test_no_two_tokens_are_alike():
    """The id too is random."""
    made = [make(system_rand, role=Role.ADAPTER, unit=None, label="x", now=NOW, days=1) for _ in range(50)]
    assert len({text for text, _ in made}) == len({row.id for _, row in made}) == 50


async def test_a_token_ends(store: Store):
    """At its last second it is good, one later it is not; who has it learns why, with a hint."""
    clock = SteeredClock(NOW)
    text, tokens = await held(store, clock)
    clock.advance(DAY - 1)
    tokens.admit(text)
    clock.advance(1)
    error = refused(tokens, text)
    assert (error.what, error.hint) == ("the token has expired", "trm token new makes another")


async def test_only_who_has_the_secret_learns_that_it_has_expired(store: Store):
    """A wrong secret for an ended token is answered like any other wrong one."""
    clock = SteeredClock(NOW)
    text, tokens = await held(store, clock)
    clock.advance(2 * DAY)
    assert refused(tokens, text + "x").what == "no such token"


async def test_attempts_come_back_with_time(store: Store):
    """After the allowed failures one attempt in each pause is looked at; a success forgets nothing."""
    clock = SteeredClock(NOW)
    text, tokens = await held(store, clock)
    for _ in range(ATTEMPTS):
        assert refused(tokens, text + "x").what == "no such token"
    assert isinstance(refused(tokens, text), TransientError)
    clock.advance(PAUSE + 1)
    assert tokens.admit(text).token is not None
    assert refused(tokens, text + "x").what == "no such token"
    assert isinstance(refused(tokens, text), TransientError)


async def test_a_text_that_is_no_unicode_is_nobody(store: Store):
    """A header may hold bytes that are no text."""
    _, tokens = await held(store, SteeredClock(NOW))
    assert refused(tokens, "trm.\udcff.x").what == "no such token"
