"""Tokens in memory: who is let in, until when, and how failed attempts are slowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.nodechild import SteeredClock

from gateway.access import people_store as people
from gateway.access import token_store as rows
from gateway.access.api_tokens import ApiTokens, make, make_personal
from gateway.access.attempts import ATTEMPTS, PAUSE
from gateway.access.people_store import PersonRow
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, GatewayError, TransientError
from gateway.operations.roles import Caller, Role, on_socket
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import DAY, sha256_hex

NOW = 1_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty folder."""
    opened = Store(SqliteFile(tmp_path / "node.db"))
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
    waits = refused(tokens, text)
    assert isinstance(waits, TransientError)
    assert waits.hint == "wait 10 seconds, then use a valid token"
    clock.advance(PAUSE + 1)
    assert tokens.admit(text).token is not None
    assert refused(tokens, text + "x").what == "no such token"
    assert isinstance(refused(tokens, text), TransientError)


async def test_each_token_is_counted_by_itself(store: Store):
    """Whoever guesses at one, or at what is none, keeps no other from coming in."""
    clock = SteeredClock(NOW)
    one, _ = await held(store, clock)
    other, tokens = await held(store, clock)
    for _ in range(ATTEMPTS):
        refused(tokens, one + "x")
        refused(tokens, "trm.unknown.x")
    for text in (one, "trm.unknown.x"):
        assert isinstance(refused(tokens, text), TransientError)
    assert tokens.admit(other).token is not None


@pytest.mark.parametrize("text", ["", "x", "trm.x", "trm.a.b.c"])
async def test_a_text_of_another_form_is_nobody(store: Store, text: str):
    """Also before any token was read."""
    _, tokens = await held(store, SteeredClock(NOW))
    assert refused(tokens, text).what == "no such token"
    assert refused(ApiTokens(store, SteeredClock(NOW)), "trm.a.b").what == "no such token"


async def test_a_text_that_is_no_unicode_is_nobody(store: Store):
    """A header may hold bytes that are no text."""
    _, tokens = await held(store, SteeredClock(NOW))
    assert refused(tokens, "trm.\udcff.x").what == "no such token"


# --- people -------------------------------------------------------------------------------------------------------

EVA = PersonRow(id="eva", name="Eva M.", roles="case_worker", unit="shelter", language=None, made=NOW, ended=None)


async def of_eva(store: Store, clock: SteeredClock, *, seconds: int = DAY) -> tuple[str, ApiTokens]:
    """Eva's token, and the door that knows it."""
    text, row = make_personal(system_rand, person=EVA.id, label="a shell", now=NOW, seconds=seconds)

    def move(connection: Connection) -> None:
        people.add(connection, EVA)
        rows.add(connection, row)

    await store.move(move)
    tokens = ApiTokens(store, clock)
    await tokens.refresh()
    return text, tokens


async def test_a_personal_token_is_its_person(store: Store):
    """Their id, their unit, and the roles that they have now, not those of the day on which it was made."""
    text, tokens = await of_eva(store, SteeredClock(NOW))
    caller = tokens.admit(text)
    assert caller == Caller(
        roles=frozenset({Role.CASE_WORKER}), unit="shelter", token=text.split(".")[1], person=EVA.id
    )
    await store.move(lambda c: people.change(c, EVA.id, roles="auditor", unit=None))
    await tokens.refresh()
    now = tokens.admit(text)
    assert (now.roles, now.unit, now.person) == ({Role.AUDITOR}, None, EVA.id)


async def test_a_personal_token_ends(store: Store):
    """By itself, and with all of its person's; who shows it learns how to come in again."""
    clock = SteeredClock(NOW)
    text, tokens = await of_eva(store, clock, seconds=60)
    assert await store.move(lambda c: rows.revoke_personal(c, "somebody else", at=NOW)) == 0
    assert await store.move(lambda c: rows.revoke_personal(c, EVA.id, at=NOW)) == 1
    tokens.admit(text)
    await tokens.refresh()
    assert (refused(tokens, text).what, "trm login" in refused(tokens, text).hint) == ("the token was revoked", True)
    clock.advance(60)
    assert await store.move(lambda c: rows.revoke_personal(c, EVA.id, at=NOW + 60)) == 0


async def test_a_personal_token_is_kept_a_while(store: Store):
    """So that its end is told to who shows it; one of a program is kept for ever."""
    await of_eva(store, SteeredClock(NOW), seconds=60)
    _, program = make(system_rand, role=Role.ADAPTER, unit=None, label="x", now=NOW, days=1)
    await store.move(lambda c: rows.add(c, program))
    await store.move(lambda c: rows.drop_personal(c, before=NOW + 60))
    assert len(await store.read(rows.load)) == 2
    await store.move(lambda c: rows.drop_personal(c, before=NOW + 61))
    assert [row.id for row in await store.read(rows.load)] == [program.id]


def test_only_a_person_is_the_owner_besides():
    """A token of a program has its role on the socket and no more."""
    program = Caller(roles=frozenset({Role.AUDITOR}), token="a")
    person = Caller(roles=frozenset({Role.CASE_WORKER}), unit="shelter", token="b", person=EVA.id)
    assert on_socket(program) == program
    both = on_socket(person)
    assert (both.owner, both.roles, both.unit, both.person) == (True, person.roles, "shelter", EVA.id)
