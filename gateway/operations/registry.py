"""One row for each operation, on the function that does it: what is asked, who may, what is answered.

`@operation(...)` leaves the row on a method of a class of operations. The rows are read from the classes, without a
node: the doorkeeper of the API, the document of the API, the console and the pages of docs/ read the same rows. With
the objects of a node `joined` binds each row to what does it.

Two questions are answered here, and a third by what a row says of units (`gateway.node.units`):

    may        is one of the caller's roles in the row? deny by default, also what has no row. What only a person does
               asks for a person and their roles, also of the owner of the node
    visible    is this member of an answer content? operator and auditor get only what the database holds in the clear
    units      a caller bound to a unit gets what concerns no case, and of cases only those that its unit looks after

Trust changes need the signatures of administrators besides (`gateway.changes.rules`): a role opens the door to them
only.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar, get_type_hints

from gateway.errors import Code, Finding, RefusedError
from gateway.operations.models import Asked, Nothing
from gateway.operations.roles import CASE_MEMBERS, CONTENT_MEMBERS, Caller, Role
from gateway.ports import Json, OperationResult

_ROW = "_operation_row"
_GIVEN = frozenset({"admit", "caller", "key"})
"""What a handler is given besides its arguments, if it names it."""
Handler = TypeVar("Handler", bound=Callable[..., Any])


class Admit(Protocol):
    """Reads the arguments of several acts of one operation, each as if its caller asked for that one alone."""

    async def __call__(self, operation: str, given: Sequence[Json]) -> Sequence[Asked | RefusedError]:
        """The arguments of each as their model, or why this one is refused; in the order in which they came."""
        ...


class About(StrEnum):
    """What an operation is about."""

    CASE = "case"
    """A person: messages, drafts, conversations, consents and lists of them."""
    PEER = "peer"
    NODE = "node"
    ONESELF = "oneself"


class Units(StrEnum):
    """What a caller who is bound to a unit gets."""

    CLOSED = "closed"
    NARROWED = "narrowed"
    """The part of this unit."""
    FREE = "free"
    """All of it: it is about no case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Whoever asks is recorded as having read `what` (nrm1 13.9), if the answer showed it."""

    what: str
    shown: Callable[[Any, Mapping[str, Json]], bool] = lambda asked, answer: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What there is to know of an operation.

    `arguments` and `answer` are models; `creates`: it can answer 201; `media`: of the answer; `takes`: what its handler
    wants besides the arguments, of `caller`, `key` and `admit`. One that takes the key remembers its answer under it in
    its own transaction; one that does several acts reads the arguments of each through `admit`. `by_person`: only a
    person does it; `attested`: or a case system, which names its user who does it (see `gateway.operations.actors`).
    `shown_once`: its answer is kept nowhere. `anew`: neither is that of what only shows something, which is done again
    under the same key, since what it showed may be erased or closed by then. `erases`: it destroys keys by a person's
    act. `shows`: members that whoever may do it is shown whole, though they are content elsewhere. `streams`: it takes
    or gives a file, so it is not done by `Operations.call`. `takes_in`: it takes in something new, about a person or
    for other countries, which a node that waits for its roots does not (nrm1 1.20).
    """

    name: str
    summary: str
    roles: frozenset[Role]
    about: About
    arguments: type[Asked] = Nothing
    answer: Any
    example: Mapping[str, Json] | None = None
    units: Units = Units.CLOSED
    reads: Reading | None = None
    by_person: bool = False
    attested: bool = False
    creates: bool = False
    shown_once: bool = False
    anew: bool = False
    erases: bool = False
    shows: frozenset[str] = frozenset()
    streams: bool = False
    takes_in: bool = False
    media: str = "application/json"
    takes: frozenset[str] = frozenset()

    @property
    def allowed(self) -> tuple[Role, ...]:
        """The roles that may do it, in the order of the columns of docs/roles.md; none: the owner alone."""
        return tuple(role for role in Role if role in self.roles)


