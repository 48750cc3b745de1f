"""What two nodes may ask of each other: the closed list of endpoints (nrm1 9.2).

Server and client read the same rows, so that they cannot disagree about a path, a content type or a limit. Sizes are in
bytes. An endpoint that is not here does not exist: it is answered with a bare 404.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from keys.documents.envelope import ENVELOPES, ENVELOPES_LIMIT
from keys.documents.receipts import RECEIPTS
from keys.documents.signed_note import NOTE_LIMIT
from keys.documents.signed_note import REQUEST_LIMIT as CHECKPOINT_LIMIT
from keys.primitives.attachment_cipher import SEGMENT
from keys.primitives.domains import DESCRIPTOR, KEYSET, RESET, TOMBSTONE, TRUST, VOID
from keys.primitives.encoding import DOCUMENT_LIMIT

JSON = "application/json"
NOTHING = "application/octet-stream"
"""The content type of a signed request or answer without a body (nrm1 9.10)."""

TEXT = "text/plain"
"""Signed notes and what asks for them (C2SP)."""
TREE_SIZE = "text/x.tlog.size"
"""The body is the size of the tree that the witness holds (C2SP tlog-witness)."""

CHAIN_LIMIT = 4 * 1024 * 1024
"""A whole descriptor chain, which is also a pairing file (nrm1 2.18)."""
ANSWER_LIMIT = 400_000
"""The answer to one request: 32 codes, and as many receipts under one signature."""
LINK_LIMIT = 4_096


class Access(StrEnum):
    """The proof of identity that an endpoint demands."""

    PUBLIC = "public"
    """None: an unsigned request with an unsigned answer."""
    DOCUMENT = "document"
    """The signatures inside the document that is pushed."""
    PEER = "peer"
    """The HTTP signature of an active peer; the answer is signed too."""
    PAIRED = "paired"
    """An HTTP signature, also of a peer that is not active yet: so two nodes can begin to permit each other."""
    KNOWN = "known"
    """An HTTP signature of any peer that is not revoked: a suspended node may still ask what is held of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row: ``request_limit`` bounds what the server reads, ``answer_limit`` what the client reads."""

    method: str
    path: str
    access: Access
    content_type: str
    request_limit: int
    answer_limit: int


GET_DESCRIPTOR = Endpoint(
    method="GET",
    path="/v1/descriptor",
    access=Access.PUBLIC,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=CHAIN_LIMIT,
)
GET_KEYSET = Endpoint(
    method="GET",
    path="/v1/keyset",
    access=Access.PUBLIC,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=DOCUMENT_LIMIT,
)
POST_DESCRIPTOR = Endpoint(
    method="POST",
    path="/v1/descriptor",
    access=Access.DOCUMENT,
    content_type=DESCRIPTOR,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
POST_KEYSET = Endpoint(
    method="POST",
    path="/v1/keyset",
    access=Access.DOCUMENT,
    content_type=KEYSET,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
POST_TOMBSTONE = Endpoint(
    method="POST",
    path="/v1/tombstone",
    access=Access.DOCUMENT,
    content_type=TOMBSTONE,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
POST_MESSAGES = Endpoint(
    method="POST",
    path="/v1/messages",
    access=Access.PEER,
    content_type=ENVELOPES,
    request_limit=ENVELOPES_LIMIT,
    answer_limit=ANSWER_LIMIT,
)
POST_VOID = Endpoint(
    method="POST",
    path="/v1/void",
    access=Access.PEER,
    content_type=VOID,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=ANSWER_LIMIT,
)
POST_RECEIPTS = Endpoint(
    method="POST",
    path="/v1/receipts",
    access=Access.PEER,
    content_type=RECEIPTS,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
GET_SCHEMAS = Endpoint(
    method="GET",
    path="/v1/schemas",
    access=Access.PEER,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=DOCUMENT_LIMIT,
)
POST_LINK = Endpoint(
    method="POST",
    path="/v1/link",
    access=Access.PEER,
    content_type=RESET,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
GET_LINK = Endpoint(
    method="GET",
    path="/v1/link",
    access=Access.PEER,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=LINK_LIMIT,
)

POST_TAKEN = Endpoint(
    method="POST",
    path="/v1/link/taken",
    access=Access.PEER,
    content_type=JSON,
    request_limit=LINK_LIMIT,
    answer_limit=DOCUMENT_LIMIT,
)
GET_HELD = Endpoint(
    method="GET",
    path="/v1/held",
    access=Access.KNOWN,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=2 * DOCUMENT_LIMIT,
)
POST_TRUST = Endpoint(
    method="POST",
    path="/v1/trust",
    access=Access.PAIRED,
    content_type=TRUST,
    request_limit=DOCUMENT_LIMIT,
    answer_limit=LINK_LIMIT,
)
POST_CHECKPOINT = Endpoint(
    method="POST",
    path="/v1/log/checkpoint",
    access=Access.PEER,
    content_type=TEXT,
    request_limit=CHECKPOINT_LIMIT,
    answer_limit=LINK_LIMIT,
)
GET_CHECKPOINT = Endpoint(
    method="GET",
    path="/v1/log/checkpoint",
    access=Access.PEER,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=NOTE_LIMIT,
)

PUT_PART = Endpoint(
    method="PUT",
    path="/v1/messages/{id}/parts/{n}/{k}",
    access=Access.PEER,
    content_type=NOTHING,
    request_limit=SEGMENT,
    answer_limit=ANSWER_LIMIT,
)
GET_PART = Endpoint(
    method="GET",
    path="/v1/messages/{id}/parts/{n}",
    access=Access.PEER,
    content_type=NOTHING,
    request_limit=0,
    answer_limit=LINK_LIMIT,
)

ENDPOINTS = (
    GET_DESCRIPTOR,
    GET_KEYSET,
    POST_DESCRIPTOR,
    POST_KEYSET,
    POST_TOMBSTONE,
    POST_MESSAGES,
    POST_VOID,
    POST_RECEIPTS,
    GET_SCHEMAS,
    GET_LINK,
    POST_LINK,
    POST_TAKEN,
    GET_HELD,
    POST_TRUST,
    POST_CHECKPOINT,
    GET_CHECKPOINT,
    PUT_PART,
    GET_PART,
)


class Segment(NamedTuple):
    """The attachment segment that a path names: message, part, and segment; ``k`` is None for the part as a whole."""

    id: str
    n: int
    k: int | None

    @property
    def path(self) -> str:
        """The path that names it."""
        part = f"/v1/messages/{self.id}/parts/{self.n}"
        return part if self.k is None else f"{part}/{self.k}"


_FIXED = {(row.method, row.path): row for row in ENDPOINTS}
_PART = re.compile(
    r"/v1/messages/(?P<id>[A-Za-z0-9_-]{21}[AQgw])/parts/(?P<n>0|[1-9][0-9]?)(?:/(?P<k>0|[1-9][0-9]{0,8}))?"
)


def find_endpoint(method: str, path: str) -> tuple[Endpoint, Segment | None] | None:
    """Find the endpoint of a request line, and the segment that it names; None for a request that no endpoint takes."""
    fixed = _FIXED.get((method, path))
    if fixed is not None:
        return None if "{" in path else (fixed, None)
    found = _PART.fullmatch(path)
    row = {("PUT", True): PUT_PART, ("GET", False): GET_PART}.get((method, bool(found and found["k"])))
    if found is None or row is None:
        return None
    return row, Segment(found["id"], int(found["n"]), None if found["k"] is None else int(found["k"]))
