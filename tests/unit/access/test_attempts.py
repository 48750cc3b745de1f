"""Failed attempts: ten at once, then one in ten seconds, each credential by itself; what is looked at is logged."""

from __future__ import annotations

import orjson
import pytest
from support.federation import SteeredClock

from gateway.access.attempts import ATTEMPTS, NOBODY, PAUSE, Attempts, SignInAttempts, refusal
from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, TransientError


def count_left(attempts: Attempts, counted: str) -> int:
    """How many attempts fail before one is not looked at; they are counted."""
    for done in range(100):
        try:
            attempts.check(counted, hint="begin again")
        except TransientError:
            return done
        attempts.count(counted)
    raise AssertionError("no attempt is refused")


def test_ten_attempts_are_looked_at_and_then_one_in_ten_seconds():
    """However long nobody tried, there are never more than ten."""
    clock = SteeredClock()
    attempts = Attempts(clock)
    assert count_left(attempts, "id") == ATTEMPTS == 10
    clock.mono += PAUSE - 1
    assert count_left(attempts, "id") == 0
    clock.mono += 1
    assert count_left(attempts, "id") == 1
    clock.mono += 3 * PAUSE
    assert count_left(attempts, "id") == 3
    clock.mono += 1_000 * PAUSE
    assert count_left(attempts, "id") == ATTEMPTS


def test_each_credential_is_counted_by_itself():
    """Whoever shows the right thing comes in whatever others tried."""
    attempts = Attempts(SteeredClock())
    count_left(attempts, NOBODY)
    assert count_left(attempts, "id") == ATTEMPTS


def test_who_tried_too_often_is_told_how_long_to_wait():
    """And what to do then."""
    attempts = Attempts(SteeredClock())
    count_left(attempts, "id")
    with pytest.raises(TransientError, match="too many") as caught:
        attempts.check("id", hint="ask again")
    assert (caught.value.code, caught.value.hint) == (Code.UNAUTHORISED, "wait 10 seconds, then ask again")


async def test_attempts_that_are_looked_at_are_logged(store: Store):
    """With the person, where one is known, and why; the answer tells nothing of what exists."""
    clock = SteeredClock()
    attempts = SignInAttempts(store, clock)
    answer = await attempts.refuse("id", "ana", Code.BAD_SIGNATURE)
    assert (answer.code, answer.what, answer.hint) == (Code.UNAUTHORISED, refusal().what, refusal().hint)
    await attempts.refuse("id", None, Code.NOT_FOUND)
    for _ in range(ATTEMPTS - 2):
        await attempts.refuse("id", None, Code.NOT_FOUND)
    with pytest.raises(TransientError, match="too many") as caught:
        await attempts.refuse("id", None, Code.NOT_FOUND)
    assert caught.value.hint == "wait 10 seconds, then begin again"
    logged = [orjson.loads(leaf) for _, leaf in await store.read(journal.leaves)]
    assert len(logged) == ATTEMPTS
    assert [(one["ev"], one["at"], one["id"], one["code"]) for one in logged[:2]] == [
        ("sign_in.refused", clock.now(), "ana", "bad_signature"),
        ("sign_in.refused", clock.now(), None, "not_found"),
    ]
