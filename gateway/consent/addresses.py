"""Where a peer is told of a withdrawal when nothing of its conversation is readable here any more (domain 7.18).

What was signed outlives the content that was erased and says which conversation that was (nrm1 3.7). The unit there is
one that the consent names, or the only one that the peer has: where neither is so, a person telephones.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from gateway.consent import rules
from gateway.consent.register import Known
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.errors import GatewayError
from gateway.foundation.ids import ConversationId
from gateway.messages import content_codec
from gateway.messages.store import messages
from gateway.ports import Json
from keys.documents.descriptor import Descriptor, Unit
from keys.documents.envelope import Statement
from keys.documents.statement import STATEMENTS
from schemas.roles import broaden_role

FOCAL_POINT = "national_focal_point"
"""Who speaks for a unit that has this role, or says nothing of its roles."""

LAST_DAY = date(2099, 12, 31)
"""The last day that a message can name: a withdrawal binds for ever (domain 10.10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A conversation, the purpose of what was said in it, and the header of what this node says there."""

    conversation: ConversationId
    purpose: str | None
    header: dict[str, Json]


def find_address(
    connection: Connection,
    sealer: ContentSealer,
    refs: Sequence[int],
    *,
    known: Sequence[Known],
    own: Descriptor,
    peer: Descriptor,
    author: str,
) -> Address | None:
    """The address of the conversation of these messages, by consents that they rely on and by a signed statement of one
    of them; None where that does not say it.
    """
    records = [rules.read(item.record, ()) for one in known for item in one.held]
    named = {unit for record in records for unit in record.units}
    statement, theirs = _statement(connection, sealer, refs), _unit(peer, named)
    if statement is None or theirs is None:
        return None
    ours = _unit(own, named) or _speaker(own)
    ends = [grant.until for record in records for grant in record.grants if grant.until is not None]
    return Address(
        conversation=statement.conv,
        purpose=statement.purpose,
        header={
            "sender_unit": ours.id,
            "sender_role": _role(ours),
            "recipient_unit": theirs.id,
            "recipient_role": _role(theirs),
            "author_ref": author,
            "priority": "urgent",
            "handling": {
                "onward_sharing": "none",
                "retain_until": max(ends, default=LAST_DAY).isoformat(),
                "export_to_local": "full",
            },
            "language": "en",
        },
    )


def _statement(connection: Connection, sealer: ContentSealer, refs: Sequence[int]) -> Statement | None:
    kept = [row.evidence for row in messages.sealings(connection, refs)]
    for sealed in content_rows.get(connection, kept).values():
        with suppress(GatewayError):  # a row that does not open, or the content of a question to void
            return Statement.parse(content_codec.read_evidence(sealer.open(sealed)).statement, *STATEMENTS)
    return None


def _unit(node: Descriptor, named: Collection[str]) -> Unit | None:
    """Of this node the first unit that the consents name; None where it is not clear which one is meant."""
    meant = [unit for unit in node.units if f"{node.node}/{unit.id}" in named]
    if meant:
        return meant[0]
    return node.units[0] if len(node.units) == 1 else None


def _speaker(own: Descriptor) -> Unit:
    return next((unit for unit in own.units if FOCAL_POINT in unit.roles), own.units[0])


def _role(unit: Unit) -> str:
    """A withdrawal knows no newer role (domain 6.16)."""
    return FOCAL_POINT if not unit.roles or FOCAL_POINT in unit.roles else broaden_role(unit.roles[0])
