"""A JSON API behind the port: items of its list become drafts, received messages are posted once for each key.

An API is trusted to recognise a key: by the header Idempotency-Key, or by being asked before (`find_path`). The
journal of the adapter records what the API has acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from adapters.kit.fingerprint import fingerprint
from adapters.kit.items import delivery_to_json, notice_to_json
from adapters.kit.journal import Journal, kept
from adapters.kit.mapping import MappingFile
from adapters.kit.memory import Turn
from adapters.kit.names import is_plain
from adapters.kit.setup.local import look_at_mapping, look_at_secret, look_in_turn
from adapters.kit.setup.needs import Need, faults_of
from adapters.kit.threads import in_thread
from adapters.rest.api import Api, value_at
from adapters.rest.fields import flatten_item, nest_fields
from adapters.rest.files import ApiFiles
from adapters.rest.setup import BAD_REF, look_at_api
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Delivery, Description, Erasure, Json, LocalRecord, Notice


class RestAdapter:
    """The API that `api` reaches. `ref` is the pointer to the name of an item, `mapping` makes drafts of items,
    `journal` is a file of its own. `whole`: a message is posted as a document, else as its mapped record only;
    `notices` is the path for news, None where the API takes none; `erasing` is what erasing an item here comes to, and
    `deleting` what a DELETE of the API does; `files` is the pointer to the list of an item's files.
    """

    kind = "rest"

    def __init__(
        self,
        api: Api,
        *,
        create: str,
        mapping: Path,
        journal: Path,
        ref: str,
        whole: bool,
        notices: str | None,
        erasing: Erasure,
        deleting: Erasure,
        files: str = "/files",
    ) -> None:
        self.api = api
        self._files = ApiFiles(api, listed=files)
        self._create = create
        self._mapping = MappingFile(mapping)
        self._journal = Journal(journal)
        self._ref = ref
        self._whole = whole
        self._notices = notices
        self._erasing = erasing
        self._deleting = deleting
        self._place = journal
        self._turn = Turn(journal)
        self._lock = Lock()
        self._versions: dict[str, str] = {}

    def describe(self) -> Description:
        """Describe the adapter; the settings state what erasing means in this API."""
        return Description(
            kind=self.kind,
            version="1",
            target=self.api.base,
            can_pull=True,
            can_push=True,
            erasure=self._erasing,
            takes_files=self._files.are_taken,
            gives_files=self._files.are_given,
        )

    async def check(self) -> Sequence[Finding]:
        """Check that the list can be read to its end, and that its items have names."""
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at the journal, the files of this machine, the list and its names; nothing is made in the API."""
        return await look_in_turn(self._turn, self._place, self._journal, self._lock, self._look)

    async def _look(self) -> list[Need]:
        here = [await look_at_mapping(self._lock, self._mapping)]
        here += [await look_at_secret(self._lock, path, what) for what, path in self.api.secrets.items()]
        if faults_of(here):
            return here
        there = look_at_api(
            self.api, self._files, create=self._create, notices=self._notices, ref=self._ref, name_of=_ref_of
        )
        return [*here, *[need async for need in there]]

    async def pull(self) -> Sequence[LocalRecord]:
        """Return the items of the list that are not settled, or were changed since they were refused."""
        async with self._turn:
            await kept(self._lock, self._journal.check)
            name, edition = await in_thread(self._lock, self._mapping.name_and_edition)
            read = [self._record(item, name) async for item in self.api.items()]
            versions: dict[str, set[str]] = {}
            for record, version in read:
                versions.setdefault(record.ref, set()).add(version)
            found: dict[str, LocalRecord] = {}
            for record, version in read:
                # Two different items with one name: settling one would settle the other, and a person would be lost.
                if len(versions[record.ref]) > 1:
                    record = self._twice(record, version)
                if await kept(self._lock, self._journal.is_due, record.ref, f"{version}/{edition}"):
                    self._versions[record.ref] = f"{version}/{edition}"
                    found[record.ref] = record
            return [*found.values()]

    def _record(self, item: Mapping[str, Any], mapping: str) -> tuple[LocalRecord, str]:
        """Make a record of an item, and a text that differs when the item does."""
        version = fingerprint(item)
        ref = _ref_of(item, self._ref)
        fields: dict[str, Json] = {}
        faults: list[Finding] = []
        if ref is None:
            ref = f"~{version}"
            faults.append(Finding(place=f"list, member {self._ref}", rule="bad_ref", hint=BAD_REF))
        place = f"item {ref}"
        flatten_item(item, "", place, fields, faults)
        files, wrong = self._files.of_item(item, ref)
        faults += wrong
        if self._files.are_given:
            fields.pop(self._files.label, None)
        record = LocalRecord(
            ref=ref,
            fields={} if faults else fields,
            mapping=mapping,
            places={name: f"{place}, member {name}" for name in fields},
            faults=tuple(faults),
            files=() if faults else files,
        )
        return record, version

    def _twice(self, record: LocalRecord, version: str) -> LocalRecord:
        """Make one faulty record of several items with one name, under a name that reveals nothing: nobody knows which
        is meant.

        An item that a list in pages shows twice is the same one, and no fault.
        """
        place = f"item {record.ref}, member {self._ref}"
        fault = Finding(place=place, rule="ref_twice", hint="two items have one name")
        return replace(record, ref=f"~{version}", fields={}, files=(), faults=(fault,))

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Report the outcome of reading an item to the API, and record it."""
        async with self._turn:
            version = self._versions.get(record.ref)
            # After a restart no version is known; what the journal has settled stays settled, all else comes again.
            if version is None:
                if not await kept(self._lock, self._journal.is_settled, record.ref):
                    raise RefusedError(Code.NOT_FOUND, "no such item was pulled here")
                return
            due = await kept(self._lock, self._journal.is_due, record.ref, version)
            if self._notices is not None and due:
                await self.api.tell(self._notices, f"{notice.key}.{record.ref}", notice_to_json(notice))
            await kept(self._lock, self._journal.settle, record.ref, notice, version)

    async def push(self, item: Delivery | Notice) -> str:
        """Post an item, once for each key; return the id that the API gave, or the key. Its files come before it."""
        if not _is_key(item.key):
            raise RefusedError(Code.INVALID, "an item needs a printable idempotency key")
        if isinstance(item, Delivery) and item.attachments and self._files.are_taken:
            async with self._turn:
                known = await self._known(item)
            if known is None:
                self._body(item)  # what cannot be posted brings no files
                await self._files.put(item)  # without the turn: it may take long, and they are of this key alone
        async with self._turn:
            local_id = await self._known(item)
            if local_id is None:
                local_id = await self._post(item)
                await kept(self._lock, self._journal.hand, item.key, local_id)
            return local_id

    async def _known(self, item: Delivery | Notice) -> str | None:
        """Return the local id of an item that is there already: the answer to an earlier post may have been lost after
        the API had made it.
        """
        known = await kept(self._lock, self._journal.id_of, item.key)
        if known is None and isinstance(item, Delivery) and (known := await self.api.find(item.key)) is not None:
            await kept(self._lock, self._journal.hand, item.key, known)
        return known

    async def _post(self, item: Delivery | Notice) -> str:
        if isinstance(item, Delivery):
            return await self.api.create(self._create, item.key, self._body(item))
        if self._notices is None:
            return item.key  # the API was configured to hear no news
        return await self.api.create(self._notices, item.key, notice_to_json(item))

    def _body(self, item: Delivery) -> Json:
        if self._whole:
            return delivery_to_json(item)
        if item.record is None:
            what = "no mapping file makes a record of this message"
            raise RefusedError(Code.ADAPTER_REFUSED, what, hint='deal with it at the desk, or set body = "document"')
        return nest_fields(item.record.fields)

    async def status(self, local_id: str) -> str:
        """Return `posted` or `erased`."""
        async with self._turn:
            await kept(self._lock, self._journal.require, local_id)
            gone = await kept(self._lock, self._journal.answer_to_erasing, local_id)
            return "posted" if gone is None else "erased"

    async def erase(self, local_id: str) -> Erasure:
        """Delete a posted item, where the API can, and its files; by its key also files whose item was never posted."""
        async with self._turn:
            found = await self._find(local_id)
            if found is None:
                if _is_key(local_id) and await self._files.drop(local_id):
                    return self._deleting
                raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")
            told = await kept(self._lock, self._journal.answer_to_erasing, found)
            if told is not None:
                return told
            if self._erasing is not Erasure.NOT_SUPPORTED:
                await self.api.erase(found)
            key = await kept(self._lock, self._journal.key_of, found)
            await self._files.drop(key or found)
            await kept(self._lock, self._journal.erase, found, self._erasing)
            return self._erasing

    async def _find(self, name: str) -> str | None:
        """Return the local id of an item by this id, or by its key: the API may have made one whose answer was lost."""
        known = await kept(self._lock, self._journal.id_of, name)
        if known is not None or await kept(self._lock, self._journal.key_of, name) is not None:
            return known or name
        if _is_key(name) and (known := await self.api.find(name)) is not None:
            await kept(self._lock, self._journal.hand, name, known)
        return known

    async def erase_record(self, ref: str) -> Erasure:
        """Delete an item of the list where the API can, and forget how its reading ended.

        Where it cannot, the item stays what it is: the list shows only what is ready, so nobody has looked whether it
        is there.
        """
        async with self._turn:
            settled = is_plain(ref) and await kept(self._lock, self._journal.is_settled, ref)
            if not settled and not (is_plain(ref) and ref in self._versions):
                raise RefusedError(Code.NOT_FOUND, "no such item was pulled here")
            if not self.api.erases_records:
                return Erasure.NOT_SUPPORTED
            there = await self.api.erase_record(ref)
            # Hidden is not gone: forgotten, it would be pulled anew by a list that still shows it.
            if not there or self._deleting is Erasure.ERASED:
                self._versions.pop(ref, None)
                await kept(self._lock, self._journal.forget, refs=[ref])
            if not there:
                raise RefusedError(Code.NOT_FOUND, "the API does not have the item any more")
            return self._deleting


def _is_key(text: str) -> bool:
    return text.isascii() and 1 <= len(text) <= 200 and text.isprintable()


def _ref_of(item: Mapping[str, Any], pointer: str) -> str | None:
    found = value_at(item, pointer)
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text if is_plain(text) else None
