"""Releasing: a person's act by which a message goes, and a second person's where it needs two (nrm1 12.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from gateway.access.rules import same_name
from gateway.cases import store as case_rows
from gateway.cases.register import CaseRegister, draft_key
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.draft_case import joining_of
from gateway.delivery.intake import RELEASED, WAITING
from gateway.delivery.local_receipts import LocalReceipts
from gateway.delivery.operations.completing import SECOND, case_now, case_of, check_two, complete, first_of, header_of
from gateway.delivery.operations.draft_models import (
    ENQUIRY,
    WAITING_SECOND,
    ReleasedFirst,
    ReleaseDraft,
    ReleaseVersion,
    SubmitMessage,
)
from gateway.delivery.operations.drafting import FirstRelease, keep
from gateway.delivery.operations.message_models import Submitted
from gateway.delivery.operations.messages_shown import incoming
from gateway.delivery.operations.waiting_drafts import drafted, find_draft, find_version
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, RefusedError
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.store import local
from gateway.messages.store.local import DraftRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.actors import AttestedUsers, name_actor, pseudonym, user_of
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, Caller
from gateway.policy import two_person_release
from gateway.policy.attestation import check_attested
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u, canon


class ReleaseOperations:
    """Operations that release messages."""

    def __init__(
        self,
        *,
        content: Content,
        local_receipts: LocalReceipts,
        preparation: Preparation,
        submission: Submission,
        policies: PoliciesInForce,
        cases: CaseRegister,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._local_receipts = local_receipts
        self._preparation = preparation
        self._submission = submission
        self._policies = policies
        self._cases = cases
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "message.submit",
        "submit and release a message",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Submitted | ReleasedFirst,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example=ENQUIRY,
        takes_in=True,
    )
    async def submit_message(self, asked: SubmitMessage, key: str | None, caller: Caller) -> OperationResult:
        """Submit and release one message. What needs two people is kept as a draft that the caller released first, and
        goes when a second, different person releases it. A case system attests which of its users release it.
        """
        request = asked.given()
        author, now, attested = name_actor(caller, asked.attested), self._clock.now(), asked.attested is not None
        actor = pseudonym(author, self._actor)
        if isinstance(request.get("header"), dict):
            request["header"] = {**header_of(request), "author_ref": actor}
        two = two_person_release.needs_two(str(request.get("type")), header_of(request)) or asked.two_people
        approver = None if asked.attested is None else self._second_user(caller, asked.attested)
        if attested:
            self._check_attested(request, both=approver is not None)
        if two and approver is None:
            return await self._keep_first(request, key, author, caller)
        if approver is not None:
            request["header"] = two_person_release.approved(header_of(request), approver)

        def also(connection: Connection) -> None:
            journal.append_leaf(connection, leaf(now, "message.released", actor=actor, attested=attested))

        done = await self._submission.submit(request, key=key, approver=approver, also=also)
        await answering_opens(self._content.store, self._local_receipts, request)
        return done

    def _second_user(self, caller: Caller, attested: AttestedUsers) -> str | None:
        """The pseudonym of the second user whom a case system attests, None where it attests one."""
        second = attested.second_by
        if second is None:
            return None
        if same_name(attested.by) == same_name(second):
            raise _same_person()
        return pseudonym(user_of(caller, second), self._actor)

    def _check_attested(self, request: Mapping[str, Json], *, both: bool) -> None:
        """Return if the policy lets this leave on the word of a case system. Raises RefusedError forbidden."""
        policy = self._policies.at(self._clock.now())
        check_attested(policy, str(request.get("type")), header_of(request), people=2 if both else 1)

    async def _keep_first(
        self, request: dict[str, Json], key: str | None, author: str, caller: Caller
    ) -> OperationResult:
        """Keep a message that needs two people as a draft that the author released first, and the answer of its key."""
        said: dict[str, Json] = {"operation": "message.submit", "arguments": request, "actor": caller.actor}
        if (done := await self._submission.find_answer(key, said)) is not None:
            return done
        await self._try_out(request)
        id, now = b64u(self._rand(16)), self._clock.now()
        answer: dict[str, Json] = {"id": id, "state": WAITING_SECOND}

        def also(connection: Connection) -> None:
            self._submission.keep_answer(connection, key, said, answer, at=now)

        joining = joining_of(self._content, self._cases, id, request)
        first = FirstRelease(by=author, actor=pseudonym(author, self._actor))
        try:
            await keep(
                self._content, self._events, self._clock, request, id=id, joining=joining, first=first, also=also
            )
        except RefusedError:
            if (done := await self._submission.find_answer(key, said)) is not None:
                return done  # the same came twice at once
            raise
        return OperationResult(value=answer, created=True)

    @operation(
        "draft.release",
        "a person releases it",
        roles=CASES,
        about=About.CASE,
        answer=Submitted | ReleasedFirst,
        units=Units.NARROWED,
        by_person=True,
        creates=True,
        takes_in=True,
    )
    async def release_draft(self, asked: ReleaseVersion, key: str | None, caller: Caller) -> OperationResult:
        """A person releases a draft; the consent it relies on may be added here, for a file never creates one. Where it
        needs two people the first one's release is kept with it, and it goes when a different person releases the same.
        Raises RefusedError changed_meanwhile where it is not the version that the caller has seen.
        """
        arguments: Json = asked.model_dump(mode="json", exclude={"if_match"})  # a key is of the act, whatever was seen
        said: dict[str, Json] = {"operation": "draft.release", "arguments": arguments, "actor": caller.actor}
        if (done := await self._submission.find_answer(key, said)) is not None:
            return done
        row, sealed = await find_draft(self._content.store, asked.id)
        if row.state != WAITING or row.ref not in sealed:
            raise RefusedError(Code.CONFLICT, f"the draft is {row.state}; nothing was sent")
        draft = drafted(self._content.sealer, sealed[row.ref])
        of_case = await case_of(self._content, row.id)
        if asked.if_match not in (None, await find_version(self._content, row.id, draft)):
            raise _changed()
        first = await self._content.store.read(lambda c: first_of(self._content.sealer, c, row))
        request = complete(draft, asked, pseudonym(first or caller.actor, self._actor))
        request |= of_case
        actor, now = pseudonym(caller.actor, self._actor), self._clock.now()
        approver = None
        two = two_person_release.needs_two(str(request.get("type")), header_of(request)) or asked.two_people
        if two or row.first is not None:
            if first is None:
                return await self._release_first(row, sealed[row.ref], of_case, request, caller, key, said)
            _check_second(row, asked, caller)
            approver = actor
            request["header"] = two_person_release.approved(header_of(request), approver)

        def also(connection: Connection) -> None:
            _still_waits(connection, row, sealed[row.ref], of_case)
            if approver is not None:
                check_two(self._content.sealer, connection, row, caller)
            local.set_draft_state(connection, row.id, was=WAITING, to=RELEASED)
            case_rows.unlink(connection, [draft_key(row.id)])  # the conversation is of the case now
            journal.append_leaf(connection, leaf(now, "draft.released", id=row.id, actor=actor))

        done = await self._submission.submit(
            request, key=key or f"draft.{row.id}", origin=row.origin, approver=approver, also=also, said=said
        )
        await answering_opens(self._content.store, self._local_receipts, request)
        self._wakeups.handover.set()
        return done

    async def _try_out(self, request: Mapping[str, Json]) -> None:
        """Judge it as a whole, as if a second person had approved it. Raises RefusedError."""
        trial = {**request, "header": two_person_release.approved(header_of(request), SECOND)}
        await self._preparation.try_out(trial, approver=SECOND)

    async def _release_first(
        self,
        row: DraftRow,
        sealed: SealedRow,
        of_case: Mapping[str, Json],
        request: Mapping[str, Json],
        caller: Caller,
        key: str | None,
        said: Mapping[str, Json],
    ) -> OperationResult:
        """Judge it, and keep it as this person released it."""
        await self._try_out(request)
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)
        kept = self._content.sealer.seal(row.ref, canon(dict(request)))
        answer: dict[str, Json] = {"id": row.id, "state": WAITING_SECOND}

        def move(connection: Connection) -> None:
            _still_waits(connection, row, sealed, of_case)
            content.erase(connection, row.ref)
            content.put(connection, [kept])
            local.set_first(connection, row.id, caller.actor.encode())
            self._submission.keep_answer(connection, key, said, answer, at=now)
            journal.append_leaf(connection, leaf(now, "draft.released_first", id=row.id, actor=actor))

        await self._content.store.move(move)
        return OperationResult(value=answer)


async def answering_opens(store: Store, local_receipts: LocalReceipts, request: Mapping[str, Json]) -> None:
    """A human's answer implies that what it answers was opened (nrm1 12.6)."""
    reply_to = request.get("in_reply_to")
    if not isinstance(reply_to, str):
        return
    rows, hashes = await store.read(lambda c: incoming(c, reply_to))
    if len(rows) == 1 and rows[0].state == Incoming.HANDED_OVER:
        await local_receipts.opened(rows, hashes)


