"""Requests to a JSON API that is described by its configuration: login, paging, signing. Knows nothing of messages."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import orjson

from adapters.kit.kind import WayOut
from adapters.kit.secret import read_secret
from adapters.kit.web import Answer, Body, Opened, Web
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Attachment, Json

MOST_PAGES = 1000

Query = dict[str, list[str]]
"""A query in which a name may stand several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The login of a request: `bearer`, `basic` with a user as `name`, or the header `name`."""

    kind: str
    name: str | None
    secret: Path

    def header(self) -> dict[str, str]:
        """Build the header of a request; the file is read each time."""
        secret = read_secret(self.secret, "the file with the secret of the API")
        match self.kind:
            case "basic":
                return {"Authorization": f"Basic {base64.b64encode(f'{self.name}:{secret}'.encode()).decode()}"}
            case "header":
                return {str(self.name): secret}
            case _:
                return {"Authorization": f"Bearer {secret}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """The paging of a list: `none`; `page` and `offset` by a parameter, until a page is empty; `cursor` by the value at
    `next` of an answer; `link` by the header Link with rel="next" (RFC 8288).
    """

    kind: str
    param: str
    first: int
    size_param: str | None
    size: int
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The paths below the address; `items` and `created` are JSON pointers into answers.

    `files` is where the files of a message lie, and `record_files` those of an item; None where the API has none.
    """

    list: str
    items: str
    created: str
    find: str | None
    erase: str | None
    record: str | None = None
    files: str | None = None
    record_files: str | None = None


