"""Two contents under one number, as the alarm about them keeps them: what goes into the bundle that proves it
(nrm1 5.4, 7.15).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError, RemoteError
from gateway.evidence.build import verify
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.messages.evidence import Frames, open_evidence
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from keys.documents.statement import STATEMENTS, Statement
from keys.primitives.encoding import Json, canon

_KIND = "peer.equivocation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """The message that has the number, and the sealed row with the other statement that its sender signed."""

    peer: NodeId
    held: MessageRow
    other: SealedRow


def find_contradiction(connection: Connection, alarm: int) -> Contradiction:
    """Read what an alarm keeps. Raises RefusedError(not_found) where it is about no two messages that are kept."""
    found, proof = journal.find_alarm(connection, alarm), journal.proof_of(connection, alarm)
    if found is None:  # in the words for an alarm of another unit
        raise RefusedError(Code.NOT_FOUND, "no such open alarm", hint="trm node show lists the alarms")
    if found.kind == _KIND and found.peer is not None and found.ref is not None and proof:
        ref = int.from_bytes(proof, "big")
        held, kept = messages.get(connection, [found.ref]), content.get(connection, [ref])
        if found.ref in held and ref in kept:
            return Contradiction(peer=found.peer, held=held[found.ref], other=kept[ref])
    raise RefusedError(
        Code.NOT_FOUND,
        "this alarm keeps no two messages under one number",
        hint="keys.proof has the proof of two descriptors; trm alarm list shows the alarms",
    )


async def read_other(node: Content, workers: Workers, row: SealedRow) -> Frames:
    """The frames of the other statement. Raises RefusedError(not_found) for a void, which is no content."""
    try:
        (statement, proof) = (await open_evidence(node, workers, {row.ref: row}))[row.ref]
        Statement.parse(statement, *STATEMENTS)
    except RemoteError as exc:
        raise RefusedError(
            Code.NOT_FOUND, "the peer asked to void a number that it had used for another message: no second content"
        ) from exc
    return statement, proof


def require_proof(bundle: Json, fingerprints: set[str]) -> None:
    """Return if the bundle shows both. Raises RefusedError(not_found): one of them proves nothing any more."""
    if len(verify(canon(bundle), fingerprints).messages) < 2:
        raise RefusedError(
            Code.NOT_FOUND,
            "only one of the two messages proves anything: the other was signed by a key that was revoked before",
        )
