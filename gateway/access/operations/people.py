"""People at the console: invited by a colleague, given other rights, ended. Who may do it to whom is
`gateway.access.rules`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.access import people_store as rows
from gateway.access import rules, token_store
from gateway.access.api_tokens import ApiTokens
from gateway.access.codes import code_hash, new_code
from gateway.access.logins import Logins, end_logins
from gateway.access.operations.models import (
    AddPerson,
    ChangePerson,
    InvitedPerson,
    InvitePerson,
    OnePerson,
    People,
    PersonShown,
)
from gateway.access.operations.tokens import actor_of, check_unit
from gateway.access.people_store import PersonRow, roles_of
from gateway.access.sessions import end_sessions, passkey_of
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.operations.models import Nothing
from gateway.operations.registry import About, operation
from gateway.operations.roles import AUDITOR, GIVES, PROTECTS, Caller, Role
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u, is_line

ID = 16
NAME = is_line(1, 64)


class PeopleOperations:
    """Operations on the people of this node."""

    def __init__(
        self,
        *,
        store: Store,
        tokens: ApiTokens,
        logins: Logins,
        config: Config,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._logins = logins
        self._config = config
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "person.list", "who works at the console", roles=GIVES | AUDITOR | PROTECTS, about=About.NODE, answer=People
    )
    async def list_people(self, _asked: Nothing) -> OperationResult:
        """Everybody who works or has worked at the console; no secret."""
        now = self._clock.now()
        return OperationResult(value={"people": await self._store.read(lambda c: _shown(c, rows.load(c), now))})

    @operation(
        "person.add",
        "invite somebody new; the code is shown once",
        roles=GIVES,
        about=About.NODE,
        answer=InvitedPerson,
        creates=True,
        shown_once=True,
        example={"name": "Eva M.", "roles": ["case_worker"]},
    )
    async def add(self, asked: AddPerson, caller: Caller) -> OperationResult:
        """Make a person with an invitation. Its code is in this answer and nowhere else."""
        name, roles, unit = asked.name, frozenset(map(Role, asked.roles)), asked.unit
        language = asked.language
        check_unit(self._config, unit)
        if not NAME(name) or not name.strip():
            raise RefusedError(
                Code.INVALID,
                "the name is not one line of 1 to 64 characters; nothing was made",
                findings=[Finding(place="/name", rule="pattern", hint="without controls and invisible characters")],
            )
        if language is not None:
            rules.check_language(language)
        rules.check_apart(roles)
        rules.check_gives(caller, roles)
        now, code = self._clock.now(), new_code(self._rand)
        row = PersonRow(
            id=b64u(self._rand(ID)),
            name=name,
            roles=" ".join(sorted(roles)),
            unit=unit,
            language=language,
            made=now,
            ended=None,
        )

        def move(connection: Connection) -> Json:
            same = rules.same_name(name)
            if any(one.ended is None and rules.same_name(one.name) == same for one in rows.load(connection)):
                raise RefusedError(
                    Code.EXISTS,
                    "somebody here has this name already; nothing was made",
                    hint="add something to tell them apart: the name distinguishes the second person from the first",
                )
            rows.add(connection, row)
            bound, actor = unit is not None, actor_of(self._actor, caller)
            journal.append_leaf(
                connection, leaf(now, "person.added", id=row.id, roles=row.roles, bound=bound, actor=actor)
            )
            rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            return _shown(connection, [row], now)[0]

        shown = await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=self._with_code(shown, code), created=True)

    @operation(
        "person.change",
        "other roles, another unit",
        roles=GIVES,
        about=About.NODE,
        answer=PersonShown,
        example={"roles": ["focal_point"]},
    )
    async def change(self, asked: ChangePerson, caller: Caller) -> OperationResult:
        """Other roles or another unit, what is left out stays. Their sessions and tokens end: they sign in with the
        new rights.
        """
        check_unit(self._config, asked.unit)

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            after = roles_of(row) if asked.roles is None else frozenset(map(Role, asked.roles))
            rules.check_apart(after)
            rules.check_gives(caller, roles_of(row) | after)
            words, place = " ".join(sorted(after)), asked.unit if "unit" in asked.model_fields_set else row.unit
            if (words, place) == (row.roles, row.unit):
                raise RefusedError(Code.INVALID, "these are the rights they have already; nothing was changed")
            rows.change(connection, row.id, roles=words, unit=place)
            _end_access(connection, row.id, "changed", now)
            bound, actor = place is not None, actor_of(self._actor, caller)
            journal.append_leaf(
                connection, leaf(now, "person.changed", id=row.id, roles=words, bound=bound, actor=actor)
            )

        return await self._act(asked, caller, act)

    @operation(
        "person.invite",
        "let a person make a new passkey",
        roles=GIVES,
        about=About.NODE,
        answer=InvitedPerson,
        creates=True,
        shown_once=True,
        example={"instead": True},
    )
    async def invite(self, asked: InvitePerson, caller: Caller) -> OperationResult:
        """Let a person make one more passkey. Those they have stay, unless this one comes `instead` of them."""
        code = new_code(self._rand)

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            rules.check_gives(caller, roles_of(row))
            if asked.instead:
                rows.drop_passkeys(connection, row.id)
                _end_access(connection, row.id, "invited", now)
            rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            journal.append_leaf(
                connection,
                leaf(now, "person.invited", id=row.id, instead=asked.instead, actor=actor_of(self._actor, caller)),
            )

        done = await self._act(asked, caller, act)
        return OperationResult(value=self._with_code(done.value, code), created=True)

    @operation(
        "person.sign_out",
        "end their sessions and personal tokens",
        roles=GIVES,
        about=About.ONESELF,
        answer=PersonShown,
    )
    async def sign_out(self, asked: OnePerson, caller: Caller) -> OperationResult:
        """End every session and personal token of a person, one's own too; their passkeys stay."""

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            _end_access(connection, row.id, "signed_out", now)
            journal.append_leaf(
                connection, leaf(now, "person.signed_out", id=row.id, actor=actor_of(self._actor, caller))
            )

        return await self._act(asked, caller, act, oneself=True)

    @operation(
        "person.end",
        "a person works here no more",
        roles=GIVES,
        about=About.NODE,
        answer=PersonShown,
    )
    async def end(self, asked: OnePerson, caller: Caller) -> OperationResult:
        """A person works here no more: sessions, tokens, passkeys and invitation end at once. Their name stays in the
        list.
        """

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            _end_access(connection, row.id, "ended", now)
            rows.drop_passkeys(connection, row.id)
            rows.uninvite(connection, row.id)
            rows.end(connection, row.id, at=now)
            journal.append_leaf(connection, leaf(now, "person.ended", id=row.id, actor=actor_of(self._actor, caller)))

        return await self._act(asked, caller, act)

    async def _act(
        self,
        asked: OnePerson,
        caller: Caller,
        act: Callable[[Connection, PersonRow, int], None],
        *,
        oneself: bool = False,
    ) -> OperationResult:
        """One move about one person who works here; how they are then."""
        id, now = asked.id, self._clock.now()

        def move(connection: Connection) -> Json:
            row = rows.find(connection, id)
            if row is None or row.ended is not None:
                raise RefusedError(
                    Code.NOT_FOUND, "nobody who works here has this id; nothing was changed", hint="trm person list"
                )
            if not oneself:
                rules.check_another(caller, id)
            act(connection, row, now)
            return _shown(connection, [rows.find(connection, id) or row], now)[0]

        shown = await self._store.move(move)
        self._logins.forget(id)
        await self._tokens.refresh()
        return OperationResult(value=shown)

    def _with_code(self, shown: Json, code: str) -> Json:
        if not isinstance(shown, dict):
            raise RuntimeError("a person is shown as an object")
        origin = self._config.console_origin
        return shown | {"code": code, "address": None if origin is None else f"{origin}/enrol#{code}"}


