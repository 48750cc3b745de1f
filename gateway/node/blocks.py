"""Who must not see a case for a conflict of interest: to them it is not there, by whatever id they ask for it.

Blocks are few, and a node without any asks one range of a key. What is of a closed case is answered as if it were not
there, in the words of `gateway.node.units`, and is left out of every list that says whom its lines are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.cases.entries import cases_closed_to
from gateway.cases.history import BlockOf
from gateway.cases.subjects import cases_named
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId
from gateway.node.units import UNKNOWN, named_ids
from gateway.operations.ids import Subject
from gateway.operations.models import Asked
from gateway.operations.roles import Caller
from gateway.ports import Json

_CASES = frozenset({"case.list", "case.find"})
"""Operations whose lines are cases themselves."""


class BlockGuard:
    """Looks whether what a person names or would be shown is of a case that is closed to them."""

    def __init__(self, *, content: Content) -> None:
        self._content = content

    async def check(self, asked: Asked, caller: Caller) -> None:
        """Before an operation: nothing that it names is of a closed case. Raises RefusedError, nothing was done."""
        who = identity_of(caller)
        if who:
            named = list(named_ids(asked))
            await self._content.store.read(lambda c: self._look_at(c, named, who))

    def _look_at(
        self, connection: Connection, named: Iterable[tuple[Subject, str]], who: Mapping[BlockOf, str]
    ) -> None:
        sealer = self._content.sealer
        closed = cases_closed_to(sealer, connection, who)
        for subject, id in named if closed else ():
            if cases_named(sealer, connection, subject, id) & closed:
                what, hint = UNKNOWN.get(subject, ("there is no such thing here", ""))
                raise RefusedError(Code.NOT_FOUND, what, hint=hint)

    async def narrow(self, operation: str, value: Json, caller: Caller) -> Json:
        """After an operation: lists without the lines about closed cases, a family without their names."""
        who = identity_of(caller)
        if not who or not isinstance(value, dict):
            return value
        closed = await self._content.store.read(lambda c: cases_closed_to(self._content.sealer, c, who))
        if not closed:
            return value
        if operation == "case.show":
            return value | {"group": [_unnamed(one, closed) for one in _objects(value["group"])]}
        of = "id" if operation in _CASES else "of_case"
        return {name: _left(listed, of, closed) for name, listed in value.items()}


def identity_of(caller: Caller) -> dict[BlockOf, str]:
    """By what a caller may be kept out: as a person, as one of a unit; nothing for the owner and tokens of no unit."""
    given = {BlockOf.PERSON: caller.person, BlockOf.UNIT: caller.unit}
    return {kind: id for kind, id in given.items() if id is not None}


def _left(listed: Json, of: str, closed: frozenset[CaseId]) -> Json:
    return [one for one in listed if _case(one, of) not in closed] if isinstance(listed, list) else listed


def _case(line: Json, of: str) -> Json:
    found = line.get(of) if isinstance(line, dict) else None
    found = found.get("id") if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _unnamed(line: Mapping[str, Json], closed: frozenset[CaseId]) -> Json:
    return {**line, "name": None} if line["other"] in closed else dict(line)


def _objects(listed: Json) -> list[dict[str, Json]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
