"""Messages as a node keeps them: a row, and a sealed content that opens, for tests of what reads both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from support import rows

import schemas
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import ConversationId
from gateway.messages.content_codec import Facts
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from keys.primitives.encoding import b64u, canon, lp_join


def name_of(ref: int) -> str:
    """The id of a message."""
    return b64u(ref.to_bytes(16, "big"))


def plain(
    body_type: str, said: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None, **facts: Any
) -> bytes:
    """What is sealed of a message that says this."""
    usual: dict[str, Any] = {
        "body_type": body_type,
        "schema": schemas.load_catalogue().get(body_type).schema,
        "conversation": ConversationId(name_of(0)),
        "reply_to": None,
        "purpose": "referral",
        "consent_ref": None,
        "created": 1,
    }
    body = canon({"header": dict(header or {}), "content": dict(said or {})})
    return lp_join(Facts(**usual | facts).encode(), b"secret", body)


def keep(
    connection: Connection,
    sealer: ContentSealer,
    ref: int,
    body_type: str | None = "enquiry.capacity/1",
    said: Mapping[str, Any] | None = None,
    *,
    header: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    **changed: Any,
) -> MessageRow:
    """A message that came is kept; of one without a type the content is gone."""
    row = rows.message(ref, **{"direction": "in", "state": "opened", "id": name_of(ref)} | changed)
    messages.add(connection, [row])
    if body_type is not None:
        content.put(connection, [sealer.seal(ref, plain(body_type, said, header, **facts or {}))])
    return row
