"""People who work at a node under test: enrolled by the real operations, with a personal token as `trm login` gets one.

    eva = await enrol(node, "Eva M.", Role.CASE_WORKER)           in process: `caller=eva.caller` goes to the desk
    eva = play(enrolling("Eva M.", Role.CASE_WORKER), desk.ask)   over a socket: `eva.token` is the bearer token

An administrator vouches for each who may release; two who release together need two, so name another `admin`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from support.ceremony import ADMINS, aplay

from gateway.composition.node import Node
from gateway.operations.roles import Caller, Role, on_socket
from keys.documents.change import Change
from keys.offline.administrator_key import Admin
from keys.primitives.encoding import canon


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One person: their id, the name that colleagues call them, and the text of their token."""

    id: str
    name: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Enrolled):
    """One person at a node in this process, and how they ask its desk: with their token on the socket."""

    caller: Caller


def enrolling(
    name: str, *roles: Role, unit: str | None = None, admin: Admin = ADMINS[0], hours: int = 720
) -> Generator[tuple[str, dict[str, Any]], Any, Enrolled]:
    """The steps by which somebody new comes to a token, for `play` and `aplay` of `support.ceremony`."""
    made = yield from inviting(name, *roles, unit=unit, admin=admin)
    taken = yield "login.enrol", {"code": made["code"], "label": "a shell under test", "hours": hours}
    return Enrolled(id=made["id"], name=name, token=taken["token"])


def inviting(
    name: str, *roles: Role | str, admin: Admin = ADMINS[0], **more: Any
) -> Generator[tuple[str, dict[str, Any]], Any, dict[str, Any]]:
    """The steps by which somebody new is invited: with the word of an administrator, if they may release."""
    given = {name: value for name, value in more.items() if value is not None}
    asked = yield "person.add", {"name": name, "roles": [*map(str, roles)], **given}
    return (yield from approving(asked, admin=admin))


def approving(
    asked: dict[str, Any], *, admin: Admin = ADMINS[0]
) -> Generator[tuple[str, dict[str, Any]], Any, dict[str, Any]]:
    """The step by which an administrator approves what waits about a person; none where nothing does."""
    if asked["waits"] is None:
        return asked
    change = Change.parse(canon(asked["waits"]["change"]))
    approval = admin.approve(change, at=change.at).document.to_json()
    made: dict[str, Any] = yield "person.approve", {"id": change.hash, "approval": approval}
    return made


async def enrol(node: Node, name: str, *roles: Role, unit: str | None = None, admin: Admin = ADMINS[0]) -> Known:
    """Somebody new at a node of this process."""

    async def ask(operation: str, **arguments: Any) -> Any:
        return (await node.desk.call(operation, arguments)).value

    made: Enrolled = await aplay(enrolling(name, *roles, unit=unit, admin=admin), ask)
    caller = on_socket(node.tokens.admit(made.token))
    return Known(id=made.id, name=made.name, token=made.token, caller=caller)
