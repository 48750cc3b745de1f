"""Primero v2 behind the port (domain 11.14). Two recipes, one account with as few rights as can be.

    out   a worker refers a case to the gateway's user; the referral becomes a record; what the other country answers
          becomes its status: accepted, rejected with our reason, done
    in    a referral from abroad becomes a case of its own, never merged into another; when the consent record is there,
          it is referred to the worker here

Everything that is made carries an id derived from a key or conversation, so a repeat makes nothing twice. Before a
status is set that takes the account's access away, what has to be written is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from adapters.kit.fingerprint import fingerprint
from adapters.kit.journal import Journal, kept
from adapters.kit.mapping import MappingFile
from adapters.kit.memory import Turn
from adapters.kit.setup.local import look_at_mapping, look_at_secret, look_in_turn
from adapters.kit.setup.needs import Need, faults_of
from adapters.kit.threads import in_thread
from adapters.primero.attachments import CaseFiles
from adapters.primero.client import Primero, PrimeroError, refusal_error, refusals_told
from adapters.primero.inward import CONSENT_FIELDS, OPEN, CasesFromAbroad, begun
from adapters.primero.setup import look_at_primero
from adapters.primero.texts import NOTES, consent_unticked, fields_of, note_id, note_of, place_of
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Delivery, Description, Erasure, Json, LocalRecord, Notice

SWEEP = 60
"""Every so many looks all cases that the account sees are looked at, and not only those that changed."""


class PrimeroAdapter:
    """A Primero as `client` reaches it. `mapping` makes drafts of referrals to `user`; `journal` is a file of its own,
    outside of the node folder; `worker` is whom cases from abroad are referred to, if anybody. The field `files_field`
    takes files of messages, and documents in fields that begin with `sends` go with referrals, where these are given.
    """

    kind = "primero"

    def __init__(
        self,
        client: Primero,
        *,
        user: str,
        mapping: Path,
        journal: Path,
        worker: str | None = None,
        files_field: str | None = None,
        sends: str | None = None,
        batch: int = 100,
    ) -> None:
        self._client = client
        self._user = user
        self._mapping = mapping
        self._mapping_file = MappingFile(mapping)
        self._journal = Journal(journal)
        self._batch = batch
        self._place = journal
        self._turn = Turn(journal)
        self._worker = worker
        self._lock = Lock()
        self._files = CaseFiles(client, field=files_field, sends=sends)
        self._inward = CasesFromAbroad(client, self._files, self._journal, self._lock, user=user, worker=worker)
        self._since: str | None = None
        self._looks = 0
        self._about: dict[str, tuple[str, str]] = {}

    def describe(self) -> Description:
        """Describe the adapter; the API of Primero can disable a case and erases nothing."""
        return Description(
            kind=self.kind,
            version="1",
            target=self._client.base,
            can_pull=True,
            can_push=True,
            erasure=Erasure.DISABLED_ONLY,
            takes_files=self._files.are_taken,
            gives_files=self._files.are_given,
        )

    # --- out ------------------------------------------------------------------------------------------------------

    async def pull(self) -> Sequence[LocalRecord]:
        """Return the referrals to the gateway's user that are open and not settled, the cases changed last first."""
        async with self._turn:
            return await refusals_told("being looked at", self._pull())

    async def _pull(self) -> list[LocalRecord]:
        await kept(self._lock, self._journal.check)
        name, edition = await in_thread(self._lock, self._mapping_file.name_and_edition)
        # Now and then from the beginning: a clock of Primero that was set back would hide changes for ever.
        if self._looks % SWEEP == 0:
            self._since = None
        self._looks += 1
        cases = await self._client.changed(self._since)
        found: list[LocalRecord] = []
        for case in cases:
            found += await self._due(str(case["id"]), name, edition)
            if len(found) >= self._batch:
                return found
        # The mark moves on only when nothing is due: what was pulled and not settled has to come again.
        if not found:
            stamps = [stamp for case in cases if isinstance(stamp := case.get("last_updated_at"), str)]
            self._since = max([*stamps, *([self._since] if self._since else [])], default=None)
        return found

    async def _due(self, case: str, mapping: str, edition: str) -> list[LocalRecord]:
        """Return the referrals of one case that are due, each as a record, and a consent withdrawn in Primero."""
        ours = [each for each in await self._client.referrals(case) if each.get("transitioned_to") == self._user]
        waiting = [each for each in ours if each.get("status") == "in_progress"]
        new = [each for each in waiting if not await kept(self._lock, self._journal.is_drafted, str(each["id"]))]
        opened = [each for each in ours if each.get("status") in OPEN]
        sent = [each for each in opened if await self._fact(f"sent/{each['id']}") is not None]
        if not new and not sent:
            return []
        full = await self._client.case(case)
        records = [self._record(full, each, mapping, edition) for each in new]
        if not full.get("consent_for_services") or not full.get("disclosure_other_orgs"):
            records += [self._unticked(full, each) for each in sent]
        due = [
            each for each in records if await kept(self._lock, self._journal.is_due, each.ref, self._about[each.ref][1])
        ]
        return await self._files.give_to(full, due)

    async def _fact(self, name: str) -> Json:
        return await kept(self._lock, self._journal.fact, name)

    def _record(self, case: Mapping[str, Any], referral: Mapping[str, Any], mapping: str, edition: str) -> LocalRecord:
        """Make a record of a referral and its case. Changes by notes of this adapter do not count as changes of the
        record.
        """
        ref = str(referral["id"])
        fields, places, faults = fields_of(case, referral, place_of(case))
        said = {name: value for name, value in fields.items() if not name.startswith("last_updated")}
        version = fingerprint(said, [[fault.place, fault.rule] for fault in faults], *self._files.marks_of(case))
        self._about[ref] = (str(case["id"]), f"{version}/{edition}")
        return LocalRecord(
            ref=ref, fields={} if faults else fields, mapping=mapping, places=places, faults=tuple(faults)
        )

    def _unticked(self, case: Mapping[str, Any], referral: Mapping[str, Any]) -> LocalRecord:
        """Make a record of a withdrawal: the worker removed the consent after referring the case; people decide."""
        ref = f"{referral['id']}.consent"
        self._about[ref] = (str(case["id"]), "unticked")
        return LocalRecord(ref=ref, fields={}, faults=(consent_unticked(case),))

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Remember that the referral became a draft, or show in its case why it did not."""
        async with self._turn:
            case, version = self._about.get(record.ref, (await self._case_of_ref(record.ref), ""))
            if case is None:
                raise RefusedError(Code.NOT_FOUND, "no such referral was pulled here")
            if version or not await kept(self._lock, self._journal.is_settled, record.ref):
                await self._tell(case, record.ref, notice)
                await kept(self._lock, self._journal.note, f"case/{record.ref}", case)
                await kept(self._lock, self._journal.settle, record.ref, notice, version)

    async def _tell(self, case: str, ref: str, notice: Notice) -> None:
        """Write news about a referral as a note of its case; remembered first, so that it can be taken out again."""
        told = await self._fact(f"news/{ref}")
        known, note = told if isinstance(told, list) else [], note_id(notice.key)
        if note not in known:
            await kept(self._lock, self._journal.note, f"news/{ref}", [*known, note])
        await refusals_told("a note on the referral", self._client.update(case, {NOTES: [note_of(notice)]}))

    async def _case_of_ref(self, ref: str) -> str | None:
        case = await self._fact(f"case/{ref}")
        return case if isinstance(case, str) else None

    # --- in -------------------------------------------------------------------------------------------------------

    async def push(self, item: Delivery | Notice) -> str:
        """Show a message or news as a note of its case, make what it asks for, and remember that."""
        async with self._turn:
            known = await kept(self._lock, self._journal.id_of, item.key)
            if known is not None:
                return known
            if not 1 <= len(item.key) <= 200:
                raise RefusedError(Code.INVALID, "an item needs an idempotency key")
            work = self._message(item) if isinstance(item, Delivery) else self._news(item)
            case = await refusals_told("what belongs to this item", work)
            return await self._hand(item.key, case)

    async def _hand(self, key: str, case: str) -> str:
        await kept(self._lock, self._journal.hand, key, local_id := f"{case}/{note_id(key)}")
        await kept(self._lock, self._journal.forget, facts=[begun(key)])
        return local_id

    async def _news(self, notice: Notice) -> str:
        case = await self._case_of_ref(notice.ref)
        if case is None:
            raise RefusedError(Code.NOT_FOUND, "the news is about no referral of this Primero")
        await self._tell(case, notice.ref, notice)
        if notice.conversation is not None:
            await kept(self._lock, self._journal.note, f"conversation/{notice.conversation}", [case, notice.ref])
            await kept(self._lock, self._journal.note, f"sent/{notice.ref}", notice.conversation)
        return case

    async def _message(self, item: Delivery) -> str:
        linked = await self._fact(f"conversation/{item.conversation}")
        match linked:
            case [str(case), str(referral)]:
                await self._inward.answer(case, referral, item)
                return case
            case _:
                return await self._inward.take(item)

    # --- afterwards -----------------------------------------------------------------------------------------------

    async def status(self, local_id: str) -> str:
        """Return `noted`, `erased`, or the state that the worker here gave a case from abroad."""
        async with self._turn:
            await kept(self._lock, self._journal.require, local_id)
            case = local_id.partition("/")[0]
            if await kept(self._lock, self._journal.answer_to_erasing, local_id) is not None:
                return "erased"
            try:
                ours = [
                    each for each in await self._client.referrals(case) if each.get("transitioned_by") == self._user
                ]
            except PrimeroError:
                return "out_of_reach"
            return str(ours[-1].get("status")) if ours else "noted"

    async def erase(self, local_id: str) -> Erasure:
        """Remove the note and the documents of a message, and disable the case that a referral from abroad made. The
        history of Primero keeps the content until its administrator removes it.
        """
        async with self._turn:
            key, local_id = local_id, await self._find(local_id)
            told = await kept(self._lock, self._journal.answer_to_erasing, local_id)
            if told is not None:
                return told
            case, _, note = local_id.partition("/")
            answer = await self._inward.erase(case, note)
            if await kept(self._lock, self._journal.key_of, local_id) is None:
                await self._hand(key, case)  # so that nothing brings it anew
            await kept(self._lock, self._journal.erase, local_id, answer)
            return answer

    async def _find(self, name: str) -> str:
        """Return the local id of an item by this id or by its key, also of one that a kill left unfinished."""
        case = await self._fact(begun(name))
        return f"{case}/{note_id(name)}" if isinstance(case, str) else await kept(self._lock, self._journal.find, name)

    async def erase_record(self, ref: str) -> Erasure:
        """Remove the notes that were written about a referral to another country, and forget who was told of it.

        The case belongs to a worker here, and the API erases nothing: a person has to. That the referral was read stays
        noted, by ids of Primero alone, so that it does not go out once more.
        """
        async with self._turn:
            case = self._about[ref][0] if ref in self._about else await self._case_of_ref(ref)
            if case is None:
                raise RefusedError(Code.NOT_FOUND, "no such referral was pulled here")
            notes = await self._fact(f"news/{ref}")
            gone: list[Json] = [{"unique_id": id, "_delete": True} for id in notes] if isinstance(notes, list) else []
            if gone:
                try:
                    await self._client.update(case, {NOTES: gone})
                except PrimeroError as error:
                    if error.status not in {403, 404}:  # those: the access ended with the referral
                        raise refusal_error(error, "the erasure") from None
            await kept(self._lock, self._journal.forget, facts=[f"news/{ref}", f"sent/{ref}"])
            return Erasure.NOT_SUPPORTED

    async def check(self) -> Sequence[Finding]:
        """Check that Primero answers, that its forms have the fields read and written here, and that the account sees
        no more than it must.
        """
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at the journal, the files of this machine, the account and the forms; nothing is written in Primero."""
        return await look_in_turn(self._turn, self._place, self._journal, self._lock, self._look)

    async def _look(self) -> list[Need]:
        here = [
            await look_at_mapping(self._lock, self._mapping_file),
            await look_at_secret(self._lock, self._client.password_file, "password file"),
        ]
        if faults_of(here):
            return here
        there = look_at_primero(
            self._client,
            user=self._user,
            worker=self._worker,
            mapping=self._mapping,
            written=(NOTES, "other_agency_id", *CONSENT_FIELDS),
            files_field=self._files.field,
            sends=self._files.sends,
        )
        return [*here, *[need async for need in there]]
