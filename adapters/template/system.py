"""The interface of the case system, call by call, and the one place where its faults become errors of the contract.

POST /login                     {user, password} -> {token}
GET  /records?after=N           {records: [{number, id, case}], next: N or null}: what is ready to be sent, by pages
PUT  /records/ID/outcome        {kind, at, code, findings}: what became of it; it is not ready any more
DELETE /records/ID              it is erased, with its outcome; 404 where it is not there
PUT  /inbox/KEY                 a received message or news; 201 new, 200 known, 410 erased before
GET  /inbox/KEY                 {state}
DELETE /inbox/KEY               its content is erased, its key is kept
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from adapters.kit.secret import read_secret
from adapters.kit.strict_json import read_json, write_json
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Json

MOST = 8 << 20
"""Bytes of an answer."""


class CaseSystem:
    """One case system. A session is begun when it is needed and again when it has ended."""

    def __init__(self, url: str, user: str, password: Path, patience: float) -> None:
        self._url = url.rstrip("/")
        self._user = user
        self._password = password
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._token: str | None = None

    async def call(self, method: str, path: str, body: Json = None) -> tuple[int, Mapping[str, Json]]:
        """Call the interface; return the status, below 300 or 404 or 410, and the object of the answer.

        Raises:
            TransientError: time can mend it: no connection, no answer in time, 429, 5xx.
            RefusedError: a person has to look: credentials, or an answer that is not of this interface.
        """
        if self._token is None:
            self._token = await self._log_in()
        status, answer = await self._ask(method, path, body, self._token)
        if status == 401:
            self._token = await self._log_in()
            status, answer = await self._ask(method, path, body, self._token)
        if status == 401 or status == 403:
            self._token = None
            raise RefusedError(Code.ADAPTER_REFUSED, "the case system lets the gateway do nothing here")
        return status, answer

    async def _log_in(self) -> str:
        password = read_secret(self._password, "the password file")
        status, answer = await self._ask("POST", "/login", {"user": self._user, "password": password}, None)
        token = answer.get("token")
        if status == 401 or not isinstance(token, str):
            raise RefusedError(
                Code.ADAPTER_REFUSED, "the case system does not take the credentials", hint="look at user and password"
            )
        return token

    async def _ask(self, method: str, path: str, body: Json, token: str | None) -> tuple[int, Mapping[str, Json]]:
        headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        data = None if body is None else write_json(body)
        try:
            async with aiohttp.ClientSession(timeout=self._patience) as session:
                request: Any = {"data": data, "headers": headers, "allow_redirects": False}
                async with session.request(method, self._url + path, **request) as response:
                    return response.status, _object(response.status, await response.content.read(MOST + 1))
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise TransientError(Code.ADAPTER_BUSY, "the case system cannot be reached") from exc


def _object(status: int, data: bytes) -> Mapping[str, Json]:
    """Return the object of an answer. Any other status is an error whose text is not looked at."""
    if status == 429 or status >= 500:
        raise TransientError(Code.ADAPTER_BUSY, f"the case system answers {status}")
    if status >= 300 and status not in (401, 403, 404, 410):
        raise RefusedError(Code.ADAPTER_REFUSED, f"the case system answers {status}")
    value, findings = read_json(data, limit=MOST)
    if findings or not isinstance(value, dict):
        raise RefusedError(Code.ADAPTER_REFUSED, "the case system answers something that is not of its interface")
    return value
