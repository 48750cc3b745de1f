"""What is stored of an asylum hold beside its labels, and its end with the last of what it lies over (gate G5)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.policy import store
from gateway.ports import Clock, Json
from keys.primitives.encoding import canon, text, texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The conversation over which a person placed a hold, the consents that it relied on, and the countries of the
    feared States: those named, and the nationalities that were told by then.
    """

    conversation: str
    consents: tuple[str, ...]
    states: tuple[str, ...] = ()


def sealed(content: Content, named: Named) -> SealedRow:
    """The row that says what a hold lies over, and which States it keeps away from."""
    plain: Json = {"conversation": named.conversation, "consents": [*named.consents], "states": [*named.states]}
    return content.sealer.seal(content.store.new_ref(), canon(plain))


def opened(sealer: ContentSealer, rows: Collection[SealedRow]) -> dict[int, Named]:
    """By row what these holds lie over; one that does not open is left out."""
    found: dict[int, Named] = {}
    for row, plain in zip(rows, sealer.open_each(list(rows)), strict=True) if rows else ():
        if not isinstance(plain, RefusedError):
            found[row.ref] = _read(plain)
    return found


def _read(plain: bytes) -> Named:
    """A hold that 0.1.0 placed has one line each for the conversation and its consents, and names no State."""
    if not plain.startswith(b"{"):
        conversation, *consents = plain.decode().split("\n")
        return Named(conversation=conversation, consents=tuple(consents))
    held = orjson.loads(plain)
    return Named(
        conversation=text(held["conversation"]), consents=texts(held["consents"]), states=texts(held["states"])
    )


def feared_states(connection: Connection, sealer: ContentSealer, labels: Collection[bytes]) -> frozenset[str]:
    """The States that the holds over these labels name; of one that does not open none, which keeps from all."""
    rows = content_rows.get(connection, store.over(connection, labels)).values()
    named = opened(sealer, list(rows)).values()
    return frozenset(state for one in named for state in one.states) if len(named) == len(rows) else frozenset()


async def forget(content: Content, clock: Clock, *, but: Collection[int] = ()) -> None:
    """End the holds of which nothing is left here: no message of the conversation, and none of another one with the
    same consents; those in `but`, which prove an erasure, do not count.
    """

    def query(connection: Connection) -> Sequence[SealedRow]:
        return list(content_rows.get(connection, [one.ref for one in store.listed(connection)]).values())

    rows = await content.store.read(query)
    if not rows:
        return
    over = {
        ref: (
            content.sealer.conversation_index(named.conversation),
            [*map(content.sealer.consent_index, named.consents)],
        )
        for ref, named in opened(content.sealer, rows).items()
    }
    now = clock.now()

    def move(connection: Connection) -> None:
        for ref, (conversation, consents) in over.items():
            if not store.concerned(connection, conversation, consents, but=but):
                store.lift(connection, ref)
                journal.append_leaf(connection, leaf(now, "asylum.ended"))

    await content.store.move(move)
