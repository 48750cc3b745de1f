"""The adapter: the methods of `gateway.ports.Adapter` and `RecordEraser` over the calls of `system.py`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from adapters.kit.items import item_to_json, notice_to_json
from adapters.kit.mapping import name_and_edition
from adapters.kit.names import is_key, key_name
from gateway.errors import Code, Finding, GatewayError, RefusedError
from gateway.ports import Delivery, Description, Erasure, Json, LocalRecord, Notice

from .settings import TemplateSettings
from .system import CaseSystem

PAGES = 1_000
"""Pages of one pull; a system that never ends its list does not keep the node."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_KEY = re.compile(r"[a-z0-9]{1,160}")


class TemplateAdapter:
    """One case system, by its settings. Making it touches nothing."""

    def __init__(self, settings: TemplateSettings) -> None:
        self._settings = settings
        self._system = CaseSystem(settings.url, settings.user, settings.password_file, settings.patience)
        self._lock = asyncio.Lock()

    def describe(self) -> Description:
        """Describe the adapter; the system forgets erased items."""
        return Description(
            kind="template",
            version="1",
            target=self._settings.url,
            can_pull=True,
            can_push=True,
            erasure=Erasure.ERASED,
        )

    async def check(self) -> Sequence[Finding]:
        """Check that the system accepts the login and shows its list."""
        try:
            name_and_edition(self._settings.mapping)
            await self._page(0)
        except GatewayError as exc:
            return [Finding(place="case system", rule=str(exc.code), hint=exc.hint or exc.what)]
        return []

    async def pull(self) -> Sequence[LocalRecord]:
        """Return every record that is ready: the system itself keeps what was settled, so no cursor can lose one."""
        name, _ = name_and_edition(self._settings.mapping)
        found: list[LocalRecord] = []
        after = 0
        for _ in range(PAGES):
            records, following = await self._page(after)
            found += [_record(item, name) for item in records]
            if following is None:
                return found
            after = following
        raise RefusedError(Code.ADAPTER_REFUSED, "the list of the case system does not end")

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Write the outcome to the record; writing it again changes nothing."""
        await self._call("PUT", f"/records/{record.ref}/outcome", notice_to_json(notice))

    async def push(self, item: Delivery | Notice) -> str:
        """Put the item under its key: the system makes one item of it, however often it is put. The key is the local
        id.
        """
        key = key_name(item.key)
        await self._call("PUT", f"/inbox/{key}", item_to_json(item))
        return key

    async def status(self, local_id: str) -> str:
        """Return `waiting`, `read` or `erased`."""
        answer = await self._item("GET", local_id)
        return str(answer.get("state"))

    async def erase(self, local_id: str) -> Erasure:
        """Erase the content; the system keeps the key, so that a repeat finds it. The key of the item names it, too."""
        try:
            await self._item("DELETE", local_id)
        except RefusedError:
            if not is_key(local_id):
                raise
            await self._item("DELETE", key_name(local_id))
        return Erasure.ERASED

    async def erase_record(self, ref: str) -> Erasure:
        """Erase a record that was given, with its outcome."""
        status = 404
        if _ID.fullmatch(ref) is not None:
            status, _ = await self._call("DELETE", f"/records/{ref}")
        if status == 404:
            raise RefusedError(Code.NOT_FOUND, "the case system has no such record")
        return Erasure.ERASED

    async def _item(self, method: str, local_id: str) -> Mapping[str, Json]:
        unknown = RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")
        if _KEY.fullmatch(local_id) is None:
            raise unknown
        status, answer = await self._call(method, f"/inbox/{local_id}")
        if status == 404:
            raise unknown
        return answer

    async def _page(self, after: int) -> tuple[list[Json], int | None]:
        _, answer = await self._call("GET", f"/records?after={after}")
        records, following = answer.get("records"), answer.get("next")
        if not isinstance(records, list) or not (following is None or (type(following) is int and following > after)):
            raise RefusedError(Code.ADAPTER_REFUSED, "the case system answers a list that is none")
        return records, following

    async def _call(self, method: str, path: str, body: Json = None) -> tuple[int, Mapping[str, Json]]:
        async with self._lock:  # one session, and one call at a time
            return await self._system.call(method, path, body)


def _record(item: Json, mapping: str) -> LocalRecord:
    """Make the record that the mapping file reads: each member of `case` by its name; anything else is a fault."""
    known = item if isinstance(item, dict) else {}
    ref, case = known.get("id"), known.get("case")
    if not isinstance(ref, str) or _ID.fullmatch(ref) is None:
        raise RefusedError(Code.ADAPTER_REFUSED, "the case system lists a record without an id")
    places = {name: f"record {ref}, {name}" for name in case} if isinstance(case, dict) else {}
    if not isinstance(case, dict) or any(isinstance(value, dict) for value in case.values()):
        fault = Finding(place=f"record {ref}", rule="not_a_case", hint="a case has members with single values or lists")
        return LocalRecord(ref=ref, fields={}, mapping=mapping, faults=(fault,))
    return LocalRecord(ref=ref, fields=case, mapping=mapping, places=places)
