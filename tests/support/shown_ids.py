"""Random ids, hashes and ids of nodes that people would see, and a walk over the pages that a real node fills."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from support.consoles import Console

from gateway.console.looks import is_random_id
from gateway.demo.training.crew import FOCAL, WORKER, Crew
from gateway.operations.roles import Role
from gateway.ports import Json, OperationResult

ALLOWED = re.compile(
    r"/(operations|audit(?!/reads)|trust/(changes|own|peers|policy)|people/|histories/|protection/cases|shell)"
    r"|/consents/[^/]+/sheet"
)
"""Pages of proof and of running the node, on which an id is what people look for; the paper that names a consent."""
_SILENT = frozenset({"script", "style", "template"})
_WORD = re.compile(r"[\w-]+")


class _Visible(HTMLParser):
    """Collects the text between elements; values of fields and addresses are not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag == "a" and (address := dict(attrs).get("href")):
            self.links.append(address)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def find_ids(page: str) -> list[str]:
    """List what nobody can read out: ids of 22 characters of base64url, hashes, ids of nodes."""
    return [word for text in _read(page).texts for word in _WORD.findall(text) if is_random_id(word)]


def list_links(page: str) -> list[str]:
    """List the pages of the console that a page leads to, without what stands behind a #."""
    links = (link.partition("#")[0] for link in _read(page).links)
    return [link for link in dict.fromkeys(links) if link.startswith("/") and not link.startswith("//")]


def _read(page: str) -> _Visible:
    seen = _Visible()
    seen.feed(page)
    return seen


@dataclass
class CrewDesk:
    """Asks the node of a crew, as the person who has the role of the reader, or as the owner of the node."""

    crew: Crew
    who: str | None = None

    async def call(self, operation: str, arguments: Mapping[str, Json], **_: Any) -> OperationResult:
        """The answer of the real node."""
        given = dict(arguments)
        asked = (
            self.crew.owner if self.who is None else lambda name, **said: self.crew.ask(self.who or "", name, **said)
        )
        return OperationResult(value=asked(operation, **given))


ACTING: Mapping[Role, str | None] = {
    Role.FOCAL_POINT: FOCAL,
    Role.CASE_WORKER: WORKER,
    Role.OPERATOR: None,
    Role.AUDITOR: None,
}


async def walk_pages(there: Console, start: str, most: int = 400) -> dict[str, str]:
    """Open every page that can be reached by links from a page; by address."""
    waiting, seen = deque([start]), dict[str, str]()
    while waiting and len(seen) < most:
        address = waiting.popleft()
        if address in seen or address.startswith(("/leave", "/static", "/sign")):
            continue
        answer = await there.get(address)
        if "Location" in answer.headers:
            waiting.append(answer.headers["Location"])
        if answer.status == 200 and answer.headers.get("Content-Type", "").startswith("text/html"):
            seen[address] = answer.text
            waiting += list_links(answer.text)
    return seen
