"""Which handler an endpoint belongs to: one table for each kind of request, so that no endpoint is without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.federation import endpoints
from gateway.federation.endpoints import Endpoint, Segment
from gateway.federation.handlers import FederationHandlers, Reply
from gateway.foundation.ids import NodeId


class PeerRoutes:
    """The handlers of this node by endpoint. Whoever calls one has done the checks that the endpoint asks for."""

    def __init__(self, handlers: FederationHandlers) -> None:
        self.handlers = handlers
        self._push: Mapping[Endpoint, Callable[[bytes], Awaitable[None]]] = {
            endpoints.POST_DESCRIPTOR: handlers.post_descriptor,
            endpoints.POST_KEYSET: handlers.post_keyset,
            endpoints.POST_TOMBSTONE: handlers.post_tombstone,
        }
        self._ask: Mapping[Endpoint, Callable[[NodeId], Awaitable[Reply]]] = {
            endpoints.GET_SCHEMAS: handlers.get_schemas,
            endpoints.GET_LINK: handlers.get_link,
            endpoints.GET_CHECKPOINT: handlers.get_checkpoint,
            endpoints.GET_HELD: handlers.get_held,
        }
        self._post: Mapping[Endpoint, Callable[[NodeId, bytes], Awaitable[Reply]]] = {
            endpoints.POST_MESSAGES: handlers.post_messages,
            endpoints.POST_VOID: handlers.post_void,
            endpoints.POST_RECEIPTS: handlers.post_receipts,
            endpoints.POST_LINK: handlers.post_link,
            endpoints.POST_TAKEN: handlers.post_taken,
            endpoints.POST_TRUST: handlers.post_trust,
            endpoints.POST_CHECKPOINT: handlers.post_checkpoint,
        }

    async def push(self, row: Endpoint, body: bytes) -> None:
        """Handle a pushed document, which proves itself. Raises RemoteError for one that does not."""
        await self._push[row](body)

    async def handle(self, row: Endpoint, segment: Segment | None, peer: NodeId, body: bytes) -> Reply:
        """Handle a request of a proven peer; `segment` names the part where the endpoint is one of attachments."""
        if segment is not None:
            put = row is endpoints.PUT_PART
            return await (self.handlers.put_part(peer, segment, body) if put else self.handlers.get_part(peer, segment))
        if row in self._ask:
            return await self._ask[row](peer)
        return await self._post[row](peer, body)
