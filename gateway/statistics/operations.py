"""Statistics: count a period once, show what was released, and answer a request with a draft that a person releases."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from sqlalchemy import Connection

from gateway.database import content
from gateway.database.sealed_content import Content
from gateway.delivery.operations.drafting import keep
from gateway.delivery.operations.messages_shown import opened_row
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import Code, RefusedError
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream
from gateway.operations.ids import DraftId, MessageId, PeriodId
from gateway.operations.models import Answer, Asked, Count, Nothing, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import CASES, FOCAL_POINT, PROTECTS, Caller
from gateway.ports import Clock, Json, OperationResult
from gateway.statistics import store
from gateway.statistics.periods import asked as asked_period
from gateway.statistics.releases import StatisticsReleases
from gateway.statistics.rules import content_of, to_json
from keys.primitives.encoding import b64u
from schemas.region_pack.regions import Region
from schemas.region_pack.statistics import SUBMISSION
from schemas.types import type_name

REQUEST = "stats.request"


class MakeRelease(Asked):
    """A period that is over."""

    period: PeriodId


class OnePeriod(Asked):
    """A period that was released."""

    id: PeriodId


class OneRequest(Asked):
    """A request for statistics that a peer sent."""

    id: MessageId


class Cell(Answer):
    """One count of a table."""

    key: list[str | None]
    n: Count | None


class Tables(Answer):
    """The tables of one period."""

    version: Count = Field(description="of the plan of the region")
    period: str = Field(description="a year or a quarter, 2026 or 2026-Q1")
    threshold: Count = Field(description="smaller counts are suppressed, except 0")
    total: Count | None = Field(description="all cases; null where they are too few")
    tables: dict[str, list[Cell] | None] = Field(
        description="every cell by its categories (null: summed over); n is null where suppressed, the table where "
        "withheld"
    )


class Made(Tables):
    """The tables of a period, and how they were made."""

    new: bool = Field(description="false: it was counted before")
    erased: Count = Field(description="cases of which the content is gone")


class ReleasedPeriod(Answer):
    """A period that was released."""

    period: str
    at: Time


class Releases(Answer):
    """Every period that was released."""

    releases: list[ReleasedPeriod]


class AnswerDraft(Answer):
    """A draft that answers a request."""

    draft: DraftId
    period: str
    table: str


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

    @operation(
        "statistics.make",
        "count a period that is over, once",
        roles=FOCAL_POINT,
        about=About.NODE,
        answer=Made,
        by_person=True,
        creates=True,
        example={"period": "2026"},
    )
    async def make(self, asked: MakeRelease, caller: Caller) -> OperationResult:
        """Count a period that is over; a second call gives the stored release, unchanged."""
        made = await self._releases.make(asked.period, caller.actor)
        return OperationResult(value=to_json(made.release) | {"new": made.new, "erased": made.erased}, created=made.new)

    @operation(
        "statistics.list", "periods that were released", roles=CASES | PROTECTS, about=About.NODE, answer=Releases
    )
    async def list_releases(self, _asked: Nothing) -> OperationResult:
        """The periods that were released, and when."""
        rows = await self._content.store.read(store.all_releases)
        return OperationResult(value={"releases": [{"period": row.period, "at": row.at} for row in rows]})

    @operation(
        "statistics.show", "the released tables of a period", roles=CASES | PROTECTS, about=About.NODE, answer=Tables
    )
    async def show(self, asked: OnePeriod) -> OperationResult:
        """The tables of one period, as they were released; null where a table is withheld or a count suppressed."""
        return OperationResult(value=to_json(await self._releases.stored(asked.id)))

    @operation(
        "statistics.draft",
        "a draft that answers a request",
        roles=FOCAL_POINT,
        about=About.NODE,
        answer=AnswerDraft,
        example={},
        creates=True,
        takes_in=True,
    )
    async def draft(self, asked: OneRequest) -> OperationResult:
        """A draft that answers a `stats.request` with the stored table; a person releases it."""
        row, opened = await self._request(asked.id)
        header, wanted = opened.halves()
        period = asked_period(str(wanted.get("period")))
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
        id = b64u(self._rand(16))
        await keep(self._content, self._events, self._clock, answer, id=id)
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
