"""Every operation, each argument with every kind of JSON: it is taken, or refused in words that name the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from support.acting import WORKS, id_of
from support.pair import NUMBER, Spoiler, Two, example, two_nodes
from support.spoilt import WRONG, places, spoilt
from support.tables import Faults

from gateway.errors import Code, GatewayError, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.ids import Names, Subject
from gateway.operations.registry import Row
from gateway.operations.roles import Caller
from gateway.ports import Json

ALSO: Sequence[Json] = [True, -1, 2**53, "\u202ex\n", [], {}, "A" * 22]
"""Besides: numbers at the edge, what no text of one line may hold, what is empty, and what an id looks like."""

ENDS = frozenset({"keys.rotate", "backup.make", "node.stop"})
"""Operations of which one that is taken costs seconds: they are asked with what is refused alone."""


DOCUMENTS: Mapping[str, dict[str, Any]] = {
    "draft": example("enquiry.capacity/1", "AL"),
    "content": example("consent.record/1", "AL")["content"],
}
"""Good values of arguments that hold a whole document."""


def base(row: Row, known: Mapping[Subject, str]) -> dict[str, Any]:
    """Arguments with which the operation finds what it is about, as far as there is such a thing here."""
    given = dict(row.example or {})
    for name, field in row.arguments.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Names) and mark.subject in known and field.annotation is str:
                given[name] = known[mark.subject]
        if name in DOCUMENTS:
            given[name] = DOCUMENTS[name]
    return given


def wrong_arguments(row: Row, given: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each argument, and within documents each place, with each value."""
    for name in row.arguments.model_fields:
        for value in (*WRONG, *ALSO):
            yield name, given | {name: value}
        for path in places(DOCUMENTS.get(name, {})):
            for value in WRONG:
                yield name, given | {name: spoilt(DOCUMENTS[name], path, value)}


def refuses(model: type[BaseModel], given: Mapping[str, Json], name: str) -> bool:
    """Whether this argument is a fault for the model, whatever the others are."""
    try:
        model.model_validate(dict(given))
    except ValidationError as error:
        return any(fault["loc"][:1] == (name,) for fault in error.errors())
    return False


async def ask(two: Two, row: Row, given: dict[str, Any], wrong: str | None) -> None:
    """It is done, or refused; of an argument that is wrong by itself the place is named."""
    officer = Caller(roles=row.roles, owner=True, person=id_of("officer"))  # no one person has every role
    try:
        if row.roles.isdisjoint(WORKS):
            await two.fr.running.desk.call(row.name, given, caller=officer)
        else:
            await two.fr.call(row.name, **given)
    except GatewayError as error:
        assert wrong is None or isinstance(error, RefusedError)
        if wrong is not None and isinstance(error, RefusedError):
            assert error.code is Code.INVALID
            assert [one for one in error.findings if f"{one.place}/".startswith(f"/{wrong}/")]
    else:
        assert wrong is None


async def things(two: Two) -> dict[Subject, str]:
    """One thing of each kind that operations are about."""
    sent = await two.fr.call("message.submit", **example("enquiry.capacity/1", "AL"))
    case = await two.fr.call("case.open", label="Blue 7", by="w-1")
    consent = await two.fr.call("consent.record", by="w-1", number=NUMBER, content=DOCUMENTS["content"])
    draft = await two.fr.call("draft.save", draft=DOCUMENTS["draft"])
    return {
        Subject.MESSAGE: sent["id"],
        Subject.CONVERSATION: sent["conversation"],
        Subject.CASE: case["id"],
        Subject.CONSENT: consent["id"],
        Subject.DRAFT: draft["id"],
        Subject.PEER: "AL",
        Subject.ALARM: "1",
        Subject.MESSAGE_TYPE: "referral.request/1",
        Subject.CODE_LIST: "purpose",
    }


async def test_no_argument_of_any_operation_is_a_fault_of_ours(tmp_path: Path) -> None:
    """Whatever a program writes: an answer or a refusal, and never an exception that nobody foresaw."""
    async with two_nodes(tmp_path) as two:
        Spoiler(two.fr).away = True  # what is taken waits for ever
        known = await things(two)
        with Faults() as faults:
            for row in ROWS.values():
                given = base(row, known)
                for name, asked in wrong_arguments(row, given) if not row.streams else ():
                    wrong = refuses(row.arguments, asked, name)
                    if wrong or row.name not in ENDS:
                        with faults.row(f"{row.name} /{name} {asked[name]!r:.30}"):
                            await ask(two, row, asked, name if wrong else None)
