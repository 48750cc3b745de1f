"""Who acts in a test: the owner of the node, and people by name, who are enrolled when they first do something.

What needs two people is done by two, unless a test asks for one step of it (`act`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from support.ceremony import ADMINS, aplay, play
from support.enrolled import Enrolled, approving, enrolling
from support.keycost import CHEAP
from support.local import Caller as Local

from gateway.access import people_store
from gateway.access.people_store import PersonRow
from gateway.access.rules import PERSONAL
from gateway.composition.node import Node
from gateway.node.rows import ROWS
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About
from gateway.operations.roles import OWNER, Caller, Role
from gateway.ports import OperationResult
from keys.offline.administrator_key import Admin, load_admin
from keys.primitives.encoding import b64u, sha256

FIRST, SECOND = "w-1", "w-2"
"""Whoever acts where a test names nobody."""
WORKS = frozenset(PERSONAL) - {Role.DATA_PROTECTION_OFFICER}
"""Every role that one person may have at once."""


def id_of(name: str) -> str:
    """The id under which a person of this name is enrolled."""
    return b64u(sha256(name.encode())[:16])


def caller_of(name: str) -> Caller:
    """A person at the shell of the node's owner, with every role."""
    return Caller(roles=WORKS, owner=True, person=id_of(name))


async def enrolled(node: Node, name: str) -> Caller:
    """The person of this name, who is enrolled here from now on."""
    row = PersonRow(
        id=id_of(name),
        name=name,
        roles=" ".join(sorted(WORKS)),
        unit=None,
        language=None,
        made=node.clock.now(),
        ended=None,
        vouched="a1 a2",
    )

    def add(connection: Connection) -> None:
        if people_store.find(connection, row.id) is None:
            people_store.add(connection, row)
        else:  # the node was put back, and they were let in anew
            people_store.vouch(connection, row.id, (row.vouched or "").split())

    known = await node.store.read(lambda c: people_store.find(c, row.id))
    if known is None or known.vouched is None:
        await node.store.move(add)
    return caller_of(name)


def pseudonym_of(node: Node, name: str) -> str:
    """Under what a person of this node stands in headers and in its audit log."""
    return pseudonym(caller_of(name).actor, node.keys.actor)


async def signed_in(caller: Local, node: Node, name: str = FIRST) -> Local:
    """The door of this caller, where the person of this name shows a personal token."""

    async def owner(operation: str, **arguments: Any) -> Any:
        return (await node.desk.call(operation, arguments)).value

    known: Enrolled = await aplay(known_to_two(name), owner)
    return Local(session=caller.session, base=caller.base, headers={"Authorization": f"Bearer {known.token}"})


def admins_of(folder: Path) -> Sequence[Admin]:
    """The administrators of a node: those whose key files lie beside it, else those of all tests."""
    keys = folder.parent / f"{folder.name}-admins"
    if not keys.is_dir():
        return ADMINS
    secret = (keys / "secret").read_text().strip()
    return [load_admin(keys / f"{number}.key", secret, at_least=CHEAP) for number in (0, 1)]


def known_to_two(name: str, admins: Sequence[Admin] = ADMINS) -> Generator[tuple[str, dict[str, Any]], Any, Enrolled]:
    """The steps by which somebody new, for whom two administrators vouch, comes to a token."""
    known: Enrolled = yield from enrolling(name, *sorted(WORKS), admin=admins[0])
    asked = yield "person.vouch", {"id": known.id}
    yield from approving(asked, admin=admins[1])
    return known


async def act(
    node: Node, operation: str, arguments: Mapping[str, Any], *, by: str | None = None, key: str | None = None
) -> OperationResult:
    """One operation once: about a case by this person, or by some person where only people do it; else by the owner."""
    row = ROWS[operation]
    if row.by_person or (by is not None and row.about is About.CASE):
        return await node.desk.call(operation, arguments, key=key, caller=await enrolled(node, by or FIRST))
    return await node.desk.call(operation, arguments, key=key, caller=OWNER)


async def ask(
    node: Node, operation: str, arguments: Mapping[str, Any], *, by: str | None = None, key: str | None = None
) -> Any:
    """The answer of one operation; a message that needs two people, or for which `second_by` of the arguments names a
    second one, is released by them too.
    """
    given = dict(arguments)
    second = given.pop("second_by", None)
    if second is not None:
        given["two_people"] = True
    value: Any = (await act(node, operation, given, by=by, key=key)).value
    if operation == "message.submit" and value["state"] == "waiting_second":
        again = None if key is None else f"{key}-second"
        value = (await act(node, "draft.release", {"id": value["id"]}, by=second or SECOND, key=again)).value
    return value


# --- at a node that answers on its socket -------------------------------------------------------------------------

_TOKENS: dict[tuple[Path, str], str] = {}
"""Personal tokens that were got in this process, by folder of the node and name of the person."""


def token_at(folder: Path, name: str, call: Callable[..., Any]) -> str:
    """The personal token of this person at a node, whose owner asks it by `call`; enrolled when first needed."""
    if (folder, name) not in _TOKENS:
        _TOKENS[folder, name] = play(known_to_two(name, admins_of(folder)), call).token
    return _TOKENS[folder, name]


def share_tokens(of: Path, folder: Path) -> None:
    """Let the people of a node be known at another worker of it by the tokens that they have."""
    _TOKENS.update({(folder, name): token for (held, name), token in _TOKENS.items() if held == of})


def ask_over(ask: Callable[..., Any], operation: str, arguments: Mapping[str, Any], *, by: str | None = None) -> Any:
    """The answer of one operation by `ask(operation, arguments, by)`, which shows the token of whom `by` names; as
    `ask` does it in one process.
    """
    given, row = dict(arguments), ROWS[operation]
    second = given.pop("second_by", None)
    if second is not None:
        given["two_people"] = True
    acts = row.by_person or (by is not None and row.about is About.CASE)
    value = ask(operation, given, (by or FIRST) if acts else None)
    if operation == "message.submit" and value["state"] == "waiting_second":
        value = ask("draft.release", {"id": value["id"]}, second or SECOND)
    return value
