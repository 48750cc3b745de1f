"""What waits for an administrator about people, and the approval, which makes the code (`gateway.access.enrolment`)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.access import enrolment, rules
from gateway.access import people_store as rows
from gateway.access.api_tokens import ApiTokens
from gateway.access.codes import code_hash, new_code
from gateway.access.operations.models import ApprovePerson, InvitedPerson
from gateway.access.operations.people_shown import show_people, with_code
from gateway.access.people_store import PersonRow
from gateway.changes import store as change_rows
from gateway.changes.rules import Action
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import UnitId
from gateway.operations.registry import About, operation
from gateway.operations.roles import TRUST, Role
from gateway.ports import Clock, Json, OperationResult
from gateway.trust.changes import TrustChanges
from gateway.trust.operations.changes import read_word
from keys.documents.change import Change, is_person


def ask_administrator(
    changes: TrustChanges,
    connection: Connection,
    row: PersonRow,
    action: Action,
    roles: frozenset[Role],
    unit: UnitId | None,
    now: int,
) -> None:
    """Let something about a person wait for an administrator; what waited about them before does no more."""
    subject, body = enrolment.subject_of(row.id), enrolment.body_of(row, roles, unit)
    change = changes.prepare(connection, subject, action, body, now)
    if any(waiting.hash == change.hash for waiting in change_rows.in_state(connection, change_rows.PENDING, subject)):
        return  # asked for in this very second
    enrolment.give_up(connection, row.id, now)
    changes.ask(connection, change, now)


class ApprovalOperations:
    """The operation by which an administrator lets somebody release."""

    def __init__(
        self,
        *,
        store: Store,
        tokens: ApiTokens,
        trust_changes: TrustChanges,
        config: Config,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._trust_changes = trust_changes
        self._config = config
        self._clock = clock
        self._rand = rand

    @operation(
        "person.approve",
        "an administrator approves who may release; a code is shown once",
        roles=TRUST,
        about=About.NODE,
        answer=InvitedPerson,
        creates=True,
        shown_once=True,
    )
    async def approve(self, asked: ApprovePerson) -> OperationResult:
        """The signed word of an administrator for what waits. The code that comes with it is in this answer alone."""
        word, code, now = read_word(asked), new_code(self._rand), self._clock.now()

        def move(connection: Connection) -> tuple[Json, str | None]:
            stored = change_rows.find_change(connection, asked.id)
            if stored is None or not is_person(stored.subject):
                raise RefusedError(
                    Code.NOT_FOUND, "nothing of this id waits; nothing was changed", hint="trm person list"
                )
            change = Change.parse(stored.payload)
            coded = enrolment.gives_code(enrolment.person_of(connection, change), change)
            self._trust_changes.approve(connection, asked.id, word, now)
            row = enrolment.person_of(connection, change)
            if coded:
                rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            return show_people(connection, [row], now)[0], code if coded else None

        shown, given = await self._store.move(move)
        await self._tokens.refresh()
        return OperationResult(value=with_code(shown, given, self._config), created=True)