def _check_second(row: DraftRow, asked: ReleaseDraft, caller: Caller) -> None:
    """Return where this is a second, different person who adds nothing to what the first one released."""
    if row.first == caller.actor.encode():
        raise _same_person()
    if any(added is not None for added in (asked.consent, asked.reply_to, asked.conversation)):
        raise RefusedError(
            Code.CONFLICT,
            "the first person released this as it is; nothing was sent",
            hint="release it without additions; or change the draft, and both release it again",
        )


def _still_waits(connection: Connection, row: DraftRow, sealed: SealedRow, of_case: Mapping[str, Json]) -> None:
    """Return if nobody changed the draft since it was read, nor took it to another case. Raises RefusedError, nothing
    was sent.
    """
    current, held = local.get_draft(connection, row.id), content.get(connection, [row.ref]).get(row.ref)
    same = held is not None and held.data == sealed.data and case_now(connection, row.id) == of_case
    if current is None or current.state != WAITING or current.first != row.first or not same:
        raise RefusedError(
            Code.CONFLICT,
            "the draft was released, changed or discarded meanwhile; nothing was sent",
            hint="trm draft show prints it as it is now",
        )


def _changed() -> RefusedError:
    return RefusedError(
        Code.CHANGED_MEANWHILE,
        "the draft is not the one you have seen; nothing was sent",
        hint="read it again, and release the version that it has now",
    )


def _same_person() -> RefusedError:
    return RefusedError(
        Code.CONFLICT, "the same person released this already; it still waits for a different one; nothing was sent"
    )
