"""One request of one person: who asks, in which language, and how a page asks the node.

Page       a row of the table of pages: address, what it does, and the operation whose right opens it
Console    the parts that every request shares: settings, operations of the node, sign-in, sections
Visit      one request; `ask` is the only way to the node, and goes by the rights of the person
Form       what was filled in: one value for a name, or several, bounded
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from aiohttp import BodyPartReader, web

from gateway.console import looks
from gateway.console.cookies import LOOK, LOOKS
from gateway.console.navigation.sections import Section, choose_rail, find_current
from gateway.console.navigation.waiting import NOTHING, Waiting, Waits
from gateway.console.refusals import RefusalText, explain_refusal
from gateway.console.settings import Settings
from gateway.console.words import Words
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.ports import File, Operations, Person, SignIn
from gateway.operations.registry import may, visible
from gateway.ports import Json
from keys.primitives.encoding import b64u, sha256_hex

FIELDS = 2_000
"""Fields of one form; the longest of our own has a few hundred."""
LONGEST = 20_000
"""Characters of one field."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file of which only the digest is kept: a photo of a sheet has a few million."""
CHUNK = 1024 * 1024
"""Bytes that are read at once: more than a connection holds back, or aiohttp puts some of them back and warns of it."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form as they came, without surrounding blanks."""

    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str, otherwise: str = "") -> str:
        """Return the first value of a field."""
        return self.fields.get(name, (otherwise,))[0]

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a field, such as ticked boxes."""
        return self.fields.get(name, ())

    def __contains__(self, name: str) -> bool:
        return bool(self.one(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Everything that stays the same from one request to the next."""

    settings: Settings
    desk: Operations
    sign_in: SignIn
    sections: Sequence[Section]
    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of one person. `person` is None on the few pages that are open to everybody."""

    console: Console
    request: web.Request
    words: Words
    person: Person | None = None
    session: str = field(default="", repr=False)
    waits: Waits = NOTHING

    @property
    def settings(self) -> Settings:
        """The settings of the console."""
        return self.console.settings

    @property
    def who(self) -> Person:
        """The person, on a page that requires somebody to be signed in."""
        if self.person is None:
            raise RefusedError(Code.UNAUTHORISED, "nobody is signed in")
        return self.person

    def allows(self, operation: str) -> bool:
        """Whether this person may do the operation."""
        return self.person is not None and may(self.person.caller, ROWS.get(operation))

    async def ask(self, operation: str, arguments: Mapping[str, Json] | None = None, *, key: str | None = None) -> Any:
        """Do one operation of the node as this person; content is left out where they may not read it.

        Raises RefusedError and TransientError as the operation does, and forbidden where the role has no such right.
        """
        if not self.allows(operation):
            hint = f"allowed for: {list_allowed(operation)}"
            raise RefusedError(Code.FORBIDDEN, f"your role may not do this: {operation}", hint=hint)
        done = await self.console.desk.call(operation, arguments or {}, key=key, caller=self.who.caller)
        return visible(self.who.caller, ROWS[operation], done.value)

    async def act(self, operation: str, arguments: Mapping[str, Json] | None = None, *, key: str | None = None) -> Any:
        """Do one operation in the person's name, for operations that record who did it."""
        return await self.ask(operation, arguments, key=key)

    async def file(self, arguments: Mapping[str, Json]) -> File:
        """Open one file of a message."""
        if not self.allows("attachment.read"):
            raise RefusedError(Code.FORBIDDEN, "your role may not do this: attachment.read")
        return await self.console.desk.attached(arguments, caller=self.who.caller)

    async def attach(self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int) -> Any:
        """Stream a file of ``size`` bytes to the node."""
        if not self.allows("attachment.add"):
            raise RefusedError(Code.FORBIDDEN, "your role may not do this: attachment.add")
        return (await self.console.desk.attach(arguments, chunks, size=size, caller=self.who.caller)).value

    async def form(self, longest: int = LONGEST) -> Form:
        """Read the form, with a chosen file as its text; no field is longer than ``longest``.

        Raises RefusedError for what no form of ours sends.
        """
        try:
            posted = await self.request.post()
        except web.HTTPRequestEntityTooLarge as error:
            raise RefusedError(Code.TOO_LARGE, "the form is too large; nothing was done") from error
        except (ValueError, LookupError) as error:
            raise RefusedError(Code.MALFORMED, "this is not a form of these pages; nothing was done") from error
        fields: dict[str, tuple[str, ...]] = {}
        for name, given in posted.items():
            value = _text(given, longest)
            if len(value) > longest or len(fields) > FIELDS:
                raise RefusedError(Code.TOO_LARGE, "a field of the form is too long; nothing was done")
            fields[name] = (*fields.get(name, ()), value.replace("\r\n", "\n").strip())
        return Form(fields)

    async def form_with_digest(self, file: str) -> tuple[Form, str]:
        """Read a form with a file of which nothing is kept but its SHA-256, in hex; empty where no file was chosen.

        Raises RefusedError as `form` does, and for a file above `LARGEST_FILE`.
        """
        if self.request.content_type != "multipart/form-data":
            return await self.form(), ""
        fields: dict[str, tuple[str, ...]] = {}
        digest = ""
        try:
            async for part in await self.request.multipart():
                if not isinstance(part, BodyPartReader) or not (name := _name(part)):
                    raise RefusedError(Code.MALFORMED, "this is not a form of these pages; nothing was done")
                if name == file:
                    digest = await _digest(part)
                    continue
                value = (await _read(part, 4 * LONGEST)).decode("utf-8", "replace")
                if len(value) > LONGEST or len(fields) > FIELDS:
                    raise RefusedError(Code.TOO_LARGE, "a field of the form is too long; nothing was done")
                fields[name] = (*fields.get(name, ()), value.replace("\r\n", "\n").strip())
        except (ValueError, LookupError) as error:
            raise RefusedError(Code.MALFORMED, "this is not a form of these pages; nothing was done") from error
        return Form(fields), digest

    def key(self) -> str:
        """Make an idempotency key for a form: sent twice, it is done once."""
        return b64u(self.settings.rand(16))

    def at(self, moment: int) -> str:
        """Format a moment as local day and time."""
        return self.words.time(moment, self.settings.offset(moment))

    def page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Render a page from its template in the reader's language."""
        common = {"visit": self, "person": self.person, "settings": self.settings}
        return web.Response(
            text=looks.render_page(template, self.words, **common, **values), status=status, content_type="text/html"
        )

    def refused(self, error: Exception, *, status: int) -> web.Response:
        """Show the page that says what was refused, what was left unchanged, and what to do."""
        return self.page("refused.html", status=status, told=self.told(error))

    def told(self, error: Exception) -> RefusalText:
        """Explain a refusal in the reader's language."""
        return explain_refusal(error, self.words)

    def shown(self) -> list[Section]:
        """List the sections that this person may open."""
        return [section for section in self.console.sections if self.allows(section.operation)]

    def rail(self) -> list[Section]:
        """List the sections that stand beside each page for this person."""
        return [] if self.person is None else choose_rail(self.shown(), self.person.caller.roles)

    def current(self) -> Section | None:
        """Find the section beside the page to which it belongs."""
        return find_current(self.rail(), self.request.path)

    @property
    def look(self) -> str:
        """The colours that the person chose: light, dark, or empty for what the system has."""
        chosen = self.request.cookies.get(LOOK, "")
        return chosen if chosen in LOOKS else ""

    @staticmethod
    def go(address: str) -> web.Response:
        """Redirect to another page after something was done."""
        return web.Response(status=303, headers={"Location": address})


