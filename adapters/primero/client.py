"""The requests to Primero v2 and the meaning of its refusals. Knows the API and nothing of messages.

Basic authentication, since it needs no session and no CSRF token. Primero locks an account for half an hour after six
wrong logins: a refused password is not sent again for that long, unless its file has changed.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson

from adapters.kit.kind import WayOut
from adapters.kit.secret import read_secret
from adapters.kit.web import PATIENCE, Body, Opened, Web
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Json

T = TypeVar("T")
PER = 100
LOCKED_SECONDS = 1860.0
MOST_PAGES = 100
_API = "/api/v2"
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}")


class PrimeroError(Exception):
    """Primero refused a request: its status, and the names of the fields it complains about, never its words."""

    def __init__(self, status: int, fields: Sequence[str], consent: bool) -> None:
        super().__init__(f"{status} {' '.join(fields)}")
        self.status = status
        self.fields = tuple(fields)
        self.consent = consent


class Primero:
    """The API as the account `user` sees it."""

    def __init__(
        self,
        base: str,
        user: str,
        password: Path,
        *,
        ca: Path | None = None,
        patience: float = PATIENCE,
        way: WayOut | None = None,
    ) -> None:
        self._web = Web(base, ca=ca, patience=patience, way=way)
        self._user = user
        self._password = password
        self._wrong: tuple[str, float] | None = None

    @property
    def base(self) -> str:
        """The address of the API."""
        return self._web.base

    @property
    def password_file(self) -> Path:
        """The file with the password of the account."""
        return self._password

    async def forms(self, record_type: str) -> Sequence[Mapping[str, Any]]:
        """Return the forms of one type of record. Primero 2.15 tells those of all roles, not of this account alone."""
        return _objects(await self._ask("GET", "/forms", query={"record_type": record_type}))

    async def lookups(self) -> Sequence[Mapping[str, Any]]:
        """Return every list of options, page by page."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            answer = await self._ask("GET", "/lookups", query={"per": str(PER), "page": str(page)})
            lists = _objects(answer)
            found += lists
            total = _object(answer, "metadata").get("total")
            if not lists or not isinstance(total, int) or len(found) >= total:
                return found
        raise TransientError(Code.ADAPTER_BUSY, f"the lists of Primero do not end within {MOST_PAGES} pages")

    async def version(self) -> str:
        """Return the version that Primero says it has, `unknown` where it says none."""
        answer = await self._ask("GET", "/system_settings")
        told = _object(answer, "data").get("primero_version")
        return told if isinstance(told, str) and _VERSION.fullmatch(told) else "unknown"

    async def people_to_refer_to(self, record_type: str) -> Sequence[str]:
        """Return the user names of those to whom this account may refer a record."""
        people = _objects(await self._ask("GET", "/users/refer-to", query={"record_type": record_type}))
        return [name for each in people if isinstance(name := each.get("user_name"), str)]

    async def changed(self, since: str | None) -> Sequence[Mapping[str, Any]]:
        """Return short forms of the cases that changed since then, that instant included; the newest first.

        Newest first, since a case that changes while pages are read then moves to the front: one may come twice, and
        none is missed.
        """
        found: dict[str, Mapping[str, Any]] = {}
        query = {"fields": _SHORT, "per": str(PER), "order_by": "last_updated_at", "order": "desc"}
        if since is not None:
            query["last_updated_at"] = f"{since}.."
        page = seen = 0
        while True:
            page += 1
            answer = await self._ask("GET", "/cases", query=query | {"page": str(page)})
            cases = _objects(answer)
            found |= {str(case["id"]): case for case in cases if "id" in case}
            seen += len(cases)
            total = _object(answer, "metadata").get("total")
            if not cases or not isinstance(total, int) or seen >= total:
                return [*found.values()]

    async def case(self, case: str) -> Mapping[str, Any]:
        """Return one case, as far as this account may see it."""
        return _object(await self._ask("GET", f"/cases/{case}"), "data")

    async def create(self, fields: Mapping[str, Json]) -> None:
        """Create a case with an id of our own: a second one with this id cannot be made."""
        try:
            await self._ask("POST", "/cases", data=fields)
        except PrimeroError as error:
            if error.status != 409:
                raise

    async def update(self, case: str, fields: Mapping[str, Json]) -> None:
        """Merge fields into a case; subforms merge by their unique_id."""
        await self._ask("PATCH", f"/cases/{case}", data=fields)

    async def disable(self, case: str) -> None:
        """Disable a case: Primero marks it as not valid and deletes nothing."""
        await self._ask("DELETE", f"/cases/{case}")

    async def attach(self, case: str, body: Body) -> None:
        """Attach a file to a case; a second time it is there twice."""
        await self._ask("POST", f"/cases/{case}/attachments", data=body)

    async def detach(self, case: str, number: int) -> None:
        """Remove a document from a case for good; one that is not there any more is no fault."""
        try:
            await self._ask("DELETE", f"/cases/{case}/attachments/{number}")
        except PrimeroError as error:
            if error.status != 404:
                raise

    @asynccontextmanager
    async def open_file(self, case: str, number: int, size: int) -> AsyncIterator[Opened]:
        """Begin to read a document of some `size` bytes."""
        headers = {"Accept": "*/*", "Authorization": self._authorization()}
        path = f"{_API}/cases/{case}/attachments/{number}"
        async with self._web.open(path, headers=headers, size=size) as opened:
            self._require_fine(opened.status, headers)
            yield opened

    async def size_of_file(self, case: str, number: int, limit: int) -> int:
        """Measure a document: where the answer does not say its size, by reading it, to `limit` and no further."""
        async with self.open_file(case, number, limit) as opened:
            size = 0 if opened.size is None else opened.size
            while opened.size is None and size <= limit and (chunk := await anext(opened.chunks, b"")):
                size += len(chunk)
            return size

    async def referrals(self, case: str) -> Sequence[Mapping[str, Any]]:
        """Return the referrals of a case that this account may see."""
        return [each for each in _objects(await self._ask("GET", f"/cases/{case}/referrals")) if "id" in each]

    async def refer(self, case: str, worker: str, notes: str) -> None:
        """Refer a case to a person here. Primero requires the consent fields of the case; nothing overrides them."""
        await self._ask("POST", f"/cases/{case}/referrals", data={"transitioned_to": worker, "notes": notes})

    async def answer(self, case: str, referral: str, status: str, reason: str = "") -> None:
        """Set the status of a referral."""
        data: dict[str, Json] = {"status": status}
        if reason:
            data["rejected_reason"] = reason
        await self._ask("PATCH", f"/cases/{case}/referrals/{referral}", data=data)

    async def revoke(self, case: str, referral: str) -> None:
        """Revoke a referral."""
        await self._ask("DELETE", f"/cases/{case}/referrals/{referral}")

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        data: Mapping[str, Json] | Body | None = None,
    ) -> Any:
        headers = {"Accept": "application/json", "Authorization": self._authorization()}
        if data is not None:
            headers["Content-Type"] = "application/json"
        body = data if data is None or isinstance(data, Body) else orjson.dumps({"data": dict(data)})
        answer = await self._web.ask(method, _API + path, headers=headers, query=query, data=body)
        self._require_fine(answer.status, headers, answer.value)
        return answer.value

    def _require_fine(self, status: int, headers: Mapping[str, str], value: Any = None) -> None:
        """Raise for a status that says no."""
        # Remembered by the header, so that a new password in the file is tried at once.
        if status == 401:
            self._wrong = (headers["Authorization"], time.monotonic())
            raise _locked_out()
        if status >= 400:
            raise _refusal(status, value)

    def _authorization(self) -> str:
        login = f"{self._user}:{read_secret(self._password, 'the password file of Primero')}"
        header = f"Basic {base64.b64encode(login.encode()).decode()}"
        if self._wrong is not None and self._wrong[0] == header:
            if time.monotonic() - self._wrong[1] < LOCKED_SECONDS:
                raise _locked_out()
            self._wrong = None
        return header


