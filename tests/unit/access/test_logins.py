"""Shells that wait to be signed in: which code and secret lead to a token, for how long, and what is logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support.federation import Rand, SteeredClock

from gateway.access import people_store as people
from gateway.access import token_store
from gateway.access.api_tokens import ApiTokens
from gateway.access.attempts import ATTEMPTS, NOBODY, SignInAttempts
from gateway.access.codes import code_hash
from gateway.access.logins import MOST, Logins, end_logins
from gateway.access.people_store import PersonRow, SessionRow
from gateway.access.rules import LOGIN_KEPT, LOGIN_WAITS
from gateway.access.token_store import TokenRow
from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError

HOUR = 3_600


@dataclass
class Desk:
    """A store with two people, what lets shells in, and a clock."""

    store: Store
    clock: SteeredClock = field(default_factory=SteeredClock)

    def __post_init__(self) -> None:
        self.tokens = ApiTokens(self.store, self.clock)
        self.attempts = SignInAttempts(self.store, self.clock)
        self.logins = Logins(
            store=self.store, tokens=self.tokens, attempts=self.attempts, clock=self.clock, rand=Rand("logins")
        )

    async def leaves(self) -> list[dict[str, Any]]:
        """The log without numbers; all of it is of now."""
        found = [orjson.loads(leaf) for _, leaf in await self.store.read(journal.leaves)]
        assert {leaf["at"] for leaf in found} <= {self.clock.now()}
        return [{k: v for k, v in leaf.items() if k not in ("seq", "at")} for leaf in found]

    async def confirm(self, person: str, code: str) -> None:
        """Somebody says in their session that a shell is theirs."""
        await self.logins.confirm(person, code, session=f"session of {person}")

    async def signed_in(self, person: str = "ana", label: str = "a shell") -> TokenRow:
        """The token of a shell that this person confirmed."""
        begun = self.logins.begin(label, HOUR)
        await self.confirm(person, begun.code)
        made = await self.logins.take(begun.secret)
        assert made is not None
        return made.row


@pytest.fixture
async def desk(store: Store) -> Desk:
    """Ana and Ben work here."""

    def move(connection: Connection) -> None:
        for id in ("ana", "ben"):
            row = PersonRow(id=id, name=id, roles="case_worker", unit=None, language=None, made=1, ended=None)
            people.add(connection, row)
            people.begin(connection, SessionRow(hash=f"session of {id}", person=id, made=1, seen=1))

    await store.move(move)
    return Desk(store)


async def refused(act: Any, code: Code = Code.UNAUTHORISED) -> RefusedError:
    """It is refused with this code."""
    with pytest.raises(RefusedError) as caught:
        await act
    assert caught.value.code is code
    return caught.value


async def test_a_confirmed_shell_gets_one_token(desk: Desk):
    """It is of who confirmed, for as long as the shell asked, and in the log."""
    begun = desk.logins.begin("ana at desk-3", HOUR)
    assert begun.ends == desk.clock.now() + LOGIN_WAITS
    waiting = await desk.logins.asked("ana", begun.code.upper())
    assert (waiting.label, waiting.seconds, waiting.ends) == ("ana at desk-3", HOUR, begun.ends)
    await desk.confirm("ana", begun.code)
    made = await desk.logins.take(begun.secret)
    assert made is not None
    assert (made.row.person, made.row.label, made.row.expires) == ("ana", "ana at desk-3", desk.clock.now() + HOUR)
    assert (made.person.id, desk.tokens.admit(made.token).person) == ("ana", "ana")
    assert await desk.leaves() == [{"ev": "login.made", "id": "ana", "reason": "console"}]
    assert (await refused(desk.logins.take(begun.secret), Code.NOT_FOUND)).hint == "begin again"


async def test_a_code_that_was_confirmed_or_is_none_is_refused(desk: Desk):
    """Under the name of who typed it; of two shells that wait each has its own code."""
    one, other = desk.logins.begin("one", HOUR), desk.logins.begin("other", HOUR)
    assert (await desk.logins.asked("ana", other.code)).label == "other"
    await desk.confirm("ana", one.code)
    await refused(desk.logins.asked("ben", one.code))
    await refused(desk.confirm("ben", "aaaa-aaaa"))
    attempt = {"ev": "sign_in.refused", "id": "ben", "code": "not_found"}
    assert await desk.leaves() == [attempt, attempt]


async def test_nobody_has_confirmed_yet(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """After a while the shell may ask again with the same secret."""
    monkeypatch.setattr("gateway.access.logins.PATIENCE", 0.01)
    begun = desk.logins.begin("a shell", HOUR)
    assert await desk.logins.take(begun.secret) is None
    await desk.confirm("ana", begun.code)
    assert await desk.logins.take(begun.secret) is not None


async def test_few_shells_wait_and_none_for_long(desk: Desk):
    """One too many is told to wait, and ten minutes later all of them are forgotten."""
    for _ in range(MOST):
        begun = desk.logins.begin("a shell", HOUR)
    with pytest.raises(TransientError, match="too many shells") as caught:
        desk.logins.begin("a shell", HOUR)
    assert (caught.value.code, caught.value.hint) == (Code.UNAUTHORISED, "confirm those, or wait 10 minutes")
    desk.clock.at += LOGIN_WAITS - 1
    assert (await desk.logins.asked("ana", begun.code)).label == "a shell"
    desk.clock.at += 1
    await refused(desk.logins.take(begun.secret), Code.NOT_FOUND)
    desk.logins.begin("a shell", HOUR)


async def test_what_a_session_confirmed_that_has_ended_is_not_taken(desk: Desk):
    """Nor when the person has another one, and not later either; what others confirmed is."""
    anas, bens = desk.logins.begin("hers", HOUR), desk.logins.begin("his", HOUR)
    await desk.confirm("ana", anas.code)
    await desk.confirm("ben", bens.code)
    another = SessionRow(hash="another", person="ana", made=2, seen=2)
    await desk.store.move(lambda c: people.begin(c, another))
    await desk.store.move(lambda c: people.drop_sessions(c, ["session of ana"]))
    for _ in range(2):
        assert (await refused(desk.logins.take(anas.secret), Code.NOT_FOUND)).hint == "begin again"
    assert await desk.logins.take(bens.secret) is not None


async def test_who_has_left_gets_no_token(desk: Desk):
    """Though they confirmed before."""
    begun = desk.logins.begin("a shell", HOUR)
    await desk.confirm("ana", begun.code)
    await desk.store.move(lambda c: people.end(c, "ana", at=1))
    await refused(desk.logins.take(begun.secret), Code.NOT_FOUND)
    assert await desk.store.read(token_store.load) == []


async def test_an_invitation_becomes_a_token_once(desk: Desk):
    """A code that is none is counted under nobody."""
    ends = desk.clock.now() + 1
    await desk.store.move(lambda c: people.invite(c, code_hash("code"), "ben", expires=ends))
    made = await desk.logins.enrol("CO-DE", "his shell", HOUR)
    assert (made.row.person, made.row.label, made.row.expires) == ("ben", "his shell", desk.clock.now() + HOUR)
    await refused(desk.logins.enrol("code", "his shell", HOUR))
    assert await desk.leaves() == [
        {"ev": "login.made", "id": "ben", "reason": "invitation"},
        {"ev": "sign_in.refused", "id": None, "code": "not_found"},
    ]


async def test_attempts_are_counted_under_who_makes_them(desk: Desk):
    """A code that a person types under that person, an invitation that is none under nobody."""
    for _ in range(ATTEMPTS):
        await refused(desk.logins.asked("ben", "aaaa-aaaa"))
        await refused(desk.logins.enrol("aaaa-aaaa", "a shell", HOUR))
    for counted in ("ben", NOBODY):
        with pytest.raises(TransientError, match="too many failed attempts"):
            desk.attempts.check(counted, hint="begin again")
    desk.attempts.check("ana", hint="begin again")


async def test_old_tokens_go_with_the_next_one(desk: Desk):
    """Those that expired long enough ago."""
    first = await desk.signed_in()
    desk.clock.at = first.expires + LOGIN_KEPT
    second = await desk.signed_in()
    assert [row.id for row in await desk.store.read(token_store.load)] == [first.id, second.id]
    desk.clock.at += 1
    third = await desk.signed_in()
    assert [row.id for row in await desk.store.read(token_store.load)] == [second.id, third.id]


async def test_a_token_is_ended_once(desk: Desk):
    """At once; what is no personal token is not."""
    row = await desk.signed_in()
    await desk.logins.end(row.id)
    assert [one.revoked for one in await desk.store.read(token_store.load)] == [desk.clock.now()]
    for id in (row.id, "unknown"):
        await refused(desk.logins.end(id), Code.NOT_FOUND)
    ended = {"ev": "login.ended", "id": "ana", "reason": "signed_out", "count": 1}
    assert (await desk.leaves())[1:] == [ended]


async def test_all_tokens_of_a_person_end_for_one_reason(desk: Desk):
    """In one leaf; nothing is said where there is none."""
    for _ in range(2):
        await desk.signed_in()
    now = desk.clock.now()
    for person in ("ana", "ana", "ben"):
        await desk.store.move(lambda c, who=person: end_logins(c, who, "changed", now))
    assert (await desk.leaves())[2:] == [{"ev": "login.ended", "id": "ana", "reason": "changed", "count": 2}]