def _name(part: BodyPartReader) -> str:
    """Return the name of a field. aiohttp takes a leading slash off it, as if it were the name of a file."""
    said = Message()
    said["Content-Disposition"] = part.headers.get("Content-Disposition", "")
    name = said.get_param("name", header="content-disposition")
    return name if isinstance(name, str) else ""


async def _digest(part: BodyPartReader) -> str:
    """Return the digest of a file; empty where it has no content, as where none was chosen."""
    content = await _read(part, LARGEST_FILE)
    return sha256_hex(content) if content else ""


async def _read(part: BodyPartReader, most: int) -> bytes:
    held = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        held += chunk
        if len(held) > most:
            raise RefusedError(Code.TOO_LARGE, "a field or file of the form is too large; nothing was done")
    return bytes(held)


def _text(given: str | bytes | bytearray | web.FileField, longest: int) -> str:
    """Return a field as text. A form without a chosen file has empty bytes in its place."""
    if isinstance(given, web.FileField):
        given = given.file.read(4 * longest + 1)
    return given if isinstance(given, str) else given.decode("utf-8", "replace")


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`operation`: who may do it may open the page; None for everybody who is signed in, `OPEN` for everybody.

    `long`: takes a form that a session may end over. What was filled in is given back, and comes again with the act
    `again`: it is to be shown, and nothing done.
    """

    method: str
    path: str
    handler: Handler
    operation: str | None
    long: bool = False


OPEN = ""


def list_allowed(operation: str) -> str:
    """The roles that may do an operation, for a hint."""
    return ", ".join(ROWS[operation].allowed if operation in ROWS else ()) or "the owner of the node"
