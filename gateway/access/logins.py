"""How a person signs a shell in: it asks and shows a code, the person confirms it at the console, the shell takes a
personal token, once (nrm1 13.10).

    begin      a shell asks; it gets a code to show and a secret to come back with
    asked      the person types the code at the console, and sees which shell it is and for how long
    confirm    it is theirs
    take       the shell gets the token
    enrol      without a console, or without a passkey: an invitation becomes the token

What waits is in memory, ends after ten minutes and with the process, and is of so few shells that nobody can fill it.
The console confirms, never a token: one that was stolen makes no other. A session confirms for as long as it lasts:
what ends somebody's access, here or at another worker, ends what their sessions confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.access import people_store, rules, token_store
from gateway.access.api_tokens import ApiTokens, make_personal
from gateway.access.attempts import NOBODY, SignInAttempts, refusal
from gateway.access.codes import code_hash, new_code
from gateway.access.people_store import PersonRow
from gateway.access.token_store import TokenRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Clock
from keys.primitives.encoding import b64u, sha256_hex

SHOWN = 5
"""Bytes of the code that a person reads and types: 40 bits, for ten minutes, among `MOST` that wait."""
SECRET = 32
MOST = 20
"""Shells that may wait at once."""
PATIENCE = 20.0
"""Seconds for which one question of a shell waits for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a shell gets that asked: the code it shows, the secret it keeps, and until when it waits."""

    code: str
    secret: str = field(repr=False)
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLogin:
    """A personal token with its text, which is here and nowhere else."""

    token: str = field(repr=False)
    row: TokenRow
    person: PersonRow


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A shell that waits: what it calls itself, the life that it asks for in seconds, who confirmed it, and in which
    session of theirs, by its hash.
    """

    label: str
    seconds: int
    ends: int
    code: str
    person: str | None = None
    session: str | None = None
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)


class Logins:
    """The shells that wait at one node, and the personal tokens that they get."""

    def __init__(
        self,
        *,
        store: Store,
        tokens: ApiTokens,
        attempts: SignInAttempts,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._attempts = attempts
        self._clock = clock
        self._rand = rand
        self._waiting: dict[str, Waiting] = {}
        """By the hash of the secret."""

    # --- the shell -----------------------------------------------------------------------------------------------

    def begin(self, label: str, seconds: int) -> Begun:
        """A shell asks. Raises TransientError(unauthorised) while too many wait."""
        self._forget_late()
        if len(self._waiting) >= MOST:
            raise TransientError(
                Code.UNAUTHORISED,
                "too many shells wait to be signed in; nothing was begun",
                hint=f"confirm those, or wait {rules.LOGIN_WAITS // rules.MINUTE} minutes",
            )
        code, secret = new_code(self._rand, SHOWN), b64u(self._rand(SECRET))
        ends = self._clock.now() + rules.LOGIN_WAITS
        self._waiting[_hash(secret)] = Waiting(label=label, seconds=seconds, ends=ends, code=code_hash(code))
        return Begun(code=code, secret=secret, ends=ends)

    async def take(self, secret: str) -> NewLogin | None:
        """The token, once somebody has confirmed; None while nobody has.

        Raises:
            RefusedError: not_found; no such shell waits, or no longer.
        """
        waiting = self._of(secret)
        if waiting.person is None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await waiting.confirmed.wait()
            except TimeoutError:
                return None
        waiting = self._of(secret)
        del self._waiting[_hash(secret)]
        person, session = waiting.person or "", waiting.session or ""
        return await self._make(person, waiting.label, waiting.seconds, reason="console", session=session)

    async def enrol(self, code: str, label: str, seconds: int) -> NewLogin:
        """Use an invitation up for a token. Raises RefusedError(unauthorised), or TransientError after too many."""
        hash, now = code_hash(code), self._clock.now()
        row = await self._store.read(lambda c: people_store.invited(c, hash, now))
        if row is None:
            raise await self._attempts.refuse(NOBODY, None, Code.NOT_FOUND)
        return await self._make(row.id, label, seconds, reason="invitation", invitation=hash)

    async def _make(
        self,
        person: str,
        label: str,
        seconds: int,
        *,
        reason: str,
        invitation: str | None = None,
        session: str | None = None,
    ) -> NewLogin:
        now = self._clock.now()
        text, row = make_personal(self._rand, person=person, label=label, now=now, seconds=seconds)

        def move(connection: Connection) -> PersonRow:
            whose = people_store.find(connection, person)
            if whose is None or whose.ended is not None:
                raise _over()
            if session is not None and people_store.find_session(connection, session) is None:
                raise _over()  # ended since it confirmed
            if invitation is not None and people_store.invited(connection, invitation, now) is None:
                raise refusal()  # used since it was read
            if invitation is not None:
                people_store.uninvite(connection, person)
            token_store.drop_personal(connection, before=now - rules.LOGIN_KEPT)
            token_store.add(connection, row)
            journal.append_leaf(connection, leaf(now, "login.made", id=person, reason=reason))
            return whose

        whose = await self._store.move(move)
        await self._tokens.refresh()
        return NewLogin(token=text, row=row, person=whose)

    async def end(self, id: str) -> None:
        """End a personal token at once and for ever. Raises RefusedError(not_found)."""
        now, row = self._clock.now(), self._tokens.find(id)

        def move(connection: Connection) -> None:
            if row is None or row.person is None or not token_store.revoke(connection, id, at=now):
                raise RefusedError(Code.NOT_FOUND, "no such personal token is valid; nothing was changed")
            journal.append_leaf(connection, leaf(now, "login.ended", id=row.person, reason="signed_out", count=1))

        await self._store.move(move)
        await self._tokens.refresh()

    # --- the console ---------------------------------------------------------------------------------------------

    async def asked(self, person: str, code: str) -> Waiting:
        """Find the shell whose code this person has. Raises RefusedError(unauthorised), or TransientError."""
        self._forget_late()
        hash = code_hash(code)
        for waiting in self._waiting.values():
            if waiting.code == hash and waiting.person is None:
                return waiting
        raise await self._attempts.refuse(person, person, Code.NOT_FOUND)

    async def confirm(self, person: str, code: str, *, session: str) -> None:
        """The shell is this person's, by the word of their session with this hash. Raises as `asked`."""
        waiting = await self.asked(person, code)
        waiting.person, waiting.session = person, session
        waiting.confirmed.set()

    # --- what waits ----------------------------------------------------------------------------------------------

    def _of(self, secret: str) -> Waiting:
        self._forget_late()
        waiting = self._waiting.get(_hash(secret))
        if waiting is None:
            raise _over()
        return waiting

    def _forget_late(self) -> None:
        now = self._clock.now()
        self._waiting = {hash: one for hash, one in self._waiting.items() if now < one.ends}


def end_logins(connection: Connection, person: str, reason: str, now: int) -> None:
    """End the personal tokens of a person for one reason; the tokens in memory are refreshed by whoever calls."""
    count = token_store.revoke_personal(connection, person, at=now)
    if count:
        journal.append_leaf(connection, leaf(now, "login.ended", id=person, reason=reason, count=count))


def _hash(secret: str) -> str:
    return sha256_hex(secret[:100].encode(errors="replace"))


def _over() -> RefusedError:
    return RefusedError(Code.NOT_FOUND, "no such shell waits, or no longer; nobody was signed in", hint="begin again")
