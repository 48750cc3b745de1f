"""People at the console: invited by a colleague, given other rights, ended. Who may do it to whom is
`gateway.access.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from gateway.access import people_store as rows
from gateway.access import rules
from gateway.access.people_store import PersonRow
from gateway.access.sessions import code_hash, end_sessions, new_code, passkey_of, roles_of
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.operations import arguments as args
from gateway.operations.arguments import Arguments, maybe_text, only, text
from gateway.operations.roles import Caller
from gateway.operations.table import CallerOperation, Operation
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u, is_line

ID = 16
NAME = is_line(1, 64)


class PeopleOperations:
    """Operations on the people of this node."""

    def __init__(
        self, *, store: Store, config: Config, clock: Clock, rand: Callable[[int], bytes], actor: Actor
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._rand = rand
        self._actor = actor

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "person.list": self.list_people,
        }

    def by_caller(self) -> Mapping[str, CallerOperation]:
        """Those that look at who asks."""
        return {
            "person.add": self.add,
            "person.change": self.change,
            "person.invite": self.invite,
            "person.sign_out": self.sign_out,
            "person.end": self.end,
        }

    async def list_people(self, arguments: Arguments) -> OperationResult:
        """Everybody who works or has worked at the console; no secret."""
        only(arguments)
        now = self._clock.now()
        return OperationResult(value={"people": await self._store.read(lambda c: _shown(c, rows.load(c), now))})

    async def add(self, arguments: Arguments, caller: Caller) -> OperationResult:
        """Make a person with an invitation. Its code is in this answer and nowhere else."""
        only(arguments, "name", "roles", "unit", "language", "by")
        name, roles, unit = (
            text(arguments, "name", longest=64),
            rules.read_roles(_words(arguments)),
            self._unit(arguments),
        )
        language, by = maybe_text(arguments, "language"), text(arguments, "by", longest=64)
        if not NAME(name) or not name.strip():
            raise RefusedError(
                Code.INVALID,
                "the name is not one line of 1 to 64 characters; nothing was made",
                findings=[Finding(place="/name", rule="pattern", hint="without controls and invisible characters")],
            )
        if language is not None:
            rules.check_language(language)
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
            same = args.person(name, bytes)
            if any(one.ended is None and args.person(one.name, bytes) == same for one in rows.load(connection)):
                raise RefusedError(
                    Code.EXISTS,
                    "somebody here has this name already; nothing was made",
                    hint="add something to tell them apart: the name distinguishes the second person from the first",
                )
            rows.add(connection, row)
            bound, actor = unit is not None, _actor(self._actor, by)
            journal.append_leaf(
                connection, leaf(now, "person.added", id=row.id, roles=row.roles, bound=bound, actor=actor)
            )
            rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            return _shown(connection, [row], now)[0]

        return OperationResult(value=self._with_code(await self._store.move(move), code), created=True)

    async def change(self, arguments: Arguments, caller: Caller) -> OperationResult:
        """Other roles or another unit, what is left out stays. Their sessions end: they sign in with the new rights."""
        only(arguments, "id", "roles", "unit", "by")
        roles = rules.read_roles(_words(arguments)) if "roles" in arguments else None
        unit = self._unit(arguments)

        def act(connection: Connection, row: PersonRow, by: str, now: int) -> None:
            after = roles_of(row) if roles is None else roles
            rules.check_gives(caller, roles_of(row) | after)
            words, place = " ".join(sorted(after)), unit if "unit" in arguments else row.unit
            if (words, place) == (row.roles, row.unit):
                raise RefusedError(Code.INVALID, "these are the rights they have already; nothing was changed")
            rows.change(connection, row.id, roles=words, unit=place)
            end_sessions(connection, rows.sessions(connection, row.id), "changed", now)
            bound, actor = place is not None, _actor(self._actor, by)
            journal.append_leaf(
                connection, leaf(now, "person.changed", id=row.id, roles=words, bound=bound, actor=actor)
            )

        return await self._act(arguments, caller, act)

    async def invite(self, arguments: Arguments, caller: Caller) -> OperationResult:
        """Let a person make one more passkey. Those they have stay, unless this one comes `instead` of them."""
        only(arguments, "id", "instead", "by")
        instead = arguments.get("instead", False)
        if not isinstance(instead, bool):
            raise RefusedError(
                Code.INVALID,
                "the argument instead is wrong; nothing was changed",
                findings=[Finding(place="/instead", rule="type", hint="true or false")],
            )
        code = new_code(self._rand)

        def act(connection: Connection, row: PersonRow, by: str, now: int) -> None:
            rules.check_gives(caller, roles_of(row))
            if instead:
                rows.drop_passkeys(connection, row.id)
                end_sessions(connection, rows.sessions(connection, row.id), "invited", now)
            rows.invite(connection, code_hash(code), row.id, expires=now + rules.INVITED)
            journal.append_leaf(
                connection, leaf(now, "person.invited", id=row.id, instead=instead, actor=_actor(self._actor, by))
            )

        done = await self._act(arguments, caller, act)
        return OperationResult(value=self._with_code(done.value, code), created=True)

    async def sign_out(self, arguments: Arguments, caller: Caller) -> OperationResult:
        """End every session of a person, one's own too; their passkeys stay."""
        only(arguments, "id", "by")

        def act(connection: Connection, row: PersonRow, by: str, now: int) -> None:
            end_sessions(connection, rows.sessions(connection, row.id), "signed_out", now)
            journal.append_leaf(connection, leaf(now, "person.signed_out", id=row.id, actor=_actor(self._actor, by)))

        return await self._act(arguments, caller, act, oneself=True)

    async def end(self, arguments: Arguments, caller: Caller) -> OperationResult:
        """A person works here no more: sessions, passkeys and invitation end at once. Their name stays in the list."""
        only(arguments, "id", "by")

        def act(connection: Connection, row: PersonRow, by: str, now: int) -> None:
            end_sessions(connection, rows.sessions(connection, row.id), "ended", now)
            rows.drop_passkeys(connection, row.id)
            rows.uninvite(connection, row.id)
            rows.end(connection, row.id, at=now)
            journal.append_leaf(connection, leaf(now, "person.ended", id=row.id, actor=_actor(self._actor, by)))

        return await self._act(arguments, caller, act)

    async def _act(
        self,
        arguments: Arguments,
        caller: Caller,
        act: Callable[[Connection, PersonRow, str, int], None],
        *,
        oneself: bool = False,
    ) -> OperationResult:
        """One move about one person who works here; how they are then."""
        id, by, now = text(arguments, "id", longest=64), text(arguments, "by", longest=64), self._clock.now()

        def move(connection: Connection) -> Json:
            row = rows.find(connection, id)
            if row is None or row.ended is not None:
                raise RefusedError(
                    Code.NOT_FOUND, "nobody who works here has this id; nothing was changed", hint="trm person list"
                )
            if not oneself:
                rules.check_another(caller, id)
            act(connection, row, by, now)
            return _shown(connection, [rows.find(connection, id) or row], now)[0]

        return OperationResult(value=await self._store.move(move))

    def _with_code(self, shown: Json, code: str) -> Json:
        if not isinstance(shown, dict):
            raise RuntimeError("a person is shown as an object")
        origin = self._config.console_origin
        return shown | {"code": code, "address": None if origin is None else f"{origin}/enrol#{code}"}

    def _unit(self, arguments: Arguments) -> str | None:
        unit = maybe_text(arguments, "unit")
        if unit is not None and unit not in {known.id for known in self._config.units}:
            raise RefusedError(
                Code.INVALID,
                "the argument unit is wrong; nothing was changed",
                findings=[Finding(place="/unit", rule="enum", hint="a unit of this node's node.toml")],
            )
        return unit


def _shown(connection: Connection, people: list[PersonRow], now: int) -> list[Json]:
    held = rows.passkeys_of(connection)
    invited = rows.open_invitations(connection, now)
    sessions = rows.count_sessions(connection, made=now - rules.LONGEST, seen=now - rules.IDLE)
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
            }
        )
    return shown


def _words(arguments: Arguments) -> list[Json]:
    words = arguments.get("roles")
    return words if isinstance(words, list) else []


def _actor(actor: Actor, by: str) -> str:
    """A person in the audit log: a keyed hash, the name stays in the local records (nrm1 13.9)."""
    return actor(by.encode()).hex()
