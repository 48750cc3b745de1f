"""The interface of the request handlers behind the server, and the record of a refused request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, Protocol

from gateway.errors import Code
from gateway.federation.endpoints import Segment
from gateway.foundation.ids import NodeId


class Reply(NamedTuple):
    """The answer of a handler."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_bare(self) -> bool:
        """Whether it is sent without its body and without a signature: each 403 and 5xx is."""
        return self.status == HTTPStatus.FORBIDDEN or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Closed(NamedTuple):
    """Why nothing of peers is judged now, and after how many seconds it is over where that is known."""

    code: Code
    again_in: int | None = None


class FederationHandlers(Protocol):
    """The handlers behind the server. ``peer`` is the proven node id.

    A handler raises ``RemoteError`` to refuse the whole request with its code (of a push nobody learns it),
    and ``TransientError`` to answer 503: the peer repeats the same bytes. A key of this node that is missing is
    answered so, too.
    """

    async def get_descriptor(self, from_version: int) -> Reply:
        """The array of descriptor documents from that version on; ``[]`` beyond the newest (nrm1 9.2)."""

    async def get_keyset(self) -> Reply:
        """Return the newest keyset document."""

    async def post_descriptor(self, body: bytes) -> None:
        """Take one descriptor document that a known node pushes."""

    async def post_keyset(self, body: bytes) -> None:
        """Take the keyset document that a known node pushes."""

    async def post_tombstone(self, body: bytes) -> None:
        """Take the tombstone of a known node, which anybody may publish."""

    async def post_messages(self, peer: NodeId, body: bytes) -> Reply:
        """Framed envelopes, not yet split: 200 with the answers (nrm1 3.9, 6.7)."""

    async def post_void(self, peer: NodeId, body: bytes) -> Reply:
        """A signed void: answered like messages (nrm1 5.7)."""

    async def post_receipts(self, peer: NodeId, body: bytes) -> Reply:
        """Receipts that are signed together: 200 ``{}`` (nrm1 6.4)."""

    async def post_trust(self, peer: NodeId, body: bytes) -> Reply:
        """A signed trust record of a peer that may not be active yet: 200 ``{}`` (nrm1 8.5)."""

    async def put_part(self, peer: NodeId, segment: Segment, body: bytes) -> Reply:
        """The next segment of a part: 200 with what is wanted next or, with the last one of all, the answer of
        `post_messages`; 409 for another segment than the next, 404 where no message waits for it (nrm1 10.7).
        """

    async def get_part(self, peer: NodeId, segment: Segment) -> Reply:
        """Return the segment of a part that is needed next: ``{"next": k}``; 404 where no message waits for it (nrm1
        10.7).
        """

    async def get_schemas(self, peer: NodeId) -> Reply:
        """Return the hashes of this node's catalogue: ``{"schemas": [...]}``."""

    async def get_held(self, peer: NodeId) -> Reply:
        """Return the descriptor of the peer that this node holds: ``{"version", "hash", "document"}`` (nrm1 2.25)."""

    async def post_checkpoint(self, peer: NodeId, body: bytes) -> Reply:
        """The peer's log wants to be witnessed: 200 with a cosignature, else 400, 403, 404, 409 or 422 (nrm1 11.3)."""

    async def get_checkpoint(self, peer: NodeId) -> Reply:
        """The newest checkpoint of the peer's own log that this node cosigned, 404 for none (nrm1 11.6)."""

    async def get_link(self, peer: NodeId) -> Reply:
        """Return this node's record of the link: ``{"epoch", "high", "hash", "answered"}`` (nrm1 5.8, 5.15)."""

    async def post_link(self, peer: NodeId, body: bytes) -> Reply:
        """The peer was restored and asks to begin the link anew: answered with the view (nrm1 5.9)."""

    async def post_taken(self, peer: NodeId, body: bytes) -> Reply:
        """A page of what is known to have been taken away since the backup of the peer (nrm1 5.16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused request. Holds no byte of the request: safe to log and to count.

    ``peer`` is None until it is proven. ``error`` is set for a fault of this node only (status 500).
    """

    endpoint: str | None
    peer: NodeId | None
    status: int
    code: Code | None
    error: Exception | None = None


Report = Callable[[Refusal], None]