def _end_access(connection: Connection, person: str, reason: str, now: int) -> None:
    """End the sessions and the personal tokens of a person; their passkeys stay."""
    end_sessions(connection, rows.sessions(connection, person), reason, now)
    end_logins(connection, person, reason, now)


def _shown(connection: Connection, people: list[PersonRow], now: int) -> list[Json]:
    held = rows.passkeys_of(connection)
    invited = rows.open_invitations(connection, now)
    sessions = rows.count_sessions(connection, made=now - rules.LONGEST, seen=now - rules.IDLE)
    tokens = token_store.count_personal(connection, now)
    shown: list[Json] = []
    for row in people:
        own: list[Json] = [
            {"kid": passkey_of(one).kid, "synced": one.synced, "made": one.made, "used": one.used}
            for one in held
            if one.person == row.id
        ]
        state = "ended" if row.ended else "active" if own else "invited" if row.id in invited else "locked_out"
        shown.append(
            {
                "id": row.id,
                "name": row.name,
                "roles": [*row.roles.split()],
                "unit": row.unit,
                "language": row.language,
                "state": state,
                "made": row.made,
                "ended": row.ended,
                "invited_until": invited.get(row.id),
                "passkeys": own,
                "sessions": sessions.get(row.id, 0),
                "tokens": tokens.get(row.id, 0),
            }
        )
    return shown
