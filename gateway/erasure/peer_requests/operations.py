"""What peers asked to be erased: seen, followed and refused by people. The node follows most of it by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases.operations.models import OfCase
from gateway.cases.register import names_of
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.erasure import store
from gateway.erasure.operations.erasing import code, day
from gateway.erasure.operations.models import Keep, Kept
from gateway.erasure.peer_requests import execute
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder, read_task
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.rules import What
from gateway.erasure.store import HoldRow
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_link
from gateway.messages.store import messages
from gateway.messages.store.messages import IN, MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.ids import MessageId
from gateway.operations.models import Answer, Asked, Count, Nothing, OneOf, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import FOCAL_POINT, PROTECTS, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import is_id

MOST_NAMED = 100


class FollowRequest(Asked):
    """The message that asks."""

    id: MessageId
    messages: list[MessageId] | None = Field(
        default=None, max_length=MOST_NAMED, description="of a request about a part: what has to go"
    )


class RefuseRequest(Keep):
    """The message that asks, and on which ground what it is about is kept."""

    id: MessageId


class ErasureRequest(Answer):
    """What a peer asked to be erased, and how far it has come."""

    id: MessageId = Field(description="of the message that asks")
    of_case: OfCase = None
    peer: NodeId
    state: Annotated[str, OneOf(*(state for state in State if state is not State.OVER))]
    what: What | None
    ground: str | None
    at: Time
    follow: Time | None = Field(description="when the node follows it; null where a person has to, or did")
    due: Time
    erased_at: Time | None
    answered: Time | None
    told_onward: Count


class ErasureRequests(Answer):
    """Every request that is not over."""

    requests: list[ErasureRequest]


class Followed(Answer):
    """How many messages were erased."""

    id: MessageId
    erased: Count


class RequestOperations:
    """Operations on requests to erase."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        confirmer: RequestConfirmer,
        executor: RequestExecutor,
        forwarder: RequestForwarder,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._peers = peers
        self._confirmer = confirmer
        self._executor = executor
        self._forwarder = forwarder
        self._clock = clock
        self._actor = actor

    @operation(
        "erasure.list",
        "what peers asked to be erased",
        roles=FOCAL_POINT | PROTECTS,
        about=About.CASE,
        answer=ErasureRequests,
    )
    async def list_requests(self, _asked: Nothing) -> OperationResult:
        """Every request that is not over: what is asked, by when, and how far it has come."""

        def query(c: Connection) -> list[tuple[RequestRow, MessageRow, Task | None, int]]:
            rows = requests.unsettled(c)
            asking = messages.get(c, [row.message for row in rows])
            sealed = content.get(c, [row.ref for row in rows])
            opened = dict(zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True))
            tasks = {ref: Task.decode(plain) for ref, plain in opened.items() if not isinstance(plain, RefusedError)}
            return [(row, asking[row.message], tasks.get(row.ref), len(requests.onward(c, row.ref))) for row in rows]

        found = await self._content.store.read(query)
        names = await names_of(self._content, [asking.conversation for _, asking, _, _ in found])
        items: list[Json] = [
            {
                "id": asking.id,
                "of_case": names.get(asking.conversation),
                "peer": self._name(row),
                "state": row.state,
                "what": None if task is None else task.what,
                "ground": None if task is None else task.ground,
                "at": row.at,
                "follow": row.follow,
                "due": row.due,
                "erased_at": row.done,
                "answered": row.answered,
                "told_onward": told,
            }
            for row, asking, task, told in found
        ]
        return OperationResult(value={"requests": items})

    def _name(self, row: RequestRow) -> str:
        peer = self._peers.get(row.peer)
        return row.peer if peer is None else peer.name

    @operation(
        "erasure.follow",
        "a person follows it now",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Followed,
        by_person=True,
        erases=True,
    )
    async def follow(self, asked: FollowRequest, caller: Caller) -> OperationResult:
        """A named person has it followed now. Of a request for a part of what messages say, `messages` are those that
        have to go; an empty list says that nothing of that part is held.
        """
        chosen = asked.messages
        if chosen is not None and not all(map(is_id, chosen)):
            raise RefusedError(Code.INVALID, "the argument messages has what is no message id; nothing was erased")
        row = await self._waiting(asked.id)
        task = await read_task(self._content, row)
        part = task.what is What.PART
        if part and chosen is None:
            raise RefusedError(
                Code.CONFLICT,
                "the request is about a part of the content of messages; nothing was erased",
                hint="name the messages to be erased, or say that none is held",
            )
        if not part and chosen is not None:
            raise RefusedError(
                Code.CONFLICT,
                "the request itself says what is to be erased; nothing was erased",
                hint="name no messages",
            )
        gone = await self._executor.follow_one(row, only=chosen, by=caller.actor)
        return OperationResult(value={"id": asked.id, "erased": gone})

    @operation(
        "erasure.refuse",
        "keep it on a legal ground",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Kept,
        by_person=True,
        example={"ground": "legal_claims_17_3_e", "until": "2027-06-30"},
    )
    async def refuse(self, asked: RefuseRequest, caller: Caller) -> OperationResult:
        """A named person keeps what was asked to be erased, on a legal ground: it comes under a legal hold, and the
        asking side is told the ground and until when.
        """
        id, now = asked.id, self._clock.now()
        ground, until = code("ground", asked.ground), day(asked.until, now)
        row = await self._waiting(id)
        task = await read_task(self._content, row)
        found = await self._content.store.read(partial(execute.scope_of, self._content.sealer, row=row, task=task))
        scope = {item.conversation for item in found.rows.values()}
        if not scope:
            raise RefusedError(
                Code.CONFLICT, "none of it is held any more; nothing was changed", hint="trm erasure follow says so"
            )
        held = [HoldRow(conversation=one, ground=ground, until=until.isoformat(), at=now) for one in sorted(scope)]
        names = self._content.sealer.hashes([named_link(hold.conversation) for hold in held])
        actor = pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            ledger.add_kept(connection, names, ground, until.isoformat(), at=now)
            for hold in held:
                store.set_hold(connection, hold)
                journal.append_leaf(connection, leaf(now, "retention.held", reason=ground, actor=actor))

        await self._content.store.move(move)
        # What is told anew is the ground and the day, also where the peer knows that something is kept.
        await self._executor.follow_one(replace(row, answered=None), by=caller.actor)
        await self._confirmer.answer()
        return OperationResult(value={"id": id, "ground": ground, "until": until.isoformat()})

    async def _waiting(self, id: str) -> RequestRow:
        """The request that a message makes and that nobody has followed yet."""

        def query(c: Connection) -> RequestRow | None:
            found = messages.find(c, id, direction=IN)
            return requests.of_message(c, found[0].ref) if found else None

        row = await self._content.store.read(query)
        if row is not None and row.state == State.NEW:
            await self._forwarder.spread()
            row = await self._content.store.read(query)
        if row is None:
            raise RefusedError(
                Code.NOT_FOUND,
                "no message with this id asks to erase anything",
                hint="trm erasure list shows the requests",
            )
        if row.state not in (State.WAITING, State.KEPT):
            raise RefusedError(
                Code.CONFLICT,
                f"the request is {row.state} already; nothing was changed",
                hint="trm erasure list shows how far each has come",
            )
        return row