_SHORT = "id,case_id_display,last_updated_at,owned_by,referred_users"


def refusal_error(error: PrimeroError, what: str) -> RefusedError:
    """Explain a refusal to a person: the fields it is about, if any, and no word of the answer."""
    fields = f", fields {', '.join(error.fields)}" if error.fields else ""
    hint = {
        403: "the account has no right to this any more, or never had: look at its role and at the referral",
        404: "the case or the referral is not there, or was never visible to the account",
        422: "compare the fields with the forms of the role, and the mapping file",
    }.get(error.status, "")
    return RefusedError(Code.ADAPTER_REFUSED, f"Primero refuses {what} ({error.status}{fields})", hint=hint)


async def refusals_told(what: str, work: Awaitable[T]) -> T:
    """Await work at Primero; explain a refusal of `what` to a person. Raises RefusedError."""
    try:
        return await work
    except PrimeroError as error:
        raise refusal_error(error, what) from None


async def consent_told(work: Awaitable[None]) -> None:
    """Explain a refusal for lack of consent: Primero checks it at every save, also of a withdrawn referral."""
    try:
        await work
    except PrimeroError as error:
        if not error.consent:
            raise
        hint = "the consent fields of the case are not ticked: end the referral in Primero, with its administrator"
        raise RefusedError(Code.ADAPTER_REFUSED, "Primero does not let the referral end", hint=hint) from None


async def sees_too_much(client: Primero, user: str) -> bool:
    """Whether the account sees a case that it neither owns nor was referred."""
    for case in await client.changed(None):
        others = case.get("referred_users")
        if case.get("owned_by") != user and user not in (others if isinstance(others, list) else []):
            return True
    return False


def _refusal(status: int, value: Any) -> PrimeroError:
    errors = value.get("errors") if isinstance(value, dict) else None
    details = [error.get("detail") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    # Only names of fields: other details may quote the value that was refused.
    fields = [detail for detail in details if isinstance(detail, str) and detail.replace("_", "").isalnum()]
    consent = "transition.errors.consent" in orjson.dumps(errors).decode() if errors else False
    return PrimeroError(status, [field for field in fields if field.isascii() and len(field) <= 64], consent)


def _locked_out() -> TransientError:
    what = "Primero does not take the account or its password"
    hint = "put the right password into its file; until then it is asked twice an hour, so that it locks nothing"
    return TransientError(Code.ADAPTER_BUSY, what, hint=hint)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise TransientError(Code.ADAPTER_BUSY, f"Primero answers without {name}")
    return found


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    found = value.get("data") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TransientError(Code.ADAPTER_BUSY, "Primero answers without data")
    return found
