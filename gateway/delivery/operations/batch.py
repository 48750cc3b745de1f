"""Many messages in one call (nrm1 12.9): each is judged, stored and answered as one that is submitted alone.

They are judged in their order, by what is loaded once for all, and what goes is written in one transaction. A refusal
is of one message and stops no other. Each has a key of its own, under which it is done once, whichever way it comes
again; the key of the call stands for its body, so a call that was cut off is repeated as it is.
"""

from __future__ import annotations

import asyncio

from gateway.database.sealed_content import Content
from gateway.delivery.operations.batch_models import BatchAnswers, BatchItem, SubmitMany
from gateway.delivery.operations.draft_models import ENQUIRY, SubmitMessage
from gateway.delivery.operations.release import ReleaseOperations
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.operations.idempotency import claim_key, free_key
from gateway.operations.models import Asked
from gateway.operations.registry import About, Admit, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, Caller
from gateway.ports import Clock, Json, OperationResult

ONE, MANY = "message.submit", "message.submit_many"


class BatchOperations:
    """The operation that submits many messages."""

    def __init__(self, *, content: Content, release: ReleaseOperations, clock: Clock) -> None:
        self._content = content
        self._release = release
        self._clock = clock

    @operation(
        MANY,
        "submit and release up to 64 messages, each for itself",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=BatchAnswers,
        units=Units.NARROWED,
        attested=True,
        example={"items": [{"key": "room-1", "draft": dict(ENQUIRY)}]},
        takes_in=True,
    )
    async def submit_many(self, asked: SubmitMany, key: str | None, caller: Caller, admit: Admit) -> OperationResult:
        """Submit and release up to 64 messages; each is answered as `message.submit` answers it alone."""
        _check_keys(asked, key)
        drafts = [item.given() for item in asked.items]
        said: Json = [{"key": item.key, "draft": draft} for item, draft in zip(asked.items, drafts, strict=True)]
        claimed = None
        if key is not None:
            claimed = await claim_key(self._content, self._clock, MANY, {"items": said}, key, caller.actor)
        each = zip(asked.items, await admit(ONE, drafts), strict=True)
        answers = await asyncio.gather(*(self._submit(item, one, caller) for item, one in each))
        if claimed is not None and not any("submitted" in answer for answer in answers):
            await free_key(self._content, claimed)
        return OperationResult(value={"items": [*answers]})

    async def _submit(self, item: BatchItem, admitted: Asked | RefusedError, caller: Caller) -> dict[str, Json]:
        try:
            if isinstance(admitted, RefusedError):
                raise admitted
            if not isinstance(admitted, SubmitMessage):
                raise RuntimeError("another operation was admitted")
            done = await self._release.submit_message(admitted, item.key, caller)
        except GatewayError as error:
            return {"key": item.key, "refused": _told(error)}
        return {"key": item.key, "submitted": done.value}


def _check_keys(asked: SubmitMany, of_call: str | None) -> None:
    """Return if each key stands for one thing. Raises RefusedError, nothing was submitted."""
    seen, twice = {of_call}, []
    for place, item in enumerate(asked.items):
        if item.key in seen:
            hint = "each message has a key of its own, and the call another one"
            twice.append(Finding(place=f"/items/{place}/key", rule="unique", hint=hint))
        seen.add(item.key)
    if twice:
        raise RefusedError(
            Code.INVALID,
            "a key stands for two things; nothing was submitted",
            hint="use a fresh random key for each new message",
            findings=twice,
        )


def _told(error: GatewayError) -> Json:
    return {
        "code": str(error.code),
        "title": error.what,
        "gate": error.code.gate,
        "hint": error.hint,
        "findings": [finding.to_json() for finding in error.findings],
        "again": isinstance(error, TransientError),
    }