class Api:
    """One API at `base`. Posts are signed as Standard Webhooks when `signing` names a secret."""

    def __init__(
        self,
        base: str,
        *,
        login: Login,
        paging: Paging,
        paths: Paths,
        ca: Path | None = None,
        signing: Path | None = None,
        way: WayOut | None = None,
    ) -> None:
        self._web = Web(base, ca=ca, way=way)
        self._login = login
        self._paging = paging
        self._paths = paths
        self._signing = signing

    def have_patience(self, seconds: float) -> None:
        """Set the seconds to wait for each following answer."""
        self._web.have_patience(seconds)

    @property
    def paths(self) -> Paths:
        """The paths below the address."""
        return self._paths

    @property
    def secrets(self) -> Mapping[str, Path]:
        """The files of the login and, where posts are signed, of the signing secret, by what each is."""
        return {"login secret": self._login.secret} | (
            {} if self._signing is None else {"signing secret": self._signing}
        )

    @property
    def base(self) -> str:
        """The address of the API."""
        return self._web.base

    async def items(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every item of the list, page by page."""
        path, query = _parted(self._paths.list)
        paging, place = self._paging, self._paging.first if self._paging.kind == "page" else 0
        if paging.size_param is not None:
            query[paging.size_param] = [str(paging.size)]
        for _ in range(MOST_PAGES):
            if paging.kind in {"page", "offset"}:
                query[paging.param] = [str(place)]
            answer = await self._ask("GET", path, query=query)
            found = _list_at(answer, self._paths.items)
            for item in found:
                yield item
            place += len(found) if paging.kind == "offset" else 1
            match paging.kind:
                case "page" | "offset" if found:
                    continue
                case "cursor" if (cursor := value_at(answer.value, paging.next)) not in (
                    None,
                    "",
                    *query.get(paging.param, ()),
                ):
                    query[paging.param] = [str(cursor)]
                case "link" if (following := self._following(answer, path)) is not None:
                    path, query = following
                case _:
                    return
        # Half a list is not a list: a record beyond it would never be seen, and nobody would know.
        raise TransientError(Code.ADAPTER_BUSY, f"the list of the API does not end within {MOST_PAGES} pages")

    def _following(self, answer: Answer, path: str) -> tuple[str, Query] | None:
        """Return the next page of a Link header, only below our address: a login must not follow a link elsewhere."""
        for part in answer.headers.get("Link", "").split(","):
            target, _, rest = part.strip().partition(">")
            if target.startswith("<") and 'rel="next"' in rest.replace("rel=next", 'rel="next"'):
                url = urljoin(self.base + path, target[1:])
                if not url.startswith(f"{self.base}/"):
                    raise TransientError(Code.ADAPTER_BUSY, "the list of the API goes on at another address")
                return _parted(url.removeprefix(self.base))
        return None

    async def find(self, key: str) -> str | None:
        """Find the id of the item created with this key, where the API can be asked."""
        if self._paths.find is None:
            return None
        path, query = _parted(self._paths.find.replace("{key}", quote(key, safe="")))
        answer = await self._ask("GET", path, query=query, fine=404)
        found = [] if answer.status == 404 else _list_at(answer, self._paths.items)
        return _id(found[0], self._paths.created) if found else None

    async def create(self, path: str, key: str, body: Json) -> str:
        """Post a document with its key; return the id in the answer, or the key."""
        answer = await self._ask("POST", path, data=orjson.dumps(body), key=key)
        return _id(answer.value, self._paths.created) or key

    async def tell(self, path: str, key: str, body: Json) -> None:
        """Post news, which may be posted again at another time: an API that has the key with other content (409) has
        the news.
        """
        await self._ask("POST", path, data=orjson.dumps(body), key=key, fine=409)

    @property
    def erases_records(self) -> bool:
        """Whether an item of the list can be deleted by its name."""
        return self._paths.record is not None

    async def erase_record(self, ref: str) -> bool:
        """Delete an item of the list; return False when it is not there any more."""
        return await self.delete((self._paths.record or "").replace("{ref}", quote(ref, safe="")))

    async def erase(self, local_id: str) -> bool:
        """Delete an item; return False when it is not there any more."""
        return await self.delete((self._paths.erase or "").replace("{id}", quote(local_id, safe="")))

    async def put_file(self, path: str, file: Attachment) -> None:
        """Put a file under a path, in place of what lies there, with its hash as RFC 9530 writes it."""
        digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        about = {"Content-Type": file.media_type, "Content-Digest": f"sha-256=:{digest}:"}
        await self._ask("PUT", path, data=Body(size=file.size, chunks=file.read()), about=about)

    @asynccontextmanager
    async def open_file(self, path: str, size: int) -> AsyncIterator[Opened]:
        """Begin to read the file at a path. Raises RefusedError(not_found) where there is none."""
        headers = {"Accept": "*/*", **self._login.header()}
        async with self._web.open(path, headers=headers, size=size) as opened:
            if opened.status in {404, 410}:
                raise RefusedError(Code.NOT_FOUND, "the API does not have the file")
            _require_fine("GET of a file", opened.status)
            yield opened

    async def delete(self, path: str) -> bool:
        """Delete what a path names; return False when there is nothing."""
        answer = await self._ask("DELETE", path, fine=404)
        return answer.status != 404

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        data: bytes | Body | None = None,
        about: Mapping[str, str] | None = None,
        key: str | None = None,
        fine: int | None = None,
    ) -> Answer:
        headers = {"Accept": "application/json", **self._login.header(), **(about or {})}
        if isinstance(data, bytes) and key is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key, **self._signature(key, data)}
        asked = [(name, value) for name, values in (query or {}).items() for value in values]
        answer = await self._web.ask(method, path, headers=headers, query=asked, data=data)
        if answer.status != fine:
            _require_fine(method, answer.status)
        return answer

    def _signature(self, key: str, data: bytes) -> dict[str, str]:
        if self._signing is None:
            return {}
        secret = read_secret(self._signing, "the file with the signing secret")
        now = datetime.now(UTC)
        try:
            from standardwebhooks import Webhook

            signed = Webhook(secret).sign(key, now, data.decode())
        except ImportError as exc:
            hint = "install trm-gateway[rest]"
            raise RefusedError(Code.INVALID, "nothing is installed that signs webhooks", hint=hint) from exc
        except (ValueError, RuntimeError):
            hint = "whsec_ and base64 of at least 24 bytes"
            raise RefusedError(Code.INVALID, "the signing secret is none of Standard Webhooks", hint=hint) from None
        return {"webhook-id": key, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signed}


def _require_fine(method: str, status: int) -> None:
    """Raise for a status that says no."""
    # Transient: an administrator renews the secret, and no message may be refused meanwhile.
    if status in {401, 407}:
        hint = "put the right secret into its file; it is read at each request"
        raise TransientError(Code.ADAPTER_BUSY, "the API does not take the login", hint=hint)
    if status >= 400:
        hint = "look at the log of the API, and at the paths and rights"
        raise RefusedError(Code.ADAPTER_REFUSED, f"the API refuses a {method} ({status})", hint=hint)


def value_at(value: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer, None if there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _id(value: Any, pointer: str) -> str | None:
    found = value_at(value, pointer)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None


def _list_at(answer: Answer, pointer: str) -> Sequence[Mapping[str, Any]]:
    found = value_at(answer.value, pointer)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TransientError(Code.ADAPTER_BUSY, f"the API answers without a list at {pointer or 'its top'}")
    return found


def _parted(text: str) -> tuple[str, Query]:
    parts = urlsplit(text)
    return parts.path, parse_qs(parts.query, keep_blank_values=True)
