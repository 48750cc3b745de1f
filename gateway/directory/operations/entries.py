"""The directory: whom to ask in another country, and what this country says of its own offices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection

import schemas
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.submission import Submission
from gateway.directory import cache
from gateway.directory import store as rows
from gateway.directory.cache import DirectoryCache
from gateway.directory.entries import LIFE, Entry, foreign
from gateway.directory.operations.models import (
    Country,
    FoundOffices,
    OneCountry,
    OwnEntry,
    PublishDirectory,
    Publishing,
    SearchDirectory,
)
from gateway.directory.operations.update_message import SPEAKER, TYPE, begin_content, make_header, make_request
from gateway.directory.operations.views import show_entry, show_office
from gateway.directory.rules import Question
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import ConversationId, UnitId
from gateway.foundation.workdays import local_date
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.actors import pseudonym
from gateway.operations.models import Nothing
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, FOCAL_POINT, Caller
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u
from schemas.labels import find_language as spoken
from schemas.region_pack.regions import Region


class DirectoryOperations:
    """Operations on entries of the directory."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        directory: DirectoryCache,
        preparation: Preparation,
        submission: Submission,
        region: Region,
        workers: Workers,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._directory = directory
        self._preparation = preparation
        self._submission = submission
        self._region = region
        self._workers = workers
        self._clock = clock
        self._actor = actor

    @operation(
        "directory.search",
        "whom to ask, in any words",
        roles=EVERYBODY,
        about=About.NODE,
        answer=FoundOffices,
        units=Units.FREE,
        anew=True,
        example={"text": "who do I ask in Albania for a child case on a Sunday?"},
    )
    async def search(self, asked: SearchDirectory) -> OperationResult:
        """Search for whom to ask: words in any language, chosen codes, or both; best first."""
        shown_in = spoken(asked.language).code
        question = Question(
            text=asked.text or "",
            country=asked.country,
            role=asked.role,
            service=asked.service,
            language=asked.unit_language,
            child=asked.child,
            at=asked.at,
        )
        held = await self._directory.current()
        calendars, now = cache.calendars(self._region, held), self._clock.now()
        understood, found = await self._workers.off_loop(lambda: held.search(question, calendars, now))
        return OperationResult(
            value={
                "understood": {
                    "countries": [*understood.countries],
                    "child": understood.child,
                    "timed": understood.timed,
                },
                "units": [show_office(one, shown_in) for one in found],
            }
        )

    @operation(
        "directory.show",
        "what a country says of itself",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Country,
        units=Units.FREE,
    )
    async def show(self, asked: OneCountry) -> OperationResult:
        """Everything that the nodes of one country say of it."""
        country, shown_in = asked.id, spoken(asked.language).code
        held = await self._directory.current()
        entries = [entry for entry in held.entries if entry.country == country]
        if not entries:
            raise RefusedError(
                Code.NOT_FOUND,
                "no node of this country has published its offices",
                hint="trm directory search finds those that have",
            )
        now, days = self._clock.now(), self._region.calendar(country)
        return OperationResult(
            value={"country": country, "entries": [show_entry(one, days, now, shown_in) for one in entries]}
        )

    @operation(
        "directory.own",
        "what this node told last, to be changed",
        roles=FOCAL_POINT,
        about=About.NODE,
        answer=OwnEntry,
    )
    async def own(self, _asked: Nothing) -> OperationResult:
        """Return the newest entry of this node, to be changed and published anew; the units of its descriptor, if
        it has told nothing yet.
        """
        entry = await self._own_entry()
        content = begin_content(self._own.descriptor) if entry is None else {**entry.content}
        content.pop("supersedes", None)
        return OperationResult(
            value={
                "content": content,
                "number": None if entry is None else entry.content["supersedes"],
                "made": None if entry is None else entry.made,
                "expires": None if entry is None else entry.expires,
                "last": self._last(self._clock.now()).isoformat(),
            }
        )

    async def _own_entry(self) -> Entry | None:
        held = await self._directory.current()
        return next((entry for entry in held.entries if entry.node == self._own.node), None)

    def _last(self, now: int) -> date:
        """The last day for which a unit can be told."""
        return local_date(self._region.calendar(self._own.descriptor.country).zone, now) + timedelta(seconds=LIFE)

    @operation(
        "directory.publish",
        "this country's offices, to every active peer",
        roles=FOCAL_POINT,
        about=About.NODE,
        answer=Publishing,
        by_person=True,
        takes_in=True,
    )
    async def publish(self, asked: PublishDirectory, caller: Caller) -> OperationResult:
        """A named person says what the offices of this country are: kept as this node's entry, and sent to every active
        peer at once. `content` is that of a `directory.update`; the node numbers it.

        Raises:
            RefusedError: with each fault; or as the first peer's, where there are peers and none of them may get it.
                Nothing was kept or sent.
        """
        shown_in, actor = spoken(asked.language).code, pseudonym(caller.actor, self._actor)
        unit, now = asked.unit or self._speaker(), self._clock.now()
        said = await self._numbered(asked.content, now)
        header = make_header(unit, shown_in, actor, now)
        self._judge(header, said, now)
        going, left_out = await self._judged(header, said)

        def move(connection: Connection) -> None:
            cache.put(self._content, connection, self._own.node, rows.OWN_PLACE, now, said)
            journal.append_leaf(connection, leaf(now, "directory.published", count=len(going), actor=actor))

        await self._content.store.move(move)
        sent: list[Json] = []
        for peer, request in going:
            key = f"directory.{said['supersedes']}.{peer.node}"
            try:
                done = await self._submission.submit(request, key=key)
            except RefusedError as error:
                left_out.append({"peer": peer.name, "code": str(error.code), "hint": error.hint})
            else:
                sent.append({"peer": peer.name, "message": done.value["id"]} if isinstance(done.value, dict) else None)
        return OperationResult(
            value={"number": said["supersedes"], "expires": now + LIFE, "sent": sent, "left_out": left_out}
        )

    async def _numbered(self, said: Mapping[str, Json], now: int) -> dict[str, Json]:
        """The content with its number, the one after that of the entry before; keys are those of the descriptor."""
        before = await self._own_entry()
        number_ = 0 if before is None else int(before.content["supersedes"]) + 1
        return {"keys": [], **said, "supersedes": number_}

    def _speaker(self) -> UnitId:
        """The unit of this node that coordinates; else the first one."""
        units = self._own.descriptor.units
        return next((unit.id for unit in units if SPEAKER in unit.roles), units[0].id)

    def _judge(self, header: Mapping[str, Json], said: Mapping[str, Json], now: int) -> None:
        """The schema; and that this country speaks for itself only, and for no longer than 90 days."""
        body: dict[str, Json] = {"header": {**header, "seen": 0}, "content": dict(said)}
        findings = [*schemas.validate(TYPE, body), *schemas.text_findings(body)]
        if not findings:
            country = self._own.descriptor.country
            last = self._last(now)
            listed = said["units"]
            units = listed if isinstance(listed, list) else []
            findings += (
                Finding(
                    place=f"/content/units/{place}/country", rule="foreign", hint=f"this node speaks only for {country}"
                )
                for place in foreign(said, country)
            )
            findings += (
                Finding(place=f"/content/units/{place}/valid_until", rule="too_long", hint=f"{last} at the latest")
                for place, unit in enumerate(units)
                if isinstance(unit, dict) and str(unit["valid_until"]) > last.isoformat()
            )
        if findings:
            raise RefusedError(
                Code.SCHEMA, f"the directory has {len(findings)} fault(s); nothing was kept or sent", findings=findings
            )

    async def _judged(
        self, header: Mapping[str, Json], said: Mapping[str, Json]
    ) -> tuple[list[tuple[Peer, dict[str, Json]]], list[Json]]:
        """The active peers that may get it, each with its message, and those that may not, with the reason."""
        going: list[tuple[Peer, dict[str, Json]]] = []
        left_out: list[Json] = []
        first: RefusedError | None = None
        for peer in (peer for peer in self._peers.all() if peer.state is PeerState.ACTIVE):
            request = make_request(
                peer, header, said, ConversationId(b64u(self._actor(f"directory to {peer.node}".encode())))
            )
            try:
                await self._preparation.try_out(request)
                going.append((peer, request))
            except RefusedError as error:
                first = first or error
                left_out.append({"peer": peer.name, "code": str(error.code), "hint": error.hint})
        if first is not None and not going:
            raise first
        return going, left_out
