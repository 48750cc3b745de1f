"""People: asked for or invited by a colleague, given other rights, ended. Who may do it to whom is
`gateway.access.rules`. Whoever may release, or be shown content for a reason, then waits for an administrator: no code
is made, and no right given, before `person.approve`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.access import enrolment, rules
from gateway.access import people_store as rows
from gateway.access.api_tokens import ApiTokens
from gateway.access.codes import code_hash, new_code
from gateway.access.operations.approvals import ask_administrator
from gateway.access.operations.models import (
    AddPerson,
    ChangePerson,
    InvitedPerson,
    InvitePerson,
    OnePerson,
    People,
    PersonShown,
)
from gateway.access.operations.people_shown import show_people, with_code
from gateway.access.operations.tokens import actor_of, check_unit
from gateway.access.people_store import PersonRow, roles_of
from gateway.changes.rules import Action
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.operations.models import Nothing
from gateway.operations.registry import About, operation
from gateway.operations.roles import AUDITOR, GIVES, PROTECTS, Caller, Role
from gateway.ports import Clock, Json, OperationResult
from gateway.trust.changes import TrustChanges
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
        trust_changes: TrustChanges,
        config: Config,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
        forget_words: Callable[[Connection, str], None],
    ) -> None:
        """`forget_words` ends what a person said as the first of two people and no second one has confirmed."""
        self._store = store
        self._tokens = tokens
        self._trust_changes = trust_changes
        self._config = config
        self._clock = clock
        self._rand = rand
        self._actor = actor
        self._forget_words = forget_words

    @operation(
        "person.list", "who works at the console", roles=GIVES | AUDITOR | PROTECTS, about=About.NODE, answer=People
    )
    async def list_people(self, _asked: Nothing) -> OperationResult:
        """Everybody who works or has worked at the console; no secret."""
        now = self._clock.now()
        return OperationResult(value={"people": await self._store.read(lambda c: show_people(c, rows.load(c), now))})

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
        """Make a person with an invitation, whose code is in this answer and nowhere else; who may release or be shown
        content waits for an administrator, and for the code that comes with the approval.
        """
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
        now, code, waits = self._clock.now(), new_code(self._rand), rules.needs_word(roles)
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
            if waits:
                ask_administrator(self._trust_changes, connection, row, Action.PERSON_ENROL, roles, unit, now)
            else:
                rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            return show_people(connection, [row], now)[0]

        shown = await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=with_code(shown, None if waits else code, self._config), created=True)

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
        new rights. What lets somebody release, or release more, waits for an administrator; who released nothing before
        then gets a new code, and what they came in with ends.
        """
        check_unit(self._config, asked.unit)

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            after = roles_of(row) if asked.roles is None else frozenset(map(Role, asked.roles))
            rules.check_apart(after)
            rules.check_gives(caller, roles_of(row) | after)
            words, place = " ".join(sorted(after)), asked.unit if "unit" in asked.model_fields_set else row.unit
            if (words, place) == (row.roles, row.unit):
                raise RefusedError(Code.INVALID, "these are the rights they have already; nothing was changed")
            if rules.widens(roles_of(row), row.unit, after, place):
                ask_administrator(self._trust_changes, connection, row, Action.PERSON_CHANGE, after, place, now)
            else:
                enrolment.give_rights(connection, row, words, place, actor_of(self._actor, caller), now)

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
        """Let a person make one more passkey. Those they have stay, unless this one comes `instead` of them: then they
        end at once. The code for somebody who may release or be shown content waits for an administrator.
        """
        code, waits = new_code(self._rand), False

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            nonlocal waits
            roles = roles_of(row)
            rules.check_gives(caller, roles)
            if asked.instead:
                self._shut_out(connection, row.id, "invited", now)
            if waits := rules.needs_word(roles):
                ask_administrator(self._trust_changes, connection, row, Action.PERSON_INVITE, roles, row.unit, now)
            else:
                rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
                rows.vouch(connection, row.id, ())
            if asked.instead or not waits:
                actor = actor_of(self._actor, caller)
                journal.append_leaf(
                    connection, leaf(now, "person.invited", id=row.id, instead=asked.instead, actor=actor)
                )

        done = await self._act(asked, caller, act)
        return OperationResult(value=with_code(done.value, None if waits else code, self._config), created=True)

    @operation(
        "person.vouch",
        "ask an administrator to vouch for somebody who may release",
        roles=GIVES,
        about=About.NODE,
        answer=PersonShown,
    )
    async def vouch(self, asked: OnePerson, caller: Caller) -> OperationResult:
        """One more administrator is to say that they have met this person: two people whom one administrator let in do
        not release together.
        """

        def act(connection: Connection, row: PersonRow, now: int) -> None:
            if not rules.releases(roles_of(row)):
                raise RefusedError(
                    Code.CONFLICT, "this person releases nothing, so nobody has to vouch for them; nothing was changed"
                )
            ask_administrator(self._trust_changes, connection, row, Action.PERSON_VOUCH, roles_of(row), row.unit, now)

        return await self._act(asked, caller, act)

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
            enrolment.end_access(connection, row.id, "signed_out", now)
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
            self._shut_out(connection, row.id, "ended", now)
            rows.end(connection, row.id, at=now)
            enrolment.give_up(connection, row.id, now)
            journal.append_leaf(connection, leaf(now, "person.ended", id=row.id, actor=actor_of(self._actor, caller)))

        return await self._act(asked, caller, act)

    def _shut_out(self, connection: Connection, person: str, why: str, now: int) -> None:
        """All that they came in with ends, and what they began: their passkey may have been another's."""
        enrolment.end_access(connection, person, why, now)
        rows.drop_passkeys(connection, person)
        rows.uninvite(connection, person)
        self._forget_words(connection, person)

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
            return show_people(connection, [rows.find(connection, id) or row], now)[0]

        shown = await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=shown)
