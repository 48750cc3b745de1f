"""Under which reference a peer knows a case of ours: short, but for one that it was given before references were short.

Of what was given then a mark is stored, a hash of the keyed hash that the reference is made of: it tells neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases.rules import Card
from gateway.database import content
from gateway.database.case_names import long_reference, short_reference
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.prepared import Prepared
from gateway.database.tables import long_reference as given
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages import content_codec
from gateway.messages.store import messages
from keys.primitives.encoding import sha256

Pair = tuple[NodeId, str]
"""A peer, and our number of a case."""
AT_ONCE = 500
_GIVEN = Prepared(select(given.c.mark).where(given.c.mark.in_(bindparam("marks", expanding=True))))


def references_in(sealer: ContentSealer, connection: Connection, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """The reference of each case for each peer."""
    marks = {pair: (_mark(digest), digest) for pair, digest in sealer.case_hashes(pairs).items()}
    long = _given_of(connection, [mark for mark, _ in marks.values()])
    return {
        pair: (long_reference if mark in long else short_reference)(digest) for pair, (mark, digest) in marks.items()
    }


def reference_of_case(sealer: ContentSealer, connection: Connection, peer: NodeId, id: CaseId, card: Card) -> str:
    """The reference of a case that a message does not name by its number: made of the number on its card, else of its
    id, which no number is like.
    """
    pair = (peer, card.number or f"#{id}")
    return references_in(sealer, connection, [pair])[pair]


def reference_of_new(sealer: ContentSealer, peer: NodeId, id: CaseId) -> str:
    """Make the same of a case that begins without a number."""
    pair = (peer, f"#{id}")
    return short_reference(sealer.case_hashes([pair])[pair])


def numbers_of(sealer: ContentSealer, pairs: Iterable[Pair]) -> Mapping[str, str]:
    """Our numbers by each form of reference that the peers may use for them."""
    return {form(digest): pair[1] for pair, digest in sealer.case_hashes(pairs).items() for form in _FORMS}


def own_rows(connection: Connection, conversation: bytes, peer: NodeId) -> list[SealedRow]:
    """Find what this node said to a peer in a conversation, sealed: there stands our number of the case."""
    rows = messages.of_conversation(connection, conversation)
    ours = [row.ref for row in rows if (row.direction, row.peer) == (messages.OUT, peer)]
    return [*content.get(connection, ours).values()]


def number_told(sealer: ContentSealer, rows: Sequence[SealedRow], peer: NodeId, reference: str) -> str | None:
    """Our number of the case that a peer calls so, as these messages of ours name it; None where none does."""
    opened = sealer.open_each(rows) if rows else []
    cases = {content_codec.read_content(plain).facts.case for plain in opened if isinstance(plain, bytes)}
    return numbers_of(sealer, [(peer, case) for case in cases if case]).get(reference)


def remember_given(sealer: ContentSealer, connection: Connection, pairs: Iterable[Pair]) -> None:
    """Remember those that were given before references were short: they stay as they are."""
    rows = [{"mark": _mark(digest)} for digest in sealer.case_hashes(pairs).values()]
    if rows:
        connection.execute(upsert(given).on_conflict_do_nothing(), rows)


_FORMS = (short_reference, long_reference)


def _given_of(connection: Connection, marks: Collection[bytes]) -> set[bytes]:
    wanted = list(marks)
    found: set[bytes] = set()
    for start in range(0, len(wanted), AT_ONCE):
        found.update(_GIVEN.scalars(connection, marks=wanted[start : start + AT_ONCE]))
    return found


def _mark(digest: bytes) -> bytes:
    return sha256(b"case reference was given/" + digest)
