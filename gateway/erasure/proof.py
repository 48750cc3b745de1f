"""What proves that somebody asked and what was done: it stays, and keeps nothing else (domain 10.10)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.erasure import store
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.rules import PROOF
from gateway.errors import RefusedError
from gateway.messages import content_codec
from schemas.types import type_name


def find_proof_around(
    sealer: ContentSealer, connection: Connection, talks: Collection[bytes], consents: Collection[bytes]
) -> frozenset[int]:
    """Find what proves, of what is left of these conversations and of all that relied on one of these consents."""
    around = set(talks).union(*(requests.relying(connection, index) for index in consents))
    return find_proof(sealer, connection, [row.ref for row in store.stored_of(connection, around)])


def find_proof(sealer: ContentSealer, connection: Connection, refs: Collection[int]) -> frozenset[int]:
    """Find those of these messages that prove, by what they say."""
    sealed = content.get(connection, list(refs))
    opened = zip(sealed, sealer.open_each(list(sealed.values())), strict=True)
    types = {ref: content_codec.read_content(p).facts.body_type for ref, p in opened if not isinstance(p, RefusedError)}
    return frozenset(ref for ref, body_type in types.items() if type_name(body_type) in PROOF)
