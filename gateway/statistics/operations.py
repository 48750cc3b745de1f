"""Statistics: count a period once, show what was released, and answer a request with a draft that a person releases."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.database import content
from gateway.delivery.operations.drafting import keep
from gateway.delivery.operations.messages import opened_row
from gateway.errors import Code, RefusedError
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, only, text
from gateway.ports import Json, OperationResult
from gateway.statistics import store
from gateway.statistics.rules import asked, content_of, to_json
from schemas.region_pack.statistics import SUBMISSION
from schemas.types import type_name

REQUEST = "stats.request"


async def make(parts: Parts, arguments: Arguments) -> OperationResult:
    """Count a period that is over; a second call gives the stored release, unchanged."""
    only(arguments, "period", "by")
    by = text(arguments, "by", longest=64)
    made = await parts.releases.make(text(arguments, "period", longest=16), by)
    return OperationResult(value=to_json(made.release) | {"new": made.new, "erased": made.erased}, created=made.new)


async def list_releases(parts: Parts, arguments: Arguments) -> OperationResult:
    """The periods that were released, and when."""
    only(arguments)
    rows = await parts.store.read(store.all_releases)
    return OperationResult(value={"releases": [{"period": row.period, "at": row.at} for row in rows]})


async def show(parts: Parts, arguments: Arguments) -> OperationResult:
    """The tables of one period, as they were released; null where a table is withheld or a count suppressed."""
    only(arguments, "id")
    return OperationResult(value=to_json(await parts.releases.stored(text(arguments, "id", longest=16))))


async def draft(parts: Parts, arguments: Arguments) -> OperationResult:
    """A draft that answers a `stats.request` with the stored table; a person releases it."""
    only(arguments, "id")
    row, opened = await _request(parts, text(arguments, "id"))
    header, wanted = opened.halves()
    period = asked(str(wanted.get("period")))
    found = await parts.releases.stored(period.name)
    host = parts.own.descriptor.country
    answer: dict[str, Json] = {
        "type": SUBMISSION,
        "to": row.peer,
        "conversation": opened.facts.conversation,
        "in_reply_to": row.id,
        "header": _answering(header),
        "content": content_of(parts.region.statistics, found, str(wanted.get("table_id")), host),
    }
    parts.drafts.check_form(answer)
    id = await keep(parts, answer)
    return OperationResult(value={"draft": id, "period": period.name, "table": wanted.get("table_id")}, created=True)


async def _request(parts: Parts, id: str) -> tuple[MessageRow, MessageContent]:
    """The request that a peer sent, and what it says."""

    def query(c: Connection) -> tuple[MessageRow, MessageContent] | None:
        for row in messages.find(c, id, direction=messages.IN):
            opened = opened_row(parts, content.get(c, [row.ref]).get(row.ref))
            if opened is not None and type_name(opened.facts.body_type) == REQUEST:
                return row, opened
        return None

    found = await parts.store.read(query)
    if found is None:
        raise RefusedError(Code.NOT_FOUND, f"no such {REQUEST} came in", hint="trm message list --in shows the ids")
    return found


def _answering(header: dict[str, Json]) -> dict[str, Json]:
    """The header of an answer: the units and roles change places; author and what was seen are added at release."""
    kept = {name: header[name] for name in ("priority", "handling", "language") if name in header}
    turned = {
        f"{mine}_{part}": header[f"{theirs}_{part}"]
        for mine, theirs in (("sender", "recipient"), ("recipient", "sender"))
        for part in ("unit", "role")
    }
    return turned | kept