def operation(
    name: str,
    summary: str,
    *,
    roles: frozenset[Role],
    about: About,
    answer: Any,
    example: Mapping[str, Json] | None = None,
    units: Units = Units.CLOSED,
    reads: Reading | None = None,
    by_person: bool = False,
    attested: bool = False,
    creates: bool = False,
    shown_once: bool = False,
    anew: bool = False,
    erases: bool = False,
    shows: frozenset[str] = frozenset(),
    streams: bool = False,
    takes_in: bool = False,
    media: str = "application/json",
) -> Callable[[Handler], Handler]:
    """Make a method an operation. Its first parameter has the model of the arguments; see `Row` for the others."""

    def mark(function: Handler) -> Handler:
        first, *others = list(inspect.signature(function).parameters)[1:]
        if not streams and not _GIVEN.issuperset(others):
            raise RuntimeError(f"{name} wants what no operation is given")
        row = Row(
            name=name,
            summary=summary,
            roles=roles,
            about=about,
            arguments=get_type_hints(function)[first],
            answer=answer,
            example=example,
            units=units,
            reads=reads,
            by_person=by_person or attested,
            attested=attested,
            creates=creates,
            shown_once=shown_once,
            anew=anew,
            erases=erases,
            shows=shows,
            streams=streams,
            takes_in=takes_in,
            media=media,
            takes=_GIVEN & set(others),
        )
        function.__dict__[_ROW] = row
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Operation:
    """A row, and what does it at a node."""

    row: Row
    handler: Callable[..., Awaitable[OperationResult]]


def rows_of(classes: Iterable[type]) -> dict[str, Row]:
    """The rows of classes of operations by name."""
    return _by_name((row.name, row) for one in classes for _, row in _marked(one))


def joined(offered: Iterable[object]) -> dict[str, Operation]:
    """The operations of a node by name, of the objects that do them."""
    return _by_name(
        (row.name, Operation(row, getattr(one, attribute))) for one in offered for attribute, row in _marked(type(one))
    )


def _marked(offered: type) -> list[tuple[str, Row]]:
    """The methods of a class that are operations, as they stand in it."""
    found = [(name, member.__dict__[_ROW]) for name, member in vars(offered).items() if _ROW in _members_of(member)]
    if not found:
        raise RuntimeError(f"{offered.__name__} has no operation")
    return found


def _members_of(member: object) -> Mapping[str, Any]:
    return getattr(member, "__dict__", {})


Found = TypeVar("Found")


def _by_name(named: Iterable[tuple[str, Found]]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name, one in named:
        if name in found:
            raise RuntimeError(f"two operations are called {name}")
        found[name] = one
    return found


# --- who may, and what is shown -----------------------------------------------------------------------------------


def may(caller: Caller, row: Row | None) -> bool:
    """Whether the caller may do the operation at all; deny by default, also the owner what has no row."""
    if row is None or not acts_for(caller, row):
        return False
    if caller.owner and not row.by_person:
        return True
    return (caller.unit is None or row.units is not Units.CLOSED) and bool(caller.roles & row.roles)


def acts_for(caller: Caller, row: Row) -> bool:
    """Whether who calls is somebody who does such a thing: of the acts of a person a person, or a case system that may
    attest whose act it is.
    """
    if not row.by_person or caller.person is not None:
        return True
    return row.attested and caller.token is not None and not caller.owner


def check_person(caller: Caller, row: Row) -> None:
    """Return where the caller may do it, or where it is no act of a person. Raises RefusedError forbidden with the way
    out.
    """
    if not acts_for(caller, row):
        raise RefusedError(
            Code.FORBIDDEN,
            f"{row.name} is the act of a person; nothing was changed",
            hint="trm login signs in at a shell, the console at a browser",
        )
    if row.by_person and not may(caller, row):
        raise RefusedError(
            Code.FORBIDDEN,
            f"your role may not do {row.name}; nothing was changed",
            hint=f"allowed for: {', '.join(row.allowed)}",
            findings=[Finding(place="", rule="role", hint=role) for role in row.allowed],
        )


def visible(caller: Caller, row: Row, value: Json) -> Json:
    """The answer without what the caller may not read: of messages, only what is no content (`CONTENT_MEMBERS`); of
    everything else all but whom it is about. What the row `shows` is left as it is.
    """
    if caller.reads_content:
        return value
    return _bare(value, CONTENT_MEMBERS if row.units is Units.NARROWED else CASE_MEMBERS, row.shows)


def _bare(value: Json, without: frozenset[str], whole: frozenset[str]) -> Json:
    if isinstance(value, list):
        return [_bare(item, without, whole) for item in value]
    if isinstance(value, dict):
        return {
            name: item if name in whole else _bare(item, without, whole)
            for name, item in value.items()
            if name in whole or name not in without
        }
    return value
