"""A client of a node's local API for programs that run beside it; the standard library alone, on any platform.

    node = Node("http://127.0.0.1:8080", token)
    node.submit(draft)                       # repeated under one key until it is answered: it goes once
    for message in node.inbox(wait=30):      # what came in and nobody has taken
        store(node.message(message["id"]))
        node.take(message["id"])             # only now the sender gets its receipt

Every operation of `GET /api/v1/openapi.json` can be asked with `ask`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
from uuid import uuid4

PREFIX = "/api/v1"
TIMEOUT = 60.0
TRIES = 5
PAUSE = 1.0
"""Seconds before the first repetition; each further one waits twice as long."""
_LATER = (429, 503)


class _Stays(HTTPRedirectHandler):
    """Sends a token to the configured address and to no other."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """Follow nothing."""
        return


_DOOR = build_opener(_Stays, ProxyHandler({}))


class ProblemError(Exception):
    """The node refused (RFC 9457); nothing was changed. `findings` name places and rules, never values."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.gate = problem.get("gate")
        self.title = str(problem.get("title", ""))
        self.hint = str(problem.get("hint", ""))
        self.findings: list[dict[str, str]] = list(problem.get("findings", ()))
        super().__init__(f"{status} {self.code}: {self.title}")


class Node:
    """One node, used with one token."""

    def __init__(self, url: str, token: str, *, timeout: float = TIMEOUT, tries: int = TRIES) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the address of a node begins with http:// or https://")
        self._url = url.rstrip("/") + PREFIX
        self._token = token
        self._timeout = timeout
        self._tries = tries

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        version: str | None = None,
    ) -> Any:
        """Send one request and return its answer. A POST has an Idempotency-Key, so it can be repeated when its answer
        was lost.

        Raises:
            ProblemError: the node refused, or was still busy at the last try.
            OSError: the node cannot be reached, also not at the last try.
        """
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        url = self._url + path + (f"?{urlencode(wanted)}" if wanted else "")
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid4().hex
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data=data, headers=headers, method=method)  # noqa: S310 (http or https: see __init__)
        for left in reversed(range(self._tries)):
            try:
                return self._answer(request)
            except ProblemError as problem:
                if problem.status not in _LATER or not left:
                    raise
            except (OSError, HTTPException) as error:
                if not left:
                    raise OSError("the node does not answer") from error
            time.sleep(PAUSE * 2 ** (self._tries - 1 - left))
        raise RuntimeError("there is at least one try")

    def _answer(self, request: Request) -> Any:
        try:
            with _DOOR.open(request, timeout=self._timeout) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                raise ProblemError(error.code, _problem(error.read())) from None

    # --- messages -------------------------------------------------------------------------------------------------

    def submit(self, draft: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Submit and release a message; it is on the disk of the node when this returns.

        A program that may be cut off gives a `key` of its own and repeats it.
        """
        return dict(self.ask("POST", "/messages", draft, key=key))

    def submit_many(self, drafts: Mapping[str, Mapping[str, Any]], *, key: str | None = None) -> dict[str, Any]:
        """Submit up to 64 drafts in one call, by a key of each. Returns by key what `submitted` it, or why it is
        `refused`: one that is refused stops no other, so look at each.
        """
        items = [{"key": name, "draft": draft} for name, draft in drafts.items()]
        answered = self.ask("POST", "/messages/batch", {"items": items}, key=key)
        return {answer["key"]: answer for answer in answered["items"]}

    def inbox(self, *, wait: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the messages that nobody has taken, oldest first; when there is none, wait up to `wait` seconds for
        one.
        """
        after: str | None = None
        while True:
            page = self.ask("GET", "/inbox", query={"wait": wait, "after": after})
            yield from page["messages"]
            if not page["messages"]:
                return
            wait, after = 0, page["next"]

    def message(self, id: str) -> dict[str, Any]:
        """Return one message with header, content and receipts."""
        return dict(self.ask("GET", f"/messages/{quote(id, safe='')}"))

    def take(self, id: str) -> dict[str, Any]:
        """Confirm that a message is stored here: its sender gets the receipt `delivered`."""
        return dict(self.ask("POST", f"/messages/{quote(id, safe='')}/ack", {}))

    # --- drafts ---------------------------------------------------------------------------------------------------

    def save(self, draft: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Keep a draft for a person to release; `findings` lists its faults."""
        return dict(self.ask("POST", "/drafts", {"draft": dict(draft)}, key=key))

    def change(self, id: str, draft: Mapping[str, Any], *, version: str) -> dict[str, Any]:
        """Replace the version of a draft that was read; refused if somebody changed it meanwhile."""
        return dict(self.ask("PUT", f"/drafts/{quote(id, safe='')}", {"draft": dict(draft)}, version=version))

    # --- looking --------------------------------------------------------------------------------------------------

    def due(self) -> list[dict[str, Any]]:
        """List the answers that are due, by whom and until when, overdue ones first."""
        return list(self.ask("GET", "/conversations/due")["due"])

    def directory(self, *, country: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
        """List the units that can be addressed."""
        return list(self.ask("GET", "/directory", query={"country": country, "role": role})["units"])

    def codes(self, name: str, *, language: str = "en") -> dict[str, str | None]:
        """Return a code list with its labels; None where a label is missing."""
        shown = self.ask("GET", f"/codes/{quote(name, safe='')}", query={"language": language})
        return {entry["code"]: entry["label"] for entry in shown["codes"]}


def _problem(data: bytes) -> Mapping[str, Any]:
    """Read a problem that the node reports; an answer of anything else on the way yields an empty one."""
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}
