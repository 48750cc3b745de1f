"""Who acts in a test: the owner of the node, and people by name, who are enrolled when they first do something.

What needs two people is done by two, unless a test asks for one step of it (`act`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from gateway.access import people_store
from gateway.access.people_store import PersonRow
from gateway.composition.node import Node
from gateway.node.rows import ROWS
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About
from gateway.operations.roles import EVERYBODY, OWNER, Caller
from gateway.ports import OperationResult
from keys.primitives.encoding import b64u, sha256

FIRST, SECOND = "w-1", "w-2"
"""Whoever acts where a test names nobody."""


def id_of(name: str) -> str:
    """The id under which a person of this name is enrolled."""
    return b64u(sha256(name.encode())[:16])


def caller_of(name: str) -> Caller:
    """A person at the shell of the node's owner, with every role."""
    return Caller(roles=EVERYBODY, owner=True, person=id_of(name))


async def enrolled(node: Node, name: str) -> Caller:
    """The person of this name, who is enrolled here from now on."""
    row = PersonRow(
        id=id_of(name),
        name=name,
        roles=" ".join(EVERYBODY),
        unit=None,
        language=None,
        made=node.clock.now(),
        ended=None,
    )

    def add(connection: Connection) -> None:
        if people_store.find(connection, row.id) is None:
            people_store.add(connection, row)

    if await node.store.read(lambda c: people_store.find(c, row.id)) is None:
        await node.store.move(add)
    return caller_of(name)


def pseudonym_of(node: Node, name: str) -> str:
    """Under what a person of this node stands in headers and in its audit log."""
    return pseudonym(caller_of(name).actor, node.keys.actor)


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
        value = (await act(node, "draft.release", {"id": value["id"]}, by=second or SECOND)).value
    return value
