"""Routes: every endpoint of a node has its handler, and gets what the handler takes."""

from __future__ import annotations

from typing import Any

from gateway.federation import endpoints
from gateway.federation.endpoints import ENDPOINTS, JSON, Access, Segment
from gateway.federation.handlers import Reply
from gateway.federation.routing import PeerRoutes
from gateway.foundation.ids import NodeId

PEER = NodeId("n1" + "a" * 32)
SEGMENT = Segment("A" * 22, 1, 2)


class Recorder:
    """Handlers that note their own name and what they were given."""

    def __init__(self) -> None:
        self.called: tuple[str, tuple[object, ...]] | None = None

    def __getattr__(self, name: str) -> Any:
        async def answer(*arguments: object) -> Reply:
            self.called = name, arguments
            return Reply(200, JSON, b"{}")

        return answer


async def test_every_endpoint_has_the_handler_of_its_name() -> None:
    """One that is forgotten would be found by the first peer that asks."""
    recorder = Recorder()
    routes, found = PeerRoutes(recorder), {}
    for name, row in vars(endpoints).items():
        if row not in ENDPOINTS or row.access is Access.PUBLIC:
            continue
        if row.access is Access.DOCUMENT:
            await routes.push(row, b"body")
            given: tuple[object, ...] = (b"body",)
        elif row in (endpoints.PUT_PART, endpoints.GET_PART):
            await routes.handle(row, SEGMENT, PEER, b"body")
            given = (PEER, SEGMENT, b"body") if row is endpoints.PUT_PART else (PEER, SEGMENT)
        else:
            await routes.handle(row, None, PEER, b"body")
            given = (PEER,) if row.method == "GET" else (PEER, b"body")
        found[name] = recorder.called == (name.lower(), given)
    assert [name for name, good in found.items() if not good] == []
    assert len(found) == len([row for row in ENDPOINTS if row.access is not Access.PUBLIC])
