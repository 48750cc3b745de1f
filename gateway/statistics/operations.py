"""Statistics: count a period once, show what was released, and answer a request with a draft that a person releases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from gateway.database import content
from gateway.database.sealed_content import Content
from gateway.delivery.operations.drafting import keep
from gateway.delivery.operations.messages import opened_row
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import Code, RefusedError
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream
from gateway.operations.arguments import Arguments, only, text
from gateway.operations.table import Operation
from gateway.ports import Clock, Json, OperationResult
from gateway.statistics import store
from gateway.statistics.releases import StatisticsReleases
from gateway.statistics.rules import asked, content_of, to_json
from schemas.region_pack.regions import Region
from schemas.region_pack.statistics import SUBMISSION
from schemas.types import type_name

REQUEST = "stats.request"


class StatisticsOperations:
    """Operations on statistics."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        releases: StatisticsReleases,
        drafts: DraftReader,
        region: Region,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._own = own
        self._releases = releases
        self._drafts = drafts
        self._region = region
        self._events = events
        self._clock = clock
        self._rand = rand

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "statistics.make": self.make,
            "statistics.list": self.list_releases,
            "statistics.show": self.show,
            "statistics.draft": self.draft,
        }

    async def make(self, arguments: Arguments) -> OperationResult:
        """Count a period that is over; a second call gives the stored release, unchanged."""
        only(arguments, "period", "by")
        by = text(arguments, "by", longest=64)
        made = await self._releases.make(text(arguments, "period", longest=16), by)
        return OperationResult(value=to_json(made.release) | {"new": made.new, "erased": made.erased}, created=made.new)

    async def list_releases(self, arguments: Arguments) -> OperationResult:
        """The periods that were released, and when."""
        only(arguments)
        rows = await self._content.store.read(store.all_releases)
        return OperationResult(value={"releases": [{"period": row.period, "at": row.at} for row in rows]})

    async def show(self, arguments: Arguments) -> OperationResult:
        """The tables of one period, as they were released; null where a table is withheld or a count suppressed."""
        only(arguments, "id")
        return OperationResult(value=to_json(await self._releases.stored(text(arguments, "id", longest=16))))

    async def draft(self, arguments: Arguments) -> OperationResult:
        """A draft that answers a `stats.request` with the stored table; a person releases it."""
        only(arguments, "id")
        row, opened = await self._request(text(arguments, "id"))
        header, wanted = opened.halves()
        period = asked(str(wanted.get("period")))
        found = await self._releases.stored(period.name)
        host = self._own.descriptor.country
        answer: dict[str, Json] = {
            "type": SUBMISSION,
            "to": row.peer,
            "conversation": opened.facts.conversation,
            "in_reply_to": row.id,
            "header": _answering(header),
            "content": content_of(self._region.statistics, found, str(wanted.get("table_id")), host),
        }
        self._drafts.check_form(answer)
        id = await keep(self._content, self._events, self._clock, self._rand, answer)
        return OperationResult(
            value={"draft": id, "period": period.name, "table": wanted.get("table_id")}, created=True
        )

    async def _request(self, id: str) -> tuple[MessageRow, MessageContent]:
        """The request that a peer sent, and what it says."""

        def query(c: Connection) -> tuple[MessageRow, MessageContent] | None:
            for row in messages.find(c, id, direction=messages.IN):
                opened = opened_row(self._content.sealer, content.get(c, [row.ref]).get(row.ref))
                if opened is not None and type_name(opened.facts.body_type) == REQUEST:
                    return row, opened
            return None

        found = await self._content.store.read(query)
        if found is None:
            raise RefusedError(
                Code.NOT_FOUND, f"no such {REQUEST} was received", hint="trm message list --in shows the ids"
            )
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
