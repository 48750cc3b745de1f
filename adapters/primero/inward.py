"""What comes from abroad into a Primero: answers to referrals of workers here, and cases of its own (domain 11.14).

A referral from abroad becomes one case under an id derived from its conversation, so that a repeat makes nothing twice.
"""

from __future__ import annotations

from threading import Lock

from adapters.kit.journal import Journal, kept
from adapters.primero.attachments import CaseFiles
from adapters.primero.client import Primero, PrimeroError, consent_told, refusal_error
from adapters.primero.texts import CONSENT, NOTES, case_fields, consent_fields, note_id, note_of, uuid_of
from gateway.errors import Code, RefusedError
from gateway.ports import Delivery, Erasure, Json

REQUEST = "referral.request/1"
MAKES_A_CASE = frozenset({REQUEST, CONSENT})
WITHDRAWAL = "consent.withdrawal/1"
ANSWERS = {"referral.accept/1": "accepted", "referral.decline/1": "rejected", "case.closure/1": "done"}
BEFORE = {"accepted": ("in_progress",), "rejected": ("in_progress",), "done": ("accepted",)}
OPEN = ("in_progress", "accepted")
CONSENT_FIELDS = ("consent_for_services", "disclosure_other_orgs")


def begun(key: str) -> str:
    """Name the fact that says to which case a message goes, until it is there."""
    return f"begun/{key}"


class CasesFromAbroad:
    """The referrals and cases that messages from abroad change, with the `files` of cases. `user` is the gateway's
    account, `worker` whom cases are referred to, if anybody.
    """

    def __init__(
        self, client: Primero, files: CaseFiles, journal: Journal, lock: Lock, *, user: str, worker: str | None
    ) -> None:
        self._client = client
        self._files = files
        self._journal = journal
        self._lock = lock
        self._user = user
        self._worker = worker

    async def answer(self, case: str, referral: str, item: Delivery) -> None:
        """Write the other country's answer to a referral by a worker here. The note is written first: with the referral
        ends the account's access to the case.
        """
        await self._show(case, item, {})
        now = next((each for each in await self._client.referrals(case) if each["id"] == referral), None)
        status = None if now is None else now.get("status")
        wanted = ANSWERS.get(item.type)
        if item.type == WITHDRAWAL and status in OPEN:
            await consent_told(self._client.revoke(case, referral))
        elif wanted is not None and status in BEFORE[wanted]:
            reason = item.content.get("reason") if wanted == "rejected" else None
            await consent_told(self._client.answer(case, referral, wanted, str(reason or "")))

    async def take(self, item: Delivery) -> str:
        """Bring the case of a conversation up to date with a message, and return its id; the first ones make it.

        Raises RefusedError(adapter_refused) for a message that has no case and makes none.
        """
        case = uuid_of(f"case/{item.conversation}")
        if not await self._is_noted(f"made/{case}"):
            if item.type not in MAKES_A_CASE:
                what = "this message has no case in Primero"
                raise RefusedError(Code.ADAPTER_REFUSED, what, hint="answer it at the desk of the node")
            # The id is derived from the conversation: a create whose answer was lost is refused the second time.
            await self._client.create({"id": case, "other_agency_id": item.conversation[:64]})
            await kept(self._lock, self._journal.note, f"made/{case}", True)
        if item.type == REQUEST and not await self._is_noted(f"request/{case}"):
            await kept(self._lock, self._journal.note, f"request/{case}", note_id(item.key))
        fields: dict[str, Json] = {} if item.record is None else case_fields(item.record.fields, item.key)
        await self._show(case, item, fields | consent_fields(item))
        if item.type in MAKES_A_CASE and self._worker is not None:
            await self._refer(case, self._worker)
        elif item.type == WITHDRAWAL:
            for each in await self._client.referrals(case):
                if each.get("transitioned_by") == self._user and each.get("status") in OPEN:
                    await consent_told(self._client.revoke(case, str(each["id"])))
            # After the referrals: Primero demands these fields at every save of one.
            await self._client.update(case, dict.fromkeys(CONSENT_FIELDS, False))
        return case

    async def erase(self, case: str, note: str) -> Erasure:
        """Remove the documents and the note of a message, and disable the case that it made."""
        try:
            await self._files.remove(case, note)
            gone: Json = {"unique_id": note, "_delete": True}
            await self._client.update(case, {NOTES: [gone]})
            if await kept(self._lock, self._journal.fact, f"request/{case}") == note:
                await self._client.disable(case)
        except PrimeroError as error:
            # The account lost its access with the end of the referral, so nothing can be erased from here.
            if error.status in {403, 404}:
                return Erasure.NOT_SUPPORTED
            raise refusal_error(error, "the erasure") from None
        return Erasure.DISABLED_ONLY

    async def _show(self, case: str, item: Delivery, fields: dict[str, Json]) -> None:
        """Bring the files of a message to its case, then write the fields and the note that tells of them."""
        again = await self._is_noted(begun(item.key))
        # First of all: after a kill the key alone leads to what is there of it, and has to be erased.
        await kept(self._lock, self._journal.note, begun(item.key), case)
        await self._files.bring(case, item, again=again)
        await self._client.update(case, fields | {NOTES: [note_of(item, self._files.lines_about(item))]})

    async def _is_noted(self, name: str) -> bool:
        return await kept(self._lock, self._journal.fact, name) is not None

    async def _refer(self, case: str, worker: str) -> None:
        """Refer the case to the worker here, once, and only with the consent fields that the grants have set."""
        full = await self._client.case(case)
        if full.get("consent_for_services") is not True or full.get("disclosure_other_orgs") is not True:
            return
        if not any(each.get("transitioned_to") == worker for each in await self._client.referrals(case)):
            await self._client.refer(case, worker, "from another country, by the gateway")
