"""Who must not see a case for a conflict of interest: to them it is not there, by whatever id they ask for it.

Blocks are few, and a node without any asks one range of a key. What is of a closed case is answered as if it were not
there, in the words of `gateway.node.units`, and is left out of every list that says whom its lines are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.cases.entries import cases_closed_to, identity_of
from gateway.cases.subjects import cases_behind, cases_named
from gateway.cases.units import units_of
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.node.units import named_ids, not_there, refusal_of
from gateway.operations.ids import Subject
from gateway.operations.models import Asked
from gateway.operations.roles import Caller
from gateway.ports import Json

_CASES = frozenset({"audit.cases", "case.list", "case.find"})
"""Operations whose lines are cases themselves."""

_NAMED_BY_ID: Mapping[str, str] = {"attachment.moving": "moving", "audit.reads": "reads"}
"""Lists whose lines say by an id alone what they are about, each with its member."""


class BlockGuard:
    """Looks whether what a person names or would be shown is of a case that is closed to them."""

    def __init__(self, *, content: Content) -> None:
        self._content = content

    async def check_each(self, asked: Sequence[Asked], caller: Caller) -> list[RefusedError | None]:
        """Before an operation, or several acts: the refusal of each that names what is of a closed case."""
        if not identity_of(caller):
            return [None] * len(asked)
        return await self._content.store.read(lambda c: self._look_at_each(c, asked, caller))

    def _look_at_each(
        self, connection: Connection, asked: Sequence[Asked], caller: Caller
    ) -> list[RefusedError | None]:
        closed = cases_closed_to(self._content.sealer, connection, caller)
        if not closed:
            return [None] * len(asked)
        return [refusal_of(partial(self._look_at, connection, one, closed)) for one in asked]

    def _look_at(self, connection: Connection, asked: Asked, closed: frozenset[CaseId]) -> None:
        """What nobody has is refused here too, so that both are answered in the same words."""
        sealer = self._content.sealer
        for subject, id, needed in named_ids(asked):
            if cases_named(sealer, connection, subject, id) & closed:
                raise not_there(subject)
            if needed and subject is not Subject.ALARM and units_of(sealer, connection, subject, id) is None:
                raise not_there(subject)

    async def narrow(self, operation: str, value: Json, caller: Caller) -> Json:
        """After an operation: lists without the lines about closed cases."""
        if not identity_of(caller) or not isinstance(value, dict):
            return value
        closed = await self._content.store.read(lambda c: cases_closed_to(self._content.sealer, c, caller))
        if not closed:
            return value
        if (lines := _NAMED_BY_ID.get(operation)) is not None:
            left = await self._content.store.read(lambda c: self._left_by_id(c, _objects(value[lines]), closed))
            return value | {lines: left}
        of = "id" if operation in _CASES else "of_case"
        return {name: _left(listed, of, closed) for name, listed in value.items()}

    def _left_by_id(
        self, connection: Connection, lines: list[dict[str, Json]], closed: frozenset[CaseId]
    ) -> list[Json]:
        behind = cases_behind(self._content.sealer, connection, {str(line["id"]) for line in lines})
        return [line for line in lines if not behind[str(line["id"])] & closed]


def _left(listed: Json, of: str, closed: frozenset[CaseId]) -> Json:
    return [one for one in listed if _case(one, of) not in closed] if isinstance(listed, list) else listed


def _case(line: Json, of: str) -> Json:
    found = line.get(of) if isinstance(line, dict) else None
    found = found.get("id") if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _objects(listed: Json) -> list[dict[str, Json]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
